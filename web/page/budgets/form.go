package budgets

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/scope"
	"tollgate/web/ui"
)

// form is a budget as it is typed. The zero ID is a budget to be added.
type form struct {
	ID       id.Budget
	Revision int
	Was      string // the name it had, for headings

	Name    string
	Scope   scope.Fields
	Limits  map[budget.Period]string // in dollars
	Mode    string
	Action  string
	MoveTo  string
	Floor   string
	Wait    string // seconds
	Offline string
	Standby string
	Alerts  string
	Off     bool

	Trouble page.Trouble
	Choices scope.Choices
	Clock   ui.Clock
	Result  *budget.Simulation // over last month's traffic; nil: not asked for
}

func (f form) editing() bool { return f.ID != "" }

func (f form) action() string {
	if f.editing() {
		return path(f.ID) + "/edit"
	}
	return Path
}

func (f form) back() string {
	if f.editing() {
		return path(f.ID)
	}
	return Path
}

// read is the form as it was posted, or as an address fills it in.
func read(get func(string) string) form {
	revision, err := strconv.Atoi(get("revision"))
	if err != nil {
		revision = 0
	}
	f := form{
		Revision: revision, Name: strings.TrimSpace(get("name")), Scope: scope.Read(get), Limits: map[budget.Period]string{},
		Mode: get("mode"), Action: get("action"), MoveTo: strings.TrimSpace(get("move_to")), Floor: get("floor"), Wait: get("wait"),
		Offline: get("offline"), Standby: get("standby"), Alerts: get("alert_at"), Off: get("off") != "",
	}
	for _, p := range budget.Periods {
		f.Limits[p] = strings.TrimSpace(get("limit_" + string(p)))
	}
	return f
}

// of is a budget's form.
func of(b budget.Budget) form {
	f := form{
		ID: b.ID, Revision: b.Revision, Was: b.Name, Name: b.Name, Scope: scope.Of(b.Selector, b.Each), Limits: map[budget.Period]string{},
		Mode: string(b.Mode), Action: string(b.Action), MoveTo: b.MoveTo, Offline: string(b.Offline), Off: b.Off, Alerts: marksText(b.AlertAt),
	}
	for _, l := range b.Limits {
		f.Limits[l.Period] = l.Amount.USD()
	}
	if b.Floor > 0 {
		f.Floor = strconv.FormatInt(b.Floor, 10)
	}
	if b.Standby > 0 {
		f.Standby = b.Standby.USD()
	}
	switch {
	case b.Wait < 0:
		f.Wait = "0"
	case b.Wait > 0:
		f.Wait = strconv.FormatFloat(b.Wait.Seconds(), 'f', -1, 64)
	}
	return f
}

func marksText(marks []int) string {
	out := make([]string, len(marks))
	for i, m := range marks {
		out[i] = strconv.Itoa(m)
	}
	return strings.Join(out, ", ")
}

func invalid(field, text string) error { return budget.ErrInvalid.Say("%s", text).At(field) }

// budget is what the form says. Its errors are budget.ErrInvalid at a field of the form; the service checks the rest.
func (f form) budget() (budget.Budget, error) {
	b := budget.Budget{
		Name: f.Name, Selector: f.Scope.Selector(), Each: f.Scope.EachName(), Mode: budget.Mode(f.Mode), Action: budget.Action(f.Action),
		MoveTo: f.MoveTo, Offline: budget.Offline(f.Offline), Off: f.Off,
	}
	if f.Scope.Each == "tag" && f.Scope.EachTag == "" {
		return b, invalid("each", "Name the tag whose values are counted one by one.")
	}
	for _, p := range budget.Periods {
		amount, ok, err := dollars(f.Limits[p])
		if err != nil {
			return b, invalid("limit_"+string(p), "Write an amount in dollars: 500 or 12.50.")
		}
		if ok {
			b.Limits = append(b.Limits, budget.Limit{Period: p, Amount: amount})
		}
	}
	if len(b.Limits) == 0 {
		return b, invalid("limits", "Write at least one limit.")
	}
	err := f.finer(&b)
	return b, err
}

