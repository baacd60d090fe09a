package lease

import (
	"sync/atomic"
	"time"
)

// margin is how long before its end a window takes no more calls: what then comes counts in the next one. It is more than our clock,
// once corrected, can be wrong.
const margin = time.Second

// clock is the authority's clock, as far as it is known. Before its first word it is our own.
type clock struct{ at atomic.Pointer[sample] }

// sample says what the authority's clock showed at an instant of ours. Ours counts on monotonically: setting it changes nothing.
type sample struct {
	ours, theirs time.Time
	within       time.Duration // it may be wrong by so much
}

// sampleMax is how long an exact sample stands before a worse one takes its place: clocks drift.
const sampleMax = 10 * time.Minute

func (c *clock) now(ours time.Time) time.Time {
	s := c.at.Load()
	if s == nil {
		return ours
	}
	return s.theirs.Add(ours.Sub(s.ours))
}

// heard notes what the authority's clock showed between two instants of ours. force takes it whatever is known: it has just said that we
// are wrong.
func (c *clock) heard(sent, received, theirs time.Time, force bool) {
	if theirs.IsZero() {
		return
	}
	trip := max(received.Sub(sent), 0)
	if s := c.at.Load(); s != nil && !force && trip > 2*s.within && received.Sub(s.ours) < sampleMax {
		return
	}
	c.at.Store(&sample{ours: sent.Add(trip / 2), theirs: theirs, within: trip/2 + 1})
}
