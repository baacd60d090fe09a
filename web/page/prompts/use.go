package prompts

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"tollgate/internal/experiment"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
	"tollgate/internal/rest"
	"tollgate/web/page"
	"tollgate/web/ui"
)

type useView struct {
	subject
	Snippets ui.SnippetChoice
	Fetch    ui.SnippetView
	Users    []prompt.User
	Tried    []experiment.Experiment
	Version  prompt.Version
	NoLabel  bool // no label stands: the snippets name the newest version
}

// Use is how applications call the prompt, and who does.
func (p Prompts) Use(ctx context.Context, v *page.Visit) (page.Reply, error) {
	s, err := p.subject(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	view := useView{subject: s}
	number := s.Prompt.At(prompt.Production)
	if number == 0 {
		number = s.Prompt.Latest
	}
	if view.Version, err = p.Prompts.Version(ctx, v.Scope(), s.Prompt.ID, number); err != nil {
		return page.Reply{}, err
	}
	if view.Users, err = p.Prompts.UsedBy(ctx, v.Scope(), s.Prompt.ID); err != nil {
		return page.Reply{}, err
	}
	if view.Tried, err = p.experimentsOf(ctx, v, s.Prompt.ID); err != nil {
		return page.Reply{}, err
	}
	u := newUse(p.Gateway, origin(v.HTTP), s.Prompt, view.Version)
	view.NoLabel = u.version != ""
	view.Snippets = ui.SnippetChoice{ID: "call", Label: "Call it", Groups: u.groups()}
	view.Fetch = ui.SnippetView{ID: "fetch", Label: "Fetch it", Tabs: u.fetch()}
	return page.Show(s.frame(v, "Use "), usePage(view)), nil
}

// origin is how the reader reaches this page.
func origin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// use is what is filled into snippets.
type use struct {
	gateway, dashboard string
	name, model        string
	ref                string // name:label, or name@version where no label stands
	label, version     string // of which one is ""
	variables, python  string // an object on one line, and as Python writes it
	chat               bool
}

func newUse(gateway, dashboard string, p prompt.Prompt, v prompt.Version) use {
	u := use{gateway: strings.TrimSuffix(gateway, "/"), dashboard: dashboard, name: p.Name, model: v.Content.Alias, label: prompt.Production, chat: p.Kind == prompt.Chat}
	if u.model == "" {
		u.model = "openai/gpt-4o-mini"
	}
	u.ref = u.name
	if p.At(prompt.Production) == 0 {
		u.label, u.version = "", strings.TrimPrefix(versionText(v.Number), "v")
		u.ref = u.name + "@" + u.version
	}
	u.variables = exampleOf(v.Content.Variables)
	u.python = strings.NewReplacer(": true", ": True", ": false", ": False").Replace(u.variables)
	return u
}

// exampleOf are values for the variables that a call has to send, or for the first one.
func exampleOf(variables []template.Variable) string {
	var all []member
	for _, v := range variables {
		if v.Required {
			all = append(all, member{v.Name, sample(variableOf(v))})
		}
	}
	if len(all) == 0 && len(variables) > 0 {
		all = append(all, member{variables[0].Name, sample(variableOf(variables[0]))})
	}
	return strings.NewReplacer(`":`, `": `, `,"`, `, "`).Replace(string(object(all)))
}

// id is the id in a Responses prompt, with the version behind it where no label stands.
func (u use) id() string {
	if u.version != "" {
		return u.name + `", "version": "` + u.version
	}
	return u.name
}

func (u use) fill(code string) string {
	named := "label=\"" + u.label + "\""
	if u.version != "" {
		named = "version=" + u.version
	}
	jsNamed := "{ label: \"" + u.label + "\" }"
	if u.version != "" {
		jsNamed = "{ version: " + u.version + " }"
	}
	query := url.Values{}
	if u.version != "" {
		query.Set("version", u.version)
	} else {
		query.Set("label", u.label)
	}
	quotedVariables, err := json.Marshal(u.variables)
	if err != nil {
		quotedVariables = []byte(`"{}"`) // a text can be encoded
	}
	return strings.NewReplacer(
		"{gateway}", u.gateway, "{dashboard}", u.dashboard, "{ref}", u.ref, "{name}", u.name, "{path}", url.PathEscape(u.name), "{id}", u.id(), "{model}", u.model,
		"{variables}", u.variables, "{python}", u.python, "{variables-text}", string(quotedVariables), "{named}", named, "{js-named}", jsNamed, "{query}", query.Encode(), "{api}", rest.Prefix,
	).Replace(code)
}

func (u use) tab(name string, language ui.Language, code string) ui.SnippetTab {
	return ui.SnippetTab{Name: name, Language: language, Code: u.fill(code)}
}
