package experimentpg_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"tollgate/internal/calllog"
	"tollgate/internal/experiment"
	"tollgate/internal/experiment/experimentpg"
	"tollgate/internal/money"
	"tollgate/internal/score"
)

// did is what one unit did in one hour, as far as the model knows it.
type did struct {
	Calls, Errors, Cost, Unpriced, Scored, Repeated, FirstBytes int64
	Score                                                       float64
	FirstAt                                                     time.Time
}

// spot names a row of the roll-up.
type spot struct {
	Arm  string
	Unit uint64
	Hour time.Time
}

// story is calls and their scores, in the order in which they happened.
type story struct {
	calls  []calllog.Record
	scores []score.Draft
}

// tell makes up some hours of calls by few units, so that many calls are repeated, also across the edges of hours.
func (w *world) tell(rng *rand.Rand, r *experiment.Running, hours int) (s story) {
	outcomes := []calllog.Outcome{calllog.OK, calllog.OK, calllog.OK, calllog.Failed, calllog.Broken, calllog.ClientGone}
	for i := range 240 {
		at := noon.Add(time.Duration(rng.Int64N(int64(hours) * int64(time.Hour)))).Truncate(time.Millisecond)
		if i%3 == 0 { // about the edge of an hour
			at = noon.Add(time.Duration(1+rng.IntN(hours-1))*time.Hour + time.Duration(rng.Int64N(int64(8*time.Minute))) - 4*time.Minute).Truncate(time.Millisecond)
		}
		c := w.call(r, fmt.Sprint("unit-", rng.IntN(12)), at)
		c.Outcome, c.Cost, c.RequestBytes = outcomes[rng.IntN(len(outcomes))], money.NanoUSD(rng.Int64N(1e9)), 100+rng.Int64N(9000)
		c.Fingerprint = uint64(rng.IntN(4)) // 0: not known
		if rng.IntN(10) == 0 {
			c.Price, c.Cost = calllog.Unpriced, 0
		}
		s.calls = append(s.calls, c)
		for n := range rng.IntN(3) { // by up to two people
			d := judgement(c.ID, rng.IntN(3) > 0, at)
			d.Author = fmt.Sprint("key_", n)
			s.scores = append(s.scores, d)
		}
	}
	return s
}

// model is the roll-up as one loop over everything has it.
func (s story) model() map[spot]did {
	out := map[spot]did{}
	for _, c := range s.calls {
		at := c.ID.Time()
		k := spot{c.Arm, c.Unit, at.UTC().Truncate(time.Hour)}
		d := out[k]
		d.Calls++
		d.Cost += int64(c.Cost)
		d.Errors += one(c.Outcome == calllog.Failed || c.Outcome == calllog.Broken)
		d.Unpriced += one(c.Price == calllog.Unpriced)
		d.Repeated += one(s.repeats(c))
		if d.FirstAt.IsZero() || at.Before(d.FirstAt) {
			d.FirstAt, d.FirstBytes = at.UTC(), c.RequestBytes
		}
		sum, n := 0.0, 0
		for _, j := range s.scores {
			if j.Call == c.ID {
				sum, n = sum+j.Value, n+1
			}
		}
		if n > 0 {
			d.Scored, d.Score = d.Scored+1, d.Score+sum/float64(n)
		}
		out[k] = d
	}
	return out
}

