package rehearse_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/price"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/route"
	"tollgate/internal/route/rehearse"
	"tollgate/internal/snapshot"
	"tollgate/internal/tenant"
)

var (
	now       = time.Date(2030, 3, 2, 15, 0, 0, 0, time.UTC)
	yesterday = time.Date(2030, 3, 1, 0, 0, 0, 0, time.UTC)
)

// past is a call log of one day.
type past struct {
	calls []calllog.Entry
	total int // 0: all of them
}

func (p past) Sample(_ context.Context, _ tenant.Scope, from, to time.Time, most int) ([]calllog.Entry, int, error) {
	if !from.Equal(yesterday) || !to.Equal(yesterday.AddDate(0, 0, 1)) || most != rehearse.SampleMax {
		return nil, 0, fmt.Errorf("asked for %s to %s, %d", from, to, most)
	}
	return p.calls, max(p.total, len(p.calls)), nil
}

type standing struct{ snapshot.OrgConfig }

func (s standing) Org(context.Context, tenant.Scope) (*snapshot.OrgConfig, error) {
	return &s.OrgConfig, nil
}

type list struct{}

// Book has gpt-4o-mini at 1 and 2 micro-dollars a token, haiku at twice that, and no price for gpt-4o.
func (list) Book(context.Context) (*price.Book, error) {
	var cheap, dear price.Rates
	cheap = cheap.Set(chat.Input, 1_000_000).Set(chat.Output, 2_000_000)
	dear = dear.Set(chat.Input, 2_000_000).Set(chat.Output, 4_000_000)
	return price.NewBook([]price.Record{
		{ID: "price_1", Provider: "openai", Model: "gpt-4o-mini", Rates: cheap},
		{ID: "price_2", Provider: "anthropic", Model: "claude-haiku-4-5", Rates: dear},
	}), nil
}

func (list) Overrides(context.Context, tenant.Scope) ([]price.Override, error) { return nil, nil }

func to(models ...string) []alias.Target {
	out := make([]alias.Target, len(models))
	for i, m := range models {
		out[i] = alias.Target{Provider: "openai", Model: m}
		if m == "claude-haiku-4-5" {
			out[i].Provider = "anthropic"
		}
	}
	return out
}

// live is what stands: classification goes to fast, which is gpt-4o-mini.
func live() snapshot.OrgConfig {
	connect := func(vendor string) snapshot.SealedCredential {
		return snapshot.SealedCredential{Credential: credential.Credential{ID: id.Credential("cred_" + vendor), Provider: vendor, Default: true}}
	}
	return snapshot.OrgConfig{
		ID: "org_1", Tasks: map[string]string{"classification": "fast"},
		Aliases: []alias.Alias{
			{ID: "alias_1", Name: "fast", Version: 3, Route: alias.Route{Strategy: alias.Ordered, Targets: to("gpt-4o-mini"), OnDisconnect: alias.Drain}},
			{ID: "alias_2", Name: "quiet", Version: 1, Route: alias.Route{Strategy: alias.Ordered, Targets: to("gpt-4o"), OnDisconnect: alias.Drain}},
		},
		Credentials: []snapshot.SealedCredential{connect("openai"), connect("anthropic")},
		Keys:        []snapshot.HashedKey{{Key: key.Key{ID: "key_1", Environment: "production"}}},
	}
}

// made is a number of calls of 100 tokens in and 10 out.
func made(n int, change func(i int, r *calllog.Record)) []calllog.Entry {
	out := make([]calllog.Entry, n)
	for i := range out {
		at := yesterday.Add(time.Duration(i) * time.Second)
		r := calllog.Record{ID: id.NewCall(), Org: "org_1", Key: "key_1", Requested: "fast", Alias: "fast", Endpoint: "chat"}
		r.Usage.Units[chat.Input], r.Usage.Units[chat.Output] = 100, 10
		change(i, &r)
		out[i] = calllog.Entry{Record: r, StartedAt: at}
	}
	return out
}

