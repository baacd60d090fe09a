package experiments

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

type resultView struct {
	E        experiment.Experiment
	Sample   bool // shown as an example, not the reader's own
	Badge    ui.BadgeView
	Lede     string
	Looked   string
	Verdict  string
	Effect   string // of promoting, in numbers
	Arm      int    // that is compared with A
	Arms     []ui.Choice
	Panels   []panel
	Checks   []check
	Table    []armRow
	Segments []segment
	By       []ui.Choice // what segments are told apart by
	Pairs    []pair
	Events   []event
	CanWrite bool
	Trouble  string
	Clock    ui.Clock
}

// event is one line of the timeline.
type event struct {
	At         time.Time
	Text, Note string
}

// armRow is one arm in figures.
type armRow struct {
	Letter, Name, What string
	Control            bool
	Units, Calls       int64
	Errors, Fallback   string
	Scored             string
	Cost, PerUnit      string
	Quality            string
	FirstToken, Total  string // p50 · p95
	Requests           string // where its calls are
}

// check is one line of the health row.
type check struct {
	State       ui.State
	Title, Text string
}

// readingsMax bounds the points of the bands.
const readingsMax = 60

// Result shows what an experiment found. ?arm= chooses who is compared with the control, ?by= what segments are told apart by.
func (p Experiments) Result(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.result(ctx, v, "", http.StatusOK)
}