// repeats: the unit makes the same request once more within five minutes.
func (s story) repeats(c calllog.Record) bool {
	for _, n := range s.calls {
		gap := n.ID.Time().Sub(c.ID.Time())
		if n.ID != c.ID && n.Unit == c.Unit && c.Fingerprint != 0 && n.Fingerprint == c.Fingerprint && gap >= 0 && gap < 5*time.Minute &&
			(gap > 0 || string(n.ID[:]) > string(c.ID[:])) {
			return true
		}
	}
	return false
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// rolled is the roll-up as it is stored, and the number of marks that are left.
func (w *world) rolled() (map[spot]did, int) {
	w.t.Helper()
	out, marks := map[spot]did{}, 0
	err := w.db.InSystemPgx(w.t.Context(), "test", func(tx pgx.Tx) error {
		rows, err := tx.Query(w.t.Context(), `SELECT arm, unit, hour, calls, errors, cost_nano, unpriced, scored, score, repeated, first_bytes, first_at FROM experiment_units`)
		if err != nil {
			return err
		}
		var k spot
		var d did
		var unit int64
		_, err = pgx.ForEachRow(rows, []any{&k.Arm, &unit, &k.Hour, &d.Calls, &d.Errors, &d.Cost, &d.Unpriced, &d.Scored, &d.Score, &d.Repeated, &d.FirstBytes, &d.FirstAt}, func() error {
			k.Unit, k.Hour, d.FirstAt = uint64(unit), k.Hour.UTC(), d.FirstAt.UTC()
			out[k] = d
			return nil
		})
		if err != nil {
			return err
		}
		return tx.QueryRow(w.t.Context(), `SELECT count(*) FROM experiment_dirty`).Scan(&marks)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out, marks
}

var errKilled = errors.New("killed")

// worker is a store of its own whose Recompute dies before one of its steps, now and then.
func (w *world) worker(seed uint64) *experimentpg.Store {
	s := experimentpg.New(w.db)
	rng := rand.New(rand.NewPCG(seed, 1))
	s.Step(func(context.Context, int) error {
		if rng.IntN(8) == 0 {
			return errKilled
		}
		return nil
	})
	return s
}

// roll lets a worker do what is due, as far as it lives.
func roll(ctx context.Context, s *experimentpg.Store) error {
	hours, err := s.Dirty(ctx, noon.AddDate(1, 0, 0), 3)
	for _, h := range hours {
		if err == nil {
			err = s.Recompute(ctx, h)
		}
	}
	if errors.Is(err, errKilled) {
		return nil
	}
	return err
}

// shuffled is everything that is to be delivered, each thing up to five times, in any order, in parcels.
func (s story) shuffled(rng *rand.Rand) (parcels []story) {
	var calls []calllog.Record
	var scores []score.Draft
	for _, c := range s.calls {
		for range 1 + rng.IntN(5) {
			calls = append(calls, c)
		}
	}
	for _, d := range s.scores {
		for range 1 + rng.IntN(3) {
			scores = append(scores, d)
		}
	}
	rng.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
	rng.Shuffle(len(scores), func(i, j int) { scores[i], scores[j] = scores[j], scores[i] })
	for len(calls)+len(scores) > 0 {
		n, m := min(1+rng.IntN(40), len(calls)), min(rng.IntN(30), len(scores))
		parcels = append(parcels, story{calls[:n], single(scores[:m])})
		calls, scores = calls[n:], scores[m:]
	}
	return parcels
}

// single leaves out what is in a parcel twice, as the scores API does.
func single(list []score.Draft) (out []score.Draft) {
	seen := map[string]bool{}
	for _, d := range list {
		if k := d.Call.String() + d.Author; !seen[k] {
			seen[k] = true
			out = append(out, d)
		}
	}
	return out
}

// However calls and scores are delivered, and wherever workers die, what units did ends up as one computation from everything has it.
func TestTheRollUpConverges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			rng := rand.New(rand.NewPCG(seed, 2))
			w.start(w.plan())
			s := w.tell(rng, w.running(), 5)
			want := s.model()
			if repeated, scored := totals(want); repeated < 10 || scored < 50 || len(want) < 40 {
				t.Fatalf("%d rows, %d repeated, %d scored: the story tests too little", len(want), repeated, scored)
			}
			workers := []*experimentpg.Store{w.worker(2*seed + 1), w.worker(2*seed + 2)}
			for _, p := range s.shuffled(rng) {
				w.parcel(p, rng.IntN(2) == 0)
				if rng.IntN(3) > 0 {
					w.both(workers)
				}
			}
			for n := 0; ; n++ {
				got, marks := w.rolled()
				if marks == 0 {
					if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
						t.Errorf("after everything was delivered (-one computation +rolled up):\n%s", diff)
					}
					return
				}
				if n > 200 {
					t.Fatalf("%d marks are left", marks)
				}
				w.both(workers)
			}
		})
	}
}

func totals(m map[spot]did) (repeated, scored int64) {
	for _, d := range m {
		repeated, scored = repeated+d.Repeated, scored+d.Scored
	}
	return repeated, scored
}

// parcel delivers, scores first or last.
func (w *world) parcel(p story, scoresFirst bool) {
	w.t.Helper()
	if scoresFirst {
		w.score(p.scores...)
	}
	if len(p.calls) > 0 {
		w.deliver(p.calls...)
	}
	if !scoresFirst {
		w.score(p.scores...)
	}
}

// both lets two workers do what is due at the same time.
func (w *world) both(workers []*experimentpg.Store) {
	w.t.Helper()
	errs := make([]error, len(workers))
	var wg sync.WaitGroup
	for i, s := range workers {
		wg.Go(func() { errs[i] = roll(w.t.Context(), s) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		w.t.Fatal(err)
	}
}

// Marks are taken away by who computed what they stand for, and by nobody else: one that is made while an hour is computed stays.
func TestAMarkMadeMeanwhileStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.plan())
	r := w.running()
	w.deliver(w.call(r, "a", noon.Add(time.Minute)))
	late := w.call(r, "b", noon.Add(2*time.Minute))
	w.store.Step(func(_ context.Context, n int) error {
		if n == 4 { // computed, marks not yet deleted
			w.deliver(late)
		}
		return nil
	})
	if err := w.store.Recompute(t.Context(), experiment.Hour{Org: w.in.Org(), At: noon}); err != nil {
		t.Fatal(err)
	}
	got, _ := w.rolled()
	if len(got) != 1 {
		t.Fatalf("%d rows, want the first call's", len(got))
	}
	w.store.Step(func(context.Context, int) error { return nil })
	for range 3 {
		if err := roll(t.Context(), w.store); err != nil {
			t.Fatal(err)
		}
	}
	got, marks := w.rolled()
	if len(got) != 2 || marks != 0 {
		t.Errorf("%d rows, %d marks, want both calls' and none", len(got), marks)
	}
}
