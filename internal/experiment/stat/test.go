package stat

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// unitsMin is the least number of units in each arm for a difference to be Known: fewer say nothing about their own spread.
const unitsMin = 10

// Test is how a difference is judged: what part of the error budget goes where. Hybrid is the one to use.
type Test struct {
	Sequence    float64 // chance of an error over all looks together
	Fixed       float64 // chance of an error at the planned end; 0: no such interval
	Comparisons int     // arms that are compared with the control, between which both are divided (Bonferroni); 0 means 1
}

// Hybrid is the test of a planned length that is looked at all the time: 0.01 for the looks, 0.04 for the end.
func Hybrid(comparisons int) Test {
	return Test{Sequence: 0.01, Fixed: 0.04, Comparisons: comparisons}
}

// Scale is how a difference is told.
type Scale int

// The scales.
const (
	Absolute Scale = iota // arm minus control, in the metric's unit
	Relative              // arm over control, minus 1: -0.4 is 40 % less; for metrics that cannot be negative
)

// Metric says what a metric's values are like.
type Metric struct {
	Scale Scale
	// Low and High are bounds that no unit's mean can pass, such as 0 and 1 of a share; equal: none are known. With bounds, each arm's spread
	// is reckoned as if one unit more lay at each bound (Agresti and Caffo 2000): otherwise an arm of which all units
	// succeeded so far would claim to know its rate exactly.
	Low, High float64
	// Adjust takes off what the covariates explain. It changes what is known, not what is estimated.
	Adjust bool
	// Horizon is the number of units of both arms together that is expected at the planned end: there the sequence is narrowest. 0: 5,000.
	Horizon float64
}

// The usual metrics.
var (
	Cost    = Metric{Scale: Relative, Adjust: true}
	Latency = Metric{Scale: Relative, Adjust: true}
	Share   = Metric{Low: 0, High: 1}
)

// At is the metric with a forecast of units at the end.
func (m Metric) At(horizon float64) Metric {
	m.Horizon = horizon
	return m
}

// Difference is an arm against the control at one look.
type Difference struct {
	Known   bool    `json:"known"`   // false: too few units, or no ratio to a control of zero; everything else is then zero
	Control float64 `json:"control"` // the control's metric, as observed
	Arm     float64 `json:"arm"`     // the arm's metric, as observed
	Units   int64   `json:"units"`   // of both
	Mean    float64 `json:"mean"`    // the estimate, adjusted where that was asked for
	// Low and High hold at all looks together, but for the chance Test.Sequence.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Final says that FixedLow and FixedHigh are there; they hold at this one look, but for the chance Test.Fixed.
	Final     bool    `json:"final,omitempty"`
	FixedLow  float64 `json:"fixed_low,omitempty"`
	FixedHigh float64 `json:"fixed_high,omitempty"`
}

// Look compares an arm with the control. Final is said once, at the planned end, whatever the data look like: the Fixed part of the budget pays for one
// look. A look at an earlier or later time that calls itself final breaks the promise.
func (t Test) Look(m Metric, control, arm Sums, final bool) Difference {
	d := Difference{Control: control.Rate(), Arm: arm.Rate(), Units: control.N + arm.N}
	e, ok := m.compare(control, arm)
	if !ok {
		return Difference{Units: d.Units}
	}
	d.Known, d.Final, d.Mean = true, final && t.Fixed > 0, e.mean()
	share := float64(max(t.Comparisons, 1))
	d.Low, d.High = e.interval(twoSided(t.Sequence/share, float64(d.Units), m.Horizon))
	if d.Final {
		d.FixedLow, d.FixedHigh = e.interval(e.quantile(1 - t.Fixed/share/2))
	}
	return d
}

// Above reports whether the difference is proven to be more than x: by the sequence, or at the planned end by either bound.
func (d Difference) Above(x float64) bool { return d.Known && (d.Low > x || d.Final && d.FixedLow > x) }

// Below reports whether the difference is proven to be less than x.
func (d Difference) Below(x float64) bool {
	return d.Known && (d.High < x || d.Final && d.FixedHigh < x)
}

// Within reports whether the difference is proven to lie between -x and x.
func (d Difference) Within(x float64) bool { return d.Above(-x) && d.Below(x) }

// Times is the difference with everything multiplied: dollars per unit by units per month are dollars per month. f is not negative.
func (d Difference) Times(f float64) Difference {
	for _, p := range []*float64{&d.Control, &d.Arm, &d.Mean, &d.Low, &d.High, &d.FixedLow, &d.FixedHigh} {
		*p *= f
	}
	return d
}

// contrast is two arms' estimates with their squared errors.
type contrast struct {
	scale  Scale
	a, b   float64 // control and arm, brought to the covariates' common mean
	va, vb float64
	na, nb float64 // units
	// Third central moments, and squared errors, of the estimates before the adjustment: from them comes the skewness. What is left after it is
	// taken to be as lopsided as what was there before.
	ca, cb float64
	sa, sb float64
}

