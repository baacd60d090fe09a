package lease

import (
	"context"
	"errors"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/money"
)

const (
	asksMax    = 512                    // of one exchange
	awayFirst  = 250 * time.Millisecond // that the authority is left alone after a failure; doubles
	awayLonger = 2 * time.Second
)

// told is what an exchange says of a lease.
type told struct {
	lease *lease
	ask   Ask
}

// exchange asks the authority once for all who wait, and tells it what is due. It does nothing while another is under way. It goes on
// when ctx ends: it is for others too.
func (d *desk) exchange(ctx context.Context) {
	d.mu.Lock()
	if d.flying {
		d.mu.Unlock()
		return
	}
	asks := d.collect(d.book.d.Now())
	if len(asks) == 0 {
		d.mu.Unlock()
		return
	}
	d.flying = true
	d.mu.Unlock()
	defer d.landed()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.book.cfg.Patience)
	defer cancel()
	for len(asks) > 0 { // as a rule all leases are of one holder
		same := asks[:0:0]
		var rest []told
		for _, t := range asks {
			if t.lease.holder == asks[0].lease.holder {
				same = append(same, t)
			} else {
				rest = append(rest, t)
			}
		}
		if !d.ask(ctx, same) {
			return
		}
		asks = rest
	}
}

// landed ends an exchange.
func (d *desk) landed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flying = false
	d.serve(d.book.d.Now())
	close(d.turn)
	d.turn = make(chan struct{})
}

// ask is one round trip.
func (d *desk) ask(ctx context.Context, asks []told) bool {
	b := d.book
	holder := b.d.Holder
	holder.ID = asks[0].lease.holder
	list := make([]Ask, len(asks))
	for i := range asks {
		list[i] = asks[i].ask
	}
	b.count.exchanges.Add(1)
	sent := b.d.Now()
	reply, err := b.d.Authority.Exchange(ctx, holder, list)
	now := b.d.Now()
	if err == nil && len(reply.Grants) != len(list) {
		err = errReply
	}
	switch {
	case errors.Is(err, ErrEnded):
		d.startOver(holder.ID)
		return false
	case err != nil:
		d.unsure(asks)
		b.failed(now, err)
		return false
	}
	b.answered()
	d.apply(asks, &reply, sent, now)
	b.recall(reply.Recalled)
	return true
}

// apply takes note of an answer. Every figure is of the whole life of a lease, so that one that was heard before changes nothing.
func (d *desk) apply(asks []told, reply *Reply, sent, now time.Time) {
	wrong := false
	for i := range reply.Grants {
		wrong = wrong || reply.Grants[i].Verdict == Closed
	}
	d.book.clock.heard(sent, now, reply.Now, wrong)
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range asks {
		l, g := asks[i].lease, &reply.Grants[i]
		l.granted = max(l.granted, g.Granted)
		l.told = max(l.told, asks[i].ask.Returned)
		l.last, l.replied, l.unsure = *g, now, false
	}
}

// unsure notes leases of which nobody knows what became of an exchange: they are asked for until it is known.
func (d *desk) unsure(asks []told) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range asks {
		t.lease.unsure = true
	}
}

// collect makes the asks of an exchange: for those who wait, and for what is due. Called under mu.
func (d *desk) collect(now time.Time) []told {
	asks := make([]told, 0, 8)
	at := make(map[id.Pot]int, 8)
	add := func(l *lease) *Ask {
		i, ok := at[l.pot]
		if !ok {
			i = len(asks)
			at[l.pot] = i
			asks = append(asks, told{l, d.report(l, now)})
		}
		return &asks[i].ask
	}
	away := !d.book.reachable()
	for _, w := range d.queue {
		for i := range w.hold.parts {
			p := &w.hold.parts[i]
			extra := p.extra()
			if !p.lacks(away, now) || len(asks) >= asksMax && at[p.l.pot] == 0 || !p.l.askable(extra, now) {
				continue // one that was just refused does not hold up others, which ask for less
			}
			a := add(p.l)
			if a.Need == 0 { // the first in line: more at once would be all or nothing for all of them
				a.Need = extra - p.l.room(away)
				a.Want = max(a.Want, a.Need)
			} else {
				a.Want += extra
			}
		}
	}
	n := 0
	for n < len(d.due) && len(asks) < asksMax {
		l := d.due[n]
		n++
		l.due = false
		add(l)
	}
	d.due = append(d.due[:0], d.due[n:]...)
	return asks
}

// report is how a lease stands, and what it would like to have.
func (d *desk) report(l *lease, now time.Time) Ask {
	a := Ask{Org: d.org, Budget: l.budget, Subject: l.subject, Window: l.window, Pot: l.pot, Returned: l.returned}
	if d.book.closing.Load() || l.returned > l.told || l.over(d.book.clock.now(now).Add(margin)) || now.Sub(l.used) >= horizon && l.free() >= 0 {
		return a // what gives back wants nothing
	}
	a.Want = max(l.target(now)+l.standby/money.NanoUSD(max(l.last.Holders, 1))-l.free(), 0)
	return a
}

// failed notes that the authority could not be asked: for a while nobody tries.
func (b *Book) failed(now time.Time, err error) {
	b.count.failures.Add(1)
	n := b.count.row.Add(1)
	wait := min(awayFirst<<min(n-1, 8), awayLonger)
	b.down.Store(now.Add(wait).UnixNano())
	if n == 1 {
		b.d.Logger.Warn("budget authority does not answer: leases in hand are spent on", "err", err)
	}
}

func (b *Book) answered() {
	if b.count.row.Load() != 0 && b.count.row.Swap(0) > 0 {
		b.d.Logger.Info("budget authority answers again")
	}
}
