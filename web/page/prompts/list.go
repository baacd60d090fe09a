package prompts

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

const (
	pageSize = 50
	// promptsMost is how many prompts an organization can have: the list is counted, filtered and sorted as a whole.
	promptsMost = 5000
)

// asked is the state of the list: what its address says.
type asked struct {
	Text, Folder, Label, Tag string
	Archived                 bool
	Sort                     string // spend, newest; "": by name
	From                     int    // rows before the page
}

func ask(v *page.Visit) asked {
	a := asked{
		Text: strings.TrimSpace(v.Query("q")), Folder: v.Query("folder"), Label: v.Query("label"), Tag: v.Query("tag"),
		Archived: v.Query("archived") != "", Sort: v.Query("sort"), From: number(v.Query("from")),
	}
	if a.Sort != "spend" && a.Sort != "newest" {
		a.Sort = ""
	}
	return a
}

// with is the address of the list with one thing different.
func (a asked) with(name, value string) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("q", a.Text)
	set("folder", a.Folder)
	set("label", a.Label)
	set("tag", a.Tag)
	set("sort", a.Sort)
	if a.Archived {
		q.Set("archived", "yes")
	}
	if q.Set(name, value); value == "" {
		q.Del(name)
	}
	if len(q) == 0 {
		return Path
	}
	return Path + "?" + q.Encode()
}

// unlabelled selects prompts without a label.
const unlabelled = "none"

func (a asked) holds(p prompt.Prompt) bool {
	switch {
	case a.Text != "" && !strings.Contains(strings.ToLower(p.Name+"\n"+p.Description), strings.ToLower(a.Text)):
		return false
	case a.Folder != "" && !strings.HasPrefix(p.Name, a.Folder+"/"):
		return false
	case a.Tag != "" && !slices.Contains(p.Tags, a.Tag):
		return false
	case a.Label == unlabelled:
		return len(p.Labels) == 0
	}
	return a.Label == "" || p.Labels[a.Label] != 0
}

type listView struct {
	asked
	Groups   []group
	Shown    int
	All      int // that match
	Any      bool
	Folders  []ui.Choice
	Labels   []labelCount
	Tags     []ui.Choice
	Filters  []ui.Filter
	Newer    string
	Older    string
	Figures  listFigures
	CanWrite bool
	CanPlay  bool
	Fresh    *ui.Freshness
	Clock    ui.Clock
	Starters []starter
	Sorts    []ui.Choice
	Open     int // archived prompts, or those in use while the archive is shown
}

type labelCount struct {
	ui.Choice
	Icon string
}

// group is the rows of one folder.
type group struct {
	Folder, Href string
	Cost         money.NanoUSD
	Rows         []listRow
}

type listRow struct {
	ID           id.Prompt
	Name, Href   string
	About        string
	Labels       []ui.BadgeView
	Used         []ui.Link
	Calls        int64
	Errors       int64
	Cost         money.NanoUSD
	Unpriced     int64
	Each, Before money.NanoUSD // per call, now and in the period before
	BeforeCalls  int64
	Score        promptstat.Score // the one with the most judgements
	ScoreName    string
	Changed      prompt.Prompt
	By           string
}

// listFigures are what the page says first.
type listFigures struct {
	Cost, Spent money.NanoUSD // through prompts, and altogether
	Calls       int64
	Estimated   int64
	Moved       int // prompts that changed in the last week
	Latest      string
	LatestHref  string
}

