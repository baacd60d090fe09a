package lease

import "sync/atomic"

type counts struct {
	reservations, misses, exchanges, waits, refusals, overruns, failures atomic.Int64

	row atomic.Int64 // failures since the last success
}

// Figures are counts since the start.
type Figures struct {
	Reservations int64 // attempts for which room was asked
	Misses       int64 // of these, which found too little in hand
	Exchanges    int64 // round trips to the authority
	Waits        int64 // attempts that waited for room and got it
	Refusals     int64
	Overruns     int64 // attempts that cost more than their bound: each is a defect
	Failures     int64 // exchanges without an answer
}

// Figures tells the counts.
func (b *Book) Figures() Figures {
	c := &b.count
	return Figures{
		Reservations: c.reservations.Load(), Misses: c.misses.Load(), Exchanges: c.exchanges.Load(), Waits: c.waits.Load(),
		Refusals: c.refusals.Load(), Overruns: c.overruns.Load(), Failures: c.failures.Load(),
	}
}
