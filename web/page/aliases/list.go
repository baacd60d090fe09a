package aliases

import (
	"context"
	"net/url"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

const pageSize = 50

type listView struct {
	Rows         []listRow
	Text         string
	Newer, Older string
	CanWrite     bool
	Fresh        *ui.Freshness
	Templates    []templateView
}

type listRow struct {
	Name, Href     string
	Tasks          string
	First, Then    string
	Targets, Falls int // of the drawing
	Experiment     ui.Link
	Version        int
	Calls, Errors  int64
	Past           []int64 // calls, day by day
	Each           money.NanoUSD
	Cost           money.NanoUSD
	Unpriced       int64
	Estimated      int64
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
	week, err := p.Usage.Costs(ctx, in, usage.Query{From: v.Now.AddDate(0, 0, -6), To: v.Now, Bucket: usage.Daily, GroupBy: []usage.Dimension{usage.Alias}})
	if err != nil {
		return page.Reply{}, err
	}
	file, err := p.Routing.Routing(ctx, in)
	if err != nil {
		return page.Reply{}, err
	}
	tried, err := p.running(ctx, v, experiment.Filter{})
	if err != nil {
		return page.Reply{}, err
	}
	known, err := p.names(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	view.Fresh, view.Templates = &ui.Freshness{Clock: ui.Clock{Now: v.Now}, RolledTo: week.UpTo}, known.offered()
	leading, carried := tasks(file.File), byAlias(week)
	for _, a := range found {
		r := row(a, carried[a.Name])
		r.Tasks = strings.Join(leading[a.Name], ", ")
		if e, ok := tried[a.Name]; ok {
			r.Experiment = ui.Link{Text: e.Plan.Name, Href: "/experiments/" + string(e.ID)}
		}
		view.Rows = append(view.Rows, r)
	}
	if more {
		view.Older = here(view.Text, found[len(found)-1].Name)
	}
	if v.Query("after") != "" {
		view.Newer = here(view.Text, "")
	}
	return page.Show(layout.Frame{Title: "Aliases", Active: layout.Aliases, Toasts: done(v)}, list(view)), nil
}

// carry is what an alias carried in a week: the sum, and its calls day by day.
type carry struct {
	usage.Row
	days []int64
}

// byAlias sums days up.
func byAlias(week usage.Costs) map[string]carry {
	at := map[int64]int{} // place of a day
	for _, r := range week.Rows {
		if _, ok := at[r.At.Unix()]; !ok {
			at[r.At.Unix()] = len(at) // rows come day by day
		}
	}
	out := map[string]carry{}
	for _, r := range week.Rows {
		name := r.Values[usage.Alias]
		c := out[name]
		if c.days == nil {
			c.days = make([]int64, len(at))
		}
		c.days[at[r.At.Unix()]] += r.Calls
		c.Calls += r.Calls
		c.Errors += r.Errors
		c.Cost += r.Cost
		c.Unpriced += r.Unpriced
		c.Estimated += r.Estimated
		out[name] = c
	}
	return out
}

func row(a alias.Alias, r carry) listRow {
	out := listRow{
		Name: a.Name, Href: path(a.ID), Version: a.Version, Calls: r.Calls, Errors: r.Errors, Cost: r.Cost, Each: each(r.Cost, r.Calls-r.Unpriced),
		Unpriced: r.Unpriced, Estimated: r.Estimated, NotYetAnyCalls: r.Calls == 0, Past: r.days, Targets: len(a.Route.Targets), Falls: len(a.Route.Fallbacks),
	}
	var first, rest []string
	for i, t := range a.Route.Targets {
		switch {
		case a.Route.Strategy == alias.Weighted && t.Order == a.Route.Targets[0].Order:
			first = append(first, target(t)+" "+sharePercent(t, sameTier(a.Route.Targets, t.Order)))
		case i == 0:
			first = append(first, target(t))
		default:
			rest = append(rest, target(t))
		}
	}
	for _, b := range a.Route.Fallbacks {
		rest = append(rest, target(b.Target))
	}
	out.First, out.Then = strings.Join(first, " · "), "no fallback"
	if len(rest) > 0 {
		out.Then = "then " + strings.Join(rest, ", ")
	}
	if n := len(a.Route.Rules); n > 0 {
		out.Then = ui.Plural(int64(n), "rule", "rules") + " · " + out.Then
	}
	return out
}

func sameTier(targets []alias.Target, order int) []alias.Target {
	var out []alias.Target
	for _, t := range targets {
		if t.Order == order {
			out = append(out, t)
		}
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
