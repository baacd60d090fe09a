package scorepg_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/score"
	"tollgate/internal/score/scorepg"
	"tollgate/internal/tenant"
)

// callAt makes an id whose embedded time is at.
func callAt(at time.Time) id.Call {
	c := id.NewCall()
	ms := at.UnixMilli()
	for i := range 6 {
		c[i] = byte(ms >> (8 * (5 - i)))
	}
	return c
}

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

type world struct {
	db        *postgres.DB
	store     *scorepg.Store
	scores    *score.Service
	now       time.Time
	in, other tenant.Scope
	team      id.Team
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{db: db, store: scorepg.New(db), now: noon}
	w.scores = score.NewService(w.store, func() time.Time { return w.now })
	w.in, w.team = pgtest.Org(t, db, "Acme")
	w.other, _ = pgtest.Org(t, db, "Globex")
	return w
}

func (w *world) deliver(t *testing.T, call id.Call, experiment id.Experiment) {
	t.Helper()
	r := calllog.Record{ID: call, Org: w.in.Org(), Team: w.team, Key: "key_x", Outcome: calllog.OK, Experiment: experiment}
	if d, err := calllogpg.New(w.db).Ingest(t.Context(), []calllog.Record{r}, calllog.Beat{}); err != nil || len(d.Rejected) > 0 {
		t.Fatalf("%v %v", err, d.Rejected)
	}
}

func (w *world) put(t *testing.T, in tenant.Scope, n score.New) (score.Score, error) {
	t.Helper()
	got, err := w.scores.Put(t.Context(), in, []score.New{n})
	if err != nil {
		t.Fatal(err)
	}
	return got[0].Score, got[0].Err
}

// marks are the hours to be computed again; reading clears them.
func (w *world) marks(t *testing.T) map[string]int {
	t.Helper()
	out := map[string]int{}
	err := w.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `DELETE FROM experiment_dirty RETURNING hour`)
		if err != nil {
			return err
		}
		var hour time.Time
		_, err = pgx.ForEachRow(rows, []any{&hour}, func() error { out[hour.UTC().Format("15:04")]++; return nil })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestANewerScoreTakesTheOlderOnesPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := callAt(noon)
	w.deliver(t, call, "")
	first, err := w.put(t, w.in, score.New{Call: call, Kind: score.Numeric, Value: 0.5, Text: "meh", Source: score.Human})
	if err != nil {
		t.Fatal(err)
	}
	w.now = noon.Add(time.Minute)
	second, err := w.put(t, w.in, score.New{Call: call, Kind: score.Boolean, Value: 1, Source: score.Human})
	if err != nil {
		t.Fatal(err)
	}
	judge, err := w.put(t, w.in, score.New{Call: call, Kind: score.Category, Text: "good", Source: score.Judge, Author: "alias_judge"})
	if err != nil {
		t.Fatal(err)
	}
	if first.ID != second.ID || judge.ID == first.ID {
		t.Errorf("ids %s, %s, %s", first.ID, second.ID, judge.ID)
	}
	got, err := w.scores.Scores(t.Context(), w.in, call)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]score.Score{second, judge}, got); d != "" && cmp.Diff([]score.Score{judge, second}, got) != "" {
		t.Errorf("(-put +read):\n%s", d)
	}
}

