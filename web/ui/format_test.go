package ui

import (
	"math"
	"testing"
	"time"

	"tollgate/internal/money"
)

func TestMoneyHasTheFormOfItsSize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n                                       money.NanoUSD
		total, call, exact, whole, signedChange string
	}{
		{0, "$0", "$0", "$0.00", "$0", "$0"},
		{14_498_704_999_999, "$14,498.70", "$14,498.705000", "$14,498.704999999", "$14,499", "+$14,498.70"},
		{8_622_000, "$0.008622", "$0.008622", "$0.008622", "$0", "+$0.008622"},
		{8_622_499, "$0.008622", "$0.008622", "$0.008622499", "$0", "+$0.008622"},
		{195_000, "$0.000195", "$0.000195", "$0.000195", "$0", "+$0.000195"},
		{195_432, "$0.0001954", "$0.000195", "$0.000195432", "$0", "+$0.0001954"},
		{500_000_000, "$0.50", "$0.500000", "$0.50", "$1", "+$0.50"},
		{999_960_000, "$1.00", "$0.999960", "$0.99996", "$1", "+$1.00"},
		{999_949_999, "$0.9999", "$0.999950", "$0.999949999", "$1", "+$0.9999"},
		{1, "$0.000000001", "<$0.000001", "$0.000000001", "$0", "+$0.000000001"},
		{500, "$0.0000005", "$0.000001", "$0.0000005", "$0", "+$0.0000005"},
		{-204_110_000_000, "−$204.11", "−$204.110000", "−$204.11", "−$204", "−$204.11"},
		{math.MaxInt64, "$9,223,372,036.85", "$9,223,372,036.854776", "$9,223,372,036.854775807", "$9,223,372,037", "+$9,223,372,036.85"},
		{math.MinInt64, "−$9,223,372,036.85", "−$9,223,372,036.854776", "−$9,223,372,036.854775808", "−$9,223,372,037", "−$9,223,372,036.85"},
	} {
		for form, got := range map[string][2]string{
			"MoneyText":   {MoneyText(tt.n), tt.total},
			"MoneyCall":   {MoneyCall(tt.n), tt.call},
			"MoneyExact":  {MoneyExact(tt.n), tt.exact},
			"DollarsText": {DollarsText(tt.n), tt.whole},
			"MoneyChange": {MoneyChange(tt.n), tt.signedChange},
		} {
			if got[0] != got[1] {
				t.Errorf("%s(%d) = %q, want %q", form, tt.n, got[0], got[1])
			}
		}
	}
}

func TestPricesAreExact(t *testing.T) {
	t.Parallel()
	for p, want := range map[money.Price]string{
		3_000_000: "$3.00", 75_000: "$0.075", 37_500: "$0.0375", 0: "$0.00", 1: "$0.000001", 1_200_000_000: "$1,200.00",
	} {
		if got := PriceText(p); got != want {
			t.Errorf("PriceText(%d) = %q, want %q", p, got, want)
		}
	}
}

func TestCountsAreFullInTablesAndShortInCards(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n           int64
		full, short string
	}{
		{0, "0", "0"},
		{999, "999", "999"},
		{2_304, "2,304", "2,304"},
		{12_958, "12,958", "13.0 K"},
		{684_000, "684,000", "684 K"},
		{999_499, "999,499", "999 K"},
		{999_500, "999,500", "1.00 M"},
		{1_902_114, "1,902,114", "1.90 M"},
		{4_180_000, "4,180,000", "4.18 M"},
		{41_800_000_000, "41,800,000,000", "41.8 G"},
		{-1_902_114, "−1,902,114", "−1.90 M"},
		{math.MaxInt64, "9,223,372,036,854,775,807", "9,223,372,037 G"},
	} {
		if got := CountText(tt.n); got != tt.full {
			t.Errorf("CountText(%d) = %q, want %q", tt.n, got, tt.full)
		}
		if got := CountShort(tt.n); got != tt.short {
			t.Errorf("CountShort(%d) = %q, want %q", tt.n, got, tt.short)
		}
	}
}

