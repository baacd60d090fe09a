package lease

import (
	"context"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/money"
)

// deniedFor is how long the authority's "too little" is believed before it is asked again.
const deniedFor = 100 * time.Millisecond

// waiter is a call that waits for room.
type waiter struct {
	hold  *Hold
	ready chan struct{} // told, at most once without being heard, that the call should look again
	taken bool          // its money is held
	began time.Time
	until time.Time
	moved int // how often its windows turned out to be others
}

func (w *waiter) tell() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// await gets room for a call that found none, or a refusal.
func (d *desk) await(ctx context.Context, h *Hold, c Claim) error {
	w := &waiter{hold: h, ready: make(chan struct{}, 1), began: d.book.d.Now()}
	w.until = w.began.Add(patience(h))
	if r := d.join(w); r != nil {
		return r
	}
	waited := false
	for {
		now := d.book.d.Now()
		turn, next := d.look(w, &c, now)
		switch {
		case next.done, next.refusal != nil && d.leave(w): // it may have got its room in the same moment
			if waited {
				h.Waited = now.Sub(w.began)
				d.book.count.waits.Add(1)
			}
			return nil
		case next.refusal != nil:
			next.refusal.Waited = now.Sub(w.began)
			d.book.count.refusals.Add(1)
			return next.refusal
		case next.ask:
			d.exchange(ctx)
			continue
		}
		waited = true
		if err := d.rest(ctx, w, turn, next.rest); err != nil {
			if d.leave(w) {
				h.Cancel()
			}
			return err
		}
	}
}

// patience is how long every budget lets the call wait.
func patience(h *Hold) time.Duration {
	least := time.Duration(-1)
	for i := range h.parts {
		p := &h.parts[i]
		if !p.in || !p.hard {
			continue
		}
		wait := p.budget.Wait
		switch {
		case wait == 0:
			wait = budget.DefaultWait
		case wait < 0:
			wait = 0
		}
		if least < 0 || wait < least {
			least = wait
		}
	}
	return max(least, 0)
}

// join puts the call in the line.
func (d *desk) join(w *waiter) *Refusal {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) >= d.book.cfg.WaitersMax {
		d.book.count.refusals.Add(1)
		r := d.refusal(w, Crowded)
		w.hold.drop()
		return r
	}
	d.queue = append(d.queue, w)
	return nil
}

// leave takes the call out of the line, and reports whether it got its room. One that did not holds nothing for the attempt.
func (d *desk) leave(w *waiter) (taken bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unqueue(w)
	if !w.taken {
		w.hold.drop()
	}
	if len(d.queue) > 0 {
		d.queue[0].tell() // it is now the one that asks
	}
	return w.taken
}

func (d *desk) unqueue(w *waiter) {
	for i, other := range d.queue {
		if other == w {
			d.queue = append(d.queue[:i], d.queue[i+1:]...)
			return
		}
	}
}

// outlook is what a waiting call does next.
type outlook struct {
	done    bool
	ask     bool // the authority, for all who wait
	refusal *Refusal
	rest    time.Duration
}

// look judges how a waiting call stands. turn is closed at the end of the exchange that is under way or comes next.
func (d *desk) look(w *waiter, c *Claim, now time.Time) (turn chan struct{}, o outlook) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w.taken {
		return nil, outlook{done: true}
	}
	d.move(w, c, now)
	if d.take(w.hold, now) {
		w.taken = true
		d.unqueue(w)
		return nil, outlook{done: true}
	}
	away := !d.book.reachable()
	o = outlook{rest: w.until.Sub(now)}
	for i := range w.hold.parts {
		p := &w.hold.parts[i]
		if !p.lacks(away, now) {
			continue
		}
		switch {
		case !away && p.l.askable(p.extra(), now):
			o.ask = !d.flying
			return d.turn, o // nothing is final while one of them may still be had
		case away && p.l.open <= p.held, away && o.rest <= 0:
			o.refusal = refuse(p, Unreachable)
			return d.turn, o
		case !away && p.l.hopeless(p.extra()), o.rest <= 0:
			o.refusal = refuse(p, Exceeded)
			return d.turn, o
		case d.queue[0] == w || w.began.After(p.l.replied):
			o.rest = min(o.rest, deniedFor-min(now.Sub(p.l.replied), deniedFor)+time.Millisecond)
		}
	}
	return d.turn, o
}

// move looks for the windows again where the authority says that they are over, or have not begun.
func (d *desk) move(w *waiter, c *Claim, now time.Time) {
	if w.moved > 3 {
		return
	}
	for i := range w.hold.parts {
		if p := &w.hold.parts[i]; p.in && p.l.closed() {
			w.moved++
			w.hold.begin(d, c, d.book.clock.now(now).Add(margin))
			return
		}
	}
}

// closed reports that no call can take of the lease: the authority takes the window for over, or not begun, or the holder for ended.
func (l *lease) closed() bool { return l.dead || !l.replied.IsZero() && l.last.Verdict == Closed }

// askable reports that the authority may have so much, by what it last said: it had, or some time has passed.
func (l *lease) askable(extra money.NanoUSD, now time.Time) bool {
	return l.replied.IsZero() || l.last.Verdict == Granted || now.Sub(l.replied) >= deniedFor || l.short() && extra-l.free() <= l.last.Limit-l.last.Committed
}

// refusal names the first budget without room.
func (d *desk) refusal(w *waiter, why Why) *Refusal {
	now := d.book.d.Now()
	away := !d.book.reachable()
	for i := range w.hold.parts {
		if p := &w.hold.parts[i]; p.lacks(away, now) {
			return refuse(p, why)
		}
	}
	return refuse(&w.hold.parts[0], why)
}

func refuse(p *part, why Why) *Refusal {
	l := p.l
	return &Refusal{
		Budget: p.budget, Subject: l.subject, Window: l.window, Pot: l.pot, Verdict: why,
		Limit: l.last.Limit, Left: l.left(), Held: max(l.last.Committed-l.last.Posted, 0), Needed: p.now,
	}
}

// rest waits until there may be news.
func (d *desk) rest(ctx context.Context, w *waiter, turn <-chan struct{}, most time.Duration) error {
	t := time.NewTimer(max(most, time.Millisecond))
	defer t.Stop()
	select {
	case <-w.ready:
	case <-turn:
	case <-t.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// serve gives what is free to those who wait, first come, first served; whoever fits where another does not goes ahead, so that money
// does not lie idle. Called under mu.
func (d *desk) serve(now time.Time) {
	kept := d.queue[:0]
	for _, w := range d.queue {
		if d.take(w.hold, now) {
			w.taken = true
			w.tell()
			continue
		}
		kept = append(kept, w)
	}
	clear(d.queue[len(kept):])
	d.queue = kept
}
