package calllog_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"tollgate/internal/calllog"
	"tollgate/internal/money"
)

func told(n money.NanoUSD) calllog.Attempt { return calllog.Attempt{ProviderCost: &n} }

func TestToldCostIsTheSumOfWhatWasTold(t *testing.T) {
	t.Parallel()
	silent := calllog.Attempt{Cost: 5}
	for _, tt := range []struct {
		name     string
		attempts []calllog.Attempt
		want     money.NanoUSD // -1: not told
	}{
		{"no attempt tells nothing", nil, -1},
		{"silence is not zero", []calllog.Attempt{silent}, -1},
		{"a told zero is zero", []calllog.Attempt{told(0)}, 0},
		{"those that told are added", []calllog.Attempt{told(3), silent, told(4)}, 7},
		{"a negative cost is none", []calllog.Attempt{told(-3)}, -1},
		{"a huge sum stays at the largest", []calllog.Attempt{told(math.MaxInt64), told(1)}, math.MaxInt64},
	} {
		got := calllog.ToldCost(tt.attempts)
		if (got == nil) != (tt.want < 0) || got != nil && *got != tt.want {
			t.Errorf("%s: %v, want %d", tt.name, got, tt.want)
		}
	}
}

func TestOneUnknownMakesTheWholeUnknown(t *testing.T) {
	t.Parallel()
	order := []calllog.PriceState{calllog.NoCharge, calllog.Free, calllog.Priced, calllog.Unpriced}
	for i, a := range order {
		for j, b := range order {
			if got := a.And(b); got != order[max(i, j)] {
				t.Errorf("%q and %q are %q", a, b, got)
			}
		}
	}
}

func TestWarningsStayWithinTheirBounds(t *testing.T) {
	t.Parallel()
	var r calllog.Record
	r.Warn("")
	r.Warn("logit_bias was dropped")
	r.Warn("logit_bias was dropped")
	r.Warn(strings.Repeat("ä", calllog.WarningBytesMax)) // two bytes each
	if len(r.Warnings) != 2 || len(r.Warnings[1]) != calllog.WarningBytesMax || !utf8.ValidString(r.Warnings[1]) {
		t.Errorf("%q", r.Warnings)
	}
	for i := range 40 {
		r.Warn(fmt.Sprint("w", i))
	}
	if len(r.Warnings) != calllog.WarningsMax {
		t.Errorf("%d warnings", len(r.Warnings))
	}
}
