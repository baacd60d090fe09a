package aliases

import (
	"context"
	"net/url"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
)

const pageSize = 50

type listView struct {
	Rows         []listRow
	Text         string
	Newer, Older string
	CanWrite     bool
}

type listRow struct {
	Name, Href     string
	First, Then    string
	Version        int
	Calls, Errors  int64
	Each           money.NanoUSD
	Cost           money.NanoUSD
	Unpriced       int64
	NotYetAnyCalls bool
}

// List is the table of aliases. Its state is ?q= &after=.
func (p Aliases) List(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in := v.Scope()
	view := listView{Text: strings.TrimSpace(v.Query("q")), CanWrite: v.Can(tenant.WriteAliases)}
	found, more, err := p.Aliases.List(ctx, in, view.Text, v.Query("after"), pageSize)
	if err != nil {
		return page.Reply{}, err
	}
	week, err := p.Usage.Costs(ctx, in, usage.Query{From: v.Now.AddDate(0, 0, -7), To: v.Now, GroupBy: []usage.Dimension{usage.Alias}})
	if err != nil {
		return page.Reply{}, err
	}
	by := map[string]usage.Row{}
	for _, r := range week.Rows {
		by[r.Values[usage.Alias]] = r
	}
	for _, a := range found {
		view.Rows = append(view.Rows, row(a, by[a.Name]))
	}
	if more {
		view.Older = here(view.Text, found[len(found)-1].Name)
	}
	if v.Query("after") != "" {
		view.Newer = here(view.Text, "")
	}
	return page.Show(layout.Frame{Title: "Aliases", Active: layout.Aliases, Toasts: done(v)}, list(view)), nil
}

func row(a alias.Alias, r usage.Row) listRow {
	out := listRow{
		Name: a.Name, Href: path(a.ID), Version: a.Version, Calls: r.Calls, Errors: r.Errors, Cost: r.Cost, Each: each(r.Cost, r.Calls-r.Unpriced),
		Unpriced: r.Unpriced, NotYetAnyCalls: r.Calls == 0,
	}
	var rest []string
	for i, t := range a.Route.Targets {
		if i == 0 {
			out.First = target(t)
		} else {
			rest = append(rest, target(t))
		}
	}
	out.Then = "no fallback"
	if len(rest) > 0 {
		out.Then = "then " + strings.Join(rest, ", ")
	}
	return out
}

func here(text, after string) string {
	q := url.Values{}
	if text != "" {
		q.Set("q", text)
	}
	if after != "" {
		q.Set("after", after)
	}
	if len(q) == 0 {
		return "/aliases"
	}
	return "/aliases?" + q.Encode()
}
