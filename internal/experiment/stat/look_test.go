package stat_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"tollgate/internal/experiment/stat"
)

// GrowthBook's documented formula, written out here a second time with its published tuning for N* = 5,000 and alpha 0.05.
func TestSequenceIsTheDocumentedFormula(t *testing.T) {
	t.Parallel()
	var control, arm stat.Sums // values are even about their means, which leaves both sides of the interval alike
	for range 500 {
		control.Merge(stat.Of(values(0, 2)))
		arm.Merge(stat.Of(values(1, 5, 1, 5)))
	}
	const alpha, star, n = 0.05, 5000.0, 3000.0
	rho := math.Sqrt((-2*math.Log(alpha) + math.Log(-2*math.Log(alpha)+1)) / star)
	se := math.Sqrt(1.0/999 + 4.0/1999)
	half := se * math.Sqrt(n) * math.Sqrt(2*(n*rho*rho+1)/(n*n*rho*rho)*math.Log(math.Sqrt(n*rho*rho+1)/alpha))
	got := stat.Test{Sequence: alpha}.Look(stat.Metric{}, control, arm, false)
	if math.Abs(got.Low-(2-half)) > 1e-9 || math.Abs(got.High-(2+half)) > 1e-9 {
		t.Errorf("Low, High = %v, %v, want 2 ± %v", got.Low, got.High, half)
	}
	if got.Final || got.FixedLow != 0 || got.FixedHigh != 0 {
		t.Errorf("%+v, want no fixed bounds before the end", got)
	}
}

func TestFixedIntervalIsWelchs(t *testing.T) {
	t.Parallel()
	control := stat.Of(values(20, 22, 19, 24, 21, 20, 23, 18, 22, 21))
	arm := stat.Of(values(25, 30, 22, 28, 35, 21, 27, 24, 31, 26, 29, 23))
	va, vb := control.SD()*control.SD()/10, arm.SD()*arm.SD()/12
	freedom := (va + vb) * (va + vb) / (va*va/9 + vb*vb/11)
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom}.Quantile(0.98) * math.Sqrt(va+vb)
	got := stat.Hybrid(1).Look(stat.Metric{}, control, arm, true)
	mean := arm.Rate() - control.Rate()
	// The arm's tail is a little longer to the right, so that only the bound above is moved, outwards.
	if math.Abs(got.FixedLow-(mean-half)) > 1e-9 || got.FixedHigh < mean+half || got.FixedHigh > mean+1.1*half {
		t.Errorf("fixed %v to %v, want %v ± %v", got.FixedLow, got.FixedHigh, mean, half)
	}
	if !(got.Low < got.FixedLow && got.FixedHigh < got.High) {
		t.Errorf("%+v, want the sequence outside the fixed interval", got)
	}
}

// In equal arms the long tails cancel; beside a large arm, the small one's tail moves the bound that it points to, and only that one.
func TestLopsidedValuesMoveOneBound(t *testing.T) {
	t.Parallel()
	skewed := stat.Of(values(1, 1, 1, 1, 1, 1, 1, 1, 1, 11))
	large := skewed
	for range 6 {
		large.Merge(large)
	}
	equal := stat.Hybrid(1).Look(stat.Metric{}, large, large, true)
	se := large.SD() * math.Sqrt(2/float64(large.N))
	if math.Abs(equal.FixedLow+equal.FixedHigh) > 1e-9 || equal.FixedHigh > 2.07*se {
		t.Errorf("equal arms: %+v, want ±%v", equal, 2.06*se)
	}
	small := stat.Hybrid(1).Look(stat.Metric{}, large, skewed, true)
	if small.FixedHigh <= -small.FixedLow*1.1 {
		t.Errorf("a small arm of lopsided values: %+v, want more room above than below", small)
	}
	if mirror := stat.Hybrid(1).Look(stat.Metric{}, skewed, large, true); math.Abs(mirror.FixedLow+small.FixedHigh) > 1e-9 {
		t.Errorf("arms exchanged: %+v, want the mirror of %+v", mirror, small)
	}
}

func values(v ...float64) (units []stat.Unit) {
	for _, x := range v {
		units = append(units, stat.Unit{Value: x})
	}
	return units
}

