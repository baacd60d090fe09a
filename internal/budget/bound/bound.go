// Package bound finds the most that an attempt can cost, before it is made.
//
// It is the third invariant of hard budgets: whatever a provider truthfully reports, price.Cost of it is at most Bound.Cost. Where no
// bound can be proven the attempt has none, and the error names the field of the request that takes it away.
//
// What is proven, and by what:
//
//   - Input tokens are at most the bytes of the text: a token of a byte-level vocabulary covers at least one (see weigh for those that
//     normalize first). What is put around messages and tools is added (see frame). Pictures weigh what their model's rule
//     says at most (see picture). Whatever else the body only points at fills the model's context window.
//   - Output tokens are at most the output cap that the provider is given, for each answer that is asked for. A request without a cap gets
//     one: Bound.Cap.
//   - A body shows everything only if each of its members is known to. What is not known is taken for something that points elsewhere.
package bound

import (
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/provider"
)

// Ask is what of an attempt bounds its cost.
type Ask struct {
	Provider, Model string
	Operation       provider.Operation
	Batched         bool           // asked through a batch API, at its price
	Discount        price.Discount // of the provider's batch prices; see price.Book.Batch
	Body            []byte         // for the provider's eyes: the client's, with the route's changes
	Head            provider.Head  // of Body, with what the gateway set for the vendor
	Dialect         provider.Name  // of Body
	Into            provider.Name  // the provider's dialect; "": that of Body
	From            time.Time      // prices valid from here
	For             time.Duration  // … for so long are considered
}

// Bound is the most that an attempt can cost.
type Bound struct {
	Cost   money.NanoUSD
	Input  int64 // tokens
	Output int64 // tokens for each answer
	// Cap must be put into the request as its output cap for the bound to hold; 0: the request has one already, or needs none.
	Cap   int64
	Price id.PriceRecord
}

// Of bounds an attempt. budget.ErrUnpriced, budget.ErrUnbounded (naming what has no bound, and what to do).
func Of(book *price.Book, a Ask) (Bound, error) {
	m, err := measure(book, &a)
	if err != nil {
		return Bound{}, err
	}
	return m.bound(m.output()), nil
}

// Fit is the largest output cap at which the attempt costs at most room, or false where even floor tokens cost more, or where it is not
// the cap that decides. The cap of the result is to be put in, also where it is the request's own.
func Fit(book *price.Book, a Ask, room money.NanoUSD, floor int64) (Bound, bool) {
	m, err := measure(book, &a)
	if err != nil || !m.capped() {
		return Bound{}, false
	}
	low, high := max(floor, m.floor, 1), m.output() // low fits, as far as is known
	if low > high || m.cost(low) > room {
		return Bound{}, false
	}
	for low < high {
		mid := low + (high-low+1)/2
		if m.cost(mid) <= room {
			low = mid
		} else {
			high = mid - 1
		}
	}
	b := m.bound(low)
	b.Cap = low
	return b, true
}

// measure finds what an attempt weighs.
func measure(book *price.Book, a *Ask) (most, error) {
	lists, err := priced(book, a)
	if err != nil {
		return most{}, err
	}
	if free(lists) {
		return most{price: lists[0].ID}, nil
	}
	switch a.Operation {
	case provider.Chat:
		return chatMost(a, lists)
	case provider.Embed:
		return embedMost(a, lists)
	case provider.Rerank:
		return rerankMost(a, lists)
	case provider.Image:
		return imageMost(book, a, lists)
	case provider.Speech:
		return speechMost(a, lists)
	case provider.Transcribe:
		return transcribeMost(lists)
	case provider.Count, provider.Moderate, provider.Files: // nothing but a fee for the call
		return feeMost(lists), nil
	}
	return most{}, budget.ErrUnbounded
}
