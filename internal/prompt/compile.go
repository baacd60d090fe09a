package prompt

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tollgate/internal/fault"
	"tollgate/internal/prompt/template"
)

// Roles are those that a message of a prompt may have.
var Roles = []string{"system", "developer", "user", "assistant"}

// Compiled is a version made ready for calls. It is immutable and safe for use by many goroutines.
type Compiled struct {
	variables []template.Variable
	messages  []part
	room      int // about how long the longest text is, without what variables hold
}

type part struct {
	role        string
	text        *template.Template
	placeholder string
}

// Mistake is a Problem with the part of the content in which it stands: "text", "messages.2.text".
type Mistake struct {
	At string
	template.Problem
}

// Parts gives the compiled template of another prompt's text, by what stands in the braces.
type Parts func(ref string) (t *template.Template, reason string)

// Compile makes content ready, or says everything that is wrong with its templates.
func Compile(c Content, parts Parts) (*Compiled, []Mistake) {
	o := template.Options{Variables: c.Variables, Escape: c.Escape, Partial: parts}
	out := &Compiled{variables: c.Variables}
	var mistakes []Mistake
	add := func(at, role, text string) {
		t, problems := template.Compile(text, o)
		out.room = max(out.room, len(text))
		for _, p := range problems {
			mistakes = append(mistakes, Mistake{at, p})
		}
		out.messages = append(out.messages, part{role: role, text: t})
	}
	if c.Messages == nil {
		add("text", "", c.Text)
	}
	for i, m := range c.Messages {
		if m.Placeholder != "" {
			out.messages = append(out.messages, part{placeholder: m.Placeholder})
			continue
		}
		add("messages."+strconv.Itoa(i)+".text", m.Role, m.Text)
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	return out, nil
}

// Rendered is one message: of a text prompt the only one, without a role; or messages that the call sent, as they came.
type Rendered struct {
	Role  string
	Text  string
	Sent  json.RawMessage // of a placeholder: one message in the client's own form; Role and Text are then empty
	From  string          // of a placeholder: its name
	Index int             // of a placeholder: the message's place in what was sent, from 0
}

// Render fills the prompt in. Whatever variables hold, there are exactly the messages that the version has and those that were sent for its
// placeholders, in its order and with its roles. template.ErrMissing, ErrType, ErrLength, ErrTooLong; ErrFill, ErrUndeclared.
func (c *Compiled) Render(variables map[string]json.RawMessage) ([]Rendered, error) {
	if err := c.known(variables); err != nil {
		return nil, err
	}
	values, err := template.Bind(c.variables, variables)
	if err != nil {
		return nil, err
	}
	out := make([]Rendered, 0, len(c.messages))
	scratch := drafts.Get().(*[]byte) //nolint:forcetypeassert // nothing else is in there
	buf := slices.Grow((*scratch)[:0], c.room+sizes(variables))
	defer func() {
		if *scratch = buf; cap(buf) <= draftMax {
			drafts.Put(scratch)
		}
	}()
	for i := range c.messages {
		m := &c.messages[i]
		if m.placeholder != "" {
			if out, err = fill(out, m.placeholder, variables[m.placeholder]); err != nil {
				return nil, err
			}
			continue
		}
		if buf, err = m.text.Append(buf[:0], values); err != nil {
			return nil, err
		}
		out = append(out, Rendered{Role: m.role, Text: string(buf)})
	}
	return out, nil
}

// drafts are where texts grow before their length is known; longer ones are rare, and would be hoarded.
var drafts = sync.Pool{New: func() any { return new([]byte) }}

const draftMax = 64 << 10

// sizes is how long variables are together.
func sizes(variables map[string]json.RawMessage) (n int) {
	for _, v := range variables {
		n += len(v)
	}
	return min(n, 1<<20)
}

// known refuses what is sent and has no place in the prompt: most often a name that is spelt otherwise, whose hole would stay empty.
func (c *Compiled) known(variables map[string]json.RawMessage) error {
	unknown := ""
	for name := range variables {
		if slices.ContainsFunc(c.variables, func(v template.Variable) bool { return v.Name == name }) ||
			slices.ContainsFunc(c.messages, func(m part) bool { return m.placeholder == name }) {
			continue
		}
		if unknown == "" || name < unknown {
			unknown = name
		}
	}
	if unknown == "" {
		return nil
	}
	return ErrUndeclared.Say("The prompt has no variable %q. %s", fault.Clip(unknown), c.takes()).At("variables." + fault.Clip(unknown))
}

// takes says which variables there are.
func (c *Compiled) takes() string {
	var names []string
	for i := range c.variables {
		names = append(names, c.variables[i].Name)
	}
	for i := range c.messages {
		if p := c.messages[i].placeholder; p != "" && !slices.Contains(names, p) {
			names = append(names, p)
		}
	}
	if len(names) == 0 {
		return "It takes none."
	}
	return "It takes " + fault.Clip(strings.Join(names, ", ")) + "."
}

// fill adds the messages that were sent for a placeholder. None sent are none.
func fill(out []Rendered, name string, sent json.RawMessage) ([]Rendered, error) {
	if len(sent) == 0 || string(bytes.TrimSpace(sent)) == "null" {
		return out, nil
	}
	var list []json.RawMessage
	if json.Unmarshal(sent, &list) != nil {
		return nil, ErrFill.Say("What is sent for %q must be a list of messages.", name).At("variables." + name)
	}
	for i, raw := range list {
		var m struct {
			Role *string `json:"role"`
			Type *string `json:"type"` // of items of the Responses API, some of which have no role
		}
		if json.Unmarshal(raw, &m) != nil || m.Role == nil && m.Type == nil {
			return nil, ErrFill.Say("Message %d of %q is no message with a role.", i, name).At("variables." + name)
		}
		out = append(out, Rendered{Sent: raw, From: name, Index: i})
	}
	return out, nil
}

// Placeholders are the names of the prompt's placeholders, in their order.
func (c *Content) Placeholders() []string {
	var out []string
	for _, m := range c.Messages {
		if m.Placeholder != "" && !slices.Contains(out, m.Placeholder) {
			out = append(out, m.Placeholder)
		}
	}
	return out
}
