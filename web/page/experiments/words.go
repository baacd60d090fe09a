package experiments

import (
	"math"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/money"
	"tollgate/web/ui"
)

// parameterWords are parameters, a setting each.
func parameterWords(p alias.Parameters) []string {
	var out []string
	for _, s := range []struct {
		word string
		alias.Settings
	}{{"default ", p.Defaults}, {"at most ", p.Caps}, {"", p.Overrides}} {
		if s.MaxTokens != nil {
			out = append(out, s.word+"max_tokens "+strconv.FormatInt(*s.MaxTokens, 10))
		}
		if s.Temperature != nil {
			out = append(out, s.word+"temperature "+decimal(*s.Temperature))
		}
		if s.TopP != nil {
			out = append(out, s.word+"top_p "+decimal(*s.TopP))
		}
		if s.Effort != "" {
			out = append(out, s.word+"effort "+s.Effort)
		}
	}
	return out
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// pp is points of 0 to 1 as percentage points: 0.02 is 2 pp.
func pp(v float64) string { return decimal(math.Round(v*10_000)/100) + " pp" }

// dollars is an estimate in dollars, as money is written. Estimates are statistics, so they come as float64.
func dollars(v float64) string {
	if math.IsNaN(v) || math.Abs(v) > 9e9 {
		return ui.Nothing
	}
	return ui.MoneyText(money.NanoUSD(math.Round(v * 1e9)))
}

// wholeDollars is a forecast.
func wholeDollars(v float64) string {
	if math.IsNaN(v) || math.Abs(v) > 9e9 {
		return ui.Nothing
	}
	if math.Abs(v) < 10 {
		return dollars(math.Round(v*100) / 100)
	}
	return ui.DollarsText(money.NanoUSD(math.Round(v * 1e9)))
}

// millis is a latency: 344 ms.
func millis(v float64) string {
	if v <= 0 || math.IsNaN(v) {
		return ui.Nothing
	}
	return ui.SpanText(time.Duration(v * float64(time.Millisecond)))
}

// share is 0.812 as 81.2%.
func share(v float64) string { return decimal(math.Round(v*1000)/10) + "%" }

// bounds are those that a claim stands on: of the planned end where there are some, otherwise those that hold at all times.
func bounds(i experiment.Interval) (low, high float64) {
	if i.FixedLow != 0 || i.FixedHigh != 0 {
		return i.FixedLow, i.FixedHigh
	}
	return i.Low, i.High
}

// month is a saving a month with its bounds, turned into a change of spend: a saving of $2,140 is −$2,140.
func month(s experiment.Interval) (change, span string) {
	if !s.Known {
		return ui.Nothing, ""
	}
	low, high := bounds(s)
	change = wholeDollars(-s.Mean)
	if s.Mean < 0 {
		change = "+" + change
	}
	return change, wholeDollars(low) + " to " + wholeDollars(high) + " saved"
}

// period is the days of an experiment: 13–20 Nov.
func period(e experiment.Experiment) string {
	if e.StartedAt.IsZero() {
		return "not started"
	}
	end := e.Ends()
	if !e.EndedAt.IsZero() {
		end = e.EndedAt
	}
	from, to := e.StartedAt.UTC(), end.UTC()
	if from.Month() == to.Month() && from.Year() == to.Year() {
		return from.Format("2") + "–" + to.Format("2 Jan")
	}
	return from.Format("2 Jan") + " – " + to.Format("2 Jan")
}

// units are the units of each arm: 6,731 · 6,681.
func units(r *experiment.Reading) string {
	if r == nil || len(r.Arms) == 0 {
		return ui.Nothing
	}
	out := make([]string, len(r.Arms))
	for i, a := range r.Arms {
		out[i] = ui.CountText(a.Units)
	}
	return strings.Join(out, " · ")
}

func unitSum(r *experiment.Reading) int64 {
	if r == nil {
		return 0
	}
	var sum int64
	for _, a := range r.Arms {
		sum += a.Units
	}
	return sum
}

// clockText is a moment to the minute: 14:02 today, else 20 Nov, 14:02.
func clockText(now, at time.Time) string {
	at, now = at.UTC(), now.UTC()
	switch {
	case at.YearDay() == now.YearDay() && at.Year() == now.Year():
		return "today, " + at.Format("15:04")
	case at.Year() == now.Year():
		return at.Format("2 Jan, 15:04")
	default:
		return at.Format("2 Jan 2006, 15:04")
	}
}
