package openaichat_test

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// jsonSound reports whether body is JSON that a decoder reads in one way: valid, in UTF-8, with no key twice at the top, and no
// escapes that stand for half a character.
func jsonSound(body []byte) bool {
	if !json.Valid(body) || !utf8.Valid(body) || bytes.Contains(body, []byte(`\u`)) {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if _, err := d.Token(); err != nil {
		return false
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		if err != nil || !ok || seen[name] {
			return false
		}
		seen[name] = true
		var skip json.RawMessage
		if d.Decode(&skip) != nil {
			return false
		}
		if name == "stream_options" {
			var inner map[string]json.RawMessage
			if json.Unmarshal(skip, &inner) == nil && bytes.Count(skip, []byte(`"`)) != 2*len(inner) {
				return false // keys twice inside, or strings
			}
		}
	}
	return true
}
