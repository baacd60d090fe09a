package budget

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
)

// Point is what was spent in a step of time that begins at At.
type Point struct {
	At    time.Time
	Spent money.NanoUSD
}

// Burn is how a window's money was spent, and is going to be.
type Burn struct {
	Budget Budget
	Meter  Meter
	At     time.Time
	Step   time.Duration // of Points
	Points []Point       // settled on the pot, oldest first; steps in which nothing was are left out
	Before []Point       // the same of the window before, as it was then; empty for "total"
	Forecast
	By      usage.Dimension // of Drivers
	Drivers []Driver        // the dearest first; none where usage is not kept by what the budget selects
	Names   map[dimension.Match]string
}

// Driver is a part of what was spent in the window, by the call log.
type Driver struct {
	Value  string // of the dimension; "": none
	Name   string // display name, of a team or key
	Spent  money.NanoUSD
	Calls  int64
	Before money.NanoUSD // in the same part of the window before
}

// driversMax bounds the list.
const driversMax = 10

// BurnQuery asks for one.
type BurnQuery struct {
	Period  Period          // "": the first limit's
	Subject string          // of a budget for each value: whose; "": the fullest one's
	By      usage.Dimension // what drove it; "": usage.Workflow
}

// Burn reads how the window of now is spent. ErrNoPeriod.
func (s *Service) Burn(ctx context.Context, in tenant.Scope, which id.Budget, q BurnQuery) (Burn, error) {
	b, err := s.Store.Budget(ctx, in, which)
	if err != nil {
		return Burn{}, err
	}
	m, err := s.meter(ctx, in, b, q.Period)
	if err != nil {
		return Burn{}, err
	}
	calendar, err := s.Calendar(ctx, in)
	if err != nil {
		return Burn{}, err
	}
	now := instant(s.Now())
	out := Burn{Budget: b, At: now, Step: step(m.Period), By: cmp.Or(q.By, usage.Workflow)}
	if out.Meter, err = s.whose(ctx, in, b, m, q.Subject); err != nil {
		return out, err
	}
	before := earlier(calendar, m.Window)
	if out.Points, err = s.Store.Posted(ctx, in, Pot(in.Org(), which, out.Meter.Subject, m.Window), out.Step); err != nil {
		return out, err
	}
	if !before.From.IsZero() {
		if out.Before, err = s.Store.Posted(ctx, in, Pot(in.Org(), which, out.Meter.Subject, before), out.Step); err != nil {
			return out, err
		}
	}
	filter, told := filterOf(b, out.Meter.Subject)
	var past *history
	if told {
		if past, err = s.history(ctx, in, filter, now); err != nil {
			return out, err
		}
		if out.Drivers, err = s.drivers(ctx, in, out, filter, before); err != nil {
			return out, err
		}
	}
	out.Forecast = forecast(out.Meter, now, past, calendar.Location())
	st := []Standing{{Budget: b, Meters: []Meter{out.Meter}}}
	err = s.name(ctx, in, st)
	out.Names = st[0].Names
	return out, err
}

// whose fills the meter with one pot's figures.
func (s *Service) whose(ctx context.Context, in tenant.Scope, b Budget, m Meter, subject string) (Meter, error) {
	if b.Each != "" && subject == "" {
		err := s.crowd(ctx, in, b.ID, &m)
		return m, err
	}
	if b.Each != "" {
		m.Subject = subject
	}
	pot := Pot(in.Org(), b.ID, m.Subject, m.Window)
	states, err := s.Store.Pots(ctx, in, []id.Pot{pot})
	m.set(states[pot])
	return m, err
}

// step is the width of the points of a window.
func step(p Period) time.Duration {
	switch p {
	case Hour:
		return time.Minute
	case Day:
		return 15 * time.Minute
	default:
		return time.Hour
	}
}

// earlier is the window before; the zero Window of "total".
func earlier(c Calendar, w Window) Window {
	if w.From.IsZero() {
		return Window{Period: w.Period}
	}
	return c.Window(w.Period, w.From.Add(-time.Nanosecond))
}

// filterOf is the budget's selection in the words of usage; false where usage is not kept by it.
func filterOf(b Budget, subject string) (map[usage.Dimension][]string, bool) {
	conditions := b.Selector
	if b.Each != "" {
		conditions = append(slices.Clone(conditions), dimension.Match{Dimension: b.Each, Value: subject})
	}
	out := make(map[usage.Dimension][]string, len(conditions))
	for _, m := range conditions {
		switch m.Dimension {
		case dimension.Team, dimension.Key, dimension.Environment, dimension.Workflow, dimension.Alias, dimension.Provider,
			dimension.Prompt, dimension.PromptVersion:
			out[usage.Dimension(m.Dimension)] = []string{m.Value}
		case dimension.Model:
			vendor, model, _ := strings.Cut(m.Value, "/")
			if p := out[usage.Provider]; p != nil && p[0] != vendor {
				return nil, false
			}
			out[usage.Provider], out[usage.Model] = []string{vendor}, []string{model}
		default: // end users and tags
			return nil, false
		}
	}
	return out, true
}

// history reads what was spent by the hour in the last four weeks.
func (s *Service) history(ctx context.Context, in tenant.Scope, filter map[usage.Dimension][]string, now time.Time) (*history, error) {
	to := now.UTC().Truncate(time.Hour)
	from := to.Add(-historyHours * time.Hour)
	got, err := s.Costs.Costs(ctx, in, usage.Query{From: from, To: to, Bucket: usage.Hourly, Filter: filter})
	if err != nil {
		return nil, err
	}
	h := new(history)
	for _, r := range got.Rows {
		h.add(Point{r.At, r.Cost}, from)
	}
	return h, nil
}

// drivers reads the parts of the window's spending, beside those of the same part of the window before.
func (s *Service) drivers(ctx context.Context, in tenant.Scope, b Burn, filter map[usage.Dimension][]string, before Window) ([]Driver, error) {
	from := b.Meter.Window.From
	if from.IsZero() {
		from = b.At.Add(-countedFor)
	}
	now, err := s.parts(ctx, in, usage.Query{From: from, To: b.At.Add(time.Second), GroupBy: []usage.Dimension{b.By}, Filter: filter})
	if err != nil || before.From.IsZero() {
		return now, err
	}
	then, err := s.parts(ctx, in, usage.Query{From: before.From, To: before.From.Add(max(b.At.Sub(from), time.Second)), GroupBy: []usage.Dimension{b.By}, Filter: filter})
	for i := range now {
		if at := slices.IndexFunc(then, func(d Driver) bool { return d.Value == now[i].Value }); at >= 0 {
			now[i].Before = then[at].Spent
		}
	}
	return now[:min(len(now), driversMax)], err
}

func (s *Service) parts(ctx context.Context, in tenant.Scope, q usage.Query) ([]Driver, error) {
	got, err := s.Costs.Costs(ctx, in, q)
	if err != nil {
		return nil, err
	}
	out := make([]Driver, 0, len(got.Rows))
	for _, r := range got.Rows {
		by := q.GroupBy[0]
		out = append(out, Driver{Value: r.Values[by], Name: r.Names[by], Spent: r.Cost, Calls: r.Calls})
	}
	return out, nil
}
