package keys

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

const pageSize = 50

type listView struct {
	Rows     []listRow
	Shows    []ui.Choice
	Text     string
	Keep     []ui.Param // the rest of the state, for the search form
	Filtered bool
	Newer    string
	Older    string
	CanWrite bool
	Oversees bool // the reader may take keys over from another gateway
	Clock    ui.Clock
	Teams    people.Teams // that keys can be moved to
}

type listRow struct {
	ID, Name, Mask string
	State          ui.State
	Word, Note     string
	Team           string
	Colour         ui.Colour
	Environment    string
	May, MayDetail string
	Calls          int64
	Spent          money.NanoUSD
	Unpriced       int64
	LastUsed       time.Time
	Expires        time.Time
	Live           bool
	Personal       bool
	Budget         *ui.MeterView // its own; nil: none
	Of             string        // "$5,200"
	Month          money.NanoUSD // spent of its budget
	Rate           string        // its own limits; "": none
}

func (r listRow) href() string { return path(id.Key(r.ID)) }

// List is the table of keys. Its state is ?show= &q= &team= &environment= &after=.
func (p Keys) List(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in, q := v.Scope(), v.HTTP.URL.Query()
	f := key.Filter{Team: id.Team(q.Get("team")), Environment: q.Get("environment"), Text: strings.TrimSpace(q.Get("q")), State: key.Usable}
	show := cmp.Or(q.Get("show"), "live")
	over, err := p.rooms(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	show = narrow(&f, show, v.Now, over)
	found, more, err := p.Keys.List(ctx, in, f, id.Key(q.Get("after")), pageSize)
	if err != nil {
		return page.Reply{}, err
	}
	teams, err := people.ListTeams(ctx, p.Accounts, in)
	if err != nil {
		return page.Reply{}, err
	}
	spent, err := p.spent(ctx, in, v.Now, 7)
	if err != nil {
		return page.Reply{}, err
	}
	view := listView{
		Text: f.Text, Filtered: f.Text != "" || f.Team != "" || f.Environment != "" || show != "live",
		CanWrite: v.Can(tenant.WriteKeys), Oversees: key.Oversees(in), Clock: ui.Clock{Now: v.Now}, Shows: shows(q, show, len(over.nearly(nearlyFull))), Keep: keep(q, "team", "environment", "show"),
		Teams: teams,
	}
	for _, k := range found {
		view.Rows = append(view.Rows, row(k, teams, spent[string(k.ID)].Calls, spent[string(k.ID)].Cost, spent[string(k.ID)].Unpriced, v.Now).with(over, k.ID))
	}
	if more {
		view.Older = with(q, "after", string(found[len(found)-1].ID))
	}
	if q.Get("after") != "" {
		view.Newer = with(q, "after", "")
	}
	frame := layout.Frame{Title: "Keys", Active: layout.Keys, Toasts: done(v), Teams: teamChoices(q, teams), Environments: environmentChoices(q)}
	return page.Show(frame, list(view)), nil
}

// nearlyFull is how full a key's own budget is when it is worth a look, in per cent.
const nearlyFull = 80

// narrow puts one of the saved filters into a filter, and gives its word.
func narrow(f *key.Filter, show string, now time.Time, over rooms) string {
	switch show {
	case "near":
		f.IDs = over.nearly(nearlyFull)
	case "expiring":
		f.ExpiringBefore = now.Add(expiring)
	case "unused":
		f.UnusedSince = now.Add(-unused)
	case "never":
		f.NeverUsed = true
	case "rotating":
		f.Rotating = true
	case "disabled":
		f.State = key.Disabled
	case "revoked":
		f.State = key.Revoked
	case "expired":
		f.State = key.Expired
	case "all":
		f.State = ""
	default:
		return "live"
	}
	return show
}

// with adds the key's own budget and limits.
func (r listRow) with(over rooms, which id.Key) listRow {
	r.Rate = over.rate(which)
	if m := over.budget(which); m != nil {
		r.Budget = &ui.MeterView{Spent: int64(m.Spent), Reserved: int64(m.Held), Limit: int64(m.Limit), Thin: true}
		r.Month, r.Of = m.Spent, ui.MoneyText(m.Limit)
	}
	return r
}

func row(k key.Key, teams people.Teams, calls int64, spent money.NanoUSD, unpriced int64, now time.Time) listRow {
	r := listRow{
		ID: string(k.ID), Name: k.Name, Mask: mask(k), Team: teams.Name(k.Team), Colour: teams.Colour(k.Team), Environment: k.Environment,
		Calls: calls, Spent: spent, Unpriced: unpriced, LastUsed: k.LastUsedAt, Expires: k.ExpiresAt, Live: k.RevokedAt.IsZero(), Personal: k.Kind == key.PersonalKey,
	}
	r.State, r.Word, r.Note = status(k, now)
	r.May, r.MayDetail = may(k)
	return r
}

// may says what a key may call, shortly.
func may(k key.Key) (text, detail string) {
	all := append(append([]string{}, k.Aliases...), k.Models...)
	switch {
	case len(all) == 0:
		return "Everything", "every alias and model"
	case len(k.Models) == 0:
		text = ui.Plural(int64(len(k.Aliases)), "alias", "aliases")
	case len(k.Aliases) == 0:
		text = ui.Plural(int64(len(k.Models)), "model", "models")
	default:
		text = ui.Plural(int64(len(k.Aliases)), "alias", "aliases") + ", " + ui.Plural(int64(len(k.Models)), "model", "models")
	}
	if len(all) > 2 {
		return text, strings.Join(all[:2], ", ") + ", +" + ui.CountText(int64(len(all)-2))
	}
	return text, strings.Join(all, ", ")
}

// with is this page with one parameter changed, from its first page unless that is what changes.
func with(q url.Values, name, value string) string {
	out := url.Values{}
	for _, n := range []string{"show", "q", "team", "environment", "after"} {
		if n != "after" || name == "after" {
			out.Set(n, q.Get(n))
		}
	}
	out.Set(name, value)
	for n := range out {
		if out.Get(n) == "" {
			out.Del(n)
		}
	}
	if len(out) == 0 {
		return "/keys"
	}
	return "/keys?" + out.Encode()
}

func keep(q url.Values, names ...string) []ui.Param {
	var out []ui.Param
	for _, n := range names {
		if value := q.Get(n); value != "" {
			out = append(out, ui.Param{Name: n, Value: value})
		}
	}
	return out
}

func shows(q url.Values, current string, near int) []ui.Choice {
	var out []ui.Choice
	for _, s := range [][2]string{
		{"live", "Live"},
		{"near", "Over 80% of budget"},
		{"expiring", "Expiring"},
		{"unused", "Unused 30 days"},
		{"never", "Never used"},
		{"rotating", "Rotating"},
		{"disabled", "Disabled"},
		{"expired", "Expired"},
		{"revoked", "Revoked"},
		{"all", "All"},
	} {
		value := s[0]
		if value == "live" {
			value = ""
		}
		c := ui.Choice{Text: s[1], Href: with(q, "show", value), Current: s[0] == current}
		if value == "near" && near > 0 {
			c.Count = ui.CountText(int64(near))
		}
		out = append(out, c)
	}
	return out
}

func teamChoices(q url.Values, teams people.Teams) []ui.Choice {
	out := []ui.Choice{{Text: "All teams", Href: with(q, "team", ""), Current: q.Get("team") == ""}}
	for _, t := range teams {
		out = append(out, ui.Choice{Text: t.Name, Href: with(q, "team", string(t.ID)), Current: q.Get("team") == string(t.ID)})
	}
	return out
}

func environmentChoices(q url.Values) []ui.Choice {
	out := []ui.Choice{{Text: "All environments", Href: with(q, "environment", ""), Current: q.Get("environment") == ""}}
	known := false
	for _, e := range key.Environments {
		known = known || e == q.Get("environment")
		out = append(out, ui.Choice{Text: e, Href: with(q, "environment", e), Current: q.Get("environment") == e})
	}
	if e := q.Get("environment"); e != "" && !known {
		out = append(out, ui.Choice{Text: e, Href: with(q, "environment", e), Current: true})
	}
	return out
}
