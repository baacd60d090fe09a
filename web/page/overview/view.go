package overview

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/experiment"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page/budgets"
	"tollgate/web/page/experiments"
	"tollgate/web/page/filter"
	"tollgate/web/page/spend"
	"tollgate/web/ui"
)

// view is the page in plain values.
type view struct {
	Clock      ui.Clock
	Fresh      *ui.Freshness
	Costs      string // the page of costs, about the same
	Chips      []ui.Filter
	Stacks     []ui.Choice
	Figures    []figure
	Drawn      bool // there is an amount to draw
	Chart      ui.Bars
	Movers     []mover
	Running    []trial
	Risks      []budgets.Risk
	RisksAll   int
	ShowErrors bool // the visitor may see calls
	Errors     []failure
	AllErrors  string
	Empty      *ui.EmptyView
}

type figure struct {
	ui.FigureView
	Delta ui.Delta
	Note  string
}

// mover is a workflow of a team whose spend changed.
type mover struct {
	Name, Href, Why string
	By              money.NanoUSD
	Delta           ui.Delta
}

// trial is an experiment that runs.
type trial struct {
	Name, Href, Why string
	Badge           ui.BadgeView
}

func newTrial(e experiment.Experiment, now time.Time) trial {
	t := trial{Name: e.Plan.Name, Href: experiments.Href(e.ID), Why: e.Plan.AliasName, Badge: experiments.Badge(e, now)}
	if e.Reading != nil {
		t.Why = e.Reading.Sentence
	}
	return t
}

// failure is one call that went wrong.
type failure struct {
	Href, Name, Why string
	Status          string
	At              time.Time
}

func figures(a asked, got spend.Compared, took [2]usage.Latency, chart ui.Bars) []figure {
	now, was := got.Now.Total, got.Before.Total
	value := "unpriced"
	if spend.Known(&now) {
		value = ui.MoneyText(now.Cost)
	}
	spent := figure{
		FigureView: ui.FigureView{Name: "Spend " + period(a), Badge: spend.Exact(&now), Value: value, Past: totals(chart)},
		Delta:      ui.DeltaOf(int64(now.Cost), int64(was.Cost), ui.Neither), Note: "against " + a.Period.Before().Dates(),
	}
	if forecast, ok := forecast(a.Period, now.Cost); ok {
		spent.Note += " · forecast " + wholeDollars(forecast)
	}
	if now.Unpriced > 0 {
		spent.Note += " · " + ui.Plural(now.Unpriced, "call", "calls") + " unpriced"
	}
	calls := figure{
		FigureView: ui.FigureView{Name: "Requests", Value: ui.CountShort(now.Calls)},
		Delta:      ui.DeltaOf(now.Calls, was.Calls, ui.Neither),
	}
	if per, ok := spend.PerCall(&now); ok {
		calls.Note = "· cost per request " + ui.MoneyText(per)
	}
	errors := figure{
		FigureView: ui.FigureView{Name: "Error rate", Value: ui.RateText(now.Errors, now.Calls)},
		Delta:      ui.DeltaPoints(now.Errors, now.Calls, was.Errors, was.Calls, ui.Down), Note: "· " + ui.CountText(now.Errors) + " failed",
	}
	return []figure{spent, calls, errors, slowness(took[0], took[1])}
}

// slowness compares how long calls took in the period with the one before it.
func slowness(now, was usage.Latency) figure {
	f := figure{FigureView: ui.FigureView{Name: "p95 latency", Aside: "first token", Value: ui.Nothing}}
	if now.FirstByteP95 > 0 {
		f.Value = ui.SpanText(now.FirstByteP95)
		f.Delta = ui.DeltaOf(now.FirstByteP95.Microseconds(), was.FirstByteP95.Microseconds(), ui.Down)
		f.Note = "· whole answer " + ui.SpanText(now.P95)
	} else if now.Calls > 0 {
		f.Aside, f.Value = "whole answer", ui.SpanText(now.P95)
		f.Delta = ui.DeltaOf(now.P95.Microseconds(), was.P95.Microseconds(), ui.Down)
	}
	if now.Sampled {
		f.Note += " · newest " + ui.CountText(now.Calls) + " calls"
	}
	return f
}

