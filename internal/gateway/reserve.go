package gateway

import (
	"errors"

	"tollgate/internal/budget"
	"tollgate/internal/budget/bound"
	"tollgate/internal/budget/lease"
	"tollgate/internal/calllog"
	"tollgate/internal/dimension"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/provider"
)

// budgeting is how a call stands with the budgets that it falls under.
type budgeting struct {
	hold     *lease.Hold      // nil: it falls under none
	shares   []lease.Share    // of the attempt under way
	charges  []calllog.Charge // backs the record's
	warned   []string         // for the client, of budgets that only warn
	clamped  int64            // the output cap that a budget put in; 0: none
	moved    string           // the alias that a budget moved the call to
	planned  bool             // the call is only being planned: nothing is held
	foreseen money.NanoUSD    // … and the most that it could cost
}

// reserve holds the most that an attempt can cost, on every budget that the call falls under, before it is announced and sent. A
// refusal is an error that names the budget and says what to do; where only this target has no room it is one that the target cannot
// be asked, and the call goes to the next.
func (g *Gateway) reserve(c *Call, t *try) error {
	if len(c.Caller.key.Org.Budgets) == 0 {
		return nil
	}
	hard := g.shares(c, t)
	switch {
	case len(c.budgets.shares) == 0, c.played(): // what is played was sent before
		return nil
	case c.budgets.planned:
		return g.plan(c, t, hard)
	case g.Budgets == nil && hard == nil: // nobody counts
		return nil
	}
	b, err := g.bound(c, t)
	if err != nil {
		if hard != nil {
			return c.boundless(t, hard, err)
		}
		b = bound.Bound{} // budgets that only watch count what it turns out to cost
		for _, s := range c.budgets.shares {
			c.check(s.Budget, calllog.WouldRefuse, s.Subject, "", 0)
		}
	} else if b.Cost == 0 {
		return nil // it costs nothing, whatever is left
	}
	return g.hold(c, t, b, hard)
}

// hold takes the bound, or a smaller one where the budget in the way clamps.
func (g *Gateway) hold(c *Call, t *try, b bound.Bound, hard *lease.Share) error {
	h := c.budgets.hold
	if h == nil {
		h = &lease.Hold{}
		c.budgets.hold = h
	}
	claim := lease.Claim{Org: c.Caller.key.Org.ID, Calendar: c.Caller.key.Org.Calendar, Shares: c.budgets.shares, Amount: b.Cost}
	for clamps := 0; ; clamps++ {
		err := g.lend(c, h, claim)
		if err == nil {
			break
		}
		refusal := (*lease.Refusal)(nil)
		if !errors.As(err, &refusal) {
			return budget.ErrExceeded.Because(err) // the client left
		}
		if refusal.Budget.Action == budget.Clamp && clamps < clampsMax && refusal.Verdict == lease.Exceeded {
			if less, ok := g.fit(c, t, refusal.Left, refusal.Budget.Floor); ok && less.Cost < claim.Amount {
				c.clamp(refusal, less)
				b, claim.Amount = less, less.Cost
				continue
			}
		}
		return g.broke(c, t, refusal)
	}
	g.admitted(c, h)
	if hard != nil && b.Cap > 0 {
		if err := c.limit(t, b.Cap); err != nil {
			h.Cancel()
			return err
		}
	}
	return nil
}

// errHeldEach says that a line cannot go to its provider with others: a budget that must hold covers it, and here money is held for one
// call at a time, as it is made.
var errHeldEach = errors.New("gateway: the line is held for by itself")

// clampsMax bounds how often one attempt is made smaller: others spend meanwhile.
const clampsMax = 3

// lend asks the book. Waiting for room is not the gateway's own time.
func (g *Gateway) lend(c *Call, h *lease.Hold, claim lease.Claim) error {
	if g.Budgets == nil {
		for _, s := range claim.Shares {
			if s.Budget.Mode == budget.Block {
				return &lease.Refusal{Budget: s.Budget, Subject: s.Subject, Verdict: lease.Unreachable, Needed: claim.Amount}
			}
		}
		return nil
	}
	h.Waited = 0
	err := g.Budgets.Reserve(c.req.Context(), h, claim)
	refusal := (*lease.Refusal)(nil)
	switch {
	case errors.As(err, &refusal):
		c.Work.wait(refusal.Waited)
	case err == nil:
		c.Work.wait(h.Waited)
	}
	return err
}

