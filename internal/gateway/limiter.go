package gateway

import (
	"math"
	"runtime/debug"
	gauges "runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// limiter bounds the calls that this process has under way.
//
// Where the operator gives no number it finds one. What it goes by is not how long calls take, because a slow provider is no overload
// of ours: it is how long goroutines that could run wait for a processor. While that is short the bound is far away. When it is long
// for two looks in a row, the bound goes to a little below what is under way, again and again until the wait is short; then it doubles
// its way back. So the same rule holds for small calls, for large ones and for streams, on any machine.
type limiter struct {
	limit    atomic.Int64 // calls under way, at most
	inFlight atomic.Int64
	fixed    bool
	most     int64                // the bound while nothing waits
	lag      func() time.Duration // the wait for a processor since the last time it was asked; negative: not known

	looked atomic.Int64 // unix nanoseconds
	mu     sync.Mutex
	late   int   // looks in a row that found long waits
	floor  int64 // how far this overload may push the bound; 0: there is none
}

const (
	lookEvery = 100 * time.Millisecond
	lagLong   = 20 * time.Millisecond // each call waits about five times: more than this, and what it adds to a call is felt
	lagShort  = 5 * time.Millisecond
	lateMin   = 2
	lateLong  = 50 // looks after which the floor is not low enough
	limitMin  = 64 // so few calls are no overload, whatever else keeps the machine busy
	waitsMin  = 50 // with fewer between two looks there is nothing to wait for

	callBytes = 48 << 10 // what a call under way takes, about
	callsMax  = 50_000
)

// newLimiter makes one with a fixed bound, or with one that follows lag where fixed is 0.
func newLimiter(fixed int, lag func() time.Duration) *limiter {
	l := &limiter{fixed: fixed > 0, most: int64(fixed), lag: lag}
	if !l.fixed {
		l.most = callsMax
		if memory := debug.SetMemoryLimit(-1); memory < math.MaxInt64 {
			l.most = min(max(memory/2/callBytes, limitMin), callsMax)
		}
	}
	l.limit.Store(l.most)
	return l
}

// priority is how much a call matters when there is too little room for all.
type priority uint8

const (
	low    priority = iota // work that nobody waits for: lines of a batch
	normal                 // somebody waits
	high                   // somebody waits, and says that it matters
)

// How full the process may be for a call to be taken on, in per cent of the bound. Whoever has more than its share stops before it is
// full, so that there is always room at once for who has less; work that nobody waits for stops long before.
var roomFor = [...]struct{ within, beyond int64 }{
	low:    {75, 50},
	normal: {100, 95},
	high:   {100, 97},
}

// enter takes a call on, or reports that there is no room for it. of is how many calls its organization has under way, busy how many
// organizations have some. leave must be called for every call that was taken on.
func (l *limiter) enter(p priority, of, busy int64, now time.Time) bool {
	l.look(now)
	limit := l.limit.Load()
	share := limit / max(busy, 2) // also who is alone leaves room for a second one
	room := limit * roomFor[p].within / 100
	if of >= share {
		room = limit * roomFor[p].beyond / 100
	}
	if l.inFlight.Add(1) > max(room, 1) {
		l.inFlight.Add(-1)
		return false
	}
	return true
}

func (l *limiter) leave() { l.inFlight.Add(-1) }

// look moves the bound, once for every lookEvery, by whichever call comes first.
func (l *limiter) look(now time.Time) {
	at, last := now.UnixNano(), l.looked.Load()
	if l.fixed || at-last < int64(lookEvery) || !l.looked.CompareAndSwap(last, at) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lag := l.lag()
	if at-last > int64(10*lookEvery) {
		l.late, l.floor = 0, 0 // nobody has called for a while: what was measured tells nothing of now
		l.limit.Store(l.most)
		return
	}
	l.limit.Store(l.next(lag))
}

// next is the bound after a look that found such a wait. An overload takes half of the calls under way at most, and half of these only
// after some seconds: what keeps the processors busy may be no calls of ours, but refusals, or a neighbour on the machine, and then to
// refuse all helps nobody.
func (l *limiter) next(lag time.Duration) int64 {
	limit := l.limit.Load()
	switch {
	case lag < 0:
		return limit
	case lag >= lagLong:
		if l.late++; l.late < lateMin {
			return limit
		}
		if l.floor == 0 {
			l.floor = max(l.inFlight.Load()/2, limitMin)
		} else if l.late%lateLong == 0 {
			l.floor = max(l.floor/2, limitMin)
		}
		return max(min(limit, l.inFlight.Load())*9/10, l.floor)
	}
	l.late = 0
	if lag > lagShort {
		return min(limit+limit/50+1, l.most)
	}
	if limit = min(limit*3/2+1, l.most); limit == l.most {
		l.floor = 0
	}
	return limit
}

// scheduling measures how long goroutines wait for a processor.
type scheduling struct {
	sample [1]gauges.Sample
	last   []uint64
}

func newScheduling() *scheduling {
	s := &scheduling{}
	s.sample[0].Name = "/sched/latencies:seconds"
	return s
}

// lag is what nine of ten waits are below since the last time; negative where there is nothing to tell. The median would not do: even
// in an overload most goroutines are woken by one that has a processor and hands it over.
func (s *scheduling) lag() time.Duration {
	gauges.Read(s.sample[:])
	if s.sample[0].Value.Kind() != gauges.KindFloat64Histogram {
		return -1
	}
	h := s.sample[0].Value.Float64Histogram()
	if len(s.last) != len(h.Counts) {
		s.last = append([]uint64(nil), h.Counts...)
		return -1
	}
	var all uint64
	for i, n := range h.Counts {
		s.last[i] = n - s.last[i] // since the last time
		all += s.last[i]
	}
	if all < waitsMin {
		copy(s.last, h.Counts)
		return 0
	}
	var before uint64
	wait := 0.0
	for i, n := range s.last {
		if before += n; before*10 >= all*9 {
			wait = h.Buckets[i]
			break
		}
	}
	copy(s.last, h.Counts)
	return time.Duration(max(wait, 0) * float64(time.Second)) // the first bucket begins at -Inf
}
