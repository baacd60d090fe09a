// Package limits holds the pages of rate limits: how fast calls may come.
package limits

import (
	"context"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/page/scope"
	"tollgate/web/ui"
)

// Path is where the pages are.
const Path = "/limits"

// Service manages limits; *limit.Service does.
type Service interface {
	Create(ctx context.Context, in tenant.Scope, n limit.New) (limit.Limit, error)
	Limit(ctx context.Context, in tenant.Scope, which id.Limit) (limit.Limit, error)
	List(ctx context.Context, in tenant.Scope, f limit.Filter, after id.Limit, most int) ([]limit.Limit, bool, error)
	Update(ctx context.Context, in tenant.Scope, which id.Limit, c limit.Change, check func(limit.Limit) error) (limit.Limit, error)
	Archive(ctx context.Context, in tenant.Scope, which id.Limit) (limit.Limit, error)
	Restore(ctx context.Context, in tenant.Scope, which id.Limit) (limit.Limit, error)
}

var _ Service = (*limit.Service)(nil)

// Aliases lists aliases; *alias.Service does.
type Aliases interface {
	List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
}

// Keys names and lists keys; *key.Service does.
type Keys interface {
	List(ctx context.Context, in tenant.Scope, f key.Filter, after id.Key, limit int) ([]key.Key, bool, error)
}

// Limits answers its pages. All fields are required.
type Limits struct {
	Limits  Service
	Teams   people.TeamLister
	Aliases Aliases
	Keys    Keys
	Vendors func(id string) (provider.Vendor, bool)
	Offered []provider.Vendor // by the form, to choose from
}

const pageSize = 100

type listView struct {
	Rows         []row
	Shows        []ui.Choice
	Text         string
	Archived     bool
	Filtered     bool
	CanWrite     bool
	Newer, Older string
}

type row struct {
	Name, Href     string
	Covers         string
	Amount, Metric string
	Each           string
	State          ui.State
	Word           string
	Badge          ui.BadgeView
	Archived       bool
	Requests       string // where its calls are listed
}

// List is the table of limits. Its state is ?q= &show=archived &after=.
func (p Limits) List(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in := v.Scope()
	f := limit.Filter{Text: strings.TrimSpace(v.Query("q")), Archived: v.Query("show") == "archived"}
	found, more, err := p.Limits.List(ctx, in, f, id.Limit(v.Query("after")), pageSize)
	if err != nil {
		return page.Reply{}, err
	}
	names, err := p.names(ctx, in, found)
	if err != nil {
		return page.Reply{}, err
	}
	view := listView{Text: f.Text, Archived: f.Archived, Filtered: f.Text != "", CanWrite: v.Can(tenant.WriteLimits), Shows: []ui.Choice{
		{Text: "In force", Href: Path, Current: !f.Archived}, {Text: "Archived", Href: Path + "?show=archived", Current: f.Archived},
	}}
	for _, l := range found {
		view.Rows = append(view.Rows, newRow(l, names))
	}
	at := Path + "?"
	if f.Archived {
		at += "show=archived&"
	}
	if more {
		view.Older = at + "after=" + string(found[len(found)-1].ID)
	}
	if v.Query("after") != "" {
		view.Newer = strings.TrimRight(at, "?&")
	}
	return page.Show(layout.Frame{Title: "Limits", Active: layout.Limits, Toasts: done(v)}, list(view)), nil
}

// names are those of the teams and keys that the limits speak of.
func (p Limits) names(ctx context.Context, in tenant.Scope, list []limit.Limit) (scope.Names, error) {
	names := scope.Names{Keys: map[string]string{}, Vendors: p.Vendors}
	var err error
	if names.Teams, err = people.ListTeams(ctx, p.Teams, in); err != nil {
		return names, err
	}
	ids := []id.Key{}
	for _, l := range list {
		if k, ok := l.Selector.Of(dimension.Key); ok {
			ids = append(ids, id.Key(k))
		}
	}
	if len(ids) == 0 {
		return names, nil
	}
	keys, _, err := p.Keys.List(ctx, in, key.Filter{IDs: ids}, "", len(ids))
	for _, k := range keys {
		names.Keys[string(k.ID)] = k.Name
	}
	return names, err
}

func newRow(l limit.Limit, names scope.Names) row {
	r := row{
		Name: l.Name, Href: path(l.ID), Covers: names.Selector(l.Selector), Amount: ui.CountText(l.Amount), Metric: metricText(l.Metric) + perText(l.Per),
		Each: "together", Archived: !l.ArchivedAt.IsZero(), Requests: scope.Requests(l.Selector),
		State: ui.Fine, Word: "In force", Badge: ui.BadgeView{Text: "Refuses with 429"},
	}
	if l.Each != "" {
		r.Each = "each " + scope.Noun(l.Each)
	}
	if l.Watch {
		r.Badge = ui.BadgeView{Tone: ui.Outline, Text: "Watches"}
	}
	switch {
	case r.Archived:
		r.State, r.Word = ui.Idle, "Archived"
	case l.Off:
		r.State, r.Word = ui.Idle, "Off"
	}
	return r
}

// metricText is what is counted, for several.
func metricText(m limit.Metric) string {
	switch m {
	case limit.Requests:
		return "requests"
	case limit.Input:
		return "input tokens"
	case limit.Output:
		return "output tokens"
	case limit.Tokens:
		return "tokens"
	case limit.Concurrency:
		return "calls at once"
	default:
		return string(m)
	}
}

// perText is a period behind what is counted.
func perText(per time.Duration) string {
	switch per {
	case 0:
		return ""
	case time.Second:
		return " a second"
	case time.Minute:
		return " a minute"
	case time.Hour:
		return " an hour"
	case 24 * time.Hour:
		return " a day"
	default:
		return " in " + per.String()
	}
}

// RateText is a limit in few words: "1,200 requests a minute".
func RateText(l limit.Limit) string {
	return ui.CountText(l.Amount) + " " + metricText(l.Metric) + perText(l.Per)
}

// RateShort is a limit as people who know rate limits write it: "1,200 rpm".
func RateShort(l limit.Limit) string {
	unit := map[limit.Metric]string{limit.Requests: "r", limit.Tokens: "t", limit.Input: "in t", limit.Output: "out t"}[l.Metric]
	per := map[time.Duration]string{time.Second: "ps", time.Minute: "pm", time.Hour: "ph", 24 * time.Hour: "pd"}[l.Per]
	if unit == "" || per == "" {
		return RateText(l)
	}
	return ui.CountText(l.Amount) + " " + unit + per
}

func path(which id.Limit) string { return Path + "/" + string(which) }

func which(v *page.Visit) id.Limit { return id.Limit(v.Param("id")) }

func done(v *page.Visit) []ui.Toast {
	at := path(id.Limit(v.Query("limit")))
	switch v.Query("done") {
	case "added":
		return []ui.Toast{{Text: "Limit added. In force everywhere within a second."}}
	case "saved":
		return []ui.Toast{{Text: "Limit saved. In force everywhere within a second."}}
	case "archived":
		return []ui.Toast{{Text: "Limit archived. No call is held to it.", UndoAction: at + "/restore"}}
	case "restored":
		return []ui.Toast{{Text: "Limit restored. In force again."}}
	default:
		return nil
	}
}
