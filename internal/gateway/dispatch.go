package gateway

import (
	"errors"
	"net/http"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/health"
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
	if c.answered() {
		return nil
	}
	if err := g.Log.Healthy(); err != nil {
		return ErrLogUnavailable.Because(err)
	}
	c.prompt.forget() // what attempts send is rendered
	g.open(c)
	defer g.close(c)
	o := newOrder(&c.Plan.Plan)
	err := g.try(c, o)
	o.passedOver(c.passedOver)
	if m := (*move)(nil); errors.As(err, &m) {
		err = g.move(c, m)
	}
	return c.cutShort(err)
}

// open begins the work.
func (g *Gateway) open(c *Call) {
	c.life.begin(c.Plan.Timeout)
	c.life.connect = c.Plan.Connect
	c.client.watch(c.life.end)
	g.enlist(c)
	if c.Ask.head.Stream {
		c.client.keepAlive()
		g.metrics.streams.Inc()
	}
	c.Work.attempts = c.Work.first[:0]
	c.Work.deadline = g.Now().Add(c.Plan.Timeout)
	c.aim()
}

// aim tells the targets of a plan apart by whose they are.
func (c *Call) aim() {
	for i := range c.Plan.Targets {
		if t := &c.Plan.Targets[i]; t.Health.Provider == "" { // a plan that was not made by the router
			t.Health = health.Target{Org: c.Caller.key.Org.ID, Provider: t.Vendor.ID, Model: t.Model}
			if t.Credential != nil {
				t.Health.Credential = t.Credential.ID
			}
		}
	}
}

// close ends the work, however it went.
func (g *Gateway) close(c *Call) {
	c.Work.calm()
	c.Work.flight.End(health.Result{}, g.Now()) // of an attempt that came to no conclusion
	if c.Ask.head.Stream {
		g.metrics.streams.Dec()
	}
	g.strike(c)
	c.client.drain.end()
	c.life.end()
}

// try asks one target after another. An open stream's stack holds this frame, and those of what it calls: they are kept small.
func (g *Gateway) try(c *Call, o *order) error {
	var last *providerFailure
	for n := 0; n < c.Plan.Attempts; n++ {
		i := g.next(c, o)
		if i < 0 {
			break
		}
		refusal, err := g.attempt(c, &c.Plan.Targets[i])
		c.Work.repeated(c.load)
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
		if !o.failed(i, refusal, g.Now()) || c.client.gone.Load() || c.life.Err() != nil || c.Work.content {
			break
		}
	}
	if last == nil {
		return ErrProvider
	}
	return last
}

// next picks the target of the next attempt, and waits until it may be asked; -1 when there is none, or not in time. The attempt's
// flight has then begun.
func (g *Gateway) next(c *Call, o *order) int {
	b := g.Health
	if c.played() {
		b = nil // what is played tells nothing of the provider
	}
	for {
		now := g.Now()
		s := o.next(b, now)
		switch {
		case s.target < 0, s.wait > g.cfg.RetryWaitMax:
			return -1
		case s.repeat && c.load != nil && !c.load.repeat(now):
			c.note("not asked again: the allowance for repeats is spent")
			g.metrics.spent.Inc()
			o.state[s.target].again = false
			continue
		case !s.repeat && o.last >= 0 && c.load != nil:
			c.load.moved(now)
		}
		c.Work.flight, c.Work.repeat = s.flight, s.repeat && c.load != nil
		if s.repeat {
			if !g.pause(c, s.wait) {
				c.Work.repeated(c.load)
				return -1
			}
			c.Work.flight = b.Begin(o.plan.Targets[s.target].Health, g.Now())
		}
		return s.target
	}
}

// repeated gives back that a repeat was under way.
func (w *work) repeated(l *load) {
	if w.repeat {
		w.repeat = false
		l.repeated()
	}
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
