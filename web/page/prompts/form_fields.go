package prompts

import (
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
	"tollgate/web/ui"
)

// above is what belongs to no field that the form shows.
func (f form) above() string {
	at := f.Trouble.Field
	for _, shown := range []string{"name", "description", "tags", "message", "label", "labels", "text", "messages", "variables", "escape", "alias", "parameters", "tools", "schema", "config", "cases"} {
		if at == shown || strings.HasPrefix(at, shown+".") {
			return ""
		}
	}
	return f.Trouble.Message
}

// exactly is what is wrong with a part of the form, and not with a part of that.
func (f form) exactly(at string) string {
	if f.Trouble.Field == at {
		return f.Trouble.Message
	}
	return ""
}

func (f form) input(name, at, label, help, value string) ui.InputView {
	return ui.InputView{FieldView: ui.FieldView{Name: name, Label: label, Help: help, Error: f.Trouble.At(at)}, Value: value}
}

func (f form) optional(name, at, label, help, value string) ui.InputView {
	in := f.input(name, at, label, help, value)
	in.Optional = true
	return in
}

func (f form) name() ui.InputView {
	in := f.input("name", "name", "Name", "What callers write. Slashes make folders: support/reply. It can be changed later; its id stays.", f.Name)
	in.Mono, in.Required, in.MaxLength, in.Placeholder, in.Autofocus = true, true, 255, "support/reply", f.Name == ""
	return in
}

// editor is the field of a template: the i-th message, or with -1 the text.
func (f form) editor(i int) ui.EditorView {
	if i < 0 {
		return ui.EditorView{Name: "text", Label: "Text", Text: f.Text, Rows: 10, Problems: f.Verdict.problems("text", f.Text), Wrong: f.exactly("text")}
	}
	n, text := strconv.Itoa(i), f.Messages[i].Text
	return ui.EditorView{
		Name: "text-" + n, Label: "Text of message " + strconv.Itoa(i+1), Text: text, Rows: 4,
		Problems: f.Verdict.problems("messages."+n+".text", text), Wrong: f.exactly("messages." + n),
	}
}

func (f form) role(i int) ui.SelectView {
	n := strconv.Itoa(i)
	out := ui.SelectView{FieldView: ui.FieldView{Name: "role-" + n, Label: "Role of message " + strconv.Itoa(i+1), Error: f.Trouble.At("messages." + n + ".role")}, Value: f.Messages[i].Role}
	for _, r := range prompt.Roles {
		out.Options = append(out.Options, ui.Option{Value: r, Text: r})
	}
	return out
}

func (f form) place(i int) ui.InputView {
	n := strconv.Itoa(i)
	in := f.input("place-"+n, "messages."+n, "Name of the place", "The call sends a list of messages under this name; without one, nothing stands here.", f.Messages[i].Name)
	in.Mono, in.MaxLength = true, 64
	return in
}

// variableField is one cell of a variable's row.
func (f form) variableField(i int, field, label, value string) ui.InputView {
	n := strconv.Itoa(i)
	return ui.InputView{FieldView: ui.FieldView{Name: "v-" + field + "-" + n, Label: label}, Value: value}
}

// variableError is what is wrong with the i-th variable.
func (f form) variableError(i int) string { return f.Trouble.At("variables." + f.Variables[i].Name) }

func (f form) kinds(i int) ui.SelectView {
	out := ui.SelectView{FieldView: ui.FieldView{Name: "v-kind-" + strconv.Itoa(i), Label: "Kind"}, Value: f.Variables[i].Kind}
	for _, k := range template.Kinds {
		out.Options = append(out.Options, ui.Option{Value: string(k), Text: string(k)})
	}
	return out
}

// defaultHelp says how the default of a kind is typed.
func defaultHelp(kind string) string {
	switch template.Kind(kind) {
	case template.Boolean:
		return "true or false"
	case template.Number:
		return "4"
	case template.List:
		return `["a", "b"]`
	case template.Any:
		return `{"a": 1}`
	case template.String, template.Enum:
	}
	return "none"
}

