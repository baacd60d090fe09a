package budgetpg_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagepg"
)

// logged puts calls into the log, as the shipper does. What change leaves is a plain call of the office's team.
func (o *office) logged(calls ...calllog.Record) {
	o.Helper()
	for i := range calls {
		r := &calls[i]
		r.Org, r.Team, r.Status, r.Price = o.in.Org(), o.team, 200, calllog.Priced
		if r.Outcome == "" {
			r.Outcome = calllog.OK
		}
		if r.Key == "" {
			r.Key = "key_x"
		}
	}
	d, err := calllogpg.New(o.db).Ingest(o.Context(), calls, calllog.Beat{})
	if err != nil || len(d.Rejected) > 0 {
		o.Fatalf("Ingest: %v, %v", err, d.Rejected)
	}
}

// called is a call that was made some time ago.
func (o *office) called(ago time.Duration, cost money.NanoUSD) calllog.Record {
	mint := id.NewMint()
	return calllog.Record{ID: mint.Call(o.now.Add(-ago)), Provider: "openai", Model: "gpt-4o", Cost: cost, Attempts: []calllog.Attempt{{Provider: "openai", Model: "gpt-4o", Cost: cost, Price: calllog.Priced}}}
}

func TestBlockedCallsAreCountedOnceAndListedNewestFirst(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	b := o.made(o.draft("hard"))
	other := o.made(o.draft("other"))
	check := func(which id.Budget, did calllog.Did, p budget.Period, short money.NanoUSD) calllog.Check {
		return calllog.Check{By: string(which), Did: did, Period: string(p), Short: int64(short)}
	}
	refused := o.called(time.Minute, 0)
	refused.Outcome, refused.Requested = calllog.Refused, "fast"
	refused.Checks = []calllog.Check{check(b.ID, calllog.DidRefuse, budget.Day, 5), check(b.ID, calllog.DidRefuse, budget.Month, 3)}
	would := o.called(2*time.Minute, dollar)
	would.Checks = []calllog.Check{check(b.ID, calllog.WouldRefuse, budget.Day, 7), check(other.ID, calllog.WouldRefuse, budget.Day, 1)}
	clamped := o.called(3*time.Minute, dollar)
	clamped.Checks = []calllog.Check{check(b.ID, calllog.DidClamp, budget.Day, 7)}
	old := o.called(31*24*time.Hour, 0)
	old.Checks = []calllog.Check{check(b.ID, calllog.DidRefuse, budget.Day, 5)}
	o.logged(refused, would, clamped, old, o.called(time.Minute, dollar))

	got, err := o.Blocked(t.Context(), o.in, b.ID, "", nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got.Refused != 1 || got.WouldRefuse != 1 || got.Short != 12 || !got.LastAt.Equal(refused.ID.Time()) || !got.More {
		t.Errorf("%+v", got)
	}
	first := got.Calls[0]
	if first.Call != refused.ID || first.Did != "refused" || first.Model != "fast" || first.Team != o.team || first.Short != 5 || first.Period != budget.Day {
		t.Errorf("%+v", first)
	}
	next, err := o.Blocked(t.Context(), o.in, b.ID, "", &budget.CallPlace{At: first.At, Call: first.Call}, 1)
	if err != nil || len(next.Calls) != 1 || next.Calls[0].Call != would.ID || next.Calls[0].Did != "would_refuse" || next.More {
		t.Errorf("%+v, %v", next.Calls, err)
	}
	var n int64
	for _, h := range got.Hours {
		n += h.Refused + h.WouldRefuse
	}
	if n != 2 {
		t.Errorf("hours %+v", got.Hours)
	}
	st, err := o.Standing(t.Context(), o.in, other.ID)
	if err != nil || st.Refused != 0 || st.WouldRefuse != 1 {
		t.Errorf("%+v, %v", st.Refusals, err)
	}
}

func TestASimulationReadsTheCallsThatABudgetWouldCover(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.home.TimeZone = "UTC"
	var calls []calllog.Record
	for i := range 10 {
		r := o.called(time.Duration(i)*time.Minute, dollar)
		r.EndUser, r.Environment = []string{"ann", "bob", ""}[i%3], []string{"prod", "dev"}[i%2]
		r.Tags = map[string]string{"customer": []string{"x", "y"}[i%2]}
		calls = append(calls, r)
	}
	o.logged(append(calls, o.called(90*24*time.Hour, dollar))...)
	total := []budget.Limit{{Period: budget.Total, Amount: 3 * dollar}}
	for name, tt := range map[string]struct {
		b                       budget.Budget
		calls, blocked          int64
		peak, nothing, onePerct money.NanoUSD
	}{
		"all":                   {budget.Budget{Limits: total}, 10, 7, 10 * dollar, 10 * dollar, 10 * dollar},
		"an environment":        {budget.Budget{Selector: on("environment", "prod"), Limits: total}, 5, 2, 5 * dollar, 5 * dollar, 5 * dollar},
		"a tag":                 {budget.Budget{Selector: on("tag:customer", "y"), Limits: total}, 5, 2, 5 * dollar, 5 * dollar, 5 * dollar},
		"a model":               {budget.Budget{Selector: on("model", "openai/gpt-4o"), Limits: total}, 10, 7, 10 * dollar, 10 * dollar, 10 * dollar},
		"another model":         {budget.Budget{Selector: on("model", "openai/gpt"), Limits: total}, 0, 0, 0, 0, 0},
		"every end user":        {budget.Budget{Each: dimension.EndUser, Limits: total}, 7, 1, 4 * dollar, 4 * dollar, 4 * dollar},
		"every tag of a model":  {budget.Budget{Selector: on("model", "openai/gpt-4o"), Each: "tag:customer", Limits: total}, 10, 4, 5 * dollar, 5 * dollar, 5 * dollar},
		"every value of no tag": {budget.Budget{Each: "tag:none", Limits: total}, 0, 0, 0, 0, 0},
	} {
		got, err := o.Simulate(t.Context(), o.in, tt.b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		l := got.Limits[0]
		if got.Calls != tt.calls || got.Blocked != tt.blocked || l.Peak != tt.peak || l.Nothing != budget.Round(tt.nothing) && tt.calls > 0 || l.OnePercent != tt.onePerct {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, err := o.Simulate(t.Context(), o.in, budget.Budget{Selector: on("team", "team_none"), Limits: total}); fieldOf(err) != "selector.0" {
		t.Errorf("a team that is not there: %v", err)
	}
}

func TestOfTooManyCallsTheNewestAreLookedAt(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for i := range 5 {
		o.logged(o.called(time.Duration(i)*time.Minute, money.NanoUSD(i)))
	}
	var got []money.NanoUSD
	q := budget.TrafficQuery{From: o.now.Add(-time.Hour), To: o.now.Add(time.Hour), Newest: 3}
	if err := o.store.Traffic(t.Context(), o.in, q, func(p budget.Passed) error { got = append(got, p.Cost); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]money.NanoUSD{2, 1, 0}, got); diff != "" {
		t.Errorf("oldest first (-want +got):\n%s", diff)
	}
}

func on(d dimension.Name, value string) dimension.Selector {
	return dimension.Selector{{Dimension: d, Value: value}}
}

func TestABurnDownIsTheLedgers(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.home.TimeZone = "UTC"
	b := o.made(o.draft("a"))
	h := holder("p1")
	k := o.asks(b, "", budget.Calendar{}, 20*dollar)[1]
	o.exchange(h, k)
	o.settle(o.charge(k, h, 3*dollar), o.charge(k, h, 4*dollar))
	a, c := o.called(time.Hour, 2*dollar), o.called(2*time.Hour, dollar)
	a.Workflow, c.Workflow = "draft", "triage"
	o.logged(a, c)
	if err := usage.NewRoller(usagepg.New(o.db), time.Now, slog.New(slog.DiscardHandler)).Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := o.Burn(t.Context(), o.in, b.ID, budget.BurnQuery{Period: budget.Month})
	if err != nil {
		t.Fatal(err)
	}
	var sum money.NanoUSD
	for _, p := range got.Points {
		sum += p.Spent
		if p.At.Truncate(time.Hour) != p.At {
			t.Errorf("point at %s", p.At)
		}
	}
	if sum != 7*dollar || got.Meter.Spent != 7*dollar || got.Meter.Held != 13*dollar || len(got.Before) != 0 || got.Step != time.Hour {
		t.Errorf("%+v", got)
	}
	if o.now.Day() > 1 { // both calls are of this month
		if len(got.Drivers) != 2 || got.Drivers[0].Value != "draft" || got.Drivers[0].Spent != 2*dollar || got.Drivers[0].Calls != 1 {
			t.Errorf("%+v", got.Drivers)
		}
	}
	if _, err := o.Burn(t.Context(), o.in, b.ID, budget.BurnQuery{Period: budget.Week}); fieldOf(err) != "period" {
		t.Errorf("no such limit: %v", err)
	}
}

func TestSuggestionsAreForWhatHasNoBudget(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.logged(o.called(time.Hour, 412*dollar))
	if err := usage.NewRoller(usagepg.New(o.db), time.Now, slog.New(slog.DiscardHandler)).Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := o.Suggestions(t.Context(), o.in)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if s := got[1]; s.Budget.Limits[0].Amount != 500*dollar || s.Budget.Mode != budget.Watch || s.Calls != 1 || s.Budget.Selector[0].Value != string(o.team) ||
		s.Why != "The team First team spent $412.00 in the last 30 days. A budget of $500.00 a month that only watches tells you when that grows, and blocks nothing." {
		t.Errorf("%+v", s)
	}
	o.made(got[1].Budget) // it is taken as it is
	o.made(got[0].Budget)
	if again, err := o.Suggestions(t.Context(), o.in); err != nil || len(again) != 0 {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestTheTreeIsReadInOne(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	org := o.draft("org")
	org.Selector = nil
	o.made(org)
	o.made(o.draft("team"))
	nodes, err := o.Tree(t.Context(), o.in)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range nodes {
		got = append(got, n.Budget.Name+" "+string(n.Parent))
	}
	if diff := cmp.Diff([]string{"org ", "team " + string(nodes[0].Budget.ID)}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheLastVerificationIsTold(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	if c, err := o.Checked(t.Context(), o.in); err != nil || !c.At.IsZero() {
		t.Errorf("before any: %+v, %v", c, err)
	}
	b := o.made(o.draft("a"))
	o.exchange(holder("p"), o.asks(b, "", budget.Calendar{}, dollar)...)
	if a, err := o.Verify(t.Context(), o.in); err != nil || a.Count != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	if c, err := o.Checked(t.Context(), o.in); err != nil || c.At.IsZero() || c.Differences != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}
