package lease

import (
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// Hold is what one call holds. The zero value holds nothing. It is used by one goroutine at a time, and must be ended: by Settle, or by
// Keep where the call's end could not be written.
//
// A call may make several attempts. What is held for it is at every time at least what its newest announcement says, so that a crash
// at any moment leaves it charged in full: Reserve only adds, Announced lets go of what the announcement no longer says, and Conclude
// puts the attempt's true weight in the place of its bound.
type Hold struct {
	desk   *desk
	parts  []part
	room   [4]part // backs parts: most calls have few
	Would  []Would // of budgets that only watch: what they would have refused
	Waited time.Duration
}

// part is what a call holds of one lease.
type part struct {
	l      *lease
	budget *budget.Budget
	base   money.NanoUSD // charged by attempts that have ended
	now    money.NanoUSD // the most that the attempt under way can cost
	in     bool          // the attempt under way falls into this pot
	hard   bool
	held   money.NanoUSD // counted in the lease's open
	said   money.NanoUSD // by the newest announcement
}

// Would is a call that a budget would have refused, had it been one that blocks.
type Would struct {
	Budget  *budget.Budget
	Subject string
	Period  budget.Period
	Short   money.NanoUSD // what there was too little of
}

// begin notes which pots a new attempt falls into. Called under the desk's lock.
func (h *Hold) begin(d *desk, c *Claim, at time.Time) {
	if h.parts == nil {
		h.parts = h.room[:0]
	}
	h.desk = d
	h.drop()
	for i := range c.Shares {
		s := &c.Shares[i]
		for j := range s.Budget.Limits {
			l := d.find(s, s.Budget.Limits[j].Period, c.Calendar, at)
			p := h.part(l)
			p.budget, p.now, p.in, p.hard = s.Budget, c.Amount, true, s.Budget.Mode == budget.Block
		}
	}
}

// drop forgets the attempt under way; what is held stays so until Announced, Cancel or an end. Called under the lock.
func (h *Hold) drop() {
	for i := range h.parts {
		h.parts[i].now, h.parts[i].in = 0, false
	}
}

func (h *Hold) part(l *lease) *part {
	for i := range h.parts {
		if h.parts[i].l == l {
			return &h.parts[i]
		}
	}
	h.parts = append(h.parts, part{l: l})
	return &h.parts[len(h.parts)-1]
}

// extra is what has to be taken for the attempt under way.
func (p *part) extra() money.NanoUSD {
	if !p.in {
		return 0
	}
	return max(p.base+p.now-p.held, 0)
}

// lacks reports that there is no room for the attempt under way, and that it matters.
func (p *part) lacks(away bool, now time.Time) bool {
	extra := p.extra()
	return p.hard && extra > 0 && extra > p.l.room(away) && !p.l.gone(now)
}

// Announced lets go of what the announcement that was just written does not say. Until then an older one holds.
func (h *Hold) Announced() {
	h.each(func(p *part) {
		p.said = p.base + p.now
		p.hold(p.said)
	})
}

// Cancel takes back an attempt that was not made: it was not let through, or could not be announced.
func (h *Hold) Cancel() {
	h.each(func(p *part) {
		p.now, p.in = 0, false
		p.hold(max(p.base, p.said))
	})
}

// Conclude puts what the attempt weighs in the place of its bound. What is held changes with the next announcement, or the end; only
// what was more than the bound is taken at once, whether it is there or not. It reports how much that was.
func (h *Hold) Conclude(amount money.NanoUSD) (overrun money.NanoUSD) {
	h.each(func(p *part) {
		if !p.in {
			return
		}
		if p.hard && amount > p.now {
			overrun = max(overrun, amount-p.now)
		}
		p.base += amount
		p.now, p.in = 0, false
		p.hold(max(p.held, p.base))
	})
	if overrun > 0 {
		h.desk.book.count.overruns.Add(1)
	}
	return overrun
}

// Pending reports that an attempt is under way, and its bound.
func (h *Hold) Pending() (bound money.NanoUSD, ok bool) {
	for i := range h.parts {
		if h.parts[i].in {
			return h.parts[i].now, true
		}
	}
	return 0, false
}

// Settle ends the hold: what Charges says is spent, the rest is free again. It is called once the call's end is written.
func (h *Hold) Settle() { h.end(func(p *part) money.NanoUSD { return p.base + p.now }) }

// Keep ends the hold where the call's end could not be written: what was announced counts.
func (h *Hold) Keep() { h.end(func(p *part) money.NanoUSD { return max(p.held, p.base+p.now) }) }

func (h *Hold) end(spent func(*part) money.NanoUSD) {
	h.each(func(p *part) {
		n := spent(p)
		p.hold(0)
		p.l.spent += n
	})
	h.parts = h.parts[:0]
}

// Charges appends what the call weighs: ended attempts, and the bound of the one under way.
func (h *Hold) Charges(to []calllog.Charge) []calllog.Charge {
	for i := range h.parts {
		if p := &h.parts[i]; p.base+p.now > 0 {
			to = append(to, calllog.Charge{Budget: p.l.budget, Pot: p.l.pot, Holder: p.l.holder, Amount: p.base + p.now})
		}
	}
	return to
}

// Empty reports that nothing is held.
func (h *Hold) Empty() bool { return len(h.parts) == 0 }

// each works on all parts under the lock, and hands what became free to those that wait for it.
func (h *Hold) each(do func(*part)) {
	d := h.desk
	if d == nil || len(h.parts) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range h.parts {
		do(&h.parts[i])
	}
	if len(d.queue) > 0 {
		d.serve(d.book.d.Now())
	}
}

// hold sets what is held.
func (p *part) hold(n money.NanoUSD) {
	p.l.open += n - p.held
	p.held = n
}

// Refusal says why a call was not let through: the budget without room that was found first.
type Refusal struct {
	Budget  *budget.Budget
	Subject string
	Window  budget.Window
	Pot     id.Pot
	Verdict Why
	Limit   money.NanoUSD // raises included; 0: not known
	Left    money.NanoUSD // that nobody has spent or holds
	Held    money.NanoUSD // by calls under way, and not yet booked
	Needed  money.NanoUSD // the most that the call could cost
	Waited  time.Duration
}

// Why says what stood in the way.
type Why uint8

// The reasons.
const (
	Exceeded    Why = iota // too little is left
	Crowded                // too many calls wait for room already
	Unreachable            // the authority cannot be asked
)

// Error implements error. It names no amounts: what clients are told is made from the fields.
func (r *Refusal) Error() string {
	return [...]string{Exceeded: "budget has no room", Crowded: "too many calls wait for room in budget", Unreachable: "the authority of budget cannot be asked"}[r.Verdict] +
		": " + string(r.Budget.ID)
}

// Unwrap is the declared failure.
func (r *Refusal) Unwrap() error {
	if r.Verdict == Unreachable {
		return budget.ErrUnreachable
	}
	return budget.ErrExceeded
}
