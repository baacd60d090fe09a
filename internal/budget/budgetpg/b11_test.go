package budgetpg_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// unreliable is an authority behind a network that loses, repeats and delays: requests as well as answers.
type unreliable struct {
	lease.Authority
	mu     sync.Mutex
	r      *rand.Rand
	well   bool
	old    []sent // requests that may come again
	events map[string]int
}

type sent struct {
	h    lease.Holder
	asks []lease.Ask
}

var errLost = errors.New("lost")

func (u *unreliable) Exchange(ctx context.Context, h lease.Holder, asks []lease.Ask) (lease.Reply, error) {
	event, delay, again := u.fate(sent{h, append([]lease.Ask(nil), asks...)})
	if event == "request lost" {
		return lease.Reply{}, errLost
	}
	reply, err := u.Authority.Exchange(ctx, h, asks)
	if event == "request repeated" {
		if _, err := u.Authority.Exchange(ctx, h, asks); err != nil {
			return lease.Reply{}, err
		}
	}
	if again != nil {
		if _, err := u.Authority.Exchange(ctx, again.h, again.asks); err != nil {
			return lease.Reply{}, err
		}
	}
	time.Sleep(delay) // so that answers overtake each other
	if event == "answer lost" {
		return lease.Reply{}, errLost
	}
	return reply, err
}

// fate draws what becomes of an exchange.
func (u *unreliable) fate(now sent) (event string, delay time.Duration, again *sent) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.well {
		return "", 0, nil
	}
	event = []string{"request lost", "answer lost", "request repeated", "delivered", "delivered", "delivered"}[u.r.IntN(6)]
	if len(u.old) > 0 && u.r.IntN(5) == 0 {
		again = &u.old[u.r.IntN(len(u.old))]
		u.events["old request"]++
	}
	u.old = append(u.old, now)
	u.events[event]++
	return event, time.Duration(u.r.IntN(20)) * time.Millisecond, again
}

func (u *unreliable) heal() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.well = true
}

// TestB11LostRepeatedAndLateMessagesAreCountedOnce has proxies spend one budget over such a network. The judge is what providers billed.
func TestB11LostRepeatedAndLateMessagesAreCountedOnce(t *testing.T) {
	t.Parallel()
	const limit, proxies, workers = money.NanoUSD(1_000_000_000), 4, 6
	d := newDesk(t)
	b := &budget.Budget{ID: d.budget(budget.Total, limit), Mode: budget.Block, Wait: -1, Limits: []budget.Limit{{Period: budget.Total, Amount: limit}}}
	net := &unreliable{Authority: d.authority, r: rand.New(rand.NewPCG(11, 11)), events: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var billed ledgerOfProviders
	var books, work errgroup.Group
	until := time.Now().Add(time.Duration(size(3, 30)) * time.Second)
	for range proxies {
		book := lease.New(lease.Deps{Authority: net, Holder: holder("p"), Now: time.Now, Logger: slog.New(slog.DiscardHandler)}, lease.Config{})
		books.Go(func() error { return book.Run(ctx) })
		for range workers {
			work.Go(func() error { return billed.spend(d, book, b, until) })
		}
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
	net.heal()
	stop()
	if err := books.Wait(); err != nil {
		t.Fatal(err)
	}
	k := d.ask(b.ID, 0, 0)
	got := d.standing(k)
	if billed.sum > limit || got.committed > int64(limit) {
		t.Errorf("providers billed %d and %d is committed, of %d", billed.sum, got.committed, limit)
	}
	if want := (standing{committed: int64(billed.sum), spent: int64(billed.sum)}); got != want {
		t.Errorf("%+v, want %+v: something was counted twice, or not given back", got, want)
	}
	if billed.calls < 100 || billed.sum < limit/10 {
		t.Errorf("only %d calls were made, for %d: the network left nothing to look at", billed.calls, billed.sum)
	}
	d.verified()
	t.Logf("B11: %d calls for $%s of $%s over a network with %v; committed = billed, held 0", billed.calls, billed.sum.USD(), limit.USD(), net.events)
}

// ledgerOfProviders is what providers billed.
type ledgerOfProviders struct {
	mu    sync.Mutex
	sum   money.NanoUSD
	calls int
}

// spend makes calls until the time is over. Refused ones are made again.
func (l *ledgerOfProviders) spend(d *desk, book *lease.Book, b *budget.Budget, until time.Time) error {
	for time.Now().Before(until) {
		bound := 1 + rand.N(money.NanoUSD(30_000_000)) // far more than most calls cost, so that leases run out all the time
		var h lease.Hold
		if book.Reserve(d.Context(), &h, lease.Claim{Org: d.in.Org(), Shares: []lease.Share{{Budget: b}}, Amount: bound}) != nil {
			h.Cancel()
			h.Settle()
			time.Sleep(time.Millisecond)
			continue
		}
		h.Announced()
		cost := rand.N(bound/20 + 1)
		l.mu.Lock()
		l.sum += cost
		l.calls++
		l.mu.Unlock()
		time.Sleep(rand.N(3 * time.Millisecond))
		h.Conclude(cost)
		var charges []charged
		for _, c := range h.Charges([]calllog.Charge(nil)) {
			charges = append(charges, charged{Org: d.in.Org(), Call: id.NewCall(), Charge: c})
		}
		h.Settle()
		if over, err := d.settled(charges); err != nil || over > 0 {
			return errors.Join(err, errors.New("settling failed or overran"))
		}
	}
	return nil
}
