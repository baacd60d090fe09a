package calllog

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"tollgate/internal/money"
)

// The bounds of warnings. They hold twice: Warn keeps a record within them, and the log cuts what exceeds them when it stores it,
// because a spool may hold records of another release.
const (
	WarningsMax     = 16
	WarningBytesMax = 300
)

// Warn adds a warning, cut at WarningBytesMax. One that is there already, and one beyond WarningsMax, is not added.
func (r *Record) Warn(warning string) {
	warning = cut(warning, WarningBytesMax)
	if warning == "" || len(r.Warnings) >= WarningsMax || slices.Contains(r.Warnings, warning) {
		return
	}
	r.Warnings = append(r.Warnings, warning)
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n])
}

// And is the price state of two attempts together: one cost that is not known makes the whole unknown, one price makes it priced, and
// what cost nothing leaves the other as it is.
func (p PriceState) And(o PriceState) PriceState {
	for _, s := range []PriceState{Unpriced, Priced, Free} {
		if p == s || o == s {
			return s
		}
	}
	return NoCharge
}

// ToldCost is what providers said that attempts cost: the sum over those that said, nil when none did. It is a lower bound as soon as
// one attempt that was used did not say.
func ToldCost(attempts []Attempt) *money.NanoUSD {
	var sum money.NanoUSD
	told := false
	for i := range attempts {
		c := attempts[i].ProviderCost
		if c == nil || *c < 0 { // a negative cost is no cost
			continue
		}
		told = true
		if sum > math.MaxInt64-*c {
			sum = math.MaxInt64
			continue
		}
		sum += *c
	}
	if !told {
		return nil
	}
	return &sum
}
