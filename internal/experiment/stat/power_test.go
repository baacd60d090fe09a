package stat_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"tollgate/internal/experiment/stat"
)

// The table of what is visible after seven days, for a rate of 80 % and the whole budget of 0.05 in one of the two intervals.
func TestForecastReproducesTheTable(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ perDay, sequence, fixed float64 }{
		{200, 0.065, 0.042}, {1000, 0.029, 0.019}, {5000, 0.013, 0.008}, {20_000, 0.0065, 0.004},
	} {
		tr := stat.Traffic{UnitsPerDay: row.perDay, SD: stat.BaseRateSD(0.8)}
		f := stat.Test{Sequence: 0.05, Fixed: 0.05}.Forecast(tr, 7, 0)
		if math.Abs(f.Sequence-row.sequence) > 0.0006 || math.Abs(f.Fixed-row.fixed) > 0.0006 {
			t.Errorf("%v a day: ±%.4f (%.4f), want ±%v (%v)", row.perDay, f.Sequence, f.Fixed, row.sequence, row.fixed)
		}
		h := stat.Hybrid(1).Forecast(tr, 7, 0.02)
		t.Logf("%6.0f scored a day, 7 days: visible ±%.2f pp by sequence, ±%.2f fixed (0.05 each); hybrid ±%.2f, ±%.2f, found with 80 %%: %.2f pp; 2 pp takes %d days",
			row.perDay, 100*f.Sequence, 100*f.Fixed, 100*h.Sequence, 100*h.Fixed, 100*h.Detectable, h.Days)
	}
}

func TestForecast(t *testing.T) {
	t.Parallel()
	sd := stat.BaseRateSD(0.8)
	tests := []struct {
		name    string
		traffic stat.Traffic
		wanted  float64
		days    int
		thin    bool
	}{
		{"plenty: one week", stat.Traffic{UnitsPerDay: 5000, SD: sd}, 0.02, 7, false},
		{"half of them scored: two weeks", stat.Traffic{UnitsPerDay: 1600, Scored: 0.5, SD: sd}, 0.025, 14, false},
		{"thin: four weeks are not enough", stat.Traffic{UnitsPerDay: 100, SD: sd}, 0.02, 0, true},
		{"no traffic at all", stat.Traffic{SD: sd}, 0.02, 0, true},
		{"nothing is wanted: nothing is promised", stat.Traffic{UnitsPerDay: 100, SD: sd}, 0, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := stat.Hybrid(1).Forecast(tt.traffic, 7, tt.wanted)
			if f.Days != tt.days || f.Thin != tt.thin {
				t.Errorf("Forecast = %+v, want %d days, thin %v", f, tt.days, tt.thin)
			}
		})
	}
	equal := stat.Hybrid(1).Forecast(stat.Traffic{UnitsPerDay: 1000, SD: sd}, 7, 0.06)
	small := stat.Hybrid(1).Forecast(stat.Traffic{UnitsPerDay: 1000, SD: sd, Split: [2]float64{0.9, 0.1}}, 7, 0.06)
	if ratio := small.Fixed / equal.Fixed; math.Abs(ratio-math.Sqrt((1/0.9+1/0.1)/4)) > 1e-9 {
		t.Errorf("an arm of a tenth sees %v times as little", ratio)
	}
	if equal.EarlyDay < 2 || equal.EarlyDay > 4 || small.EarlyDay != 0 && small.EarlyDay <= equal.EarlyDay {
		t.Errorf("a difference of 6 points: day %d with equal arms, day %d with an arm of a tenth", equal.EarlyDay, small.EarlyDay)
	}
}

// What the forecast promises, simulated: with the difference that it calls detectable, four of five tests find it.
func TestForecastIsKept(t *testing.T) {
	t.Parallel()
	const size = 42 // units an hour and arm
	test := stat.Hybrid(1)
	f := test.Forecast(stat.Traffic{UnitsPerDay: 2 * size * 24, SD: stat.BaseRateSD(0.8)}, 7, 0)
	got, _ := found(t, test, size, 0.8, 0.8+f.Detectable, 1_500, 110)
	if math.Abs(got-0.8) > max(0.04, slack(0.8, 1_500)) {
		t.Errorf("%.2f points are found in %.0f %% of tests, want about 80", 100*f.Detectable, 100*got)
	}
	t.Logf("%.2f points, called detectable, are found in %.1f %% of tests", 100*f.Detectable, 100*got)
}

// Power at 960 scored units a day, as the design's table has it.
func TestPower(t *testing.T) {
	t.Parallel()
	const size, n = 20, 1_500
	sequence := stat.Test{Sequence: 0.05}
	for i, row := range []struct{ to, sequence, hybrid float64 }{{0.82, 0.28, 0.51}, {0.83, 0.65, 0.86}, {0.85, 0.99, 1}} {
		s, sDay := found(t, sequence, size, 0.8, row.to, n, uint64(120+i))
		h, hDay := found(t, stat.Hybrid(1), size, 0.8, row.to, n, uint64(130+i))
		t.Logf("960 units a day, 80 > %.0f %%: sequence alone %.1f %% (day %.1f), hybrid %.1f %% (day %.1f)", 100*row.to, 100*s, sDay, 100*h, hDay)
		if math.Abs(s-row.sequence) > max(0.03, slack(row.sequence, n)) || math.Abs(h-row.hybrid) > max(0.03, slack(row.hybrid, n)) {
			t.Errorf("80 > %.0f %%: sequence %.3f hybrid %.3f, want about %v and %v", 100*row.to, s, h, row.sequence, row.hybrid)
		}
	}
}

// found is the share of tests that prove the arm better, and the mean day on which they do.
func found(t *testing.T, test stat.Test, size int, from, to float64, n int, seed uint64) (share, day float64) {
	t.Helper()
	a, b := binomial(size, from), binomial(size, to)
	got := shares(t, n, 1+hours, seed, func(rng *rand.Rand, saw []bool) {
		var control, arm stat.Sums
		for h := range hours {
			control.Merge(successes(a.draw(rng), size))
			arm.Merge(successes(b.draw(rng), size))
			if test.Look(stat.Share.At(float64(2*size*hours)), control, arm, h == hours-1).Above(0) {
				saw[0], saw[1+h] = true, true
				return
			}
		}
	})
	for h, s := range got[1:] {
		day += s * float64(h+1) / 24
	}
	return got[0], day / max(got[0], 1e-9)
}
