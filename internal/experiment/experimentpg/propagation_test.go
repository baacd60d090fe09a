package experimentpg_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/price/pricepg"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot"
	"tollgate/internal/snapshot/snapshotpg"
)

// TestProxiesLearnOfAStartWithinASecond follows the configuration as a proxy does.
func TestProxiesLearnOfAStartWithinASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	source := snapshotpg.New(w.db, pricepg.New(w.db))
	f := snapshot.NewFollower(snapshot.Deps{
		Source: source, Vendors: catalog.Vendor, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		Open: func(context.Context, id.Org, credential.Credential, credential.Sealed) (secret.Text, error) {
			return secret.Text{}, nil
		},
	})
	f.Boot(t.Context())
	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { _ = f.Run(ctx) })
	t.Cleanup(func() { stop(); following.Wait() })
	<-f.Loaded()
	deals := func(want bool) time.Duration {
		t.Helper()
		start := time.Now()
		for {
			if o, ok := f.Snapshot().Org(w.in.Org()); ok && (o.Experiments["fast-classifier"] != nil) == want {
				return time.Since(start)
			}
			if time.Since(start) > 10*time.Second {
				t.Fatalf("proxies deal: not %v after 10 s", want)
			}
			time.Sleep(time.Millisecond) // polling with a deadline
		}
	}
	e := w.start(w.plan())
	if took := deals(true); took > time.Second {
		t.Errorf("the start took %s", took)
	}
	before, err := source.Rev(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.deliver(w.call(w.running(), "a", w.now), w.call(w.running(), "b", w.now))
	w.now = w.now.Add(time.Hour + 3*time.Minute)
	w.turn()
	if e = w.read(e.ID); e.Reading == nil {
		t.Fatal("no look was made")
	}
	if after, err := source.Rev(t.Context()); err != nil || after != before {
		t.Errorf("a look made proxies read again: revision %d, then %d (%v)", before, after, err)
	}
	if _, err := w.service.Stop(t.Context(), w.in, e.ID); err != nil {
		t.Fatal(err)
	}
	if took := deals(false); took > time.Second {
		t.Errorf("the stop took %s", took)
	}
}

