package lease

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// Deps is what a Book stands on. All fields but Listen are needed.
type Deps struct {
	Authority Authority
	Holder    Holder
	Now       func() time.Time
	Logger    *slog.Logger
	// Listen tells of pots that others are in need of, until ctx ends or it fails; then it is called again. nil: they are heard of with
	// the next exchange only.
	Listen func(ctx context.Context, heard func(id.Org, id.Pot)) error
}

// Config is a Book's settings. The zero value of each field is its default.
type Config struct {
	WaitersMax int           // calls of one organization that wait for room at once; 2,048
	Patience   time.Duration // for one exchange; 2 s
}

// Book is all leases of one holder: what this process may spend of budgets without asking.
//
// For every lease, under one lock: spent + open ≤ granted - returned, where open is the most that the calls under way can cost. What
// is given back is first taken off here and then told, so that it can never be spent by two.
type Book struct {
	d     Deps
	cfg   Config
	clock clock
	down  atomic.Int64 // unix nanoseconds by our clock: until then an authority that failed is left alone
	poke  chan struct{}

	closing atomic.Bool
	count   counts

	mu    sync.RWMutex
	desks map[id.Org]*desk
}

// New makes an empty Book. Run must run for money to be given back and to be fetched before it is needed.
func New(d Deps, cfg Config) *Book {
	if cfg.WaitersMax <= 0 {
		cfg.WaitersMax = 2048
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 2 * time.Second
	}
	return &Book{d: d, cfg: cfg, poke: make(chan struct{}, 1), desks: make(map[id.Org]*desk)}
}

// Share is one budget that a call falls under, and for which subject; "" where the budget has one pot.
type Share struct {
	Budget  *budget.Budget
	Subject string
}

// Claim is what a Reserve is about.
type Claim struct {
	Org      id.Org
	Calendar budget.Calendar
	Shares   []Share       // widest first: the first without room is the one that is named
	Amount   money.NanoUSD // the most that the attempt can cost
}

// Reserve holds the most that an attempt can cost on every pot that it falls into, or on none. Earlier attempts of the same call in h
// stay charged. It asks nobody while there is room; else it asks the authority once for all, and waits in line as long as every budget
// that has no room allows. Budgets that do not block are charged whether there is room or not.
//
// The error is a *Refusal, or ctx's own.
func (b *Book) Reserve(ctx context.Context, h *Hold, c Claim) error {
	d := b.desk(c.Org)
	now := b.d.Now()
	b.count.reservations.Add(1)
	d.mu.Lock()
	h.begin(d, &c, b.clock.now(now).Add(margin))
	ok := d.take(h, now)
	d.mu.Unlock()
	if ok {
		return nil
	}
	b.count.misses.Add(1)
	return d.await(ctx, h, c)
}

// desk is the leases of an organization.
func (b *Book) desk(org id.Org) *desk {
	b.mu.RLock()
	d := b.desks[org]
	b.mu.RUnlock()
	if d != nil {
		return d
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if d = b.desks[org]; d == nil {
		d = newDesk(b, org)
		b.desks[org] = d
	}
	return d
}

func (b *Book) all() []*desk {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := make([]*desk, 0, len(b.desks))
	for _, d := range b.desks {
		out = append(out, d)
	}
	return out
}

// Recall says that others are in need of a pot: what is idle of it here is given back at once.
func (b *Book) Recall(org id.Org, pot id.Pot) {
	b.mu.RLock()
	d := b.desks[org]
	b.mu.RUnlock()
	if d != nil && d.recall(pot) {
		b.wake()
	}
}

// recall does the same where it is not known whose the pot is.
func (b *Book) recall(pots []id.Pot) {
	for _, pot := range pots {
		for _, d := range b.all() {
			if d.recall(pot) {
				b.wake()
				break
			}
		}
	}
}

// wake has Run look now.
func (b *Book) wake() {
	select {
	case b.poke <- struct{}{}:
	default:
	}
}

// reachable reports that the authority answered when it was last asked. While it does not no call waits for it: Run finds out when it is back.
func (b *Book) reachable() bool { return b.count.row.Load() == 0 }

// probes reports that it is time to find out whether the authority is back.
func (b *Book) probes(now time.Time) bool {
	return !b.reachable() && now.UnixNano() >= b.down.Load()
}

// Held is what this book holds and has not spent, by all its leases; open is the part of it that calls under way may cost.
func (b *Book) Held() (idle, open money.NanoUSD) {
	for _, d := range b.all() {
		i, o := d.held()
		idle, open = idle+i, open+o
	}
	return idle, open
}
