package compile

import (
	"math/big"
	"testing"

	"tollgate/internal/money"
)

func TestDecimalTextBecomesPicoDollarsExactly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		scale int
		want  money.Price
		fit   fit
	}{
		{"3e-06", perUnit, 3_000_000, whole},
		{"0.000003", perUnit, 3_000_000, whole},
		{"3E-06", perUnit, 3_000_000, whole},
		{"1.25e-06", perUnit, 1_250_000, whole},
		{"1.3e-10", perUnit, 130, whole},
		{"0.0", perUnit, 0, whole},
		{"0", perUnit, 0, whole},
		{"0.01", perUnit, 10_000_000_000, whole},
		{"2.5", perMillion, 2_500_000, whole},
		{"-1", perUnit, -1_000_000_000_000, whole},
		{"3.0000000000000002e-07", perUnit, 300_000, snapped},
		{"2.9999999999999997e-07", perUnit, 300_000, snapped},
		{"1.1428571428571428e-06", perUnit, 1_142_858, raised},
		{"1e-13", perUnit, 1, raised},
		{"1.5e-12", perUnit, 2, raised},
	} {
		got, f, err := pico(tt.text, tt.scale)
		if err != nil || got != tt.want || f != tt.fit {
			t.Errorf("pico(%s) = %d, %d, %v; want %d, %d", tt.text, got, f, err, tt.want, tt.fit)
		}
	}
	for _, bad := range []string{"", "-", ".", "1.", ".5", "1e", "e5", "1e+", "1e99", "1e-99999999", "0x10", "1_000", "NaN", "Infinity", "--1", "+1", " 1", "1 ", "1e40", "99999999999999999999999999999999999999999"} {
		if got, _, err := pico(bad, perUnit); err == nil {
			t.Errorf("pico(%q) = %d", bad, got)
		}
	}
}

func FuzzPicoIsNeverBelowTheDecimalBeyondNoise(f *testing.F) {
	for _, s := range []string{"3e-06", "0.0000011", "3.0000000000000002e-07", "1.1428571428571428e-06", "-1", "1e40", "0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, fitted, err := pico(text, perUnit)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q was accepted", text)
		}
		want.Mul(want, big.NewRat(1_000_000_000_000, 1))
		off := new(big.Rat).Sub(big.NewRat(int64(got), 1), want)
		if want.Sign() < 0 {
			off.Neg(off)
			want.Neg(want)
		}
		limit := new(big.Rat)
		switch fitted {
		case whole:
		case snapped:
			limit.Quo(want, big.NewRat(noise, 1))
			off.Abs(off)
		case raised:
			limit.SetInt64(1)
		}
		if off.Sign() < 0 || off.Cmp(limit) > 0 {
			t.Errorf("pico(%s) = %d, off by %s", text, got, off.FloatString(20))
		}
	})
}
