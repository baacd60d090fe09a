package usagepg_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagepg"
)

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

// callAt makes an id whose embedded time is at.
func callAt(at time.Time) id.Call {
	c := id.NewCall()
	ms := at.UnixMilli()
	for i := range 6 {
		c[i] = byte(ms >> (8 * (5 - i)))
	}
	return c
}

func call(org id.Org, team id.Team, at time.Time) calllog.Record {
	u := chat.Usage{Source: chat.Reported}
	u.Units[chat.Input], u.Units[chat.Output] = 100, 10
	return calllog.Record{
		ID: callAt(at), Org: org, Team: team, Key: "key_x", Proxy: "prx_1", Environment: "production", Workflow: "triage", Alias: "fast",
		Provider: "openai", Model: "gpt", Status: 200, Outcome: calllog.OK, Usage: u, Cost: 1000, Price: calllog.Priced, Duration: time.Second,
		Attempts: []calllog.Attempt{{Number: 1, Provider: "openai", Model: "gpt", Usage: u, Cost: 1000, Price: calllog.Priced}},
	}
}

type world struct {
	db      *postgres.DB
	log     *calllogpg.Store
	bench   *usagepg.Store
	service *usage.Service
	in      tenant.Scope
	team    id.Team
}

func newWorld(t *testing.T) world {
	t.Helper()
	db := pgtest.New(t)
	in, team := pgtest.Org(t, db, "Acme")
	bench := usagepg.New(db)
	return world{db, calllogpg.New(db), bench, usage.NewService(bench), in, team}
}

func (w world) deliver(t *testing.T, records ...calllog.Record) {
	t.Helper()
	if d, err := w.log.Ingest(t.Context(), records, calllog.Beat{}); err != nil || len(d.Rejected) > 0 {
		t.Fatalf("Ingest: %v, rejected %v", err, d.Rejected)
	}
}

func (w world) roll(t *testing.T) {
	t.Helper()
	if err := usage.NewRoller(w.bench, time.Now, slog.New(slog.DiscardHandler)).Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w world) costs(t *testing.T, q usage.Query) usage.Costs {
	t.Helper()
	if q.From.IsZero() {
		q.From, q.To = noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 2)
	}
	c, err := w.service.Costs(t.Context(), w.in, q)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestEachProviderIsChargedItsOwnAttempts: a call that was paid for at two providers counts once, and its money at both.
func TestEachProviderIsChargedItsOwnAttempts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := chat.Usage{Source: chat.Estimated}, chat.Usage{Source: chat.Reported}
	first.Units[chat.Input], second.Units[chat.Input], second.Units[chat.Output] = 50, 70, 5
	r := call(w.in.Org(), w.team, noon)
	r.Attempts = []calllog.Attempt{
		{Number: 1, Provider: "anthropic", Model: "claude", Usage: first, Cost: 300, Price: calllog.Priced, ErrorClass: "broken"},
		{Number: 2, Provider: "anthropic", Model: "claude", ErrorClass: "rate_limit"},
		{Number: 3, Provider: "openai", Model: "gpt", Usage: second, Cost: 700, Price: calllog.Priced},
	}
	r.Usage = chat.Usage{Units: first.Units.Add(second.Units), Source: chat.Reported}
	r.Estimated = true
	w.deliver(t, r, call(w.in.Org(), w.team, noon.Add(time.Minute)))
	w.roll(t)
	c := w.costs(t, usage.Query{GroupBy: []usage.Dimension{usage.Provider, usage.Model}})
	want := []usage.Row{
		{
			Values: map[usage.Dimension]string{usage.Provider: "openai", usage.Model: "gpt"}, Calls: 2, Cost: 1700, Estimated: 1,
			Units: chat.Units{chat.Input: 170, chat.Output: 15},
		},
		{
			Values: map[usage.Dimension]string{usage.Provider: "anthropic", usage.Model: "claude"}, Calls: 0, Cost: 300,
			Units: chat.Units{chat.Input: 50},
		},
	}
	if d := cmp.Diff(want, c.Rows); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if c.Total.Calls != 2 || c.Total.Cost != 2000 {
		t.Errorf("total %+v, want 2 calls and 2000", c.Total)
	}
}

