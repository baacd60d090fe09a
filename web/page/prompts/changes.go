package prompts

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
	"tollgate/web/ui"
)

// changesAround is how many lines stand around each change.
const changesAround = 2

// changes are the texts of two versions held against each other, line by line and word by word.
func changes(kind prompt.Kind, was, is prompt.Content) []ui.DiffLine {
	return ui.DiffWords(ui.DiffContext(ui.Differ(written(kind, was), written(kind, is)), changesAround))
}

// written is what a version says, as lines: messages one below the other, each under its role.
func written(kind prompt.Kind, c prompt.Content) []string {
	if kind == prompt.Text {
		return strings.Split(c.Text, "\n")
	}
	var out []string
	for i, m := range c.Messages {
		if i > 0 {
			out = append(out, "")
		}
		if m.Placeholder != "" {
			out = append(out, "[messages of the call: "+m.Placeholder+"]")
			continue
		}
		out = append(append(out, "["+m.Role+"]"), strings.Split(m.Text, "\n")...)
	}
	return out
}

// setting is one thing that a version says beside its texts.
type setting struct{ Name, Value string }

// settings are all of them, in a fixed order; what a version does not say is left out.
func settings(c prompt.Content) []setting {
	var out []setting
	add := func(name, value string) {
		if value != "" {
			out = append(out, setting{name, value})
		}
	}
	add("alias", c.Alias)
	add("escape", string(c.Escape))
	parameters, _ := members(c.Parameters)
	for _, m := range parameters {
		add(m.name, string(m.raw))
	}
	for _, v := range c.Variables {
		add("{{"+v.Name+"}}", declared(v))
	}
	var tools []struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	var each []json.RawMessage
	if json.Unmarshal(c.Tools, &tools) == nil && json.Unmarshal(c.Tools, &each) == nil {
		for i, t := range tools {
			name := t.Function.Name
			if name == "" {
				name = strconv.Itoa(i + 1)
			}
			add("tool "+name, string(each[i]))
		}
	}
	add("schema", string(c.Schema))
	add("config", string(c.Config))
	for _, k := range c.Cases {
		add("case "+k.Name, strconv.Itoa(len(k.Assert))+" assertions over "+asserted(k))
	}
	return out
}

// asserted is what a case holds its text against, on one line.
func asserted(k prompt.Case) string { return string(encoded(k)) }

// declared is a variable's declaration in words.
func declared(v template.Variable) string {
	out := []string{string(v.Kind)}
	switch {
	case v.Required:
		out = append(out, "required")
	case v.Default != nil:
		out = append(out, "default "+string(v.Default))
	default:
		out = append(out, "optional")
	}
	if len(v.Values) > 0 {
		out = append(out, "one of "+strings.Join(v.Values, ", "))
	}
	if v.MaxLength > 0 {
		out = append(out, "at most "+ui.CountText(int64(v.MaxLength)))
	}
	return strings.Join(out, ", ")
}

// same is the effect of a setting that did not change.
const same = "same"

// settingChange is a setting in two versions.
type settingChange struct{ Name, Was, Is, Effect string }

// settingChanges are the settings of two versions side by side: those of the newer one in its order, then those that are gone.
func settingChanges(was, is prompt.Content) []settingChange {
	old := map[string]string{}
	for _, s := range settings(was) {
		old[s.Name] = s.Value
	}
	var out []settingChange
	for _, s := range settings(is) {
		before, had := old[s.Name]
		effect := same
		switch {
		case !had:
			effect = "added"
		case before != s.Value:
			effect = "changed"
		}
		out = append(out, settingChange{s.Name, before, s.Value, effect})
		delete(old, s.Name)
	}
	for _, s := range settings(was) {
		if _, gone := old[s.Name]; gone {
			effect := "removed"
			if strings.HasPrefix(s.Name, "{{") {
				effect = "removed: callers that still send it are refused"
			}
			out = append(out, settingChange{s.Name, s.Value, "", effect})
		}
	}
	return out
}

// shortest bounds a value in a table of settings; the version's page has all of it.
const shortest = 80

func short(text string) string {
	r := []rune(text)
	if len(r) <= shortest {
		return text
	}
	return string(r[:shortest-1]) + "…"
}
