package overview_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/experiment"
	"tollgate/internal/golden"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page/overview"
	"tollgate/web/page/pagetest"
)

// fake is a log with one failed call, or an empty one.
type fake struct {
	none   bool
	filter calllog.Filter
	trials trials
}

// trials are the experiments that there are.
type trials []experiment.Experiment

func (l trials) List(_ context.Context, _ tenant.Scope, f experiment.Filter, _ id.Experiment, _ int) ([]experiment.Experiment, bool, error) {
	var out []experiment.Experiment
	for _, e := range l {
		if slices.Contains(f.Status, e.Status) {
			out = append(out, e)
		}
	}
	return out, false, nil
}

// risky are one budget that is calm and one that is nearly full.
type risky struct{}

func (risky) Tree(context.Context, tenant.Scope) ([]budget.Node, error) {
	node := func(name string, spent money.NanoUSD) budget.Node {
		limit := money.NanoUSD(100_000_000_000)
		return budget.Node{Standing: budget.Standing{
			Budget: budget.Budget{ID: id.Budget("bud_" + name), Name: name, Limits: []budget.Limit{{Period: budget.Month, Amount: limit}}, Mode: budget.Block},
			Meters: []budget.Meter{{Period: budget.Month, Window: budget.Calendar{}.Window(budget.Month, pagetest.Now()), Limit: limit, Spent: spent, Held: 1_000_000_000}},
		}}
	}
	return []budget.Node{node("calm", 10_000_000_000), node("full-soon", 84_000_000_000)}, nil
}

func (risky) Calendar(context.Context, tenant.Scope) (budget.Calendar, error) {
	return budget.Calendar{}, nil
}

func (f *fake) List(_ context.Context, _ tenant.Scope, filter calllog.Filter, _ calllog.Turn) (calllog.Page, error) {
	f.filter = filter
	if f.none {
		return calllog.Page{}, nil
	}
	return calllog.Page{Calls: []calllog.Entry{{
		StartedAt: pagetest.Now().Add(-time.Hour), KeyName: "support-prod",
		Record: calllog.Record{
			ID: id.Call{6: 0x70, 8: 0x80}, Alias: "coder", Status: 502, Outcome: calllog.Failed, ErrorCode: "upstream.failed", Provider: "openai", Model: "gpt-4o",
		},
	}}}, nil
}

func (f *fake) FirstCall(context.Context, tenant.Scope) (id.Call, time.Time, bool, error) {
	return id.Call{}, time.Time{}, !f.none, nil
}

func show(t *testing.T, l *pagetest.Ledger, calls *fake, address string, role tenant.Role) string {
	t.Helper()
	p := overview.Page{Budgets: risky{}, Usage: l, Calls: calls, Experiments: calls.trials, Names: pagetest.Names()}
	r, err := p.Show(t.Context(), pagetest.Visit(address, role, nil))
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return string(pagetest.HTML(t, r))
}

func TestThePageLooksAsAccepted(t *testing.T) {
	t.Parallel()
	tried := trials{
		{ID: "exp_1", Status: experiment.Active, StartedAt: pagetest.Now().Add(-30 * time.Hour), Plan: experiment.Plan{Name: "Haiku for replies", AliasName: "support-reply", Days: 7}},
		{ID: "exp_2", Status: experiment.Draft, Plan: experiment.Plan{Name: "A draft"}},
	}
	golden.Equal(t, "tried.html", []byte(show(t, pagetest.Sample(), &fake{trials: tried}, "/overview", tenant.Billing)))
	golden.Equal(t, "month.html", []byte(show(t, pagetest.Sample(), &fake{}, "/overview", tenant.Admin)))
	golden.Equal(t, "day-by-provider.html", []byte(show(t, pagetest.Sample(), &fake{}, "/overview?range=24h&by=provider&team=team_search", tenant.Admin)))
	golden.Equal(t, "never.html", []byte(show(t, &pagetest.Ledger{}, &fake{none: true}, "/overview", tenant.Admin)))
	golden.Equal(t, "quiet.html", []byte(show(t, &pagetest.Ledger{}, &fake{}, "/overview?range=24h", tenant.Admin)))
}

func TestErrorsAreShownToWhoMayReadCalls(t *testing.T) {
	t.Parallel()
	calls := &fake{}
	html := show(t, pagetest.Sample(), calls, "/overview?team=team_search&workflow=(none)", tenant.Viewer)
	if !strings.Contains(html, "upstream.failed") {
		t.Error("the failed call is not listed")
	}
	want := calllog.Filter{
		From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Teams: []id.Team{"team_search"}, Workflows: []string{""},
		Outcomes: []calllog.Outcome{calllog.Refused, calllog.Failed, calllog.Broken, calllog.Interrupted},
	}
	if diff := cmp.Diff(want, calls.filter); diff != "" {
		t.Errorf("the errors are not those of the page (-want +got)\n%s", diff)
	}
	if html := show(t, pagetest.Sample(), &fake{}, "/overview", tenant.Billing); strings.Contains(html, "upstream.failed") || strings.Contains(html, "/requests") {
		t.Error("a role that may not read calls sees them")
	}
}

func TestLatencyIsComparedOverTheSameDaysAsSpend(t *testing.T) {
	t.Parallel()
	l := pagetest.Sample()
	show(t, l, &fake{}, "/overview?range=month&team=team_search", tenant.Admin)
	day := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }
	team := map[usage.Dimension][]string{usage.Team: {"team_search"}}
	want := []usage.Query{
		{From: day(11, 1), To: pagetest.Now(), Filter: team},
		{From: day(10, 1), To: day(10, 1).Add(pagetest.Now().Sub(day(11, 1))), Filter: team},
	}
	if diff := cmp.Diff(want, l.Timed); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatChangedNamesTheWorkflowThatEnded(t *testing.T) {
	t.Parallel()
	html := show(t, pagetest.Sample(), &fake{}, "/overview", tenant.Admin)
	if !strings.Contains(html, "index in Search") || !strings.Contains(html, "−$0.70") || !strings.Contains(html, "70 to 0 calls") {
		t.Error("the workflow that costs 70 cents less is not listed with its calls")
	}
}