// shares finds the budgets that the attempt falls under. It gives the first of them that blocks; nil: none does.
func (g *Gateway) shares(c *Call, t *try) (hard *lease.Share) {
	budgets := c.Caller.key.Org.Budgets
	at := c.stands()
	at.Provider, at.Model = t.target.Vendor.ID, t.target.Vendor.ID+"/"+t.target.Model
	out := c.budgets.shares[:0]
	for i := range budgets {
		if subject, ok := budgets[i].Fits(&at); ok {
			out = append(out, lease.Share{Budget: &budgets[i], Subject: subject})
		}
	}
	c.budgets.shares = out
	for i := range out {
		if out[i].Budget.Mode == budget.Block {
			return &out[i]
		}
	}
	return nil
}

// admitted notes what budgets did to an attempt beyond letting it pass.
func (g *Gateway) admitted(c *Call, h *lease.Hold) {
	if h.Waited > 0 {
		for _, s := range c.budgets.shares {
			if s.Budget.Mode == budget.Block {
				c.check(s.Budget, calllog.DidWait, s.Subject, "", 0)
				break
			}
		}
	}
	for _, w := range h.Would {
		c.check(w.Budget, calllog.WouldRefuse, w.Subject, w.Period, w.Short)
		if w.Budget.Mode == budget.Warn {
			c.budgets.warned = append(c.budgets.warned, warning(w))
		}
	}
}

// clamp notes that a budget made the answer shorter.
func (c *Call) clamp(r *lease.Refusal, b bound.Bound) {
	c.budgets.clamped = b.Cap
	c.check(r.Budget, calllog.DidClamp, r.Subject, r.Window.Period, r.Needed-r.Left)
}

// broke is the end of an attempt for which a budget has no room.
func (g *Gateway) broke(c *Call, t *try, r *lease.Refusal) error {
	err := &overBudget{refusal: r, err: c.exhausted(r, g.cfg.DashboardURL), after: waitFor(r, g.Now())}
	if upstream(r.Budget) { // another target may fall under other budgets
		c.check(r.Budget, calllog.DidMove, r.Subject, r.Window.Period, r.Needed-r.Left)
		c.note(name(t.target) + " was passed over: budget " + string(r.Budget.ID) + " has no room")
		return &provider.Inexpressible{Err: err}
	}
	if r.Budget.Action == budget.Move && r.Budget.MoveTo != "" && c.budgets.moved == "" && r.Verdict == lease.Exceeded {
		return &move{to: r.Budget.MoveTo, refusal: r, otherwise: err}
	}
	c.check(r.Budget, calllog.DidRefuse, r.Subject, r.Window.Period, r.Needed-r.Left)
	return err
}

// boundless refuses a call whose cost has no bound, because a budget that must hold covers it.
func (c *Call) boundless(t *try, s *lease.Share, err error) error {
	refused := &overBudget{err: unbounded(s.Budget, err)}
	if upstream(s.Budget) {
		c.check(s.Budget, calllog.DidMove, s.Subject, "", 0)
		c.note(name(t.target) + " was passed over: what it could cost has no bound")
		return &provider.Inexpressible{Err: refused}
	}
	c.check(s.Budget, calllog.DidRefuse, s.Subject, "", 0)
	if len(c.Plan.Targets) > 1 { // another target may have a price
		return &provider.Inexpressible{Err: refused}
	}
	return refused
}

// upstream reports a budget that other targets may not fall under.
func upstream(b *budget.Budget) bool { return b.Selector.Upstream() || b.Each.Upstream() }

// check notes for the log what a budget did. One that does the same to several attempts is named once.
func (c *Call) check(b *budget.Budget, did calllog.Did, subject string, p budget.Period, short money.NanoUSD) {
	if b.Each == dimension.EndUser && c.privacy() == key.PrivacyNone {
		subject = ""
	}
	k := calllog.Check{By: string(b.ID), Did: did, Subject: subject, Period: string(p), Short: int64(max(short, 0))}
	for _, have := range c.Record.Checks {
		if have.By == k.By && have.Did == k.Did && have.Period == k.Period {
			return
		}
	}
	if len(c.Record.Checks) < calllog.ChecksMax {
		c.Record.Checks = append(c.Record.Checks, k)
	}
}

// move is the wish of a budget that the call be served by another alias.
type move struct {
	to        string
	refusal   *lease.Refusal
	otherwise error // what the call gets where that cannot be
}

// Error implements error.
func (m *move) Error() string { return m.otherwise.Error() }

// Unwrap is what the call gets otherwise.
func (m *move) Unwrap() error { return m.otherwise }
