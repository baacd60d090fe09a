package price

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// What a model costs through a provider's batch API is a price list of its own: it is filed under the model's name behind BatchPrefix,
// as if it were a model. Nobody can call that, so Models leaves it out, and Batch finds it.

// BatchPrefix stands before a model's name in the list of its batch prices.
const BatchPrefix = "batch/"

func batchName(model string) bool { return strings.HasPrefix(model, BatchPrefix) }

// Discount is what a provider says of all its batch prices: they are Percent hundredths of its list.
type Discount struct {
	Percent int64 // 1 to 100; 0: the provider says nothing of the kind
}

// Batch finds the record that prices a model through its provider's batch API at an instant; false means unpriced.
//
// A list of batch prices holds where there is one for the very model that prices the call. Otherwise, and for an organization's own
// price, the provider's general discount holds: it is taken off every rate for tokens, and off no fee. Where the provider tells no
// general discount the call is unpriced: the full price would be a guess.
func (b *Book) Batch(provider, model string, at time.Time, general Discount) (Record, bool) {
	plain, ok := b.Lookup(provider, model, at)
	if !ok {
		return Record{}, false
	}
	if r, ok := b.listedBatch(plain, at); ok {
		return r, true
	}
	if state := plain.state(); state == Free {
		return plain, true
	}
	return plain.Discounted(general)
}

// listedBatch is the list of batch prices that belongs to a plain one: in the layer of the plain one, or above it.
func (b *Book) listedBatch(plain Record, at time.Time) (Record, bool) {
	n := file(plain.Provider, BatchPrefix+plain.Model)
	for l := b; l != nil; l = l.base {
		if r, ok := l.inForce(n, at); ok {
			return r, true
		}
		if have, ok := l.inForce(file(plain.Provider, plain.Model), at); ok && have.ID == plain.ID {
			return Record{}, false
		}
	}
	return Record{}, false
}

// discountMark stands between the id of a plain record and the percentage, in the id of what is derived from it.
const discountMark = "~batch"

// Discounted is the record at a general discount; false where there is none. Its id says what it is derived from: ByID finds it.
func (r Record) Discounted(d Discount) (Record, bool) {
	if d.Percent <= 0 || d.Percent > 100 {
		return Record{}, false
	}
	out := r
	out.ID = id.PriceRecord(string(r.ID) + discountMark + strconv.FormatInt(d.Percent, 10))
	out.Rates = r.Rates.share(d.Percent)
	out.Tiers = slices.Clone(r.Tiers)
	for i, t := range r.Tiers {
		out.Tiers[i] = Tier{AboveInput: t.AboveInput, Rates: t.Rates.share(d.Percent)}
	}
	return out, true
}

// share takes percent of every rate for tokens, rounded up. A class that is not listed stays so.
func (r Rates) share(percent int64) Rates {
	for c := range r {
		if r[c].Listed && chat.Class(c).Token() {
			r[c].Price = (r[c].Price*money.Price(percent) + 99) / 100
		}
	}
	return r
}

// derived splits the id of a discounted record; false for any other.
func derived(which id.PriceRecord) (of id.PriceRecord, d Discount, ok bool) {
	before, after, ok := strings.Cut(string(which), discountMark)
	if !ok || after == "" || len(after) > 3 {
		return "", d, false
	}
	for _, c := range after {
		if c < '0' || c > '9' {
			return "", d, false
		}
		d.Percent = d.Percent*10 + int64(c-'0')
	}
	return id.PriceRecord(before), d, true
}
