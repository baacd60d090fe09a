package promptstat

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// made is a store whose units are made up.
type made struct {
	Store
	units []Unit
}

func (made) Exists(context.Context, tenant.Scope, id.Prompt) (bool, error) { return true, nil }

func (m made) Units(_ context.Context, _ tenant.Scope, _ Pair, _ int, each func(Unit)) error {
	for _, u := range m.units {
		each(u)
	}
	return nil
}

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

func compare(t *testing.T, units []Unit) map[string]Line {
	t.Helper()
	c, err := NewService(made{units: units}).Compare(t.Context(), tenant.Scope{}, Pair{Prompt: "prompt_1", A: 1, B: 2, From: noon, To: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Line{}
	for _, l := range c.Lines {
		out[l.Metric] = l
	}
	return out
}

// talk is a unit of several calls that are alike: what one is like says much of the others. times is how the version's costs and times
// compare with the other's, more its share of failures and points of score above it.
func talk(rng *rand.Rand, version int, times, more float64) Unit {
	u := Unit{Version: version, Scores: map[string]Score{}}
	own, failing := math.Exp(rng.NormFloat64()), min(max(0.2+0.15*rng.NormFloat64()+more, 0), 1)
	liked := 0.7 + 0.1*rng.NormFloat64() + more
	for range 1 + rng.IntN(12) {
		u.Calls++
		x := own * math.Exp(rng.NormFloat64()/4) * times
		u.Priced++
		u.Cost += money.NanoUSD(1e6 * x)
		if rng.Float64() < failing {
			u.Errors++
		} else {
			u.Ended++
			u.TotalMS += 1000 * x
		}
		if rng.IntN(2) == 0 {
			s := u.Scores["quality"]
			u.Scores["quality"] = Score{N: s.N + 1, Sum: s.Sum + liked + 0.1*rng.NormFloat64()}
		}
	}
	return u
}

// TestIntervalsHold: of made-up comparisons whose truth is known, about one interval in twenty misses it, although the calls of a unit are
// alike and costs are lopsided. With calls taken for independent it is more than one in five.
func TestIntervalsHold(t *testing.T) {
	t.Parallel()
	const rounds, each = 500, 150
	for _, truth := range []struct{ times, more float64 }{{1, 0}, {1.3, 0.05}} {
		t.Run(fmt.Sprint(truth), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(7, uint64(100*truth.times)))
			// The truth about failures is that of units whose share is cut at 0 and 1: read off a very large sample.
			want := map[string]float64{"cost_per_call": truth.times - 1, "score:quality": truth.more, "error_rate": failures(truth.more) - failures(0)}
			missed := map[string]int{}
			for range rounds {
				var units []Unit
				for range each {
					units = append(units, talk(rng, 1, 1, 0), talk(rng, 2, truth.times, truth.more))
				}
				got := compare(t, units)
				for metric, is := range want {
					l := got[metric]
					if !l.Known {
						t.Fatalf("%s is not known", metric)
					}
					if is < l.Low || is > l.High {
						missed[metric]++
					}
				}
			}
			for metric := range want {
				if share := float64(missed[metric]) / rounds; share > 0.08 {
					t.Errorf("%s: %.1f%% of the intervals miss the truth", metric, 100*share)
				}
			}
			if share := float64(missed["error_rate"]) / rounds; share < 0.005 {
				t.Errorf("%.1f%% of the intervals of failures miss: they are far too wide", 100*share)
			}
		})
	}
}

// failures is the share of failing calls of talk.
func failures(more float64) float64 {
	rng := rand.New(rand.NewPCG(1, 1))
	sum := 0.0
	const n = 400_000
	for range n {
		sum += min(max(0.2+0.15*rng.NormFloat64()+more, 0), 1)
	}
	return sum / n
}

// TestTooFewUnitsSayNothing: thirty on each side are the least, and many calls of few people are few.
func TestTooFewUnitsSayNothing(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 3))
	var units []Unit
	for range unitsMin - 1 {
		units = append(units, talk(rng, 1, 1, 0))
	}
	for range 500 {
		units = append(units, talk(rng, 2, 5, 0))
	}
	if l := compare(t, units)["cost_per_call"]; l.Known || l.Verdict != TooFew || l.Mean != 0 || l.UnitsA != unitsMin-1 {
		t.Errorf("%+v", l)
	}
	if l := compare(t, append(units, talk(rng, 1, 1, 0)))["cost_per_call"]; !l.Known || l.Verdict != Higher {
		t.Errorf("%+v", l)
	}
	var none []Unit
	for range 100 {
		none = append(none, Unit{Version: 1, Calls: 1, Priced: 1}, Unit{Version: 2, Calls: 1, Priced: 1, Cost: 5})
	}
	got := compare(t, none)
	if l := got["cost_per_call"]; l.Known || l.Verdict != TooFew {
		t.Errorf("so many times nothing: %+v", l)
	}
	if l := got["error_rate"]; !l.Known || l.Verdict != Similar || l.High < 0.01 {
		t.Errorf("nothing failed, which a hundred calls do not prove: %+v", l)
	}
}

// TestACostPerCallIsNeverBelowWhatItWas: rounded up, of the priced calls alone, and safe at the largest sum.
func TestACostPerCallIsNeverBelowWhatItWas(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		f    Figures
		want money.NanoUSD
	}{
		{Figures{}, 0},
		{Figures{Calls: 3, Cost: 10}, 4},
		{Figures{Calls: 3, Unpriced: 1, Cost: 10}, 5},
		{Figures{Calls: 3, Unpriced: 3}, 0},
		{Figures{Calls: 3}, 0},
		{Figures{Calls: 1, Cost: math.MaxInt64}, math.MaxInt64},
	} {
		if got := tt.f.CostPerCall(); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt.f, got, tt.want)
		}
	}
	f := Figures{Cost: math.MaxInt64 - 1}
	if f.add(&Figures{Cost: 5}); f.Cost != math.MaxInt64 {
		t.Errorf("a sum went past the largest: %d", f.Cost)
	}
}
