package openaichat

import (
	"encoding/json"
	"testing"
)

func FuzzArgumentsAreWholeWhenTheyAreJSON(f *testing.F) {
	for _, seed := range []string{`{"a":"}\\\"{"} `, `[]`, `{}{}`, `{} x`, ` {"a":[1,{"b":2}]}`, `"text"`, `12`, `{"a":1`, `}`, `]{}`, `{"a":]}`} {
		f.Add(seed, uint8(1))
	}
	f.Fuzz(func(t *testing.T, text string, step uint8) {
		var a arguing
		for at := 0; at < len(text); {
			end := min(len(text), at+int(step)+1)
			a.take(text[at:end])
			at = end
			if got, want := a.whole(), json.Valid(a.text); got != want && (len(a.text) <= scalarMax || got) {
				t.Fatalf("%q is whole: %v, is JSON: %v", a.text, got, want)
			}
		}
	})
}
