package promptstatpg_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	godiff "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/chat"
	"tollgate/internal/experiment/stat"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/prompt/promptstat/promptstatpg"
	"tollgate/internal/score"
	"tollgate/internal/score/scorepg"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
)

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

type world struct {
	t       *testing.T
	db      *postgres.DB
	store   *promptstatpg.Store
	service *promptstat.Service
	in      tenant.Scope
	other   tenant.Scope
	team    id.Team
	prompt  id.Prompt
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{t: t, db: db, store: promptstatpg.New(db)}
	w.service = promptstat.NewService(w.store)
	w.in, w.team = pgtest.Org(t, db, "Acme")
	w.other, _ = pgtest.Org(t, db, "Globex")
	p, _, err := prompt.NewService(promptpg.New(db), func() time.Time { return noon }).
		Create(t.Context(), w.in, prompt.New{Name: "support/greeting", Kind: prompt.Text, Content: prompt.Content{Text: "Hello"}})
	if err != nil {
		t.Fatal(err)
	}
	w.prompt = p.ID
	return w
}

// callAt makes an id whose embedded time is at.
func callAt(at time.Time) id.Call {
	c := id.NewCall()
	ms := at.UnixMilli()
	for i := range 6 {
		c[i] = byte(ms >> (8 * (5 - i)))
	}
	return c
}

func (w *world) call(at time.Time, version int, label string) calllog.Record {
	u := chat.Usage{Source: chat.Reported}
	u.Units[chat.Input], u.Units[chat.Output] = 100, 10
	return calllog.Record{
		ID: callAt(at), Org: w.in.Org(), Team: w.team, Key: "key_x", Provider: "openai", Model: "gpt", Outcome: calllog.OK, Usage: u, Cost: 1000,
		Price: calllog.Priced, Duration: time.Second, FirstByte: 200 * time.Millisecond, Prompt: w.prompt, PromptVersion: version, PromptLabel: label,
	}
}

func (w *world) deliver(records ...calllog.Record) {
	w.t.Helper()
	if d, err := calllogpg.New(w.db).Ingest(w.t.Context(), records, calllog.Beat{}); err != nil || len(d.Rejected) > 0 {
		w.t.Fatalf("Ingest: %v, rejected %v", err, d.Rejected)
	}
}

func (w *world) judge(drafts ...score.Draft) {
	w.t.Helper()
	refused, err := scorepg.New(w.db).Put(w.t.Context(), w.in, drafts)
	if err := cmp.Or(err, errors.Join(refused...)); err != nil {
		w.t.Fatal(err)
	}
}

func judgement(call id.Call, name, author string, value float64) score.Draft {
	return score.Draft{Score: score.Score{
		ID: id.Score(id.New("score")), Call: call, Name: name, Source: score.Human, Author: author, Kind: score.Numeric, Value: value, At: noon,
	}}
}

