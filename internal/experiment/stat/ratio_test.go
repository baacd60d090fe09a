package stat_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"tollgate/internal/experiment/stat"
)

func TestSampleRatio(t *testing.T) {
	t.Parallel()
	half := []float64{50, 50}
	tests := []struct {
		name    string
		units   []int64
		weights []float64
		known   bool
		broken  bool
		p       float64 // -1: not looked at
	}{
		{"13,412 conversations of a fair split", []int64{6731, 6681}, half, true, false, 0.6659},
		{"a percent of one arm is lost in a large test", []int64{500_000, 495_000}, half, true, true, -1},
		{"unequal weights met", []int64{9000, 1000}, []float64{90, 10}, true, false, 1},
		{"unequal weights missed", []int64{9000, 1150}, []float64{90, 10}, true, true, -1},
		{"weights need not add up to a hundred", []int64{300, 600}, []float64{1, 2}, true, false, 1},
		{"three arms, one short", []int64{1000, 1000, 850}, []float64{1, 1, 1}, true, true, -1},
		{"too few to say", []int64{7, 7}, half, false, false, 1},
		{"the small arm too small to say", []int64{90, 7}, []float64{93, 7}, false, false, 1},
		{"no units", []int64{0, 0}, half, false, false, 1},
		{"one arm", []int64{100}, []float64{100}, false, false, 1},
		{"units in an arm that gets none", []int64{100, 1}, []float64{100, 0}, true, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := stat.SampleRatio(tt.units, tt.weights)
			if got.Known != tt.known || got.Broken != tt.broken {
				t.Errorf("SampleRatio = %+v, want known %v, broken %v", got, tt.known, tt.broken)
			}
			if tt.p >= 0 && math.Abs(got.P-tt.p) > 0.0005 {
				t.Errorf("P = %v, want %v", got.P, tt.p)
			}
		})
	}
}

// At one look, a fair split raises an alarm in at most one test of a thousand; over all looks of a week, the p-value that may end a test does.
func TestFairSplitsRarelyRaiseAnAlarm(t *testing.T) {
	t.Parallel()
	for i, weights := range [][]float64{{50, 50}, {90, 10}} {
		const size, n = 40, 10_000
		arm := binomial(size, weights[1]/100)
		got := shares(t, n, 3, uint64(90+i), func(rng *rand.Rand, saw []bool) {
			units := []int64{0, 0}
			for h := range hours {
				k := int64(arm.draw(rng))
				units[0] += size - k
				units[1] += k
				if h%4 != 3 { // the p-value costs six logarithms of gamma
					continue
				}
				r := stat.SampleRatio(units, weights)
				saw[0] = saw[0] || r.Always < 0.001
				saw[1] = saw[1] || r.Broken
				if h == hours-1 {
					saw[2] = r.Broken
				}
			}
		})
		// The limit of one look is the chance itself, so the measured share lies around it: slack is of chance.
		atMost(t, fmt.Sprintf("split %v: false alarms at the last look", weights), got[2], 0.001+slack(0.001, n), n)
		atMost(t, fmt.Sprintf("split %v: false alarms that would end a test, all looks", weights), got[0], 0.001, n)
		t.Logf("split %v: chi-square below 0.001 at some look: %.2f %%", weights, 100*got[1])
	}
}

// A mismatch of 45 to 55 in a thousand units a day ends the test within three days.
func TestUnfairSplitsAreFound(t *testing.T) {
	t.Parallel()
	got := runs(t, 500, 95, func(rng *rand.Rand) bool {
		units := []int64{0, 0}
		for range 3000 {
			units[btoi(rng.Float64() < 0.45)]++
		}
		return stat.SampleRatio(units, []float64{1, 1}).Always < 0.001
	})
	atLeast(t, "45 to 55 found after 3,000 units", got, 0.85)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
