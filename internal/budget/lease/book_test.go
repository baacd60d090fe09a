package lease_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/budget/lease/leasetest"
	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

const dollar = money.NanoUSD(1_000_000_000)

// world is an authority and books that hold of it.
type world struct {
	t    *testing.T
	auth *leasetest.Authority
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, auth: leasetest.New(time.Now)}
}

func (w *world) budget(name string, limit money.NanoUSD, change func(*budget.Budget)) *budget.Budget {
	b := &budget.Budget{ID: id.Budget(name), Name: name, Mode: budget.Block, Limits: []budget.Limit{{Period: budget.Total, Amount: limit}}}
	if change != nil {
		change(b)
	}
	w.auth.Add(b)
	return b
}

func (w *world) book(now func() time.Time) *lease.Book {
	return lease.New(lease.Deps{
		Authority: w.auth, Holder: lease.Holder{ID: id.NewHolder(), Proxy: "prx_a", Boot: "boot"}, Now: now, Logger: slog.New(slog.DiscardHandler),
	}, lease.Config{})
}

// runs runs a book until the test's end.
func runs(t *testing.T, b *lease.Book) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = b.Run(ctx) }()
	return func() { cancel(); <-done }
}

func claim(amount money.NanoUSD, budgets ...*budget.Budget) lease.Claim {
	c := lease.Claim{Org: "org_a", Amount: amount}
	for _, b := range budgets {
		c.Shares = append(c.Shares, lease.Share{Budget: b})
	}
	return c
}

// settle ends a hold as a call does, and books what it weighed.
func (w *world) settle(h *lease.Hold, amount money.NanoUSD) (overrun money.NanoUSD) {
	h.Announced()
	h.Conclude(amount)
	charges := h.Charges(nil)
	h.Settle()
	for _, c := range charges {
		overrun += w.auth.Settle(c.Pot, c.Holder, c.Amount)
	}
	return overrun
}

func potOf(b *budget.Budget) id.Pot {
	return budget.Pot("org_a", b.ID, "", budget.Calendar{}.Window(b.Limits[0].Period, time.Now()))
}

func TestNothingIsAskedWhileThereIsRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", 1000*dollar, nil)
		book := w.book(time.Now)
		stop := runs(t, book)
		for range 10_000 {
			var h lease.Hold
			if err := book.Reserve(t.Context(), &h, claim(dollar/1000, b)); err != nil {
				t.Fatal(err)
			}
			w.settle(&h, dollar/2000)
			time.Sleep(time.Millisecond)
		}
		if n := w.auth.Trips(); n > 100 {
			t.Errorf("10,000 admitted calls took %d round trips, want at most 100", n)
		}
		stop()
		if s := w.auth.Pot(potOf(b)); s.Held != 0 || s.Posted != 5*dollar {
			t.Errorf("after the end: %+v, want nothing held and $5 spent", s)
		}
	})
}

func TestARefusalSaysWhatStandsInTheWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		wide := w.budget("bud_wide", 100*dollar, nil)
		b := w.budget("bud_a", dollar, func(b *budget.Budget) { b.Limits[0].Period = budget.Day; b.Wait = -1 })
		w.auth.Set(b.ID, budget.Day, dollar)
		book := w.book(time.Now)
		var h, more lease.Hold
		if err := book.Reserve(t.Context(), &h, claim(dollar*9/10, wide, b)); err != nil {
			t.Fatal(err)
		}
		err := book.Reserve(t.Context(), &more, claim(dollar/5, wide, b))
		var r *lease.Refusal
		if !errors.As(err, &r) || !errors.Is(err, budget.ErrExceeded) {
			t.Fatalf("got %v, want a refusal", err)
		}
		if r.Budget != b || r.Limit != dollar || r.Left != dollar/10 || r.Needed != dollar/5 || r.Window.Period != budget.Day || r.Held != dollar*9/10 {
			t.Errorf("%+v", r)
		}
		if more.Pending(); !noneHeld(&more) {
			t.Error("a refused call holds money")
		}
		w.settle(&h, dollar/10)
		if err := book.Reserve(t.Context(), &more, claim(dollar/5, wide, b)); err != nil {
			t.Errorf("money came back, and is not to be had: %v", err)
		}
		w.settle(&more, 0)
	})
}

