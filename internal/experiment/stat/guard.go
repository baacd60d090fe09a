package stat

import "math"

// Guard watches for one kind of harm while a test runs. Alpha is the chance that it ever sounds, over all looks together, where
// the harm is just within the limit; where there is no harm at all the chance is far below. Its sequence is narrowest for the first few hundred
// units, not at the planned end: harm is to be seen in hours, and a small one that shows only in the end is seen by the goal.
type Guard struct {
	Alpha float64 // 0.01 by default
	Limit float64 // difference of shares that is tolerated: 0.02
}

// guardHorizon is the number of units of both arms at which a guard's sequence is narrowest.
const guardHorizon = 400

// guardUnits is the least number of units in each arm before a guard may sound.
const guardUnits = 30

// Harm is what a guard sees at one look.
type Harm struct {
	Known   bool    `json:"known"`
	Control float64 `json:"control"`
	Arm     float64 `json:"arm"`
	Excess  float64 `json:"excess"` // the estimate: by how much the arm's share is worse
	Low     float64 `json:"low"`    // the excess is at least this, at all looks together, but for the chance Alpha
	Breach  bool    `json:"breach"` // Low is beyond the limit
}

// Rises watches a share that should not rise (errors, refusals): units are shares in 0 to 1, or ratios of counts.
func (g Guard) Rises(control, arm Sums) Harm { return g.rate(control, arm, 1) }

// Falls watches a share that should not fall (valid answers); Excess is by how much it fell.
func (g Guard) Falls(control, arm Sums) Harm { return g.rate(control, arm, -1) }

func (g Guard) rate(control, arm Sums, sign float64) Harm {
	h := Harm{Control: control.Rate(), Arm: arm.Rate()}
	h.Excess = sign * (h.Arm - h.Control)
	if control.N < guardUnits || arm.N < guardUnits {
		return h
	}
	c, _ := Share.compare(control, arm)
	h.Known = true
	h.Low = h.Excess - c.error()*oneSided(g.alpha(), float64(control.N+arm.N), guardHorizon)
	h.Breach = h.Low > g.Limit
	return h
}

// Slow turns a guard on a quantile (the arm's p95 is at most 1.5 times the control's: q 0.95, times 1.5) into one on shares, for Rises with
// a Limit of 0: a call is slow if it takes longer than so many milliseconds, in the control or in the arm.
//
// If the arm's quantile were just times the control's, then the arm's times divided by times would have the same quantile as the control's, and
// as many of them would lie above any threshold near it. The threshold is the quantile of both together (the quantile form of Mood's median test),
// so it is not taken from one arm and blamed on the other. Shares of slow calls have errors by units like any ratio, whatever the shape of
// the times; means would be ruled by a few hung calls. Both are 0 without times.
func Slow(q, times float64, control, arm Histogram) (controlMs, armMs float64) {
	var dense [Buckets]float64
	shift := 0
	if times > 0 {
		shift = int(math.Round(math.Log(times) / math.Log(growth)))
	}
	for b, n := range control {
		dense[clamp(b)] += float64(n)
	}
	for b, n := range arm {
		dense[clamp(b-shift)] += float64(n)
	}
	controlMs = quantile(&dense, q)
	return controlMs, controlMs * times
}

func (g Guard) alpha() float64 {
	if g.Alpha <= 0 {
		return 0.01
	}
	return g.Alpha
}
