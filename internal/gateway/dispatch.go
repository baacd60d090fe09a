package gateway

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/route"
)

// providerFailure is the end of a call whose attempts all failed, or whose stream broke.
type providerFailure struct {
	refusal *provider.Refusal
	target  *route.Target
	passed  bool // the provider's words are in the client's dialect
}

func (f *providerFailure) Error() string { return f.target.Vendor.ID + ": " + f.refusal.Error() }

// dispatch tries the targets in turn within one deadline and one budget of attempts, and relays the answer, all but its end. The
// work is detached from the client's connection: a client that leaves is the drain rule's business.
func (g *Gateway) dispatch(c *Call) error {
	if err := g.Log.Healthy(); err != nil {
		return ErrLogUnavailable.Because(err)
	}
	g.open(c)
	defer g.close(c)
	return g.try(c, newOrder(c.Plan.Targets))
}

// open begins the work.
func (g *Gateway) open(c *Call) {
	c.life.begin(c.Plan.Timeout)
	c.client.watch(c.life.end)
	if c.Ask.head.Stream {
		c.client.keepAlive()
		g.metrics.streams.Inc()
	}
	c.Work.attempts = c.Work.first[:0]
	c.Work.deadline = g.Now().Add(c.Plan.Timeout)
}

// close ends the work, however it went.
func (g *Gateway) close(c *Call) {
	c.Work.calm()
	if c.Ask.head.Stream {
		g.metrics.streams.Dec()
	}
	c.client.drain.end()
	c.life.end()
}

// try asks one target after another. An open stream's stack holds this frame, and those of what it calls: they are kept small.
func (g *Gateway) try(c *Call, o *order) error {
	var last *providerFailure
	for n := 0; n < c.Plan.Attempts; n++ {
		i, wait := o.next(g.Now())
		if i < 0 || wait > g.cfg.RetryWaitMax || !g.pause(c, wait) {
			break
		}
		refusal, err := g.attempt(c, &c.Plan.Targets[i])
		switch {
		case err != nil:
			unable := inability(err) // no attempt was made: the target's dialect cannot say it
			if unable == nil {
				return err
			}
			o.drop(i)
			n--
			if o.empty() && last == nil {
				return g.unserved(c, unable)
			}
			continue
		case refusal == nil:
			return nil
		}
		last = &providerFailure{refusal, &c.Plan.Targets[i], c.Work.quoted}
		if !refusal.Class.Retryable() || c.client.gone.Load() || c.life.Err() != nil || c.Work.content {
			break
		}
		o.failed(i, refusal, g.Now())
	}
	if last == nil {
		return ErrProvider
	}
	return last
}

// pause waits for d, or reports false when the call ends first.
func (g *Gateway) pause(c *Call, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	if c.Work.deadline.Sub(g.Now()) <= d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.life.Done():
		return false
	}
}

// order says which target is next: those not yet tried in their order, then the one that may be asked again soonest.
type order struct {
	state []targetState
	buf   [2]targetState
}

type targetState struct {
	tried   int
	dropped bool
	ready   time.Time
}

func newOrder(targets []route.Target) *order {
	o := &order{}
	if len(targets) <= len(o.buf) {
		o.state = o.buf[:len(targets)]
	} else {
		o.state = make([]targetState, len(targets))
	}
	return o
}

// next is the target to try and how long to wait before; -1 when there is none.
func (o *order) next(now time.Time) (int, time.Duration) {
	best := -1
	for i := range o.state {
		s := &o.state[i]
		switch {
		case s.dropped:
		case s.tried == 0:
			return i, 0
		case best < 0 || s.ready.Before(o.state[best].ready):
			best = i
		}
	}
	if best < 0 {
		return -1, 0
	}
	return best, max(o.state[best].ready.Sub(now), 0)
}

// backoff is the wait before the first repeat at one target; it doubles with each.
const backoff = 200 * time.Millisecond

func (o *order) failed(i int, r *provider.Refusal, now time.Time) {
	s := &o.state[i]
	s.tried++
	if r.Class == provider.ClassQuota { // no wait brings money
		s.dropped = true
		return
	}
	wait := backoff << min(s.tried-1, 6)
	wait += rand.N(wait / 2) //nolint:gosec // spreads repeats, guards nothing
	s.ready = now.Add(max(wait, r.RetryAfter))
}

func (o *order) drop(i int) { o.state[i].dropped = true }

func (o *order) empty() bool {
	for i := range o.state {
		if !o.state[i].dropped {
			return false
		}
	}
	return true
}

// unserved is the end of a call that no target can express. Counting is the exception: where a provider has no endpoint for it we
// count by the rule of thumb, because clients count to decide, and an estimate that says so is better than none.
func (g *Gateway) unserved(c *Call, unable error) error {
	client := c.Surface.dialect
	if client.Operation() != provider.Count || !errors.Is(unable, ErrNoEndpoint) {
		return unable
	}
	counted, ok := provider.Local(client, chat.Count{Input: (c.Ask.size + bytesPerToken - 1) / bytesPerToken})
	if !ok {
		return unable
	}
	c.warn("estimated: the provider has no endpoint that counts tokens")
	c.Answer = answer{status: http.StatusOK, whole: &whole{ours: counted}}
	return nil
}
