package requests_test

import (
	"context"
	"encoding/binary"
	"iter"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/score"
	"tollgate/internal/tenant"
	"tollgate/web/page/pagetest"
	"tollgate/web/page/requests"
)

// callID is the same in every run: a moment, and a number.
func callID(at time.Time, n byte) id.Call {
	var c id.Call
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(at.UnixMilli()))
	copy(c[:6], b[2:])
	c[6], c[8], c[15] = 0x70, 0x80, n
	return c
}

func usageOf(source chat.Source, input, cached, output int64) chat.Usage {
	u := chat.Usage{Source: source}
	u.Units[chat.Input], u.Units[chat.CacheRead], u.Units[chat.Output] = input, cached, output
	return u
}

// catalogue prices one model.
func catalogue(t testing.TB) price.Record {
	t.Helper()
	rate := func(s string) price.Rate {
		p, err := money.ParsePerMillion(s)
		if err != nil {
			t.Fatal(err)
		}
		return price.Rate{Price: p, Listed: true}
	}
	r := price.Record{ID: "price_sonnet", Provider: "anthropic", Model: "claude-sonnet-4-5", Source: "litellm", From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}
	r.Rates[chat.Input], r.Rates[chat.CacheRead], r.Rates[chat.Output] = rate("3"), rate("0.30"), rate("15")
	return r
}

func entry(n byte, ago time.Duration) calllog.Entry {
	at := pagetest.Now().Add(-ago).Truncate(time.Millisecond)
	return calllog.Entry{
		StartedAt: at, TeamName: "Support", KeyName: "support-prod",
		Record: calllog.Record{
			ID: callID(at, n), Org: "org_a", Team: "team_support", Key: "key_prod", Environment: "production", Workflow: "draft-reply",
			Endpoint: "chat", Dialect: "openai", Requested: "support-reply", Alias: "support-reply", AliasVersion: 8, Status: 200, Outcome: calllog.OK,
			Duration: 4910 * time.Millisecond, FirstByte: 901 * time.Millisecond, Overhead: 430 * time.Microsecond, Stream: true, Finish: "stop",
			Price: calllog.Priced,
		},
	}
}

// fallback answered after a first attempt had failed; its price is known.
func fallback() calllog.Entry {
	e := entry(1, time.Second)
	u := usageOf(chat.Reported, 512, 1792, 412)
	e.Provider, e.Model, e.Usage, e.Cost = "anthropic", "claude-sonnet-4-5", u, 8_253_600
	e.Tags = map[string]string{"release": "2026-11", "customer": "<acme>"}
	e.Prompt, e.PromptName, e.PromptVersion, e.PromptLabel = "prompt_1", "support/greeting", 7, "production"
	e.Marks = []calllog.Mark{
		{Stage: "authenticate", At: 40 * time.Microsecond},
		{Stage: "read", At: 60 * time.Microsecond},
		{Stage: "resolve", At: 120 * time.Microsecond},
		{Stage: "dispatch", At: 4909 * time.Millisecond},
		{Stage: "settle", At: 4909500 * time.Microsecond},
		{Stage: "answered", At: 4910 * time.Millisecond},
	}
	e.Attempts = []calllog.Attempt{
		{Number: 1, Provider: "openai", Model: "gpt-4o-mini", Credential: "cred_eu", Start: time.Millisecond, Duration: 188 * time.Millisecond, Status: 529, ErrorClass: "overloaded", Price: calllog.NoCharge},
		{
			Number: 2, Provider: "anthropic", Model: "claude-sonnet-4-5", Credential: "cred_us", Start: 389 * time.Millisecond, FirstByte: 512 * time.Millisecond,
			Duration: 4520 * time.Millisecond, Status: 200, UpstreamID: "msg_01", Usage: u, Cost: 8_253_600, Price: calllog.Priced, PriceID: "price_sonnet",
		},
	}
	return e
}

// unpriced used a model that no list has, and its bodies are kept.
func unpriced() calllog.Entry {
	e := entry(2, time.Minute)
	u := usageOf(chat.Estimated, 90, 0, 10)
	e.Alias, e.AliasVersion, e.Requested = "", 0, "mistral/mystery"
	e.Provider, e.Model, e.Usage, e.Price, e.Estimated = "mistral", "mystery", u, calllog.Unpriced, true
	e.Attempts = []calllog.Attempt{{Number: 1, Provider: "mistral", Model: "mystery", Duration: time.Second, Status: 200, Usage: u}}
	e.HasPayload = true
	e.Payload = &calllog.Payload{Request: []byte(`{"messages":[{"role":"user","content":"<script>alert(1)</script>"}]}`), Response: []byte("data: {}\n\n"), Cut: true}
	return e
}

// drawn made two images of one size; the provider said what they cost, and a field was dropped.
func drawn() calllog.Entry {
	e := entry(4, time.Hour)
	u := chat.Usage{Source: chat.Reported, Units: chat.Units{chat.Input: 20, chat.OutputImage: 900, chat.Images: 2, chat.AudioMS: 90_000}}
	told := money.NanoUSD(84_150_000)
	e.Endpoint, e.Requested, e.Alias, e.AliasVersion, e.Stream, e.FirstByte = "images", "fal/draw", "", 0, false, 0
	e.Provider, e.Model, e.Usage, e.Cost, e.ProviderCost = "fal", "draw", u, 84_000_000, &told
	e.Warnings = []string{"background was dropped: draw cannot express it", "<b>style</b> was dropped"}
	e.Attempts = []calllog.Attempt{{
		Number: 1, Provider: "fal", Model: "draw", Duration: time.Second, Status: 200, Usage: u, Cost: 84_000_000, Price: calllog.Priced,
		PriceID: "price_sized", ProviderCost: &told,
	}}
	return e
}