func (p Experiments) result(ctx context.Context, v *page.Visit, trouble string, status int) (page.Reply, error) {
	in := v.Scope()
	e, err := p.Experiments.Experiment(ctx, in, id.Experiment(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	if e.Status == experiment.Draft && trouble == "" {
		return page.See(path(e.ID) + "/edit"), nil
	}
	readings, err := p.Experiments.Readings(ctx, in, e.ID, readingsMax)
	if err != nil {
		return page.Reply{}, err
	}
	view := overview(e, readings, v.Query("arm"), v.Now)
	view.CanWrite, view.Trouble = v.Can(tenant.WriteExperiments), trouble
	by := v.Query("by")
	if !slices.Contains(experiment.Segmentations, by) {
		by = experiment.ByWorkflow
	}
	if e.Reading != nil {
		found, err := p.Experiments.Segments(ctx, in, e.ID, by)
		if err != nil {
			return page.Reply{}, err
		}
		view.segments(found, by)
	}
	if e.Reading != nil && v.Can(tenant.ReadCalls) {
		if view.Pairs, err = p.pairs(ctx, v, e); err != nil {
			return page.Reply{}, err
		}
	}
	if view.Effect, err = p.effect(ctx, v, e); err != nil {
		return page.Reply{}, err
	}
	authors, err := people.ListAuthors(ctx, p.People, in)
	if err != nil {
		return page.Reply{}, err
	}
	view.Events = events(e, authors.Name(e.CreatedBy), authors.Name(e.ActedBy))
	return page.Show(layout.Frame{Title: e.Plan.Name, Active: layout.Experiments, Toasts: done(v)}, result(view)).As(status), nil
}

// overview is what an experiment and its readings say, without asking anybody.
func overview(e experiment.Experiment, readings []experiment.Reading, arm string, now time.Time) resultView {
	at, of := day(e, now)
	v := resultView{E: e, Badge: Badge(e, now), Clock: ui.Clock{Now: now}, Arm: shown(e)}
	if i := armIndex(e.Plan, arm); i > 0 {
		v.Arm = i
	}
	v.Lede = "Goal set before the start: " + goalText(e.Plan)
	if e.Plan.Quality != experiment.CostLatency {
		v.Lede += " (margin " + pp(e.Plan.Margin) + ")"
	}
	v.Lede += " · " + period(e) + ", day " + strconv.Itoa(at) + " of " + strconv.Itoa(of)
	v.Looked = "No look yet: the first one comes at the next full hour"
	if !e.LookedAt.IsZero() {
		v.Looked = "Last look " + clockText(now, e.LookedAt) + " · times in UTC"
	}
	v.Verdict = sentence(e)
	for i, variant := range e.Plan.Variants[1:] {
		v.Arms = append(v.Arms, ui.Choice{Text: letter(i+1) + " " + variant.Name, Href: path(e.ID) + "?arm=" + url.QueryEscape(variant.Name), Current: i+1 == v.Arm})
	}
	if e.Reading == nil {
		return v
	}
	v.Panels, v.Checks, v.Table = panels(e, readings, v.Arm), checks(e), armRows(e)
	return v
}

// sentence is the verdict in words, and how many units there are while it waits.
func sentence(e experiment.Experiment) string {
	if e.Reading == nil {
		if e.Horizon > 0 {
			return "Collecting: first look at the next full hour; 0 of about " + ui.CountText(e.Horizon) + " units."
		}
		return "Collecting: first look at the next full hour."
	}
	text := e.Reading.Sentence
	if e.Reading.Verdict == experiment.Collecting && e.Horizon > 0 {
		text += " " + ui.CountText(unitSum(e.Reading)) + " of about " + ui.CountText(e.Horizon) + " units."
	}
	return text
}

// checks are the lines of the health row, in words.
func checks(e experiment.Experiment) []check {
	titles := map[string][2]string{ // fine, not fine
		"sample_ratio": {"Split is fair", "Split is not fair"}, "fallbacks": {"Fallbacks", "Many fallbacks"}, "unscored": {"Unscored share", "Unscored share differs"},
		"outage": {"No outage inside", "An outage inside"}, "prompt_edit": {"Prompt unchanged", "A prompt was edited"}, "promotion": {"Promotion", "Not promoted by itself"}, "price_change": {"Prices unchanged", "A price changed"}, "alias_edit": {"Nothing edited", "The alias was edited"},
		"guardrails": {"Guardrails", "A guardrail is broken"}, "judge": {"Judge", "The judge stopped"}, "not_randomised": {"Dealt at random", "Not dealt at random"},
	}
	var out []check
	for _, c := range e.Reading.Checks {
		state, title := ui.Fine, titles[c.Name][0]
		if c.State != "ok" {
			state, title = ui.Soon, titles[c.Name][1]
		}
		if c.State == "block" {
			state = ui.Act
		}
		if title == "" {
			title = strings.ToUpper(c.Name[:1]) + strings.ReplaceAll(c.Name[1:], "_", " ")
		}
		out = append(out, check{state, title, c.Detail})
	}
	return out
}

// armRows are the arms in figures.
func armRows(e experiment.Experiment) []armRow {
	var out []armRow
	for i, a := range e.Reading.Arms {
		if i >= len(e.Plan.Variants) {
			break
		}
		r := armRow{
			Letter: letter(i), Name: a.Name, What: armText(e.Plan, i), Control: i == 0, Units: a.Units, Calls: a.Calls,
			Errors: ui.RateText(a.Errors, a.Calls), Fallback: ui.RateText(a.Fallback, a.Calls), Scored: ui.ShareText(a.Scored, a.Units),
			Cost: ui.MoneyText(a.Cost), PerUnit: ui.Nothing, Quality: ui.Nothing,
			FirstToken: millis(a.TTFT[0]) + " · " + millis(a.TTFT[1]), Total: millis(a.Total[0]) + " · " + millis(a.Total[1]),
			Requests: "/requests?experiment=" + url.QueryEscape(string(e.ID)) + "&arm=" + url.QueryEscape(a.Name),
		}
		if a.PerUnit.Known {
			r.PerUnit = dollars(a.PerUnit.Mean)
		}
		if a.Quality.Known {
			r.Quality = share(a.Quality.Mean)
		}
		if a.Unpriced > 0 {
			r.Cost += " + " + ui.Plural(a.Unpriced, "unpriced call", "unpriced calls")
		}
		out = append(out, r)
	}
	return out
}

// events is the life of an experiment, oldest first.
func events(e experiment.Experiment, made, acted string) []event {
	out := []event{{e.CreatedAt, "Made", "by " + made}}
	add := func(at time.Time, text, note string) {
		if !at.IsZero() {
			out = append(out, event{at, text, note})
		}
	}
	add(e.StartedAt, "Started", "on version "+strconv.Itoa(e.AliasAt)+" of "+e.Plan.AliasName)
	add(e.LookedAt, "Last look", "every hour")
	if e.Status != experiment.Active {
		add(e.EndedAt, map[experiment.Status]string{experiment.Stopped: "Ended", experiment.Promoted: "Promoted " + e.Winner, experiment.Reverted: "Reverted", experiment.Invalid: "Closed"}[e.Status], "by "+acted)
	}
	if r := e.Ramp; r != nil {
		word := strconv.Itoa(r.Stage) + "% of units to " + e.Winner
		if r.Back {
			word = "Rolled back"
		}
		note := r.Reason
		if r.Made > 0 && note == "" {
			note = "version " + strconv.Itoa(r.Made) + " of " + e.Plan.AliasName
		}
		add(r.Since, word, note)
		if !r.Over {
			add(r.Until, "Guardrails until then", "")
		}
	}
	slices.SortStableFunc(out, func(a, b event) int { return a.At.Compare(b.At) })
	return out
}

// promotable reports whether an arm can get the alias.
func (v resultView) promotable() bool {
	return v.CanWrite && !v.E.Plan.AA && (v.E.Status == experiment.Active || v.E.Status == experiment.Stopped) && v.E.Reading != nil
}

// reversible reports whether a promotion can be taken back.
func (v resultView) reversible() bool {
	return v.CanWrite && v.E.Status == experiment.Promoted && v.E.Ramp != nil && !v.E.Ramp.Back
}

func (v resultView) to(action string) string {
	return path(v.E.ID) + "/" + action
}

func (v resultView) promoteHref() string {
	return v.to("promote") + "?arm=" + url.QueryEscape(v.E.Plan.Variants[v.Arm].Name)
}