func (w *world) roll() {
	w.t.Helper()
	if err := usage.NewRoller(w.store, time.Now, slog.New(slog.DiscardHandler)).Turn(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) metrics(by promptstat.By, from, to time.Time) promptstat.Metrics {
	w.t.Helper()
	m, err := w.service.Metrics(w.t.Context(), w.in, promptstat.Query{Prompt: w.prompt, By: by, From: from, To: to})
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// story makes up some hours of calls of several versions and labels.
func (w *world) story(rng *rand.Rand, n int) (calls []calllog.Record, scores []score.Draft) {
	outcomes := []calllog.Outcome{calllog.OK, calllog.OK, calllog.OK, calllog.Failed, calllog.Broken, calllog.ClientGone, calllog.Refused, calllog.Interrupted}
	labels := []string{"production", "staging", ""}
	for range n {
		r := w.call(noon.Add(time.Duration(rng.Int64N(int64(30*time.Hour)))).Truncate(time.Millisecond), 1+rng.IntN(4), labels[rng.IntN(3)])
		r.Outcome, r.Cost = outcomes[rng.IntN(len(outcomes))], money.NanoUSD(rng.Int64N(1e10))
		r.Duration, r.FirstByte = time.Duration(rng.Int64N(int64(3*time.Minute))), time.Duration(rng.Int64N(int64(4*time.Second)))
		if rng.IntN(3) == 0 {
			r.FirstByte = 0
		}
		for c := range r.Usage.Units {
			r.Usage.Units[c] = rng.Int64N(5000)
		}
		if rng.IntN(5) == 0 {
			r.Price, r.Cost = calllog.Unpriced, 0
		}
		if rng.IntN(6) == 0 {
			r.Prompt, r.PromptVersion, r.PromptLabel = "", 0, ""
		}
		if rng.IntN(6) == 0 && r.Prompt != "" {
			r.Prompt = "prompt_other"
		}
		for i := range rng.IntN(3) {
			scores = append(scores, judgement(r.ID, []string{"quality", "tone"}[rng.IntN(2)], fmt.Sprint("user_", i), float64(rng.IntN(10))))
		}
		calls = append(calls, r)
	}
	return calls, scores
}

// oracle is the figures as one loop over everything has them.
func (w *world) oracle(calls []calllog.Record, scores []score.Draft, from, to time.Time, pick func(*calllog.Record) bool) promptstat.Figures {
	f := promptstat.Figures{Total: stat.Histogram{}, FirstByte: stat.Histogram{}, Scores: map[string]promptstat.Score{}}
	for i := range calls {
		r := &calls[i]
		at := r.ID.Time().UTC()
		if r.Prompt != w.prompt || at.Before(from) || !at.Before(to) || !pick(r) {
			continue
		}
		f.Calls++
		if slices.Contains([]calllog.Outcome{calllog.Failed, calllog.Broken, calllog.Refused, calllog.Interrupted}, r.Outcome) {
			f.Errors++
		}
		if r.Price == calllog.Unpriced && r.Outcome != calllog.Refused {
			f.Unpriced++
		} else {
			f.Cost += r.Cost
		}
		f.Input, f.Output, f.Cached = f.Input+r.Usage.Units.InputTotal(), f.Output+r.Usage.Units.OutputTotal(), f.Cached+r.Usage.Units[chat.CacheRead]
		if r.Outcome == calllog.OK {
			f.Total.Add(float64(r.Duration.Microseconds()) / 1000)
		}
		if us := r.FirstByte.Microseconds(); us > 0 && (r.Outcome == calllog.OK || r.Outcome == calllog.Broken) {
			f.FirstByte.Add(float64(us) / 1000)
		}
		if f.FirstAt.IsZero() || at.Before(f.FirstAt) {
			f.FirstAt = at
		}
		if at.After(f.LastAt) {
			f.LastAt = at
		}
		given := map[string][]float64{}
		for _, s := range scores {
			if s.Call == r.ID {
				given[s.Name] = append(given[s.Name], s.Value)
			}
		}
		for name, values := range given {
			sum := 0.0
			for _, v := range values {
				sum += v
			}
			had := f.Scores[name]
			f.Scores[name] = promptstat.Score{N: had.N + 1, Sum: had.Sum + sum/float64(len(values))}
		}
	}
	return f
}

// TestMetricsAreThoseOfTheCalls compares with a loop over random calls and scores, that came in parts, twice and out of order.
func TestMetricsAreThoseOfTheCalls(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			calls, scores := w.story(rand.New(rand.NewPCG(seed, 25)), 400)
			w.deliver(calls[:150]...)
			w.roll()
			w.deliver(calls[100:300]...)
			early := len(scores) / 2
			for i := range scores {
				scores[i].Fresh = true // some are of calls that are still to come
			}
			w.judge(scores[:early]...)
			w.roll()
			w.deliver(calls...)
			w.judge(scores[early:]...)
			w.roll()
			w.roll()
			for _, span := range [][2]time.Time{{noon, noon.Add(31 * time.Hour)}, {noon.Add(5 * time.Hour), noon.Add(20 * time.Hour)}} {
				w.matches(calls, scores, span[0], span[1])
			}
		})
	}
}