// TestEndpointsAreCountedApart: one key and model on two surfaces, with the units that belong to each.
func TestEndpointsAreCountedApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	talk, draw := call(w.in.Org(), w.team, noon), call(w.in.Org(), w.team, noon)
	talk.Endpoint, draw.Endpoint = "chat", "images"
	draw.Usage.Units = chat.Units{chat.Images: 3, chat.CodeSession: 1}
	draw.Attempts[0].Usage, draw.Cost, draw.Attempts[0].Cost = draw.Usage, 40, 40
	w.deliver(t, talk, draw)
	w.roll(t)
	want := []usage.Row{
		{Values: map[usage.Dimension]string{usage.Endpoint: "chat"}, Calls: 1, Cost: 1000, Units: chat.Units{chat.Input: 100, chat.Output: 10}},
		{Values: map[usage.Dimension]string{usage.Endpoint: "images"}, Calls: 1, Cost: 40, Units: chat.Units{chat.Images: 3, chat.CodeSession: 1}},
	}
	if d := cmp.Diff(want, w.costs(t, usage.Query{GroupBy: []usage.Dimension{usage.Endpoint}}).Rows); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff(want[1:], w.costs(t, usage.Query{
		GroupBy: []usage.Dimension{usage.Endpoint}, Filter: map[usage.Dimension][]string{usage.Endpoint: {"images"}},
	}).Rows); d != "" {
		t.Errorf("of images alone (-want +got):\n%s", d)
	}
}

// TestTasksAndArmsAreCountedApart: what a call was for, and the arm that it was dealt, whoever answered.
func TestTasksAndArmsAreCountedApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain, control, other := call(w.in.Org(), w.team, noon), call(w.in.Org(), w.team, noon), call(w.in.Org(), w.team, noon)
	control.Task, control.Experiment, control.Arm, control.ArmServed = "classification", "exp_1", "control", "control"
	other.Task, other.Experiment, other.Arm = "classification", "exp_1", "haiku"
	other.Cost, other.Attempts[0].Cost = 400, 400
	w.deliver(t, plain, control, other)
	w.roll(t)
	w.name(t, "exp_1", "Haiku for the classifier")
	for _, tt := range []struct {
		by   usage.Dimension
		want map[string]money.NanoUSD
	}{
		{usage.Task, map[string]money.NanoUSD{"": 1000, "classification": 1400}},
		{usage.Experiment, map[string]money.NanoUSD{"": 1000, "exp_1": 1400}},
		{usage.Arm, map[string]money.NanoUSD{"": 1000, "control": 1000, "haiku": 400}},
	} {
		got := map[string]money.NanoUSD{}
		for _, r := range w.costs(t, usage.Query{GroupBy: []usage.Dimension{tt.by}}).Rows {
			got[r.Values[tt.by]] = r.Cost
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("by %s (-want +got):\n%s", tt.by, d)
		}
	}
	for _, r := range w.costs(t, usage.Query{GroupBy: []usage.Dimension{usage.Experiment}}).Rows {
		if want := map[string]string{"exp_1": "Haiku for the classifier"}[r.Values[usage.Experiment]]; r.Names[usage.Experiment] != want {
			t.Errorf("%q is called %q", r.Values[usage.Experiment], r.Names[usage.Experiment])
		}
	}
	one := w.costs(t, usage.Query{Filter: map[usage.Dimension][]string{usage.Experiment: {"exp_1"}, usage.Arm: {"haiku"}}})
	if one.Total.Calls != 1 || one.Total.Cost != 400 {
		t.Errorf("of one arm: %+v", one.Total)
	}
}