func run(t *testing.T, p past, f alias.File) rehearse.Result {
	t.Helper()
	s := rehearse.New(rehearse.Deps{
		Calls: p, Config: standing{live()}, Prices: list{}, Vendors: catalog.Vendor, Router: route.Router{Vendors: catalog.Known}, Now: func() time.Time { return now },
	})
	in := tenant.Authenticated("org_1", tenant.Actor{User: "user_1"}, tenant.Owner)
	r, err := s.Rehearse(t.Context(), in, f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// changed is the file that stands with another fast.
func changed(r alias.Route) alias.File {
	return alias.File{Tasks: map[string]string{"classification": "fast"}, Aliases: map[string]alias.Route{"fast": r, "quiet": {Targets: to("gpt-4o")}}}
}

func same(int, *calllog.Record) {}

func TestTheSameFileChangesNothing(t *testing.T) {
	t.Parallel()
	r := run(t, past{calls: made(50, same)}, changed(alias.Route{Targets: to("gpt-4o-mini")}))
	if r.Moved != 0 || r.Refused != 0 || r.Before != r.After || r.Before != 50*120_000 || len(r.Rows) != 0 || r.Looked != 50 || r.Sampled || !r.Day.Equal(yesterday) {
		t.Errorf("%+v", r)
	}
}

func TestMovedCallsArePricedAtBothPlaces(t *testing.T) {
	t.Parallel()
	calls := made(60, func(i int, r *calllog.Record) {
		switch i % 3 {
		case 1:
			r.Requested, r.Task, r.TaskBy = "task:classification", "classification", calllog.TaskModel
		case 2:
			r.Requested, r.Alias = "openai/gpt-4o-mini", "" // the file has no say in it
		}
	})
	r := run(t, past{calls: calls}, changed(alias.Route{Targets: to("claude-haiku-4-5")}))
	if r.Moved != 40 || r.Before != 40*120_000 || r.After != 40*240_000 || r.Refused+r.Freed+r.Unpriced != 0 || r.Calls != 60 {
		t.Errorf("%+v", r)
	}
	if len(r.Rows) != 1 || r.Rows[0].Alias != "fast" || r.Rows[0].Calls != 40 || r.Rows[0].Moved != 40 || len(r.Rows[0].Changes) != 2 {
		t.Errorf("%+v", r.Rows)
	}
}

func TestWeightsMoveTheirShare(t *testing.T) {
	t.Parallel()
	half := to("gpt-4o-mini", "claude-haiku-4-5")
	half[0].Weight, half[1].Weight = 75, 25
	r := run(t, past{calls: made(2000, same)}, changed(alias.Route{Strategy: alias.Weighted, Targets: half}))
	if r.Moved < 420 || r.Moved > 580 {
		t.Errorf("%d of 2000 moved, a quarter should", r.Moved)
	}
}

func TestARuleIsAskedWhatTheLogKnows(t *testing.T) {
	t.Parallel()
	calls := made(40, func(i int, r *calllog.Record) {
		if i%4 == 0 {
			r.Usage.Units[chat.Input], r.Environment, r.Tags = 70_000, "production", map[string]string{"tier": "gold"}
		}
	})
	route := alias.Route{Targets: to("gpt-4o-mini"), Rules: []alias.Rule{
		{If: `input_tokens > 60000 && environment == "production" && tag("tier") == "gold" && hour == 0`, Targets: to("claude-haiku-4-5")},
	}}
	if r := run(t, past{calls: calls}, changed(route)); r.Moved != 10 {
		t.Errorf("%+v", r)
	}
}

func TestCallsThatWouldGoNowhereAreCounted(t *testing.T) {
	t.Parallel()
	calls := append(made(7, same), made(5, func(_ int, r *calllog.Record) { r.Requested, r.Alias = "new", "" })...)
	f := alias.File{Aliases: map[string]alias.Route{"new": {Targets: to("gpt-4o-mini")}}}
	r := run(t, past{calls: calls}, f)
	if r.Refused != 7 || r.Freed != 5 || r.Moved != 0 || r.Before != 7*120_000 || r.After != 5*120_000 {
		t.Errorf("%+v", r)
	}
	if len(r.Rows) != 2 || r.Rows[0].Alias != "fast" || r.Rows[0].Refused != 7 || r.Rows[0].Why == "" || r.Rows[1].Alias != "new" || r.Rows[1].Freed != 5 {
		t.Errorf("%+v", r.Rows)
	}
}

func TestWhatHasNoPriceIsNotTakenForFree(t *testing.T) {
	t.Parallel()
	r := run(t, past{calls: made(4, same)}, changed(alias.Route{Targets: to("gpt-4o")}))
	if r.Moved != 4 || r.Unpriced != 4 || r.Before != 0 || r.After != 0 {
		t.Errorf("%+v", r)
	}
}

func TestASampleStandsForTheDay(t *testing.T) {
	t.Parallel()
	r := run(t, past{calls: made(30, same), total: 90}, changed(alias.Route{Targets: to("claude-haiku-4-5")}))
	if !r.Sampled || r.Looked != 30 || r.Calls != 90 || r.Moved != 90 || r.After != 90*240_000 || r.Rows[0].Calls != 90 {
		t.Errorf("%+v", r)
	}
}

func TestADayWithoutCallsHasNoEffect(t *testing.T) {
	t.Parallel()
	if r := run(t, past{}, changed(alias.Route{Targets: to("claude-haiku-4-5")})); r.Calls != 0 || r.Moved != 0 || len(r.Rows) != 0 {
		t.Errorf("%+v", r)
	}
}