func (w *world) matches(calls []calllog.Record, scores []score.Draft, from, to time.Time) {
	w.t.Helper()
	near := cmpopts.EquateApprox(0, 1e-6)
	byVersion, byLabel := w.metrics(promptstat.ByVersion, from, to), w.metrics(promptstat.ByLabel, from, to)
	if len(byVersion.Rows) != 4 || len(byLabel.Rows) != 3 {
		w.t.Fatalf("%d versions, %d labels", len(byVersion.Rows), len(byLabel.Rows))
	}
	for i, r := range byVersion.Rows {
		if r.Version != 4-i {
			w.t.Errorf("row %d is of version %d", i, r.Version)
		}
		want := w.oracle(calls, scores, from, to, func(c *calllog.Record) bool { return c.PromptVersion == r.Version })
		if d := godiff.Diff(want, r.Figures, near); d != "" {
			w.t.Errorf("version %d (-want +got):\n%s", r.Version, d)
		}
		var days promptstat.Day
		for _, day := range r.Days {
			days.Calls, days.Errors, days.Cost = days.Calls+day.Calls, days.Errors+day.Errors, days.Cost+day.Cost
		}
		if days.Calls != r.Calls || days.Errors != r.Errors || days.Cost != r.Cost {
			w.t.Errorf("the days of version %d sum up to %+v", r.Version, days)
		}
	}
	for _, r := range byLabel.Rows {
		want := w.oracle(calls, scores, from, to, func(c *calllog.Record) bool { return c.PromptLabel == r.Label })
		if d := godiff.Diff(want, r.Figures, near); d != "" {
			w.t.Errorf("label %q (-want +got):\n%s", r.Label, d)
		}
		if !slices.Equal(r.Versions, []int{1, 2, 3, 4}) {
			w.t.Errorf("label %q stood on %v", r.Label, r.Versions)
		}
	}
	want := w.oracle(calls, scores, from, to, func(*calllog.Record) bool { return true })
	if d := godiff.Diff(want, byVersion.All, near); d != "" {
		w.t.Errorf("all (-want +got):\n%s", d)
	}
}

// TestBucketsAreThoseOfStat: what SQL calls a bucket is what quantiles are read from.
func TestBucketsAreThoseOfStat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var calls []calllog.Record
	for us := int64(1); us < int64(12*time.Hour/time.Microsecond); us = us*7/5 + 1 {
		r := w.call(noon, 1, "")
		r.Duration, r.FirstByte = time.Duration(us)*time.Microsecond, time.Duration(us)*time.Microsecond
		calls = append(calls, r)
	}
	w.deliver(calls...)
	w.roll()
	got := w.metrics(promptstat.ByVersion, noon, noon.Add(time.Hour)).Rows[0]
	want := w.oracle(calls, nil, noon, noon.Add(time.Hour), func(*calllog.Record) bool { return true })
	if d := godiff.Diff(want.Total, got.Total); d != "" {
		t.Errorf("(-stat +SQL):\n%s", d)
	}
	if got.Total[stat.Buckets-1] == 0 {
		t.Error("no time was beyond the last bucket")
	}
}

