package prompt

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"tollgate/internal/prompt/template"
)

// Roles are those that a message of a prompt may have.
var Roles = []string{"system", "developer", "user", "assistant"}

// Compiled is a version made ready for calls. It is immutable and safe for use by many goroutines.
type Compiled struct {
	variables []template.Variable
	messages  []part
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
	Role string
	Text string
	Sent json.RawMessage // of a placeholder: one message in the client's own form; Role and Text are then empty
}

// Render fills the prompt in. Whatever variables hold, there are exactly the messages that the version has and those that were sent for its
// placeholders, in its order and with its roles. template.ErrMissing, ErrType, ErrLength, ErrTooLong; ErrFill.
func (c *Compiled) Render(variables map[string]json.RawMessage) ([]Rendered, error) {
	values, err := template.Bind(c.variables, variables)
	if err != nil {
		return nil, err
	}
	out := make([]Rendered, 0, len(c.messages))
	var buf []byte
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
		}
		if json.Unmarshal(raw, &m) != nil || m.Role == nil {
			return nil, ErrFill.Say("Message %d of %q is no message with a role.", i, name).At("variables." + name)
		}
		out = append(out, Rendered{Sent: raw})
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