func period(a asked) string {
	if a.Period.Preset == filter.Custom {
		return a.Period.Dates()
	}
	return a.Period.Text()
}

// forecast is what the month comes to; other ranges have no end to come to, and a first day says too little.
func forecast(p filter.Period, spent money.NanoUSD) (money.NanoUSD, bool) {
	if p.Preset != filter.Month || p.Now.Sub(p.From) < 24*time.Hour {
		return 0, false
	}
	return usage.Forecast(spent, p.From, p.Now, p.End), true
}

// wholeDollars is the form of forecasts; a small one keeps its cents.
func wholeDollars(n money.NanoUSD) string {
	if n < 100_000_000_000 {
		return ui.MoneyText(n)
	}
	return ui.DollarsText(n)
}

func totals(b ui.Bars) []int64 {
	var out []int64
	for _, d := range b.Days {
		if d.Unfinished {
			continue // it would look like a fall
		}
		var sum int64
		for _, v := range d.Parts {
			sum += v
		}
		out = append(out, sum)
	}
	return out
}

// moversShown is how many changes the page lists.
const moversShown = 6

// movers compares the last seven days with the seven before, whatever the range of the page.
func (p Page) movers(ctx context.Context, in tenant.Scope, a asked, n filter.Namer) ([]mover, error) {
	week, err := filter.ReadPeriod(filter.At(Path, nil).With("range", string(filter.Week)), filter.Week, a.Period.Now, a.Period.Zone)
	if err != nil {
		return nil, err
	}
	got, err := spend.Compare(ctx, p.Usage, in, spend.Question{Period: week, Filter: a.Filter}, usage.Team, usage.Workflow)
	if err != nil {
		return nil, err
	}
	type pair struct{ now, was usage.Row }
	var pairs []pair
	for i := range got.Now.Rows {
		pairs = append(pairs, pair{got.Now.Rows[i], got.Was(&got.Now.Rows[i])})
	}
	for _, gone := range got.Gone() {
		pairs = append(pairs, pair{usage.Row{Values: gone.Values}, gone})
	}
	slices.SortStableFunc(pairs, func(x, y pair) int {
		return cmp.Compare(size(y.now.Cost-y.was.Cost), size(x.now.Cost-x.was.Cost))
	})
	var out []mover
	for _, c := range pairs {
		if len(out) == moversShown || c.now.Cost == c.was.Cost {
			break
		}
		at := costs(a).With("range", string(filter.Week)).Without("from", "to").With("by", string(usage.Model))
		for d, value := range c.now.Values {
			at = at.With(string(d), filter.Param(value))
		}
		out = append(out, mover{
			Name: n.Name(usage.Workflow, c.now.Values[usage.Workflow]) + " in " + n.Name(usage.Team, c.now.Values[usage.Team]), Href: at.String(),
			Why: why(&c.now, &c.was), By: c.now.Cost - c.was.Cost, Delta: ui.DeltaOf(int64(c.now.Cost), int64(c.was.Cost), ui.Neither),
		})
	}
	return out, nil
}

func size(n money.NanoUSD) money.NanoUSD { return max(n, -n) }

// why says which of the two made the change: how many calls there are, and what one costs.
func why(now, was *usage.Row) string {
	calls := ui.CountText(was.Calls) + " to " + ui.Plural(now.Calls, "call", "calls")
	per, ok := spend.PerCall(now)
	before, okBefore := spend.PerCall(was)
	if !ok || !okBefore {
		return calls
	}
	return calls + " · per call " + ui.MoneyText(before) + " to " + ui.MoneyText(per)
}

func newFailure(c *calllog.Entry) failure {
	f := failure{Href: "/requests/" + c.ID.String(), Name: cmp.Or(c.Alias, c.Requested), Why: string(c.Outcome), Status: strconv.Itoa(c.Status), At: c.StartedAt}
	if c.Status == 0 {
		f.Status = ui.Nothing
	}
	if c.ErrorCode != "" {
		f.Why = c.ErrorCode
	}
	if c.Model != "" {
		f.Why += " · " + c.Provider + "/" + c.Model
	}
	if c.KeyName != "" {
		f.Why += " · key " + c.KeyName
	}
	return f
}
