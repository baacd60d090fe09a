package calllogpg_test

import (
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/tenant"
)

// TestACallsChargesSettleOnce: whoever delivers it, how often and beside what, also where its end comes in two forms.
func TestACallsChargesSettleOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	records := make([]calllog.Record, 20)
	for i := range records {
		records[i] = record(in.Org(), team, noon)
		records[i].Charges = []calllog.Charge{
			{Budget: "bud_a", Pot: id.Pot{1}, Holder: id.Holder{byte(i % 2)}, Amount: 10}, {Budget: "bud_b", Pot: id.Pot{2}, Amount: money.NanoUSD(i)},
		}
	}
	records[7].Charges = nil
	var group sync.WaitGroup
	for n := range 6 {
		group.Go(func() {
			mine := append([]calllog.Record(nil), records[n:]...)
			for i := range mine { // a call whose end was written twice says two things; the first to come counts
				mine[i].Charges = append([]calllog.Charge(nil), mine[i].Charges...)
			}
			if _, err := store.Ingest(t.Context(), mine, calllog.Beat{}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	deliver(t, store, records...)
	got := map[byte]int64{}
	err := db.InTenantPgx(t.Context(), in, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT pot, sum(settled)::bigint FROM budget_settlements GROUP BY pot`)
		if err != nil {
			return err
		}
		var pot id.Pot
		var sum int64
		_, err = pgx.ForEachRow(rows, []any{&pot, &sum}, func() error { got[pot[0]] = sum; return nil })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got[1] != 190 || got[2] != 190-7 {
		t.Errorf("settled %v, want 190 and 183", got)
	}
}

// TestChargesSettleInTheirOwnOrganization: one delivery brings calls of several, and sometimes a single one.
func TestChargesSettleInTheirOwnOrganization(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	one, teamOne := pgtest.Org(t, db, "Acme")
	two, teamTwo := pgtest.Org(t, db, "Globex")
	call := func(in tenant.Scope, team id.Team, amount money.NanoUSD) calllog.Record {
		r := record(in.Org(), team, noon)
		r.Charges = []calllog.Charge{{Budget: "bud_a", Pot: id.Pot{1}, Amount: amount}}
		return r
	}
	deliver(t, store, call(one, teamOne, 1), call(two, teamTwo, 20), call(one, teamOne, 300))
	deliver(t, store, call(two, teamTwo, 4000))
	for in, want := range map[tenant.Scope]int64{one: 301, two: 4020} {
		var got int64
		err := db.InTenantPgx(t.Context(), in, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT coalesce(sum(settled), 0)::bigint FROM budget_settlements`).Scan(&got)
		})
		if err != nil || got != want {
			t.Errorf("settled %d: %v, want %d", got, err, want)
		}
	}
}
