package experiment

import (
	"fmt"
	"math"
	"strings"
	"time"

	"tollgate/internal/experiment/stat"
	"tollgate/internal/money"
)

// When a check warns.
const (
	fallbackShare = 0.05 // of an arm's calls
	unscoredGap   = 0.03 // between two arms' shares of units without a judgement
	unscoredUnits = 300  // an arm needs for its share to mean something
	fallbackCalls = 100
	outageShare   = 0.2 // of an arm's calls in an hour that failed
	outageCalls   = 20
)

// checks are the lines of the health row that the collection itself answers.
func (l *look) checks(ratio stat.Ratio) []Check {
	return []Check{l.split(ratio), l.fallbacks(), l.unscored(), l.outage()}
}

func (l *look) split(r stat.Ratio) Check {
	var units []string
	for i, v := range l.e.Plan.Variants {
		units = append(units, fmt.Sprintf("%s %s", v.Name, count(l.c.arms[i].units)))
	}
	c := Check{Name: "sample_ratio", State: "ok", Detail: strings.Join(units, ", ")}
	switch {
	case !r.Known:
		c.Detail += "; too few to say"
	case r.Broken:
		c.State = "block"
		c.Detail += fmt.Sprintf("; not the planned split (p %s): the arms hold different kinds of units", probability(r.P))
	default:
		c.Detail += fmt.Sprintf("; as planned (p %.2f)", r.P)
	}
	return c
}

func probability(p float64) string {
	if p < 0.0001 {
		return "below 0.0001"
	}
	return fmt.Sprintf("%.4f", p)
}

func (l *look) fallbacks() Check {
	c := Check{Name: "fallbacks", State: "ok"}
	var shares []string
	for i, v := range l.e.Plan.Variants {
		a := &l.c.arms[i]
		share := part(a.fallbacks, a.calls)
		if a.calls >= fallbackCalls && share > fallbackShare {
			c.State = "warn"
		}
		shares = append(shares, fmt.Sprintf("%s %s", v.Name, percent(share)))
	}
	c.Detail = strings.Join(shares, ", ") + " answered by another target; limit 5%"
	return c
}

func (l *look) unscored() Check {
	c := Check{Name: "unscored", State: "ok"}
	if l.e.Plan.Quality == CostLatency {
		c.Detail = "no source of quality was chosen"
		return c
	}
	low, high, enough := math.Inf(1), math.Inf(-1), true
	var shares []string
	for i, v := range l.e.Plan.Variants {
		a := &l.c.arms[i]
		share := part(a.units-a.scored, a.units)
		low, high, enough = min(low, share), max(high, share), enough && a.units >= unscoredUnits
		shares = append(shares, fmt.Sprintf("%s %s", v.Name, percent(share)))
	}
	if enough && high-low > unscoredGap {
		c.State = "warn"
	}
	c.Detail = strings.Join(shares, ", ") + " without a judgement; limit 3 pp apart"
	return c
}

// outage finds the worst hour of any arm.
func (l *look) outage() Check {
	c := Check{Name: "outage", State: "ok", Detail: "no hour in which a fifth of an arm's calls failed"}
	worst, name, hour := 0.0, "", time.Time{}
	for i, v := range l.e.Plan.Variants {
		for at, h := range l.c.arms[i].hours {
			share := part(h[1], h[0])
			if h[0] >= outageCalls && share >= outageShare && (share > worst || share == worst && at.Before(hour)) {
				worst, name, hour = share, v.Name, at
			}
		}
	}
	if name != "" {
		c.State = "warn"
		c.Detail = fmt.Sprintf("%s of %s's calls failed in the hour from %s", percent(worst), name, hour.UTC().Format("2 Jan 15:04 MST"))
	}
	return c
}

// guards looks for harm in every arm and adds its line to the health row.
func (l *look) guards() {
	g := l.e.Plan.Guardrails
	if l.harmed = l.spent(); l.harmed == "" {
		for i := 1; i < len(l.c.arms) && l.harmed == ""; i++ {
			l.harmed = g.harm(l.e.Plan.Variants[i].Name, &l.c.arms[0], &l.c.arms[i])
		}
	}
	c := Check{Name: "guardrails", State: "ok", Detail: g.words() + ": none broken"}
	switch {
	case l.harmed != "":
		c.State, c.Detail = "block", l.harmed
	case g == (Guardrails{}):
		c.Detail = "none were set"
	}
	l.notes = append(l.notes, c)
}

// harm is the first guardrail that an arm breaks, in words; "" where none is.
func (g Guardrails) harm(name string, control, arm *armSums) string {
	guard := func(limit float64) stat.Guard { return stat.Guard{Alpha: 0.01, Limit: limit} }
	if g.ErrorRate > 0 {
		if h := guard(g.ErrorRate).Rises(control.failing, arm.failing); h.Breach {
			return fmt.Sprintf("%s of %s's calls fail, and %s of the control's; the limit is %s more", percent(h.Arm), name, percent(h.Control), points(g.ErrorRate))
		}
	}
	if g.Refusals > 0 {
		if h := guard(g.Refusals).Rises(control.refusing, arm.refusing); h.Breach {
			return fmt.Sprintf("%s refuses %s of calls, and the control %s; the limit is %s more", name, percent(h.Arm), percent(h.Control), points(g.Refusals))
		}
	}
	if g.SchemaValid > 0 {
		if h := guard(g.SchemaValid).Falls(control.valid, arm.valid); h.Breach {
			return fmt.Sprintf("%s of %s's JSON answers are valid, and %s of the control's; the limit is %s less", percent(h.Arm), name, percent(h.Control), points(g.SchemaValid))
		}
	}
	if g.P95 > 0 {
		ofControl, ofArm := stat.Slow(0.95, g.P95, control.firstByte, arm.firstByte)
		if h := guard(0).Rises(control.slower(ofControl), arm.slower(ofArm)); h.Breach {
			return fmt.Sprintf("%s takes %.0f ms to its first byte in the slowest twentieth, and the control %.0f ms; the limit is %.4g times",
				name, arm.firstByte.Quantile(0.95), control.firstByte.Quantile(0.95), g.P95)
		}
	}
	return ""
}

// slower is the share of calls that took longer than so many milliseconds to their first byte, by units.
func (a *armSums) slower(ms float64) stat.Sums {
	var s stat.Sums
	for _, unit := range a.times {
		slow := 0
		for _, t := range unit {
			if float64(t) > ms {
				slow++
			}
		}
		s.Add(stat.Unit{Value: float64(slow), Weight: float64(len(unit))})
	}
	return s
}

// spent says that the whole test cost more than it may.
func (l *look) spent() string {
	limit := l.e.Plan.Guardrails.Spend
	if limit <= 0 {
		return ""
	}
	var sum money.NanoUSD
	for i := range l.c.arms {
		sum += l.c.arms[i].cost
	}
	if sum <= limit {
		return ""
	}
	return fmt.Sprintf("the arms have cost %s together; the limit is %s", usd(dollars(sum)), usd(dollars(limit)))
}

func (g Guardrails) words() string {
	var on []string
	for _, x := range []struct {
		set  bool
		name string
	}{{g.ErrorRate > 0, "errors"}, {g.P95 > 0, "p95"}, {g.SchemaValid > 0, "valid JSON"}, {g.Refusals > 0, "refusals"}, {g.Spend > 0, "spend"}} {
		if x.set {
			on = append(on, x.name)
		}
	}
	return strings.Join(on, ", ")
}

func part(n, of int64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
