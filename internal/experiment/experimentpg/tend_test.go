package experimentpg_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tollgate/internal/calllog"
	"tollgate/internal/experiment"
	"tollgate/internal/money"
)

// TestAnHourWithoutItsCallsStaysAsItWas: a score that comes when the calls of its hour have ended their retention takes nothing away.
func TestAnHourWithoutItsCallsStaysAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.plan())
	w.deliver(w.call(w.running(), "a", noon.Add(10*time.Minute)))
	w.now = noon.Add(time.Hour + 3*time.Minute)
	w.turn()
	before, _ := w.rolled()
	err := w.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		for _, sql := range []string{
			`UPDATE calls_kept SET since = '2030-01-09'`, `DELETE FROM calls`,
			`INSERT INTO experiment_dirty (org_id, hour) SELECT org_id, hour FROM experiment_units`,
		} {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Hour)
	w.turn()
	after, marks := w.rolled()
	if diff := cmp.Diff(before, after); diff != "" || len(before) != 1 || marks != 0 {
		t.Errorf("%v, %d marks\n%s", before, marks, diff)
	}
}

// TestALookIsMadeOnceByManyWorkers also those of days that were missed while no worker ran.
func TestALookIsMadeOnceByManyWorkers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.start(w.plan())
	w.deliver(w.call(w.running(), "a", noon.Add(time.Minute)), w.call(w.running(), "b", noon.Add(2*time.Minute)))
	w.now = noon.Add(50*time.Hour + 5*time.Minute)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			if err := w.keeper.Turn(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	list, err := w.service.Readings(t.Context(), w.in, e.ID, 0)
	var at []string
	for _, r := range list {
		at = append(at, r.At.Sub(noon).String())
	}
	if diff := cmp.Diff([]string{"24h0m0s", "48h0m0s", "50h0m0s"}, at); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
	if last := list[2]; last.Verdict != experiment.Collecting || last.Arms[0].Units+last.Arms[1].Units != 2 {
		t.Errorf("%+v", last)
	}
	if thin, err := w.service.Readings(t.Context(), w.in, e.ID, 2); err != nil || len(thin) != 2 || !thin[1].At.Equal(list[2].At) {
		t.Errorf("%d readings, %v", len(thin), err)
	}
}

// TestAWinnerIsPromotedByItself where the plan says so, and a crash between its two steps is made good.
func TestAWinnerIsPromotedByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.plan()
	p.Auto, p.Quality, p.ScoreName = true, experiment.CostLatency, ""
	e := w.start(p)
	r := w.running()
	for i := range 49 {
		var records []calllog.Record
		for n := range 16 {
			rec := w.call(r, fmt.Sprint("unit-", i, "-", n), noon.Add(time.Duration(i)*time.Hour+time.Duration(10+n)*time.Minute))
			rec.Cost = money.NanoUSD(2_000_000 + n*1000)
			if rec.Arm == "mini" {
				rec.Cost /= 2
			}
			records = append(records, rec)
		}
		w.deliver(records...)
	}
	w.now = noon.Add(49*time.Hour + 5*time.Minute)
	w.turn()
	if e = w.read(e.ID); e.Status != experiment.Promoted || e.Winner != "mini" || e.Ramp.Stage != 50 || !e.Live {
		t.Fatalf("%s %+v: %s", e.Status, e.Ramp, e.Reading.Sentence)
	}
	// A worker records the second stage and dies before it changes the alias.
	_, err := w.store.Change(t.Context(), w.in, e.ID, func(e *experiment.Experiment) error {
		e.Ramp.Stage, e.Ramp.Until = 100, w.now.Add(24*time.Hour)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.turn()
	a, err := w.aliases.Alias(t.Context(), w.in, w.alias.ID)
	if err != nil || a.Version != 2 || a.Route.Targets[0].Model != "echo-mini" {
		t.Fatalf("%+v, %v", a, err)
	}
	// Another one changes the alias and dies before it says so.
	_, err = w.store.Change(t.Context(), w.in, e.ID, func(e *experiment.Experiment) error {
		e.Ramp.Made, e.AliasAt = 0, 1
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.turn()
	if e = w.read(e.ID); e.Ramp.Made != 2 || e.AliasAt != 2 || e.Status != experiment.Promoted {
		t.Errorf("%s %+v", e.Status, e.Ramp)
	}
	if a, err = w.aliases.Alias(t.Context(), w.in, w.alias.ID); err != nil || a.Version != 2 {
		t.Errorf("version %d, %v: the alias was changed twice", a.Version, err)
	}
	// A rollback dies after it changed the alias.
	_, err = w.store.Change(t.Context(), w.in, e.ID, func(e *experiment.Experiment) error {
		e.Live, e.Ramp.Back, e.Ramp.Reason = false, true, "by hand"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.aliases.Restore(t.Context(), w.in, w.alias.ID, 1, "", nil); err != nil {
		t.Fatal(err)
	}
	w.turn()
	if e = w.read(e.ID); e.Status != experiment.Reverted || !e.Ramp.Over {
		t.Errorf("%s %+v", e.Status, e.Ramp)
	}
	if a, err = w.aliases.Alias(t.Context(), w.in, w.alias.ID); err != nil || a.Version != 3 || !a.Route.Same(w.alias.Route) {
		t.Errorf("%+v, %v", a, err)
	}
}
