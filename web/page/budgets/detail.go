package budgets

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/page/scope"
	"tollgate/web/ui"
)

const (
	subjectsShown = 25
	blockedShown  = 20
	raisesShown   = 6
)

// asked is what the address of one budget asks for: ?period= &by= &subject= &q= &after= &before=.
type asked struct {
	period  budget.Period
	by      usage.Dimension
	subject string
	search  string
	after   *budget.Place
	before  *budget.CallPlace
}

func ask(v *page.Visit) asked {
	a := asked{period: budget.Period(v.Query("period")), by: usage.Dimension(v.Query("by")), subject: v.Query("subject"), search: strings.TrimSpace(v.Query("q"))}
	a.after, a.before = readPlace(v.Query("after")), readCall(v.Query("before"))
	for _, d := range driverDimensions() {
		if a.by == d {
			return a
		}
	}
	a.by = usage.Workflow
	return a
}

// driverDimensions are what the drivers can be told apart by.
func driverDimensions() []usage.Dimension {
	return []usage.Dimension{usage.Workflow, usage.Team, usage.Environment, usage.Key, usage.Alias, usage.Model, usage.Provider}
}

// Detail shows one budget.
func (p Budgets) Detail(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.detail(ctx, v, raiseForm{For: "24h"}, http.StatusOK)
}

// facts are what the page is made of.
type facts struct {
	st       budget.Standing
	burn     budget.Burn
	blocked  budget.Blockings
	raises   []budget.Raise
	subjects []budget.Meter
	names    map[dimension.Match]string
	more     bool
	authors  people.Authors
	checked  string
	balance  bool
	asked    asked
	clock    ui.Clock
	vendors  Vendors
}

func (f *facts) scope() scope.Names { return scope.Names{Given: f.st.Names, Vendors: f.vendors} }

