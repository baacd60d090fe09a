package budgetpg_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
)

func TestNeedIsGrantedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.ask(d.budget(budget.Total, 100), 60, 60)
	a, b := holder("a"), holder("b")
	if g := d.exchange(a, k).Grants[0]; g.Verdict != lease.Granted || g.Granted != 60 || g.Limit != 100 || g.Committed != 60 {
		t.Fatalf("the first: %+v", g)
	}
	if g := d.exchange(b, k).Grants[0]; g.Verdict != lease.Short || g.Granted != 0 || g.Committed != 60 {
		t.Fatalf("what does not fit: %+v", g)
	}
	k.Need = 40
	if g := d.exchange(b, k).Grants[0]; g.Verdict != lease.Granted || g.Granted != 40 || g.Committed != 100 {
		t.Fatalf("what fits exactly: %+v", g)
	}
	k.Need = 1
	if g := d.exchange(a, k).Grants[0]; g.Verdict != lease.Short || g.Granted != 60 {
		t.Fatalf("beyond the limit: %+v", g)
	}
	d.verified()
}

func TestWantIsGrantedASmallShareOfWhatIsLeft(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.ask(d.budget(budget.Total, 1000), 1, 1000)
	if g := d.exchange(holder("a"), k).Grants[0]; g.Granted != 500 {
		t.Errorf("alone it got %d of 1000, want half", g.Granted)
	}
	time.Sleep(300 * time.Millisecond) // who is alive is counted four times a second
	if g := d.exchange(holder("b"), k).Grants[0]; g.Granted != 125 {
		t.Errorf("as one of two it got %d of 500, want a quarter", g.Granted)
	}
	k.Need = 0
	k.Want = 10
	if g := d.exchange(holder("c"), k).Grants[0]; g.Verdict != lease.Granted || g.Granted != 10 {
		t.Errorf("a wish below its share: %+v", g)
	}
}

func TestCumulativeAmountsMakeRepeatedAndLateMessagesHarmless(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.ask(d.budget(budget.Total, 100), 80, 80)
	h := holder("a")
	d.exchange(h, k)
	d.settle(d.charge(k, h, 30))
	k.Need, k.Want = 0, 0
	for _, returned := range []int64{20, 50, 20, 50, 0} { // in any order, again and again
		k.Returned = budgetAmount(returned)
		d.exchange(h, k)
	}
	if got, want := d.standing(k), (standing{committed: 30, spent: 30, held: 0}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	k.Returned = 1000 // a holder cannot give back what it never had
	if d.exchange(h, k); d.standing(k).committed < 30 || d.number(`SELECT max(returned) FROM budget_leases`) > 80 {
		t.Errorf("%+v: what was spent or never lent came back", d.standing(k))
	}
	d.verified()
}

func TestAnEditActsAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.budget(budget.Total, 100)
	k := d.ask(b, 80, 80)
	h := holder("a")
	d.exchange(h, k)
	d.exec(`UPDATE budget_limits SET amount_nano = 50`)
	k.Need, k.Want = 1, 1
	if g := d.exchange(h, k).Grants[0]; g.Verdict != lease.Short || g.Limit != 50 || g.Granted != 80 {
		t.Errorf("below what is committed: %+v", g)
	}
	d.exec(`INSERT INTO budget_raises (org_id, id, budget_id, period, amount_nano, from_at, to_at, reason, created_at)
		VALUES ($1, 'raise_1', $2, 'total', 40, now() - interval '1 hour', now() + interval '1 hour', 'demo', now())`, d.in.Org(), b)
	if g := d.exchange(h, k).Grants[0]; g.Verdict != lease.Granted || g.Limit != 90 || g.Granted != 81 {
		t.Errorf("with a raise: %+v", g)
	}
	d.exec(`UPDATE budget_raises SET ended_at = now()`)
	if g := d.exchange(h, k).Grants[0]; g.Verdict != lease.Short || g.Limit != 50 {
		t.Errorf("after the raise was ended: %+v", g)
	}
	d.exec(`UPDATE budgets SET off = true`)
	k.Returned = 10
	if g := d.exchange(h, k).Grants[0]; g.Verdict != lease.Gone || g.Committed != 71 {
		t.Errorf("switched off: %+v; what comes back must still be taken", g)
	}
	d.verified()
}

