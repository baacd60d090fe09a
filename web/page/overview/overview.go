// Package overview is the first page: what is spent, how much is asked, what fails and how long it takes, and what changed.
package overview

import (
	"context"
	"slices"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/budgets"
	"tollgate/web/page/filter"
	"tollgate/web/page/spend"
	"tollgate/web/ui"
)

// Usage is what the page asks of package usage.
type Usage interface {
	spend.Costs
	Latency(ctx context.Context, in tenant.Scope, q usage.Query) (usage.Latency, error)
}

// Calls reads the call log; *calllog.Queries does.
type Calls interface {
	List(ctx context.Context, in tenant.Scope, f calllog.Filter, t calllog.Turn) (calllog.Page, error)
	FirstCall(ctx context.Context, in tenant.Scope) (id.Call, time.Time, bool, error)
}

// Experiments lists experiments; *experiment.Service does.
type Experiments interface {
	List(ctx context.Context, in tenant.Scope, f experiment.Filter, before id.Experiment, limit int) ([]experiment.Experiment, bool, error)
}

// Budgets tells how budgets stand; *budget.Service does.
type Budgets interface {
	Tree(ctx context.Context, in tenant.Scope) ([]budget.Node, error)
	Calendar(ctx context.Context, in tenant.Scope) (budget.Calendar, error)
}

// Page is the page. All fields are required.
type Page struct {
	Budgets     Budgets
	Usage       Usage
	Calls       Calls
	Experiments Experiments
	Names       filter.Source
}

// Path is where the page is.
const Path = "/overview"

func presets() []filter.Preset {
	return []filter.Preset{filter.Day, filter.Week, filter.Days30, filter.Month, filter.LastMonth}
}

// stacks are what the chart can be stacked by.
func stacks() []usage.Dimension {
	return []usage.Dimension{usage.Team, usage.Workflow, usage.Model, usage.Provider}
}

// asked is what the address asks for.
type asked struct {
	spend.Question
	at filter.Address
	by usage.Dimension
}

func read(v *page.Visit) (asked, error) {
	a := asked{at: filter.At(Path, v.HTTP.URL.Query())}
	var err error
	if a.Period, err = filter.ReadPeriod(a.at, filter.Month, v.Now, time.UTC); err != nil {
		return asked{}, err
	}
	a.Filter = filter.Dimensions(a.at)
	a.by = usage.Dimension(a.at.Get("by"))
	if a.by == "" {
		a.by = usage.Team
	}
	if !slices.Contains(stacks(), a.by) {
		return asked{}, usage.ErrDimension
	}
	return a, nil
}

// Show answers the page.
func (p Page) Show(ctx context.Context, v *page.Visit) (page.Reply, error) {
	a, err := read(v)
	if err != nil {
		return page.Reply{}, err
	}
	in := v.Scope()
	namer, err := p.Names.Namer(ctx, in, a.Filter[usage.Key])
	if err != nil {
		return page.Reply{}, err
	}
	environments, err := spend.Environments(ctx, p.Usage, in, a.Question)
	if err != nil {
		return page.Reply{}, err
	}
	earlier, later := a.Period.Steps(a.at)
	f := layout.Frame{
		Title: "Overview", Active: layout.Overview, Teams: namer.TeamChoices(a.at), Environments: namer.EnvironmentChoices(a.at, environments),
		Ranges: a.Period.Choices(a.at, presets()...), Custom: a.Period.Form(a.at, Path), Earlier: earlier, Later: later,
	}
	out, err := p.view(ctx, v, a, namer)
	if err != nil {
		return page.Reply{}, err
	}
	return page.Show(f, overview(out)), nil
}

func (p Page) view(ctx context.Context, v *page.Visit, a asked, namer filter.Namer) (view, error) {
	in := v.Scope()
	got, err := spend.Compare(ctx, p.Usage, in, a.Question, a.by)
	if err != nil {
		return view{}, err
	}
	out := view{
		Clock: ui.Clock{Now: v.Now, Zone: a.Period.Zone}, Fresh: &ui.Freshness{Clock: ui.Clock{Now: v.Now, Zone: a.Period.Zone}, RolledTo: got.Now.UpTo},
		Costs: costs(a).With("by", string(a.by)).String(), Chips: namer.Chips(a.at), Stacks: stackChoices(a),
	}
	if len(got.Now.Rows) == 0 {
		_, _, any, err := p.Calls.FirstCall(ctx, in)
		if err != nil {
			return view{}, err
		}
		out.Empty = none(a, any)
		return out, nil
	}
	var took [2]usage.Latency // in the period, and in the one before it
	for i, period := range []filter.Period{a.Period, a.Period.Before()} {
		if took[i], err = p.Usage.Latency(ctx, in, usage.Query{From: period.From, To: period.To, Filter: a.Filter}); err != nil {
			return view{}, err
		}
	}
	if out.Chart, err = chart(a, got, namer).Bars(ctx, p.Usage, in); err != nil {
		return view{}, err
	}
	out.Drawn = got.Now.Total.Cost > 0
	out.Figures = figures(a, got, took, out.Chart)
	if out.Movers, err = p.movers(ctx, in, a, namer); err != nil {
		return view{}, err
	}
	if v.Can(tenant.ReadExperiments) {
		if out.Running, err = p.running(ctx, in, v.Now); err != nil {
			return view{}, err
		}
	}
	if v.Can(tenant.ReadBudgets) {
		if out.Risks, out.RisksAll, err = p.risks(ctx, in, v.Now); err != nil {
			return view{}, err
		}
	}
	if v.Can(tenant.ReadCalls) {
		out.ShowErrors = true
		if out.Errors, err = p.errors(ctx, in, a); err != nil {
			return view{}, err
		}
		out.AllErrors = costs(a).With("outcome", bad()...).To("/requests").String()
	}
	return out, nil
}