// TestALateScoreMovesItsHourAlone: a judgement of an old call is in the figures, and one that is deleted is not.
func TestALateScoreMovesItsHourAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.call(noon, 1, "production")
	plain := w.call(noon.Add(-3*time.Hour), 1, "")
	plain.Prompt, plain.PromptVersion = "", 0
	w.deliver(r, plain)
	w.roll()
	late := judgement(r.ID, "quality", "user_1", 0.75)
	w.judge(late, judgement(plain.ID, "quality", "user_1", 0.5))
	if hours, err := w.store.Dirty(t.Context(), 10); err != nil || len(hours) != 1 || !hours[0].At.Equal(noon) {
		t.Fatalf("marked are %v, %v", hours, err)
	}
	w.roll()
	if got := w.metrics(promptstat.ByVersion, noon, noon.Add(time.Hour)).All.Scores; got["quality"] != (promptstat.Score{N: 1, Sum: 0.75}) {
		t.Errorf("scores %v", got)
	}
	if got, err := w.service.Scores(t.Context(), w.in, noon, noon.Add(time.Hour)); err != nil || len(got) != 1 || got[w.prompt]["quality"].N != 1 {
		t.Errorf("scores of all prompts %v, %v", got, err)
	}
	if err := scorepg.New(w.db).Delete(t.Context(), w.in, r.ID, late.ID); err != nil {
		t.Fatal(err)
	}
	w.roll()
	if got := w.metrics(promptstat.ByVersion, noon, noon.Add(time.Hour)).All.Scores; len(got) != 0 {
		t.Errorf("scores after the deletion %v", got)
	}
}

// TestAScoreOfAnotherTeamDoesNotCount: it was given before its call was here, by somebody who may judge another team's calls only.
func TestAScoreOfAnotherTeamDoesNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.call(noon, 1, "production")
	early := judgement(r.ID, "quality", "key_1", 1)
	early.Team, early.Fresh = "team_other", true
	w.judge(early)
	w.deliver(r)
	w.judge(judgement(r.ID, "tone", "user_1", 1))
	w.roll()
	if got := w.metrics(promptstat.ByVersion, noon, noon.Add(time.Hour)).All.Scores; len(got) != 1 || got["tone"].N != 1 {
		t.Errorf("scores %v", got)
	}
	pair := promptstat.Pair{Prompt: w.prompt, A: 1, B: 2, From: noon, To: noon.Add(time.Hour)}
	if err := w.store.Units(t.Context(), w.in, pair, 10, func(u promptstat.Unit) {
		if len(u.Scores) != 1 || u.Scores["tone"].N != 1 {
			t.Errorf("scores of a unit %v", u.Scores)
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// TestARecomputeConvergesWhateverStopsIt: a crash before any step loses neither figures nor marks.
func TestARecomputeConvergesWhateverStopsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(w.call(noon, 1, "production"))
	hour := usage.Hour{Org: w.in.Org(), At: noon}
	stop := errors.New("stopped")
	for step := 1; step <= 4; step++ {
		w.store.At(func(_ context.Context, n int) error {
			if n == step {
				return stop
			}
			return nil
		})
		if err := w.store.Recompute(t.Context(), hour); !errors.Is(err, stop) {
			t.Fatalf("step %d: %v", step, err)
		}
		if got := w.metrics(promptstat.ByVersion, noon, noon.Add(time.Hour)).All.Calls; got != 0 {
			t.Errorf("step %d left %d calls", step, got)
		}
	}
	// A call that commits behind the reading of marks keeps its own.
	w.store.At(func(_ context.Context, n int) error {
		if n == 4 {
			w.deliver(w.call(noon.Add(time.Minute), 1, "production"))
		}
		return nil
	})
	if err := w.store.Recompute(t.Context(), hour); err != nil {
		t.Fatal(err)
	}
	w.store.At(func(context.Context, int) error { return nil })
	w.roll()
	if got := w.metrics(promptstat.ByVersion, noon, noon.Add(time.Hour)).All.Calls; got != 2 {
		t.Errorf("%d calls, want 2", got)
	}
}

// TestAnHourWithoutItsCallsStaysAsItWas: figures outlive the log.
func TestAnHourWithoutItsCallsStaysAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(w.call(noon, 1, "production"))
	w.roll()
	err := w.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		for _, sql := range []string{
			`DELETE FROM calls`, `UPDATE calls_kept SET since = '2030-01-03'`,
			`INSERT INTO prompt_dirty (org_id, hour) VALUES ('` + string(w.in.Org()) + `', '2030-01-02T12:00:00Z')`,
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
	w.roll()
	if got := w.metrics(promptstat.ByVersion, noon, noon.Add(time.Hour)).All.Calls; got != 1 {
		t.Errorf("%d calls, want 1", got)
	}
}

// TestAnotherOrganizationsPromptIsNotThere: neither its figures nor that it exists.
func TestAnotherOrganizationsPromptIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(w.call(noon, 1, "production"), w.call(noon, 2, "production"))
	w.roll()
	from, to := noon.Add(-time.Hour), noon.Add(time.Hour)
	if _, err := w.service.Metrics(t.Context(), w.other, promptstat.Query{Prompt: w.prompt, By: promptstat.ByVersion, From: from, To: to}); !errors.Is(err, prompt.ErrNotFound) {
		t.Errorf("metrics: %v", err)
	}
	if _, err := w.service.Compare(t.Context(), w.other, promptstat.Pair{Prompt: w.prompt, A: 1, B: 2, From: from, To: to}); !errors.Is(err, prompt.ErrNotFound) {
		t.Errorf("comparison: %v", err)
	}
	seen := 0
	if err := w.store.Hours(t.Context(), w.other, w.prompt, from, to, func(promptstat.Hourly) { seen++ }); err != nil || seen > 0 {
		t.Errorf("%d hours, %v", seen, err)
	}
	pair := promptstat.Pair{Prompt: w.prompt, A: 1, B: 2, From: from, To: to}
	if err := w.store.Units(t.Context(), w.other, pair, 10, func(promptstat.Unit) { seen++ }); err != nil || seen > 0 {
		t.Errorf("%d units, %v", seen, err)
	}
	if got, err := w.service.Failures(t.Context(), w.other, w.prompt, from, []int{1, 2}); err != nil || len(got) > 0 {
		t.Errorf("failures %v, %v", got, err)
	}
	if got, err := w.service.Scores(t.Context(), w.other, from, to); err != nil || len(got) > 0 {
		t.Errorf("scores %v, %v", got, err)
	}
}

// TestFailuresAreOursAndTheProviders: what the client asked wrongly, or did not wait for, says nothing against a version.
func TestFailuresAreOursAndTheProviders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, o := range []calllog.Outcome{calllog.OK, calllog.Refused, calllog.ClientGone, calllog.Failed, calllog.Broken, calllog.Interrupted} {
		r := w.call(noon.Add(time.Duration(i)*time.Minute), 7, "production")
		r.Outcome = o
		old := w.call(noon.Add(-time.Hour), 7, "production")
		other := w.call(noon, 8, "production")
		w.deliver(r, old, other)
	}
	got, err := w.service.Failures(t.Context(), w.in, w.prompt, noon, []int{6, 7})
	if want := map[int]prompt.Vital{7: {Calls: 6, Failed: 3}}; err != nil || !maps.Equal(got, want) {
		t.Errorf("failures %v, %v", got, err)
	}
}