func (p Budgets) detail(ctx context.Context, v *page.Visit, raise raiseForm, status int) (page.Reply, error) {
	f, err := p.facts(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	view := f.view(raise)
	view.CanWrite = v.Can(tenant.WriteBudgets)
	if !view.CanWrite { // what needs more than reading
		for i := range view.Notes {
			view.Notes[i].Post = ""
		}
	}
	return page.Show(layout.Frame{Title: view.Name, Active: layout.Budgets, Toasts: done(v)}, detail(view)).As(status), nil
}

func (p Budgets) facts(ctx context.Context, v *page.Visit) (*facts, error) {
	in, which := v.Scope(), which(v)
	f := &facts{asked: ask(v), vendors: p.Vendors}
	calendar, err := p.Budgets.Calendar(ctx, in)
	if err != nil {
		return nil, err
	}
	f.clock = ui.Clock{Now: v.Now, Zone: calendar.Zone}
	if f.st, err = p.Budgets.Standing(ctx, in, which); err != nil {
		return nil, err
	}
	f.asked.period = f.period()
	if f.burn, err = p.Budgets.Burn(ctx, in, which, budget.BurnQuery{Period: f.asked.period, Subject: f.asked.subject, By: f.asked.by}); err != nil {
		return nil, err
	}
	if f.blocked, err = p.Budgets.Blocked(ctx, in, which, f.asked.subject, f.asked.before, blockedShown); err != nil {
		return nil, err
	}
	if f.raises, err = p.Budgets.Raises(ctx, in, which); err != nil {
		return nil, err
	}
	if f.st.Budget.Each != "" {
		if f.subjects, f.names, f.more, err = p.Budgets.Subjects(ctx, in, which, f.asked.period, f.asked.search, f.asked.after, subjectsShown); err != nil {
			return nil, err
		}
	}
	if f.authors, err = people.ListAuthors(ctx, p.Accounts, in); err != nil {
		return nil, err
	}
	f.checked, f.balance, err = p.check(ctx, in, f.clock)
	return f, err
}

// period is the asked one, or that of the tightest limit.
func (f *facts) period() budget.Period {
	for _, l := range f.st.Budget.Limits {
		if l.Period == f.asked.period {
			return l.Period
		}
	}
	return f.st.Tightest().Period
}

// here is this page with one parameter changed.
func (f *facts) here(name, value string) string {
	q := url.Values{}
	put := func(n, v string) {
		if v != "" {
			q.Set(n, v)
		}
	}
	if len(f.st.Budget.Limits) > 1 {
		put("period", string(f.asked.period))
	}
	if f.asked.by != usage.Workflow {
		put("by", string(f.asked.by))
	}
	put("subject", f.asked.subject)
	put("q", f.asked.search)
	q.Del(name)
	put(name, value)
	if len(q) == 0 {
		return path(f.st.Budget.ID)
	}
	return path(f.st.Budget.ID) + "?" + q.Encode()
}

func (f *facts) view(raise raiseForm) detailView {
	b, m, c := f.st.Budget, &f.burn.Meter, f.clock
	v := detailView{
		ID: b.ID, Name: b.Name, Mode: modeBadge(b), Crumbs: []ui.Link{{Text: "Budgets", Href: Path}}, Clock: c,
		Archived: !b.ArchivedAt.IsZero(), Off: b.Off, Window: windowText(c, m.Window), Before: before(f.burn),
		Lede: limitsText(b.Limits) + " for " + covers(b, f.scope()) + " · times in " + zone(c).String(),
	}
	for _, l := range b.Limits {
		v.Periods = append(v.Periods, ui.Choice{Text: limitText(l.Amount) + " " + periodName(l.Period), Href: f.here("period", string(l.Period)), Current: l.Period == f.asked.period})
	}
	v.Notes = f.notes()
	v.Facts = f.facts()
	v.Checked, v.Balance = f.checked, f.balance
	v.Marks = marks(b)
	f.blocks(&v)
	f.raised(&v, raise)
	if v.Archived || v.Off {
		return v
	}
	if m.Subject != "" {
		v.Whose = ", of " + scope.Noun(b.Each) + " " + scope.Names{Given: f.burn.Names, Vendors: f.vendors}.Value(b.Each, m.Subject)
	}
	v.Figures = f.figures()
	v.Burn = f.chart()
	v.Points = f.points()
	v.Sum = sumText(m)
	if f.burn.Method != "" {
		v.Method = "Forecast by " + f.burn.Method
	}
	f.drivers(&v)
	f.meters(&v)
	f.subjectRows(&v)
	return v
}

// before names the window before where there was anything in it.
func before(b budget.Burn) string {
	if len(b.Before) == 0 {
		return ""
	}
	return lastPeriod(b.Meter.Period)
}

func sumText(m *budget.Meter) string {
	if m.Held == 0 {
		return limitText(m.Limit) + " less " + ui.MoneyText(m.Spent) + " spent is the " + ui.MoneyText(m.Left()) + " left."
	}
	return limitText(m.Limit) + " less " + ui.MoneyText(m.Spent) + " spent and " + ui.MoneyText(m.Held) + " reserved is the " + ui.MoneyText(m.Left()) + " left."
}

func (f *facts) figures() []figure {
	m, c := &f.burn.Meter, f.clock
	left := figure{Name: "Left", Value: ui.MoneyText(m.Left()), Note: leftNote(c, m)}
	spent := figure{Name: "Spent " + thisPeriod(m.Period), Value: ui.MoneyText(m.Spent), Note: percent(m) + " of " + limitText(m.Limit)}
	out := []figure{left, spent, {Name: "Reserved now", Value: ui.MoneyText(m.Held), Note: heldNote(m)}}
	if end := f.burn.End(); f.burn.Method != "" {
		out = append(out, figure{Name: "Forecast", Value: roundMoney(end.Mid), Note: roundMoney(end.Low) + " to " + roundMoney(end.High)})
	}
	blocked := figure{Name: "Blocked, 30 days", Value: ui.CountText(f.blocked.Refused), Unit: "calls", Note: "none so far"}
	if f.blocked.WouldRefuse > 0 {
		blocked.Note = ui.CountText(f.blocked.WouldRefuse) + " more would have been"
	}
	if !f.blocked.LastAt.IsZero() {
		blocked.Note += ", last " + when(c, f.blocked.LastAt)
	}
	if f.blocked.Refused > 0 && f.blocked.WouldRefuse == 0 {
		blocked.Note = "last " + when(c, f.blocked.LastAt)
	}
	return append(out, blocked)
}

func (f *facts) drivers(v *detailView) {
	for _, d := range driverDimensions() {
		v.By = append(v.By, ui.Choice{Text: "By " + string(d), Href: f.here("by", string(d)), Current: d == f.asked.by})
	}
	var most money.NanoUSD
	for _, d := range f.burn.Drivers {
		most = max(most, d.Spent)
	}
	if most == 0 {
		return
	}
	if made := f.st.Budget.CreatedAt; made.After(f.burn.Meter.Window.From) {
		v.Younger = "This budget counts since it was made, " + when(f.clock, made) + ". These figures are of its whole window."
	}
	for _, d := range f.burn.Drivers[:min(len(f.burn.Drivers), 6)] {
		row := driver{Name: cmp.Or(d.Name, d.Value, "No "+string(f.asked.by)), Note: ui.Plural(d.Calls, "call", "calls"), Spent: d.Spent, Most: most, Share: ui.ShareText(int64(d.Spent), int64(f.burn.Meter.Spent))}
		if f.burn.Meter.Spent < d.Spent { // the call log knows more than the ledger: the budget is younger than its window
			row.Share = ""
		}
		if d.Before > 0 {
			row.Note += " · " + ui.MoneyText(d.Before) + " " + lastPeriod(f.burn.Meter.Period) + " by now"
		}
		if d.Value != "" {
			row.Href = "/costs?range=30d&" + string(f.asked.by) + "=" + url.QueryEscape(d.Value)
		}
		v.Drivers = append(v.Drivers, row)
	}
}

func (f *facts) meters(v *detailView) {
	for i := range f.st.Meters {
		m := &f.st.Meters[i]
		row := f.meterRow(m)
		row.Name, row.Href = upper(thisPeriod(m.Period)), f.here("period", string(m.Period))
		if f.st.Budget.Each != "" {
			row.Note = "the fullest of " + ui.CountText(int64(m.Subjects))
		}
		v.Meters = append(v.Meters, row)
	}
}

func (f *facts) meterRow(m *budget.Meter) meterRow {
	r := meterRow{Meter: meter(m), Used: percent(m), Spent: m.Spent, Held: m.Held, Left: m.Left(), Limit: m.Limit, Anew: startsAnew(f.clock, m.Window)}
	one := *m
	one.Full = 0 // of this one alone
	r.State, r.Word = state(f.clock, f.st.Budget, &one, time.Time{}, f.st.Refusals)
	return r
}

func (f *facts) subjectRows(v *detailView) {
	each := f.st.Budget.Each
	if each == "" {
		return
	}
	v.Each, v.Search, v.Subject = scope.Noun(each), f.asked.search, f.asked.subject
	names := scope.Names{Given: f.names, Vendors: f.vendors}
	for i := range f.st.Meters {
		if m := &f.st.Meters[i]; m.Period == f.asked.period {
			v.Crowd = ui.CountText(int64(m.Subjects)) + " spent " + ui.MoneyText(m.SpentAll) + " " + thisPeriod(m.Period) + ", " + ui.CountText(int64(m.Full)) + " full"
		}
	}
	for i := range f.subjects {
		m := &f.subjects[i]
		row := f.meterRow(m)
		row.Name, row.Href = names.Value(each, m.Subject), f.here("subject", m.Subject)
		v.Subjects = append(v.Subjects, row)
	}
	if f.more {
		last := f.subjects[len(f.subjects)-1]
		v.Older = f.here("after", writePlace(budget.Place{Used: last.Spent + last.Held, Subject: last.Subject}))
	}
	if f.asked.after != nil {
		v.Newer = f.here("after", "")
	}
}

func (f *facts) facts() []ui.Fact {
	b := f.st.Budget
	out := []ui.Fact{
		{Name: "Covers", Text: covers(b, f.scope()), Href: scope.Requests(b.Selector)},
		{Name: "Limits", Text: limitsText(b.Limits)},
		{Name: "At the limit", Text: atTheLimit(b)},
	}
	if b.Mode == budget.Block {
		wait := b.Wait
		if wait == 0 {
			wait = budget.DefaultWait
		}
		text := "not at all"
		if wait > 0 {
			text = ui.SpanText(wait)
		}
		out = append(out, ui.Fact{Name: "Waits for room", Text: text}, ui.Fact{Name: "Offline", Text: offlineText(b)})
	}
	return append(
		out,
		ui.Fact{Name: "Made", Text: ui.AgoText(f.clock, b.CreatedAt) + " by " + f.authors.Name(b.CreatedBy)},
		ui.Fact{Name: "Changed", Text: ui.AgoText(f.clock, b.UpdatedAt)},
		ui.Fact{Name: "Id", Text: string(b.ID), Code: true, Copy: true},
	)
}

func marks(b budget.Budget) []markRow {
	at := b.AlertAt
	if at == nil {
		at = budget.DefaultAlerts
	}
	row := markRow{State: ui.Live, Word: "On", Text: "No mark", Note: "of what is spent and reserved"}
	words := make([]string, len(at))
	for i, m := range at {
		words[i] = ui.CountText(int64(m)) + "%"
	}
	if len(words) > 0 {
		row.Text = "At " + strings.Join(words, ", ")
	}
	return []markRow{row, {State: ui.Live, Word: "On", Text: "Once the forecast reaches the limit", Note: "one notice for each window, by every channel of the organization"}}
}

// Archive takes a budget out of force. It can be restored.
func (p Budgets) Archive(ctx context.Context, v *page.Visit) (page.Reply, error) {
	b, err := p.Budgets.Archive(ctx, v.Scope(), which(v), nil)
	if err != nil {
		return page.Reply{}, err
	}
	return page.See(path(b.ID) + "?done=archived"), nil
}

// Restore puts an archived budget back in force.
func (p Budgets) Restore(ctx context.Context, v *page.Visit) (page.Reply, error) {
	b, err := p.Budgets.Restore(ctx, v.Scope(), which(v), nil)
	if err != nil {
		return page.Reply{}, err
	}
	return page.See(path(b.ID) + "?done=restored"), nil
}
