package gateway

import (
	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/money"
)

// charge puts what an attempt weighs on budgets in the place of its bound. Only evidence makes it less than the bound: the provider's own
// count of what was used, its refusal, or that it was never reached.
func (g *Gateway) charge(c *Call, a *calllog.Attempt) {
	if c.played() {
		if h := c.in.held; h != nil {
			g.chargeLine(c, a, h)
			return
		}
		g.chargeUnheld(c, a)
		return
	}
	h := c.budgets.hold
	if h == nil {
		return
	}
	most, ok := h.Pending()
	if !ok {
		return
	}
	if over := h.Conclude(g.weighs(c, a, most)); over > 0 {
		g.Logger.Error("budget: a call cost more than its bound", "call", c.Text, "provider", a.Provider, "model", a.Model, "nano_usd", int64(over))
	}
}

// chargeUnheld charges an answer that is played: it was sent before, with nothing held for it. What nobody counted weighs nothing.
func (g *Gateway) chargeUnheld(c *Call, a *calllog.Attempt) {
	if len(c.budgets.shares) == 0 || len(c.budgets.charges) > 0 {
		return
	}
	amount, org := g.weighs(c, a, 0), c.Caller.key.Org
	if amount <= 0 {
		return
	}
	now := g.Now()
	for _, s := range c.budgets.shares {
		for _, l := range s.Budget.Limits {
			c.budgets.charges = append(c.budgets.charges, calllog.Charge{
				Budget: s.Budget.ID, Pot: budget.Pot(org.ID, s.Budget.ID, s.Subject, org.Calendar.Window(l.Period, now)), Amount: amount,
			})
		}
	}
	c.Record.Charges = c.budgets.charges
}

// weighs is what an attempt is charged.
func (g *Gateway) weighs(c *Call, a *calllog.Attempt, most money.NanoUSD) money.NanoUSD {
	if a == nil || !c.reached.Load() && a.Status == 0 && !c.played() {
		return 0
	}
	if a.Usage.Source == chat.Unknown && a.Status >= 400 {
		return 0
	}
	if a.Usage.Source != chat.Reported || a.Usage.Units == (chat.Units{}) {
		return most // nobody counted, or counted nothing where something was done
	}
	g.price(c, a)
	if a.Price != calllog.Priced && a.Price != calllog.Free {
		return most
	}
	return a.Cost
}

// announceCharges puts the most that the attempts so far can weigh into the record.
func (c *Call) announceCharges() {
	if h := c.budgets.hold; h != nil {
		c.budgets.charges = h.Charges(c.budgets.charges[:0])
		c.Record.Charges = c.budgets.charges
	}
}

// lastAttempt is the attempt under way, or the last one.
func (c *Call) lastAttempt() *calllog.Attempt {
	if n := len(c.Work.attempts); n > 0 {
		return &c.Work.attempts[n-1]
	}
	return nil
}

// relinquish ends what the call holds, if nothing has: what was announced counts.
func (c *Call) relinquish() {
	if h := c.budgets.hold; h != nil && !h.Empty() {
		h.Keep()
	}
}

// unreserve takes back what was held for an attempt that was not made.
func (c *Call) unreserve() {
	if h := c.budgets.hold; h != nil {
		h.Cancel()
	}
}
