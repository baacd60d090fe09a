package experiments

import (
	"context"
	"math"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/money"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// Sample shows a result whose figures are made up, for somebody who has none yet.
func (p Experiments) Sample(_ context.Context, v *page.Visit) (page.Reply, error) {
	e, readings := sample(v.Now)
	view := overview(e, readings, "", v.Now)
	view.Sample, view.Clock = true, ui.Clock{Now: v.Now}
	view.Effect = "Promote makes version 9 of support-reply: half of its units for a day, then all, with the guardrails on for 48 h. It can be rolled back in one click."
	view.Events = []event{{e.StartedAt, "Started", "on version 8 of support-reply"}, {e.LookedAt, "Last look", "every hour"}}
	view.Arms = nil
	return page.Show(layout.Frame{Title: "A sample result", Active: layout.Experiments}, result(view)), nil
}

// sample is an experiment that ended an hour ago, and its looks.
func sample(now time.Time) (experiment.Experiment, []experiment.Reading) {
	end := now.UTC().Truncate(time.Hour)
	start := end.AddDate(0, 0, -7)
	e := experiment.Experiment{
		ID: "sample", Status: experiment.Stopped, AliasAt: 8, Horizon: 13_400, CreatedAt: start.Add(-time.Hour), StartedAt: start, EndedAt: end, LookedAt: end,
		Plan: experiment.Plan{
			AliasName: "support-reply", Name: "Haiku for replies", Goal: experiment.Cheaper, Margin: 0.02, Quality: experiment.Scores, ScoreName: "accepted", Days: 7, Share: 100,
			Variants: []experiment.Variant{{Name: "control", Weight: 50}, {Name: "haiku", Weight: 50, Target: &alias.Target{Provider: "anthropic", Model: "claude-haiku-4-5"}}},
		},
	}
	var readings []experiment.Reading
	for i := 1; i <= 28; i++ {
		readings = append(readings, sampleReading(start.Add(time.Duration(i)*6*time.Hour), i))
	}
	last := readings[len(readings)-1]
	last.Final, last.Verdict, last.Best = true, experiment.Winner, "haiku"
	last.Cost[0].FixedLow, last.Cost[0].FixedHigh = -0.661, -0.634
	last.Quality[0].FixedLow, last.Quality[0].FixedHigh = -0.009, 0.017
	last.Savings = experiment.Interval{Known: true, Mean: 2140, Low: 1990, High: 2290, FixedLow: 2010, FixedHigh: 2270}
	last.Sentence = "haiku costs 64.8% less per unit (63.4% to 66.1%) and its quality is not worse (+0.4 pp, within 2 pp). Promoting it saves about $2,140 a month ($2,010 to $2,270)."
	last.Checks = []experiment.Check{
		{Name: "sample_ratio", State: "ok", Detail: "control 6,731, haiku 6,681; as planned (p 0.67)"},
		{Name: "fallbacks", State: "ok", Detail: "control 0.4%, haiku 0.2% answered by another target; limit 5%"},
		{Name: "unscored", State: "ok", Detail: "control 6.1%, haiku 5.8%; limit 3 pp apart"},
		{Name: "outage", State: "ok", Detail: "no hour with more than a fifth failed"},
		{Name: "price_change", State: "ok", Detail: "all prices as at the start"},
		{Name: "guardrails", State: "ok", Detail: "errors, p95 and refusals: none broken"},
	}
	readings[len(readings)-1], e.Reading = last, &last
	return e, readings
}

// sampleReading is the i-th look: bounds narrow with the root of the units, and the estimate settles.
func sampleReading(at time.Time, i int) experiment.Reading {
	n := float64(i) / 28
	wide, sway := 1/math.Sqrt(n), math.Sin(float64(i)*1.7)*(1-n)
	diff := func(mean, half, swing float64) []experiment.Interval {
		m := mean + swing*sway
		return []experiment.Interval{{Known: true, Mean: m, Low: m - half*wide, High: m + half*wide}}
	}
	units := int64(6731 * n)
	arm := func(name string, units int64, perUnit, quality float64, cost int64, first [2]float64) experiment.ArmReading {
		return experiment.ArmReading{
			Name: name, Units: units, Calls: units * 3, Errors: units / 160, Scored: units * 94 / 100, Fallback: units / 120, Cost: sampleCost(cost, n),
			PerUnit: experiment.Interval{Known: true, Mean: perUnit}, Quality: experiment.Interval{Known: true, Mean: quality}, TTFT: first, Total: [2]float64{first[0] * 5, first[1] * 4},
		}
	}
	return experiment.Reading{
		At: at, Day: (i-1)/4 + 1, Verdict: experiment.Collecting,
		Arms: []experiment.ArmReading{
			arm("control", units, 0.0251, 0.812, 168_948, [2]float64{331, 598}), arm("haiku", units*6681/6731, 0.008836, 0.816, 59_033, [2]float64{188, 344}),
		},
		Cost: diff(-0.648, 0.017, 0.02), Quality: diff(0.004, 0.016, 0.02), Latency: diff(-0.42, 0.035, 0.05),
	}
}

// sampleCost is the cost of an arm when a share of the test is over; whole is thousandths of a dollar.
func sampleCost(whole int64, part float64) money.NanoUSD {
	return money.NanoUSD(whole*int64(part*28)/28) * 1_000_000
}
