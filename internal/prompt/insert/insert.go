// Package insert puts a rendered prompt into the body of a call, in the dialect of its client: as if the application had sent it.
//
// What the prompt says stands in front of what the call says. Settings of the prompt fill in what the call leaves open, and never
// replace what it says.
package insert

import (
	"slices"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// ErrSurface is for calls that have no place for a prompt.
var ErrSurface = fault.New(fault.Invalid, "prompt.no_place", "A prompt cannot be used with this endpoint. Use it with chat completions, responses, messages, completions or generateContent.")

// Edits are what is changed in a body.
type Edits struct {
	Changes  []provider.Change
	Warnings []string // what of the prompt this dialect cannot say
}

// Into gives the changes that put a prompt into a body, which is an object. ErrSurface.
func Into(d provider.Name, body []byte, messages []prompt.Rendered, c *prompt.Content) (Edits, error) {
	w := writer{has: members(body)}
	switch d {
	case provider.OpenAIChat:
		w.openAIChat(messages, c)
	case provider.OpenAIResponses, provider.OpenAICursor:
		w.openAIResponses(messages, c)
	case provider.AnthropicMessages:
		w.anthropic(messages, c)
	case provider.Gemini, provider.GeminiArray:
		w.gemini(messages, c)
	case provider.OpenAICompletions:
		w.completions(messages, c)
	default:
		return Edits{}, ErrSurface
	}
	return w.out, nil
}

// writer collects changes to one body.
type writer struct {
	has map[string][]byte // members of the body that are not null
	out Edits
}

func members(body []byte) map[string][]byte {
	has := map[string][]byte{}
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		if !w.IsNull() {
			has[string(w.Key)] = w.Value()
		}
	}
	return has
}

func (w *writer) set(name string, value []byte) {
	w.out.Changes = append(w.out.Changes, provider.Change{Name: name, Value: string(value)})
}

// fill sets what the call leaves open. Of several names of a thing the call may have used any.
func (w *writer) fill(name string, value []byte, aliases ...string) {
	if len(value) == 0 || w.has[name] != nil || slices.ContainsFunc(aliases, func(a string) bool { return w.has[a] != nil }) {
		return
	}
	w.set(name, value)
}

func (w *writer) warn(what string) {
	w.out.Warnings = append(w.out.Warnings, "left out of the prompt: "+what)
}

// object is a JSON object under way.
type object []byte

func (o object) str(name, value string) object {
	return o.raw(name, wire.AppendString(nil, value))
}

func (o object) raw(name string, value []byte) object {
	if len(o) == 0 {
		o = append(o, '{')
	} else {
		o = append(o, ',')
	}
	o = append(wire.AppendString(o, name), ':')
	return append(o, value...)
}

func (o object) end() []byte {
	if len(o) == 0 {
		return []byte("{}")
	}
	return append(o, '}')
}

// list is a JSON array of elements and what another array holds.
func list(first [][]byte, rest []byte) []byte {
	out := []byte{'['}
	add := func(e []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	for _, e := range first {
		add(e)
	}
	if len(rest) > 0 && rest[0] == '[' {
		for a := wire.Walk(rest); a.Next(); {
			add(a.Value())
		}
	} else if len(rest) > 0 {
		add(rest)
	}
	return append(out, ']')
}

// role is a message's; a text prompt is an instruction.
func role(m *prompt.Rendered) string {
	if m.Role == "" {
		return "system"
	}
	return m.Role
}
