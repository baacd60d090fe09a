package ui

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// FieldView is what every control has. Name is the name of the form value; it makes the id.
type FieldView struct {
	Name, Label string
	Prefix      string // before the id, where a page has two forms with the same names
	Optional    bool
	Help        string
	Error       string // how to mend it; empty when there is nothing to mend
	Fix         Link   // a link that mends it
}

// ID is the id of the control.
func (f FieldView) ID() string { return f.Prefix + "f-" + f.Name }

// Described names the texts that describe the control, for aria-describedby; it may be empty.
func (f FieldView) Described() string {
	var ids []string
	if f.Error != "" {
		ids = append(ids, f.ID()+"-error")
	}
	if f.Help != "" {
		ids = append(ids, f.ID()+"-help")
	}
	return strings.Join(ids, " ")
}

func (f FieldView) described() templ.Attributes {
	a := templ.Attributes{}
	if d := f.Described(); d != "" {
		a["aria-describedby"] = d
	}
	if f.Error != "" {
		a["aria-invalid"] = "true"
	}
	return a
}

// InputView is a field one types in.
type InputView struct {
	FieldView

	Value         string
	Type          string // "text" when empty
	Placeholder   string
	Autocomplete  string
	Inputmode     string // "numeric", "decimal"
	List          string // id of a datalist with suggestions
	Before, After string // fixed text around it: "$", "a month"
	Mono          bool
	Required      bool
	Autofocus     bool
	MaxLength     int // in characters; 0 sets none
	Rows          int // of a TextArea; 0 is 4
}

func (v InputView) secret() InputView {
	v.Type = "password"
	return v
}

func (v InputView) rows() string { return strconv.Itoa(cmp.Or(v.Rows, 4)) }

func (v InputView) attributes() templ.Attributes {
	a := v.areaAttributes()
	a["type"] = cmp.Or(v.Type, "text")
	a["value"] = v.Value
	return a
}

func (v InputView) areaAttributes() templ.Attributes {
	a := v.described()
	set := func(name, value string) {
		if value != "" {
			a[name] = value
		}
	}
	set("placeholder", v.Placeholder)
	set("autocomplete", v.Autocomplete)
	set("inputmode", v.Inputmode)
	set("list", v.List)
	if v.MaxLength > 0 {
		a["maxlength"] = strconv.Itoa(v.MaxLength)
	}
	if v.Mono {
		a["spellcheck"] = "false"
	}
	if v.Required {
		a["required"] = true
	}
	if v.Autofocus {
		a["autofocus"] = true
	}
	return a
}

// Option is one choice of a Select or of Options. Note is shown by Options only.
type Option struct {
	Value, Text, Note string
	Disabled          bool
}

// SelectView is a field one chooses in. Value is the value of the chosen option.
type SelectView struct {
	FieldView

	Value   string
	Options []Option
}

// CheckView is a check box. Value is "on" when empty.
type CheckView struct {
	Name, Label, Note string
	Value             string
	Checked, Disabled bool
}

func (v CheckView) value() string { return cmp.Or(v.Value, "on") }

// SwitchView is a switch; pressing it posts Name=on or Name=off to Action.
type SwitchView struct {
	Action, Name, Label string
	On                  bool
	Shown               bool // the label is written beside it, not only read aloud
}

func (v SwitchView) checked() string { return strconv.FormatBool(v.On) }

func (v SwitchView) other() string {
	if v.On {
		return "off"
	}
	return "on"
}