// name makes an experiment of the organization.
func (w world) name(t *testing.T, which, name string) {
	t.Helper()
	err := w.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO experiments (org_id, id, name, alias_id, alias_name, status, plan, salt, revision, created_at, created_by, acted_by)
			VALUES ($1, $2, $3, 'alias_1', 'fast', 'running', '{}', 's', 1, now(), 'user_1', 'user_1')`, string(w.in.Org()), which, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPromptsAndTheirVersionsAreCountedApart: costs by prompt and by version, with the name that the prompt has now.
func TestPromptsAndTheirVersionsAreCountedApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _, err := prompt.NewService(promptpg.New(w.db), func() time.Time { return noon }).
		Create(t.Context(), w.in, prompt.New{Name: "support/greeting", Kind: prompt.Text, Content: prompt.Content{Text: "Hello"}})
	if err != nil {
		t.Fatal(err)
	}
	for n, of := range map[int][2]any{1: {p.ID, 6}, 2: {p.ID, 7}, 4: {id.Prompt(""), 0}, 8: {id.Prompt("prompt_gone"), 7}} {
		for range n {
			r := call(w.in.Org(), w.team, noon)
			r.Prompt, r.PromptVersion, r.PromptLabel = of[0].(id.Prompt), of[1].(int), "production"
			w.deliver(t, r)
		}
	}
	w.roll(t)
	six, seven := string(p.ID)+"@6", string(p.ID)+"@7"
	got := map[string]int64{}
	for _, r := range w.costs(t, usage.Query{GroupBy: []usage.Dimension{usage.PromptVersion}}).Rows {
		got[r.Values[usage.PromptVersion]+" "+r.Names[usage.PromptVersion]] = int64(r.Cost)
	}
	want := map[string]int64{six + " support/greeting": 1000, seven + " support/greeting": 2000, " ": 4000, "prompt_gone@7 ": 8000}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("by version (-want +got):\n%s", d)
	}
	for _, tt := range []struct {
		of   usage.Dimension
		is   string
		want int64
	}{{usage.Prompt, string(p.ID), 3}, {usage.PromptVersion, seven, 2}, {usage.PromptVersion, "", 4}, {usage.Prompt, "", 4}, {usage.PromptVersion, "prompt_gone@6", 0}} {
		if got := w.costs(t, usage.Query{Filter: map[usage.Dimension][]string{tt.of: {tt.is}}}).Total.Calls; got != tt.want {
			t.Errorf("%s %q: %d calls, want %d", tt.of, tt.is, got, tt.want)
		}
	}
	q := usage.Query{From: noon.Add(-time.Hour), To: noon.Add(time.Hour), Filter: map[usage.Dimension][]string{usage.PromptVersion: {seven}}}
	if l, err := w.service.Latency(t.Context(), w.in, q); err != nil || l.Calls != 2 {
		t.Errorf("latency of a version: %+v, %v", l, err)
	}
}

// TestASumBeyondTheRangeHoldsNothingUp: figures stay at the largest value, and the hour becomes clean.
func TestASumBeyondTheRangeHoldsNothingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []time.Time{noon, noon.Add(time.Minute), noon.Add(time.Hour), noon.Add(2 * time.Hour)} {
		r := call(w.in.Org(), w.team, at)
		r.Usage.Units[chat.Input], r.Cost = math.MaxInt64, math.MaxInt64
		r.Attempts[0].Usage, r.Attempts[0].Cost = r.Usage, r.Cost
		w.deliver(t, r)
	}
	w.roll(t)
	for _, q := range []usage.Query{{}, {Bucket: usage.Hourly}, {GroupBy: []usage.Dimension{usage.Team}}} {
		c := w.costs(t, q)
		if c.Total.Calls != 4 || c.Total.Cost != math.MaxInt64 || c.Total.Units[chat.Input] != math.MaxInt64 {
			t.Errorf("%+v: %+v", q, c.Total)
		}
	}
	if dirty, err := w.bench.Dirty(t.Context(), 10); err != nil || len(dirty) != 0 {
		t.Errorf("dirty %v, %v", dirty, err)
	}
}

func TestUnpricedIsCountedNeverZeroCost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unknown := call(w.in.Org(), w.team, noon)
	unknown.Price, unknown.Cost = calllog.Unpriced, 0
	unknown.Attempts[0].Price, unknown.Attempts[0].Cost = calllog.Unpriced, 0
	mixed := call(w.in.Org(), w.team, noon) // the provider that failed has no price, the one that answered has
	mixed.Price = calllog.Unpriced
	mixed.Attempts = append([]calllog.Attempt{{Number: 1, Provider: "custom", Model: "m", Usage: mixed.Usage}}, mixed.Attempts...)
	mixed.Usage.Units = mixed.Usage.Units.Add(mixed.Usage.Units)
	cut := call(w.in.Org(), w.team, noon)
	cut.Outcome, cut.Price, cut.Cost, cut.Usage, cut.Attempts, cut.Estimated = calllog.Interrupted, calllog.Unpriced, 0, chat.Usage{}, nil, true
	refused := call(w.in.Org(), w.team, noon)
	refused.Outcome, refused.Price, refused.Cost, refused.Usage, refused.Attempts = calllog.Refused, calllog.Unpriced, 0, chat.Usage{}, nil
	refused.Provider, refused.Model = "", ""
	w.deliver(t, unknown, mixed, cut, refused)
	w.roll(t)
	got := map[string][4]int64{}
	for _, r := range w.costs(t, usage.Query{GroupBy: []usage.Dimension{usage.Provider}}).Rows {
		got[r.Values[usage.Provider]] = [4]int64{r.Calls, r.Errors, r.Unpriced, int64(r.Cost)}
	}
	want := map[string][4]int64{"openai": {3, 1, 2, 1000}, "custom": {0, 0, 1, 0}, "": {1, 1, 0, 0}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("provider: calls, errors, unpriced, cost (-want +got):\n%s", d)
	}
}

// TestRollupConvergesWhateverHappensAtEachStep runs two workers that are killed and held up at random steps while calls commit.
func TestRollupConvergesWhateverHappensAtEachStep(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			defer cancel()
			errKilled := errors.New("killed")
			writing := make(chan struct{})
			var workers, writers sync.WaitGroup
			for n := range 2 {
				workers.Go(func() {
					rnd := rand.New(rand.NewPCG(seed, uint64(n)))
					bench := usagepg.New(w.db)
					bench.Step(func(ctx context.Context, _ int) error {
						switch rnd.IntN(8) {
						case 0:
							return errKilled
						case 1, 2: // held up until something else has happened
							select {
							case <-ctx.Done():
							case <-time.After(time.Duration(rnd.IntN(8)) * time.Millisecond):
							}
						}
						return nil
					})
					roller := usage.NewRoller(bench, func() time.Time { return noon }, slog.New(slog.DiscardHandler))
					for {
						select {
						case <-writing:
							return
						default:
						}
						if err := roller.Turn(ctx); err != nil && !errors.Is(err, errKilled) {
							t.Errorf("Turn: %v", err)
							return
						}
					}
				})
			}
			var mu sync.Mutex
			var sum money.NanoUSD
			var calls int64
			for n := range 2 {
				writers.Go(func() {
					rnd := rand.New(rand.NewPCG(seed, uint64(10+n)))
					for range 60 {
						r := call(w.in.Org(), w.team, noon.Add(time.Duration(rnd.IntN(3*3600))*time.Second))
						r.Cost = money.NanoUSD(rnd.IntN(1000))
						r.Workflow = fmt.Sprint("w", rnd.IntN(3))
						again := 1 + rnd.IntN(2)
						for range again {
							if _, err := w.log.Ingest(ctx, []calllog.Record{r}, calllog.Beat{}); err != nil {
								t.Error(err)
								return
							}
						}
						mu.Lock()
						sum += r.Cost
						calls++
						mu.Unlock()
					}
				})
			}
			writers.Wait()
			close(writing)
			workers.Wait()
			w.roll(t)
			c := w.costs(t, usage.Query{Bucket: usage.Hourly, GroupBy: []usage.Dimension{usage.Workflow}})
			if c.Total.Cost != sum || c.Total.Calls != calls {
				t.Errorf("usage says %d calls for %d, the log %d for %d", c.Total.Calls, c.Total.Cost, calls, sum)
			}
			if d := cmp.Diff(raw(t, w.db), byWorkflow(c)); d != "" {
				t.Errorf("(-calls +usage):\n%s", d)
			}
			if n := count(t, w.db, `SELECT count(*) FROM usage_dirty`); n != 0 {
				t.Errorf("%d dirty rows are left", n)
			}
		})
	}
}

func byWorkflow(c usage.Costs) map[string]int64 {
	got := map[string]int64{}
	for _, r := range c.Rows {
		got[r.At.Format(time.RFC3339)+" "+r.Values[usage.Workflow]] = int64(r.Cost)
	}
	return got
}

// raw computes costs by hour and workflow from calls, in another way than the rollup does.
func raw(t *testing.T, db *postgres.DB) map[string]int64 {
	t.Helper()
	got := map[string]int64{}
	err := db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT started_at, workflow, cost_nano FROM calls`)
		if err != nil {
			return err
		}
		var at time.Time
		var workflow string
		var cost int64
		_, err = pgx.ForEachRow(rows, []any{&at, &workflow, &cost}, func() error {
			got[at.UTC().Truncate(time.Hour).Format(time.RFC3339)+" "+workflow] += cost
			return nil
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func count(t *testing.T, db *postgres.DB, sql string) (n int) {
	t.Helper()
	err := db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error { return tx.QueryRow(t.Context(), sql).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAKilledRecomputeLeavesTheOldFiguresAndTheDirt(t *testing.T) {
	t.Parallel()
	for step := 1; step <= 5; step++ {
		w := newWorld(t)
		w.deliver(t, call(w.in.Org(), w.team, noon))
		w.roll(t)
		w.deliver(t, call(w.in.Org(), w.team, noon))
		killed := errors.New("killed")
		w.bench.Step(func(_ context.Context, n int) error {
			if n == step {
				return killed
			}
			return nil
		})
		if err := w.bench.Recompute(t.Context(), usage.Hour{Org: w.in.Org(), At: noon}); !errors.Is(err, killed) {
			t.Fatal(err)
		}
		if c := w.costs(t, usage.Query{}); c.Total.Cost != 1000 {
			t.Errorf("killed at step %d: cost %d, want the old 1000", step, c.Total.Cost)
		}
		w.bench.Step(func(context.Context, int) error { return nil })
		w.roll(t)
		if c := w.costs(t, usage.Query{}); c.Total.Cost != 2000 {
			t.Errorf("killed at step %d, then rolled up: cost %d, want 2000", step, c.Total.Cost)
		}
	}
}

// TestACallThatCommitsDuringARecomputeIsNotForgotten: its dirty row is not among those that the recompute has read.
func TestACallThatCommitsDuringARecomputeIsNotForgotten(t *testing.T) {
	t.Parallel()
	for step := 1; step <= 5; step++ {
		w := newWorld(t)
		w.deliver(t, call(w.in.Org(), w.team, noon))
		w.bench.Step(func(_ context.Context, n int) error {
			if n == step {
				w.deliver(t, call(w.in.Org(), w.team, noon.Add(time.Minute)))
			}
			return nil
		})
		if err := w.bench.Recompute(t.Context(), usage.Hour{Org: w.in.Org(), At: noon}); err != nil {
			t.Fatal(err)
		}
		w.bench.Step(func(context.Context, int) error { return nil })
		w.roll(t)
		if c := w.costs(t, usage.Query{}); c.Total.Calls != 2 {
			t.Errorf("a call that came at step %d: %d calls, want 2", step, c.Total.Calls)
		}
	}
}

func TestGroupsFiltersAndNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, gone := call(w.in.Org(), w.team, noon), call(w.in.Org(), w.team, noon.Add(time.Hour)), call(w.in.Org(), "team_gone", noon)
	b.Workflow, b.Environment, b.Cost = "", "staging", 5
	b.Outcome = calllog.Broken
	gone.Cost = 7
	w.deliver(t, a, b, gone)
	w.roll(t)
	c := w.costs(t, usage.Query{GroupBy: []usage.Dimension{usage.Team, usage.Workflow}})
	type line struct {
		team, name, workflow string
		cost                 money.NanoUSD
		errors               int64
	}
	var got []line
	for _, r := range c.Rows {
		name := "none"
		if r.Names[usage.Team] != "" {
			name = "named"
		}
		got = append(got, line{r.Values[usage.Team], name, r.Values[usage.Workflow], r.Cost, r.Errors})
	}
	team := string(w.team)
	want := []line{{team, "named", "triage", 1000, 0}, {"team_gone", "none", "triage", 7, 0}, {team, "named", "", 5, 1}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(line{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, tt := range []struct {
		name   string
		filter map[usage.Dimension][]string
		want   money.NanoUSD
	}{
		{"one value", map[usage.Dimension][]string{usage.Environment: {"staging"}}, 5},
		{"values are alternatives", map[usage.Dimension][]string{usage.Team: {team, "team_gone"}}, 1012},
		{"dimensions must all match", map[usage.Dimension][]string{usage.Team: {"team_gone"}, usage.Environment: {"staging"}}, 0},
		{"none is a value", map[usage.Dimension][]string{usage.Workflow: {""}}, 5},
		{"no values choose nothing away", map[usage.Dimension][]string{usage.Workflow: {}}, 1012},
		{"SQL in a value is a value", map[usage.Dimension][]string{usage.Workflow: {"' OR true --"}}, 0},
	} {
		if c := w.costs(t, usage.Query{Filter: tt.filter}); c.Total.Cost != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, c.Total.Cost, tt.want)
		}
	}
}

func TestDaysAreDaysOfTheZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	kolkata := time.FixedZone("", 5*3600+1800)
	// Around the change to summer time: 31 March 2030 has 23 hours in Berlin.
	for _, at := range []string{"2030-03-30T22:30:00Z", "2030-03-30T23:30:00Z", "2030-03-31T21:30:00Z", "2030-03-31T22:30:00Z"} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		w.deliver(t, call(w.in.Org(), w.team, when))
	}
	w.roll(t)
	days := func(zone *time.Location) map[string]int64 {
		got := map[string]int64{}
		q := usage.Query{From: time.Date(2030, 3, 29, 0, 0, 0, 0, zone), To: time.Date(2030, 4, 2, 0, 0, 0, 0, zone), Zone: zone, Bucket: usage.Daily}
		for _, r := range w.costs(t, q).Rows {
			got[r.At.In(zone).Format("01-02 15:04")] = r.Calls
		}
		return got
	}
	if d := cmp.Diff(map[string]int64{"03-30 00:00": 1, "03-31 00:00": 2, "04-01 00:00": 1}, days(berlin)); d != "" {
		t.Errorf("Berlin (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]int64{"03-30 00:00": 2, "03-31 00:00": 2}, days(time.UTC)); d != "" {
		t.Errorf("UTC (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]int64{"03-31 00:00": 2, "04-01 00:00": 2}, days(kolkata)); d != "" {
		t.Errorf("Kolkata (-want +got):\n%s", d)
	}
}

func TestAnotherOrganizationsUsageIsNotSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, _ := pgtest.Org(t, w.db, "Globex")
	w.deliver(t, call(w.in.Org(), w.team, noon))
	w.roll(t)
	q := usage.Query{From: noon.Add(-time.Hour), To: noon.Add(time.Hour), Filter: map[usage.Dimension][]string{usage.Team: {string(w.team)}}}
	c, err := w.service.Costs(t.Context(), other, q)
	if err != nil || len(c.Rows) > 0 || c.Total.Calls > 0 {
		t.Errorf("Costs: %+v, %v", c, err)
	}
	if l, err := w.service.Latency(t.Context(), other, q); err != nil || l.Calls > 0 {
		t.Errorf("Latency: %+v, %v", l, err)
	}
	if at, err := w.service.LastData(t.Context(), other, noon.AddDate(1, 0, 0)); err != nil || !at.IsZero() {
		t.Errorf("LastData: %v, %v", at, err)
	}
	if _, err := w.service.Costs(t.Context(), tenant.Scope{}, q); !errors.Is(err, tenant.ErrNoScope) {
		t.Errorf("no scope: %v", err)
	}
}

func TestFreshnessPromisesNoMoreThanTheFiguresHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	beat := func(proxy string, at, until time.Time, records ...calllog.Record) {
		t.Helper()
		if _, err := w.log.Ingest(t.Context(), records, calllog.Beat{Proxy: proxy, At: at, ShippedUntil: until}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, want time.Time) {
		t.Helper()
		if got := w.costs(t, usage.Query{}).UpTo; !got.Equal(want) {
			t.Errorf("%s: up to %v, want %v", when, got, want)
		}
	}
	check("no proxy yet", time.Time{})
	beat("prx_1", noon, noon.Add(-time.Minute))
	check("one proxy", noon.Add(-time.Minute))
	beat("prx_2", noon, noon.Add(-2*time.Minute))
	check("the slower of two", noon.Add(-2*time.Minute))
	beat("prx_2", noon.Add(time.Second), time.Time{})
	check("a beat that does not know changes nothing", noon.Add(-2*time.Minute))
	beat("prx_1", noon.Add(time.Minute), noon.Add(time.Minute))
	beat("prx_2", noon.Add(time.Minute), noon.Add(time.Minute), call(w.in.Org(), w.team, noon.Add(-5*time.Minute)))
	check("a call waits for the rollup: until its end", noon.Add(-5*time.Minute).Add(time.Second))
	w.roll(t)
	check("rolled up", noon.Add(time.Minute))
	beat("prx_1", noon.Add(20*time.Minute), noon.Add(20*time.Minute))
	check("a proxy that is silent for long holds nothing up", noon.Add(20*time.Minute))
	beat("prx_3", noon.Add(20*time.Minute), time.Time{})
	check("a new proxy that knows nothing yet", time.Time{})
}

func TestFiguresCompareWithTheRangeBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var records []calllog.Record
	for i := range 20 {
		r := call(w.in.Org(), w.team, noon.Add(time.Duration(i)*time.Minute))
		r.Duration, r.FirstByte, r.Stream = time.Duration(i+1)*time.Millisecond, time.Duration(i+1)*time.Microsecond, true
		records = append(records, r)
	}
	refused := call(w.in.Org(), w.team, noon)
	refused.Outcome, refused.Duration, refused.Cost, refused.Attempts = calllog.Refused, time.Hour, 0, nil
	w.deliver(t, append(records, refused, call(w.in.Org(), w.team, noon.Add(-time.Minute)))...)
	w.roll(t)
	got, err := w.service.Latency(t.Context(), w.in, usage.Query{From: noon, To: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	want := usage.Latency{P50: 10 * time.Millisecond, P95: 19 * time.Millisecond, FirstByteP50: 10 * time.Microsecond, FirstByteP95: 19 * time.Microsecond, Calls: 20}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("latency (-want +got):\n%s", d)
	}
}