func TestAWindowLendsWhileItRuns(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.budget(budget.Day, 100)
	h := holder("a")
	now := time.Now().UTC().Truncate(24 * time.Hour).Add(time.Hour)
	d.authority.SetClock(func() time.Time { return now })
	k := d.askIn(b, days(0), 10, 10)
	tests := []struct {
		name string
		at   time.Time
		want lease.Verdict
	}{
		{"before it begins", k.Window.From.Add(-3 * time.Second), lease.Closed},
		{"a moment before, for clocks that go ahead", k.Window.From.Add(-time.Second), lease.Granted},
		{"while it runs", k.Window.From.Add(time.Hour), lease.Granted},
		{"a moment after, for clocks that go behind", k.Window.To.Add(time.Second), lease.Granted},
		{"after its end", k.Window.To.Add(3 * time.Second), lease.Closed},
	}
	var granted int64
	for _, tt := range tests {
		now = tt.at
		if tt.want == lease.Granted {
			granted += 10
		}
		r := d.exchange(h, k)
		if g := r.Grants[0]; g.Verdict != tt.want || int64(g.Granted) != granted || !r.Now.Equal(now) {
			t.Errorf("%s: %+v at %v, want verdict %d and %d granted", tt.name, g, r.Now, tt.want, granted)
		}
	}
	k.Returned = 40
	if d.exchange(h, k); d.standing(k).committed != 0 {
		t.Errorf("after its end nothing was taken back: %+v", d.standing(k))
	}
}

func TestTheWallStandsBetweenPots(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	other, _ := pgtest.Org(t, d.db, "Globex")
	b := d.budget(budget.Total, 100)
	h := holder("a")
	theirs := lease.Ask{Org: other.Org(), Budget: b, Window: budget.Window{Period: budget.Total}, Need: 1, Want: 1}
	theirs.Pot = budget.Pot(theirs.Org, theirs.Budget, "", theirs.Window)
	if g := d.exchange(h, theirs).Grants[0]; g.Verdict != lease.Gone || g.Granted != 0 {
		t.Errorf("another organization's budget: %+v", g)
	}
	for name, change := range map[string]func(*lease.Ask){
		"a pot that is not what it says": func(k *lease.Ask) { k.Pot = theirs.Pot },
		"a budget that is not there":     func(k *lease.Ask) { k.Budget = "bud_x" },
		"a period without a limit":       func(k *lease.Ask) { k.Window = days(0) },
		"a subject of a budget for all":  func(k *lease.Ask) { k.Subject = "key_1" },
		"a negative amount":              func(k *lease.Ask) { k.Need = -1 },
	} {
		k := d.ask(b, 1, 1)
		if change(&k); name != "a pot that is not what it says" {
			k.Pot = budget.Pot(k.Org, k.Budget, k.Subject, k.Window)
		}
		if g := d.exchange(h, k).Grants[0]; g.Verdict != lease.Gone || g.Granted != 0 {
			t.Errorf("%s: %+v", name, g)
		}
	}
	if n := d.number(`SELECT count(*) FROM budget_pots`); n != 0 {
		t.Errorf("%d pots were made for them", n)
	}
}

func TestTheShortAreHeard(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.ask(d.budget(budget.Total, 100), 100, 100)
	rich, poor := holder("rich"), holder("poor")
	heard := make(chan id.Pot, 10)
	go func() { _ = d.authority.Listen(t.Context(), func(_ id.Org, pot id.Pot) { heard <- pot }) }()
	d.exchange(rich, k)
	wait := time.NewTimer(10 * time.Second)
	defer wait.Stop()
	for told := false; !told; { // the listener may not be there yet
		if r := d.exchange(poor, k); len(r.Recalled) != 0 || r.Grants[0].Verdict != lease.Short {
			t.Fatalf("the poor one: %+v", r)
		}
		select {
		case pot := <-heard:
			if told = true; pot != k.Pot {
				t.Errorf("heard %v, want %v", pot, k.Pot)
			}
		case <-wait.C:
			t.Fatal("nothing was heard")
		case <-time.After(250 * time.Millisecond):
		}
	}
	if r := d.exchange(rich); len(r.Recalled) != 1 || r.Recalled[0] != k.Pot {
		t.Errorf("recalled from the rich one: %v", r.Recalled)
	}
	k.Need, k.Want, k.Returned = 0, 0, 100
	if r := d.exchange(rich, k); len(r.Recalled) != 0 {
		t.Errorf("after it gave all back: %v", r.Recalled)
	}
}

func TestSettlingBeyondTheLeaseIsCommitted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	hard, soft := d.ask(d.budget(budget.Total, 100), 10, 10), d.ask(d.budget(budget.Total, 100, budget.Watch), 0, 0)
	a, b := holder("a"), holder("b")
	d.exchange(a, hard)
	over := d.settle(d.charge(hard, a, 25), d.charge(soft, a, 150), d.charge(soft, b, 30)) // the soft pot is not there yet
	if got, want := d.standing(hard), (standing{committed: 25, spent: 25}); got != want {
		t.Errorf("hard: %+v, want %+v", got, want)
	}
	if over != 15 {
		t.Errorf("overrun of hard budgets: %d, want 15", over)
	}
	if g := d.exchange(a, soft).Grants[0]; g.Committed != 180 || g.Granted != 150 || g.Posted != 180 {
		t.Errorf("a pot that is made after it was spent from: %+v", g)
	}
	over = d.settle(d.charge(soft, a, 5))
	if got, want := d.standing(soft), (standing{committed: 185, spent: 185}); got != want || over != 0 {
		t.Errorf("soft: %+v, want %+v; overrun %d", got, want, over)
	}
	hard.Need = 80
	if g := d.exchange(b, hard).Grants[0]; g.Verdict != lease.Short || g.Committed != 25 {
		t.Errorf("what was overspent is free again: %+v", g)
	}
	d.verified()
}

