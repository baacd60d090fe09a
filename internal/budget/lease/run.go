package lease

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"tollgate/internal/id"
	"tollgate/internal/money"
)

const (
	lookEvery   = 100 * time.Millisecond
	idleAfter   = 30 * time.Second // what nobody used for so long is given back
	idleScarce  = 3 * time.Second  // where less than a tenth of the budget is free
	forgetAfter = time.Minute
	walkMax     = 1024        // leases looked at under one lock
	flightsMax  = 8           // exchanges at once that no call waits for
	watchEvery  = time.Second // a lease that is overdrawn asks again
	aliveEvery  = 20 * time.Second
	fetchEvery  = 500 * time.Millisecond
)

// Run fetches money before it is needed and gives back what is not, until ctx ends. Then it gives everything back, for at most a few
// seconds. It returns nil.
func (b *Book) Run(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(flightsMax + 2)
	if b.d.Listen != nil {
		g.Go(func() error { b.listen(ctx); return nil })
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var alive time.Time
	for ctx.Err() == nil {
		now := b.d.Now()
		if now.Sub(alive) >= aliveEvery && b.reachable() {
			alive = now
			g.Go(func() error { b.live(ctx); return nil })
		}
		probe := b.probes(now)
		for _, d := range b.all() {
			if d.tend(now, probe) {
				probe = false
				g.Go(func() error { d.exchange(ctx); return nil })
			}
		}
		select {
		case <-ticker.C:
		case <-b.poke:
		case <-ctx.Done():
		}
	}
	_ = g.Wait()
	b.Close(ctx)
	return nil
}

// live says that the holders live, and that they are there before anything is held.
func (b *Book) live(ctx context.Context) {
	all := map[id.Holder]bool{b.d.Holder.ID: true}
	for _, d := range b.all() {
		d.holders(all)
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Patience)
	defer cancel()
	for h := range all {
		holder := b.d.Holder
		holder.ID = h
		sent := b.d.Now()
		reply, err := b.d.Authority.Exchange(ctx, holder, nil)
		if err != nil {
			return // the next exchange that matters says so
		}
		b.clock.heard(sent, b.d.Now(), reply.Now, false)
		b.recall(reply.Recalled)
	}
}

func (b *Book) listen(ctx context.Context) {
	for ctx.Err() == nil {
		if err := b.d.Listen(ctx, b.Recall); err != nil && ctx.Err() == nil {
			b.d.Logger.Debug("budget recalls are not heard", "err", err)
		}
		t := time.NewTimer(time.Second)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}

// closeTime bounds the last exchanges of a process.
const closeTime = 3 * time.Second

// Close gives back all that no call under way holds. It goes on when ctx has ended, for a few seconds.
func (b *Book) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	b.closing.Store(true) // nothing is fetched any more but for calls that wait
	for _, d := range b.all() {
		for ctx.Err() == nil && d.surrender() {
			d.exchange(ctx)
			if !b.reachable() {
				return
			}
		}
	}
}

// Succeed gives back what earlier runs of this proxy held and did not spend. It is called once, when all that they spooled is in the log.
func (b *Book) Succeed(ctx context.Context) error {
	if b.d.Holder.Boot == "" || b.d.Holder.Proxy == "" {
		return errors.New("lease: who held before is not known")
	}
	if _, err := b.d.Authority.Exchange(ctx, b.d.Holder, nil); err != nil { // it is known from now on: what comes later is not earlier
		return err
	}
	return b.d.Authority.Succeed(ctx, b.d.Holder)
}

// surrender gives back everything that is idle, and reports whether there is anything to tell.
func (d *desk) surrender() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.order {
		l.giveBack(l.free())
		if l.returned > l.told || l.unsure {
			d.mark(l)
		}
	}
	return len(d.due) > 0
}

// tend looks after the leases: some of them at a time, so that no call waits long for the lock. It reports whether there is something
// to tell the authority; probe: anything will do, to find out whether it is back.
func (d *desk) tend(now time.Time, probe bool) bool {
	for left := d.size(); left > 0; left -= walkMax {
		d.walk(now)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if probe && len(d.order) > 0 {
		d.mark(d.order[0])
		return !d.flying
	}
	return len(d.due) > 0 && !d.flying && d.book.reachable()
}

func (d *desk) size() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.order)
}

// walk goes on along the leases.
func (d *desk) walk(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.book.clock.now(now)
	for range min(walkMax, len(d.order)) {
		if d.next >= len(d.order) {
			d.next = 0
		}
		l := d.order[d.next]
		d.care(l, now, at.Add(margin))
		if d.forgettable(l, now, at) {
			d.bury(l, at)
			last := len(d.order) - 1
			d.order[d.next], d.order[last] = d.order[last], nil
			d.order = d.order[:last]
			if len(d.order) == 0 {
				return
			}
			continue
		}
		d.next++
	}
	d.rake(at)
}

// care is what one lease needs.
func (d *desk) care(l *lease, now, at time.Time) {
	l.pace.look(l.spent+l.open, now)
	switch over := l.over(at); {
	case over || l.closed() || l.gone(now):
		l.giveBack(l.free())
	case l.recalled:
		l.giveBack(l.free())
	case now.Sub(l.used) >= l.idle():
		l.giveBack(l.free() - l.aside())
	case now.Sub(l.replied) < fetchEvery: // it was asked for just now
	case !l.short() && l.low(now), l.free() < 0 && now.Sub(l.replied) >= watchEvery:
		d.mark(l)
	}
	l.recalled = false
	if l.returned > l.told || l.unsure {
		d.mark(l)
	}
}

// idle is how long a lease may lie unused before it is given back.
func (l *lease) idle() time.Duration {
	if free := l.last.Limit - l.last.Committed; free < l.last.Limit/10 {
		return idleScarce
	}
	return idleAfter
}

// forgettable reports a lease of which nothing is in hand, and that nobody will ask for soon.
func (d *desk) forgettable(l *lease, now, at time.Time) bool {
	if !l.done() || l.due || now.Sub(l.used) < forgetAfter && !l.over(at) {
		return false
	}
	for _, w := range d.queue {
		for i := range w.hold.parts {
			if w.hold.parts[i].l == l {
				return false
			}
		}
	}
	return true
}

// rakeMax bounds the graves looked at in one walk.
const rakeMax = 64

// rake gives up graves whose windows nobody asks for any more. Maps are walked from anywhere, so every grave has its turn.
func (d *desk) rake(at time.Time) {
	n := 0
	for pot, g := range d.graves {
		if n++; n > rakeMax {
			return
		}
		if !g.until.IsZero() && at.After(g.until) {
			delete(d.graves, pot)
		}
	}
}

// Spent is what calls that have ended were charged, by all leases in memory. It is for tests and figures.
func (b *Book) Spent() (sum money.NanoUSD) {
	for _, d := range b.all() {
		d.mu.Lock()
		for _, l := range d.order {
			sum += l.spent
		}
		d.mu.Unlock()
	}
	return sum
}
