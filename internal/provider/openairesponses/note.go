package openairesponses

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// note is what another provider needs to get back with a part of its answer: its signature, its opaque reasoning, what only it can
// say. Clients of this dialect send reasoning items back as they got them, so a note travels as the encrypted content of one.
type note struct {
	Kind      string                     `json:"k"` // of the part: thinking, redacted, text, call
	CallID    string                     `json:"i,omitempty"`
	Signature string                     `json:"s,omitempty"`
	Data      string                     `json:"d,omitempty"`
	Extra     map[string]json.RawMessage `json:"x,omitempty"`
}

// notePrefix begins every note. What this API encrypts is base64 and never begins so.
const notePrefix = "tollgate:note:"

func (n note) text() string {
	return notePrefix + base64.RawURLEncoding.EncodeToString(wire.Marshal(n))
}

// readNote reads a note; false for anything else.
func readNote(text string) (note, bool) {
	rest, ok := strings.CutPrefix(text, notePrefix)
	if !ok {
		return note{}, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil {
		return note{}, false
	}
	var n note
	return n, json.Unmarshal(raw, &n) == nil && n.Kind != ""
}

// noteFor gives the note of a part that another provider made; false when there is nothing to keep.
func noteFor(p chat.Part) (note, bool) {
	n := note{Signature: p.Signature, Data: p.Data}
	switch p.Kind {
	case chat.Thinking:
		n.Kind = "thinking"
	case chat.Redacted:
		n.Kind = "redacted"
	case chat.ToolCall:
		n.Kind, n.CallID = "call", p.ID
	case chat.Text:
		n.Kind = "text"
		if p.Signature == "" { // its Extra are citations, which are told as annotations
			return note{}, false
		}
	default:
		return note{}, false
	}
	for name, raw := range p.Extra {
		if name == dialectName || !json.Valid(raw) {
			continue
		}
		if n.Extra == nil {
			n.Extra = map[string]json.RawMessage{}
		}
		n.Extra[name] = raw
	}
	return n, n.Signature != "" || n.Data != "" || n.Extra != nil
}

// seal makes what this API encrypted fit to travel through clients of any dialect.
func seal(id, encrypted string) string {
	if encrypted == "" {
		return ""
	}
	return provider.Seal(provider.OpenAIResponses, id+":"+encrypted)
}

// unseal opens what seal closed.
func unseal(text string) (id, encrypted string, own bool) {
	maker, plain := provider.Unseal(text)
	if maker != provider.OpenAIResponses {
		return "", "", false
	}
	id, encrypted, own = strings.Cut(plain, ":")
	return id, encrypted, own
}

// foreignEdits cut the items out of a body that hold notes: they are for other providers, and this API refuses what it did not
// encrypt. Nothing is searched for in a body without the mark of a note.
func foreignEdits(body []byte) []wire.Edit {
	if !bytes.Contains(body, []byte(notePrefix)) {
		return nil
	}
	var edits []wire.Edit
	top := wire.Walk(body)
	for top.Next() && top.IsObject() {
		if string(top.Key) != "input" || top.Value()[0] != '[' {
			continue
		}
		cut, _ := wire.CutElements(top.Value(), top.From, isNote)
		edits = append(edits, cut...)
	}
	return edits
}

// isNote reports whether an item is a reasoning item of ours.
func isNote(raw []byte) bool {
	if len(raw) == 0 || raw[0] != '{' {
		return false
	}
	m := wire.Walk(raw)
	for m.Next() {
		if string(m.Key) == "encrypted_content" {
			return bytes.HasPrefix(m.Value(), []byte(`"`+notePrefix))
		}
	}
	return false
}