// TestUnitsAreSummedUp: what two versions are compared by, on the newest calls of each.
func TestUnitsAreSummedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	calls, scores := w.story(rand.New(rand.NewPCG(9, 25)), 400)
	for i := range calls {
		calls[i].EndUser = fmt.Sprint("user-", i%20)
	}
	w.deliver(calls...)
	w.judge(scores...)
	pair := promptstat.Pair{Prompt: w.prompt, A: 2, B: 4, From: noon, To: noon.Add(31 * time.Hour)}
	for _, version := range []int{2, 4} {
		var sum promptstat.Unit
		units := 0
		if err := w.store.Units(t.Context(), w.in, pair, 1000, func(u promptstat.Unit) {
			if u.Version != version {
				return
			}
			units++
			sum.Calls, sum.Errors, sum.Cost, sum.Priced = sum.Calls+u.Calls, sum.Errors+u.Errors, sum.Cost+u.Cost, sum.Priced+u.Priced
			sum.Input, sum.Output, sum.Cached, sum.Ended, sum.Began = sum.Input+u.Input, sum.Output+u.Output, sum.Cached+u.Cached, sum.Ended+u.Ended, sum.Began+u.Began
			for name, s := range u.Scores {
				if sum.Scores == nil {
					sum.Scores = map[string]promptstat.Score{}
				}
				sum.Scores[name] = promptstat.Score{N: sum.Scores[name].N + s.N, Sum: sum.Scores[name].Sum + s.Sum}
			}
		}); err != nil {
			t.Fatal(err)
		}
		users := map[string]bool{}
		f := w.oracle(calls, scores, pair.From, pair.To, func(r *calllog.Record) bool {
			if r.PromptVersion == version {
				users[r.EndUser] = true
			}
			return r.PromptVersion == version
		})
		want := promptstat.Unit{
			Calls: f.Calls, Errors: f.Errors, Cost: f.Cost, Priced: f.Calls - f.Unpriced, Input: f.Input, Output: f.Output, Cached: f.Cached,
			Ended: f.Total.N(), Began: f.FirstByte.N(), Scores: f.Scores,
		}
		if d := godiff.Diff(want, sum, cmpopts.EquateApprox(0, 1e-6)); d != "" || units != len(users) {
			t.Errorf("version %d, %d units (-want +got):\n%s", version, units, d)
		}
	}
	n := int64(0)
	if err := w.store.Units(t.Context(), w.in, pair, 3, func(u promptstat.Unit) { n += u.Calls }); err != nil || n != 6 {
		t.Errorf("of three calls each %d, %v", n, err)
	}
}

