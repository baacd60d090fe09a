package price

import (
	"slices"
	"time"
)

// Turns gives the instants behind from, up to and with to, at which a price of the book begins or ends, in order. Between two of them
// every look-up answers the same: who wants the prices of a span of time looks at from and at each of these.
func (b *Book) Turns(from, to time.Time) []time.Time {
	var out []time.Time
	for l := b; l != nil; l = l.base {
		i, _ := slices.BinarySearchFunc(l.turns, from, time.Time.Compare)
		for ; i < len(l.turns) && !l.turns[i].After(to); i++ {
			if l.turns[i].After(from) {
				out = append(out, l.turns[i])
			}
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// turnsOf are the starts and ends of a book's own records, in order, each once.
func turnsOf(records []Record) []time.Time {
	var out []time.Time
	for _, r := range records {
		for _, at := range [...]time.Time{r.From, r.To} {
			if !at.IsZero() {
				out = append(out, at)
			}
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}
