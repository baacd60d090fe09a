package budgets

import (
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/money"
	"tollgate/web/ui"
)

// outlook is how far the chart of a limit without an end looks back and ahead.
const outlook = 30 * 24 * time.Hour

// span is the time that the chart shows.
func (f *facts) span() (from, to time.Time) {
	w := f.burn.Meter.Window
	if !w.From.IsZero() {
		return w.From, w.To
	}
	from, to = f.clock.Now.Add(-outlook), f.clock.Now.Add(outlook)
	if made := f.burn.Budget.CreatedAt; made.After(from) {
		from = made
	}
	return from, to
}

// chart is the burn-down of the window.
func (f *facts) chart() *ui.BurnView {
	m := &f.burn.Meter
	from, to := f.span()
	at := func(t time.Time) float64 { return float64(t.Sub(from)) / float64(to.Sub(from)) }
	v := &ui.BurnView{Limit: m.Limit, Now: roundMoney(m.Limit-m.Spent) + " now", Zero: zeroText(f.burn.Budget), Axis: axis(f.clock, m.Period, from, to)}
	v.Left = f.leftSoFar(from, at)
	v.Before = f.leftBefore(from, to)
	for _, b := range f.burn.Bands {
		v.Cone = append(v.Cone, ui.ConePoint{At: at(b.At), Low: m.Limit - b.High, Mid: m.Limit - b.Mid, High: m.Limit - b.Low})
	}
	if ends := f.burn.EndsAt; !ends.IsZero() && ends.After(f.clock.Now) {
		v.Empty = "Empty " + dayOf(f.clock, m.Period, ends)
	}
	if end := f.burn.End(); f.burn.Method != "" && end.Mid > m.Limit {
		v.Over = roundMoney(end.Mid-m.Limit) + " over at the end"
	}
	for _, r := range f.raises {
		if r.Period == m.Period && r.Ends().After(from) && r.Ends().After(r.From) {
			v.Raises = append(v.Raises, ui.BurnInterval{From: at(r.From), To: at(r.Ends())})
		}
	}
	v.Label = f.spoken(v)
	return v
}

func zeroText(b budget.Budget) string {
	if b.Mode == budget.Block {
		return "Limit reached, blocks"
	}
	return "Limit reached"
}

// leftSoFar falls step by step from the limit to what is left now. The ledger's own figure is the end of the line.
func (f *facts) leftSoFar(from time.Time, at func(time.Time) float64) []ui.BurnPoint {
	m := &f.burn.Meter
	var sum money.NanoUSD
	for _, p := range f.burn.Points {
		sum += p.Spent
	}
	sum = m.Spent - sum // spent before the chart begins, where the window has no beginning
	out := []ui.BurnPoint{{At: 0, Left: m.Limit - max(sum, 0)}}
	sum = max(sum, 0)
	for _, p := range f.burn.Points {
		sum += p.Spent
		if end := p.At.Add(f.burn.Step); end.After(from) && end.Before(f.clock.Now) {
			out = append(out, ui.BurnPoint{At: at(end), Left: m.Limit - sum})
		}
	}
	return append(out, ui.BurnPoint{At: at(f.clock.Now), Left: m.Limit - m.Spent})
}

// leftBefore is the window before, laid over this one.
func (f *facts) leftBefore(from, to time.Time) []ui.BurnPoint {
	if len(f.burn.Before) == 0 || f.burn.Meter.Window.From.IsZero() {
		return nil
	}
	start := f.burn.Before[0].At
	if c := from.Sub(start); c > to.Sub(from)+32*24*time.Hour || c <= 0 {
		return nil
	}
	earlier := from.Add(-to.Sub(from))
	if start.Before(earlier) { // the window before was longer: months are
		earlier = start
	}
	var sum money.NanoUSD
	limit := f.burn.Meter.Limit - f.burn.Meter.Raised
	out := []ui.BurnPoint{{At: 0, Left: limit}}
	for _, p := range f.burn.Before {
		sum += p.Spent
		out = append(out, ui.BurnPoint{At: float64(p.At.Add(f.burn.Step).Sub(earlier)) / float64(from.Sub(earlier)), Left: limit - sum})
	}
	return out
}

// axis are five times along the chart.
func axis(c ui.Clock, p budget.Period, from, to time.Time) []string {
	form := "2 Jan"
	if p == budget.Hour || p == budget.Day {
		form = "15:04"
	}
	const steps = 4
	out := make([]string, 0, steps+1)
	for i := range steps + 1 {
		t := from.Add(to.Sub(from) * time.Duration(i) / steps)
		if i == steps && form == "2 Jan" {
			t = t.Add(-time.Second) // the last day, not the one behind it
		}
		out = append(out, t.In(zone(c)).Format(form))
	}
	return out
}

// spoken is the chart in one sentence.
func (f *facts) spoken(v *ui.BurnView) string {
	m := &f.burn.Meter
	text := limitText(m.Limit) + " at the beginning, " + ui.MoneyText(m.Limit-m.Spent) + " now"
	if v.Empty != "" {
		text += ", empty " + dayOf(f.clock, m.Period, f.burn.EndsAt) + " by the forecast"
	}
	if v.Over != "" {
		return text + ", " + v.Over + " if nothing blocks"
	}
	return text
}

// points are the chart as a table: a line for each day, hour or five minutes in which something was spent.
func (f *facts) points() []burnRow {
	m := &f.burn.Meter
	every, form := 24*time.Hour, "Mon 2 Jan"
	switch m.Period {
	case budget.Hour:
		every, form = 5*time.Minute, "15:04"
	case budget.Day:
		every, form = time.Hour, "15:04"
	case budget.Week, budget.Month, budget.FiscalMonth, budget.Total:
	}
	var out []burnRow
	var sum money.NanoUSD
	for _, p := range f.burn.Points {
		sum += p.Spent
		name := p.At.In(zone(f.clock)).Truncate(max(every, time.Minute)).Format(form)
		if every == 24*time.Hour {
			name = p.At.In(zone(f.clock)).Format(form)
		}
		row := burnRow{At: name, Spent: sum, Left: m.Limit - sum}
		if n := len(out); n > 0 && out[n-1].At == name {
			out[n-1] = row
			continue
		}
		out = append(out, row)
	}
	return out[max(len(out)-62, 0):]
}