func noneHeld(h *lease.Hold) bool {
	_, pending := h.Pending()
	return !pending && len(h.Charges(nil)) == 0
}

func TestACallWaitsForWhatOthersGiveBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", dollar, nil)
		book := w.book(time.Now)
		var first, second lease.Hold
		if err := book.Reserve(t.Context(), &first, claim(dollar, b)); err != nil {
			t.Fatal(err)
		}
		go func() { time.Sleep(time.Second); w.settle(&first, dollar/10) }()
		if err := book.Reserve(t.Context(), &second, claim(dollar/2, b)); err != nil {
			t.Fatal(err)
		}
		if second.Waited < 900*time.Millisecond || second.Waited > 1100*time.Millisecond {
			t.Errorf("waited %s, want the second until the money came back", second.Waited)
		}
		w.settle(&second, 0)
		began := time.Now()
		var third, fourth lease.Hold
		if err := book.Reserve(t.Context(), &third, claim(dollar*9/10, b)); err != nil {
			t.Fatal(err)
		}
		if err := book.Reserve(t.Context(), &fourth, claim(dollar/2, b)); !errors.Is(err, budget.ErrExceeded) {
			t.Fatalf("got %v", err)
		}
		if d := time.Since(began); d < budget.DefaultWait || d > budget.DefaultWait+200*time.Millisecond {
			t.Errorf("gave up after %s, want %s", d, budget.DefaultWait)
		}
		w.settle(&third, dollar*9/10)
		began = time.Now()
		if err := book.Reserve(t.Context(), &fourth, claim(dollar/2, b)); !errors.Is(err, budget.ErrExceeded) || time.Since(began) > 200*time.Millisecond {
			t.Errorf("waits %s for what nobody can give back: %v", time.Since(began), err)
		}
	})
}

// TestMoneyMovesBetweenProxies: what one holds idle comes to the other that needs it, within a moment.
func TestMoneyMovesBetweenProxies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", dollar, func(b *budget.Budget) { b.Wait = -1 })
		one, two := w.book(time.Now), w.book(time.Now)
		stop, stop2 := runs(t, one), runs(t, two)
		var h lease.Hold
		if err := one.Reserve(t.Context(), &h, claim(dollar/4, b)); err != nil {
			t.Fatal(err)
		}
		w.settle(&h, 0)
		var all lease.Hold
		if err := two.Reserve(t.Context(), &all, claim(dollar, b)); !errors.Is(err, budget.ErrExceeded) {
			t.Fatalf("before anybody heard of the need: %v", err)
		}
		one.Recall("org_a", potOf(b))
		time.Sleep(250 * time.Millisecond)
		if err := two.Reserve(t.Context(), &all, claim(dollar, b)); err != nil {
			t.Fatalf("the idle money of the other: %v", err)
		}
		w.settle(&all, dollar)
		stop()
		stop2()
		if s := w.auth.Pot(potOf(b)); s.Posted != dollar || s.Held != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWithoutTheAuthorityWhatIsInHandIsSpentAndNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		deny := w.budget("bud_a", 100*dollar, nil)
		aside := w.budget("bud_b", 100*dollar, func(b *budget.Budget) { b.Offline, b.Standby = budget.Standby, 2*dollar })
		book := w.book(time.Now)
		defer runs(t, book)()
		spend := func(b *budget.Budget) (total money.NanoUSD, err error) {
			for range 100_000 {
				var h lease.Hold
				if err := book.Reserve(t.Context(), &h, claim(dollar/1000, b)); err != nil {
					return total, err
				}
				w.settle(&h, dollar/1000)
				total += dollar / 1000
			}
			return total, nil
		}
		for _, b := range []*budget.Budget{deny, aside} {
			var h lease.Hold
			if err := book.Reserve(t.Context(), &h, claim(dollar/1000, b)); err != nil {
				t.Fatal(err)
			}
			w.settle(&h, 0)
		}
		time.Sleep(2 * time.Second)
		w.auth.Away(true)
		got, err := spend(deny)
		if !errors.Is(err, budget.ErrUnreachable) || got == 0 || got > dollar {
			t.Errorf("spent %d: %v, want what was in hand and then %v", got, err, budget.ErrUnreachable)
		}
		began := time.Now()
		if _, err := spend(deny); !errors.Is(err, budget.ErrUnreachable) || time.Since(began) > 100*time.Millisecond {
			t.Errorf("%v after %s: while the authority is known to be away nobody waits for it", err, time.Since(began))
		}
		if got, err := spend(aside); !errors.Is(err, budget.ErrUnreachable) || got < 2*dollar || got > 3*dollar {
			t.Errorf("spent %d: %v, want what was set aside, too", got, err)
		}
		w.auth.Away(false)
		time.Sleep(3 * time.Second)
		var h lease.Hold
		if err := book.Reserve(t.Context(), &h, claim(dollar/1000, deny)); err != nil {
			t.Errorf("the authority is back: %v", err)
		}
		w.settle(&h, 0)
	})
}

