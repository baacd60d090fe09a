package lease_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// TestACallNearTheEndOfAWindowCountsInTheNext: our clock, once corrected, may still be wrong by less than the margin.
func TestACallNearTheEndOfAWindowCountsInTheNext(t *testing.T) {
	t.Parallel()
	for before, next := range map[time.Duration]bool{1500 * time.Millisecond: false, 500 * time.Millisecond: true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			b := w.budget("bud_a", dollar, func(b *budget.Budget) { b.Limits[0].Period = budget.Hour })
			hour := time.Now().Truncate(time.Hour)
			time.Sleep(time.Until(hour.Add(time.Hour - before)))
			if next {
				hour = hour.Add(time.Hour)
			}
			var h lease.Hold
			if err := w.book(time.Now).Reserve(t.Context(), &h, claim(1, b)); err != nil {
				t.Fatal(err)
			}
			want := budget.Pot("org_a", b.ID, "", budget.Calendar{}.Window(budget.Hour, hour))
			if c := h.Charges(nil); len(c) != 1 || c[0].Pot != want {
				t.Errorf("%s before the end: %v, want it in the hour of %s", before, c, hour)
			}
			w.settle(&h, 1)
		})
	}
}

// TestADenialIsBelievedForAMoment: an application that goes on calling on an empty budget does not become the authority's load.
func TestADenialIsBelievedForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", dollar, func(b *budget.Budget) { b.Wait = -1 })
		book := w.book(time.Now)
		var all lease.Hold
		if err := book.Reserve(t.Context(), &all, claim(dollar, b)); err != nil {
			t.Fatal(err)
		}
		trips := w.auth.Trips()
		for range 1000 {
			var h lease.Hold
			if err := book.Reserve(t.Context(), &h, claim(dollar/5, b)); !errors.Is(err, budget.ErrExceeded) {
				t.Fatalf("got %v", err)
			}
			time.Sleep(time.Millisecond)
		}
		if n := w.auth.Trips() - trips; n < 5 || n > 11 {
			t.Errorf("1,000 refusals in a second took %d round trips, want one each 100 ms", n)
		}
		w.settle(&all, 0)
	})
}

// TestWhatIsSetAsideIsKeptWhileTheAuthorityAnswers: it is for the time when it does not.
func TestWhatIsSetAsideIsKeptWhileTheAuthorityAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", 100*dollar, func(b *budget.Budget) { b.Offline, b.Standby = budget.Standby, 2*dollar })
		book := w.book(time.Now)
		var holds [200]lease.Hold
		for i := range holds {
			if err := book.Reserve(t.Context(), &holds[i], claim(dollar/20, b)); err != nil {
				t.Fatal(err)
			}
			if idle, _ := book.Held(); i > 0 && idle < 2*dollar {
				t.Fatalf("call %d took of what is set aside: %d left in hand", i, idle)
			}
		}
		for i := range holds {
			w.settle(&holds[i], 0)
		}
	})
}

// TestWhoWaitsIsBounded: beyond the bound a call is told so at once.
func TestWhoWaitsIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", dollar, func(b *budget.Budget) { b.Wait = 10 * time.Second })
		book := lease.New(lease.Deps{
			Authority: w.auth, Holder: lease.Holder{ID: id.NewHolder()}, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		}, lease.Config{WaitersMax: 2})
		var all, third lease.Hold
		if err := book.Reserve(t.Context(), &all, claim(dollar, b)); err != nil {
			t.Fatal(err)
		}
		var line sync.WaitGroup
		for range 2 {
			line.Go(func() {
				var h lease.Hold
				if err := book.Reserve(t.Context(), &h, claim(dollar/5, b)); err != nil {
					t.Errorf("one that waits within the bound: %v", err)
				}
				w.settle(&h, 0)
			})
		}
		time.Sleep(time.Second)
		began := time.Now()
		err := book.Reserve(t.Context(), &third, claim(dollar/5, b))
		var r *lease.Refusal
		if !errors.As(err, &r) || r.Verdict != lease.Crowded || r.Budget != b || time.Since(began) != 0 {
			t.Errorf("the third that would wait got %v after %s, want to be told at once that too many wait", err, time.Since(began))
		}
		if _, pending := third.Pending(); pending {
			t.Error("the call that was sent away holds money")
		}
		w.settle(&all, 0)
		line.Wait()
	})
}

