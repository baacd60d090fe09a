package stat

import (
	"math"
	"time"
)

// Goal is what a test is to show; it is chosen before the start.
type Goal string

// The goals. Each claims several things at once, and a winner must have proven all of them at the same look. That costs no error budget:
// a claim that needs every one of its bounds to hold is false as rarely as its weakest part (intersection-union test, Berger 1982). What would
// cost is the other way round, any of several bounds being enough, as with several arms: those share the budget (Test.Comparisons).
const (
	Cheaper Goal = "cheaper" // costs less, and its quality is above the control's minus Margin
	Better  Goal = "better"  // quality is higher, and it costs less than CostCap times the control
	Faster  Goal = "faster"  // answers sooner, and its quality is above the control's minus Margin
)

// Rules are when something may be claimed. They are fixed before the start.
type Rules struct {
	Goal    Goal
	Margin  float64       // of quality, in its own unit: 0.02 is two percentage points
	CostCap float64       // Better: in times of the control's cost; 0: cost does not matter
	Quality bool          // false: no quality is measured, and cost or latency decide alone
	EarlyAt time.Duration // no winner before; 48 h by default
	EarlyN  int64         // no winner before so many units in each arm; 300 by default
	FinalN  int64         // no claim at all with fewer units in an arm; 30 by default
}

// DefaultRules are those of a goal with quality measured: a margin of two percentage points, winners from two full days and 300 units an arm on.
func DefaultRules(g Goal) Rules {
	return Rules{Goal: g, Margin: 0.02, Quality: true, EarlyAt: 48 * time.Hour, EarlyN: 300, FinalN: 30}
}

// Evidence is what one look says about one arm against the control. All differences are of the same look.
type Evidence struct {
	Cost     Difference // Relative, of costs capped at CostCap
	CostAll  Difference // Relative, of costs as they are: its estimate must agree with what is claimed; not Known: not asked
	Quality  Difference // Absolute
	Latency  Difference // Relative
	Units    int64      // of the smaller of both arms, in the smallest of the metrics that the goal needs
	Elapsed  time.Duration
	Final    bool // the planned end: the one look at which the Fixed bounds count
	Unproven bool // a health check forbids any verdict
}

// Outcome is what can be said of an arm, or of a test.
type Outcome string

// The outcomes.
const (
	Undecided Outcome = "undecided"     // go on
	Wins      Outcome = "wins"          // every part of the goal is proven
	Loses     Outcome = "loses"         // a part of the goal is proven to be missed: keep the control
	Alike     Outcome = "no_difference" // at the end: quality differs by less than Margin, and the goal is not proven
	Open      Outcome = "inconclusive"  // at the end: nothing is proven
	Withheld  Outcome = "withheld"      // health forbids a verdict
)

// Decide says what one look has proven about one arm.
func (r Rules) Decide(e Evidence) Outcome {
	switch {
	case e.Unproven:
		return Withheld
	case !e.Final && (e.Elapsed < r.EarlyAt || e.Units < r.EarlyN):
		return Undecided
	case e.Units < r.FinalN:
		return Open
	case r.proven(e):
		return Wins
	case r.missed(e):
		return Loses
	case !e.Final:
		return Undecided
	case r.alike(e):
		return Alike
	}
	return Open
}

// proven: every part of the goal holds.
func (r Rules) proven(e Evidence) bool {
	sound := !r.Quality || e.Quality.Above(-r.Margin)
	switch r.Goal {
	case Cheaper:
		return e.costs(0) && sound
	case Faster:
		return e.Latency.Below(0) && sound
	case Better:
		return e.Quality.Above(0) && (r.CostCap <= 0 || e.costs(r.CostCap-1))
	}
	return false
}

// costs: it is proven that costs differ by less than x, and nor do the costs that the cap hides say otherwise.
func (e Evidence) costs(x float64) bool {
	return e.Cost.Below(x) && (!e.CostAll.Known || e.CostAll.Mean < x)
}

// missed: one part of the goal is proven to be out of reach. Each part is the other side of an interval whose budget is already counted,
// but any of the parts is enough here, so the chance of a false loss is up to the sum over the parts. Nothing is promoted by it.
func (r Rules) missed(e Evidence) bool {
	worse := r.Quality && e.Quality.Below(-r.Margin)
	switch r.Goal {
	case Cheaper:
		return worse || e.Cost.Above(0)
	case Faster:
		return worse || e.Latency.Above(0)
	case Better:
		return e.Quality.Below(0) || r.CostCap > 0 && e.Cost.Above(r.CostCap-1)
	}
	return false
}

// alike: the quality's whole interval lies inside the margin. Whichever is cheaper will do.
func (r Rules) alike(e Evidence) bool { return r.Quality && e.Quality.Within(r.Margin) }

// Verdict is what a test has come to.
type Verdict struct {
	Outcome Outcome
	// Arm is the index into the evidence of the winner, or of the arm that is cheaper than the control where all are Alike; -1: none, which
	// for Alike and Loses means the control.
	Arm int
}

// Conclude joins the arms of a test at one look. The winner among several is the one that does most for the goal, by its estimate. While
// an arm is still open, an arm that loses does not end the test.
func (r Rules) Conclude(arms []Evidence) Verdict {
	count := map[Outcome]int{}
	best, cheapest := -1, -1
	least := 0.0 // the control's cost, relative to itself
	for i, e := range arms {
		o := r.Decide(e)
		count[o]++
		switch o {
		case Wins:
			if best < 0 || r.gain(e) > r.gain(arms[best]) {
				best = i
			}
		case Alike:
			if e.Cost.Known && e.Cost.Mean < least {
				cheapest, least = i, e.Cost.Mean
			}
		case Undecided, Loses, Open, Withheld:
		}
	}
	switch {
	case count[Withheld] > 0:
		return Verdict{Withheld, -1}
	case best >= 0:
		return Verdict{Wins, best}
	case len(arms) == 0 || count[Undecided] > 0:
		return Verdict{Undecided, -1}
	case count[Open] > 0:
		return Verdict{Open, -1}
	case count[Alike] > 0:
		return Verdict{Alike, cheapest}
	}
	return Verdict{Loses, -1}
}

// gain is by how much an arm serves the goal, by estimate.
func (r Rules) gain(e Evidence) float64 {
	switch r.Goal {
	case Cheaper:
		return -e.Cost.Mean
	case Faster:
		return -e.Latency.Mean
	case Better:
		return e.Quality.Mean
	}
	return math.Inf(-1)
}
