package gateway

import (
	"time"

	"tollgate/internal/key"
)

// announce tells the log that the call may reach a provider, before it can: once, or before each attempt where budgets have to know
// what the call may have cost when it never ends.
func (g *Gateway) announce(c *Call) error {
	if c.Work.intent && c.budgets.hold == nil {
		return nil
	}
	c.announceCharges()
	c.attend()
	c.fill(g.cfg.Proxy)
	c.Record.Attempts = c.Work.attempts
	if err := g.intend(c); err != nil {
		return ErrLogUnavailable.Because(err)
	}
	c.Work.intent = true
	if c.budgets.hold != nil {
		c.budgets.hold.Announced()
	}
	return nil
}

// record writes the call, before the client sees its end. A call of no known key belongs to nobody and is not recorded.
//
// Where the log fails now the answer is sent all the same: the provider has been paid, and the intent keeps the call in the log as
// one whose end is not known.
func (g *Gateway) record(c *Call) error {
	if c.Caller.key == nil || c.shed || c.deferred {
		return nil
	}
	now := g.Now()
	c.mark("answered", now)
	c.fill(g.cfg.Proxy)
	r := &c.Record
	r.Status, r.Outcome, r.ErrorCode = c.Outcome.status, c.Outcome.how, c.Outcome.code
	r.Finish = c.Work.finish
	r.Duration = now.Sub(c.Start)
	r.FirstByte = c.firstByte(r.Duration)
	r.Overhead = c.latency(now)
	r.ResponseBytes = c.client.written + int64(len(c.Answer.last))
	r.Marks = c.marks[:c.nmark]
	r.Attempts = c.Work.attempts
	c.announceCharges()
	r.Signals = g.signals(c)
	r.Payload = c.keptPayload()
	err := g.conserve(c)
	if err != nil {
		g.metrics.unlogged.Inc()
		return err // what was announced stays charged
	}
	if c.budgets.hold != nil {
		c.budgets.hold.Settle()
	}
	return nil
}

// firstByte is when content reached the client: for a whole answer, now.
func (c *Call) firstByte(now time.Duration) time.Duration {
	if c.Answer.whole != nil {
		return now
	}
	return c.Work.firstByte
}

// fill sets what is known before any provider is asked.
func (c *Call) fill(proxy string) {
	k, r := c.Caller.key, &c.Record
	r.ID, r.Proxy = c.ID, proxy
	if c.in != nil {
		r.Batch = c.in.Batch
	}
	r.Org, r.Team, r.Key = k.Org.ID, k.Team, k.ID
	if c.in == nil && k.Secret != nil {
		r.Secret = k.Secret.ID
	}
	r.Environment, r.Workflow, r.Tags = k.Environment, c.Ask.workflow, c.Ask.tags
	r.EndUser = ""
	if c.privacy() != key.PrivacyNone {
		r.EndUser = c.Ask.endUser
	}
	r.Endpoint, r.Dialect = string(c.Surface.endpoint), string(c.Surface.dialect.Name())
	r.Requested = clean(c.Ask.head.Model, 256)
	r.Stream, r.RequestBytes = c.Ask.head.Stream, c.Ask.size
	if p := c.prompt; p != nil {
		r.Prompt, r.PromptVersion, r.PromptLabel, r.RequestBytes = p.id, p.version, p.label, p.size
	}
	r.Alias, r.AliasVersion = c.Plan.Alias, c.Plan.AliasVersion
	p := &c.Plan
	r.Task, r.TaskBy, r.Experiment, r.Arm, r.Unit, r.UnitBy, r.Decision = p.Task, p.TaskBy, p.Experiment, p.Arm, p.Unit, p.UnitBy, p.Decision
	if n := len(c.Work.attempts); n > 0 {
		a := &c.Work.attempts[n-1]
		r.Provider, r.Model = a.Provider, a.Model
	}
}