// TestAnAttemptUnderWayIsChargedAtItsBound: what the announcement says is what a crash leaves.
func TestAnAttemptUnderWayIsChargedAtItsBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.budget("bud_a", dollar, nil)
	book := w.book(time.Now)
	var h lease.Hold
	for i, want := range []money.NanoUSD{10, 3 + 20} { // the first ends with a weight of 3
		if err := book.Reserve(t.Context(), &h, claim([]money.NanoUSD{10, 20}[i], b)); err != nil {
			t.Fatal(err)
		}
		if c := h.Charges(nil); len(c) != 1 || c[0].Amount != want || c[0].Pot != potOf(b) || c[0].Holder == (id.Holder{}) || c[0].Budget != b.ID {
			t.Errorf("attempt %d: charges %v, want %d", i, c, want)
		}
		h.Announced()
		h.Conclude(3)
	}
	h.Settle()
}

// TestAnAnswerHeardAgainChangesNothing: amounts count the whole life of a lease, so that a late answer takes nothing away that a newer
// one gave.
func TestAnAnswerHeardAgainChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", 100*dollar, nil)
		late := &late{Authority: w.auth}
		book := lease.New(lease.Deps{
			Authority: late, Holder: lease.Holder{ID: id.NewHolder()}, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		}, lease.Config{})
		var holds [3]lease.Hold
		for i := range holds {
			late.repeats = i == 2
			idle, _ := book.Held()
			if err := book.Reserve(t.Context(), &holds[i], claim(idle+dollar, b)); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(late.needs); n != 4 || late.needs[2] != late.needs[3] || late.needs[3] != dollar {
			t.Errorf("needed %v: the third answer was the first one again, so the fourth exchange should need the same dollar", late.needs)
		}
		for i := range holds {
			w.settle(&holds[i], 0)
		}
	})
}

// late is an authority of whose answers one may be the first again.
type late struct {
	lease.Authority
	first   *lease.Reply
	repeats bool // the next one
	needs   []money.NanoUSD
}

// Exchange implements lease.Authority.
func (l *late) Exchange(ctx context.Context, h lease.Holder, asks []lease.Ask) (lease.Reply, error) {
	r, err := l.Authority.Exchange(ctx, h, asks)
	l.needs = append(l.needs, asks[0].Need)
	if l.first == nil {
		l.first = &r
	}
	if l.repeats {
		l.repeats = false
		return *l.first, err
	}
	return r, err
}

// TestAClientThatLeavesAsItsTurnComesHoldsNothing: whoever gave it room in the same moment gave it to nobody.
func TestAClientThatLeavesAsItsTurnComesHoldsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", dollar, nil)
		book := w.book(time.Now)
		for n := range 200 {
			var first lease.Hold
			if err := book.Reserve(t.Context(), &first, claim(dollar, b)); err != nil {
				t.Fatalf("call %d: %v: what those who left got is held for nobody", n, err)
			}
			ctx, leave := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				var h lease.Hold
				err := book.Reserve(ctx, &h, claim(dollar, b))
				if err == nil {
					w.settle(&h, 0)
				}
				done <- err
			}()
			synctest.Wait()
			leave()
			w.settle(&first, 0) // hands its room on before the one that left has noticed
			if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if _, open := book.Held(); open != 0 {
				t.Fatalf("call %d: %d is open, and there is no call", n, open)
			}
		}
	})
}

// TestABudgetThatIsThereAgainCounts: what the authority does not know is passed over for a moment only.
func TestABudgetThatIsThereAgainCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := &budget.Budget{ID: "bud_new", Mode: budget.Block, Wait: -1, Limits: []budget.Limit{{Period: budget.Day, Amount: dollar}}}
		book := w.book(time.Now)
		var h lease.Hold
		for range 50 {
			if err := book.Reserve(t.Context(), &h, claim(2*dollar, b)); err != nil {
				t.Fatal(err)
			}
			w.settle(&h, 0)
		}
		if n := w.auth.Trips(); n > 2 {
			t.Errorf("a budget that is gone was asked for %d times at once", n)
		}
		w.auth.Add(b)
		time.Sleep(1100 * time.Millisecond)
		if err := book.Reserve(t.Context(), &h, claim(2*dollar, b)); !errors.Is(err, budget.ErrExceeded) {
			t.Errorf("the budget is there again, and lets twice its limit pass: %v", err)
		}
	})
}

