package calllogpg_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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

// record is a call with something in every field; durations are whole microseconds, as the log keeps them.
func record(org id.Org, team id.Team, at time.Time) calllog.Record {
	u := chat.Usage{Source: chat.Reported}
	for c := range u.Units {
		u.Units[c] = int64(c + 1)
	}
	told := money.NanoUSD(12000)
	return calllog.Record{
		ID: callAt(at), Org: org, Team: team, Key: "key_x", Proxy: "prx_1", Environment: "production", Workflow: "triage", EndUser: "u1",
		Tags: map[string]string{"a": "1", "ünïcode \"q\"": "x\\y\n"}, Endpoint: "chat", Dialect: "openai-chat", Requested: "fast",
		Alias: "fast", AliasVersion: 3, Provider: "openai", Model: "gpt-4o-mini", Stream: true, Status: 200, Outcome: calllog.OK,
		Finish: chat.FinishStop, Usage: u, Cost: 12345, Price: calllog.Priced, Estimated: true, Duration: time.Second,
		FirstByte: 200 * time.Millisecond, Overhead: 300 * time.Microsecond, RequestBytes: 10, ResponseBytes: 20,
		ProviderCost: &told, Warnings: []string{"seed was dropped", `ünïcode, "q" {x\y} NULL`, "NULL", " "},
		Task: "classification", TaskBy: calllog.TaskHeader, Experiment: "exp_1", Arm: "haiku", ArmServed: "control", Unit: 1 << 63, UnitBy: "session",
		Signals: calllog.SchemaAsked | calllog.CutShort, Fingerprint: 1<<64 - 1, Batch: "batch_1",
		Decision: &calllog.Decision{
			Strategy: "weighted", Rule: `"big" <prompts>`, Sticky: true, Filters: []string{"only openai"},
			Features:   []calllog.Feature{{Name: "code fences", Value: 2.5, Weight: -1}},
			Candidates: []calllog.Candidate{{Provider: "openai", Model: "gpt-4o-mini", Credential: "cred_b", Place: 1, Why: "weight 50 of 100"}, {Provider: "a", Model: "b", Why: "breaker open"}},
			Notes:      []string{"ünïcode"},
		},
		Secret: "sec_a",
		Prompt: "prompt_1", PromptVersion: 7, PromptLabel: "production",
		Charges: []calllog.Charge{{Budget: "bud_a", Pot: id.Pot{1}, Holder: id.Holder{2}, Amount: 12345}, {Budget: "bud_b", Pot: id.Pot{3}, Amount: 1 << 40}},
		Checks:  []calllog.Check{{By: "bud_b", Did: calllog.WouldRefuse, Subject: `ünïcode "q"`, Period: "day", Short: 17}, {By: "lim_a", Did: calllog.DidWait}},
		Marks:   []calllog.Mark{{Stage: "read", At: time.Millisecond}},
		Attempts: []calllog.Attempt{
			{
				Number: 1, Provider: "anthropic", Model: "claude", Credential: "cred_a", Start: time.Microsecond, Duration: time.Millisecond,
				Status: 429, ErrorClass: "rate_limit",
			},
			{
				Number: 2, Provider: "openai", Model: "gpt-4o-mini", Start: time.Millisecond, FirstByte: time.Millisecond, Duration: time.Second,
				Status: 200, UpstreamID: "chatcmpl-1", Usage: u, Cost: 12345, Price: calllog.Priced, PriceID: "price_a", ProviderCost: &told,
			},
		},
	}
}

func TestARecordIsReadBackWhole(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	r := record(in.Org(), team, noon)
	r.Payload = &calllog.Payload{Request: []byte("{}"), Response: []byte{0, 255}, Cut: true}
	deliver(t, store, r)
	got, err := calllog.NewQueries(store).Call(t.Context(), in, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.TeamName == "" {
		t.Error("the team has no name")
	}
	want := calllog.Entry{Record: r, StartedAt: noon, TeamName: got.TeamName, HasPayload: true}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-stored +read):\n%s", d)
	}
}

func deliver(t *testing.T, store *calllogpg.Store, records ...calllog.Record) {
	t.Helper()
	d, err := store.Ingest(t.Context(), records, calllog.Beat{})
	if err != nil || len(d.Rejected) > 0 {
		t.Fatalf("Ingest: %v, rejected %v", err, d.Rejected)
	}
}

