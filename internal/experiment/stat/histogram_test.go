package stat_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tollgate/internal/experiment/stat"
)

func TestBucketsHoldTheirTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Float64Range(0.001, 1e7).Draw(t, "ms")
		b := stat.Bucket(ms)
		if ms > stat.Edge(b)*(1+1e-9) || b > 0 && ms < stat.Edge(b-1)*(1-1e-9) {
			t.Fatalf("%v ms is in bucket %d, which ends at %v", ms, b, stat.Edge(b))
		}
	})
	for ms, want := range map[float64]int{0: 0, -5: 0, 1: 0, 1.05: 1, 1e12: stat.Buckets - 1} {
		if got := stat.Bucket(ms); got != want {
			t.Errorf("Bucket(%v) = %d, want %d", ms, got, want)
		}
	}
	if got := stat.Bucket(math.NaN()); got != 0 {
		t.Errorf("Bucket(NaN) = %d, want 0", got)
	}
	if hours := stat.Edge(stat.Buckets-1) / 3_600_000; hours < 2 || hours > 4 {
		t.Errorf("the last bucket begins at %v hours, want about 3", hours)
	}
}

// A histogram's quantile is within a bucket of the exact one, merged or not.
func TestQuantileIsWithinFivePercent(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(13, 14))
	exact := make([]float64, 5000)
	parts := []stat.Histogram{{}, {}}
	for i := range exact {
		exact[i] = math.Exp(6 + 0.8*rng.NormFloat64())
		parts[i%2].Add(exact[i])
	}
	parts[0].Merge(parts[1])
	slices.Sort(exact)
	for _, q := range []float64{0.01, 0.5, 0.95, 0.999} {
		got, want := parts[0].Quantile(q), exact[int(q*5000)]
		if math.Abs(got/want-1) > 0.05 {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
		}
	}
	if got := parts[0].N(); got != 5000 {
		t.Errorf("N = %d, want 5000", got)
	}
	if got := (stat.Histogram{}).Quantile(0.5); got != 0 {
		t.Errorf("a quantile of nothing = %v, want 0", got)
	}
	if got := (stat.Histogram{3: 5, 900: 5, -7: 1}).Quantile(1); got != stat.Edge(stat.Buckets-1) {
		t.Errorf("a bucket number out of range: %v, want it at the end", got)
	}
}

// Intervals by redrawing units cover the true quantile about as often as they say, although calls of a unit resemble each other; drawn by calls
// they would not.
func TestBootstrapCoversByUnits(t *testing.T) {
	t.Parallel()
	const want = 500 // the median
	simulate := func(byUnit bool) float64 {
		return runs(t, 512, 100, func(rng *rand.Rand) bool {
			var s talk
			s.add(rng, 80, 1)
			var units []stat.Histogram
			for _, calls := range s.sessions {
				h := stat.Histogram{}
				for _, ms := range calls {
					h.Add(ms)
					if !byUnit {
						units = append(units, h)
						h = stat.Histogram{}
					}
				}
				if byUnit {
					units = append(units, h)
				}
			}
			got := stat.Quantiles(units, []float64{0.5}, rng)[0]
			return got.Low <= want && want <= got.High
		})
	}
	atLeast(t, "bootstrap by units: intervals that hold the median", simulate(true), 0.90)
	atMost(t, "bootstrap by calls: intervals that hold the median", simulate(false), 0.85, 512)
}

func TestBootstrapIsRepeatable(t *testing.T) {
	t.Parallel()
	units := []stat.Histogram{{10: 3, 20: 1, 30: 4}, {12: 5}, {100: 1}}
	draw := func() []stat.Spread {
		return stat.Quantiles(units, []float64{0.5, 0.95}, rand.New(rand.NewPCG(1, 1)))
	}
	first := draw()
	for range 5 {
		if again := draw(); !slices.Equal(first, again) {
			t.Fatalf("the same seed gave %v, then %v", first, again)
		}
	}
	if first[0].Low > first[0].Value || first[0].High < first[0].Value {
		t.Errorf("%+v, want the value inside", first[0])
	}
	if got := stat.Quantiles(nil, []float64{0.5}, rand.New(rand.NewPCG(1, 1))); len(got) != 1 || got[0] != (stat.Spread{}) {
		t.Errorf("no units: %v, want zeros", got)
	}
}