// A relative difference has the signs and the coverage of Fieller's interval: zero is inside exactly when it is inside the difference of means.
func TestRelativeAgreesWithAbsoluteAboutZero(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	claimed := 0
	for range 500 {
		var a, b stat.Sums
		shift := 1 + rng.Float64()
		for range 60 {
			a.Add(stat.Unit{Value: 1 + rng.Float64()})
			b.Add(stat.Unit{Value: shift * (1 + rng.Float64())})
		}
		test := stat.Test{Sequence: 0.05}
		abs, rel := test.Look(stat.Metric{}, a, b, false), test.Look(stat.Metric{Scale: stat.Relative}, a, b, false)
		if abs.Above(0) {
			claimed++
		}
		// The skewness of the estimate is taken at the estimate, so the two may differ by a hair at the border.
		if math.Abs(abs.Low) > 0.005 && abs.Above(0) != rel.Above(0) {
			t.Fatalf("absolute %+v, relative %+v: one says more than zero, one does not", abs, rel)
		}
		if want := b.Rate()/a.Rate() - 1; math.Abs(rel.Mean-want) > 1e-12 || rel.Low > want || rel.High < want {
			t.Fatalf("relative %+v, want the estimate %v inside", rel, want)
		}
	}
	if claimed < 100 || claimed > 490 {
		t.Fatalf("%d of 500 claimed: the cases test nothing", claimed)
	}
}

func TestLookAtTheEdges(t *testing.T) {
	t.Parallel()
	many := func(n int, value float64) stat.Sums {
		var s stat.Sums
		for range n {
			s.Add(stat.Unit{Value: value})
		}
		return s
	}
	test := stat.Hybrid(1)
	if d := test.Look(stat.Cost, many(9, 1), many(100, 1), true); d.Known || d.Above(-1) || d.Below(1) {
		t.Errorf("nine units: %+v, want nothing known", d)
	}
	if d := test.Look(stat.Cost, many(100, 0), many(100, 1), true); d.Known {
		t.Errorf("a control that is free: %+v, want no ratio to zero", d)
	}
	if d := test.Look(stat.Cost, many(100, 2), many(100, 0), true); !d.Known || d.Mean != -1 || d.High != -1 {
		t.Errorf("an arm that is free: %+v, want 100 %% less", d)
	}
	if d := test.Look(stat.Cost, many(100, 2), many(100, 1), true); d.Mean != -0.5 || d.Low != -0.5 || d.FixedHigh != -0.5 {
		t.Errorf("units that all cost the same: %+v, want exactly half", d)
	}
	if d := test.Look(stat.Share, many(300, 1), many(300, 1), true); d.FixedLow > -0.005 || d.FixedHigh < 0.005 {
		t.Errorf("all of 300 units good: %+v, want to know the share no better than that", d)
	}
	var wild stat.Sums
	for i := range 20 {
		wild.Add(stat.Unit{Value: math.Pow(10, float64(i))})
	}
	d := test.Look(stat.Cost, wild, wild, true)
	if body, err := json.Marshal(d); err != nil {
		t.Errorf("an interval without end is no JSON: %v %s", err, body)
	}
	if d.Above(0) || d.Below(0) || d.Low != -1 {
		t.Errorf("values over twenty decades: %+v, want no claim", d)
	}
}

func TestComparisonsShareTheBudget(t *testing.T) {
	t.Parallel()
	a, b := successes(800, 1000), successes(830, 1000)
	one, three := stat.Hybrid(1).Look(stat.Share, a, b, true), stat.Hybrid(3).Look(stat.Share, a, b, true)
	third := stat.Test{Sequence: 0.01 / 3, Fixed: 0.04 / 3}.Look(stat.Share, a, b, true)
	if three != third {
		t.Errorf("three comparisons: %+v, want a third of the budget: %+v", three, third)
	}
	if !(three.Low < one.Low && three.High > one.High && three.FixedLow < one.FixedLow && three.FixedHigh > one.FixedHigh) {
		t.Errorf("three comparisons: %+v, want wider than one: %+v", three, one)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	d := stat.Hybrid(1).Look(stat.Metric{}, successes(800, 1000), successes(830, 1000), true)
	got := d.Times(1000)
	if got.Mean != 1000*d.Mean || got.Low != 1000*d.Low || got.FixedHigh != 1000*d.FixedHigh || got.Units != d.Units || !got.Known || !got.Final {
		t.Errorf("%+v times 1000 = %+v", d, got)
	}
}

// The adjustment must not move the answer, only sharpen it: over many tests its mean is the true difference, its intervals cover it, and they are
// narrower by what the covariates explain.
func TestAdjustmentSharpensWithoutMoving(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 10))
	const n, perArm, true_ = 400, 400, 0.5
	adjusted := stat.Metric{Adjust: true}
	sum, sumPlain, covered, narrower := 0.0, 0.0, 0, 0.0
	for range n {
		var a, b stat.Sums
		for range perArm {
			for arm, s := range []*stat.Sums{&a, &b} {
				x := stat.Covariate(int64(math.Exp(7+rng.NormFloat64())), 24*rng.Float64())
				s.Add(stat.Unit{Value: 10 + 2*x[0] + x[1] + rng.NormFloat64() + true_*float64(arm), X: x})
			}
		}
		with, without := stat.Hybrid(1).Look(adjusted, a, b, true), stat.Hybrid(1).Look(stat.Metric{}, a, b, true)
		sum += with.Mean / n
		sumPlain += without.Mean / n
		narrower += (with.FixedHigh - with.FixedLow) / (without.FixedHigh - without.FixedLow) / n
		if with.FixedLow <= true_ && true_ <= with.FixedHigh {
			covered++
		}
	}
	if math.Abs(sum-true_) > 4*0.0036 { // standard error √(2/400)/√400
		t.Errorf("adjusted estimates average %v, want %v", sum, true_)
	}
	if share := float64(covered) / n; share < 0.93 || share > 0.99 {
		t.Errorf("adjusted intervals cover the truth in %v of tests, want about 0.96", share)
	}
	if narrower > 0.5 { // unexplained variance 1 of 1 + 4 + 0.5: √(1/5.5) = 0.43
		t.Errorf("adjusted intervals are %v times as wide, want about 0.43", narrower)
	}
	t.Logf("adjusted mean %.4f (plain %.4f, truth %.1f), covered %d of %d, %.2f times as wide", sum, sumPlain, true_, covered, n, narrower)
}