// TestALostAnswerIsHeardOfLater: what was granted and not heard of is neither lost nor counted twice.
func TestALostAnswerIsHeardOfLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", dollar, func(b *budget.Budget) { b.Wait = -1 })
		book := w.book(time.Now)
		stop := runs(t, book)
		time.Sleep(time.Second)
		var spent money.NanoUSD
		for i := range 200 {
			if i%3 == 0 {
				w.auth.Lose(1)
			}
			var h lease.Hold
			if err := book.Reserve(t.Context(), &h, claim(dollar/100, b)); err == nil {
				w.settle(&h, dollar/100)
				spent += dollar / 100
			}
			if spent > dollar {
				t.Fatalf("spent %d of a dollar", spent)
			}
			time.Sleep(700 * time.Millisecond)
		}
		if spent != dollar {
			t.Errorf("spent %d, want the dollar", spent)
		}
		stop()
		if s := w.auth.Pot(potOf(b)); s.Held != 0 || s.Posted != dollar {
			t.Errorf("%+v", s)
		}
	})
}

// TestALeaseForgottenIsNotCountedTwice: the authority counts on for the life of a holder, and so must whoever begins anew.
func TestALeaseForgottenIsNotCountedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", dollar, func(b *budget.Budget) { b.Wait = -1 })
		book := w.book(time.Now)
		stop := runs(t, book)
		var spent money.NanoUSD
		for range 8 {
			for range 4 {
				var h lease.Hold
				if err := book.Reserve(t.Context(), &h, claim(dollar/10, b)); err == nil {
					w.settle(&h, dollar/10)
					spent += dollar / 10
				}
			}
			time.Sleep(5 * time.Minute) // it is given back, and forgotten
			if n := lease.Count(book); n != 0 {
				t.Fatalf("%d leases in memory that nobody uses", n)
			}
		}
		stop()
		if spent != dollar {
			t.Errorf("spent %d of a dollar", spent)
		}
	})
}

func TestTheAuthoritysClockDecides(t *testing.T) {
	t.Parallel()
	for _, wrong := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute, 26 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			b := w.budget("bud_a", dollar, func(b *budget.Budget) { b.Limits[0].Period = budget.Hour; b.Wait = -1 })
			w.auth.Set(b.ID, budget.Hour, dollar)
			book := w.book(func() time.Time { return time.Now().Add(wrong) })
			stop := runs(t, book)
			time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour - 30*time.Second)))
			spent := map[int64]money.NanoUSD{}
			for range 600 {
				var h lease.Hold
				before := time.Now()
				err := book.Reserve(t.Context(), &h, claim(dollar/100, b))
				if err == nil {
					hour := before.Add(time.Second).Truncate(time.Hour).Unix()
					spent[hour] += dollar / 100
					w.settle(&h, dollar/100)
				}
				time.Sleep(100 * time.Millisecond)
			}
			stop()
			if len(spent) != 2 {
				t.Errorf("clock wrong by %s: spent in %d windows, want in two", wrong, len(spent))
			}
			for hour, n := range spent {
				if n != dollar {
					t.Errorf("clock wrong by %s: spent %d in the hour of %s", wrong, n, time.Unix(hour, 0))
				}
			}
		})
	}
}

