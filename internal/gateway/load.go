package gateway

import (
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/id"
)

// load is what one organization has under way, and the repeats that it may still make.
//
// Repeats at one target are what makes an outage worse: they are bounded to a fifth of the organization's calls, by number and by how
// many are under way at once. A call that moves to another target is not bounded, because it takes load away from the one that fails;
// it draws on the same allowance all the same, so that a call which had its second chance elsewhere leaves fewer for repeats.
type load struct {
	calls   atomic.Int64 // under way
	repeats atomic.Int64 // of them, repeats at one target
	mu      sync.Mutex
	tokens  float64 // repeats that may be made
	at      time.Time
}

const (
	repeatShare    = 0.2 // of calls
	repeatsAtOnce  = 3   // repeats under way that are always allowed
	repeatsAtStart = 10  // an organization's first calls may all be repeated
	repeatsPerSec  = 1   // and a slow trickle always: who calls once a minute has no share to speak of
)

// loads are the organizations' loads. There are as many as organizations that called since the start.
type loads struct {
	mu    sync.RWMutex
	known map[id.Org]*load
	busy  atomic.Int64 // organizations with a call under way
}

func (l *loads) of(org id.Org, now time.Time) *load {
	l.mu.RLock()
	o := l.known[org]
	l.mu.RUnlock()
	if o != nil {
		return o
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if o = l.known[org]; o == nil {
		if l.known == nil {
			l.known = map[id.Org]*load{}
		}
		o = &load{tokens: repeatsAtStart, at: now}
		l.known[org] = o
	}
	return o
}

// begin counts a call.
func (l *loads) begin(o *load) {
	if o.calls.Add(1) == 1 {
		l.busy.Add(1)
	}
}

// end takes it off again.
func (l *loads) end(o *load) {
	if o.calls.Add(-1) == 0 {
		l.busy.Add(-1)
	}
}

// earn adds a call's share of a repeat.
func (o *load) earn(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trickle(now)
	o.tokens = min(o.tokens+repeatShare, max(repeatsAtStart, repeatShare*float64(o.calls.Load())))
}

func (o *load) trickle(now time.Time) {
	if d := now.Sub(o.at).Seconds(); d > 0 {
		o.tokens = min(o.tokens+d*repeatsPerSec, max(o.tokens, repeatsAtStart))
		o.at = now
	}
}

// repeat takes the allowance for a repeat at the same target; false when it is spent. repeated gives back that it is under way.
func (o *load) repeat(now time.Time) bool {
	if n := o.repeats.Add(1); n > repeatsAtOnce && float64(n) > repeatShare*float64(o.calls.Load()) {
		o.repeats.Add(-1)
		return false
	}
	if !o.spend(now, 1) {
		o.repeats.Add(-1)
		return false
	}
	return true
}

func (o *load) repeated() { o.repeats.Add(-1) }

// moved draws on the allowance for an attempt at another target, which is made in any case.
func (o *load) moved(now time.Time) { o.spend(now, 0) }

// spend takes one token, if more than atLeast-1 are left.
func (o *load) spend(now time.Time, atLeast float64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trickle(now)
	if o.tokens < atLeast {
		return false
	}
	o.tokens = max(o.tokens-1, 0)
	return true
}