// Where the covariates explain everything, nothing is left to doubt, also if they resemble each other.
func TestAdjustmentIsExactForALinearLaw(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(15, 16))
	var a, b stat.Sums
	for range 200 {
		for arm, s := range []*stat.Sums{&a, &b} {
			x := [stat.Covariates]float64{rng.NormFloat64()}
			x[1] = x[0] + 0.3*rng.NormFloat64()
			x[2] = x[1] - x[0] + 0.3*rng.NormFloat64()
			s.Add(stat.Unit{Value: 10 + 3*x[0] - 2*x[1] + x[2] + 0.5*float64(arm), X: x})
		}
	}
	d := stat.Hybrid(1).Look(stat.Metric{Adjust: true}, a, b, true)
	if !(math.Abs(d.Low-0.5) <= 1e-6 && math.Abs(d.High-0.5) <= 1e-6) {
		t.Errorf("%+v, want exactly 0.5", d)
	}
}

// A ratio is adjusted by what the covariates say about the ratio, not about its numerator: longer conversations of larger requests take more time in
// sum, but not per call.
func TestAdjustmentOfARatio(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(17, 18))
	var a, b stat.Sums
	for range 400 {
		for _, s := range []*stat.Sums{&a, &b} {
			x := rng.Float64()
			calls := 1 + math.Round(9*x)
			s.Add(stat.Unit{Value: calls * (5 + rng.NormFloat64()), Weight: calls, X: [stat.Covariates]float64{x}})
		}
	}
	with := stat.Hybrid(1).Look(stat.Metric{Adjust: true}, a, b, true)
	without := stat.Hybrid(1).Look(stat.Metric{}, a, b, true)
	if ratio := (with.FixedHigh - with.FixedLow) / (without.FixedHigh - without.FixedLow); !(ratio < 1.02) || math.Abs(with.Mean-without.Mean) > 0.02 {
		t.Errorf("adjusted %+v, plain %+v: want no more doubt and the same estimate", with, without)
	}
}

// Covariates that say nothing, or the same thing twice, change nothing.
func TestAdjustmentByIdleCovariates(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 12))
	var plainA, plainB, twiceA, twiceB, constA, constB stat.Sums
	for range 300 {
		for arm, s := range [][3]*stat.Sums{{&plainA, &twiceA, &constA}, {&plainB, &twiceB, &constB}} {
			x, y := rng.NormFloat64(), 5+rng.NormFloat64()+float64(arm)
			s[0].Add(stat.Unit{Value: y, X: [3]float64{x}})
			s[1].Add(stat.Unit{Value: y, X: [3]float64{x, 2 * x, 7}})
			s[2].Add(stat.Unit{Value: y, X: [3]float64{1, 2, 3}})
		}
	}
	m := stat.Metric{Adjust: true}
	once, twice := stat.Hybrid(1).Look(m, plainA, plainB, true), stat.Hybrid(1).Look(m, twiceA, twiceB, true)
	if !(math.Abs(once.Mean-twice.Mean) <= 1e-9 && math.Abs(once.Low-twice.Low) <= 1e-9) { // written so that NaN fails
		t.Errorf("a covariate given twice: %+v, want %+v", twice, once)
	}
	none := stat.Hybrid(1).Look(stat.Metric{}, constA, constB, true)
	if got := stat.Hybrid(1).Look(m, constA, constB, true); got != none {
		t.Errorf("constant covariates: %+v, want the plain answer %+v", got, none)
	}
}
