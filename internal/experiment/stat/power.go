package stat

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// weeks are the lengths that a test may have: whole ones, as weekdays differ.
var weeks = []int{7, 14, 21, 28}

// Traffic is what a test can count on.
type Traffic struct {
	UnitsPerDay float64    // that take part, of all arms together
	Scored      float64    // share of them that have a value of the metric; 0 means all
	SD          float64    // of one unit's value, in the metric's unit; relative to the mean for relative differences
	Split       [2]float64 // weights of the control and of the arm among all arms' weights of 1; zero means half and half
}

// BaseRateSD is the standard deviation of a unit that succeeds or fails, for Traffic.
func BaseRateSD(rate float64) float64 { return math.Sqrt(rate * (1 - rate)) }

// Forecast is what a test of some length can see.
type Forecast struct {
	Units float64 `json:"units"` // with a value, of both arms at the end: the Horizon of the test
	// Sequence and Fixed are half the widths of the two intervals at the end: a difference that large is just visible if it is measured so.
	Sequence float64 `json:"sequence"`
	Fixed    float64 `json:"fixed"`
	// Detectable is the true difference that is found at the end with 80 % chance.
	Detectable float64 `json:"detectable"`
	// Days is the least whole number of weeks, in days, after which the wanted difference is found with 80 % chance; 0: four weeks are
	// not enough. The traffic is then too Thin for the question.
	Days int  `json:"days"`
	Thin bool `json:"thin"`
	// EarlyDay is the day, from 1, on which a true difference as large as wanted is proven by the sequence in half of all tests; 0: not
	// before the end. The rules for an early winner may make it later.
	EarlyDay int `json:"early_day"`
}

// power is the chance with which a difference that exists should be found; the field's custom.
const power = 0.8

// Forecast reckons with a test of so many days and a difference that matters: for "not worse", the margin; wanted 0 asks about no difference.
func (t Test) Forecast(tr Traffic, days int, wanted float64) Forecast {
	f := Forecast{Units: tr.units(float64(days))}
	if f.Units <= 0 {
		f.Thin = true
		return f
	}
	f.Sequence = tr.error(float64(days)) * t.looks(f.Units, f.Units)
	f.Fixed = tr.error(float64(days)) * t.end()
	f.Detectable = t.detectable(tr, days)
	if wanted <= 0 {
		return f
	}
	for _, d := range weeks {
		if t.detectable(tr, d) <= wanted {
			f.Days = d
			break
		}
	}
	f.Thin = f.Days == 0
	for d := 1; d <= days; d++ {
		if tr.error(float64(d))*t.looks(tr.units(float64(d)), f.Units) <= wanted {
			f.EarlyDay = d
			break
		}
	}
	return f
}

// detectable is the true difference that a test of so many days finds with the chance power.
func (t Test) detectable(tr Traffic, days int) float64 {
	n := tr.units(float64(days))
	if n <= 0 {
		return math.Inf(1)
	}
	bound := t.looks(n, n)
	if t.Fixed > 0 {
		bound = min(bound, t.end())
	}
	return tr.error(float64(days)) * (bound + distuv.UnitNormal.Quantile(power))
}

// looks is the sequence's bound at n units in standard errors, end that of the last day.
func (t Test) looks(n, horizon float64) float64 {
	return twoSided(t.Sequence/float64(max(t.Comparisons, 1)), n, horizon)
}

func (t Test) end() float64 {
	if t.Fixed <= 0 {
		return 0
	}
	return distuv.UnitNormal.Quantile(1 - t.Fixed/float64(max(t.Comparisons, 1))/2)
}

// units is how many units of the two arms have a value after so many days.
func (tr Traffic) units(days float64) float64 {
	a, b := tr.split()
	return tr.valued() * days * (a + b)
}

// error is the standard error of the difference after so many days.
func (tr Traffic) error(days float64) float64 {
	a, b := tr.split()
	n := tr.valued() * days
	return tr.SD * math.Sqrt(1/(n*a)+1/(n*b))
}

func (tr Traffic) valued() float64 {
	if tr.Scored <= 0 {
		return tr.UnitsPerDay
	}
	return tr.UnitsPerDay * min(tr.Scored, 1)
}

func (tr Traffic) split() (control, arm float64) {
	if tr.Split[0] <= 0 || tr.Split[1] <= 0 {
		return 0.5, 0.5
	}
	return tr.Split[0], tr.Split[1]
}
