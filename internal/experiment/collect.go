package experiment

import (
	"math"
	"time"

	"tollgate/internal/experiment/stat"
	"tollgate/internal/money"
)

// collection sums the units of a window, arm by arm. Units come one after another, the hours of one together.
type collection struct {
	plan Plan
	arms []armSums
	at   map[string]int // arm name -> place
	unit Tally          // the one whose hours are coming in
	open bool
	keep bool // the cost of each unit, for the cap
}

// armSums is what a look knows of an arm.
type armSums struct {
	units, scored, calls, errors, fallbacks, unpriced, refusals int64
	cost                                                        money.NanoUSD

	costs, quality, latency, failing, refusing, valid stat.Sums
	each                                              []stat.Unit // what costs are the sum of, where collection.keep
	firstByte, total                                  stat.Histogram
	times                                             [][]int32              // to the first byte, by unit; for the guardrail on p95 alone
	hours                                             map[time.Time][2]int64 // calls, errors
}

// collect makes a collection for arms with these names, the control first.
func collect(p Plan, names ...string) *collection {
	c := &collection{plan: p, arms: make([]armSums, len(names)), at: make(map[string]int, len(names)), keep: p.uneven()}
	for i, name := range names {
		c.at[name] = i
		c.arms[i] = armSums{firstByte: stat.Histogram{}, total: stat.Histogram{}, hours: map[time.Time][2]int64{}}
	}
	return c
}

// add takes one unit, or one hour of it. What belongs to no arm of the collection is left out.
func (c *collection) add(t Tally) error {
	i, ok := c.at[t.Arm]
	if !ok {
		return nil
	}
	if !t.Hour.IsZero() {
		h := c.arms[i].hours[t.Hour]
		c.arms[i].hours[t.Hour] = [2]int64{h[0] + t.Calls, h[1] + t.Errors}
	}
	if c.open && c.unit.Arm == t.Arm && c.unit.Unit == t.Unit {
		c.unit.add(t)
		return nil
	}
	c.flush()
	c.unit, c.open = t, true
	return nil
}

// flush counts the unit that has come in.
func (c *collection) flush() {
	if c.open {
		a := &c.arms[c.at[c.unit.Arm]]
		cost := a.add(c.unit, c.plan.Quality)
		if c.keep {
			a.each = append(a.each, cost)
		}
		if c.plan.Guardrails.P95 > 0 && len(c.unit.FirstByte) > 0 {
			a.times = append(a.times, c.unit.FirstByte)
		}
	}
	c.open = false
}

// uneven reports whether arms differ so much in size that the dearest units could deceive: the mean of a small arm lacks them more often
// than not. Among arms of one size that cancels out.
func (p Plan) uneven() bool {
	least, most := 100, 0
	for _, v := range p.Variants {
		least, most = min(least, v.Weight), max(most, v.Weight)
	}
	return 3*least < 2*most
}

// judged are the costs that arms are told apart by: those of all units, or, where arms are uneven, with the dearest hundredth of all arms' units
// counted as the next dearest.
func (c *collection) judged() []stat.Sums {
	out := make([]stat.Sums, len(c.arms))
	each := make([][]stat.Unit, len(c.arms))
	for i := range c.arms {
		out[i], each[i] = c.arms[i].costs, c.arms[i].each
	}
	if !c.keep {
		return out
	}
	most := stat.Cap(stat.CostCap, each...)
	for i := range out {
		out[i] = stat.Sums{}
		for _, u := range each[i] {
			out[i].Add(u.Capped(most))
		}
	}
	return out
}

// add counts a unit and gives its cost.
func (a *armSums) add(t Tally, q Quality) stat.Unit {
	a.units, a.calls, a.errors, a.fallbacks = a.units+1, a.calls+t.Calls, a.errors+t.Errors, a.fallbacks+t.Fallbacks
	a.unpriced, a.refusals, a.cost = a.unpriced+t.Unpriced, a.refusals+t.Refusals, a.cost+t.Cost
	x := stat.Covariate(t.FirstBytes, float64(t.FirstAt.Hour())+float64(t.FirstAt.Minute())/60)
	calls := float64(t.Calls)
	cost := stat.Unit{Value: dollars(t.Cost), X: x}
	a.costs.Add(cost)
	a.failing.Add(stat.Unit{Value: float64(t.Errors), Weight: calls})
	a.refusing.Add(stat.Unit{Value: float64(t.Refusals), Weight: calls})
	if t.SchemaAsked > 0 {
		a.valid.Add(stat.Unit{Value: float64(t.SchemaValid), Weight: float64(t.SchemaAsked)})
	}
	if value, weight := q.of(t); weight > 0 {
		a.scored++
		a.quality.Add(stat.Unit{Value: value, Weight: weight})
	}
	sum := 0.0
	for _, ms := range t.FirstByte {
		sum += float64(ms)
		a.firstByte.Add(float64(ms))
	}
	if n := float64(len(t.FirstByte)); n > 0 {
		a.latency.Add(stat.Unit{Value: sum, Weight: n, X: x})
	}
	for _, ms := range t.Total {
		a.total.Add(float64(ms))
	}
	return cost
}

// of is a unit's quality: a sum of values of 0 to 1, and of how many.
func (q Quality) of(t Tally) (value, weight float64) {
	switch q {
	case Scores, Judge:
		return t.Score, float64(t.Scored)
	case SchemaRate:
		return float64(t.SchemaValid), float64(t.SchemaAsked)
	case ToolRate:
		return float64(t.ToolValid), float64(t.ToolCalled)
	case RetryRate:
		return float64(t.Calls - t.Repeated), float64(t.Calls)
	case CostLatency:
	}
	return 0, 0
}

// reading is the arm's figures.
func (a *armSums) reading(name string) ArmReading {
	return ArmReading{
		Name: name, Units: a.units, Calls: a.calls, Errors: a.errors, Scored: a.scored, Fallback: a.fallbacks, Unpriced: a.unpriced, Cost: a.cost,
		PerUnit: around(a.costs), Quality: around(a.quality),
		TTFT:  [2]float64{a.firstByte.Quantile(0.5), a.firstByte.Quantile(0.95)},
		Total: [2]float64{a.total.Quantile(0.5), a.total.Quantile(0.95)},
	}
}

// around is a mean with its 95 % interval of one look.
func around(s stat.Sums) Interval {
	if s.N < 2 {
		return Interval{}
	}
	half := 1.96 * s.SD() / math.Sqrt(float64(s.N))
	return Interval{Known: true, Mean: s.Rate(), Low: s.Rate() - half, High: s.Rate() + half}
}

// interval is a difference as readings tell it.
func interval(d stat.Difference) Interval {
	if !d.Known {
		return Interval{}
	}
	return Interval{Known: true, Mean: d.Mean, Low: d.Low, High: d.High, FixedLow: d.FixedLow, FixedHigh: d.FixedHigh}
}

func dollars(n money.NanoUSD) float64 { return float64(n) / 1e9 }