// TestAScoreBeforeItsCall is taken, bound by the call's id, and counts from when the record is there.
func TestAScoreBeforeItsCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	young, old, ahead := callAt(noon.Add(-score.Late+time.Second)), callAt(noon.Add(-score.Late-time.Second)), callAt(noon.Add(2*time.Minute))
	n := score.New{Kind: score.Numeric, Value: 1, Source: score.Feedback}
	for _, tt := range []struct {
		name string
		call id.Call
		want error
	}{
		{"a young call's record may be on its way", young, nil},
		{"an old call that is not in the log is none", old, score.ErrNoCall},
		{"nor is one of the future", ahead, score.ErrNoCall},
	} {
		n.Call = tt.call
		got, err := w.put(t, w.in, n)
		if !errors.Is(err, tt.want) || err == nil && !got.Pending {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	if _, err := w.scores.Scores(t.Context(), w.in, old); !errors.Is(err, score.ErrNoCall) {
		t.Errorf("scores of a call that is none: %v", err)
	}
	w.deliver(t, young, "exp_1")
	got, err := w.scores.Scores(t.Context(), w.in, young)
	if err != nil || len(got) != 1 || got[0].Pending || got[0].Value != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestAScoreIsForItsTeamAndOrganization, whether it comes before or after the call.
func TestAScoreIsForItsTeamAndOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, coming := callAt(noon), callAt(noon)
	w.deliver(t, here, "")
	n := score.New{Kind: score.Boolean, Value: 1, Source: score.Feedback, Call: here, Team: w.team}
	if _, err := w.put(t, w.in, n); err != nil {
		t.Errorf("the call's own team: %v", err)
	}
	n.Team = "team_other"
	if _, err := w.put(t, w.in, n); !errors.Is(err, score.ErrNoCall) {
		t.Errorf("another team: %v", err)
	}
	n.Team = ""
	if _, err := w.put(t, w.other, n); !errors.Is(err, score.ErrNoCall) {
		t.Errorf("another organization: %v", err)
	}
	n.Call, n.Team = coming, "team_other"
	if _, err := w.put(t, w.in, n); err != nil {
		t.Errorf("a call that is not here: %v", err)
	}
	if _, err := w.put(t, w.other, n); err != nil { // nobody knows yet whose it is
		t.Errorf("a call that is not here, of another organization: %v", err)
	}
	w.deliver(t, coming, "")
	if got, err := w.scores.Scores(t.Context(), w.in, coming); err != nil || len(got) != 0 {
		t.Errorf("scores of strangers who were early count: %+v, %v", got, err)
	}
}

// TestExperimentsLearnOfScores: each hour that a score may change is marked in the score's own transaction.
func TestExperimentsLearnOfScores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain, tried, edge, coming := callAt(noon.Add(-2*time.Hour)), callAt(noon.Add(-90*time.Minute)), callAt(noon.Add(-time.Hour+time.Minute)), callAt(noon.Add(-time.Minute))
	w.deliver(t, plain, "")
	if got := w.marks(t); len(got) != 0 {
		t.Errorf("a call of no experiment marks %v", got)
	}
	w.deliver(t, tried, "exp_1")
	w.deliver(t, tried, "exp_1")
	if d := cmp.Diff(map[string]int{"10:00": 1}, w.marks(t)); d != "" {
		t.Errorf("a call delivered twice (-want +got):\n%s", d)
	}
	w.deliver(t, edge, "exp_1")
	if d := cmp.Diff(map[string]int{"10:00": 1, "11:00": 1}, w.marks(t)); d != "" {
		t.Errorf("a call that may repeat one of the hour before (-want +got):\n%s", d)
	}
	var which id.Score
	for _, tt := range []struct {
		call id.Call
		want map[string]int
	}{{plain, map[string]int{}}, {tried, map[string]int{"10:00": 1}}, {coming, map[string]int{"11:00": 1}}} {
		got, err := w.put(t, w.in, score.New{Call: tt.call, Kind: score.Numeric, Source: score.API})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.want, w.marks(t)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if tt.call == tried {
			which = got.ID
		}
	}
	if err := w.scores.Delete(t.Context(), w.in, tried, which); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]int{"10:00": 1}, w.marks(t)); d != "" {
		t.Errorf("a score that goes (-want +got):\n%s", d)
	}
	if err := w.scores.Delete(t.Context(), w.in, tried, which); !errors.Is(err, score.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

// TestManyWritersAtOnce: one score is left of each name, and nobody waits in a ring.
func TestManyWritersAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var calls []id.Call
	for range 40 {
		calls = append(calls, callAt(noon))
		w.deliver(t, calls[len(calls)-1], "exp_1")
	}
	var g errgroup.Group
	for worker := range 6 {
		g.Go(func() error {
			var list []score.New
			for i := range calls {
				call := calls[(i*7+worker*13)%len(calls)]
				list = append(list, score.New{Call: call, Kind: score.Numeric, Value: float64(worker), Source: score.Judge, Author: "alias_judge"})
				list = append(list, list[len(list)-1]) // twice in one request
			}
			results, err := w.scores.Put(t.Context(), w.in, list)
			for _, r := range results {
				err = errors.Join(err, r.Err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, call := range calls {
		if got, err := w.scores.Scores(t.Context(), w.in, call); err != nil || len(got) != 1 {
			t.Errorf("%d scores, %v", len(got), err)
		}
	}
}

func TestScoresGoWithTheirCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 {
		call := callAt(noon.AddDate(0, 0, -i))
		w.deliver(t, call, "exp_1")
		if _, err := w.put(t, w.in, score.New{Call: call, Kind: score.Numeric, Source: score.API}); err != nil {
			t.Fatal(err)
		}
	}
	w.marks(t)
	if n, err := w.store.Retire(t.Context()); n != 0 || err != nil {
		t.Errorf("%d removed although every call is kept, %v", n, err)
	}
	if err := w.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE calls_kept SET since = $1`, noon.AddDate(0, 0, -1))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if n, err := w.store.Retire(t.Context()); n != 1 || err != nil {
		t.Errorf("%d removed, want the oldest, %v", n, err)
	}
	if got := w.marks(t); len(got) != 0 {
		t.Errorf("hours whose calls are gone are computed again: %v", got)
	}
}