func TestAWatchingBudgetRefusesNothingAndSaysWhatItWouldHave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", dollar, func(b *budget.Budget) { b.Mode = budget.Watch })
		book := w.book(time.Now)
		stop := runs(t, book)
		would := 0
		for range 30 {
			var h lease.Hold
			if err := book.Reserve(t.Context(), &h, claim(dollar/10, b)); err != nil {
				t.Fatal(err)
			}
			would += len(h.Would)
			w.settle(&h, dollar/10)
			time.Sleep(time.Second)
		}
		if would < 19 || would > 20 {
			t.Errorf("%d of 30 calls would have been refused, want those past the tenth", would)
		}
		stop()
		if s := w.auth.Pot(potOf(b)); s.Posted != 3*dollar || s.Held != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestABudgetThatIsGoneHoldsNothingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := &budget.Budget{ID: "bud_gone", Mode: budget.Block, Limits: []budget.Limit{{Period: budget.Day, Amount: 1}}}
		book := w.book(time.Now)
		var h lease.Hold
		if err := book.Reserve(t.Context(), &h, claim(dollar, b)); err != nil || len(h.Charges(nil)) != 0 {
			t.Errorf("%v, %v", err, h.Charges(nil))
		}
	})
}

func TestAnEndedHolderStartsAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", 10*dollar, nil)
		me := lease.Holder{ID: id.NewHolder(), Proxy: "prx_a", Boot: "b"}
		book := lease.New(lease.Deps{Authority: w.auth, Holder: me, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}, lease.Config{})
		var h, next lease.Hold
		if err := book.Reserve(t.Context(), &h, claim(dollar/100, b)); err != nil {
			t.Fatal(err)
		}
		w.auth.End(me.ID)
		if err := book.Reserve(t.Context(), &next, claim(5*dollar, b)); err != nil {
			t.Fatal(err)
		}
		if c := next.Charges(nil); len(c) != 1 || c[0].Holder == me.ID {
			t.Errorf("held by %v", c)
		}
		if c := h.Charges(nil); c[0].Holder != me.ID {
			t.Errorf("what was open is charged to %v", c)
		}
		w.settle(&h, 0)
		w.settle(&next, 0)
	})
}

// TestAttemptsAddUp: what is held for a call is never less than its newest announcement says.
func TestAttemptsAddUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", 100*dollar, nil)
		book := w.book(time.Now)
		var h lease.Hold
		must := func(amount money.NanoUSD) {
			t.Helper()
			if err := book.Reserve(t.Context(), &h, claim(amount, b)); err != nil {
				t.Fatal(err)
			}
		}
		open := func(want money.NanoUSD, when string) {
			t.Helper()
			if _, got := book.Held(); got != want {
				t.Errorf("%s %d is open, want %d", when, got, want)
			}
		}
		must(10)
		h.Announced()
		open(10, "after the first announcement")
		h.Conclude(0)
		open(10, "before the end of the first attempt is announced")
		must(4)
		open(10, "with the second in the first one's room")
		h.Announced()
		open(4, "after the second announcement")
		h.Conclude(3)
		must(20)
		open(23, "with a third")
		h.Cancel()
		open(4, "without the third, the second announcement still stands:")
		if c := h.Charges(nil); len(c) != 1 || c[0].Amount != 3 {
			t.Errorf("charges %v, want 3", c)
		}
		must(1)
		h.Announced()
		if over := h.Conclude(5); over != 4 {
			t.Errorf("more than its bound by %d, want 4", over)
		}
		open(8, "after an attempt that cost more than it could")
		h.Settle()
		open(0, "at the end")
		if got := book.Spent(); got != 8 {
			t.Errorf("spent %d, want 8", got)
		}
		must(7)
		h.Announced()
		h.Conclude(1)
		h.Keep()
		if got := book.Spent(); got != 15 {
			t.Errorf("spent %d, want the announced 7 more, because the end was not written", got)
		}
	})
}