// sized is the price of drawn: of an image by its size, and of audio by its time.
func sized() price.Record {
	r := price.Record{ID: "price_sized", Provider: "fal", Model: "low/1024-x-1024/draw", Source: "litellm"}
	r.Rates = price.Rates{}.Set(chat.Images, 42_000_000_000-75_000_000).Set(chat.AudioMS, 100_000-1)
	return r
}

// refused never reached a provider.
func refused() calllog.Entry {
	e := entry(3, 26*time.Hour)
	e.Status, e.Outcome, e.ErrorCode, e.Price, e.FirstByte, e.Duration = 429, calllog.Refused, "rate.limited", calllog.NoCharge, 0, 2*time.Millisecond
	e.Key, e.KeyName = "key_gone", ""
	return e
}

// fake is a log of one organization, org_a.
type fake struct {
	entries []calllog.Entry
	page    calllog.Page // of List, when entries is nil
	filter  calllog.Filter
	turn    calllog.Turn
	steps   []calllog.Tailed
}

func (f *fake) List(_ context.Context, _ tenant.Scope, filter calllog.Filter, turn calllog.Turn) (calllog.Page, error) {
	f.filter, f.turn = filter, turn
	if f.entries == nil {
		return f.page, nil
	}
	return calllog.Page{Calls: f.entries}, nil
}

func (f *fake) Call(_ context.Context, in tenant.Scope, call id.Call) (calllog.Entry, error) {
	for _, e := range f.entries {
		if e.ID == call && e.Org == in.Org() {
			return e, nil
		}
	}
	return calllog.Entry{}, calllog.ErrNotFound
}

func (f *fake) Follow(_ context.Context, _ tenant.Scope, filter calllog.Filter, _ calllog.Tail) iter.Seq2[calllog.Tailed, error] {
	return func(yield func(calllog.Tailed, error) bool) {
		for _, s := range f.steps {
			if !yield(s, nil) {
				return
			}
		}
	}
}

type prices struct{ record price.Record }

func (p prices) Book(context.Context) (*price.Book, error) {
	return price.NewBook([]price.Record{p.record}), nil
}

func (p prices) Overrides(context.Context, tenant.Scope) ([]price.Override, error) { return nil, nil }

type credentials struct{}

func (credentials) List(context.Context, tenant.Scope) ([]credential.Credential, error) {
	return []credential.Credential{{ID: "cred_us", Name: "anthropic-us"}}, nil
}

func newPage(t testing.TB, calls *fake) requests.Page {
	t.Helper()
	return requests.Page{Calls: calls, Usage: pagetest.Sample(), Prices: prices{catalogue(t)}, Credentials: credentials{}, Names: pagetest.Names(), Scores: &opinions{}, Budgets: guards{}, Limits: guards{}}
}

// routed went by an alias with a rule, to its second choice, in an experiment, for a task that the classifier found.
func routed() calllog.Entry {
	e := fallback()
	e.ID = callID(e.StartedAt, 5)
	e.Task, e.TaskBy = "complex-analysis", calllog.TaskLocal
	e.Experiment, e.Arm, e.ArmServed, e.UnitBy, e.Batch = "exp_1", "sonnet", "", "session", "batch_1"
	e.Signals = calllog.SchemaAsked | calllog.CutShort
	e.Decision = &calllog.Decision{
		Strategy: "weighted", Rule: `<b>long</b> prompts`, Sticky: true, Filters: []string{"only openai and anthropic"},
		Features: []calllog.Feature{{Name: "words of analysis", Value: 6, Weight: 1.5}, {Name: "code fences", Value: 2, Weight: -1}, {Name: "tools", Value: 0, Weight: 1}},
		Candidates: []calllog.Candidate{
			{Provider: "mistral", Model: "mystery", Why: "breaker open until 14:02:05"},
			{Provider: "anthropic", Model: "claude-sonnet-4-5", Credential: "cred_us", Place: 2, Why: "fallback for overloaded"},
			{Provider: "openai", Model: "gpt-4o-mini", Credential: "cred_eu", Place: 1, Why: "weight 50 of 100"},
		},
		Notes: []string{"retry budget spent"},
	}
	return e
}

// opinions are the scores of one call.
type opinions struct {
	scores  []score.Score
	put     []score.New
	deleted id.Score
	err     error
}

func (o *opinions) Put(_ context.Context, _ tenant.Scope, list []score.New) ([]score.Result, error) {
	o.put = append(o.put, list...)
	return make([]score.Result, len(list)), o.err
}

func (o *opinions) Scores(context.Context, tenant.Scope, id.Call) ([]score.Score, error) {
	if o.scores == nil {
		return nil, score.ErrNoCall
	}
	return o.scores, nil
}

func (o *opinions) Delete(_ context.Context, _ tenant.Scope, _ id.Call, which id.Score) error {
	o.deleted = which
	return o.err
}

// guards knows one budget and one limit by name.
type guards struct{}

func (guards) Budget(_ context.Context, _ tenant.Scope, which id.Budget) (budget.Budget, error) {
	return budget.Budget{ID: which, Name: "Growth, monthly"}, nil
}

func (guards) Limit(context.Context, tenant.Scope, id.Limit) (limit.Limit, error) {
	return limit.Limit{}, limit.ErrNotFound
}
