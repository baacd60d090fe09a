package compile

import (
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/price"
)

// Difference is a model that two files price differently.
type Difference struct{ Taken, Other price.Record }

type recordKey struct{ provider, model string }

func keyOf(r price.Record) recordKey {
	return recordKey{strings.ToLower(r.Provider), strings.ToLower(r.Model)}
}

// Merge joins two files. The first wins where both price a model, but for a zero of the first against a price of the
// second: zero is the weaker claim. Where both have the same rates for input and output they speak of the same list, and
// the second fills what the first leaves out (classes, tiers, limits); elsewhere nothing is mixed. Disagreements are reported.
func Merge(first, second []price.Record) ([]price.Record, []Difference) {
	at := make(map[recordKey]int, len(first))
	out := make([]price.Record, 0, len(first)+len(second))
	for _, r := range first {
		at[keyOf(r)] = len(out)
		out = append(out, r)
	}
	var differ []Difference
	for _, r := range second {
		i, both := at[keyOf(r)]
		if !both {
			at[keyOf(r)] = len(out)
			out = append(out, r)
			continue
		}
		have := out[i]
		switch {
		case have.Rates.Free() && !r.Rates.Free():
			differ = append(differ, Difference{Taken: r, Other: have})
			out[i] = described(r, have)
		case sameList(have, r):
			out[i] = described(completed(have, r), r)
		default:
			out[i] = described(have, r)
		}
		if !have.Rates.Free() && contradicts(have, r) {
			differ = append(differ, Difference{Taken: have, Other: r})
		}
	}
	return out, differ
}

// sameList reports equal rates for both input and output.
func sameList(a, b price.Record) bool {
	return a.Rates[chat.Input].Listed && a.Rates[chat.Input] == b.Rates[chat.Input] && a.Rates[chat.Output] == b.Rates[chat.Output]
}

// contradicts reports a class that both list at different rates.
func contradicts(a, b price.Record) bool {
	for c := range a.Rates {
		if a.Rates[c].Listed && b.Rates[c].Listed && a.Rates[c] != b.Rates[c] {
			return true
		}
	}
	return false
}

// completed adds to a what only b lists.
func completed(a, b price.Record) price.Record {
	base := a.Rates
	a.Rates, _ = fill(a.Rates, b.Rates)
	if len(a.Tiers) == 0 {
		a.Tiers = b.Tiers
	}
	tiers := make([]price.Tier, len(a.Tiers))
	for i, t := range a.Tiers {
		if t.Rates, _ = fill(t.Rates, tierOf(b, t.AboveInput)); base != a.Rates {
			t.Rates, _ = fill(t.Rates, a.Rates)
		}
		tiers[i] = t
	}
	a.Tiers = tiers
	if len(tiers) == 0 {
		a.Tiers = nil
	}
	return a
}

func tierOf(r price.Record, above int64) price.Rates {
	for _, t := range r.Tiers {
		if t.AboveInput == above {
			return t.Rates
		}
	}
	return price.Rates{}
}

// described adds to a what b knows beside the price.
func described(a, b price.Record) price.Record {
	if a.ContextWindow == 0 {
		a.ContextWindow = b.ContextWindow
	}
	if a.MaxOutput == 0 {
		a.MaxOutput = b.MaxOutput
	}
	if b.Input != 0 || b.Output != 0 {
		a.Input |= b.Input
		a.Output |= b.Output
	}
	return a
}

// Succeed dates a new catalogue against the one it replaces: what has not changed keeps its record (and so its id), what
// has changed ends the old record at that day and starts a new one, and what is no longer listed stays as it was, because
// calls may still be made to it. A day already in the old catalogue replaces that day's records.
func Succeed(old, next []price.Record, day time.Time) []price.Record {
	open := map[recordKey]price.Record{}
	var out []price.Record
	for _, r := range old {
		switch {
		case r.From.Equal(day): // made again on the same day
		case r.To.IsZero():
			open[keyOf(r)] = r
		case r.To.Equal(day):
			r.To = time.Time{}
			open[keyOf(r)] = r
		default:
			out = append(out, r)
		}
	}
	for _, r := range next {
		was, known := open[keyOf(r)]
		delete(open, keyOf(r))
		switch {
		case known && was.SamePrice(r):
			r.From = was.From
		case known:
			was.To = day
			out = append(out, was)
			r.From = day
		case len(old) > 0:
			r.From = time.Time{} // new to the catalogue: its price holds for calls already made
		}
		out = append(out, r)
	}
	for _, r := range open {
		out = append(out, r)
	}
	price.Sort(out)
	return out
}
