package exchange

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

// front cuts a text into what stands between lines of three dashes at its start, and the rest.
func front(text string) (head, rest string, has bool) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	after, ok := strings.CutPrefix(text, "---\n")
	if !ok {
		return "", text, false
	}
	if head, rest, ok := strings.Cut("\n"+after, "\n---\n"); ok {
		return strings.TrimPrefix(head, "\n"), strings.TrimPrefix(rest, "\n"), true
	}
	return "", text, false
}

// readText reads Markdown or plain text: one text, with what else there is to say in front of it.
func readText(f File) Found {
	name, number := named(f.Path, ".prompt.md", ".md", ".txt")
	out := Found{From: f.Path}
	out.Name = name
	head, text, has := front(f.Text)
	if strings.HasSuffix(f.Path, ".txt") {
		head, text, has = "", f.Text, false
	}
	d := &document{}
	var err error
	if has && strings.TrimSpace(head) != "" {
		d, err = parse([]byte(head))
	}
	if err == nil && d.Text == nil {
		d.Text = &text
	}
	if err == nil {
		err = d.fill(&out)
	}
	if err != nil {
		return refusedAs(out, f.Path, err)
	}
	out.Versions[0].Number = number
	if c := &out.Versions[0].Content; c.Variables == nil {
		c.Variables = guessed(c.Text)
		out.Versions[0].Complete = true
	}
	return out
}

// dotprompt is the front matter of a .prompt file, as Google's Dotprompt and LiteLLM have it.
type dotprompt struct {
	Model string `json:"model"`
	Input struct {
		Schema  map[string]json.RawMessage `json:"schema"`
		Default map[string]json.RawMessage `json:"default"`
	} `json:"input"`
	Output struct {
		Schema json.RawMessage `json:"schema"`
	} `json:"output"`
	Config      object   `json:"config"`
	Tools       []object `json:"tools"`
	Description string   `json:"description"`
}

// camel are names of settings in Dotprompt's config that are written otherwise here.
var camel = map[string]string{
	"maxOutputTokens": "max_tokens", "topP": "top_p", "topK": "top_k", "stopSequences": "stop", "presencePenalty": "presence_penalty",
	"frequencyPenalty": "frequency_penalty",
}

// readDotprompt reads a .prompt file. Its body is Handlebars; Jinja where it has that one's signs.
func readDotprompt(f File) Found {
	name, number := named(f.Path, ".prompt")
	out, used, note := begun(f.Path, name)
	head, text, _ := front(f.Text)
	var d dotprompt
	all := object{}
	if strings.TrimSpace(head) != "" {
		var root yaml.Node
		err := yaml.Unmarshal([]byte(head), &root)
		var raw json.RawMessage
		if err == nil {
			raw, err = toJSON(&root)
		}
		if err == nil {
			err = json.Unmarshal(raw, &all)
		}
		if err == nil {
			err = json.Unmarshal(raw, &d)
		}
		if err != nil {
			return refusedAs(*out, f.Path, plainly(err))
		}
	}
	c, err := dotBody(text, used, note)
	if err != nil {
		return out.refuse(err)
	}
	d.settings(all, &c, note)
	d.inputs(used, note)
	out.Kind, out.Description = prompt.Chat, sentence(d.Description)
	out.version(number, c, used, "", nil)
	return *out
}

var (
	jinjaSign = regexp.MustCompile(`\{%|(^|[^{])\{#`)
	roleTag   = regexp.MustCompile(`\{\{\s*(?:role\s+"([a-z]+)"|(history))\s*\}\}`)
	roleLine  = regexp.MustCompile(`(?m)^(System|User|Assistant|Developer):[ \t]*`)
)

// dotBody cuts a body into messages and translates each.
func dotBody(text string, used *names, note func(format string, args ...any)) (prompt.Content, error) {
	translate := func(s string) (string, error) {
		if jinjaSign.MatchString(s) {
			return jinja(s, used, note)
		}
		return mustache(s, flavour{handlebars: true, partial: partialName}, used, note)
	}
	form := roleTag
	if !roleTag.MatchString(text) {
		form = roleLine
	}
	var c prompt.Content
	add := func(role, text string) error {
		if text = strings.TrimSpace(text); text == "" {
			return nil
		}
		t, err := translate(text)
		c.Messages = append(c.Messages, prompt.Message{Role: role, Text: t})
		return err
	}
	role, at := "user", 0
	for _, m := range form.FindAllStringSubmatchIndex(text, -1) {
		if err := add(role, text[at:m[0]]); err != nil {
			return c, err
		}
		at = m[1]
		if form == roleTag && m[4] >= 0 {
			c.Messages = append(c.Messages, prompt.Message{Placeholder: "history"})
			continue
		}
		if role = strings.ToLower(text[m[2]:m[3]]); role == "model" {
			role = "assistant"
		}
	}
	if err := add(role, text[at:]); err != nil {
		return c, err
	}
	if len(c.Messages) == 0 {
		return c, ErrSkipped.Say("it says nothing")
	}
	return c, nil
}

func (d *dotprompt) settings(all object, c *prompt.Content, note func(format string, args ...any)) {
	said := object{}
	for name, raw := range d.Config {
		if ours, ok := camel[name]; ok {
			name = ours
		}
		said[name] = raw
	}
	for _, name := range parameterWords {
		if all.has(name) {
			said[name] = all[name]
		}
	}
	left(said, note, parameterWords...)
	if d.Model != "" {
		raw, err := encode(strings.TrimPrefix(d.Model, "dotprompt/"))
		if err == nil {
			said["model"] = raw
		}
	}
	if err := settings(said, c, note); err != nil {
		note("its settings cannot be read")
	}
	if full := object(nil); json.Unmarshal(d.Output.Schema, &full) == nil && full.text("type") == "object" {
		c.Schema = d.Output.Schema
	} else if len(d.Output.Schema) > 0 {
		note("the schema of the answer is in Picoschema and is left out: write it as JSON Schema")
	}
	if len(d.Tools) > 0 {
		c.Tools, _ = encode(d.Tools)
	} else if all.has("tools") {
		note("tools that are named and not described are left out")
	}
}

// inputs declares variables as the front matter does: Picoschema's "name?: string, what it is".
func (d *dotprompt) inputs(used *names, note func(format string, args ...any)) {
	for key, raw := range d.Input.Schema {
		name, optional := strings.CutSuffix(key, "?")
		var kind string
		_ = json.Unmarshal(raw, &kind)
		kind, _, _ = strings.Cut(kind, ",")
		i := slices.IndexFunc(used.list, func(u *usedName) bool { return u.Name == name })
		if i < 0 {
			continue
		}
		u := used.list[i]
		u.conditional = u.conditional || optional
		switch strings.TrimSpace(kind) {
		case "number", "integer":
			u.Kind = template.Number
		case "boolean":
			u.Kind = template.Boolean
		case "string", "":
		default:
			note("the type %q of %q is read as %s", fault.Clip(kind), fault.Clip(name), u.Kind)
		}
	}
	for name, raw := range d.Input.Default {
		i := slices.IndexFunc(used.list, func(u *usedName) bool { return u.Name == name })
		if v := (template.Variable{Name: name, Kind: template.String, Default: raw}); i >= 0 {
			if v.Kind = used.list[i].Kind; v.Check() == nil {
				used.list[i].Default = compact(raw)
			} else {
				note("the default of %q is no %s and is left out", fault.Clip(name), v.Kind)
			}
		}
	}
}
