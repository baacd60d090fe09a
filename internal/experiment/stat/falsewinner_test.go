package stat_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/experiment/stat"
)

// claims says how one simulated test went: whether the hybrid, and whether the naive test at every look, ever claimed a difference.
type claims struct {
	t     stat.Test
	m     stat.Metric
	naive bool // also ask the naive one
	saw   []bool
}

const (
	hybrid = iota
	naive
)

// look is one hourly look; reports whether there is nothing more to learn.
func (c claims) look(control, arm stat.Sums, hour int) bool {
	d := c.t.Look(c.m, control, arm, hour == hours-1)
	if d.Above(0) || d.Below(0) {
		c.saw[hybrid] = true
	}
	if !c.naive {
		return c.saw[hybrid]
	}
	// What a test of one look would say, at every look: 95 %, as often as one likes.
	once := stat.Test{Sequence: 0.01, Fixed: 0.05}.Look(c.m, control, arm, true)
	if once.FixedLow > 0 || once.FixedHigh < 0 {
		c.saw[naive] = true
	}
	return c.saw[hybrid] && c.saw[naive]
}

// 2,000 units a day with day and night: 20 units an hour and arm at night, 52 by day. An hour's successes are binomial, exactly.
func TestNoFalseWinnersAmongPlainUnits(t *testing.T) {
	t.Parallel()
	night, day := binomial(20, 0.8), binomial(52, 0.8)
	simulate := func(n int, withNaive bool, seed uint64) []float64 {
		return shares(t, n, 2, seed, func(rng *rand.Rand, saw []bool) {
			c := claims{stat.Hybrid(1), stat.Share.At(13_888), withNaive, saw}
			var a, b stat.Sums
			for h := range hours {
				draw, size := day, 52
				if h%24 < 8 {
					draw, size = night, 20
				}
				a.Merge(successes(draw.draw(rng), size))
				b.Merge(successes(draw.draw(rng), size))
				if c.look(a, b, h) {
					return
				}
			}
		})
	}
	atMost(t, "plain, 2,000 units a day: hybrid", simulate(20_000, false, 1)[hybrid], 0.05, 20_000)
	atLeast(t, "plain, 2,000 units a day: naive 95 % test at every look", simulate(1_000, true, 2)[naive], 0.25)
}

// Ten calls a session, whose own rate of success varies by 0.18: each call counted as a unit is the error, each session as a unit is the cure.
func TestNoFalseWinnersAmongClusteredCalls(t *testing.T) {
	t.Parallel()
	session := sessions(10, 0.8, 0.18)
	simulate := func(n int, perCall bool, seed uint64) float64 {
		return shares(t, n, 1, seed, func(rng *rand.Rand, saw []bool) {
			horizon := 8.0 * hours
			if perCall {
				horizon *= 10
			}
			c := claims{stat.Hybrid(1), stat.Share.At(horizon), false, saw}
			var a, b stat.Sums
			hour := make([]float64, 4)
			for h := range hours {
				for _, s := range []*stat.Sums{&a, &b} {
					for i := range hour {
						k := session.draw(rng)
						hour[i] = float64(k) / 10
						if perCall {
							s.Merge(successes(k, 10))
						}
					}
					if !perCall {
						s.Merge(batch(hour))
					}
				}
				if c.look(a, b, h) {
					return
				}
			}
		})[0]
	}
	atMost(t, "clustered, ten calls a session: hybrid per session", simulate(20_000, false, 3), 0.05, 20_000)
	atLeast(t, "clustered, ten calls a session: hybrid per call", simulate(1_000, true, 4), 0.12)
}

// Lognormal costs: at sigma 2 one unit in a hundred costs a hundred times the median. Equal arms as they are, from the first hour on.
func TestNoFalseWinnersAmongSkewedCosts(t *testing.T) {
	t.Parallel()
	for i, sigma := range []float64{1, 2} {
		n := []int{6_000, 20_000}[i]
		got := runs(t, n, uint64(10+i), func(rng *rand.Rand) bool {
			c := claims{stat.Hybrid(1), stat.Cost.At(20 * hours), false, make([]bool, 2)}
			var a, b stat.Sums
			hour := make([]float64, 10)
			for h := range hours {
				a.Merge(costs(rng, hour, sigma, math.Inf(1)))
				b.Merge(costs(rng, hour, sigma, math.Inf(1)))
				if c.look(a, b, h) {
					return true
				}
			}
			return false
		})
		atMost(t, fmt.Sprintf("skewed, lognormal sigma %g, ten units an hour and arm: hybrid", sigma), got, 0.05, n)
	}
}

