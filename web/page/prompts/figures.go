package prompts

import (
	"context"
	"slices"
	"strconv"
	"time"

	"tollgate/internal/money"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/ui"
)

type figuresView struct {
	subject
	By         promptstat.By
	Days       int
	Rows       []figureRow
	All        promptstat.Figures
	Scores     []string
	Bars       ui.Bars
	Difference *difference
	A, B       int
	As, Bs     []ui.Choice
	Ways       []ui.Choice
	Ranges     []ui.Choice
}

type figureRow struct {
	Name, Href string
	Note       string // of a label: the versions on which it stood
	Past       []int64
	Each       money.NanoUSD
	promptstat.Figures
}

// rangesOffered are the ranges of the page, in days.
var rangesOffered = []int{1, 7, 30, 90}

// Figures are what versions or labels carried. Its state is ?by=label &days=7 &a= &b=.
func (p Prompts) Figures(ctx context.Context, v *page.Visit) (page.Reply, error) {
	s, err := p.subject(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	view := figuresView{subject: s, By: promptstat.ByVersion, Days: number(v.Query("days")), A: number(v.Query("a")), B: number(v.Query("b"))}
	if v.Query("by") == string(promptstat.ByLabel) {
		view.By = promptstat.ByLabel
	}
	if !slices.Contains(rangesOffered, view.Days) {
		view.Days = 30
	}
	if view.A > s.Prompt.Latest || view.B > s.Prompt.Latest {
		return page.Reply{}, prompt.ErrVersion
	}
	got, err := p.Stats.Metrics(ctx, v.Scope(), promptstat.Query{Prompt: s.Prompt.ID, By: view.By, From: v.Now.AddDate(0, 0, -view.Days), To: v.Now})
	if err != nil {
		return page.Reply{}, err
	}
	view.fill(got, v.Now)
	if view.A == 0 && view.B == 0 {
		view.A, view.B = usualPair(s.Prompt, got)
	}
	if view.A != 0 && view.B != 0 && view.A != view.B {
		if view.Difference, err = p.difference(ctx, v, s.Prompt.ID, view.A, view.B); err != nil {
			return page.Reply{}, err
		}
		view.CanTry = v.Can(tenant.WriteExperiments)
	}
	view.choices()
	return page.Show(s.frame(v, "Figures of "), figuresPage(view)), nil
}

// usualPair is what somebody most likely wants to compare: the version in use and the newest that was called, or the two newest called.
func usualPair(p prompt.Prompt, got promptstat.Metrics) (a, b int) {
	var called []int
	for _, r := range got.Rows {
		if r.Version > 0 && r.Calls > 0 {
			called = append(called, r.Version)
		}
	}
	slices.Sort(called)
	if len(called) < 2 {
		return 0, 0
	}
	b = called[len(called)-1]
	if a = p.Labels[prompt.Production]; a == 0 || a == b || !slices.Contains(called, a) {
		a = called[len(called)-2]
	}
	return min(a, b), max(a, b)
}

func (v *figuresView) fill(got promptstat.Metrics, now time.Time) {
	v.All = got.All
	for name := range got.All.Scores {
		v.Scores = append(v.Scores, name)
	}
	slices.SortFunc(v.Scores, func(a, b string) int {
		return int(max(min(got.All.Scores[b].N-got.All.Scores[a].N, 1), -1))
	})
	v.Scores = v.Scores[:min(len(v.Scores), scoresShown)]
	days := v.days(now)
	for _, r := range got.Rows {
		row := figureRow{Figures: r.Figures, Each: r.CostPerCall(), Past: perDay(r.Days, days)}
		if v.By == promptstat.ByLabel {
			row.Name = r.Label
			if r.Label == "" {
				row.Name = "by version"
			}
			for i, n := range r.Versions {
				if i > 0 {
					row.Note += ", "
				}
				row.Note += versionText(n)
			}
		} else {
			row.Name, row.Href = versionText(r.Version), versionHref(v.Prompt.ID, r.Version)
		}
		v.Rows = append(v.Rows, row)
	}
	v.Bars = bars(v.Rows, days, now)
}

// scoresShown bounds the columns of scores.
const scoresShown = 3

// days are the days of the range, of UTC.
func (v *figuresView) days(now time.Time) []time.Time {
	last := now.UTC().Truncate(24 * time.Hour)
	var out []time.Time
	for d := last.AddDate(0, 0, -v.Days); !d.After(last); d = d.AddDate(0, 0, 1) {
		out = append(out, d)
	}
	return out
}

// perDay are the calls of each day.
func perDay(list []promptstat.Day, days []time.Time) []int64 {
	out := make([]int64, len(days))
	for _, d := range list {
		if at := slices.IndexFunc(days, d.At.Equal); at >= 0 {
			out[at] = d.Calls
		}
	}
	return out
}

// seriesMost bounds the colours of the chart; what is beyond is the rest.
const seriesMost = 8

// bars are the calls of each day, by version or label, the one with the most at the bottom.
func bars(rows []figureRow, days []time.Time, now time.Time) ui.Bars {
	out := ui.Bars{Label: "Calls a day", Height: ui.Low}
	shown := slices.Clone(rows)
	slices.SortStableFunc(shown, func(a, b figureRow) int { return int(max(min(b.Calls-a.Calls, 1), -1)) })
	rest := shown[min(len(shown), seriesMost):]
	shown = shown[:min(len(shown), seriesMost)]
	for i, r := range shown {
		out.Series = append(out.Series, ui.Series{Name: r.Name, Colour: ui.Colour(i + 1)})
	}
	if len(rest) > 0 {
		out.Series = append(out.Series, ui.Series{Name: "rest"})
	}
	for i, d := range days {
		day := ui.BarDay{Label: d.Format("Mon 2 Jan"), Axis: d.Format("2 Jan"), Href: "#figures", Unfinished: !d.Add(24 * time.Hour).Before(now)}
		for _, r := range shown {
			day.Parts = append(day.Parts, r.Past[i])
		}
		if len(rest) > 0 {
			var sum int64
			for _, r := range rest {
				sum += r.Past[i]
			}
			day.Parts = append(day.Parts, sum)
		}
		out.Days = append(out.Days, day)
	}
	return out
}

// at is this page with something different.
func (v *figuresView) at(by promptstat.By, days, a, b int) string {
	out := href(v.Prompt.ID) + "/figures?by=" + string(by) + "&days=" + strconv.Itoa(days)
	if a != 0 && b != 0 {
		out += "&a=" + strconv.Itoa(a) + "&b=" + strconv.Itoa(b)
	}
	return out
}

func (v *figuresView) choices() {
	v.Ways = []ui.Choice{
		{Text: "By version", Href: v.at(promptstat.ByVersion, v.Days, v.A, v.B), Current: v.By == promptstat.ByVersion},
		{Text: "By label", Href: v.at(promptstat.ByLabel, v.Days, v.A, v.B), Current: v.By == promptstat.ByLabel},
	}
	for _, d := range rangesOffered {
		text := strconv.Itoa(d) + " days"
		if d == 1 {
			text = "24 h"
		}
		v.Ranges = append(v.Ranges, ui.Choice{Text: text, Href: v.at(v.By, d, v.A, v.B), Current: v.Days == d})
	}
	for n := v.Prompt.Latest; n > 0 && n > v.Prompt.Latest-pickMost; n-- {
		if n != v.B {
			v.As = append(v.As, ui.Choice{Text: versionText(n), Href: v.at(v.By, v.Days, n, v.B), Current: n == v.A})
		}
		if n != v.A {
			v.Bs = append(v.Bs, ui.Choice{Text: versionText(n), Href: v.at(v.By, v.Days, v.A, n), Current: n == v.B})
		}
	}
}

// share is a part of a whole that is a float: 37.8%.
func share(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + "%" }
