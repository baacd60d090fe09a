package price

import (
	"math"
	"math/bits"

	"tollgate/internal/chat"
	"tollgate/internal/money"
)

// State says whether a cost is known. The zero State is Unpriced, so that forgetting to price is never "free".
type State uint8

// The states.
const (
	Unpriced State = iota // the cost is not known; the amount beside it means nothing
	Priced                // the amount is the cost
	Free                  // the provider lists the model at zero; the amount is 0
)

// String is the stable name used in the API and the schema.
func (s State) String() string {
	switch s {
	case Priced:
		return "priced"
	case Free:
		return "free"
	case Unpriced:
	}
	return "unpriced"
}

// Cost is what a call of these units costs by the record: the sum over its disjoint classes in pico-dollars, rounded up
// to nano-dollars once. It is Unpriced as soon as one class that is billed has no rate, or a count is negative (a count
// that cannot be is no reason for a smaller bill).
//
// Three classes fall back to another's rate, because that is how providers bill when they list no rate of their own:
// reasoning tokens are output tokens, input tokens read from a cache without a listed discount are input tokens, and so
// are the tokens of images read (OpenAI's chat models and Gemini list one input price for text and images; the image
// models, whose price differs, list it). Nothing else falls back: cache writes, audio and the tokens of images made cost
// more than the class they would fall to (Gemini's image tokens out are twelve times its text).
//
// What is counted in two measures is billed in one; see billable.
func Cost(r Record, u chat.Units) (money.NanoUSD, State) {
	rates, _ := r.For(u.InputTotal())
	var sum money.Sum
	bill := rates.billable(u)
	for c, n := range bill {
		if u[c] < 0 {
			return 0, Unpriced
		}
		if n == 0 {
			continue
		}
		_, p, ok := rates.billed(chat.Class(c))
		if !ok {
			return 0, Unpriced
		}
		sum.Add(n, p)
	}
	return sum.NanoUSD(), r.state()
}

// state is the state of a call all of whose classes have a rate.
func (r Record) state() State {
	if r.Rates.Empty() {
		return Unpriced
	}
	for _, t := range r.Tiers {
		if !t.Rates.Free() {
			return Priced
		}
	}
	if r.Rates.Free() {
		return Free
	}
	return Priced
}

// billed finds the rate of a class and the class whose rate it is.
func (r Rates) billed(c chat.Class) (as chat.Class, p money.Price, ok bool) {
	as = c
	if !r[c].Listed && c == chat.Reasoning {
		as = chat.Output
	}
	if !r[c].Listed && (c == chat.CacheRead || c == chat.InputImage) {
		as = chat.Input
	}
	return as, r[as].Price, r[as].Listed
}

// Line is one class of a call's cost.
type Line struct {
	Class  chat.Class
	As     chat.Class  // the class whose rate was used; Class itself but for the fall-backs
	Units  int64       //
	Rate   money.Price // pico-dollars a unit; meaningless when Listed is false
	Listed bool        // false: the class is unpriced, or Counted
	Pico   int64       // Units × Rate, in pico-dollars; stays at the largest value rather than wrapping

	// Counted says that the same things are billed by another class: this one adds nothing.
	Counted bool
}

// Breakdown explains a cost: every class with units, and what it added up to.
type Breakdown struct {
	Lines []Line
	Above int64 // the tier that held, as the input bound that was passed; 0 for the base list
	Pico  int64 // Σ Lines.Pico, before the one rounding
	Total money.NanoUSD
	State State
}

// Explain is Cost with its reasons.
func Explain(r Record, u chat.Units) Breakdown {
	rates, above := r.For(u.InputTotal())
	b := Breakdown{Above: above}
	bill := rates.billable(u)
	for c, n := range bill {
		if n == 0 {
			if u[c] != 0 {
				b.Lines = append(b.Lines, Line{Class: chat.Class(c), As: chat.Class(c), Units: u[c], Counted: true})
			}
			continue
		}
		as, p, ok := rates.billed(chat.Class(c))
		l := Line{Class: chat.Class(c), As: as, Units: n, Rate: p, Listed: ok}
		if ok {
			l.Pico = times(n, p)
			b.Pico = plus(b.Pico, l.Pico)
		}
		b.Lines = append(b.Lines, l)
	}
	b.Total, b.State = Cost(r, u)
	return b
}

func times(n int64, p money.Price) int64 {
	if n <= 0 || p <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(n), uint64(p))
	if hi != 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(lo)
}

func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
