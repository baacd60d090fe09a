package calllogpg_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
)

func TestWhatWasNotToldIsNotZero(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	silent, zero := record(in.Org(), team, noon), record(in.Org(), team, noon)
	silent.ProviderCost, silent.Attempts[1].ProviderCost = nil, nil
	zero.ProviderCost, zero.Attempts[1].ProviderCost = new(money.NanoUSD), new(money.NanoUSD)
	deliver(t, store, silent, zero)
	for _, want := range []calllog.Record{silent, zero} {
		got, err := store.Call(t.Context(), in, want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got.Record); d != "" {
			t.Errorf("(-stored +read):\n%s", d)
		}
	}
	if n := rows(t, db, "calls WHERE provider_cost_nano IS NULL"); n != 1 {
		t.Errorf("%d calls without a told cost, want 1", n)
	}
}

// Every word of a price state is one that the schema takes.
func TestEveryPriceStateIsStored(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	for _, state := range []calllog.PriceState{calllog.Unpriced, calllog.Priced, calllog.Free, calllog.NoCharge} {
		r := record(in.Org(), team, noon)
		r.Price, r.Attempts[1].Price = state, state
		deliver(t, store, r)
		got, err := store.Call(t.Context(), in, r.ID)
		if err != nil || got.Price != state || got.Attempts[1].Price != state {
			t.Errorf("%q came back as %q, %v", state, got.Price, err)
		}
	}
	refused := record(in.Org(), team, noon) // a gateway that forgot to say it
	refused.Outcome, refused.Price, refused.Attempts = calllog.Refused, calllog.Unpriced, nil
	deliver(t, store, refused)
	if got, err := store.Call(t.Context(), in, refused.ID); err != nil || got.Price != calllog.NoCharge {
		t.Errorf("a refused call is %q, %v", got.Price, err)
	}
}

// TestGoingBackARelease: the columns of migration 11 go, and what stood in the others stays.
func TestGoingBackARelease(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := pgtest.Open(t, url, postgres.Options{MaxConns: 4})
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	if _, err := store.MakeDays(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	r := record(in.Org(), team, noon)
	r.Price = calllog.NoCharge
	deliver(t, store, r)
	err := db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		for _, endpoint := range []string{"chat", "embeddings"} {
			if _, err := tx.Exec(t.Context(), `INSERT INTO usage_hourly (org_id, hour, team_id, key_id, workflow, environment, alias, provider, model, endpoint,
				calls, errors, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, input_audio, output_audio, web_search, cost_nano, unpriced, estimated)
				VALUES ($1, $2, 't', 'k', '', '', '', 'p', 'm', $3, 2, 1, 9223372036854775807, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0)`, string(in.Org()), noon, endpoint); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := postgres.MigrateDown(t.Context(), url, 10); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, db, "calls WHERE price_state = 'free'"); n != 1 {
		t.Errorf("%d calls are free, want the one that cost nothing", n)
	}
	if n := rows(t, db, "usage_hourly WHERE calls = 4 AND errors = 2 AND cost_nano = 14 AND input = 9223372036854775807"); n != 1 || rows(t, db, "usage_hourly") != 1 {
		t.Error("usage of two endpoints did not become one row")
	}
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, db, "usage_hourly WHERE endpoint = 'chat' AND calls = 4"); n != 1 {
		t.Error("usage from before has no endpoint")
	}
	deliver(t, store, record(in.Org(), team, noon.AddDate(0, 0, 1)))
}