func TestSpansKeepTheDigitsThatMatter(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-1:                               Nothing,
		0:                                "0 ms",
		time.Nanosecond:                  "<0.01 ms",
		430 * time.Microsecond:           "0.43 ms",
		996 * time.Microsecond:           "1 ms",
		3100 * time.Microsecond:          "3.1 ms",
		9960 * time.Microsecond:          "10 ms",
		512 * time.Millisecond:           "512 ms",
		999_400 * time.Microsecond:       "999 ms",
		999_600 * time.Microsecond:       "1.00 s",
		4910 * time.Millisecond:          "4.91 s",
		59_996 * time.Millisecond:        "1 min",
		32 * time.Minute:                 "32 min",
		3 * time.Hour:                    "3 h",
		3*time.Hour + 5*time.Minute:      "3 h 5 min",
		72*time.Hour + 30*time.Minute:    "3 days",
		time.Duration(math.MaxInt64) / 2: "53375 days",
	} {
		if got := SpanText(d); got != want {
			t.Errorf("SpanText(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestSharesNeverClaimNothingOrAllByRounding(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		part, whole       int64
		share, rate, wide string
	}{
		{0, 0, Nothing, Nothing, "0%"},
		{0, 7, "0%", "0%", "0%"},
		{7, 7, "100%", "100%", "100%"},
		{378, 1000, "37.8%", "37.8%", "37.8%"},
		{8, 100, "8.0%", "8.0%", "8%"},
		{31, 10_000, "0.3%", "0.31%", "0.31%"},
		{1, 1_000_000, "<0.1%", "<0.1%", "0%"},
		{999_999, 1_000_000, ">99.9%", ">99.9%", "100%"},
		{math.MaxInt64 - 1, math.MaxInt64, ">99.9%", ">99.9%", "100%"},
		{3, 2, "150.0%", "150.0%", "100%"},
	} {
		if got := ShareText(tt.part, tt.whole); got != tt.share {
			t.Errorf("ShareText(%d, %d) = %q, want %q", tt.part, tt.whole, got, tt.share)
		}
		if got := RateText(tt.part, tt.whole); got != tt.rate {
			t.Errorf("RateText(%d, %d) = %q, want %q", tt.part, tt.whole, got, tt.rate)
		}
		if got := Percent(tt.part, tt.whole); got != tt.wide {
			t.Errorf("Percent(%d, %d) = %q, want %q", tt.part, tt.whole, got, tt.wide)
		}
	}
}

func TestDeltasAreColouredOnlyWhereOneDirectionIsGood(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		d           Delta
		text, class string
	}{
		"spend that rose":           {DeltaOf(1098, 1000, Neither), "↑ 9.8%", ""},
		"unit cost that fell":       {DeltaOf(958, 1000, Down), "↓ 4.2%", "good"},
		"errors that rose":          {DeltaOf(2000, 1000, Down), "↑ 100.0%", "bad"},
		"savings that fell":         {DeltaOf(1, 2, Up), "↓ 50.0%", "bad"},
		"the same":                  {DeltaOf(5, 5, Down), "no change", "none"},
		"too little to write":       {DeltaOf(100_001, 100_000, Down), "no change", "none"},
		"nothing before":            {DeltaOf(5, 0, Down), "new", "none"},
		"nothing before and after":  {DeltaOf(0, 0, Down), "no change", "none"},
		"all gone":                  {DeltaOf(0, 5, Neither), "↓ 100.0%", ""},
		"a share of nothing before": {DeltaPoints(3, 80, 0, 0, Down), "new", "none"},
		"a share that fell":         {DeltaPoints(31, 10_000, 43, 10_000, Down), "↓ 0.12 pp", "good"},
		"a share that rose":         {DeltaPoints(4, 1000, 0, 1000, Neither), "↑ 0.4 pp", ""},
		"a share that rose a lot":   {DeltaPoints(1, 2, 1, 4, Up), "↑ 25.0 pp", "good"},
	} {
		if got := tt.d.text(); got != tt.text {
			t.Errorf("%s: text %q, want %q", name, got, tt.text)
		}
		if got := tt.d.class(); got != tt.class {
			t.Errorf("%s: class %q, want %q", name, got, tt.class)
		}
	}
}

func TestMomentsAreInTheReadersZone(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("Europe/Berlin", 3600)
	c := Clock{Now: time.Date(2026, 11, 20, 13, 2, 30, 0, time.UTC), Zone: zone}
	for _, tt := range []struct {
		t                 time.Time
		moment, ago, date string
	}{
		{time.Time{}, Nothing, "never", Nothing},
		{time.Date(2026, 11, 20, 13, 2, 11, 482_000_000, time.UTC), "14:02:11.482", "18 s ago", "20 Nov"},
		{time.Date(2026, 11, 19, 23, 0, 0, 0, time.UTC), "00:00:00.000", "14 h ago", "20 Nov"},
		{time.Date(2026, 11, 19, 22, 59, 59, 0, time.UTC), "19 Nov, 23:59", "14 h ago", "19 Nov"},
		{time.Date(2025, 11, 12, 14, 40, 0, 0, time.UTC), "12 Nov 2025, 15:40", "372 days ago", "12 Nov 2025"},
		{time.Date(2026, 11, 23, 13, 2, 30, 0, time.UTC), "23 Nov, 14:02", "in 3 days", "23 Nov"},
		{time.Date(2026, 11, 20, 13, 2, 30, 1, time.UTC), "14:02:30.000", "now", "20 Nov"},
	} {
		if got := MomentText(c, tt.t); got != tt.moment {
			t.Errorf("MomentText(%v) = %q, want %q", tt.t, got, tt.moment)
		}
		if got := AgoText(c, tt.t); got != tt.ago {
			t.Errorf("AgoText(%v) = %q, want %q", tt.t, got, tt.ago)
		}
		if got := DateText(c, tt.t); got != tt.date {
			t.Errorf("DateText(%v) = %q, want %q", tt.t, got, tt.date)
		}
	}
	if got, want := MomentFull(c, c.Now), "Fri 20 Nov 2026, 14:02:30.000, Europe/Berlin"; got != want {
		t.Errorf("MomentFull = %q, want %q", got, want)
	}
}

func TestExactIsNeverRoundedUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		exact, whole money.NanoUSD
		want         string
	}{
		{5, 5, "exact"}, {0, 0, "exact"}, {0, 5, "estimated"}, {992, 1000, "exact 99.2%"}, {99_999, 100_000, "exact 99.9%"},
	} {
		if got := exactText(tt.exact, tt.whole); got != tt.want {
			t.Errorf("exactText(%d, %d) = %q, want %q", tt.exact, tt.whole, got, tt.want)
		}
	}
}
