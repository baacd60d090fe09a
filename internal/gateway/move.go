package gateway

import (
	"strings"

	"tollgate/internal/calllog"
)

// move serves the call by the alias that a budget names for calls for which it has no room: once, and where the key may use it.
func (g *Gateway) move(c *Call, m *move) error {
	r, k := m.refusal, c.Caller.key
	asked := c.Ask.head.Model
	c.Ask.head.Model = m.to
	ask, err := g.question(c)
	c.Ask.head.Model = asked
	if err != nil {
		return c.stay(m)
	}
	ask.Models = nil // the client's own list is what there is no money for
	p, err := g.router.Resolve(k.Org, &k.Key, &ask)
	if err != nil || p.Classify != nil {
		return c.stay(m)
	}
	c.check(r.Budget, calllog.DidMove, r.Subject, r.Window.Period, r.Needed-r.Left)
	c.budgets.moved = m.to
	c.keeping = nil // an answer of another alias is none of this one's
	c.Plan = plan{Plan: p, named: true}
	c.aim()
	c.note("moved here by budget " + string(r.Budget.ID) + ": it has no room for " + clip(asked))
	c.warn("served by " + clip(m.to) + ": the budget " + clip(r.Budget.Name) + " has no room for " + clip(asked))
	o := newOrder(&c.Plan.Plan)
	err = g.try(c, o)
	o.passedOver(c.passedOver)
	return err
}

// stay refuses a call that cannot be moved.
func (c *Call) stay(m *move) error {
	r := m.refusal
	c.check(r.Budget, calllog.DidRefuse, r.Subject, r.Window.Period, r.Needed-r.Left)
	return m.otherwise
}

// unmoved notes that budgets on providers and models, which pass a target over, moved the call nowhere: there was no other.
func (c *Call) unmoved() {
	p := c.Answer.problem
	if p == nil || !strings.HasPrefix(p.Code, "budget.") {
		return
	}
	for i := range c.Record.Checks {
		if k := &c.Record.Checks[i]; k.Did == calllog.DidMove && strings.HasPrefix(k.By, "bud_") && c.budgets.moved == "" {
			k.Did = calllog.DidRefuse
		}
	}
}
