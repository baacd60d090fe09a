package calllogpg_test

import (
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/postgres/pgtest"
)

func TestPartitionsAreMadeAheadAndRowsThatCameTooSoonMoveIn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	r := record(in.Org(), team, noon.AddDate(0, 0, 3))
	r.Payload = &calllog.Payload{}
	deliver(t, store, r)
	if n, err := store.Astray(t.Context()); n != 1 || err != nil {
		t.Fatalf("Astray = %d, %v; want 1", n, err)
	}
	made, err := store.MakeDays(t.Context(), noon)
	if err != nil || made != 2*16 {
		t.Fatalf("MakeDays = %d, %v; want 16 days of 2 tables", made, err)
	}
	if made, err := store.MakeDays(t.Context(), noon.Add(time.Hour)); err != nil || made != 0 {
		t.Errorf("MakeDays again = %d, %v; want 0", made, err)
	}
	if n, err := store.Astray(t.Context()); n != 0 || err != nil {
		t.Errorf("Astray = %d, %v; want 0", n, err)
	}
	deliver(t, store, r, record(in.Org(), team, noon.AddDate(0, 0, 14)))
	if n, err := store.Astray(t.Context()); n != 0 || err != nil {
		t.Errorf("Astray 14 days ahead = %d, %v; want 0", n, err)
	}
	if n := rows(t, db, "calls"); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
	if n := rows(t, db, "call_payloads"); n != 1 {
		t.Errorf("%d payloads, want 1", n)
	}
}

func TestRetentionDropsWholeDaysButNoneThatWaitsForItsUsage(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	now := time.Now().UTC()
	old := now.AddDate(0, 0, -10)
	if _, err := store.MakeDays(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	aged, young := record(in.Org(), team, old), record(in.Org(), team, now)
	aged.Payload, young.Payload = &calllog.Payload{}, &calllog.Payload{}
	deliver(t, store, aged, young)
	keep, keepBodies := now.AddDate(0, 0, -5), now.AddDate(0, 0, -5)
	if _, err := store.Retire(t.Context(), keep, keepBodies); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, db, "calls"); n != 2 {
		t.Fatalf("%d calls, want 2: the old day waits for its usage", n)
	}
	if n := rows(t, db, "call_payloads"); n != 1 {
		t.Errorf("%d payloads, want 1", n)
	}
	err := db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `DELETE FROM usage_dirty`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if dropped, err := store.Retire(t.Context(), keep, keepBodies); err != nil || dropped == 0 {
		t.Fatalf("Retire = %d, %v", dropped, err)
	}
	if n := rows(t, db, "calls"); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
	if got, err := store.Call(t.Context(), in, young.ID); err != nil || got.ID != young.ID {
		t.Errorf("the young call: %v", err)
	}
	d, err := store.Ingest(t.Context(), []calllog.Record{aged}, calllog.Beat{})
	if err != nil || len(d.Rejected) != 1 {
		t.Errorf("a record older than the log reaches: %+v, %v; want it rejected", d, err)
	}
	if _, err := store.Retire(t.Context(), now.AddDate(0, 0, 1), keepBodies); err == nil {
		t.Error("Retire of today was not refused")
	}
}

func TestRetentionAndPartitionsDoNotDisturbIngest(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	now := time.Now().UTC()
	if _, err := store.MakeDays(t.Context(), now.AddDate(0, 0, -30)); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	stop := make(chan struct{})
	sent := 0
	group.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := store.Ingest(t.Context(), []calllog.Record{record(in.Org(), team, now)}, calllog.Beat{}); err != nil {
				t.Errorf("Ingest: %v", err)
				return
			}
			sent++
		}
	})
	for i := range 10 {
		if _, err := store.MakeDays(t.Context(), now.AddDate(0, 0, i-20)); err != nil {
			t.Error(err)
		}
		if _, err := store.Retire(t.Context(), now.AddDate(0, 0, i-28), now.AddDate(0, 0, i-28)); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	group.Wait()
	if n := rows(t, db, "calls"); n != sent {
		t.Errorf("%d calls, want %d", n, sent)
	}
}
