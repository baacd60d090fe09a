package experiments

import (
	"strconv"
	"time"

	"tollgate/internal/experiment"
	"tollgate/web/ui"
)

// panel is one of the three measures: the difference, the arms' own values, and how it came about.
type panel struct {
	Title    string
	Badge    ui.BadgeView
	Mean     string
	Note     string
	Known    bool
	Interval ui.IntervalView
	Arms     []panelArm
	Band     ui.BandView
	Foot     string
}

type panelArm struct {
	Letter, What, Value string
	Control             bool
}

// panels compares an arm with the control.
func panels(e experiment.Experiment, readings []experiment.Reading, arm int) []panel {
	r := e.Reading
	at := arm - 1
	pick := func(list []experiment.Interval) experiment.Interval {
		if at < 0 || at >= len(list) {
			return experiment.Interval{}
		}
		return list[at]
	}
	bands := func(of func(experiment.Reading) []experiment.Interval) []ui.BandPoint {
		return band(e, readings, at, of)
	}
	quality := panel{Title: "Quality", Foot: ui.CountText(unitSum(r)) + " units. Dashed: margin."}
	quality.measure(pick(r.Quality), ui.Points, -e.Plan.Margin, ui.Above, qualityText(e.Plan))
	quality.Badge, quality.Band.Points = qualityBadge(e, pick(r.Quality)), bands(func(r experiment.Reading) []experiment.Interval { return r.Quality })
	cost := panel{Title: "Cost", Foot: "Retries, fallbacks and cache effects included."}
	cost.measure(pick(r.Cost), ui.Relative, 0, ui.Below, "per unit")
	cost.Badge, cost.Band.Points = direction(pick(r.Cost), "Cheaper", "Dearer"), bands(func(r experiment.Reading) []experiment.Interval { return r.Cost })
	latency := panel{Title: "Latency", Foot: "Mean time to the first token; of each arm its p50 · p95."}
	if e.Plan.Goal != experiment.Faster {
		latency.Foot += " Shown only: it does not decide this experiment."
	}
	latency.measure(pick(r.Latency), ui.Relative, 0, ui.Below, "to the first token")
	latency.Badge, latency.Band.Points = direction(pick(r.Latency), "Faster", "Slower"), bands(func(r experiment.Reading) []experiment.Interval { return r.Latency })
	out := []panel{quality, cost, latency}
	for i := range out {
		out[i].Arms, out[i].Band.Axis = armValues(e, arm, out[i].Title), axis(e)
		out[i].Band.Label = out[i].Title + ", difference by day"
	}
	return out
}

// measure fills in the difference and its scale.
func (p *panel) measure(i experiment.Interval, m ui.Measure, margin float64, good ui.Side, of string) {
	p.Known, p.Band.Measure, p.Band.Margin = i.Known, m, margin
	if !i.Known {
		p.Mean, p.Note = ui.Nothing, of+", too few units to say"
		return
	}
	low, high := bounds(i)
	p.Mean, p.Note = m.Signed(i.Mean), of+", 95% "+m.Range(low, high)
	v := ui.IntervalView{
		Label: p.Title + ": " + m.Signed(i.Mean) + ", from " + m.Range(low, high), Measure: m, Mean: i.Mean, Low: i.Low, High: i.High,
		FixedLow: i.FixedLow, FixedHigh: i.FixedHigh, Margin: margin, Good: good,
	}
	v.From, v.To, v.Steps = ui.Scale(i.Low, i.High, 1.5*margin, i.Mean)
	p.Interval = v
}

// direction says which way a difference lies, once its interval does not hold zero.
func direction(i experiment.Interval, below, above string) ui.BadgeView {
	low, high := bounds(i)
	switch {
	case !i.Known:
		return ui.BadgeView{Text: "Too early"}
	case high < 0:
		return ui.BadgeView{Tone: ui.OK, Text: below}
	case low > 0:
		return ui.BadgeView{Tone: ui.Warn, Text: above}
	default:
		return ui.BadgeView{Text: "No difference seen"}
	}
}

// qualityBadge says what is proven of quality.
func qualityBadge(e experiment.Experiment, i experiment.Interval) ui.BadgeView {
	low, high := bounds(i)
	switch {
	case e.Plan.Quality == experiment.CostLatency:
		return ui.BadgeView{Text: "Not measured"}
	case !i.Known:
		return ui.BadgeView{Text: "Too early"}
	case low > 0:
		return ui.BadgeView{Tone: ui.OK, Text: "Better"}
	case low > -e.Plan.Margin:
		return ui.BadgeView{Tone: ui.OK, Text: "Not worse"}
	case high < -e.Plan.Margin:
		return ui.BadgeView{Tone: ui.Bad, Text: "Worse"}
	default:
		return ui.BadgeView{Text: "Not decided"}
	}
}

// armValues are the two arms' own values of a measure.
func armValues(e experiment.Experiment, arm int, title string) []panelArm {
	var out []panelArm
	for _, i := range []int{0, arm} {
		if i >= len(e.Reading.Arms) {
			continue
		}
		a, value := e.Reading.Arms[i], ui.Nothing
		switch {
		case title == "Quality" && a.Quality.Known:
			value = share(a.Quality.Mean)
		case title == "Cost" && a.PerUnit.Known:
			value = dollars(a.PerUnit.Mean)
		case title == "Latency":
			value = millis(a.TTFT[0]) + " · " + millis(a.TTFT[1])
		}
		out = append(out, panelArm{letter(i), armText(e.Plan, i), value, i == 0})
	}
	return out
}

// span is the time that the bands' axis covers: the planned days, or what was made of them.
func span(e experiment.Experiment) (from, to time.Time) {
	from, to = e.StartedAt, e.Ends()
	if !e.EndedAt.IsZero() && e.EndedAt.Before(to) {
		to = e.EndedAt
	}
	return from, to
}

// band are the looks at an arm.
func band(e experiment.Experiment, readings []experiment.Reading, at int, of func(experiment.Reading) []experiment.Interval) []ui.BandPoint {
	from, to := span(e)
	var out []ui.BandPoint
	for _, r := range readings {
		list := of(r)
		if at < 0 || at >= len(list) || !list[at].Known || to.Sub(from) <= 0 {
			continue
		}
		i := list[at]
		out = append(out, ui.BandPoint{At: float64(r.At.Sub(from)) / float64(to.Sub(from)), Mean: i.Mean, Low: i.Low, High: i.High})
	}
	return out
}

// axis are the days below a band: the first, the last, and some between.
func axis(e experiment.Experiment) []string {
	from, to := span(e)
	days := max(int(to.Sub(from)/(24*time.Hour)), 1)
	steps := min(days, 4)
	out := make([]string, 0, steps+1)
	for i := range steps + 1 {
		at := from.Add(time.Duration(i) * to.Sub(from) / time.Duration(steps)).UTC()
		if i == 0 || i == steps {
			out = append(out, at.Format("2 Jan"))
		} else {
			out = append(out, strconv.Itoa(at.Day()))
		}
	}
	return out
}
