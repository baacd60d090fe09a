package lease

import (
	"time"

	"tollgate/internal/money"
)

const (
	horizon      = 5 * time.Second // of demand, is fetched at once
	longHorizon  = time.Minute     // of demand that is steady, so that it goes on for a while without the authority
	lowWater     = 2 * time.Second // of demand: less in hand, and more is fetched
	steadyAfter  = 30 * time.Second
	unitsAtOnce  = 64 // of the last call's size are fetched at once, where there is plenty
	unitsLow     = 8
	paceEvery    = 250 * time.Millisecond
	paceSharp    = 4 // the part of a new figure in the mean, 1/n
	wholeSeconds = int64(time.Second)
)

// pace is how fast a lease is used: a moving mean of what was taken each second.
type pace struct {
	rate  money.NanoUSD // a second
	mark  money.NanoUSD // what was used at the last look
	at    time.Time
	since time.Time // there has been demand from then on
}

// look brings the mean up to date. used is all that was ever taken and not given back.
func (p *pace) look(used money.NanoUSD, now time.Time) {
	if p.at.IsZero() {
		p.at = now
		return
	}
	passed := now.Sub(p.at)
	if passed < paceEvery {
		return
	}
	taken := max(used-p.mark, 0)
	rate := money.NanoUSD(over(int64(taken), int64(passed)))
	p.rate += (rate - p.rate) / paceSharp
	p.mark, p.at = used, now
	switch {
	case p.rate == 0:
		p.since = time.Time{}
	case p.since.IsZero():
		p.since = now
	}
}

// over is taken per passed nanoseconds, for a second. Amounts so large that they leave the range count as very large.
func over(taken, passed int64) int64 {
	if whole := taken / passed; whole > 1<<32 {
		return 1 << 62
	}
	if taken < 1<<33 {
		return taken * wholeSeconds / passed
	}
	return taken / (passed/wholeSeconds + 1)
}

// in is the demand of a time.
func (p *pace) in(d time.Duration) money.NanoUSD {
	seconds := money.NanoUSD(d / time.Second)
	if p.rate > (1<<62)/max(seconds, 1) {
		return 1 << 62
	}
	return p.rate * seconds
}

// steady reports demand that has been there for a while.
func (p *pace) steady(now time.Time) bool {
	return !p.since.IsZero() && now.Sub(p.since) >= steadyAfter
}

// target is how much a lease should have in hand.
func (l *lease) target(now time.Time) money.NanoUSD {
	d := horizon
	if long := l.pace.in(longHorizon); l.pace.steady(now) && long <= (l.last.Limit-l.last.Committed)/20 {
		d = longHorizon
	}
	return max(l.pace.in(d), unitsAtOnce*min(l.unit, 1<<50), l.open/2)
}

// low reports that it is time to fetch more.
func (l *lease) low(now time.Time) bool {
	return now.Sub(l.used) < horizon && l.room(false) < max(l.pace.in(lowWater), unitsLow*min(l.unit, 1<<50), l.open/4)
}