// List is the table of prompts. Its state is ?q= &folder= &label= &tag= &archived= &sort= &from=.
func (p Prompts) List(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in := v.Scope()
	view := listView{asked: ask(v), CanWrite: v.Can(tenant.WritePrompts), Clock: ui.Clock{Now: v.Now}}
	all, _, err := p.Prompts.List(ctx, in, prompt.Filter{Archived: view.Archived}, "", promptsMost)
	if err != nil {
		return page.Reply{}, err
	}
	other, _, err := p.Prompts.List(ctx, in, prompt.Filter{Archived: !view.Archived}, "", promptsMost)
	if err != nil {
		return page.Reply{}, err
	}
	view.Any, view.Open = len(all)+len(other) > 0, len(other)
	if !view.Any {
		view.Starters = starters()
		return page.Show(layout.Frame{Title: "Prompts", Active: layout.Prompts, Toasts: done(v)}, list(view)), nil
	}
	spent, err := p.spent(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	users, err := p.users(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	authors, err := people.ListAuthors(ctx, p.People, in)
	if err != nil {
		return page.Reply{}, err
	}
	judged, err := p.Stats.Scores(ctx, in, v.Now.Add(-month), v.Now)
	if err != nil {
		return page.Reply{}, err
	}
	view.Fresh = &ui.Freshness{Clock: view.Clock, RolledTo: spent.upTo}
	view.Figures = figures(all, spent, v)
	view.fold(all)
	var rows []listRow
	for _, one := range all {
		if view.holds(one) {
			r := row(one, spent, users)
			r.By = authors.Name(one.UpdatedBy)
			if r.ScoreName = mostScored(judged[one.ID]); r.ScoreName != "" {
				r.Score = judged[one.ID][r.ScoreName]
			}
			rows = append(rows, r)
		}
	}
	view.arrange(rows)
	return page.Show(layout.Frame{Title: "Prompts", Active: layout.Prompts, Toasts: done(v)}, list(view)), nil
}

// users are the aliases that a prompt is bound to.
func (p Prompts) users(ctx context.Context, v *page.Visit) (map[string][]ui.Link, error) {
	out := map[string][]ui.Link{}
	if !v.Can(tenant.ReadAliases) {
		return out, nil
	}
	all, _, err := p.Aliases.List(ctx, v.Scope(), "", "", promptsMost)
	for _, a := range all {
		if b := a.Route.Prompt; b != nil {
			name := cmp.Or(string(b.ID), b.Name)
			out[name] = append(out[name], ui.Link{Text: a.Name, Href: "/aliases/" + url.PathEscape(string(a.ID))})
		}
	}
	return out, err
}

func row(p prompt.Prompt, spent spending, users map[string][]ui.Link) listRow {
	now, before := spent.now[p.ID], spent.before[p.ID]
	return listRow{
		ID: p.ID, Name: p.Name, Href: href(p.ID), About: ui.Plural(int64(p.Latest), "version", "versions"), Labels: badges(p, " "), Used: usersOf(p, users),
		Calls: now.Calls, Errors: now.Errors, Cost: now.Cost, Unpriced: now.Unpriced, Each: each(now), Before: each(before), BeforeCalls: before.Calls - before.Unpriced,
		Changed: p,
	}
}

// usersOf are the aliases to which a prompt is bound, by its name or its id.
func usersOf(p prompt.Prompt, users map[string][]ui.Link) []ui.Link {
	return slices.Concat(users[p.Name], users[string(p.ID)])
}

// each is what a call cost; nothing when there are none with a price.
func each(r usage.Row) money.NanoUSD {
	if n := r.Calls - r.Unpriced; n > 0 {
		return r.Cost / money.NanoUSD(n)
	}
	return 0
}

// badges are the labels of a prompt with their versions: production first, then by name.
func badges(p prompt.Prompt, between string) []ui.BadgeView {
	var out []ui.BadgeView
	for _, label := range sorted(p.Labels) {
		text := label + between + versionText(p.Labels[label])
		if r, moving := p.Ramps[label]; moving {
			text += " → " + versionText(r.To) + ", " + percent(r.Share)
		}
		out = append(out, ui.BadgeView{Tone: tone(label), Text: text})
	}
	return out
}

// sorted are labels by name, with production and staging first.
func sorted(labels map[string]int) []string {
	out := slices.Sorted(maps.Keys(labels))
	rank := func(l string) int {
		switch l {
		case prompt.Production:
			return 0
		case "staging":
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b string) int { return rank(a) - rank(b) })
	return out
}

// percent writes a share of ShareMax.
func percent(share int) string {
	if share%100 == 0 {
		return strconv.Itoa(share/100) + "%"
	}
	return strconv.Itoa(share/100) + "." + strings.TrimRight(strconv.Itoa(100 + share%100)[1:], "0") + "%"
}

// arrange sorts rows, takes one page of them, and puts it into groups by folder.
func (v *listView) arrange(rows []listRow) {
	spend := map[string]money.NanoUSD{}
	for _, r := range rows {
		spend[folderOf(r.Name)] += r.Cost
	}
	slices.SortStableFunc(rows, func(a, b listRow) int {
		fa, fb := folderOf(a.Name), folderOf(b.Name)
		switch v.Sort {
		case "newest":
			return b.Changed.UpdatedAt.Compare(a.Changed.UpdatedAt)
		case "spend":
			return cmp.Or(cmp.Compare(spend[fb], spend[fa]), strings.Compare(fa, fb), cmp.Compare(b.Cost, a.Cost), strings.Compare(a.Name, b.Name))
		}
		return cmp.Or(strings.Compare(fa, fb), strings.Compare(a.Name, b.Name))
	})
	v.All = len(rows)
	from := min(v.From, len(rows))
	to := min(from+pageSize, len(rows))
	if from > 0 {
		v.Newer = v.with("from", positive(max(from-pageSize, 0)))
	}
	if to < len(rows) {
		v.Older = v.with("from", strconv.Itoa(to))
	}
	v.Shown = to - from
	for _, r := range rows[from:to] {
		folder := folderOf(r.Name)
		if v.Sort == "newest" {
			folder = ""
		}
		if n := len(v.Groups); n == 0 || v.Groups[n-1].Folder != folder {
			v.Groups = append(v.Groups, group{Folder: folder, Href: v.with("folder", folder), Cost: spend[folder]})
		}
		g := &v.Groups[len(v.Groups)-1]
		g.Rows = append(g.Rows, r)
	}
}

func positive(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func sortedKeys[T any](of map[string]T) []string { return slices.Sorted(maps.Keys(of)) }
