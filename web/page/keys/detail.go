package keys

import (
	"context"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/client"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

type detailView struct {
	Key        key.Key
	State      ui.State
	Word, Note string
	Author     string
	Facts      []ui.Fact
	Month      usage.Row // the last 30 days
	Days       []int64   // spend by day, oldest first
	Caller     client.Caller
	Endpoints  bool // the endpoints beside chat are shown in place of the chat clients
	CanWrite   bool
	CanBudget  bool
	Clock      ui.Clock
	Secrets    []secretRow
	Cancel     bool // a rotation is under way, and nobody has used the new secret
	Rooms      []roomRow
	ShowRooms  bool
	Owner      string // of a personal key
}

func (v detailView) live() bool { return v.Key.RevokedAt.IsZero() }

// showEndpoints is the value of "show" that asks for the endpoints beside chat in place of the chat clients. One panel at a time keeps the
// page small and calm.
const showEndpoints = "endpoints"

func (v detailView) snippet() ui.SnippetChoice {
	if v.Endpoints {
		return v.Caller.More("more", "More endpoints")
	}
	return v.Caller.Panel("calls", "How to call")
}

// other leads to the panel that is not shown; a key for chat only, or without chat, has one.
func (v detailView) other() (ui.Link, bool) {
	both := v.Caller.May(key.ChatEndpoint) && len(v.Caller.Endpoints) != 1
	if v.Endpoints {
		return ui.Link{Text: "Chat clients", Href: path(v.Key.ID) + "#snippets"}, both
	}
	return ui.Link{Text: "More endpoints", Href: path(v.Key.ID) + "?show=" + showEndpoints + "#snippets"}, both
}

// Detail shows what a key is, and what it spent.
func (p Keys) Detail(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in := v.Scope()
	k, err := p.Keys.Key(ctx, in, id.Key(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	teams, err := people.ListTeams(ctx, p.Accounts, in)
	if err != nil {
		return page.Reply{}, err
	}
	authors, err := people.ListAuthors(ctx, p.Accounts, in)
	if err != nil {
		return page.Reply{}, err
	}
	caller, err := p.caller(ctx, v, k)
	if err != nil {
		return page.Reply{}, err
	}
	view := detailView{
		Key: k, Author: authors.Name(k.CreatedBy), Facts: facts(k, teams, ui.Clock{Now: v.Now}), CanWrite: v.Can(tenant.WriteKeys),
		Clock: ui.Clock{Now: v.Now}, Caller: caller, Endpoints: v.Query("show") == showEndpoints,
	}
	view.State, view.Word, view.Note = status(k, v.Now)
	view.Secrets, view.Cancel = secretRows(view.Clock, k, v.Now)
	if k.Kind == key.PersonalKey {
		view.Owner = authors.Name(string(k.Owner))
	}
	over, err := p.rooms(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	view.Rooms, view.ShowRooms, view.CanBudget = over.over(k), v.Can(tenant.ReadBudgets), v.Can(tenant.WriteBudgets) && k.RevokedAt.IsZero()
	if view.Month, view.Days, err = p.month(ctx, in, k.ID, v.Now); err != nil {
		return page.Reply{}, err
	}
	return page.Show(layout.Frame{Title: k.Name, Active: layout.Keys, Toasts: done(v)}, detail(view)), nil
}

// month is a key's last 30 days: the whole, and the spend of each day that had any.
func (p Keys) month(ctx context.Context, in tenant.Scope, which id.Key, now time.Time) (usage.Row, []int64, error) {
	costs, err := p.Usage.Costs(ctx, in, usage.Query{
		From: now.AddDate(0, 0, -30), To: now, Bucket: usage.Daily, Filter: map[usage.Dimension][]string{usage.Key: {string(which)}},
	})
	if err != nil {
		return usage.Row{}, nil, err
	}
	day := func(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
	first := day(now.AddDate(0, 0, -30))
	days := make([]int64, 31)
	for _, r := range costs.Rows {
		if i := int(day(r.At).Sub(first) / (24 * time.Hour)); i >= 0 && i < len(days) {
			days[i] += int64(r.Cost)
		}
	}
	return costs.Total, days, nil
}