// TestOneExperimentRunsOnAnAlias and what else the state of an experiment forbids.
func TestOneExperimentRunsOnAnAlias(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.start(w.plan())
	second, err := w.service.Create(t.Context(), w.in, w.plan())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, c := range []struct {
		name string
		do   func() error
		want error
	}{
		{"a second start", func() error { _, err := w.service.Start(ctx, w.in, first.ID); return err }, experiment.ErrNotDraft},
		{"another one on the alias", func() error { _, err := w.service.Start(ctx, w.in, second.ID); return err }, experiment.ErrBusy},
		{"another goal after the start", func() error { _, err := w.service.Update(ctx, w.in, first.ID, w.plan(), nil); return err }, experiment.ErrNotDraft},
		{"deleting what was started", func() error { return w.service.Delete(ctx, w.in, first.ID) }, experiment.ErrNotDraft},
		{"promoting the control", func() error {
			_, err := w.service.Promote(ctx, w.in, first.ID, "control", experiment.Ramped)
			return err
		}, experiment.ErrNoArm},
		{"promoting nobody", func() error { _, err := w.service.Promote(ctx, w.in, first.ID, "x", experiment.Ramped); return err }, experiment.ErrNoArm},
		{"promoting a draft", func() error { _, err := w.service.Promote(ctx, w.in, second.ID, "mini", experiment.Ramped); return err }, experiment.ErrNoPromotion},
		{"rolling nothing back", func() error { _, err := w.service.Rollback(ctx, w.in, first.ID); return err }, experiment.ErrNotPromoted},
	} {
		if err := c.do(); !is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := w.service.Stop(ctx, w.in, first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.Start(ctx, w.in, second.ID); err != nil {
		t.Errorf("behind the first one's end: %v", err)
	}
	if err := w.service.Delete(ctx, w.in, second.ID); !is(err, experiment.ErrNotDraft) {
		t.Error(err)
	}
	list, more, err := w.service.List(ctx, w.in, experiment.Filter{Status: []experiment.Status{experiment.Active}}, "", 10)
	if err != nil || more || len(list) != 1 || list[0].ID != second.ID {
		t.Errorf("%+v, %v, %v", list, more, err)
	}
	if list, more, err = w.service.List(ctx, w.in, experiment.Filter{Text: "FAST"}, "", 1); err != nil || !more || list[0].ID != second.ID {
		t.Errorf("%+v, %v, %v", list, more, err)
	}
	if list, more, err = w.service.List(ctx, w.in, experiment.Filter{}, list[0].ID, 1); err != nil || more || list[0].ID != first.ID {
		t.Errorf("%+v, %v, %v", list, more, err)
	}
}

// TestAnAliasThatIsChangedEndsItsExperiment whoever changed it.
func TestAnAliasThatIsChangedEndsItsExperiment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.start(w.plan())
	route := w.alias.Route
	route.Attempts = 5
	if _, err := w.aliases.Update(t.Context(), w.in, w.alias.ID, route, "", nil); err != nil {
		t.Fatal(err)
	}
	w.turn()
	if e = w.read(e.ID); e.Status != experiment.Invalid || e.Live || e.Reading == nil || e.Reading.Verdict != experiment.Void || w.running() != nil {
		t.Errorf("%s, %+v", e.Status, e.Reading)
	}
	if _, err := w.service.Promote(t.Context(), w.in, e.ID, "mini", experiment.Immediately); !is(err, experiment.ErrNoPromotion) {
		t.Error(err)
	}
}

// TestHarmSendsEverybodyBack by a guardrail, long before the planned end; and after a promotion too.
func TestHarmSendsEverybodyBack(t *testing.T) {
	t.Parallel()
	for name, promote := range map[string]bool{"during the test": false, "after the promotion": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.plan()
			p.Guardrails.ErrorRate = 0.02
			e := w.start(p)
			r := w.running()
			w.failing(r, 0, 600, !promote)
			if promote {
				w.now = w.now.Add(time.Hour + 3*time.Minute)
				w.turn()
				if e = w.read(e.ID); e.Status != experiment.Active {
					t.Fatalf("%s: %s", e.Status, e.Reading.Sentence)
				}
				var err error
				if e, err = w.service.Promote(t.Context(), w.in, e.ID, "mini", experiment.Immediately); err != nil || e.Ramp.Made != 2 {
					t.Fatalf("%+v, %v", e.Ramp, err)
				}
				w.failing(w.running(), 1000, 400, true)
			}
			w.now = w.now.Add(2*time.Hour + 3*time.Minute)
			w.turn()
			e = w.read(e.ID)
			if e.Status != experiment.Reverted || e.Live || e.Reading.Verdict != experiment.Breach || w.running() != nil {
				t.Errorf("%s, %s", e.Status, e.Reading.Sentence)
			}
			t.Log(e.Reading.Sentence)
			a, err := w.aliases.Alias(t.Context(), w.in, w.alias.ID)
			if err != nil || !a.Route.Same(w.alias.Route) {
				t.Errorf("the alias is %+v, %v", a, err)
			}
		})
	}
}

// failing delivers units from now on; the winner-to-be fails one call in five where bad.
func (w *world) failing(r *experiment.Running, from, n int, bad bool) {
	w.t.Helper()
	for i := from; i < from+n; i++ {
		rec := w.call(r, "unit-"+string(rune('a'+i%26))+id.New("u"), w.now.Add(time.Duration(i%3000)*time.Second/2))
		rec.Cost = 1000
		if bad && rec.Arm == "mini" && i%5 == 0 {
			rec.Status, rec.Outcome, rec.ErrorCode = 502, "failed", "upstream.failed"
		}
		w.deliver(rec)
	}
}

func is(err, want error) bool { return errors.Is(err, want) }
