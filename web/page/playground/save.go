package playground

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/playground"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/prompts"
)

// saveView is the form that saves a column as a version.
type saveView struct {
	May     bool
	Columns []saveColumn // those that have a prompt or a draft
}

type saveColumn struct {
	At   int
	Text string // "A, as reply-writer v17"
}

// saving says which columns can be saved.
func (p Page) saving(_ tenant.Scope, v *page.Visit, _ *form, columns []columnView) saveView {
	out := saveView{May: v.Can(tenant.WritePrompts)}
	for i := range columns {
		c := &columns[i]
		switch {
		case c.chosen.None():
		case c.chosen.Prompt.ID != "":
			out.Columns = append(out.Columns, saveColumn{i, letter(i) + ", as " + c.chosen.Prompt.Name + " v" + strconv.Itoa(c.chosen.Prompt.Latest+1)})
		default:
			out.Columns = append(out.Columns, saveColumn{i, letter(i) + ", as a new prompt"})
		}
	}
	return out
}

// save makes a version, or a prompt, of a column: its text, its settings, the tools and the schema, and the variables as a case.
func (p Page) save(ctx context.Context, v *page.Visit, f form) (page.Reply, error) {
	if err := v.Scope().Allow(tenant.WritePrompts); err != nil {
		return page.Reply{}, err
	}
	i, err := strconv.Atoi(v.Form("save_column"))
	if err != nil || i < 0 || i >= len(f.Columns) {
		return p.again(ctx, v, f, errColumn)
	}
	set, err := p.setup(ctx, v.Scope(), &f)
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	ch, err := p.Bench.Choose(ctx, v.Scope(), &set.Columns[i])
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	c, err := content(&ch, &set, &set.Columns[i])
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	if v.Form("keep_case") != "" && len(set.Variables) > 0 {
		c.Cases = append(c.Cases, prompt.Case{Name: caseName(c.Cases), Variables: set.Variables, Assert: []prompt.Assertion{}})
	}
	var labels []string
	if label := strings.TrimSpace(v.Form("save_label")); label != "" {
		labels = []string{label}
	}
	message := strings.TrimSpace(v.Form("save_message"))
	var saved prompt.Prompt
	var version prompt.Version
	if ch.Prompt.ID != "" {
		saved, version, err = p.Prompts.Publish(ctx, v.Scope(), ch.Prompt.ID, c, message, labels, nil)
	} else {
		kind := prompt.Text
		if c.Messages != nil {
			kind = prompt.Chat
		}
		saved, version, err = p.Prompts.Create(ctx, v.Scope(), prompt.New{Name: v.Form("save_name"), Kind: kind, Content: c, Message: message, Labels: labels})
	}
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	at := &f.Columns[i]
	at.Prompt = string(saved.ID) + "@" + strconv.Itoa(version.Number)
	at.Base, at.Draft = at.Prompt, ""
	return p.reply(ctx, v, f, outcome{saved: "Saved as " + fault.Clip(saved.Name) + " v" + strconv.Itoa(version.Number) + ".", savedTo: prompts.Href(saved.ID), status: http.StatusCreated})
}

// caseName is a name that no case has.
func caseName(cases []prompt.Case) string {
	for n := len(cases) + 1; ; n++ {
		name := "From the playground " + strconv.Itoa(n)
		taken := false
		for _, c := range cases {
			taken = taken || c.Name == name
		}
		if !taken {
			return name
		}
	}
}

// content is what a column says, as a version says it. Variables that only the draft speaks of are declared: texts that must be sent.
func content(ch *playground.Chosen, set *playground.Setup, c *playground.Column) (prompt.Content, error) {
	out := ch.Content
	for _, name := range slices.Sorted(maps.Keys(set.Variables)) {
		raw := set.Variables[name]
		if declares(&out, name) || !speaksOf(&out, name) {
			continue
		}
		kind := template.Any
		if len(raw) > 0 && raw[0] == '"' {
			kind = template.String
		}
		out.Variables = append(out.Variables, template.Variable{Name: name, Kind: kind, Required: true})
	}
	if c.Model != "" && !strings.Contains(c.Model, "/") {
		out.Alias = c.Model
	}
	if len(set.Tools) > 0 {
		out.Tools = set.Tools
	}
	if len(set.Schema) > 0 {
		out.Schema = set.Schema
	}
	parameters, err := settings(out.Parameters, c)
	out.Parameters = parameters
	return out, err
}

func declares(c *prompt.Content, name string) bool {
	for _, v := range c.Variables {
		if v.Name == name {
			return true
		}
	}
	return false
}

func speaksOf(c *prompt.Content, name string) bool {
	for _, m := range hole.FindAllStringSubmatch(playground.FormatDraft(c), -1) {
		if m[1] == name {
			return true
		}
	}
	return strings.Contains(playground.FormatDraft(c), name)
}

// settings are the version's parameters with those that the column says.
func settings(had json.RawMessage, c *playground.Column) (json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	if len(had) > 0 {
		if err := json.Unmarshal(had, &all); err != nil {
			return nil, prompt.ErrInvalid.Because(err)
		}
	}
	put := func(name string, value any) error {
		raw, err := json.Marshal(value)
		all[name] = raw
		return err
	}
	var err error
	if c.Temperature != nil {
		err = put("temperature", *c.Temperature)
	}
	if c.TopP != nil {
		err = cmp.Or(err, put("top_p", *c.TopP))
	}
	if c.MaxTokens > 0 {
		err = cmp.Or(err, put("max_tokens", c.MaxTokens))
	}
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return json.Marshal(all)
}
