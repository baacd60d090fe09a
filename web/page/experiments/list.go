package experiments

import (
	"context"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

const pageSize = 50

type listView struct {
	Rows         []listRow
	Text         string
	Status       string
	Chips        []ui.Choice
	Newer, Older string
	CanWrite     bool
	Fresh        ui.Freshness
	Looked       time.Time
	Figures      []figure
	Waiting      []listRow
	Scale        ui.IntervalView // of the column of intervals
}

type figure struct{ Name, Value, Unit, Note string }

type listRow struct {
	Name, Href  string
	Sub         string // alias · goal
	Badge       ui.BadgeView
	Note        string // below the badge
	Day, Of     int
	Over        string // the days, where it has ended
	Units       string
	Cost        ui.IntervalView
	CostText    string
	CostSpan    string
	CostGood    bool
	Known       bool
	Quality     string
	Month, Span string
	Sentence    string
}

// statuses are the filters of the list, by the word in the address.
func statuses(word string) []experiment.Status {
	switch word {
	case "running":
		return []experiment.Status{experiment.Active}
	case "draft":
		return []experiment.Status{experiment.Draft}
	case "finished":
		return []experiment.Status{experiment.Stopped, experiment.Promoted, experiment.Reverted, experiment.Invalid}
	default:
		return nil
	}
}

// List is the table of experiments. Its state is ?q= &status= &after=.
func (p Experiments) List(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in := v.Scope()
	view := listView{Text: strings.TrimSpace(v.Query("q")), Status: v.Query("status"), CanWrite: v.Can(tenant.WriteExperiments), Fresh: ui.Freshness{Clock: ui.Clock{Now: v.Now}}}
	found, more, err := p.Experiments.List(ctx, in, experiment.Filter{Text: view.Text, Status: statuses(view.Status)}, id.Experiment(v.Query("after")), pageSize)
	if err != nil {
		return page.Reply{}, err
	}
	all, _, err := p.Experiments.List(ctx, in, experiment.Filter{}, "", figuresOf)
	if err != nil {
		return page.Reply{}, err
	}
	view.fill(found, all, v.Now)
	if more {
		view.Older = here(view.Text, view.Status, string(found[len(found)-1].ID))
	}
	if v.Query("after") != "" {
		view.Newer = here(view.Text, view.Status, "")
	}
	return page.Show(layout.Frame{Title: "Experiments", Active: layout.Experiments, Toasts: done(v)}, list(view)), nil
}

// figuresOf is how many experiments the figures at the top look at.
const figuresOf = 500

// fill lays out a page of experiments, with figures over all of them.
func (l *listView) fill(found, all []experiment.Experiment, now time.Time) {
	values := []float64{-0.4, 0.2}
	for _, e := range found {
		r := row(e, now)
		if r.Known {
			values = append(values, r.Cost.Low, r.Cost.High)
		}
		if e.LookedAt.After(l.Looked) {
			l.Looked = e.LookedAt
		}
		l.Rows = append(l.Rows, r)
	}
	from, to, steps := ui.Scale(values...)
	l.Scale = ui.IntervalView{Measure: ui.Relative, From: from, To: to, Steps: steps}
	for i := range l.Rows {
		l.Rows[i].Cost.From, l.Rows[i].Cost.To = from, to
	}
	for _, e := range all {
		if waiting(e) {
			l.Waiting = append(l.Waiting, row(e, now))
		}
	}
	l.Figures, l.Chips = figuresFor(all, len(l.Waiting), now), chips(*l, all)
}

// row is one line of the list.
func row(e experiment.Experiment, now time.Time) listRow {
	r := listRow{Name: e.Plan.Name, Href: path(e.ID), Sub: e.Plan.AliasName + " · " + goalText(e.Plan), Badge: Badge(e, now), Units: units(e.Reading), Quality: ui.Nothing, Month: ui.Nothing}
	if e.Status == experiment.Draft {
		r.Href += "/edit"
	}
	r.Day, r.Of = day(e, now)
	if !e.EndedAt.IsZero() {
		r.Over = period(e)
	}
	if e.Reading == nil {
		return r
	}
	r.Sentence = e.Reading.Sentence
	if e.Ramp != nil && e.Ramp.Made > 0 {
		r.Note = "promoted as v" + ui.CountText(int64(e.Ramp.Made))
	}
	i := shown(e) - 1
	if i < 0 || i >= len(e.Reading.Cost) {
		return r
	}
	if c := e.Reading.Cost[i]; c.Known && e.Reading.Verdict != experiment.Void {
		low, high := bounds(c)
		r.Known, r.CostText, r.CostSpan = true, ui.Relative.Signed(c.Mean), ui.Relative.Range(low, high)
		r.CostGood = high < 0
		r.Cost = ui.IntervalView{Label: ui.Relative.Range(low, high) + "%", Measure: ui.Relative, Mean: c.Mean, Low: low, High: high, Early: e.Reading.Verdict == experiment.Collecting}
	}
	if q := e.Reading.Quality[i]; q.Known {
		r.Quality = ui.Points.Signed(q.Mean)
	}
	r.Month, r.Span = month(e.Reading.Savings)
	return r
}

// shown is the arm that a row or a result is about when nobody chose: the best one, or the first behind the control.
func shown(e experiment.Experiment) int {
	if e.Winner != "" {
		return max(armIndex(e.Plan, e.Winner), 1)
	}
	if e.Reading != nil {
		return max(armIndex(e.Plan, e.Reading.Best), 1)
	}
	return 1
}

// figuresFor sums up all experiments.
func figuresFor(all []experiment.Experiment, waiting int, now time.Time) []figure {
	var saved, low, high float64
	promoted, running, decided, over, open, void := 0, 0, 0, 0, 0, 0
	for _, e := range all {
		switch e.Status {
		case experiment.Active:
			running++
			continue
		case experiment.Draft:
			continue
		case experiment.Stopped, experiment.Promoted, experiment.Reverted, experiment.Invalid:
		}
		if e.StartedAt.Year() != now.Year() {
			continue
		}
		over++
		switch {
		case e.Status == experiment.Promoted:
			decided++
			promoted++
			if e.Reading != nil && e.Reading.Savings.Known {
				a, b := bounds(e.Reading.Savings)
				saved, low, high = saved+e.Reading.Savings.Mean, low+a, high+b
			}
		case e.Status == experiment.Invalid:
			void++
		case e.Reading == nil || e.Reading.Verdict == experiment.Inconclusive || e.Reading.Verdict == experiment.Collecting:
			open++
		default:
			decided++
		}
	}
	first := figure{Name: "Saved by promoted winners", Value: wholeDollars(math.Max(saved, 0)), Unit: "a month", Note: ui.Plural(int64(promoted), "promoted", "promoted") + " this year"}
	if promoted > 0 {
		first.Note = wholeDollars(low) + " to " + wholeDollars(high) + " · " + first.Note
	}
	return []figure{
		first,
		{Name: "Waiting for you", Value: ui.CountText(int64(waiting)), Note: "a verdict stands, and somebody has to decide"},
		{Name: "Running", Value: ui.CountText(int64(running)), Note: "looked at every hour"},
		{
			Name: "Decided this year", Value: ui.CountText(int64(decided)), Unit: "of " + ui.CountText(int64(over)),
			Note: ui.CountText(int64(open)) + " inconclusive, " + ui.CountText(int64(void)) + " invalid",
		},
	}
}

// chips are the saved filters, with how many each has.
func chips(l listView, all []experiment.Experiment) []ui.Choice {
	count := func(word string) string {
		n := 0
		for _, e := range all {
			if wanted := statuses(word); wanted == nil || slices.Contains(wanted, e.Status) {
				n++
			}
		}
		return ui.CountText(int64(n))
	}
	var out []ui.Choice
	for _, c := range []struct{ word, text string }{{"", "All"}, {"running", "Running"}, {"draft", "Drafts"}, {"finished", "Finished"}} {
		out = append(out, ui.Choice{Text: c.text + " " + count(c.word), Href: here(l.Text, c.word, ""), Current: c.word == l.Status})
	}
	return out
}

func here(text, status, after string) string {
	q := url.Values{}
	for name, value := range map[string]string{"q": text, "status": status, "after": after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return Path
	}
	return Path + "?" + q.Encode()
}
