// Package requests is the log of calls: a list by keyset with filters, a live tail, and one call in full.
//
// The address is the state: filters, the place in the list, the open call (open) and whether the list follows (live). A call has a
// page of its own too.
package requests

import (
	"context"
	"errors"
	"iter"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/internal/price"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/filter"
	"tollgate/web/page/spend"
	"tollgate/web/ui"
)

// Calls reads the call log; *calllog.Queries does.
type Calls interface {
	List(ctx context.Context, in tenant.Scope, f calllog.Filter, t calllog.Turn) (calllog.Page, error)
	Call(ctx context.Context, in tenant.Scope, call id.Call) (calllog.Entry, error)
	Follow(ctx context.Context, in tenant.Scope, f calllog.Filter, after calllog.Tail) iter.Seq2[calllog.Tailed, error]
}

// Prices finds what a call was priced by; *price.Service does.
type Prices interface {
	Book(ctx context.Context) (*price.Book, error)
	Overrides(ctx context.Context, in tenant.Scope) ([]price.Override, error)
}

// Credentials names credentials; *credential.Service does.
type Credentials interface {
	List(ctx context.Context, in tenant.Scope) ([]credential.Credential, error)
}

// Budgets names budgets; *budget.Service does.
type Budgets interface {
	Budget(ctx context.Context, in tenant.Scope, which id.Budget) (budget.Budget, error)
}

// Limits names limits; *limit.Service does.
type Limits interface {
	Limit(ctx context.Context, in tenant.Scope, which id.Limit) (limit.Limit, error)
}

// Page is the list and the page of one call. All fields are required.
type Page struct {
	Calls       Calls
	Usage       spend.Costs
	Prices      Prices
	Credentials Credentials
	Budgets     Budgets
	Limits      Limits
	Names       filter.Source
	Scores      Scores
}

// Path is where the list is.
const Path = "/requests"

// rows is how many calls one page of the list holds.
const rows = 50

func presets() []filter.Preset {
	return []filter.Preset{filter.Hour, filter.Day, filter.Week, filter.Days30, filter.Month, filter.LastMonth}
}

// asked is what the address asks for.
type asked struct {
	at     filter.Address
	period filter.Period
	filter calllog.Filter
	turn   calllog.Turn
	open   id.Call // zero: none
	live   bool
}

func read(v *page.Visit) (asked, error) {
	a := asked{at: filter.At(Path, v.HTTP.URL.Query()), turn: calllog.Turn{Limit: rows}}
	var err error
	if a.period, err = filter.ReadPeriod(a.at, filter.Day, v.Now, time.UTC); err != nil {
		return asked{}, err
	}
	if a.filter, err = readFilter(a.at); err != nil {
		return asked{}, err
	}
	a.filter.From, a.filter.To = a.period.From, a.period.End
	if !a.period.End.Before(v.Now) {
		a.filter.To = time.Time{} // what comes while the page is made belongs to it too
	}
	for name, into := range map[string]**calllog.Cursor{"before": &a.turn.Before, "after": &a.turn.After} {
		if text := a.at.Get(name); text != "" {
			*into = new(calllog.Cursor)
			if err := rest.DecodeCursor(text, *into); err != nil {
				return asked{}, calllog.ErrCursor.Because(err)
			}
		}
	}
	if text := a.at.Get("open"); text != "" {
		if a.open, err = id.ParseCall(text); err != nil {
			return asked{}, calllog.ErrNotFound.Because(err)
		}
	}
	// A list follows only from its top, and only where new calls can come.
	a.live = a.at.Get("live") == "1" && a.turn.Before == nil && a.turn.After == nil && a.filter.To.IsZero()
	return a, nil
}

// List answers the list.
func (p Page) List(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if text := v.Query("q"); text != "" {
		return p.query(ctx, v, text)
	}
	return p.list(ctx, v, "", page.Trouble{})
}

// query leads to what was typed, or shows the list with what is wrong with it.
func (p Page) query(ctx context.Context, v *page.Visit, text string) (page.Reply, error) {
	at := filter.At(Path, v.HTTP.URL.Query()).Without("q", "before", "after", "open")
	got, err := parse(text, at)
	if err == nil && got.call != (id.Call{}) {
		return page.See(Path + "/" + got.call.String()), nil
	}
	if err == nil {
		return page.See(got.at.String()), nil
	}
	trouble, status, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	reply, err := p.list(ctx, v, text, trouble)
	return reply.As(status), err
}

