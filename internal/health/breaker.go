package health

import (
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// What opens a breaker. Next to the usual half of the calls there is a finer rule for busy targets: one call in five that fails is
// an outlier, and with a time-out of seconds each it would otherwise cost the callers more than an outage does.
const (
	window   = 30 * time.Second
	parts    = 6
	part     = window / parts
	someMin  = 5  // calls in the window, for more than half of them to count
	manyMin  = 20 // calls in the window, for a fifth of them to count
	aFifth   = 5
	inARow   = 3 // time-outs or failed connections
	widely   = 2 // models or credentials that fail, for a provider to be blamed
	wideMin  = 10
	relapses = 2 // failures soon after an ejection, where they are a fifth
)

// How long an ejection lasts.
const (
	ejectMin  = 5 * time.Second
	ejectMax  = 60 * time.Second
	limitMax  = 5 * time.Minute // of a Retry-After: a probe in between costs little, and providers' clocks err
	probation = time.Minute     // after an ejection: the next one is longer, and comes sooner
)

// ejection is one opening of a breaker. It is replaced, never changed.
type ejection struct {
	of      Verdict
	why     string
	until   int64       // unix nanoseconds
	probing atomic.Bool // its one probe is under way
}

func (x *ejection) due(now int64) bool { return x != nil && now >= x.until }

func (x *ejection) claim() bool { return x.probing.CompareAndSwap(false, true) }

// breaker counts what came of the calls to one entry.
type breaker struct {
	mu     sync.Mutex
	counts [parts]count
	slot   int64  // of the newest slice
	silent int    // time-outs and failed connections in a row
	who    uint64 // of a provider: a bit for each of its targets that failed in this window, about
	level  int    // ejections without recovery between them
	closed int64  // unix nanoseconds at which the last ejection ended; 0: there was none
}

type count struct{ good, bad uint32 }

// note counts a verdict and opens the breaker where a rule says so. It reports why it did; "" when it did not.
func (e *entry) note(v Verdict, now time.Time) string {
	b := &e.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance(now)
	at := &b.counts[b.slot%parts]
	switch {
	case v == Good, v == Answered:
		b.silent = 0
		if v == Good {
			at.good++
		}
		return ""
	case v.silent():
		b.silent++
	default:
		b.silent = 0
	}
	at.bad++
	if e.ejected.Load() != nil {
		return "" // what was under way when it opened says nothing new
	}
	why := b.verdict(now.UnixNano())
	if why != "" {
		e.eject(v, why, b.lasting(now), now)
	}
	return why
}

// verdict is the reason to open, or "".
func (b *breaker) verdict(now int64) string {
	sum := b.sum()
	all := sum.good + sum.bad
	switch {
	case b.silent >= inARow:
		return fmt.Sprintf("%d calls in a row without an answer", b.silent)
	case all >= someMin && sum.bad*2 > all, all >= manyMin && sum.bad*aFifth >= all,
		b.relapsing(now) && sum.bad >= relapses && sum.bad*aFifth >= all:
		return fmt.Sprintf("%d of the last %d calls failed", sum.bad, all)
	}
	return ""
}

// noteOf is note for a provider, of which target who is one: it opens only when several fail.
func (e *entry) noteOf(who *Target, v Verdict, now time.Time) string {
	b := &e.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance(now)
	at := &b.counts[b.slot%parts]
	if v == Good || v == Answered {
		at.good++
		return ""
	}
	at.bad++
	b.who |= 1 << ((tail(who.Model) ^ tail(string(who.Credential))*7) * 2654435769 >> 26) // one of 64
	sum := b.sum()
	all := sum.good + sum.bad
	if e.ejected.Load() != nil || bits.OnesCount64(b.who) < widely || all < wideMin || sum.bad*2 <= all {
		return ""
	}
	why := fmt.Sprintf("%d of the last %d calls to the provider failed, whatever the model", sum.bad, all)
	e.eject(v, why, b.lasting(now), now)
	return why
}

// relapsing reports an entry that was ejected not long ago.
func (b *breaker) relapsing(now int64) bool { return b.closed > now-int64(probation) && b.closed > 0 }

// lasting is how long the next ejection is, and counts it: they double while there is no recovery between them.
func (b *breaker) lasting(now time.Time) time.Duration {
	if !b.relapsing(now.UnixNano()) {
		b.level = 0
	}
	d := min(ejectMin<<min(b.level, 8), ejectMax)
	b.level++
	return d
}

// ejectAtOnce opens the breaker for a failure that needs no second one. after is what the provider asks to wait; 0: nothing.
func (e *entry) ejectAtOnce(v Verdict, after time.Duration, now time.Time) string {
	b := &e.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.ejected.Load() != nil {
		return ""
	}
	d := min(after, limitMax)
	if d <= 0 {
		d = b.lasting(now)
	}
	why := atOnce[v]
	e.eject(v, why, d, now)
	return why
}

// atOnce are the words for what opens a breaker alone.
var atOnce = map[Verdict]string{
	Limited: "the rate limit is reached", Exhausted: "the account has no credit or quota left",
	Rejected: "the credential was refused", Denied: "the credential may not use the model", Unknown: "the model is not known there",
}

func (e *entry) eject(v Verdict, why string, d time.Duration, now time.Time) {
	e.ejected.Store(&ejection{of: v, why: why, until: now.Add(d).UnixNano()})
}

// close ends an ejection after an answer. What came before it counts no more.
func (e *entry) close(x *ejection, now time.Time) {
	b := &e.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	if !e.ejected.CompareAndSwap(x, nil) {
		return
	}
	b.counts, b.silent, b.who = [parts]count{}, 0, 0
	b.closed = now.UnixNano()
}

// renew makes an ejection whose probe failed last on, longer than before or as long as the provider asks.
func (e *entry) renew(x *ejection, v Verdict, after time.Duration, now time.Time) {
	b := &e.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.ejected.Load() != x {
		return
	}
	b.closed = now.UnixNano() // no recovery
	d := b.lasting(now)
	if after > 0 {
		d = min(after, limitMax)
	}
	e.eject(v, x.why+", and so does the last probe", d, now)
}

// advance makes the slice of now the newest and empties those that have fallen out of the window.
func (b *breaker) advance(now time.Time) {
	slot := now.UnixNano() / int64(part)
	if slot <= b.slot {
		return // also a clock that was set back: counts go to the newest slice
	}
	if slot-b.slot >= parts {
		b.counts, b.who = [parts]count{}, 0
	} else {
		for s := b.slot + 1; s <= slot; s++ {
			b.counts[s%parts] = count{}
		}
	}
	b.slot = slot
}

func (b *breaker) sum() (sum count) {
	for _, c := range b.counts {
		sum.good += c.good
		sum.bad += c.bad
	}
	return sum
}
