// Package insert puts a rendered prompt into the body of a call, in the dialect of its client: as if the application had sent it.
//
// What the prompt says stands in front of what the call says. Settings of the prompt fill in what the call leaves open, and never
// replace what it says.
package insert

import (
	"cmp"
	"slices"
	"strings"

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
	Inserts  []wire.Edit // at the head of lists that the body has, however long they are
	Warnings []string    // what of the prompt this dialect cannot say
}

// In gives the edits of the body that Into was given, with more changes of its members.
func (e Edits) In(body []byte, more ...provider.Change) []wire.Edit {
	edits := append(provider.MemberEdits(body, append(e.Changes, more...)...), e.Inserts...)
	slices.SortStableFunc(edits, func(a, b wire.Edit) int { return cmp.Or(a.From-b.From, a.To-b.To) })
	return edits
}

// Into gives the changes that put a prompt into a body, which is an object. ErrSurface; prompt.ErrFill for messages that were sent for a
// placeholder and have no place in such a body.
func Into(d provider.Name, body []byte, messages []prompt.Rendered, c *prompt.Content) (Edits, error) {
	w := newWriter(body)
	switch d {
	case provider.OpenAIChat:
		w.openAIChat(messages, c)
	case provider.OpenAIResponses, provider.OpenAICursor, provider.OpenAICount:
		w.counts = d == provider.OpenAICount
		w.openAIResponses(messages, c)
	case provider.AnthropicMessages, provider.AnthropicCount:
		w.counts = d == provider.AnthropicCount
		w.anthropic(messages, c)
	case provider.Gemini, provider.GeminiArray:
		w.gemini(messages, c)
	case provider.GeminiCount:
		w.geminiCount(messages, c)
	case provider.OpenAICompletions:
		w.completions(messages, c)
	default:
		return Edits{}, ErrSurface
	}
	if w.err != nil {
		return Edits{}, w.err
	}
	return w.out, nil
}

// writer collects changes to one body.
type writer struct {
	has    map[string][]byte // members of the body that are not null
	at     map[string]int    // where their values begin
	counts bool              // tokens are counted: settings that have none are left out
	out    Edits
	err    error // the first message that has no place here
}

func newWriter(body []byte) writer {
	out := writer{has: map[string][]byte{}, at: map[string]int{}}
	for w := wire.Walk(body); w.Next() && w.IsObject(); {
		if !w.IsNull() {
			out.has[string(w.Key)], out.at[string(w.Key)] = w.Value(), w.From
		}
	}
	return out
}

// front puts elements at the head of a list.
func (w *writer) front(name string, first [][]byte) {
	had := w.has[name]
	switch {
	case len(first) == 0 && had != nil:
	case len(had) == 0 || had[0] != '[':
		w.set(name, list(first, had))
	default:
		var text strings.Builder
		text.Grow(lengths(first))
		for i, e := range first {
			if i > 0 {
				text.WriteByte(',')
			}
			text.Write(e)
		}
		if within := wire.Walk(had); within.Next() {
			text.WriteByte(',')
		}
		at := w.at[name] + 1
		w.out.Inserts = append(w.out.Inserts, wire.Edit{From: at, To: at, With: text.String()})
	}
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

// setting is fill for what has no tokens.
func (w *writer) setting(name string, value []byte) {
	if !w.counts {
		w.fill(name, value)
	}
}

func (w *writer) warn(what string) {
	if w.counts {
		return
	}
	w.out.Warnings = append(w.out.Warnings, "left out of the prompt: "+what)
}

// object is a JSON object under way.
type object []byte

// sized is an object with room for a text.
func sized(text string) object { return make(object, 0, len(text)+len(text)/8+64) }

func (o object) str(name, value string) object {
	return wire.AppendString(o.key(name), value)
}

func (o object) raw(name string, value []byte) object {
	return append(o.key(name), value...)
}

func (o object) key(name string) object {
	if len(o) == 0 {
		o = append(o, '{')
	} else {
		o = append(o, ',')
	}
	return append(wire.AppendString(o, name), ':')
}

func (o object) end() []byte {
	if len(o) == 0 {
		return []byte("{}")
	}
	return append(o, '}')
}

// lengths is how long elements are, with the commas between them.
func lengths(elements [][]byte) (n int) {
	for _, e := range elements {
		n += len(e) + 1
	}
	return n
}

// list is a JSON array of elements and what another array holds.
func list(first [][]byte, rest []byte) []byte {
	out := append(make([]byte, 0, lengths(first)+len(rest)+2), '[')
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

// instructing reports a message that says how to answer, and is no part of the conversation.
func instructing(m *prompt.Rendered) bool { return role(m) == "system" || role(m) == "developer" }

// role is a message's; a text prompt is an instruction.
func role(m *prompt.Rendered) string {
	if m.Role == "" {
		return "system"
	}
	return m.Role
}
