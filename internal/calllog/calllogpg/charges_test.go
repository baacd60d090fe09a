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
