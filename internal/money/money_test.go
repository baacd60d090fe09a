package money_test

import (
	"math"
	"testing"

	"tollgate/internal/money"
)

func TestSumRoundsUpOncePerCall(t *testing.T) {
	t.Parallel()
	var s money.Sum
	s.Add(1, 1)
	s.Add(1, 999)
	if got := s.NanoUSD(); got != 1 {
		t.Errorf("1000 pico = %d nano, want 1", got)
	}
	s.Add(1, 1)
	if got := s.NanoUSD(); got != 2 {
		t.Errorf("1001 pico = %d nano, want 2", got)
	}
}

func TestSumSaturates(t *testing.T) {
	t.Parallel()
	var s money.Sum
	s.Add(math.MaxInt64, math.MaxInt64)
	s.Add(5, 5)
	if got := s.NanoUSD(); got != math.MaxUint64/1000+1 {
		t.Errorf("overflowed sum = %d", got)
	}
}

func TestDecimalsAreExact(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		nano money.NanoUSD
		want string
	}{{0, "0.00"}, {195_000, "0.000195"}, {1, "0.000000001"}, {12_500_000_000, "12.50"}, {-1_000_000_000, "-1.00"}, {math.MinInt64, "-9223372036.854775808"}} {
		if got := tt.nano.USD(); got != tt.want {
			t.Errorf("%d = %q, want %q", tt.nano, got, tt.want)
		}
	}
	for _, bad := range []string{"", ".", "1.", "1.0000000001", "1e3", "--1", "+1", "99999999999999999999"} {
		if _, err := money.ParseUSD(bad); err == nil {
			t.Errorf("ParseUSD(%q) was accepted", bad)
		}
	}
	if p, err := money.ParsePerMillion("0.0375"); err != nil || p != 37_500 {
		t.Errorf("ParsePerMillion = %d, %v", p, err)
	}
}

func FuzzUSDRoundTrips(f *testing.F) {
	f.Add(int64(195_000))
	f.Fuzz(func(t *testing.T, v int64) {
		got, err := money.ParseUSD(money.NanoUSD(v).USD())
		if v == math.MinInt64 {
			return // its magnitude has no int64 form; such an amount cannot be entered
		}
		if err != nil || int64(got) != v {
			t.Errorf("%d -> %d, %v", v, got, err)
		}
	})
}