func TestASuccessorTakesOverWhatWasNotSpent(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.ask(d.budget(budget.Total, 100), 20, 20)
	first, next := holder("a"), holder("a")
	otherBoot, otherProxy, nowhere := holder("a"), holder("b"), lease.Holder{ID: id.NewHolder(), Proxy: "a"}
	otherBoot.Boot = "another"
	for _, h := range []lease.Holder{first, otherBoot, otherProxy, nowhere} {
		d.exchange(h, k)
	}
	d.settle(d.charge(k, first, 7))
	d.exchange(next, k)
	late := holder("a")
	d.exchange(late)
	if err := d.authority.Succeed(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if got, want := d.standing(k), (standing{committed: 87, spent: 7, held: 80}); got != want {
		t.Errorf("%+v, want %+v: only the earlier run of the same proxy on the same boot", got, want)
	}
	if _, err := d.authority.Exchange(t.Context(), first, []lease.Ask{k}); !errors.Is(err, lease.ErrEnded) {
		t.Errorf("the earlier run asks: %v", err)
	}
	d.settle(d.charge(k, first, 3)) // it was spent after all: nothing is lost
	if got, want := d.standing(k), (standing{committed: 90, spent: 10, held: 80}); got != want {
		t.Errorf("late: %+v, want %+v", got, want)
	}
	if d.exchange(late); d.authority.Succeed(t.Context(), next) != nil || d.standing(k).committed != 90 {
		t.Errorf("again: %+v", d.standing(k))
	}
	if err := d.authority.Succeed(t.Context(), nowhere); err != nil || d.standing(k).committed != 90 {
		t.Errorf("a holder without a boot took over: %+v (error %v)", d.standing(k), err)
	}
	d.verified()
}

func TestABatchHoldsAllOrNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	wide, tight := d.ask(d.budget(budget.Total, 100), 50, 0), d.ask(d.budget(budget.Total, 40), 50, 0)
	batch := lease.Holder{ID: id.NewHolder()}
	hold := func(asks ...lease.Ask) lease.Reply {
		r, err := d.authority.Hold(t.Context(), batch, asks)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := hold(wide, tight)
	if r.Grants[1].Verdict != lease.Short || d.number(`SELECT count(*) FROM budget_entries`) != 0 {
		t.Fatalf("one does not fit: %+v", r.Grants)
	}
	tight.Need = 40
	for range 2 { // after a crash it asks again, for the same
		if r = hold(wide, tight); r.Grants[0].Granted != 50 || r.Grants[1].Granted != 40 {
			t.Fatalf("both fit: %+v", r.Grants)
		}
	}
	d.settle(d.charge(wide, batch, 20), d.charge(tight, batch, 40))
	if err := d.authority.Succeed(t.Context(), lease.Holder{ID: id.NewHolder()}); err != nil || d.standing(wide).held != 30 {
		t.Fatalf("somebody succeeded a batch: %+v (error %v)", d.standing(wide), err)
	}
	for range 2 {
		if err := d.authority.End(t.Context(), batch.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := d.standing(wide), (standing{committed: 20, spent: 20}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, err := d.authority.Hold(t.Context(), batch, []lease.Ask{wide}); !errors.Is(err, lease.ErrEnded) {
		t.Errorf("a batch that has ended holds again: %v", err)
	}
	d.verified()
}

func TestTheLedgerCannotBeRewritten(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.ask(d.budget(budget.Total, 100), 50, 50)
	d.exchange(holder("a"), k)
	for _, sql := range []string{
		`UPDATE budget_entries SET amount = 1`, `DELETE FROM budget_entries`,
		`UPDATE budget_pots SET lent_committed = 101, lent_limit = 100`,
		`UPDATE budget_leases SET returned = granted + 1`,
	} {
		if err := d.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), sql); return err }); err == nil {
			t.Errorf("the system may %s", sql)
		}
	}
	for _, sql := range []string{
		`UPDATE budget_entries SET amount = 1`, `DELETE FROM budget_entries`, `DELETE FROM budget_pots`, `UPDATE budget_pots SET closed_at = now()`,
		`UPDATE budget_leases SET granted = 0`, `UPDATE budget_settlements SET settled = 0`, `DELETE FROM budget_leases`, `SELECT FROM budget_holders`,
	} {
		if err := d.db.InTenantPgx(t.Context(), d.in, func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), sql); return err }); err == nil {
			t.Errorf("an organization may %s", sql)
		}
	}
}