func (f form) escapes() ui.SelectView {
	return ui.SelectView{
		FieldView: ui.FieldView{Name: "escape", Label: "Values are written", Help: "A hole can say otherwise: {{name | xml}}. Values are never read as a template.", Error: f.Trouble.At("escape")},
		Value:     f.Escape, Options: []ui.Option{
			{Value: "", Text: "As they are"},
			{Value: string(template.XML), Text: "Escaped for tags: < becomes &lt;"},
			{Value: string(template.JSON), Text: "As the inside of a JSON string"},
			{Value: string(template.Line), Text: "On one line"},
		},
	}
}

func (f form) alias() ui.InputView {
	in := f.optional("alias", "alias", "Default alias", "Of calls that name no model.", f.Alias)
	in.Mono, in.List, in.MaxLength, in.Autocomplete = true, "aliases", 256, "off"
	return in
}

func (f form) number(name, label, value, placeholder string) ui.InputView {
	in := f.optional(name, "parameters."+name, label, "", value)
	in.Inputmode, in.Placeholder = "decimal", placeholder
	return in
}

func (f form) why() ui.InputView {
	in := f.optional("message", "message", "Why", "Kept with the version.", f.Message)
	in.MaxLength, in.Placeholder = 500, "Only the knowledge base: half the input"
	return in
}

// labelBoxes are the labels that the new version can get.
func (f form) labelBoxes() []ui.CheckView {
	out := make([]ui.CheckView, len(f.Offered.Labels))
	for i, l := range f.Offered.Labels {
		note := "on no version yet"
		if l.At > 0 {
			note = "now on v" + strconv.Itoa(l.At)
		}
		switch {
		case l.Closed:
			note += ", protected: publish first, then ask for the move"
		case l.Protected:
			note += ", protected"
		}
		out[i] = ui.CheckView{Name: "label", Value: l.Label, Label: l.Label, Note: note, Checked: slices.Contains(f.Labels, l.Label), Disabled: l.Closed}
	}
	return out
}

func (f form) newLabel() ui.InputView {
	in := f.optional("new_label", "label", "Another label", "Lower-case letters, digits, dots, hyphens: tenant-b.", f.NewLabel)
	in.Error = f.Trouble.At("label") + f.Trouble.At("labels")
	in.MaxLength, in.Mono = 200, true
	return in
}

func (f form) assertions(i, j int) ui.SelectView {
	at := "cases." + strconv.Itoa(i) + ".assert." + strconv.Itoa(j)
	return ui.SelectView{
		FieldView: ui.FieldView{Name: "a-kind-" + strconv.Itoa(i) + "-" + strconv.Itoa(j), Label: "Assertion " + strconv.Itoa(j+1), Error: f.Trouble.At(at)},
		Value:     f.Cases[i].Assert[j].Kind, Options: []ui.Option{
			{Value: prompt.Contains, Text: "contains"},
			{Value: prompt.Lacks, Text: "does not contain"},
			{Value: prompt.Equals, Text: "equals"},
			{Value: prompt.Matches, Text: "matches the pattern"},
			{Value: prompt.AtMost, Text: "has at most so many bytes"},
		},
	}
}

// tuned reports whether anything is said of how a model answers.
func (f form) tuned() bool {
	return f.Alias != "" || f.Temperature != "" || f.TopP != "" || f.MaxTokens != "" || f.More != "" || f.Trouble.At("parameters") != "" || f.Trouble.At("alias") != ""
}

// equipped reports whether it has tools or a schema.
func (f form) equipped() bool {
	return f.Config != "" || f.Trouble.At("config") != "" || f.Tools != "" || f.Schema != "" || f.Trouble.At("tools") != "" || f.Trouble.At("schema") != ""
}

// next is the number of the version that is made.
func (f form) next() string { return "v" + strconv.Itoa(f.Version+1) }

func kindText(k prompt.Kind) string {
	if k == prompt.Text {
		return "Text"
	}
	return "Chat"
}

// redraw makes a button draw the form anew in place, where scripts run.
func redraw(f form) templ.Attributes {
	return templ.Attributes{"hx-post": f.action(), "hx-target": "#prompt-page", "hx-select": "#prompt-page", "hx-swap": "outerHTML show:none"}
}