// A tenth of the units in the arm is where lopsided costs deceive: the small arm's mean is mostly too small. What is promised there is what
// the rules ask for: capped costs, 300 units in the small arm.
func TestNoFalseWinnersAmongSkewedCostsInASmallArm(t *testing.T) {
	t.Parallel()
	for i, sigma := range []float64{1, 2} {
		simulate := func(n int, most float64, from int) float64 {
			return runs(t, n, uint64(20+i), func(rng *rand.Rand) bool {
				c := claims{stat.Hybrid(1), stat.Cost.At(20 * hours), false, make([]bool, 2)}
				var a, b stat.Sums
				hour := make([]float64, 18)
				for h := range hours {
					a.Merge(costs(rng, hour, sigma, most))
					b.Merge(costs(rng, hour[:2], sigma, most))
					if h >= from && c.look(a, b, h) {
						return true
					}
				}
				return false
			})
		}
		at99 := math.Exp(sigma * 2.3263)
		atMost(t, fmt.Sprintf("skewed, sigma %g, arm of 10 %%, capped: hybrid", sigma), simulate(5_000, at99, 149), 0.05, 5_000)
		if sigma == 2 {
			atLeast(t, "skewed, sigma 2, arm of 10 %, as they are, from hour 6 on", simulate(1_000, math.Inf(1), 5), 0.06)
		}
	}
}

// The same with costs that follow the size of requests and are adjusted by it: what is left is as lopsided as before.
func TestNoFalseWinnersAmongAdjustedCostsInASmallArm(t *testing.T) {
	t.Parallel()
	const n, most = 2_500, 90 // some 99 % of costs
	got := runs(t, n, 28, func(rng *rand.Rand) bool {
		c := claims{stat.Hybrid(1), stat.Cost.At(20 * hours), false, make([]bool, 2)}
		var a, b stat.Sums
		for h := range hours {
			for i := range 20 {
				size := rng.NormFloat64()
				u := stat.Unit{Value: math.Exp(1.2*size + 0.8*rng.NormFloat64()), X: [stat.Covariates]float64{size}}.Capped(most)
				if i < 2 {
					b.Add(u)
				} else {
					a.Add(u)
				}
			}
			if h >= 149 && c.look(a, b, h) {
				return true
			}
		}
		return false
	})
	atMost(t, "skewed, arm of 10 %, capped, adjusted by size: hybrid", got, 0.05, n)
}

// The shortcut of the plain case, an hour's binomial number, against the calls themselves: each call is drawn by itself, sessions last
// some hours, and each look is of the sessions as they are by then, so that a unit's value still moves after it was first counted.
func TestNoFalseWinnersCallByCall(t *testing.T) {
	t.Parallel()
	const n, days, perHour = 600, 7, 3 // sessions an hour and arm
	simulate := func(rng *rand.Rand, shift float64) bool {
		c := claims{stat.Hybrid(1), stat.Share.At(2 * perHour * hours), false, make([]bool, 2)}
		arms := [2][]stat.Unit{}
		rates := [2][]float64{}
		for h := range days * 24 {
			var sums [2]stat.Sums
			for arm := range arms {
				for range perHour {
					arms[arm] = append(arms[arm], stat.Unit{})
					rates[arm] = append(rates[arm], min(max(0.8+shift*float64(arm)+0.18*rng.NormFloat64(), 0), 1))
				}
				units := arms[arm]
				for i := max(0, len(units)-6*perHour); i < len(units); i++ { // those of the last six hours are still talking
					for range 1 + rng.IntN(3) {
						units[i].Weight++
						if rng.Float64() < rates[arm][i] {
							units[i].Value++
						}
					}
				}
				if h%4 == 3 {
					sums[arm] = stat.Of(units)
				}
			}
			if h%4 == 3 && c.look(sums[0], sums[1], h) {
				return true
			}
		}
		return false
	}
	none := runs(t, n, 30, func(rng *rand.Rand) bool { return simulate(rng, 0) })
	atMost(t, "call by call, sessions of six hours: hybrid", none, 0.05+slack(0.05, n), n)
	atLeast(t, "call by call, a true difference of 6 points is found", runs(t, 128, 31, func(rng *rand.Rand) bool { return simulate(rng, 0.06) }), 0.8)
}

// slack is three standard errors of a share: for simulations too small to hold the limit by themselves.
func slack(p float64, n int) float64 { return 3 * math.Sqrt(p*(1-p)/float64(scaled(n))) }

// One draw of the binomial shortcut is the same as n draws of one unit: its chances are those of the sum, and successes gives the same moments.
func TestShortcutsAreExact(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	counts := make([]float64, 21)
	draw := binomial(20, 0.8)
	const n = 200_000
	for range n {
		counts[draw.draw(rng)]++
	}
	chi := 0.0
	for k, p := range binomialChances(20, 0.8) {
		if p*n >= 5 {
			chi += (counts[k] - p*n) * (counts[k] - p*n) / (p * n)
		}
	}
	if chi > 40 { // about 14 degrees of freedom: chance 0.0002
		t.Errorf("the table draws another distribution: chi-square %.1f", chi)
	}
	var one stat.Sums
	for i := range 20 {
		v := 0.0
		if i < 13 {
			v = 1
		}
		one.Add(stat.Unit{Value: v})
	}
	skewed := []float64{1, 4, 2, 9, 0.5}
	if diff := cmp.Diff(stat.Of(values(skewed...)), batch(skewed), near); diff != "" {
		t.Errorf("two passes against one by one (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(one, successes(13, 20), near); diff != "" {
		t.Errorf("13 of 20 against one by one (-want +got):\n%s", diff)
	}
}