// runningShown is how many running experiments the page lists.
const runningShown = 6

// running are the experiments that run.
func (p Page) running(ctx context.Context, in tenant.Scope, now time.Time) ([]trial, error) {
	list, _, err := p.Experiments.List(ctx, in, experiment.Filter{Status: []experiment.Status{experiment.Active}}, "", runningShown)
	if err != nil {
		return nil, err
	}
	var out []trial
	for _, e := range list {
		out = append(out, newTrial(e, now))
	}
	return out, nil
}

// risksShown is how many budgets at risk the page lists.
const risksShown = 6

// risks are the budgets that are nearly full, or will be before they start anew.
func (p Page) risks(ctx context.Context, in tenant.Scope, now time.Time) ([]budgets.Risk, int, error) {
	nodes, err := p.Budgets.Tree(ctx, in)
	if err != nil || len(nodes) == 0 {
		return nil, 0, err
	}
	calendar, err := p.Budgets.Calendar(ctx, in)
	if err != nil {
		return nil, 0, err
	}
	risks, all := budgets.RisksOf(nodes, ui.Clock{Now: now, Zone: calendar.Zone}, risksShown)
	return risks, all, nil
}

// costs is the address of what the page is about on other pages.
func costs(a asked) filter.Address {
	at := a.at.Only(filter.Names()...).To("/costs")
	if a.Period.Preset != filter.Custom {
		at = at.With("range", string(a.Period.Preset))
	}
	return at
}

func chart(a asked, got spend.Compared, namer filter.Namer) spend.Chart {
	return spend.Chart{
		Question: a.Question, By: a.by, Rows: got.Now.Rows, Namer: namer, Palette: spend.NewPalette(a.by, got.Now.Rows, namer),
		Narrow: func(value string) string { return costs(a).With(string(a.by), filter.Param(value)).String() },
		Slot:   func(s filter.Slot) string { return s.Narrow(costs(a), a.Period.Zone).With("by", string(a.by)).String() },
	}
}

func stackChoices(a asked) []ui.Choice {
	var out []ui.Choice
	for _, d := range stacks() {
		out = append(out, ui.Choice{Text: filter.Title(d), Href: a.at.With("by", string(d)).String(), Current: d == a.by})
	}
	return out
}

func none(a asked, any bool) *ui.EmptyView {
	if !any {
		return &ui.EmptyView{
			Title: "No call yet", Text: "Three steps lead to the first one. The sandbox answers without any provider and costs nothing to speak of.",
			Primary: ui.Link{Text: "Get started", Href: "/get-started"},
		}
	}
	return &ui.EmptyView{
		Title: "No call in " + a.Period.Text(), Text: "There are calls at other times, or without these filters.",
		Primary: ui.Link{Text: "Last 30 days", Href: filter.At(Path, nil).With("range", string(filter.Days30)).String()},
		Second:  ui.Link{Text: "Open costs", Href: "/costs"},
	}
}

// errorsShown is how many of the latest failures the page lists.
const errorsShown = 6

// bad are the outcomes that count as errors, as in the figures.
func bad() []string {
	return []string{string(calllog.Refused), string(calllog.Failed), string(calllog.Broken), string(calllog.Interrupted)}
}

func (p Page) errors(ctx context.Context, in tenant.Scope, a asked) ([]failure, error) {
	f := calllog.Filter{From: a.Period.From, To: a.Period.End}
	for _, o := range bad() {
		f.Outcomes = append(f.Outcomes, calllog.Outcome(o))
	}
	for d, values := range a.Filter {
		narrow(&f, d, values)
	}
	got, err := p.Calls.List(ctx, in, f, calllog.Turn{Limit: errorsShown})
	if err != nil {
		return nil, err
	}
	var out []failure
	for i := range got.Calls {
		out = append(out, newFailure(&got.Calls[i]))
	}
	return out, nil
}

func narrow(f *calllog.Filter, d usage.Dimension, values []string) {
	switch d {
	case usage.Team:
		f.Teams = ids[id.Team](values)
	case usage.Key:
		f.Keys = ids[id.Key](values)
	case usage.Workflow:
		f.Workflows = values
	case usage.Environment:
		f.Environments = values
	case usage.Alias:
		f.Aliases = values
	case usage.Model:
		f.Models = values
	case usage.Endpoint:
		f.Endpoints = values
	case usage.Provider:
		f.Providers = values
	case usage.Task:
		f.Tasks = values
	case usage.Prompt:
		f.Prompts = ids[id.Prompt](values)
	case usage.PromptVersion:
		for _, s := range values {
			if v, ok := calllog.ParsePromptVersion(s); ok {
				f.PromptVersions = append(f.PromptVersions, v)
			}
		}
	case usage.Experiment:
		f.Experiments = ids[id.Experiment](values)
	case usage.Arm:
		f.Arms = values
	}
}

func ids[T ~string](values []string) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = T(v)
	}
	return out
}
