package stat_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tollgate/internal/experiment/stat"
)

// near compares floats to nine digits.
var near = cmpopts.EquateApprox(1e-9, 1e-9)

var anyUnit = rapid.Custom(func(t *rapid.T) stat.Unit {
	value := rapid.Float64Range(-1e3, 1e3)
	return stat.Unit{
		Value: value.Draw(t, "value"), Weight: float64(rapid.IntRange(0, 5).Draw(t, "weight")),
		X: [stat.Covariates]float64{value.Draw(t, "x1"), value.Draw(t, "x2"), float64(rapid.IntRange(0, 1).Draw(t, "x3"))},
	}
})

// However units are dealt to parts and parts merged, the sums are those of all units in one go; and JSON keeps them.
func TestSumsMergeInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.SliceOfN(anyUnit, 0, 60).Draw(t, "units")
		parts := make([]stat.Sums, rapid.IntRange(1, 5).Draw(t, "parts"))
		for _, u := range units {
			parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")].Add(u)
		}
		var merged stat.Sums
		for _, p := range parts {
			body, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			var back stat.Sums
			if err := json.Unmarshal(body, &back); err != nil {
				t.Fatal(err)
			}
			merged.Merge(back)
		}
		if diff := cmp.Diff(stat.Of(units), merged, cmpopts.EquateApprox(1e-7, 1e-3)); diff != "" {
			t.Errorf("merged from parts (-at once +merged):\n%s", diff)
		}
	})
}

// The sums against the textbook: two passes over the units.
func TestSumsAreTheMomentsOfTheUnits(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	units := make([]stat.Unit, 500)
	for i := range units {
		units[i] = stat.Unit{
			Value: math.Exp(rng.NormFloat64()), Weight: float64(1 + rng.IntN(4)),
			X: stat.Covariate(int64(rng.IntN(10_000)), 24*rng.Float64()),
		}
	}
	columns := func(u stat.Unit) [5]float64 { return [5]float64{u.Value, u.Weight, u.X[0], u.X[1], u.X[2]} }
	want := stat.Sums{N: 500}
	for _, u := range units {
		for i, x := range columns(u) {
			want.Mean[i] += x / 500
		}
	}
	for _, u := range units {
		v := columns(u)
		at := 0
		for i := range v {
			v[i] -= want.Mean[i]
		}
		for i := range v {
			for j := i; j < len(v); j++ {
				want.Co[at] += v[i] * v[j]
				at++
			}
		}
		for k, third := range []float64{v[0] * v[0] * v[0], v[0] * v[0] * v[1], v[0] * v[1] * v[1], v[1] * v[1] * v[1]} {
			want.Third[k] += third
		}
	}
	if diff := cmp.Diff(want, stat.Of(units), near); diff != "" {
		t.Errorf("two passes against one (-want +got):\n%s", diff)
	}
}

func TestRateAndSD(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		units    []stat.Unit
		rate, sd float64
	}{
		{"no units", nil, 0, 0},
		{"one unit has no spread", []stat.Unit{{Value: 3}}, 3, 0},
		{"a mean over units", []stat.Unit{{Value: 1}, {Value: 3}}, 2, math.Sqrt2},
		{"a ratio is of the sums, not the mean of ratios", []stat.Unit{{Value: 1, Weight: 1}, {Value: 0, Weight: 3}}, 0.25, math.Sqrt(2 * 0.75 * 0.75 / 4)},
		{"a ratio that is the same everywhere has no error, however many calls units have", []stat.Unit{{Value: 2, Weight: 4}, {Value: 1, Weight: 2}, {Value: 0.5, Weight: 1}}, 0.5, 0},
		{"what is no number is left out", []stat.Unit{{Value: 1}, {Value: math.NaN()}, {Value: math.Inf(1)}, {Value: 3}}, 2, math.Sqrt2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := stat.Of(tt.units)
			if math.Abs(s.Rate()-tt.rate) > 1e-12 || math.Abs(s.SD()-tt.sd) > 1e-12 {
				t.Errorf("rate %v sd %v, want %v and %v", s.Rate(), s.SD(), tt.rate, tt.sd)
			}
		})
	}
}

func TestCapped(t *testing.T) {
	t.Parallel()
	var a, b []stat.Unit
	for i := range 50 {
		a = append(a, stat.Unit{Value: float64(i)})
		b = append(b, stat.Unit{Value: 2 * float64(50+i), Weight: 2})
	}
	if got := stat.Cap(0.99, a, b); got != 99 {
		t.Errorf("Cap(0.99) of the rates 0 to 99 = %v, want 99", got)
	}
	if got := stat.Cap(0.9, a, b); got != 90 {
		t.Errorf("Cap(0.9) of the rates 0 to 99 = %v, want 90", got)
	}
	if got := stat.Cap(1, a); got != 49 {
		t.Errorf("Cap(1) = %v, want the largest, 49", got)
	}
	if got := stat.Cap(0.5); got != 0 {
		t.Errorf("Cap of nothing = %v, want 0", got)
	}
	if got := (stat.Unit{Value: 30, Weight: 2}).Capped(10); got.Value != 20 || got.Weight != 2 {
		t.Errorf("a rate of 15 capped at 10 = %+v, want the value 20", got)
	}
	if got := (stat.Unit{Value: 10}).Capped(10); got.Value != 10 {
		t.Errorf("a rate at the cap = %+v, want it as it is", got)
	}
}
