package experiment

import (
	"time"

	"tollgate/internal/experiment/stat"
)

// look is what a reading is made of: a pure function of what was collected.
type look struct {
	e      *Experiment
	c      *collection
	at     time.Time // data up to here
	final  bool
	notes  []Check // checks that need more than the collection
	harmed string  // a guardrail that is broken, in words; set by guards
	unfair bool    // the split is so far off that the test is over
}

// hoursAMonth is of a mean month.
const hoursAMonth = 365.25 * 24 / 12

// read makes the reading.
func (l *look) read() Reading {
	l.c.flush()
	p, arms := l.e.Plan, l.c.arms
	r := Reading{At: l.at, Day: l.e.day(l.at), Final: l.final}
	for i, v := range p.Variants {
		r.Arms = append(r.Arms, arms[i].reading(v.Name))
	}
	l.guards()
	ratio := l.ratio()
	test := stat.Hybrid(len(arms) - 1)
	evidence := make([]stat.Evidence, len(arms)-1)
	costs := l.c.judged()
	for i := range evidence {
		evidence[i] = l.evidence(test, costs, i+1, ratio.Broken)
		r.Cost = append(r.Cost, interval(evidence[i].Cost))
		r.Quality = append(r.Quality, interval(evidence[i].Quality))
		r.Latency = append(r.Latency, interval(evidence[i].Latency))
	}
	r.Checks = append(l.checks(ratio), l.notes...)
	verdict := p.rules().Conclude(evidence)
	r.Verdict, r.Best = l.verdict(verdict)
	r.Savings = l.savings(test, verdict.Arm+1)
	r.Sentence = p.sentence(&r, l)
	return r
}

// day is the day of the test at a time, from 1.
func (e *Experiment) day(at time.Time) int {
	return max(1, min(int(at.Sub(e.StartedAt).Hours()/24)+1, e.Plan.Days))
}

// rules are when something may be claimed.
func (p Plan) rules() stat.Rules {
	r := stat.DefaultRules(stat.Goal(p.Goal))
	r.Margin, r.CostCap, r.Quality = p.Margin, p.CostCap, p.Quality != CostLatency
	return r
}

// evidence is an arm against the control; costs are what arms are told apart by.
func (l *look) evidence(t stat.Test, costs []stat.Sums, i int, unproven bool) stat.Evidence {
	control, arm, h := &l.c.arms[0], &l.c.arms[i], float64(l.e.Horizon)
	e := stat.Evidence{
		Cost:    t.Look(stat.Cost.At(h), costs[0], costs[i], l.final),
		CostAll: t.Look(stat.Cost.At(h), control.costs, arm.costs, l.final),
		Quality: t.Look(stat.Share.At(h), control.quality, arm.quality, l.final),
		Latency: t.Look(stat.Latency.At(h), control.latency, arm.latency, l.final),
		Units:   min(control.units, arm.units),
		Elapsed: l.at.Sub(l.e.StartedAt), Final: l.final, Unproven: unproven,
	}
	if l.e.Plan.Quality != CostLatency {
		e.Units = min(e.Units, control.quality.N, arm.quality.N)
	}
	if l.e.Plan.Goal == Faster {
		e.Units = min(e.Units, control.latency.N, arm.latency.N)
	}
	return e
}

// ratio compares the split with the plan.
func (l *look) ratio() stat.Ratio {
	units, weights := make([]int64, len(l.c.arms)), make([]float64, len(l.c.arms))
	for i, v := range l.e.Plan.Variants {
		units[i], weights[i] = l.c.arms[i].units, float64(v.Weight)
	}
	r := stat.SampleRatio(units, weights)
	l.unfair = r.Known && r.Always < 0.001
	return r
}

// verdict is the outcome in the words of readings. A broken guardrail comes before everything.
func (l *look) verdict(v stat.Verdict) (Verdict, string) {
	names := l.e.Plan.Variants
	switch {
	case l.harmed != "":
		return Breach, ""
	case l.unfair:
		return Void, ""
	}
	switch v.Outcome {
	case stat.Wins:
		return Winner, names[v.Arm+1].Name
	case stat.Alike:
		return NoDifference, names[v.Arm+1].Name // the control where v.Arm is -1
	case stat.Loses:
		return KeepControl, names[0].Name
	case stat.Open:
		return Inconclusive, ""
	case stat.Withheld:
		return Void, ""
	case stat.Undecided:
	}
	return Collecting, ""
}

// savings are dollars a month if an arm had all of the alias; of the only challenger where none is best.
func (l *look) savings(t stat.Test, best int) Interval {
	if best <= 0 {
		if len(l.c.arms) != 2 {
			return Interval{}
		}
		best = 1
	}
	units := int64(0)
	for i := range l.c.arms {
		units += l.c.arms[i].units
	}
	hours := l.at.Sub(l.e.StartedAt.Truncate(time.Hour)).Hours()
	if hours < 1 || l.e.Plan.Share == 0 {
		return Interval{}
	}
	month := float64(units) * 100 / float64(l.e.Plan.Share) / hours * hoursAMonth
	metric := stat.Metric{Adjust: true, Horizon: float64(l.e.Horizon)}
	d := interval(t.Look(metric, l.c.arms[0].costs, l.c.arms[best].costs, l.final).Times(month))
	return Interval{Known: d.Known, Mean: -d.Mean, Low: -d.High, High: -d.Low, FixedLow: -d.FixedHigh, FixedHigh: -d.FixedLow}
}