// finer reads the numbers that most forms leave empty.
func (f form) finer(b *budget.Budget) error {
	var err error
	if b.Standby, _, err = dollars(f.Standby); err != nil {
		return invalid("standby", "Write an amount in dollars: 5 or 0.50.")
	}
	if f.Floor != "" {
		if b.Floor, err = strconv.ParseInt(strings.TrimSpace(f.Floor), 10, 64); err != nil {
			return invalid("floor", "Write a number of tokens.")
		}
	}
	if text := strings.TrimSpace(f.Wait); text != "" {
		d, err := time.ParseDuration(text + "s")
		if err != nil {
			return invalid("wait", "Write a number of seconds.")
		}
		if b.Wait = d; d == 0 {
			b.Wait = -1 // not at all
		}
	}
	for _, w := range page.Words(f.Alerts) {
		mark, err := strconv.Atoi(strings.TrimSuffix(w, "%"))
		if err != nil {
			return invalid("alert_at", "Write whole per cents: 50, 75, 90, 100.")
		}
		b.AlertAt = append(b.AlertAt, mark)
	}
	return nil
}

// dollars reads an amount as people type it; false for nothing.
func dollars(text string) (money.NanoUSD, bool, error) {
	text = strings.TrimPrefix(strings.ReplaceAll(strings.TrimSpace(text), ",", ""), "$")
	if text == "" {
		return 0, false, nil
	}
	n, err := money.ParseUSD(text)
	if err == nil && n < 0 {
		err = budget.ErrInvalid
	}
	return n, true, err
}

// place moves a trouble of the service to the field of the form that shows it: limits.1.amount is the second limit that is filled.
func (f form) place(t page.Trouble) page.Trouble {
	rest, ok := strings.CutPrefix(t.Field, "limits.")
	if !ok {
		return t
	}
	at, err := strconv.Atoi(strings.SplitN(rest, ".", 2)[0])
	if err != nil {
		return t
	}
	for _, p := range budget.Periods {
		if _, filled, _ := dollars(f.Limits[p]); filled {
			if at == 0 {
				t.Field = "limit_" + string(p)
				return t
			}
			at--
		}
	}
	return t
}

// NewForm asks for a budget. An address fills fields in, by their names.
func (p Budgets) NewForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := read(v.Query)
	f.Mode = cmp.Or(f.Mode, string(budget.Watch))
	f.Action, f.Offline = cmp.Or(f.Action, string(budget.Refuse)), cmp.Or(f.Offline, string(budget.Deny))
	return p.show(ctx, v, "Add budget", f)
}

