package gateway

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"tollgate/internal/batch"
	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/snapshot"
)

// Durable lends money for longer than a process lives: for the lines that a provider works on for hours. Package budgetpg has it.
type Durable interface {
	// Hold lends what the asks need, of all pots or of none; Need is how much the holder shall have in hand, so it may be repeated.
	Hold(ctx context.Context, h lease.Holder, asks []lease.Ask) (lease.Reply, error)
	// End takes back what was not settled.
	End(ctx context.Context, holder id.Holder) error
}

// holderOf names who holds the money of a parcel, the same after every restart.
func holderOf(p *batch.Parcel) (h id.Holder) {
	sum := sha256.Sum256([]byte("parcel of a batch\x00" + string(p.Org) + "\x00" + p.ID))
	copy(h[:], sum[:])
	return h
}

// plan notes what a line that is only planned could cost, and on which budgets: the money is held when its parcel is sent.
func (g *Gateway) plan(c *Call, t *try, hard *lease.Share) error {
	if hard != nil && g.Durable == nil {
		return errHeldEach
	}
	b, err := g.bound(c, t)
	switch {
	case err != nil && hard != nil:
		return c.boundless(t, hard, err)
	case err != nil:
		b.Cost = 0
	}
	c.budgets.foreseen = b.Cost
	if hard != nil && b.Cap > 0 {
		return c.limit(t, b.Cap)
	}
	return nil
}

// foresee writes what was foreseen into a line's draft.
func (c *Call) foresee(d *batch.Draft) {
	d.Bound = c.budgets.foreseen
	for _, s := range c.budgets.shares {
		d.Shares = append(d.Shares, batch.Share{Budget: s.Budget.ID, Subject: s.Subject, Held: s.Budget.Mode == budget.Block})
	}
}

// pots calls yield for every pot that a line falls into at a time: of the budgets that are still there.
func pots(org *snapshot.Org, shares []batch.Share, at time.Time, yield func(batch.Share, *budget.Budget, budget.Window, id.Pot)) {
	for _, s := range shares {
		for i := range org.Budgets {
			b := &org.Budgets[i]
			if b.ID != s.Budget {
				continue
			}
			for _, l := range b.Limits {
				w := org.Calendar.Window(l.Period, at)
				yield(s, b, w, budget.Pot(org.ID, b.ID, s.Subject, w))
			}
		}
	}
}

// purse adds up what lines need.
type purse struct {
	asks   []lease.Ask
	blocks []*budget.Budget // of each ask
	place  map[id.Pot]int
}

// add puts a line in, and reports false, with the ask that has no room, where one is given how much room there is. Of a budget that only
// watches nothing is asked, but the books have to know its pot: else nobody would see what is spent of it until some proxy asks.
func (p *purse) add(org *snapshot.Org, l *batch.Line, at time.Time, room []money.NanoUSD) (short int, ok bool) {
	var mine []int
	short, ok = -1, true
	pots(org, l.Draft.Shares, at, func(s batch.Share, b *budget.Budget, w budget.Window, pot id.Pot) {
		i, have := p.place[pot]
		if !have {
			i = len(p.asks)
			p.place[pot] = i
			p.asks = append(p.asks, lease.Ask{Org: org.ID, Budget: b.ID, Subject: s.Subject, Window: w, Pot: pot})
			p.blocks = append(p.blocks, b)
		}
		if !s.Held || b.Mode != budget.Block || l.Draft.Bound <= 0 {
			return
		}
		if ok && room != nil && p.asks[i].Need+l.Draft.Bound > room[i] {
			short, ok = i, false
		}
		mine = append(mine, i)
	})
	if ok {
		for _, i := range mine {
			p.asks[i].Need += l.Draft.Bound
		}
	}
	return short, ok
}

// errHeldLater asks for another try: windows or limits changed in between.
var errHeldLater = errors.New("gateway: the money of a parcel could not be held now")

// Hold implements batch.Calls.
func (l Lines) Hold(ctx context.Context, p *batch.Parcel, lines []batch.Line, at time.Time) ([]batch.Line, error) {
	snap := l.g.Snapshots()
	if snap == nil {
		return nil, ErrStarting
	}
	org, ok := snap.Org(p.Org)
	if !ok || l.g.Durable == nil {
		return nil, nil
	}
	all := purse{place: map[id.Pot]int{}}
	for i := range lines {
		if lines[i].Draft != nil {
			all.add(org, &lines[i], at, nil)
		}
	}
	if len(all.asks) == 0 {
		return nil, nil
	}
	h := lease.Holder{ID: holderOf(p)}
	reply, err := l.g.Durable.Hold(ctx, h, all.asks)
	if err != nil {
		return nil, err
	}
	room, whole, err := roomOf(reply.Grants)
	if err != nil || whole {
		return nil, err
	}
	return l.some(ctx, h, org, lines, at, &all, room)
}

