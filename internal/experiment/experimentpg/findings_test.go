package experimentpg_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/score"
	"tollgate/internal/score/scorepg"
)

// past puts a week of plain calls into the log: of 150 users each of two models, one of which costs half.
func (w *world) past() {
	w.t.Helper()
	var records []calllog.Record
	var scores []score.Draft
	for i := range 300 {
		at := w.now.Add(-time.Duration(i%160+1) * time.Hour)
		rec := w.call(nil, "", at)
		rec.EndUser, rec.Cost, rec.Workflow = fmt.Sprint("user-", i), 2_000_000, "triage"
		rec.Usage.Units[chat.Input], rec.Usage.Units[chat.Output], rec.Usage.Source = 400, 40, chat.Reported
		if i%2 == 1 {
			rec.Model, rec.Cost = "echo-mini", 1_000_000
		}
		rec.Cost += money.NanoUSD(i % 17 * 1000)
		records = append(records, rec)
		scores = append(scores, judgement(rec.ID, i%5 != 0, w.now))
	}
	w.deliver(records...)
	w.score(scores...)
}

func TestAForecastStandsOnLastWeeksTraffic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f, err := w.service.Forecast(t.Context(), w.in, w.plan())
	if err != nil || f.ExpectedDays != 0 || !strings.Contains(f.Refusal, "no calls") {
		t.Errorf("without traffic: %+v, %v", f, err)
	}
	w.past()
	p := w.plan()
	p.Margin = 0.4
	f, err = w.service.Forecast(t.Context(), w.in, p)
	if err != nil || f.Refusal != "" || f.ExpectedDays != 7 || !f.Measured || f.Scored != 1 || f.Quality < 0.79 || f.Quality > 0.81 || f.Horizon != 300 {
		t.Errorf("%+v, %v", f, err)
	}
	if p.Margin = 0.001; err == nil {
		f, err = w.service.Forecast(t.Context(), w.in, p)
	}
	if err != nil || f.ExpectedDays != 0 || !strings.Contains(f.Refusal, "too thin") {
		t.Errorf("%+v, %v", f, err)
	}
	p.Quality, p.ScoreName = experiment.Scores, "stars"
	if f, err = w.service.Forecast(t.Context(), w.in, p); err != nil || !strings.Contains(f.Refusal, `"stars"`) {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestAReplayJudgesRecordedCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.past()
	r := experiment.Replay{
		Plan: experiment.Plan{Alias: w.alias.ID, Goal: experiment.Cheaper, Quality: experiment.CostLatency}, From: w.now.Add(-7 * 24 * time.Hour), To: w.now,
		Slices: []experiment.Slice{{Arm: "large", Model: "echo-large"}, {Arm: "mini", Model: "echo-mini"}},
	}
	got, err := w.service.Replay(t.Context(), w.in, r)
	if err != nil || got.Verdict != experiment.Winner || got.Best != "mini" || got.Arms[0].Units != 150 || got.Arms[1].Calls != 150 {
		t.Errorf("%+v, %v", got, err)
	}
	if last := got.Checks[len(got.Checks)-1]; !strings.Contains(fmt.Sprint(got.Checks), "not_randomised") {
		t.Errorf("%+v", last)
	}
	aa, err := w.service.Replay(t.Context(), w.in, experiment.Replay{
		Plan: experiment.Plan{Alias: w.alias.ID, Goal: experiment.Cheaper, Quality: experiment.Scores, AA: true}, From: r.From, To: r.To,
	})
	if err != nil || aa.Verdict == experiment.Winner || aa.Arms[0].Units+aa.Arms[1].Units != 300 || aa.Arms[0].Units < 100 || aa.Arms[0].Scored != aa.Arms[0].Units {
		t.Errorf("%+v, %v", aa, err)
	}
	r.Slices[1].Model = "nothing"
	if none, err := w.service.Replay(t.Context(), w.in, r); err != nil || none.Verdict != experiment.Inconclusive {
		t.Errorf("%+v, %v", none, err)
	}
}

func TestSegmentsTellUnitsApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.plan())
	r := w.running()
	var records []calllog.Record
	for i := range 200 {
		rec := w.call(r, fmt.Sprint("unit-", i), w.now.Add(time.Duration(i)*time.Second))
		rec.Workflow, rec.Cost = []string{"triage", "mail"}[min(i%4, 1)], money.NanoUSD(1000+i%7)
		rec.Usage.Units[chat.Input] = int64(i * 20)
		records = append(records, rec)
	}
	w.deliver(records...)
	w.now = w.now.Add(time.Hour)
	list, err := w.service.Segments(t.Context(), w.in, r.ID, experiment.ByWorkflow)
	if err != nil || len(list) != 2 || list[0].Name != "mail" || list[0].Arms[0].Units+list[0].Arms[1].Units != 150 || !list[0].Cost[0].Known {
		t.Errorf("%+v, %v", list, err)
	}
	list, err = w.service.Segments(t.Context(), w.in, r.ID, experiment.BySize)
	if err != nil || len(list) != 3 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := w.service.Segments(t.Context(), w.in, r.ID, "colour"); err == nil {
		t.Error("colour is a segmentation")
	}
}

