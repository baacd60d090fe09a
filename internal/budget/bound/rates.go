package bound

import (
	"slices"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/provider"
)

// priced is every price list that could hold for the attempt: that of its start first.
func priced(book *price.Book, a *Ask) ([]price.Record, error) {
	var lists []price.Record
	for i, at := range append([]time.Time{a.From}, book.Turns(a.From, a.From.Add(a.For))...) {
		r, ok := lookup(book, a, at)
		switch {
		case ok && !slices.ContainsFunc(lists, func(l price.Record) bool { return l.ID == r.ID && l.SamePrice(r) }):
			lists = append(lists, r)
		case !ok && i == 0 && unbilled(a.Operation):
			return nil, nil
		case !ok:
			return nil, budget.ErrUnpriced.Say("The price of %s/%s is not known. "+
				"Give the model a price on its page under Models, or name one that has a price.", a.Provider, a.Model)
		}
	}
	return lists, nil
}

func lookup(book *price.Book, a *Ask, at time.Time) (price.Record, bool) {
	if a.Batched {
		return book.Batch(a.Provider, a.Model, at, a.Discount)
	}
	r, ok := book.Lookup(a.Provider, a.Model, at)
	if !ok && a.Operation == provider.Image { // it may be listed by size alone
		_, ok = book.ImageMost(a.Provider, a.Model, a.Head.Size, a.Head.Quality, at)
	}
	return r, ok
}

// unbilled are the operations that providers do not bill.
func unbilled(o provider.Operation) bool {
	return o == provider.Count || o == provider.Moderate || o == provider.Files
}

// free reports that all lists cost nothing.
func free(lists []price.Record) bool {
	return len(lists) > 0 && !slices.ContainsFunc(lists, func(l price.Record) bool {
		return !l.Rates.Free() || slices.ContainsFunc(l.Tiers, func(t price.Tier) bool { return !t.Rates.Free() })
	})
}

// unlisted is the refusal of a call that uses what its price list says nothing of.
func unlisted(a *Ask, c chat.Class) error {
	return budget.ErrUnpriced.Say("The price list of %s/%s has no price for %q, which this call uses. "+
		"Give the model its own price list on its page under Models, or name another model.", a.Provider, a.Model, c)
}

// reach is the rates of a list that can hold for at most so many input tokens: its own, and those of its tiers.
func reach(l price.Record, input int64) []price.Rates {
	out := []price.Rates{l.Rates}
	for _, t := range l.Tiers {
		if input > t.AboveInput {
			out = append(out, t.Rates)
		}
	}
	return out
}

// dearest is the highest of the listed rates; false where none is listed.
func dearest(r price.Rates, classes ...chat.Class) (money.Price, bool) {
	most, listed := money.Price(0), false
	for _, c := range classes {
		if r[c].Listed {
			most, listed = max(most, r[c].Price), true
		}
	}
	return most, listed
}

// feeOf is what a list takes for a call as such.
func feeOf(r price.Rates) money.Sum {
	var s money.Sum
	s.Add(1, r[chat.Requests].Price)
	return s
}

// window is the model's context window, for what fills it. It is not known where a list names none, or has prices beyond it, or where
// the lists differ and one does not know.
func window(lists []price.Record) int64 {
	widest := int64(0)
	for _, l := range lists {
		if l.ContextWindow <= 0 {
			return 0
		}
		widest = max(widest, l.ContextWindow, l.MaxOutput)
		for _, t := range l.Tiers {
			if t.AboveInput >= l.ContextWindow {
				return 0
			}
		}
	}
	return widest
}

// maxOutput is the most that the model writes; 0: not known.
func maxOutput(lists []price.Record) int64 {
	longest := int64(0)
	for _, l := range lists {
		if l.MaxOutput <= 0 {
			return 0
		}
		longest = max(longest, l.MaxOutput)
	}
	return longest
}
