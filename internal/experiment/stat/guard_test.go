package stat_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"tollgate/internal/experiment/stat"
)

// The harm is exactly as large as the limit allows: the hardest case in which the guard must stay silent. Hourly looks over seven days.
func TestGuardsOnSharesRarelySoundFalsely(t *testing.T) {
	t.Parallel()
	for i, c := range []struct{ control, limit float64 }{{0.005, 0}, {0.02, 0.02}, {0.2, 0.02}, {0.95, 0}} {
		const size = 20
		a, b := binomial(size, c.control), binomial(size, c.control+c.limit)
		const n = 5_000
		got := runs(t, n, uint64(70+i), func(rng *rand.Rand) bool {
			var control, arm stat.Sums
			g := stat.Guard{Limit: c.limit}
			for range hours {
				control.Merge(successes(a.draw(rng), size))
				arm.Merge(successes(b.draw(rng), size))
				if g.Rises(control, arm).Breach {
					return true
				}
			}
			return false
		})
		atMost(t, fmt.Sprintf("guard on a share of %g, %g more allowed and there", c.control, c.limit), got, 0.01, n)
	}
}

// The arm's times are as much longer as the limit allows, in sessions whose calls resemble each other.
func TestGuardOnTheTailRarelySoundsFalsely(t *testing.T) {
	t.Parallel()
	for i, times := range []float64{1, 1.5} {
		const n = 600
		got := runs(t, n, uint64(80+i), func(rng *rand.Rand) bool {
			var control, arm talk
			for h := range hours {
				control.add(rng, 3, 1)
				arm.add(rng, 3, times)
				if h%6 == 5 && slower(times, control, arm).Breach {
					return true
				}
			}
			return false
		})
		atMost(t, fmt.Sprintf("guard on p95, %g times allowed and there", times), got, 0.01, n)
	}
}

// talk is the times of sessions' calls; half of their variance is the session's.
type talk struct {
	sessions [][]float64
	times    stat.Histogram
}

func (s *talk) add(rng *rand.Rand, sessions int, factor float64) {
	if s.times == nil {
		s.times = stat.Histogram{}
	}
	for range sessions {
		own := rng.NormFloat64()
		calls := make([]float64, 1+rng.IntN(9))
		for i := range calls {
			calls[i] = factor * 500 * math.Exp(0.6*own+0.6*rng.NormFloat64())
			s.times.Add(calls[i])
		}
		s.sessions = append(s.sessions, calls)
	}
}

// slow are the shares of slow calls by session.
func (s *talk) slow(ms float64) stat.Sums {
	var out stat.Sums
	for _, calls := range s.sessions {
		u := stat.Unit{Weight: float64(len(calls))}
		for _, c := range calls {
			if c > ms {
				u.Value++
			}
		}
		out.Add(u)
	}
	return out
}

// slower is the guard on p95 as the product asks it.
func slower(times float64, control, arm talk) stat.Harm {
	a, b := stat.Slow(0.95, times, control.times, arm.times)
	return stat.Guard{}.Rises(control.slow(a), arm.slow(b))
}

// Harm is seen soon: an arm that fails half of its calls within two hours of 20 units each, one whose p95 doubles within a day.
func TestGuardsSoundOnHarm(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	var control, arm stat.Sums
	fine, broken := binomial(20, 0.01), binomial(20, 0.5)
	g := stat.Guard{Limit: 0.02}
	for range 2 {
		control.Merge(successes(fine.draw(rng), 20))
		arm.Merge(successes(broken.draw(rng), 20))
	}
	if h := g.Rises(control, arm); !h.Known || !h.Breach || h.Low <= 0.02 || h.Excess <= h.Low {
		t.Errorf("half of all calls fail for two hours: %+v, want a breach", h)
	}
	if h := g.Falls(arm, control); !h.Breach {
		t.Errorf("a share fell from a half to 0.01: %+v, want a breach", h)
	}
	if h := g.Falls(control, arm); h.Breach {
		t.Errorf("a share rose: %+v, want no breach of a guard on falling", h)
	}
	var slow, fast talk
	for range 24 {
		fast.add(rng, 10, 1)
		slow.add(rng, 10, 2)
	}
	if h := slower(1.2, fast, slow); !h.Breach {
		t.Errorf("p95 doubled for a day where a fifth more is allowed: %+v, want a breach", h)
	}
	if h := slower(1.2, slow, fast); h.Breach {
		t.Errorf("p95 halved: %+v, want no breach", h)
	}
}

func TestGuardsWaitForUnits(t *testing.T) {
	t.Parallel()
	g := stat.Guard{Limit: 0.02}
	if h := g.Rises(successes(0, 29), successes(29, 29)); h.Known || h.Breach {
		t.Errorf("29 units an arm: %+v, want nothing known", h)
	}
	if h := g.Rises(successes(0, 30), successes(30, 30)); !h.Breach {
		t.Errorf("30 units an arm, all of them failed: %+v, want a breach", h)
	}
	fast, slow := stat.Histogram{}, stat.Histogram{}
	for i := range 10_000 {
		fast.Add(float64(1000 + i))
		slow.Add(2 * float64(1000+i))
	}
	if a, b := stat.Slow(0.95, 2, fast, slow); math.Abs(a/10_500-1) > 0.05 || b != 2*a {
		t.Errorf("Slow, the arm being twice as slow = %v and %v, want the control's p95, 10500, and twice that", a, b)
	}
	if a, b := stat.Slow(0.95, 1.5, nil, nil); a != 0 || b != 0 {
		t.Errorf("Slow without times = %v and %v, want 0", a, b)
	}
}