// rows counts the rows of a table as the system sees them.
func rows(t *testing.T, db *postgres.DB, what string, args ...any) (n int) {
	t.Helper()
	err := db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT count(*) FROM `+what, args...).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRedeliveryShuffledByThreeWorkersStoresEachCallOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	var all []calllog.Record
	var cost money.NanoUSD
	for i := range 400 {
		r := record(in.Org(), team, noon.Add(time.Duration(i)*time.Minute))
		r.Cost = money.NanoUSD(i)
		r.Attempts[1].Cost = r.Cost
		if i%7 == 0 {
			r.Payload = &calllog.Payload{Request: []byte("a")}
		}
		cost += r.Cost
		all = append(all, r)
	}
	var group sync.WaitGroup
	for worker := range 3 {
		group.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(worker), 1))
			for range 4 {
				mine := slices.Clone(all)
				rnd.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
				for len(mine) > 0 {
					n := min(1+rnd.IntN(90), len(mine))
					if _, err := store.Ingest(t.Context(), mine[:n], calllog.Beat{}); err != nil {
						t.Error(err)
						return
					}
					if rnd.IntN(3) > 0 { // else the same batch again
						mine = mine[n:]
					}
				}
			}
		})
	}
	group.Wait()
	if n := rows(t, db, "calls"); n != len(all) {
		t.Errorf("%d calls, want %d", n, len(all))
	}
	if n := rows(t, db, "call_payloads"); n != 58 {
		t.Errorf("%d payloads, want 58", n)
	}
	if n := rows(t, db, "calls WHERE cost_nano IS NOT NULL HAVING sum(cost_nano) = $1", int64(cost)); n != len(all) {
		t.Errorf("the costs do not add up to %d", cost)
	}
	if n := rows(t, db, "usage_dirty"); n == 0 {
		t.Error("no hour is dirty")
	}
	before := rows(t, db, "usage_dirty")
	deliver(t, store, all...)
	if n := rows(t, db, "usage_dirty"); n != before {
		t.Error("a redelivery that brought nothing new made hours dirty")
	}
}

func TestWhatCannotBeStoredIsNamedAndTheRestIs(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	good, stranger := record(in.Org(), team, noon), record("org_gone", team, noon)
	d, err := store.Ingest(t.Context(), []calllog.Record{stranger, good}, calllog.Beat{})
	if err != nil || d.New != 1 || len(d.Rejected) != 1 || d.Rejected[0].Record.ID != stranger.ID {
		t.Errorf("Ingest = %+v, %v; want the good one stored and the stranger rejected", d, err)
	}
	bad := record(in.Org(), team, noon)
	bad.Usage.Units[chat.Output] = -1
	if _, err := store.Ingest(t.Context(), []calllog.Record{bad, record(in.Org(), team, noon)}, calllog.Beat{}); !errors.Is(err, calllog.ErrPoison) {
		t.Errorf("negative units: %v, want ErrPoison", err)
	}
	if n := rows(t, db, "calls"); n != 1 {
		t.Errorf("%d calls, want 1: a refused delivery stores nothing", n)
	}
}

func TestWhateverClientsSendIsStored(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	nasty := "\x00\xff" + strings.Repeat("ä", 3000) + "\"'\\\u2028"
	r := record(in.Org(), team, noon)
	r.Requested, r.Model, r.Alias, r.Workflow, r.EndUser, r.Environment, r.ErrorCode = nasty, nasty, nasty, nasty, nasty, nasty, nasty
	r.Tags = map[string]string{nasty: nasty, "\x00": "\xc3"}
	r.Attempts[0].UpstreamID, r.Attempts[0].Model = nasty, nasty
	r.Marks[0].Stage = nasty
	r.Duration, r.FirstByte = -5, -5
	below := money.NanoUSD(-1)
	r.ProviderCost, r.Attempts[0].ProviderCost = &below, &below
	r.Warnings = slices.Repeat([]string{nasty}, 100)
	deliver(t, store, r)
	got, err := store.Call(t.Context(), in, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Workflow) > 256 || len(got.Model) > 256 || len(got.Requested) > 512 || len(got.Tags) != 2 {
		t.Errorf("not cut: %d %d %d %d", len(got.Workflow), len(got.Model), len(got.Requested), len(got.Tags))
	}
	if got.ProviderCost != nil || got.Attempts[0].ProviderCost != nil {
		t.Error("a negative cost of the provider was kept")
	}
	if len(got.Warnings) != calllog.WarningsMax || len(got.Warnings[0]) > calllog.WarningBytesMax {
		t.Errorf("%d warnings, the first of %d bytes", len(got.Warnings), len(got.Warnings[0]))
	}
}

func TestListPagesForthAndBackWithoutGaps(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	q := calllog.NewQueries(calllogpg.New(db))
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	var want []id.Call
	for i := range 23 {
		r := record(in.Org(), team, noon.Add(time.Duration(i/3)*time.Millisecond)) // several in one millisecond
		deliver(t, store, r)
		want = append(want, r.ID)
	}
	slices.SortFunc(want, func(a, b id.Call) int { return -slices.Compare(a[:], b[:]) })
	var got []id.Call
	var pages []calllog.Page
	turn := calllog.Turn{Limit: 5}
	for {
		p, err := q.List(t.Context(), in, calllog.Filter{}, turn)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, p)
		for _, e := range p.Calls {
			got = append(got, e.ID)
		}
		if p.Older == nil {
			break
		}
		turn = calllog.Turn{Before: p.Older, Limit: 5}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("forth (-want +got):\n%s", d)
	}
	for i := len(pages) - 1; i > 0; i-- {
		p, err := q.List(t.Context(), in, calllog.Filter{}, calllog.Turn{After: pages[i].Newer, Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(ids(pages[i-1].Calls), ids(p.Calls)); d != "" {
			t.Errorf("back to page %d:\n%s", i-1, d)
		}
		if (p.Newer == nil) != (i == 1) {
			t.Errorf("page %d: Newer = %v", i-1, p.Newer)
		}
	}
}

func ids(entries []calllog.Entry) []id.Call {
	var out []id.Call
	for _, e := range entries {
		out = append(out, e.ID)
	}
	return out
}

func TestFilters(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	q := calllog.NewQueries(store)
	in, team := pgtest.Org(t, db, "Acme")
	plain := record(in.Org(), team, noon)
	other := record(in.Org(), "team_gone", noon.Add(time.Minute))
	other.Key, other.Alias, other.Model, other.Provider, other.Workflow, other.Environment = "key_y", "slow", "m2", "mistral", "w2", "staging"
	other.Endpoint = "embeddings"
	other.Outcome, other.Status, other.EndUser, other.ErrorCode, other.Tags = calllog.Failed, 502, "u2", "provider.down", nil
	other.Attempts = other.Attempts[:1]
	paid := record(in.Org(), team, noon.Add(2*time.Minute)) // its first attempt was used too
	paid.Attempts[0].Cost, paid.Cost = 1, 12346
	deliver(t, store, plain, other, paid)
	tests := []struct {
		name   string
		filter calllog.Filter
		want   []id.Call
	}{
		{"none gives all, newest first", calllog.Filter{}, []id.Call{paid.ID, other.ID, plain.ID}},
		{"from is inclusive", calllog.Filter{From: noon.Add(time.Minute)}, []id.Call{paid.ID, other.ID}},
		{"to is exclusive", calllog.Filter{To: noon.Add(time.Minute)}, []id.Call{plain.ID}},
		{"team", calllog.Filter{Teams: []id.Team{"team_gone"}}, []id.Call{other.ID}},
		{"values of a field are alternatives", calllog.Filter{Keys: []id.Key{"key_y", "key_x"}}, []id.Call{paid.ID, other.ID, plain.ID}},
		{"fields must all match", calllog.Filter{Keys: []id.Key{"key_y"}, Aliases: []string{"fast"}}, nil},
		{"alias", calllog.Filter{Aliases: []string{"slow"}}, []id.Call{other.ID}},
		{"model", calllog.Filter{Models: []string{"m2"}}, []id.Call{other.ID}},
		{"provider", calllog.Filter{Providers: []string{"mistral"}}, []id.Call{other.ID}},
		{"provider of an attempt that cost something", calllog.Filter{Providers: []string{"anthropic"}}, []id.Call{paid.ID}},
		{"workflow", calllog.Filter{Workflows: []string{"w2"}}, []id.Call{other.ID}},
		{"environment", calllog.Filter{Environments: []string{"staging"}}, []id.Call{other.ID}},
		{"endpoint", calllog.Filter{Endpoints: []string{"embeddings", "rerank"}}, []id.Call{other.ID}},
		{"outcome", calllog.Filter{Outcomes: []calllog.Outcome{calllog.Failed}}, []id.Call{other.ID}},
		{"several bad outcomes", calllog.Filter{Outcomes: []calllog.Outcome{calllog.Refused, calllog.Failed}}, []id.Call{other.ID}},
		{"a good and a bad outcome", calllog.Filter{Outcomes: []calllog.Outcome{calllog.OK, calllog.Failed}}, []id.Call{paid.ID, other.ID, plain.ID}},
		{"status", calllog.Filter{Statuses: []int{502}}, []id.Call{other.ID}},
		{"class of status", calllog.Filter{Statuses: []int{5}}, []id.Call{other.ID}},
		{"end user", calllog.Filter{EndUser: "u2"}, []id.Call{other.ID}},
		{"error code", calllog.Filter{ErrorCode: "provider.down"}, []id.Call{other.ID}},
		{"tag", calllog.Filter{Tags: map[string]string{"a": "1"}}, []id.Call{paid.ID, plain.ID}},
		{"tag with another value", calllog.Filter{Tags: map[string]string{"a": "2"}}, nil},
		{"id", calllog.Filter{ID: plain.ID}, []id.Call{plain.ID}},
		{"percent and underscore mean themselves", calllog.Filter{Aliases: []string{"%", "f_st"}}, nil},
	}
	for _, tt := range tests {
		p, err := q.List(t.Context(), in, tt.filter, calllog.Turn{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if d := cmp.Diff(tt.want, ids(p.Calls)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestAnotherOrganizationSeesNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	q := calllog.NewQueries(store)
	a, team := pgtest.Org(t, db, "Acme")
	b, _ := pgtest.Org(t, db, "Globex")
	_, tail, err := store.Since(t.Context(), b, calllog.Filter{}, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	r := record(a.Org(), team, noon)
	r.Payload = &calllog.Payload{Request: []byte("secret")}
	deliver(t, store, r)
	if _, err := q.Call(t.Context(), b, r.ID); !errors.Is(err, calllog.ErrNotFound) {
		t.Errorf("Call: %v, want ErrNotFound", err)
	}
	if p, err := q.List(t.Context(), b, calllog.Filter{ID: r.ID, Teams: []id.Team{team}}, calllog.Turn{}); err != nil || len(p.Calls) > 0 {
		t.Errorf("List: %v, %v", p.Calls, err)
	}
	if _, _, found, err := q.FirstCall(t.Context(), b); found || err != nil {
		t.Errorf("FirstCall: %v, %v", found, err)
	}
	if got, _, err := store.Since(t.Context(), b, calllog.Filter{}, tail, 10); err != nil || len(got) > 0 {
		t.Errorf("Since: %v, %v", got, err)
	}
	if _, err := q.Call(t.Context(), tenant.Scope{}, r.ID); !errors.Is(err, tenant.ErrNoScope) {
		t.Errorf("Call without a scope: %v", err)
	}
}

func TestFirstCallIsTheOldest(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	q := calllog.NewQueries(store)
	if _, _, found, err := q.FirstCall(t.Context(), in); found || err != nil {
		t.Errorf("before any: %v, %v", found, err)
	}
	late, early := record(in.Org(), team, noon.AddDate(0, 0, 40)), record(in.Org(), team, noon)
	deliver(t, store, late, early)
	call, at, found, err := q.FirstCall(t.Context(), in)
	if !found || err != nil || call != early.ID || !at.Equal(noon) {
		t.Errorf("FirstCall = %v %v %v %v", call, at, found, err)
	}
}

// TestFollowMissesNoCallWhateverTheOrderOfCommits: a transaction that began earlier commits later.
func TestFollowMissesNoCallWhateverTheOrderOfCommits(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := pgtest.Open(t, url, postgres.Options{MaxConns: 8})
	store := calllogpg.New(db)
	in, team := pgtest.Org(t, db, "Acme")
	_, tail, err := store.Since(t.Context(), in, calllog.Filter{}, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	tail-- // other databases of the server move the place too; stay before what follows
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	const writers, each = 4, 15
	want := map[id.Call]bool{}
	var batches [][]calllog.Record
	for i := range writers * each {
		r := record(in.Org(), team, noon.Add(time.Duration(i)*time.Millisecond))
		want[r.ID] = true
		batches = append(batches, []calllog.Record{r})
	}
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				if _, err := store.Ingest(ctx, batches[w*each+i], calllog.Beat{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[id.Call]int{}
	for step, err := range calllog.NewQueries(store).Follow(ctx, in, calllog.Filter{}, tail) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range step.Calls {
			seen[e.ID]++
		}
		if len(seen) == len(want) {
			break
		}
	}
	group.Wait()
	for call := range want {
		if seen[call] != 1 {
			t.Errorf("call %s was told %d times", call, seen[call])
		}
	}
}

func TestUnitsHaveAColumnForEachClass(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for c := range chat.Classes {
		if n := rows(t, db, `information_schema.columns WHERE table_name IN ('calls', 'usage_hourly') AND column_name = $1`, c.String()); n != 2 {
			t.Errorf("class %s has %d columns, want one in calls and one in usage_hourly: write a migration", c, n)
		}
	}
}

func BenchmarkIngest(b *testing.B) {
	for _, size := range []int{500, 5000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			db := pgtest.New(b)
			store := calllogpg.New(db)
			in, team := pgtest.Org(b, db, "Acme")
			if _, err := store.MakeDays(context.Background(), noon); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			for i := range b.N {
				batch := make([]calllog.Record, size)
				for j := range batch {
					batch[j] = record(in.Org(), team, noon.Add(time.Duration(i*size+j)*time.Millisecond))
				}
				if _, err := store.Ingest(context.Background(), batch, calllog.Beat{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
