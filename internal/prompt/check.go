package prompt

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/prompt/template"
)

// The bounds of what a prompt carries.
const (
	nameRunesMax     = 255
	descriptionMax   = 2000
	messageRunesMax  = 500
	tagsMax          = 32
	messagesMax      = 200
	variablesMax     = 100
	casesMax         = 50
	contentBytesMax  = 512 << 10
	promptsMax       = 5000
	versionsMax      = 2000
	regexpLengthMax  = 1000
	assertionBytesMx = 64 << 10
)

var (
	labelForm       = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,35}$`)
	placeholderForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
)

func invalid(field, format string, args ...any) error {
	return ErrInvalid.Say(format, args...).At(field)
}

// CheckName refuses what is no name: 1 to 255 characters in folders separated by single slashes. What addresses another prompt in a
// template ends with @ and a number or : and a label, so a name has neither sign.
func CheckName(name string) error {
	switch {
	case name == "" || !fault.OneLine(name, nameRunesMax):
		return invalid("name", "A name has 1 to %d characters on one line.", nameRunesMax)
	case strings.ContainsAny(name, "@:|{}?#%\\"):
		return invalid("name", "A name has none of @ : | { } ? # %% \\.")
	}
	for _, folder := range strings.Split(name, "/") {
		if folder == "" || strings.TrimSpace(folder) != folder || folder == "." || folder == ".." {
			return invalid("name", "Folders are separated by one slash, and each has a name.")
		}
	}
	return nil
}

// CheckLabel refuses what is no label that can be moved.
func CheckLabel(label string) error {
	switch {
	case label == Latest:
		return invalid("label", "latest is the newest version and cannot be moved.")
	case !labelForm.MatchString(label):
		return invalid("label", "A label has 1 to 36 lower-case letters, digits, dots, hyphens or underscores.")
	}
	return nil
}

// check refuses content that breaks a rule, apart from its templates: see Link.
func (c *Content) check(k Kind) error {
	if raw, err := Encode(*c); err != nil || len(raw) > contentBytesMax {
		return invalid("content", "A version has at most 512 KiB.")
	}
	switch {
	case k == Text && (c.Messages != nil || c.Text == ""):
		return invalid("text", "A text prompt has a text and no messages.")
	case k == Chat && (len(c.Messages) == 0 || c.Text != "" || len(c.Messages) > messagesMax):
		return invalid("messages", "A chat prompt has 1 to %d messages and no text of its own.", messagesMax)
	case c.Escape != "" && !slices.Contains(template.Escapes, c.Escape):
		return invalid("escape", "%q is no way to escape: write none, xml, json or line.", fault.Clip(string(c.Escape)))
	case len(c.Variables) > variablesMax:
		return invalid("variables", "At most %d variables.", variablesMax)
	}
	for i := range c.Variables {
		if err := c.Variables[i].Check(); err != nil {
			return err
		}
		if slices.ContainsFunc(c.Variables[:i], func(v template.Variable) bool { return v.Name == c.Variables[i].Name }) {
			return invalid("variables."+c.Variables[i].Name, "The variable is declared twice.")
		}
	}
	if err := c.checkMessages(); err != nil {
		return err
	}
	return c.checkSettings()
}

func (c *Content) checkMessages() error {
	for i, m := range c.Messages {
		at := "messages." + strconv.Itoa(i)
		switch {
		case m.Placeholder != "" && (m.Role != "" || m.Text != ""):
			return invalid(at, "A placeholder has a name and nothing else.")
		case m.Placeholder != "" && !placeholderForm.MatchString(m.Placeholder):
			return invalid(at+".placeholder", "The name of a placeholder has letters, digits and underscores.")
		case m.Placeholder != "" && slices.ContainsFunc(c.Variables, func(v template.Variable) bool { return v.Name == m.Placeholder }):
			return invalid(at+".placeholder", "A placeholder and a variable cannot share the name %q.", m.Placeholder)
		case m.Placeholder == "" && !slices.Contains(Roles, m.Role):
			return invalid(at+".role", "A message is of system, developer, user or assistant.")
		}
	}
	return nil
}

// routing fields are decided elsewhere: by the call, its alias and its key.
var notParameters = []string{"model", "messages", "input", "stream", "stream_options", "tools", "response_format", "prompt", "tollgate", "n", "user", "metadata"}

func (c *Content) checkSettings() error {
	for field, raw := range map[string]json.RawMessage{"parameters": c.Parameters, "schema": c.Schema, "config": c.Config} {
		var object map[string]json.RawMessage
		if len(raw) > 0 && (json.Unmarshal(raw, &object) != nil || object == nil) {
			return invalid(field, "This must be an object.")
		}
		for name := range object {
			if field == "parameters" && slices.Contains(notParameters, name) {
				return invalid("parameters."+name, "%q is no parameter of a prompt: the call, the alias or another field of the version says it.", name)
			}
		}
	}
	var tools []map[string]json.RawMessage
	if len(c.Tools) > 0 && json.Unmarshal(c.Tools, &tools) != nil {
		return invalid("tools", "Tools are a list of objects.")
	}
	if len(c.Cases) > casesMax {
		return invalid("cases", "At most %d cases.", casesMax)
	}
	for i, k := range c.Cases {
		for j, a := range k.Assert {
			at := "cases." + strconv.Itoa(i) + ".assert." + strconv.Itoa(j)
			if err := a.check(); err != nil {
				return ErrInvalid.Say("%s", err.Error()).At(at)
			}
		}
	}
	return nil
}

// normal is content in its one form: empty parts are absent, and documents are compact.
func (c Content) normal() Content {
	for _, raw := range []*json.RawMessage{&c.Parameters, &c.Tools, &c.Schema, &c.Config} {
		var b bytes.Buffer
		if t := string(bytes.TrimSpace(*raw)); t == "" || t == "null" || json.Compact(&b, *raw) != nil {
			if t == "" || t == "null" {
				*raw = nil
			}
			continue
		}
		*raw = b.Bytes()
	}
	if len(c.Variables) == 0 {
		c.Variables = nil
	}
	if len(c.Refs) == 0 {
		c.Refs = nil
	}
	if len(c.Cases) == 0 {
		c.Cases = nil
	}
	if c.Escape == template.None {
		c.Escape = ""
	}
	return c
}

// oneLine is what somebody says of a change, trimmed.
func oneLine(field, message string) (string, error) {
	message = strings.TrimSpace(message)
	if !fault.OneLine(message, messageRunesMax) {
		return "", invalid(field, "This has at most %d characters on one line.", messageRunesMax)
	}
	return message, nil
}
