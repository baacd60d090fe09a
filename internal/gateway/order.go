package gateway

import (
	"math/rand/v2"
	"time"

	"tollgate/internal/health"
	"tollgate/internal/provider"
	"tollgate/internal/route"
)

// order says which target of a plan is next.
//
// A call goes through the targets, then through the fallbacks that answer to what went wrong, each once; then it comes back to the one
// that may be asked again soonest. A route that asks for repeats in so many words (Retry.Attempts of 2 and more) gets them first.
// A target whose breaker is open is passed over while another is left, and its ejection counts as the failure that it would be.
type order struct {
	plan  *route.Plan
	state []targetState
	buf   [2]targetState
	want  causes // why nothing has answered so far
	last  int    // the target that failed last; -1: none
	shun  string // the provider that failed last, in a way that may be all of it; "": none
}

type targetState struct {
	tried   int
	dropped bool
	passed  bool // over, because it is ejected
	again   bool // its last failure is one that a repeat may make good
	ready   time.Time
}

// step is what to do next.
type step struct {
	target int           // -1: nothing is left
	wait   time.Duration // before
	repeat bool          // the target was asked before
	flight health.Flight // of an attempt that needs no wait
}

// repeatFirstMax is how long a route's own repeats may keep a call from another target.
const repeatFirstMax = time.Second

func newOrder(p *route.Plan) *order {
	o := &order{plan: p, last: -1}
	if n := len(p.Targets); n <= len(o.buf) {
		o.state = o.buf[:n]
	} else {
		o.state = make([]targetState, n)
	}
	return o
}

// next picks the target to try.
func (o *order) next(b *health.Board, now time.Time) step {
	if o.last >= 0 && o.plan.Retry.Attempts > 1 && o.repeats(o.last) {
		wait := max(o.state[o.last].ready.Sub(now), 0)
		if wait <= repeatFirstMax && !b.State(o.plan.Targets[o.last].Health, now).Open {
			return step{target: o.last, wait: wait, repeat: true}
		}
	}
	if s, ok := o.fresh(b, now); ok {
		return s
	}
	if i := o.ejected(b, now); i >= 0 {
		return step{target: i, flight: b.Begin(o.plan.Targets[i].Health, now)}
	}
	return o.again(now)
}

// fresh is the first target not yet asked whose breaker lets the call in: those that are no fallback, then the fallbacks that answer.
// After a failure that may be the whole provider's, another provider comes before another credential for the same one.
func (o *order) fresh(b *health.Board, now time.Time) (step, bool) {
	for _, fallback := range [...]bool{false, true} {
		for _, shunned := range [...]bool{false, true} {
			for i := range o.state {
				t := &o.plan.Targets[i]
				if t.Fallback != fallback || (t.Health.Provider == o.shun) != shunned || !o.open(i) {
					continue
				}
				f, ok := b.Enter(t.Health, now)
				if ok {
					return step{target: i, flight: f}, true
				}
				o.state[i].passed = true
				if !fallback {
					o.want |= cause(ejections[b.State(t.Health, now).Of])
				}
			}
		}
	}
	return step{}, false
}

// open reports a target not yet asked that may be.
func (o *order) open(i int) bool {
	s, t := &o.state[i], &o.plan.Targets[i]
	switch {
	case s.dropped || s.tried > 0:
		return false
	case !t.Fallback:
		return o.last < 0 || o.want.answered(nil)
	}
	return o.want.answered(t.On) || o.alone()
}

// alone reports that no target but fallbacks can take the call, and none has failed: then every fallback may.
func (o *order) alone() bool {
	if o.last >= 0 {
		return false
	}
	for i := range o.state {
		if !o.plan.Targets[i].Fallback && !o.state[i].dropped {
			return false
		}
	}
	return true
}

// ejected is the first of the targets that were passed over; -1: none. After another target has failed, one that refuses by rule (a
// rate limit, an empty account) is left alone: it would refuse again.
func (o *order) ejected(b *health.Board, now time.Time) int {
	for i := range o.state {
		if !o.state[i].passed || !o.open(i) {
			continue
		}
		if o.last >= 0 {
			switch b.State(o.plan.Targets[i].Health, now).Of {
			case health.Limited, health.Exhausted, health.Rejected, health.Denied, health.Unknown:
				continue
			case health.Unsaid, health.Good, health.Answered, health.Overloaded, health.Failing, health.Late, health.Unreachable:
			}
		}
		return i
	}
	return -1
}

// again is the repeat that is ready soonest.
func (o *order) again(now time.Time) step {
	best := -1
	for i := range o.state {
		if o.repeats(i) && (best < 0 || o.state[i].ready.Before(o.state[best].ready)) {
			best = i
		}
	}
	if best < 0 {
		return step{target: -1}
	}
	return step{target: best, wait: max(o.state[best].ready.Sub(now), 0), repeat: true}
}

// repeats reports whether a target may be asked again.
func (o *order) repeats(i int) bool {
	s := &o.state[i]
	return s.again && !s.dropped && (o.plan.Retry.Attempts == 0 || s.tried < o.plan.Retry.Attempts)
}

// backoff is the wait before the first repeat at one target; it doubles with each.
const backoff = 200 * time.Millisecond

// failed notes a failure. It reports whether anything can make it good.
func (o *order) failed(i int, r *provider.Refusal, now time.Time) bool {
	f, s := follows(r), &o.state[i]
	s.tried++
	s.again = f.again && o.plan.Retry.Answers(f.cause) && r.Message != ErrProviderBlocked.Message
	wait := backoff << min(s.tried-1, 6)
	wait += rand.N(wait / 2) //nolint:gosec // spreads repeats, guards nothing
	s.ready = now.Add(max(wait, r.RetryAfter))
	o.last, o.want, o.shun = i, cause(f.cause), ""
	if f.whole {
		o.shun = o.plan.Targets[i].Health.Provider
	}
	return f.cause != ""
}

// drop takes a target out that cannot express the call.
func (o *order) drop(i int) { o.state[i].dropped = true }

// empty reports that every target was taken out.
func (o *order) empty() bool {
	for i := range o.state {
		if !o.state[i].dropped {
			return false
		}
	}
	return true
}

// passedOver are the targets that the call went past because their breaker is open.
func (o *order) passedOver(yield func(*route.Target)) {
	for i := range o.state {
		if o.state[i].passed && o.state[i].tried == 0 {
			yield(&o.plan.Targets[i])
		}
	}
}