// TestSpendStaysWithinTheLimitAndNothingLeaks lets many calls at several proxies reserve, retry, settle, give up and crash, at random.
func TestSpendStaysWithinTheLimitAndNothingLeaks(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		w := newWorld(t)
		all := w.budget("bud_all", dollar, func(b *budget.Budget) { b.Wait = 50 * time.Millisecond })
		each := w.budget("bud_each", dollar/5, func(b *budget.Budget) { b.Each = "end_user"; b.Wait = 50 * time.Millisecond })
		watch := w.budget("bud_watch", dollar/10, func(b *budget.Budget) { b.Mode = budget.Watch })
		var books []*lease.Book
		var stops []func()
		for range 4 {
			b := w.book(time.Now)
			books, stops = append(books, b), append(stops, runs(t, b))
		}
		var mu sync.Mutex
		spent := map[id.Pot]money.NanoUSD{}
		var overruns money.NanoUSD
		var calls sync.WaitGroup
		for n := range 400 {
			calls.Go(func() {
				r := rand.New(rand.NewPCG(seed, uint64(n)))
				book := books[r.IntN(len(books))]
				var h lease.Hold
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(100))*time.Millisecond)
				defer cancel()
				charges := attempts(ctx, book, &h, r, []lease.Share{{Budget: all}, {Budget: each, Subject: string('a' + rune(n%7))}, {Budget: watch}})
				for _, c := range charges {
					over := w.auth.Settle(c.Pot, c.Holder, c.Amount)
					mu.Lock()
					spent[c.Pot] += c.Amount
					if c.Budget != watch.ID {
						overruns += over
					}
					mu.Unlock()
				}
			})
		}
		calls.Wait()
		for _, stop := range stops {
			stop()
		}
		for _, b := range books {
			if idle, open := b.Held(); idle != 0 || open != 0 {
				t.Errorf("seed %d: %d idle and %d open after the end", seed, idle, open)
			}
		}
		if overruns != 0 {
			t.Errorf("seed %d: %d more was settled than was ever lent", seed, overruns)
		}
		for pot, s := range w.auth.Each {
			if s.Held != 0 || s.Posted != spent[pot] || s.Limit != dollar/10 && s.Posted > s.Limit {
				t.Errorf("seed %d: pot %s stands at %+v, and %d was spent", seed, pot, s, spent[pot])
			}
		}
	}
}

// attempts is one call: up to three attempts of random cost. It gives what the call is charged.
func attempts(ctx context.Context, book *lease.Book, h *lease.Hold, r *rand.Rand, shares []lease.Share) []calllog.Charge {
	for range 1 + r.IntN(3) {
		bound := money.NanoUSD(1 + r.Int64N(int64(dollar/50)))
		if book.Reserve(ctx, h, lease.Claim{Org: "org_a", Shares: shares, Amount: bound}) != nil {
			break
		}
		if r.IntN(10) == 0 {
			h.Cancel()
			break
		}
		h.Announced()
		time.Sleep(time.Duration(r.IntN(2000)) * time.Microsecond)
		h.Conclude(money.NanoUSD(r.Int64N(int64(bound) + 1)))
	}
	charges := h.Charges(nil)
	h.Settle()
	return charges
}

func TestCountsAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.budget("bud_a", dollar, func(b *budget.Budget) { b.Wait = -1 })
	book := w.book(time.Now)
	var h, more lease.Hold
	_ = book.Reserve(t.Context(), &h, claim(dollar, b))
	_ = book.Reserve(t.Context(), &more, claim(dollar, b))
	h.Announced()
	h.Conclude(2 * dollar)
	h.Settle()
	f := book.Figures()
	if f.Reservations != 2 || f.Misses != 2 || f.Refusals != 1 || f.Overruns != 1 || f.Exchanges < 1 || f.Exchanges > 2 {
		t.Errorf("%+v", f)
	}
}

func BenchmarkReserve(b *testing.B) {
	auth := leasetest.New(time.Now)
	var shares []lease.Share
	for _, name := range []id.Budget{"bud_org", "bud_team", "bud_key"} {
		bud := &budget.Budget{ID: name, Mode: budget.Block, Limits: []budget.Limit{{Period: budget.Day, Amount: 1 << 60}, {Period: budget.Month, Amount: 1 << 60}}}
		auth.Add(bud)
		shares = append(shares, lease.Share{Budget: bud})
	}
	book := lease.New(lease.Deps{Authority: auth, Holder: lease.Holder{ID: id.NewHolder()}, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}, lease.Config{})
	ctx := context.Background()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var h lease.Hold
		for pb.Next() {
			if err := book.Reserve(ctx, &h, lease.Claim{Org: "org_a", Shares: shares, Amount: 1000}); err != nil {
				b.Fatal(err)
			}
			h.Announced()
			h.Conclude(500)
			h.Settle()
		}
	})
	b.ReportMetric(float64(book.Figures().Exchanges), "exchanges")
}
