package budgetpg_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
)

// during runs first in a transaction; once do, which begins then, waits for a lock, it runs meanwhile, commits, and waits for do.
func (d *desk) during(first, meanwhile string, args []any, do func()) {
	d.Helper()
	done := make(chan struct{})
	err := d.db.InSystemPgx(d.Context(), "test", func(tx pgx.Tx) error {
		if _, err := tx.Exec(d.Context(), first, args...); err != nil {
			return err
		}
		go func() {
			defer close(done)
			do()
		}()
		late := time.After(20 * time.Second)
		for d.number(`SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`) == 0 {
			select {
			case <-done:
				d.Error("nothing waited")
				return nil
			case <-late:
				d.Error("nothing waits")
				return nil
			case <-time.After(5 * time.Millisecond):
			}
		}
		if meanwhile != "" {
			d.exec(meanwhile)
		}
		return nil
	})
	if err != nil {
		d.Fatal(err)
	}
	<-done
}

func TestALimitThatIsLoweredWhileAnExchangeWaitsCounts(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{
		"for a pot":                   `SELECT FROM budget_pots WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE`,
		"for a pot that is made then": `SELECT pg_advisory_xact_lock(budget_birth($1, $2))`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			k := d.ask(d.budget(budget.Total, 1000), 0, 0)
			if name == "for a pot" {
				d.exchange(holder("a"), k)
			}
			k.Need = 500
			d.during(first, `UPDATE budget_limits SET amount_nano = 100`, []any{k.Org, k.Pot}, func() {
				if g := d.exchange(holder("b"), k).Grants[0]; g.Verdict != lease.Short || g.Limit != 100 {
					t.Errorf("%+v", g)
				}
			})
		})
	}
}

func TestWhatSettlesWhileItsPotIsMadeIsCounted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := holder("a")
	settling, making := d.ask(d.budget(budget.Total, 1000, budget.Watch), 0, 0), d.ask(d.budget(budget.Total, 1000, budget.Watch), 0, 0)
	d.during(`SELECT budget_settle(ARRAY[$1], ARRAY[$2], ARRAY[$3::uuid], ARRAY[$4::uuid], ARRAY[70::bigint])`, "",
		[]any{settling.Org, settling.Budget, settling.Pot, a.ID}, func() {
			if g := d.exchange(holder("b"), settling).Grants[0]; g.Committed != 70 {
				t.Errorf("a pot that is made while a charge settles: %+v", g)
			}
		})
	d.during(`WITH turn AS (SELECT pg_advisory_xact_lock(budget_birth($1, $3)))
		INSERT INTO budget_pots (org_id, id, budget_id, period, subject, created_at) SELECT $1, $3, $2, 'total', '', now() FROM turn`, "",
		[]any{making.Org, making.Budget, making.Pot}, func() { d.settle(d.charge(making, a, 70)) })
	if got, want := d.standing(making), (standing{committed: 70, spent: 70}); got != want {
		t.Errorf("a charge that settles while its pot is made: %+v, want %+v", got, want)
	}
	d.verified()
}