// TestAComparisonSeesWhatIsThere: a version that costs half as much, with every line in its words.
func TestAComparisonSeesWhatIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rng := rand.New(rand.NewPCG(4, 25))
	var calls []calllog.Record
	for i := range 200 {
		for version, cost := range map[int]float64{6: 2e6, 7: 1e6} {
			r := w.call(noon.Add(time.Duration(i)*time.Second), version, "production")
			r.Cost = money.NanoUSD(cost * math.Exp(rng.NormFloat64()/3))
			r.Experiment, r.Unit = "exp_1", uint64(i+1000*version)
			calls = append(calls, r)
		}
	}
	w.deliver(calls...)
	pair := promptstat.Pair{Prompt: w.prompt, A: 6, B: 7, From: noon, To: noon.Add(time.Hour)}
	c, err := w.service.Compare(t.Context(), w.in, pair)
	if err != nil {
		t.Fatal(err)
	}
	cost := c.Lines[0]
	if cost.Metric != "cost_per_call" || cost.Verdict != promptstat.Lower || cost.Low > -0.5 || cost.High < -0.5 || !cost.Relative || cost.UnitsA != 200 {
		t.Errorf("cost: %+v", cost)
	}
	if errs := c.Lines[3]; errs.Metric != "error_rate" || errs.Verdict != promptstat.Similar || errs.Low >= 0 || errs.High <= 0 {
		t.Errorf("no call failed, which is not known so well: %+v", errs)
	}
	if c.Experiment != "exp_1" || c.A.Calls != 200 || c.B.Units != 200 || c.A.Sampled {
		t.Errorf("%+v", c)
	}
	w.deliver(w.call(noon, 7, "production")) // nobody dealt this one
	if c, err = w.service.Compare(t.Context(), w.in, pair); err != nil || c.Experiment != "" {
		t.Errorf("dealt by %q, %v", c.Experiment, err)
	}
	for _, wrong := range []promptstat.Pair{{A: 6, B: 6}, {A: 0, B: 6}, {A: 1, B: 1 << 40}} {
		wrong.Prompt, wrong.From, wrong.To = w.prompt, noon, noon.Add(time.Hour)
		if _, err := w.service.Compare(t.Context(), w.in, wrong); !errors.Is(err, promptstat.ErrPair) {
			t.Errorf("%d against %d: %v", wrong.A, wrong.B, err)
		}
	}
}
