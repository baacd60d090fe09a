package budgetpg_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// big reports that the fault tests run in their full size.
func big() bool { return os.Getenv("TOLLGATE_FAULT") == "big" }

func size(small, large int) int {
	if big() {
		return large
	}
	return small
}

// TestB7RandomOperationsKeepTheInvariantsOfTheModel runs the world against the model: after every step, for every pot,
// spend ≤ committed, committed = Σ leases, settled ≤ lent, and nothing was ever lent beyond the limit of that moment.
func TestB7RandomOperationsKeepTheInvariantsOfTheModel(t *testing.T) {
	t.Parallel()
	const perSeed = 2000
	seeds, steps, calls := size(100, 2000), 0, 0
	for seed := range seeds {
		start := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
		w := newWorld(uint64(seed), "org_1", []id.Budget{"bud_0", "bud_1", "bud_2"}, start)
		m := newModel(func() time.Time { return w.now })
		w.bank = m
		for _, b := range w.budgets {
			_ = m.limit(b, 10_000)
		}
		for i := range perSeed {
			if err := w.step(); err != nil {
				t.Fatal(err)
			}
			steps++
			for pot := range m.pots {
				if wrong := m.broken(pot, w.spent[pot]); wrong != "" {
					t.Fatalf("seed %d, step %d, pot %v: %s", seed, i, pot, wrong)
				}
			}
		}
		calls += w.peaks
	}
	t.Logf("B7: %d steps of %d seeds on the model, %d calls admitted, 0 invariants broken", steps, seeds, calls)
}

// TestB7RandomOperationsKeepTheInvariantsOfPostgres runs the same world against Postgres and the model at once: they must agree on
// every answer, and on every pot after every step.
func TestB7RandomOperationsKeepTheInvariantsOfPostgres(t *testing.T) {
	t.Parallel()
	patience := time.Duration(size(3, 40)) * time.Second
	began, steps, seeds := time.Now(), 0, 0
	for seed := uint64(1); time.Since(began) < patience; seed++ {
		seeds++
		steps += bothAgree(t, seed, began.Add(patience))
		if t.Failed() {
			return
		}
	}
	t.Logf("B7: %d steps of %d seeds on Postgres, each answer and each pot as the model says, 0 invariants broken", steps, seeds)
}

func bothAgree(t *testing.T, seed uint64, until time.Time) (steps int) {
	d := newDesk(t)
	start := time.Now().UTC().Truncate(time.Second)
	var budgets []id.Budget
	for i := range 3 {
		period := budget.Total
		if i == 0 {
			period = budget.Day
		}
		budgets = append(budgets, d.budget(period, 10_000))
	}
	w := newWorld(seed, d.in.Org(), budgets, start)
	d.authority.SetClock(func() time.Time { return w.now })
	m := newModel(func() time.Time { return w.now })
	for _, b := range budgets {
		_ = m.limit(b, 10_000)
	}
	both := &twin{desk: d, model: m, now: func() time.Time { return w.now }}
	w.bank = both
	for ; steps < 3000 && time.Now().Before(until); steps++ {
		if err := w.step(); err != nil {
			t.Fatalf("seed %d, step %d: %v", seed, steps, err)
		}
		for pot := range m.pots {
			if wrong := m.broken(pot, w.spent[pot]); wrong != "" {
				t.Fatalf("seed %d, step %d, pot %v: %s", seed, steps, pot, wrong)
			}
		}
		if diff := both.compare(); diff != "" {
			t.Fatalf("seed %d, step %d: Postgres and the model differ (-model +postgres):\n%s", seed, steps, diff)
		}
	}
	d.verified()
	return steps
}

// twin does everything with both banks.
type twin struct {
	*desk
	model *model
	now   func() time.Time
}

func (b *twin) exchange(h lease.Holder, asks []lease.Ask) (lease.Reply, error) {
	want, wantErr := b.model.exchange(h, asks)
	got, err := b.authority.Exchange(b.Context(), h, asks)
	return got, same(want, wantErr, got, err)
}

func same(want lease.Reply, wantErr error, got lease.Reply, err error) error {
	if !errors.Is(err, wantErr) || err != nil && wantErr == nil {
		return fmt.Errorf("the error is %w, not %w", err, wantErr)
	}
	if err != nil {
		return err
	}
	got.Now = want.Now // to the microsecond
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
		return fmt.Errorf("the answers differ (-model +postgres):\n%s", diff)
	}
	return nil
}

func (b *twin) hold(h lease.Holder, asks []lease.Ask) (lease.Reply, error) {
	want, wantErr := b.model.hold(h, asks)
	got, err := b.authority.Hold(b.Context(), h, asks)
	return got, same(want, wantErr, got, err)
}

func (b *twin) end(h lease.Holder) error {
	_ = b.model.end(h)
	return b.authority.End(b.Context(), h.ID)
}

func (b *twin) succeed(h lease.Holder) error {
	_ = b.model.succeed(h)
	return b.authority.Succeed(b.Context(), h)
}

func (b *twin) settle(charges []charged) error {
	_ = b.model.settle(charges)
	_, err := b.settled(charges)
	return err
}

func (b *twin) finalise() error {
	_ = b.model.finalise()
	_, err := b.ledger.Finalise(b.Context(), b.now())
	return err
}

func (b *twin) limit(which id.Budget, amount money.NanoUSD) error {
	_ = b.model.limit(which, amount)
	b.exec(`UPDATE budget_limits SET amount_nano = $2 WHERE budget_id = $1`, which, amount)
	return nil
}

func (b *twin) adjust(pot id.Pot, call id.Call, amount money.NanoUSD) error {
	if b.model.pots[pot] == nil {
		return nil
	}
	_ = b.model.adjust(pot, call, amount)
	b.exec(`WITH entered AS (INSERT INTO budget_entries (org_id, pot, kind, amount, call_id) VALUES ($1, $2, 'adjust', $3, $4))
		UPDATE budget_pots SET adjusted = adjusted + $3, committed = committed + $3 WHERE org_id = $1 AND id = $2`, b.in.Org(), pot, amount, call)
	return nil
}

// books are the amounts of one pot.
type books struct {
	Committed, Adjusted, Settled, Leases money.NanoUSD
	Closed                               bool
}

// compare looks at every pot of both.
func (b *twin) compare() string {
	want, got := map[id.Pot]books{}, map[id.Pot]books{}
	for key, p := range b.model.pots {
		w := books{Committed: p.committed, Adjusted: p.adjusted, Settled: b.model.sum(key), Closed: p.closed}
		for _, l := range p.leases {
			w.Leases += l.granted - l.returned
		}
		want[key] = w
	}
	err := b.db.InSystemPgx(b.Context(), "test", func(tx pgx.Tx) error {
		rows, err := tx.Query(b.Context(), `SELECT s.pot, s.committed, s.adjusted, s.settled, s.closed_at IS NOT NULL,
			coalesce((SELECT sum(granted - returned) FROM budget_leases l WHERE l.org_id = s.org_id AND l.pot = s.pot), 0)::bigint FROM budget_standings s`)
		if err != nil {
			return err
		}
		var key id.Pot
		var g books
		_, err = pgx.ForEachRow(rows, []any{&key, &g.Committed, &g.Adjusted, &g.Settled, &g.Closed, &g.Leases}, func() error {
			got[key] = g
			return nil
		})
		return err
	})
	if err != nil {
		return err.Error()
	}
	return cmp.Diff(want, got)
}