// roomOf is how much each ask could have; whole: all of them have it.
func roomOf(grants []lease.Grant) (room []money.NanoUSD, whole bool, err error) {
	room, whole = make([]money.NanoUSD, len(grants)), true
	for i, g := range grants {
		switch g.Verdict {
		case lease.Granted:
			room[i] = max(g.Limit-g.Committed, 0)
		case lease.Short:
			room[i], whole = max(g.Limit-g.Committed, 0), false
		case lease.Closed, lease.Gone:
			return nil, false, errHeldLater
		}
	}
	return room, whole, nil
}

// some holds for the lines that fit, in their order, and gives the others with the refusal that each gets.
func (l Lines) some(ctx context.Context, h lease.Holder, org *snapshot.Org, lines []batch.Line, at time.Time, all *purse, room []money.NanoUSD) ([]batch.Line, error) {
	fit := purse{asks: append([]lease.Ask(nil), all.asks...), blocks: all.blocks, place: all.place}
	for i := range fit.asks {
		fit.asks[i].Need, fit.asks[i].Want = 0, 0
	}
	var out []batch.Line
	for i := range lines {
		line := &lines[i]
		if line.Draft == nil {
			continue
		}
		short, ok := fit.add(org, line, at, room)
		if ok {
			continue
		}
		end, err := l.broke(ctx, line, &lease.Refusal{
			Budget: fit.blocks[short], Subject: fit.asks[short].Subject, Window: fit.asks[short].Window, Pot: fit.asks[short].Pot,
			Limit: 0, Left: room[short] - fit.asks[short].Need, Needed: line.Draft.Bound,
		})
		if err != nil {
			return nil, err
		}
		line.End = end
		out = append(out, *line)
	}
	reply, err := l.g.Durable.Hold(ctx, h, fit.asks)
	if err != nil {
		return nil, err
	}
	for _, g := range reply.Grants {
		if g.Verdict != lease.Granted {
			return nil, errHeldLater
		}
	}
	return out, nil
}

// broke ends a line for which a budget has no room, as a client's own call would end.
func (l Lines) broke(ctx context.Context, line *batch.Line, r *lease.Refusal) (batch.End, error) {
	for _, limit := range r.Budget.Limits {
		if limit.Period == r.Window.Period {
			r.Limit = limit.Amount
		}
	}
	var kept calllog.Record
	c, w, err := l.call(ctx, line.Order(), &kept)
	if err != nil {
		return batch.End{}, err
	}
	defer c.release()
	g := l.g
	for _, decide := range [...]func(*Call) error{g.authenticate, g.read, g.resolve} {
		if err = decide(c); err != nil {
			break
		}
	}
	if err == nil {
		c.check(r.Budget, calllog.DidRefuse, r.Subject, r.Window.Period, r.Needed-r.Left)
		err = &overBudget{refusal: r, err: c.exhausted(r, g.cfg.DashboardURL), after: waitFor(r, g.Now())}
	}
	g.conclude(c, err)
	return ended(Answer{Status: w.status, Body: w.body.Bytes()}, &kept), nil
}

// GiveBack implements batch.Calls.
func (l Lines) GiveBack(ctx context.Context, p *batch.Parcel) error {
	if l.g.Durable == nil {
		return nil
	}
	return l.g.Durable.End(ctx, holderOf(p))
}

// heldLine is what was held for a line whose answer is played.
type heldLine struct {
	shares []batch.Share
	bound  money.NanoUSD
	holder id.Holder
	at     time.Time
}

// chargeLine charges a line what it weighs, on the pots in which its parcel holds money for it.
func (g *Gateway) chargeLine(c *Call, a *calllog.Attempt, h *heldLine) {
	amount := g.weighs(c, a, h.bound)
	if amount <= 0 || len(c.budgets.charges) > 0 {
		return
	}
	pots(c.Caller.key.Org, h.shares, h.at, func(s batch.Share, b *budget.Budget, _ budget.Window, pot id.Pot) {
		charge := calllog.Charge{Budget: b.ID, Pot: pot, Amount: amount}
		if s.Held {
			charge.Holder = h.holder
		}
		c.budgets.charges = append(c.budgets.charges, charge)
	})
	c.Record.Charges = c.budgets.charges
}
