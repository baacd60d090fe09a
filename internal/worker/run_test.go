package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/score/scorepg"
	"tollgate/internal/snapshot/snapshotpg"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagepg"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestAJobThatFailsOrPanicsIsDoneAgainAndStopsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var bad, mad, good atomic.Int64
		err := run(ctx, []job{
			{name: "bad", every: time.Second, do: func(context.Context) error { bad.Add(1); return errors.New("no") }},
			{name: "mad", every: time.Second, do: func(context.Context) error { mad.Add(1); panic("no") }},
			{name: "good", every: time.Second, do: func(context.Context) error { good.Add(1); return nil }},
		}, nil, quiet())
		if err != nil {
			t.Fatal(err)
		}
		for name, n := range map[string]int64{"bad": bad.Load(), "mad": mad.Load(), "good": good.Load()} {
			if n < 9 || n > 12 {
				t.Errorf("%s was done %d times in 10 s, want about 10", name, n)
			}
		}
	})
}

func TestAJobIsWokenButRestsInBetween(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var done atomic.Int64
		listen := func(ctx context.Context, _ string, got func(string)) error {
			for ctx.Err() == nil {
				got("")
				time.Sleep(time.Millisecond)
			}
			return ctx.Err()
		}
		err := run(ctx, []job{{name: "woken", every: time.Hour, rest: time.Second, wake: "x", do: func(context.Context) error { done.Add(1); return nil }}}, listen, quiet())
		if err != nil {
			t.Fatal(err)
		}
		if n := done.Load(); n < 9 || n > 11 {
			t.Errorf("done %d times, want about 10: woken at once, but resting a second", n)
		}
	})
}

func TestRunWaitsForTheJobUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := false
		slow := job{name: "slow", every: time.Second, do: func(context.Context) error {
			cancel()
			time.Sleep(time.Minute)
			ended = true
			return nil
		}}
		if err := run(ctx, []job{slow}, nil, quiet()); err != nil || !ended {
			t.Errorf("Run returned (%v) before the job had ended", err)
		}
	})
}

// TestAnIngestedCallIsInUsageByItself runs the real jobs on a real database.
func TestAnIngestedCallIsInUsageByItself(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	calls, bench := calllogpg.New(db), usagepg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- Run(ctx, Deps{
			Calls: calls, Roller: usage.NewRoller(bench, time.Now, quiet()), Scores: scorepg.New(db), Retention: Retention{Calls: 30 * 24 * time.Hour},
			SweepSessions: func(context.Context) (int64, error) { return 0, nil },
			PruneChanges:  snapshotpg.New(db, nil).Prune,
			Listen:        db.Listen, Now: time.Now, Logger: quiet(),
		})
	}()
	r := calllog.Record{ID: id.NewCall(), Org: in.Org(), Team: team, Outcome: calllog.OK, Price: calllog.Priced, Cost: 5}
	if _, err := calls.Ingest(t.Context(), []calllog.Record{r}, calllog.Beat{}); err != nil {
		t.Fatal(err)
	}
	service := usage.NewService(bench)
	var cost money.NanoUSD
	for deadline := time.Now().Add(20 * time.Second); cost != 5; {
		if time.Now().After(deadline) {
			t.Fatalf("cost is %d after 20 s, want 5", cost)
		}
		c, err := service.Costs(t.Context(), in, usage.Query{From: r.ID.Time().Add(-time.Hour), To: r.ID.Time().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		cost = c.Total.Cost
		time.Sleep(5 * time.Millisecond)
	}
	if n, err := calls.Astray(t.Context()); err != nil || n != 0 {
		made, _ := calls.MakeDays(t.Context(), time.Now())
		if n, err = calls.Astray(t.Context()); err != nil || n != 0 {
			t.Errorf("%d calls are astray (%v, %d partitions just made)", n, err, made)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