func (p Budgets) show(ctx context.Context, v *page.Visit, title string, f form) (page.Reply, error) {
	var err error
	if f.Choices, err = p.choices(ctx, v); err != nil {
		return page.Reply{}, err
	}
	calendar, err := p.Budgets.Calendar(ctx, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	f.Clock = ui.Clock{Now: v.Now, Zone: calendar.Zone}
	return page.Show(layout.Frame{Title: title, Active: layout.Budgets}, edit(f)), nil
}

// again shows the form with what is wrong in it, or gives err back when that is no matter of the form.
func (p Budgets) again(ctx context.Context, v *page.Visit, title string, f form, err error) (page.Reply, error) {
	trouble, code, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	if errors.Is(err, budget.ErrTaken) {
		trouble.Field = "name"
	}
	f.Trouble = f.place(trouble)
	reply, err := p.show(ctx, v, title, f)
	return reply.As(code), err
}

// simulated shows the form with what the budget would have done to last month's calls.
func (p Budgets) simulated(ctx context.Context, v *page.Visit, title string, f form, b budget.Budget) (page.Reply, error) {
	got, err := p.Budgets.Simulate(ctx, v.Scope(), b)
	if err != nil {
		return p.again(ctx, v, title, f, err)
	}
	f.Result = &got
	return p.show(ctx, v, title, f)
}

// Create adds a budget, or tells what it would have done (do=simulate).
func (p Budgets) Create(ctx context.Context, v *page.Visit) (page.Reply, error) {
	const title = "Add budget"
	f := read(v.Form)
	b, err := f.budget()
	if err != nil {
		return p.again(ctx, v, title, f, err)
	}
	if v.Form("do") == "simulate" {
		return p.simulated(ctx, v, title, f, b)
	}
	made, err := p.Budgets.Create(ctx, v.Scope(), b)
	if err != nil {
		return p.again(ctx, v, title, f, err)
	}
	return page.See(path(made.ID) + "?done=added"), nil
}

// EditForm asks for changes.
func (p Budgets) EditForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	b, err := p.Budgets.Budget(ctx, v.Scope(), which(v))
	if err != nil {
		return page.Reply{}, err
	}
	if !b.ArchivedAt.IsZero() {
		return page.See(path(b.ID)), nil
	}
	return p.show(ctx, v, "Change "+b.Name, of(b))
}

// Edit saves changes, unless somebody else changed the budget meanwhile; do=simulate tells what they would have done.
func (p Budgets) Edit(ctx context.Context, v *page.Visit) (page.Reply, error) {
	was, err := p.Budgets.Budget(ctx, v.Scope(), which(v))
	if err != nil {
		return page.Reply{}, err
	}
	title := "Change " + was.Name
	f := read(v.Form)
	f.ID, f.Was = was.ID, was.Name
	b, err := f.budget()
	if err != nil {
		return p.again(ctx, v, title, f, err)
	}
	if v.Form("do") == "simulate" {
		return p.simulated(ctx, v, title, f, b)
	}
	_, err = p.Budgets.Update(ctx, v.Scope(), was.ID, b, func(now budget.Budget) error {
		if now.Revision != f.Revision {
			return budget.ErrStale.Say("Not saved: somebody changed this budget meanwhile. Open it again to see the change.")
		}
		return nil
	})
	if err != nil {
		return p.again(ctx, v, title, f, err)
	}
	return page.See(path(was.ID) + "?done=saved"), nil
}

// Words says in words what the form would make, for the pane beside it.
func (p Budgets) Words(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := read(v.Form)
	var err error
	if f.Choices, err = p.choices(ctx, v); err != nil {
		return page.Reply{}, err
	}
	calendar, err := p.Budgets.Calendar(ctx, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	f.Clock = ui.Clock{Now: v.Now, Zone: calendar.Zone}
	return page.Part(inWords(f)), nil
}

// offers are the suggestions, each with the form that accepts it.
func (p Budgets) offers(ctx context.Context, in tenant.Scope) ([]offer, error) {
	got, err := p.Budgets.Suggestions(ctx, in)
	if err != nil {
		return nil, err
	}
	var out []offer
	for _, s := range got {
		out = append(out, newOffer(s))
	}
	return out, nil
}

func newOffer(s budget.Suggestion) offer {
	o := offer{Name: s.Budget.Name, Why: s.Why, Limit: limitsText(s.Budget.Limits)}
	put := func(name, value string) {
		if value != "" {
			o.Fields = append(o.Fields, ui.Param{Name: name, Value: value})
		}
	}
	put("name", s.Budget.Name)
	put("mode", string(s.Budget.Mode))
	for _, m := range s.Budget.Selector {
		if slices.Contains(dimension.Names, m.Dimension) {
			put(string(m.Dimension), m.Value)
		}
	}
	put("each", string(s.Budget.Each))
	for _, l := range s.Budget.Limits {
		put("limit_"+string(l.Period), l.Amount.USD())
	}
	return o
}