// TestMoneyOfALostAnswerComesBackThoughNobodyCalls: what may have been granted is asked for until it is known.
func TestMoneyOfALostAnswerComesBackThoughNobodyCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		both := []*budget.Budget{w.budget("bud_a", dollar, func(b *budget.Budget) { b.Wait = -1 }), w.budget("bud_b", dollar, func(b *budget.Budget) { b.Wait = -1 })}
		book := w.book(time.Now)
		stop := runs(t, book)
		time.Sleep(time.Second)
		w.auth.Lose(1)
		var h lease.Hold
		if err := book.Reserve(t.Context(), &h, claim(dollar/2, both...)); !errors.Is(err, budget.ErrUnreachable) {
			t.Fatalf("got %v", err)
		}
		for _, b := range both {
			if s := w.auth.Pot(potOf(b)); s.Held == 0 {
				t.Fatal("nothing was granted: there is nothing to find")
			}
		}
		time.Sleep(2 * time.Minute)
		for _, b := range both { // finding out that the authority is back takes one of them; the other has to be asked for, too
			if s := w.auth.Pot(potOf(b)); s.Held != 0 {
				t.Errorf("%s: %d of an answer that was lost is still held", b.ID, s.Held)
			}
		}
		stop()
	})
}

// TestTheWaitIsTheShortestOfTheBudgets: each says how long a call may be held up at most.
func TestTheWaitIsTheShortestOfTheBudgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		long := w.budget("bud_long", dollar, func(b *budget.Budget) { b.Wait = 10 * time.Second })
		short := w.budget("bud_short", 100*dollar, func(b *budget.Budget) { b.Wait = time.Second })
		book := w.book(time.Now)
		var first, second lease.Hold
		if err := book.Reserve(t.Context(), &first, claim(dollar, long, short)); err != nil {
			t.Fatal(err)
		}
		for _, order := range [][]*budget.Budget{{long, short}, {short, long}} {
			began := time.Now()
			err := book.Reserve(t.Context(), &second, claim(dollar/2, order...))
			if took := time.Since(began); !errors.Is(err, budget.ErrExceeded) || took < 900*time.Millisecond || took > 1200*time.Millisecond {
				t.Errorf("waited %s, want a second: %v", took, err)
			}
		}
		w.settle(&first, 0)
	})
}

// TestALeaseOfALongCallIsNotForgotten: what the call costs in the end counts where it was held.
func TestALeaseOfALongCallIsNotForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", dollar, func(b *budget.Budget) { b.Wait = -1 })
		book := w.book(time.Now)
		stop := runs(t, book)
		var h, next lease.Hold
		if err := book.Reserve(t.Context(), &h, claim(dollar*6/10, b)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		w.settle(&h, dollar*6/10)
		if err := book.Reserve(t.Context(), &next, claim(dollar*6/10, b)); !errors.Is(err, budget.ErrExceeded) {
			t.Errorf("after 60 cents another 60 of the dollar: %v", err)
		}
		stop()
		if s := w.auth.Pot(potOf(b)); s.Posted != dollar*6/10 || s.Held != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestTheAuthoritysWordThatWeAreWrongCountsAtOnce: its clock was set while an exact reading of it was in hand, and answers have become slow.
func TestTheAuthoritysWordThatWeAreWrongCountsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.budget("bud_a", dollar, func(b *budget.Budget) { b.Limits[0].Period = budget.Hour })
		book := w.book(time.Now)
		var first, second lease.Hold
		if err := book.Reserve(t.Context(), &first, claim(1, b)); err != nil {
			t.Fatal(err)
		}
		w.settle(&first, 0)
		shift := 2 * time.Hour
		w.auth.Now = func() time.Time { return time.Now().Add(shift) }
		w.auth.Delay(50 * time.Millisecond)
		if err := book.Reserve(t.Context(), &second, claim(dollar, b)); err != nil {
			t.Fatal(err)
		}
		want := budget.Pot("org_a", b.ID, "", budget.Calendar{}.Window(budget.Hour, time.Now().Add(shift)))
		if c := second.Charges(nil); len(c) != 1 || c[0].Pot != want {
			t.Errorf("held in %v, want the hour that the authority is in", c)
		}
		w.settle(&second, 0)
	})
}