func (c contrast) mean() float64 {
	if c.scale == Relative {
		return c.b/c.a - 1
	}
	return c.b - c.a
}

func (c contrast) error() float64 { return math.Sqrt(c.va + c.vb) }

// interval is all differences that are within so many standard errors of what was seen.
//
// For a relative difference these are the ratios r with |b - r·a| <= z·√(vb + r²·va) (Fieller 1954): the delta method without its linearisation. A ratio
// of 1 is rejected exactly when the difference of the means is; and a control whose mean is hardly known gives no bound above.
func (c contrast) interval(z float64) (low, high float64) {
	below, above := c.widened(z)
	if c.scale == Absolute {
		return c.b - c.a - below*c.error(), c.b - c.a + above*c.error()
	}
	low, _ = c.ratios(below)
	_, high = c.ratios(above)
	return low, high
}

// ratios are Fieller's bounds, minus 1.
func (c contrast) ratios(z float64) (low, high float64) {
	const most = 1e6 // times: says "no idea" as well as infinity does, and is a number in JSON
	lead := c.a*c.a - z*z*c.va
	if lead <= 0 {
		return -1, most
	}
	root := z * math.Sqrt(max(c.a*c.a*c.vb+c.b*c.b*c.va-z*z*c.va*c.vb, 0))
	return max((c.a*c.b-root)/lead, 0) - 1, min((c.a*c.b+root)/lead, most) - 1
}

// widened is z for the bounds below and above. With lopsided values, such as costs, a mean of few units is mostly too small, and seems
// to be known too well when it is: the side of the interval that the long tail points to is too short by γ·(2z²+1)/6 standard errors, where γ is the skewness
// of the estimate (Johnson 1978, Hall 1992). In equal arms the tails cancel and nothing changes; in a small arm beside a large one
// they do not. The other side is not shortened, as γ itself is an estimate.
func (c contrast) widened(z float64) (below, above float64) {
	r := 1.0 // a relative difference is one of b and r·a
	if c.scale == Relative && c.a > 0 {
		r = c.b / c.a
	}
	v := c.sb + r*r*c.sa
	if v <= 0 {
		return z, z
	}
	skew := (c.cb - r*r*r*c.ca) / (v * math.Sqrt(v))
	short := math.Abs(skew) * (2*z*z + 1) / 6
	if skew > 0 {
		return z, z + short
	}
	return z + short, z
}

// quantile is Student's, with the degrees of freedom of Welch and Satterthwaite.
func (c contrast) quantile(p float64) float64 {
	v := c.va + c.vb
	if v == 0 {
		return 0
	}
	freedom := v * v / (c.va*c.va/(c.na-1) + c.vb*c.vb/(c.nb-1))
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom}.Quantile(p)
}

// compare is the contrast of two arms; false where nothing can be said.
func (m Metric) compare(control, arm Sums) (contrast, bool) {
	if control.N < unitsMin || arm.N < unitsMin {
		return contrast{}, false
	}
	var slope [Covariates]float64
	lost := 0.0 // degrees of freedom that the slope took
	if m.Adjust {
		if s, ok := pooledSlope(control, arm); ok {
			slope, lost = s, Covariates
		}
	}
	c := contrast{
		scale: m.Scale, a: control.Rate(), b: arm.Rate(), na: float64(control.N), nb: float64(arm.N),
		va: m.squaredError(control, slope, lost), vb: m.squaredError(arm, slope, lost),
		ca: control.cubes() / cube(control.N), cb: arm.cubes() / cube(arm.N),
	}
	c.sa, c.sb = c.va, c.vb
	if lost > 0 {
		c.sa, c.sb = m.squaredError(control, [Covariates]float64{}, 0), m.squaredError(arm, [Covariates]float64{}, 0)
	}
	if moved := shift(slope, control, arm); moved != 0 {
		c.a += moved * c.nb / (c.na + c.nb)
		c.b -= moved * c.na / (c.na + c.nb)
	}
	if m.Scale == Relative {
		c.b = max(c.b, 0)
		return c, c.a > 0 // nothing is so many times zero
	}
	return c, true
}

func cube(n int64) float64 { return float64(n) * float64(n) * float64(n) }

// shift is the part of the difference that the covariates explain: the arms happened to get, say, larger requests.
func shift(slope [Covariates]float64, control, arm Sums) float64 {
	sum := 0.0
	for i, b := range slope {
		sum += b * (arm.Mean[2+i] - control.Mean[2+i])
	}
	return sum
}

// squaredError is that of an arm's rate.
func (m Metric) squaredError(s Sums, slope [Covariates]float64, lost float64) float64 {
	if m.Low < m.High {
		for _, bound := range []float64{m.Low, m.High} {
			u := Unit{Value: bound * s.Mean[1], Weight: s.Mean[1]}
			copy(u.X[:], s.Mean[2:])
			s.Add(u)
		}
	}
	n := float64(s.N)
	return s.variance(slope) / (n - 1 - lost/2) / n
}
