package aliases

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliasfile"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// yamlView is an alias as its part of the routing file.
type yamlView struct {
	Alias    alias.Alias
	Version  int // that was read
	Text     string
	Message  string
	Problems []ui.Problem
	Changes  []alias.Change
	Checked  bool
	CanWrite bool
	Trouble  string
}

// YAML shows an alias as its part of the routing file.
func (p Aliases) YAML(ctx context.Context, v *page.Visit) (page.Reply, error) {
	a, err := p.Aliases.Alias(ctx, v.Scope(), id.Alias(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	return p.showYAML(v, yamlView{Alias: a, Version: a.Version, Text: routeText(a)}, http.StatusOK), nil
}

func routeText(a alias.Alias) string {
	return string(aliasfile.Format(alias.File{Aliases: map[string]alias.Route{a.Name: a.Route}}))
}

func (p Aliases) showYAML(v *page.Visit, out yamlView, status int) page.Reply {
	out.CanWrite = v.Can(tenant.WriteAliases)
	return page.Show(layout.Frame{Title: out.Alias.Name + " as YAML", Active: layout.Aliases}, asYAML(out)).As(status)
}

// SaveYAML checks what was typed, or makes it the next version.
func (p Aliases) SaveYAML(ctx context.Context, v *page.Visit) (page.Reply, error) {
	a, err := p.Aliases.Alias(ctx, v.Scope(), id.Alias(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	out := yamlView{Alias: a, Text: strings.ReplaceAll(v.Form("yaml"), "\r\n", "\n"), Message: strings.TrimSpace(v.Form("message"))}
	if out.Version, err = strconv.Atoi(v.Form("version")); err != nil {
		out.Version = 0
	}
	found, file, err := p.readYAML(ctx, v, a.Name, out.Text)
	if err != nil {
		return page.Reply{}, err
	}
	if len(found) > 0 {
		out.Problems = ui.Problems(found, out.Text)
		return p.showYAML(v, out, http.StatusUnprocessableEntity), nil
	}
	out.Checked, out.Changes = true, alias.Diff(alias.File{Aliases: map[string]alias.Route{a.Name: a.Route}}, file)
	if v.Form("do") != "save" {
		return p.showYAML(v, out, http.StatusOK), nil
	}
	after, err := p.Aliases.Update(ctx, v.Scope(), a.ID, file.Aliases[a.Name], out.Message, unchanged(out.Version))
	if err != nil {
		trouble, status, mendable := page.Wrong(err)
		if !mendable {
			return page.Reply{}, err
		}
		out.Trouble = trouble.Message
		return p.showYAML(v, out, status), nil
	}
	if after.Version == out.Version {
		return page.See(path(a.ID) + "?done=same"), nil
	}
	return page.See(path(a.ID) + "?done=saved"), nil
}

// readYAML reads the part of one alias, and tells everything that is wrong with it.
func (p Aliases) readYAML(ctx context.Context, v *page.Visit, name, text string) ([]ui.Problem, alias.File, error) {
	doc, found := aliasfile.Parse([]byte(text))
	if len(found) > 0 {
		return located(found), doc.File, nil
	}
	if _, there := doc.File.Aliases[name]; !there || len(doc.File.Aliases) != 1 || len(doc.File.Tasks) != 0 || doc.File.Auto != (alias.Auto{}) {
		return []ui.Problem{{Reason: "This page is about " + name + " alone: write it under aliases, and nothing else. Tasks and other aliases are changed in the routing file."}}, doc.File, nil
	}
	more, err := p.Routing.FileProblems(ctx, v.Scope(), doc.File)
	return located(doc.Locate(more)), doc.File, err
}

// located are problems as pages show them.
func located(found []aliasfile.Problem) []ui.Problem {
	var out []ui.Problem
	for _, f := range found {
		out = append(out, ui.Problem{Line: f.Line, Column: f.Column, Reason: f.Reason})
	}
	return out
}
