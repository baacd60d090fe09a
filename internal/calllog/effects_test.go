package calllog_test

import (
	"testing"

	"tollgate/internal/calllog"
)

func TestEffectsInWords(t *testing.T) {
	t.Parallel()
	for want, k := range map[string]calllog.Check{
		"refused the call: $0.25 was lacking in its fiscal month.":                {By: "bud_a", Did: calllog.DidRefuse, Period: "fiscal_month", Short: 250_000_000},
		"refused the call (for ann): $0.25 was lacking.":                          {By: "bud_a", Did: calllog.DidRefuse, Period: "total", Subject: "ann", Short: 250_000_000},
		"only watches: it would have refused the call: 12 input tokens too many.": {By: "lim_a", Did: calllog.WouldRefuse, Period: "input_tokens", Short: 12},
		"let the call wait until there was room.":                                 {By: "bud_a", Did: calllog.DidWait},
		"lowered the cap on the output: $0.000000001 was lacking in its day.":     {By: "bud_a", Did: calllog.DidClamp, Period: "day", Short: 1},
		"sent the call elsewhere.":                                                {By: "bud_a", Did: calllog.DidMove},
		"did: danced.":                                                            {By: "bud_a", Did: "danced"},
	} {
		if got := k.Sentence(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	c := calllog.Charge{Amount: 1_000_000_000}
	if got := c.Sentence(1_000_000_000); got != "$1.00 is charged." {
		t.Error(got)
	}
	if got := c.Sentence(5); got != "$1.00 is charged: the most that it can have cost, because what it used is not known for certain." {
		t.Error(got)
	}
}
