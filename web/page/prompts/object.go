package prompts

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// member is one member of a JSON object, in the order in which it was written.
type member struct {
	name string
	raw  json.RawMessage
}

// members are those of an object; none of nothing. It reports whether the text is an object.
func members(raw json.RawMessage) ([]member, bool) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, true
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var out []member
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, false
		}
		m := member{name: name}
		if err := d.Decode(&m.raw); err != nil {
			return nil, false
		}
		out = append(out, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	_, err := d.Token()
	return out, errors.Is(err, io.EOF)
}

// object writes members as an object.
func object(all []member) json.RawMessage {
	if len(all) == 0 {
		return json.RawMessage("{}")
	}
	var b bytes.Buffer
	for i, m := range all {
		b.WriteByte("{,"[min(i, 1)])
		b.Write(quoted(m.name))
		b.WriteByte(':')
		b.Write(m.raw)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// pretty is a document as people read it; what is no JSON stays as it is.
func pretty(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}
