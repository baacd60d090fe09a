// Package leasetest is an authority in memory, for tests of those who hold leases. It keeps the rules of the real one, counts what it is
// asked, and can be away, slow, forgetful and repetitive.
package leasetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// Authority lends money out of pots. Its zero value is not ready: see New.
type Authority struct {
	Now func() time.Time

	mu      sync.Mutex
	limits  map[key]money.NanoUSD
	pots    map[id.Pot]*pot
	away    bool
	lose    int // answers that are lost after the work was done
	trips   int
	ended   map[id.Holder]bool
	succeed []lease.Holder
	delay   time.Duration
}

type key struct {
	budget id.Budget
	period budget.Period
}

type pot struct {
	committed, posted money.NanoUSD
	leases            map[id.Holder]*held
	shortAt           time.Time
	shortBy           id.Holder
	limit             money.NanoUSD
}

type held struct{ granted, returned, settled money.NanoUSD }

var _ lease.Authority = (*Authority)(nil)

// New makes an authority whose clock is now.
func New(now func() time.Time) *Authority {
	return &Authority{Now: now, limits: map[key]money.NanoUSD{}, pots: map[id.Pot]*pot{}, ended: map[id.Holder]bool{}}
}

// Set sets a limit; it holds at once.
func (a *Authority) Set(b id.Budget, p budget.Period, amount money.NanoUSD) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limits[key{b, p}] = amount
}

// Add sets all limits of a budget.
func (a *Authority) Add(b *budget.Budget) {
	for _, l := range b.Limits {
		a.Set(b.ID, l.Period, l.Amount)
	}
}

// Away makes every exchange fail, or not any more.
func (a *Authority) Away(away bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.away = away
}

// Lose does the next n exchanges and loses their answers.
func (a *Authority) Lose(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lose = n
}

// Delay makes every exchange take so long.
func (a *Authority) Delay(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.delay = d
}

// End ends a holder: what it asks from now on is answered with lease.ErrEnded.
func (a *Authority) End(h id.Holder) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended[h] = true
}

// Trips counts exchanges.
func (a *Authority) Trips() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.trips
}

// Succeeded are the holders that took over.
func (a *Authority) Succeeded() []lease.Holder {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.succeed
}

var errAway = errors.New("leasetest: away")

// Exchange implements lease.Authority.
func (a *Authority) Exchange(ctx context.Context, h lease.Holder, asks []lease.Ask) (lease.Reply, error) {
	a.mu.Lock()
	d := a.delay
	a.mu.Unlock()
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return lease.Reply{}, ctx.Err()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(asks) > 0 {
		a.trips++
	}
	switch {
	case a.away:
		return lease.Reply{}, errAway
	case a.ended[h.ID]:
		return lease.Reply{}, lease.ErrEnded
	}
	r := lease.Reply{Now: a.Now()}
	for i := range asks {
		r.Grants = append(r.Grants, a.grant(h, &asks[i]))
	}
	for name, p := range a.pots {
		l := p.leases[h.ID]
		if l != nil && p.shortBy != h.ID && a.Now().Sub(p.shortAt) < 2*time.Second && l.granted-l.returned > l.settled {
			r.Recalled = append(r.Recalled, name)
		}
	}
	if a.lose > 0 {
		a.lose--
		return lease.Reply{}, errAway
	}
	return r, nil
}

func (a *Authority) grant(h lease.Holder, k *lease.Ask) lease.Grant {
	p := a.pot(k.Pot)
	l := p.lease(h.ID)
	if more := k.Returned - l.returned; more > 0 {
		if k.Returned > l.granted {
			panic("leasetest: more was returned than granted")
		}
		l.returned = k.Returned
		p.committed -= more
	}
	limit, known := a.limits[key{k.Budget, k.Window.Period}]
	g := lease.Grant{Limit: limit, Holders: len(p.leases)}
	const skew = 2 * time.Second
	now := a.Now()
	free := limit - p.committed
	p.limit = limit
	switch {
	case !known:
		g.Verdict = lease.Gone
	case !k.Window.To.IsZero() && (now.Before(k.Window.From.Add(-skew)) || !now.Before(k.Window.To.Add(skew))):
		g.Verdict = lease.Closed
	case k.Need > free:
		g.Verdict, p.shortAt, p.shortBy = lease.Short, now, h.ID
	default:
		more := max(k.Need, min(k.Want, max(free, 0)/money.NanoUSD(2*len(p.leases))))
		l.granted += more
		p.committed += more
		if k.Need == 0 && k.Want > 0 && more == 0 {
			g.Verdict = lease.Short
		}
	}
	g.Granted, g.Committed, g.Posted = l.granted, p.committed, p.posted
	return g
}

func (a *Authority) pot(name id.Pot) *pot {
	p := a.pots[name]
	if p == nil {
		p = &pot{leases: map[id.Holder]*held{}}
		a.pots[name] = p
	}
	return p
}

func (p *pot) lease(h id.Holder) *held {
	l := p.leases[h]
	if l == nil {
		l = &held{}
		p.leases[h] = l
	}
	return l
}

// Succeed implements lease.Authority.
func (a *Authority) Succeed(_ context.Context, h lease.Holder) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.succeed = append(a.succeed, h)
	return nil
}

// Settle is what the ingest of a call record does with a charge.
func (a *Authority) Settle(name id.Pot, h id.Holder, amount money.NanoUSD) (overrun money.NanoUSD) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.pot(name)
	l := p.lease(h)
	l.settled += amount
	p.posted += amount
	if over := l.settled + l.returned - l.granted; over > 0 {
		l.granted += over
		p.committed += over
		return over
	}
	return 0
}

// Standing is how a pot stands.
type Standing struct{ Limit, Committed, Posted, Held money.NanoUSD }

// Pot tells how a pot stands.
func (a *Authority) Pot(name id.Pot) Standing {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.pot(name)
	return Standing{Limit: p.limit, Committed: p.committed, Posted: p.posted, Held: p.committed - p.posted}
}

// Each tells how every pot stands.
func (a *Authority) Each(yield func(id.Pot, Standing) bool) {
	a.mu.Lock()
	names := make([]id.Pot, 0, len(a.pots))
	for name := range a.pots {
		names = append(names, name)
	}
	a.mu.Unlock()
	for _, name := range names {
		if !yield(name, a.Pot(name)) {
			return
		}
	}
}
