package gateway

import (
	"strconv"
	"time"

	"tollgate/internal/budget/bound"
	"tollgate/internal/money"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// bound is the most that an attempt can cost. Its Cap, where it has one, must be put in (see try.limit) for it to hold.
func (g *Gateway) bound(c *Call, t *try) (bound.Bound, error) {
	return bound.Of(c.Caller.key.Org.Prices, c.weight(t))
}

// fit is the bound of the attempt at the largest output cap that costs at most room; false where even floor tokens cost more. Its Cap is
// to be put in.
func (g *Gateway) fit(c *Call, t *try, room money.NanoUSD, floor int64) (bound.Bound, bool) {
	return bound.Fit(c.Caller.key.Org.Prices, c.weight(t), room, floor)
}

// weight is what of an attempt bounds its cost. Prices that begin while the call may still be under way count.
func (c *Call) weight(t *try) bound.Ask {
	a := bound.Ask{
		Provider: t.target.Vendor.ID, Model: t.target.Model, Operation: c.Surface.dialect.Operation(), Body: t.body, Head: t.head,
		Dialect: c.Surface.dialect.Name(), Into: t.dialect.Name(), From: c.Start, For: c.Plan.Timeout,
	}
	if c.budgets.planned {
		a.For = lineTime
	}
	if c.in != nil && c.in.Batched {
		a.Batched, a.Discount = true, c.discount()
	}
	return a
}

// lineTime is how long a line may be at its provider, its batch's grace included.
const lineTime = 48 * time.Hour

// limit puts an output cap into the body, in the client's dialect, whatever cap it had. It is called before the body is encoded for the
// provider.
func (c *Call) limit(t *try, tokens int64) error {
	body := withCap(c.Surface.dialect.Name(), t.body, tokens)
	head, err := c.Surface.dialect.Probe(body, c.Line)
	if err != nil {
		return err
	}
	was := t.head
	head.NoStreamOptions, head.OldMaxTokens, head.KeepRouting, head.Betas = was.NoStreamOptions, was.OldMaxTokens, was.KeepRouting, was.Betas
	t.body, t.head = body, head
	return nil
}

// withCap is the body with an output cap of so many tokens: every name under which it has one says so, or else the dialect's first. A
// name that says null is taken out: vendors that know one name only would be told that.
func withCap(d provider.Name, body []byte, tokens int64) []byte {
	s := settingsOf(d)
	e := editor{body: body, has: s.read(body)}
	value, said := strconv.FormatInt(tokens, 10), false
	for _, name := range s.maxTokens {
		if e.raw(name) != nil {
			e.set(name, value)
			said = true
		} else {
			e.set(name, "")
		}
	}
	if !said {
		e.set(s.maxTokens[0], value)
	}
	return wire.Apply(body, provider.MemberEdits(body, e.out()...))
}