func (p Page) list(ctx context.Context, v *page.Visit, text string, wrong page.Trouble) (page.Reply, error) {
	a, err := read(v)
	if err != nil {
		return page.Reply{}, err
	}
	a.at = a.at.Without("q")
	in := v.Scope()
	got, err := p.Calls.List(ctx, in, a.filter, a.turn)
	if err != nil {
		return page.Reply{}, err
	}
	namer, err := p.Names.Namer(ctx, in, a.at.All("key"))
	if err != nil {
		return page.Reply{}, err
	}
	if err := p.Names.NamePrompts(ctx, in, namer, a.at); err != nil {
		return page.Reply{}, err
	}
	environments, err := p.environments(ctx, v, a)
	if err != nil {
		return page.Reply{}, err
	}
	out := newList(a, namer, got)
	out.Query, out.Wrong = text, wrong.Message
	if a.open != (id.Call{}) {
		call, err := p.detail(ctx, v, a.open)
		if err != nil {
			return page.Reply{}, err
		}
		out.Open = &call
	}
	earlier, later := a.period.Steps(a.at)
	f := layout.Frame{
		Title: "Requests", Active: layout.Requests, Stream: a.live,
		Teams: namer.TeamChoices(a.at), Environments: namer.EnvironmentChoices(a.at, environments),
		Ranges: a.period.Choices(a.at.Without("open"), presets()...), Custom: a.period.Form(a.at.Without("open"), Path),
		Earlier: earlier, Later: later,
	}
	return page.Show(f, list(out)), nil
}

// environments are those of the period, for who may see costs. A period that figures can’t answer has none to choose from.
func (p Page) environments(ctx context.Context, v *page.Visit, a asked) ([]string, error) {
	if !v.Can(tenant.ReadCosts) {
		return nil, nil
	}
	got, err := spend.Environments(ctx, p.Usage, v.Scope(), spend.Question{Period: a.period})
	if errors.Is(err, usage.ErrLongRange) {
		return nil, nil
	}
	return got, err
}

// Call answers the page of one call.
func (p Page) Call(ctx context.Context, v *page.Visit) (page.Reply, error) {
	call, err := id.ParseCall(v.Param("id"))
	if err != nil {
		return page.Reply{}, calllog.ErrNotFound.Because(err)
	}
	out, err := p.detail(ctx, v, call)
	if err != nil {
		return page.Reply{}, err
	}
	return p.show(out), nil
}

func (Page) show(v callView) page.Reply {
	return page.Show(layout.Frame{Title: "Call " + v.ID, Active: layout.Requests}, callPage(v))
}

// Tail streams the list: whenever calls come, its newest rows, whole. So a browser that comes back after a break has missed nothing.
func (p Page) Tail(_ context.Context, v *page.Visit) (page.Reply, error) {
	at := filter.At(Path, v.HTTP.URL.Query())
	f, err := readFilter(at)
	if err != nil {
		return page.Reply{}, err
	}
	in, start := v.Scope(), v.Now
	return page.Stream(func(ctx context.Context, send func(event, data string) error) error {
		return p.follow(ctx, in, at, f, start, send)
	}), nil
}

func (p Page) follow(ctx context.Context, in tenant.Scope, at filter.Address, f calllog.Filter, start time.Time, send func(event, data string) error) error {
	namer, err := p.Names.Namer(ctx, in, nil)
	if err != nil {
		return err
	}
	for step, err := range p.Calls.Follow(ctx, in, f, 0) {
		if err != nil {
			continue // the log does not answer now; the next step asks again
		}
		now := start
		for i := range step.Calls {
			if ended := step.Calls[i].StartedAt.Add(step.Calls[i].Duration); ended.After(now) {
				now = ended // the clock of the rows, which says what is today
			}
		}
		start = now
		period, err := filter.ReadPeriod(at, filter.Day, now, time.UTC)
		if err != nil {
			return err
		}
		f := f
		f.From = period.From
		got, err := p.Calls.List(ctx, in, f, calllog.Turn{Limit: rows})
		if err != nil {
			return err
		}
		a := asked{at: at, period: period, live: true}
		if open, err := id.ParseCall(at.Get("open")); err == nil {
			a.open = open
		}
		html, err := rendered(ctx, lines(newList(a, namer, got)))
		if err != nil {
			return err
		}
		if err := send("rows", html); err != nil {
			return err
		}
	}
	return nil
}

func clock(p filter.Period) ui.Clock { return ui.Clock{Now: p.Now, Zone: p.Zone} }
