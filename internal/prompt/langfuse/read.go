package langfuse

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

// Said is what a client says of a version, as it came.
type Said struct {
	Type   string          `json:"type"`   // text, chat, or empty for text
	Prompt json.RawMessage `json:"prompt"` // a string, or a list of messages and placeholders
	Config json.RawMessage `json:"config"` // an object, or nothing
}

// Draft is a version in our words. What is in its holes is declared as text that is required.
type Draft struct {
	Kind    prompt.Kind
	Content prompt.Content
	Refs    []string // other prompts that its templates name, as they stand in the braces
}

// Read turns what was said into a draft. ErrSaid names what has no meaning here.
func Read(said Said) (Draft, error) {
	d := Draft{Kind: prompt.Text}
	var err error
	switch said.Type {
	case "chat":
		d.Kind = prompt.Chat
		err = d.messages(said.Prompt)
	case "text", "":
		var text string
		if json.Unmarshal(said.Prompt, &text) != nil {
			return Draft{}, ErrSaid.Say("The prompt of a text prompt is a string.").At("prompt")
		}
		d.Content.Text, err = d.text(text)
	default:
		err = ErrSaid.Say("%q is no type: write text or chat.", fault.Clip(said.Type)).At("type")
	}
	if err != nil {
		return Draft{}, err
	}
	return d, settings(&d.Content, said.Config)
}

// text translates one template and declares what is in its holes.
func (d *Draft) text(text string) (string, error) {
	out, names, err := Template(text)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		d.declare(template.Variable{Name: name, Kind: template.String, Required: true})
	}
	for _, ref := range refs(out) {
		if !slices.Contains(d.Refs, ref) {
			d.Refs = append(d.Refs, ref)
		}
	}
	return out, nil
}

func (d *Draft) declare(v template.Variable) {
	if !slices.ContainsFunc(d.Content.Variables, func(had template.Variable) bool { return had.Name == v.Name }) {
		d.Content.Variables = append(d.Content.Variables, v)
	}
}

// Like declares variables as an earlier version of the prompt did, where Langfuse's SDKs can still compile them, and takes over its cases:
// whoever writes by such an SDK can say neither, and would take them away unseen.
func (d *Draft) Like(earlier prompt.Content) {
	for i, v := range d.Content.Variables {
		had := slices.IndexFunc(earlier.Variables, func(o template.Variable) bool { return o.Name == v.Name })
		if had >= 0 && unfit(&earlier.Variables[had]) == "" {
			d.Content.Variables[i] = earlier.Variables[had]
		}
	}
	d.Content.Cases = earlier.Cases
}

// Complete declares what the prompts that the draft names need. What lib does not have is left to whoever saves the draft.
func (d *Draft) Complete(lib prompt.Library) {
	for _, ref := range d.Refs {
		name, number, label, _ := prompt.ParseRef(ref)
		p, ok := lib.Named(name)
		if !ok {
			continue
		}
		if number == 0 {
			number = p.At(label)
		}
		c, _ := lib.Content(p.ID, number)
		for _, v := range c.Variables {
			d.declare(v)
		}
	}
}

// messages reads a list of messages and placeholders.
func (d *Draft) messages(raw json.RawMessage) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || list == nil {
		return ErrSaid.Say("The prompt of a chat prompt is a list of messages.").At("prompt")
	}
	for i, one := range list {
		m, err := d.message(one)
		if err != nil {
			return ErrSaid.Say("%s", sentence(err)).At("prompt." + strconv.Itoa(i))
		}
		d.Content.Messages = append(d.Content.Messages, m)
	}
	return nil
}

func (d *Draft) message(raw json.RawMessage) (prompt.Message, error) {
	var m struct {
		Type    string  `json:"type"`
		Role    string  `json:"role"`
		Content *string `json:"content"`
		Name    string  `json:"name"`
	}
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&m); err != nil {
		return prompt.Message{}, ErrSaid.Say("A message has role and content, which is a string; a placeholder has type and name. Nothing else can be kept.").Because(err)
	}
	switch {
	case m.Type == "placeholder":
		return prompt.Message{Placeholder: m.Name}, nil
	case m.Content == nil || m.Role == "" || m.Name != "":
		return prompt.Message{}, ErrSaid.Say("A message has a role and a content.")
	}
	text, err := d.text(*m.Content)
	return prompt.Message{Role: m.Role, Text: text}, err
}