// bench is a judge that always says the same, and counts.
type bench struct {
	asked  atomic.Int64
	answer string
	cost   money.NanoUSD
	body   atomic.Value
}

func (b *bench) Ask(_ context.Context, _ id.Org, _ id.Key, body []byte) (int, []byte, money.NanoUSD, error) {
	b.asked.Add(1)
	b.body.Store(string(body))
	return 200, []byte(b.answer), b.cost, nil
}

func TestTheJudgeReadsASampleWithinItsBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.aliases.Create(t.Context(), w.in, "referee", alias.Route{Targets: []alias.Target{{Provider: "sandbox", Model: "echo-mini"}}}, ""); err != nil {
		t.Fatal(err)
	}
	p := w.plan()
	p.Quality, p.Judge = experiment.Judge, &experiment.JudgePlan{Alias: "referee", Rubric: "Is it right?", Sample: 50, Budget: 100_000_000, Key: "key_judge"}
	e, err := w.service.Create(t.Context(), w.in, p)
	if err != nil {
		t.Fatal(err)
	}
	// Started past the check of its key, which this world does not have.
	e, err = w.store.Change(t.Context(), w.in, e.ID, func(e *experiment.Experiment) error {
		e.Status, e.Live, e.StartedAt, e.AliasAt = experiment.Active, true, w.now, 1
		e.Arms = []experiment.Arm{{Name: "control", Ranges: []experiment.Range{{From: 0, To: 5000}}}, {Name: "mini", Target: e.Plan.Variants[1].Target, Ranges: []experiment.Range{{From: 5000, To: 10_000}}}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r := w.running()
	var records []calllog.Record
	for i := range 100 {
		rec := w.call(r, fmt.Sprint("unit-", i), w.now.Add(time.Duration(i)*time.Second))
		rec.Payload = &calllog.Payload{
			Request:  []byte(`{"messages":[{"role":"system","content":"s"},{"role":"user","content":"What is >>> this?"}]}`),
			Response: []byte(`{"model":"secret-model","choices":[{"message":{"role":"assistant","content":"A ticket."}}]}`),
		}
		records = append(records, rec)
	}
	w.deliver(records...)
	judge := &bench{answer: `{"choices":[{"message":{"content":"{\"score\": 0.75, \"reason\": \"Names it.\"}"}}]}`, cost: 4_000_000}
	bailiff := experiment.NewBailiff(w.service, w.store, score.NewService(scorepg.New(w.db), func() time.Time { return w.now }), judge, slog.New(slog.DiscardHandler))
	for range 4 {
		if err := bailiff.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// Each is claimed at 20 million until it is known to cost 4: the last of the budget cannot be claimed.
	scored, cost, err := w.store.Spent(t.Context(), w.in, e.ID)
	if err != nil || scored != judge.asked.Load() || cost != money.NanoUSD(scored)*4_000_000 || cost > 100_000_000 || scored < 15 {
		t.Errorf("%d judged of %d asked for %d: %v", scored, judge.asked.Load(), cost, err)
	}
	body := judge.body.Load().(string)
	if !strings.Contains(body, "What is \\u003e this?") || !strings.Contains(body, "A ticket.") || strings.Contains(body, "mini") || strings.Contains(body, "secret-model") {
		t.Errorf("the judge was asked %s", body)
	}
	w.now = w.now.Add(2*time.Hour + 3*time.Minute)
	w.turn()
	e = w.read(e.ID)
	if e.Reading == nil || e.Reading.Arms[0].Scored+e.Reading.Arms[1].Scored != scored || !e.Reading.Arms[0].Quality.Known || e.Reading.Arms[0].Quality.Mean != 0.75 {
		t.Errorf("%+v", e.Reading)
	}
	pairs, err := w.service.Pairs(t.Context(), w.in, e.ID, 3)
	if err != nil || len(pairs) != 3 || pairs[0].A.Arm != "control" || pairs[0].B.Arm != "mini" || pairs[0].B.Text != "A ticket." || !strings.HasPrefix(pairs[0].A.Request, "What is") {
		t.Errorf("%+v, %v", pairs, err)
	}
}

func TestAnExperimentIsBehindTheWall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.start(w.plan())
	other, _ := pgtest.Org(t, w.db, "Other")
	if _, err := w.service.Experiment(t.Context(), other, e.ID); err == nil {
		t.Error("another organization reads it")
	}
	if _, err := w.service.Stop(t.Context(), other, e.ID); err == nil {
		t.Error("another organization stops it")
	}
	if list, _, err := w.service.List(t.Context(), other, experiment.Filter{}, "", 10); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}
