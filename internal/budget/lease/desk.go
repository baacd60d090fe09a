package lease

import (
	"sync"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// desk is the leases of one organization, and those who wait for them. One lock guards all of it: an organization's calls share few
// leases, and what is done under it takes well under a microsecond.
type desk struct {
	book *Book
	org  id.Org

	mu     sync.Mutex
	holder id.Holder // of leases made from now on
	slots  map[slot]*lease
	pots   map[id.Pot]*lease
	order  []*lease // all leases, for walks that go on where they stopped
	next   int
	due    []*lease // to be told of
	graves map[id.Pot]grave

	queue  []*waiter     // first come, first served
	flying bool          // an exchange is under way
	turn   chan struct{} // closed when it ends
}

// grave is what has to be known of a lease that was forgotten, should its pot be used again: the authority counts on.
type grave struct {
	holder                   id.Holder
	granted, returned, spent money.NanoUSD
	until                    time.Time // zero: for ever
}

// gravesMax bounds the graves of a desk. Beyond it they are given up, together with the holder that they are of.
const gravesMax = 50_000

func newDesk(b *Book, org id.Org) *desk {
	return &desk{
		book: b, org: org, holder: b.d.Holder.ID, slots: make(map[slot]*lease), pots: make(map[id.Pot]*lease),
		graves: make(map[id.Pot]grave), turn: make(chan struct{}),
	}
}

// find is the lease of the window of an instant. Called under mu.
func (d *desk) find(s *Share, p budget.Period, days budget.Calendar, at time.Time) *lease {
	at0 := slot{s.Budget.ID, s.Subject, p}
	l := d.slots[at0]
	if l == nil || !l.covers(at) || !sameDays(l.calendar, days) {
		w := days.Window(p, at)
		pot := budget.Pot(d.org, s.Budget.ID, s.Subject, w)
		if l = d.pots[pot]; l == nil {
			l = d.open(at0, w, pot)
		}
		d.slots[at0] = l
	}
	l.calendar, l.hard, l.standby = days, s.Budget.Mode == budget.Block, 0
	if l.hard && s.Budget.Offline == budget.Standby {
		l.standby = s.Budget.Standby
	}
	return l
}

// open makes a lease, or digs one up.
func (d *desk) open(at slot, w budget.Window, pot id.Pot) *lease {
	l := &lease{slot: at, holder: d.holder, window: w, pot: pot, used: d.book.d.Now()}
	if g, ok := d.graves[pot]; ok {
		l.holder, l.granted, l.returned, l.told, l.spent = g.holder, g.granted, g.returned, g.returned, g.spent
		l.pace.mark = g.spent
		delete(d.graves, pot)
	}
	d.pots[pot] = l
	d.order = append(d.order, l)
	return l
}

// bury forgets a lease of which nothing is in hand.
func (d *desk) bury(l *lease, at time.Time) {
	g := grave{holder: l.holder, granted: l.granted, returned: l.returned, spent: l.spent}
	if !l.window.To.IsZero() {
		g.until = l.window.To.Add(graveTime)
	}
	delete(d.pots, l.pot)
	if d.slots[l.slot] == l {
		delete(d.slots, l.slot)
	}
	if g.until.IsZero() || at.Before(g.until) {
		if l.granted != 0 || l.spent != 0 {
			d.graves[l.pot] = g
		}
	}
	if len(d.graves) > gravesMax { // their pots may be used again under another holder's name
		d.holder = id.NewHolder()
		clear(d.graves)
	}
}

// graveTime is how long after its window a lease may still be asked for: clocks are corrected, also backwards.
const graveTime = time.Hour

// take holds what the attempt needs on all its pots, or on none. Called under mu.
func (d *desk) take(h *Hold, now time.Time) bool {
	away := !d.book.reachable()
	for i := range h.parts {
		if h.parts[i].lacks(away, now) {
			return false
		}
	}
	h.Would = h.Would[:0]
	for i := range h.parts {
		p := &h.parts[i]
		if !p.in {
			continue
		}
		extra := p.extra()
		if p.l.gone(now) { // there is nothing to hold it on
			p.now, p.in = 0, false
			continue
		}
		if !p.hard && extra > p.l.free() {
			d.overdraw(h, p, extra)
		}
		p.l.open += extra
		p.held += extra
		p.l.used, p.l.unit = now, p.now
	}
	return true
}

// overdraw notes what a budget that only watches would have said.
func (d *desk) overdraw(h *Hold, p *part, extra money.NanoUSD) {
	l := p.l
	if !l.replied.IsZero() && l.last.Verdict != Gone && l.last.Verdict != Closed {
		if short := extra - l.free() - max(l.last.Limit-l.last.Committed, 0); short > 0 {
			h.Would = append(h.Would, Would{Budget: p.budget, Subject: l.subject, Period: l.window.Period, Short: short})
		}
	}
	if l.replied.IsZero() {
		d.mark(l)
		d.book.wake()
	}
}

// mark puts a lease on the list of those to tell of. Called under mu.
func (d *desk) mark(l *lease) {
	if !l.due {
		l.due = true
		d.due = append(d.due, l)
	}
}

func (d *desk) recall(pot id.Pot) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.pots[pot]
	if l == nil {
		return false
	}
	l.recalled = true
	return true
}

func (d *desk) held() (idle, open money.NanoUSD) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.order {
		idle, open = idle+max(l.free(), 0), open+l.open
	}
	return idle, open
}

// startOver forgets the leases of a holder that was ended: its money is not ours any more. What calls hold of them stays charged to it.
func (d *desk) startOver(ended id.Holder) {
	d.book.d.Logger.Error("budget: this process's leases were taken over; starting anew", "organization", string(d.org))
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.holder == ended {
		d.holder = id.NewHolder()
	}
	for _, l := range d.order {
		l.dead = true
	}
	d.order, d.due = nil, nil
	clear(d.slots)
	clear(d.pots)
	clear(d.graves)
}

// holders adds the names under which the desk holds.
func (d *desk) holders(to map[id.Holder]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	to[d.holder] = true
}
