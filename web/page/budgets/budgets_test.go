package budgets

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tollgate/internal/account"
	"tollgate/internal/alias"
	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/dimension"
	"tollgate/internal/golden"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/formtest"
	"tollgate/web/page/pagetest"
	"tollgate/web/ui"
)

const dollar = money.NanoUSD(1_000_000_000)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// sample is a hard budget of a team, with a limit a month and one a day.
func sample() budget.Budget {
	return budget.Budget{
		ID: "bud_support", Name: "Support", Selector: dimension.Selector{{Dimension: dimension.Team, Value: "team_support"}},
		Limits: []budget.Limit{{Period: budget.Day, Amount: 400 * dollar}, {Period: budget.Month, Amount: 6800 * dollar}},
		Mode:   budget.Block, Action: budget.Refuse, Offline: budget.Deny, Revision: 3, CreatedBy: "user_lena",
		CreatedAt: pagetest.Now().AddDate(0, -2, 0), UpdatedAt: pagetest.Now().AddDate(0, 0, -1),
	}
}

// books is a service that knows three budgets, and remembers what it was asked to do.
type books struct {
	zone    *time.Location
	made    []budget.Budget
	changed []budget.Budget
	raised  []budget.NewRaise
	wrong   error // of every change
	drafts  int
}

func names() map[dimension.Match]string {
	return map[dimension.Match]string{
		{Dimension: dimension.Team, Value: "team_support"}: "Support", {Dimension: dimension.EndUser, Value: "u-1"}: "u-1",
		{Dimension: dimension.Environment, Value: "staging"}: "staging",
	}
}

func (b *books) calendar() budget.Calendar { return budget.Calendar{Zone: b.zone} }

func (b *books) meter(p budget.Period, limit, spent, held money.NanoUSD) budget.Meter {
	return budget.Meter{Period: p, Window: b.calendar().Window(p, pagetest.Now()), Limit: limit, Spent: spent, Held: held, Holders: 2}
}

func (b *books) standing(x budget.Budget, meters ...budget.Meter) budget.Standing {
	return budget.Standing{Budget: x, At: pagetest.Now(), Meters: meters, Names: names()}
}

func (b *books) Tree(context.Context, tenant.Scope) ([]budget.Node, error) {
	org := budget.Budget{ID: "bud_org", Name: "Fernhill", Limits: []budget.Limit{{Period: budget.Month, Amount: 24_000 * dollar}}, Mode: budget.Warn}
	full := budget.Budget{
		ID: "bud_staging", Name: "Trial runs", Selector: dimension.Selector{{Dimension: dimension.Environment, Value: "staging"}},
		Limits: []budget.Limit{{Period: budget.Month, Amount: 250 * dollar}}, Mode: budget.Block,
	}
	users := budget.Budget{ID: "bud_users", Name: "Fair use", Each: dimension.EndUser, Limits: []budget.Limit{{Period: budget.Day, Amount: dollar}}, Mode: budget.Watch}
	off := budget.Budget{ID: "bud_off", Name: "Old one", Off: true, Limits: []budget.Limit{{Period: budget.Total, Amount: 10 * dollar}}, Mode: budget.Watch}
	out := []budget.Node{
		{Standing: b.standing(org, b.meter(budget.Month, 24_000*dollar, 14_498_700_000_000, 612_400_000_000))},
		{Standing: b.standing(sample(), b.meter(budget.Day, 400*dollar, 81*dollar, 0), b.meter(budget.Month, 6800*dollar, 5_645_990_000_000, 318_200_000_000)), Parent: "bud_org", Depth: 1, EndsAt: time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)},
		{Standing: b.standing(full, b.meter(budget.Month, 250*dollar, 249_999_200_000, 0)), Parent: "bud_support", Depth: 2},
		{Standing: b.standing(users, b.meter(budget.Day, dollar, 300_000_000, 0)), Parent: "bud_org", Depth: 1},
		{Standing: b.standing(off, b.meter(budget.Total, 10*dollar, 0, 0)), Depth: 0},
	}
	out[2].Refusals = budget.Refusals{Refused: 201, LastAt: pagetest.Now().Add(-21 * time.Minute)}
	out[3].Refusals = budget.Refusals{WouldRefuse: 13, LastAt: pagetest.Now().AddDate(0, 0, -2)}
	out[3].Meters[0].Subjects, out[3].Meters[0].Full, out[3].Meters[0].SpentAll = 40, 2, 9*dollar
	return out, nil
}

func (b *books) Standing(_ context.Context, _ tenant.Scope, which id.Budget) (budget.Standing, error) {
	switch which {
	case "bud_support":
		return b.standing(sample(), b.meter(budget.Day, 400*dollar, 81*dollar, 0), b.meter(budget.Month, 6800*dollar, 5_645_990_000_000, 318_200_000_000)), nil
	case "bud_users":
		u := budget.Budget{ID: "bud_users", Name: "Fair use", Each: dimension.EndUser, Limits: []budget.Limit{{Period: budget.Day, Amount: dollar}}, Mode: budget.Watch, CreatedAt: pagetest.Now().AddDate(0, 0, -3), UpdatedAt: pagetest.Now().AddDate(0, 0, -3)}
		m := b.meter(budget.Day, dollar, 990_000_000, 20_000_000)
		m.Subject, m.Subjects, m.Full, m.SpentAll = "u-1", 40, 2, 9*dollar
		return b.standing(u, m), nil
	case "bud_gone":
		x := sample()
		x.ID, x.Name, x.ArchivedAt = "bud_gone", "Gone", pagetest.Now().AddDate(0, 0, -1)
		return b.standing(x, b.meter(budget.Day, 400*dollar, 0, 0)), nil
	}
	return budget.Standing{}, budget.ErrNotFound
}

func (b *books) Burn(ctx context.Context, in tenant.Scope, which id.Budget, q budget.BurnQuery) (budget.Burn, error) {
	st, err := b.Standing(ctx, in, which)
	out := budget.Burn{Budget: st.Budget, At: pagetest.Now(), Step: time.Hour, By: q.By, Names: st.Names}
	for _, m := range st.Meters {
		if m.Period == q.Period {
			out.Meter = m
		}
	}
	if q.Subject != "" {
		out.Meter.Subject = q.Subject
	}
	if which != "bud_support" || q.Period != budget.Month {
		return out, err
	}
	from := out.Meter.Window.From
	for day := range 19 {
		out.Points = append(out.Points, budget.Point{At: from.AddDate(0, 0, day).Add(9 * time.Hour), Spent: 282 * dollar})
		out.Before = append(out.Before, budget.Point{At: from.AddDate(0, -1, day).Add(9 * time.Hour), Spent: 222 * dollar})
	}
	out.Points = append(out.Points, budget.Point{At: pagetest.Now().Add(-2 * time.Hour), Spent: out.Meter.Spent - 19*282*dollar})
	out.Method = budget.ByProfile
	for day := range 11 {
		at, d := pagetest.Now().Add(time.Duration(day)*24*time.Hour), money.NanoUSD(day)
		out.Bands = append(out.Bands, budget.Band{At: at, Low: out.Meter.Spent + d*250*dollar, Mid: out.Meter.Spent + d*300*dollar, High: out.Meter.Spent + d*350*dollar})
	}
	out.EndsAt = time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)
	out.EndsEarly, out.EndsLate = out.EndsAt.AddDate(0, 0, -1), out.EndsAt.AddDate(0, 0, 1)
	out.Drivers = []budget.Driver{
		{Value: "draft-reply", Spent: 3_204_120_000_000, Calls: 812_000, Before: 2_214_300_000_000},
		{Value: "", Spent: 1_188_960_000_000, Calls: 12},
	}
	return out, nil
}

func (b *books) Blocked(_ context.Context, _ tenant.Scope, which id.Budget, _ string, _ *budget.CallPlace, _ int) (budget.Blockings, error) {
	if which != "bud_support" {
		return budget.Blockings{Refusals: budget.Refusals{WouldRefuse: 13, LastAt: pagetest.Now().Add(-time.Hour)}}, nil
	}
	call, err := id.ParseCall("call_0190e3a4-6c0b-7cc1-8f3e-1f2b3c4d5e6f")
	if err != nil {
		call = id.Call{1}
	}
	return budget.Blockings{
		Refusals: budget.Refusals{Refused: 1, LastAt: pagetest.Now().Add(-time.Hour)}, More: true,
		Calls: []budget.BlockedCall{{Call: call, At: pagetest.Now().Add(-time.Hour), KeyName: "support-prod", Alias: "support-reply", Did: string(calllog.DidRefuse), Period: budget.Month, Short: 12_000_000}},
	}, nil
}

func (b *books) Subjects(context.Context, tenant.Scope, id.Budget, budget.Period, string, *budget.Place, int) ([]budget.Meter, map[dimension.Match]string, bool, error) {
	m := b.meter(budget.Day, dollar, 990_000_000, 20_000_000)
	m.Subject = "u-1"
	return []budget.Meter{m}, names(), true, nil
}

func (b *books) Raises(context.Context, tenant.Scope, id.Budget) ([]budget.Raise, error) {
	now := pagetest.Now()
	return []budget.Raise{
		{ID: "raise_1", Budget: "bud_support", Period: budget.Month, Amount: 500 * dollar, From: now.Add(-time.Hour), To: now.Add(23 * time.Hour), Reason: "Until v16 is live", CreatedBy: "user_lena"},
		{ID: "raise_0", Budget: "bud_support", Period: budget.Month, Amount: 800 * dollar, From: now.AddDate(0, -1, 0), To: now.AddDate(0, -1, 1), EndedAt: now.AddDate(0, -1, 0).Add(time.Hour), Reason: "Launch", CreatedBy: "user_lena"},
	}, nil
}

func (b *books) Budget(ctx context.Context, in tenant.Scope, which id.Budget) (budget.Budget, error) {
	st, err := b.Standing(ctx, in, which)
	return st.Budget, err
}

func (b *books) List(context.Context, tenant.Scope, budget.Filter, string, int) ([]budget.Budget, bool, error) {
	x := sample()
	x.ArchivedAt = pagetest.Now()
	return []budget.Budget{x}, false, nil
}

func (b *books) Create(_ context.Context, _ tenant.Scope, x budget.Budget) (budget.Budget, error) {
	b.made = append(b.made, x)
	x.ID = "bud_new"
	return x, b.wrong
}

func (b *books) Update(ctx context.Context, in tenant.Scope, which id.Budget, x budget.Budget, check func(budget.Budget) error) (budget.Budget, error) {
	was, err := b.Budget(ctx, in, which)
	if err == nil {
		err = check(was)
	}
	if err != nil {
		return budget.Budget{}, err
	}
	b.changed = append(b.changed, x)
	return x, b.wrong
}

func (b *books) Archive(ctx context.Context, in tenant.Scope, which id.Budget, _ func(budget.Budget) error) (budget.Budget, error) {
	return b.Budget(ctx, in, which)
}

func (b *books) Restore(ctx context.Context, in tenant.Scope, which id.Budget, _ func(budget.Budget) error) (budget.Budget, error) {
	return b.Budget(ctx, in, which)
}

func (b *books) Simulate(context.Context, tenant.Scope, budget.Budget) (budget.Simulation, error) {
	b.drafts++
	window := b.calendar().Window(budget.Month, pagetest.Now())
	return budget.Simulation{
		From: window.From.AddDate(0, -1, 0), To: pagetest.Now(), Calls: 30_058, Spent: 912 * dollar, Blocked: 12, Saved: 840_000_000, Keys: 2,
		Limits: []budget.SimulatedLimit{{Period: budget.Month, Amount: 800 * dollar, Peak: 801 * dollar, PeakAt: window, Nothing: 1000 * dollar, OnePercent: 795 * dollar}},
		Full:   []budget.FullWindow{{Window: window, At: pagetest.Now().Add(-time.Hour), Blocked: 12, Saved: 840_000_000}},
	}, b.wrong
}

func (b *books) Suggestions(context.Context, tenant.Scope) ([]budget.Suggestion, error) {
	return []budget.Suggestion{{
		Budget: budget.Budget{Name: "Search", Selector: dimension.Selector{{Dimension: dimension.Team, Value: "team_search"}}, Limits: []budget.Limit{{Period: budget.Month, Amount: 500 * dollar}}, Mode: budget.Watch},
		Spent:  412 * dollar, Calls: 1000, Why: "The team Search spent $412.00 in the last 30 days.",
	}}, nil
}

func (b *books) Raise(_ context.Context, _ tenant.Scope, _ id.Budget, n budget.NewRaise) (budget.Raise, error) {
	b.raised = append(b.raised, n)
	return budget.Raise{}, b.wrong
}

func (b *books) EndRaise(_ context.Context, _ tenant.Scope, _ id.Budget, _ id.Raise) (budget.Raise, error) {
	return budget.Raise{}, b.wrong
}

func (b *books) Calendar(context.Context, tenant.Scope) (budget.Calendar, error) {
	return b.calendar(), nil
}

func (b *books) Checked(context.Context, tenant.Scope) (budget.Checked, error) {
	return budget.Checked{At: pagetest.Now().Add(-12 * time.Second)}, nil
}

// staff are teams and members; stock aliases and keys.
type staff struct{}

func (staff) Teams(_ context.Context, _ tenant.Scope, after id.Team, _ int) ([]account.Team, error) {
	if after != "" {
		return nil, nil
	}
	return []account.Team{{ID: "team_support", Name: "Support"}, {ID: "team_search", Name: "Search"}}, nil
}

func (staff) Members(_ context.Context, _ tenant.Scope, after id.User, _ int) ([]account.Member, error) {
	if after != "" {
		return nil, nil
	}
	return []account.Member{{User: account.User{ID: "user_lena", Name: "Lena"}, Role: tenant.Owner}}, nil
}

func (staff) Tokens(context.Context, tenant.Scope, id.Token, int) ([]account.Token, error) {
	return nil, nil
}

type stockAliases struct{}

func (stockAliases) List(context.Context, tenant.Scope, string, string, int) ([]alias.Alias, bool, error) {
	return []alias.Alias{{ID: "alias_1", Name: "support-reply"}, {ID: "alias_2", Name: "cheap"}}, false, nil
}

type stockKeys struct{}

func (stockKeys) List(context.Context, tenant.Scope, key.Filter, id.Key, int) ([]key.Key, bool, error) {
	return []key.Key{{ID: "key_prod", Name: "support-prod"}}, false, nil
}

func house(t testing.TB) (Budgets, *books) {
	b := &books{zone: berlin(t)}
	return Budgets{Budgets: b, Accounts: staff{}, Aliases: stockAliases{}, Keys: stockKeys{}, Vendors: catalog.Vendor, Offered: catalog.Vendors()[:3]}, b
}

func at(which string) map[string]string { return map[string]string{"id": which} }

// posted is a visit that sends a form.
func posted(address string, form url.Values, params map[string]string) *page.Visit {
	return pagetest.Posted(address, tenant.Owner, form, params)
}

func html(t testing.TB, p page.Func, v *page.Visit) []byte {
	t.Helper()
	r, err := p(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return pagetest.HTML(t, r)
}

func TestPages(t *testing.T) {
	t.Parallel()
	p, _ := house(t)
	for name, tt := range map[string]struct {
		do page.Func
		v  *page.Visit
	}{
		"tree":            {p.List, pagetest.Visit("/budgets", tenant.Owner, nil)},
		"tree_closed":     {p.List, pagetest.Visit("/budgets?closed=bud_org", tenant.Viewer, nil)},
		"at_risk":         {p.List, pagetest.Visit("/budgets?show=risk", tenant.Owner, nil)},
		"archived":        {p.List, pagetest.Visit("/budgets?show=archived", tenant.Owner, nil)},
		"month":           {p.Detail, pagetest.Visit("/budgets/bud_support", tenant.Owner, at("bud_support"))},
		"day_viewer":      {p.Detail, pagetest.Visit("/budgets/bud_support?period=day", tenant.Viewer, at("bud_support"))},
		"each":            {p.Detail, pagetest.Visit("/budgets/bud_users", tenant.Owner, at("bud_users"))},
		"detail_archived": {p.Detail, pagetest.Visit("/budgets/bud_gone", tenant.Owner, at("bud_gone"))},
		"new":             {p.NewForm, pagetest.Visit("/budgets/new?team=team_support&limit_month=500", tenant.Owner, nil)},
		"edit":            {p.EditForm, pagetest.Visit("/budgets/bud_support/edit", tenant.Owner, at("bud_support"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden.Equal(t, name+".html", html(t, tt.do, tt.v))
		})
	}
}

func TestTheFirstBudgetIsOffered(t *testing.T) {
	t.Parallel()
	view := listView{CanWrite: true, Offers: []offer{newOffer(budget.Suggestion{
		Budget: budget.Budget{Name: "Search", Selector: dimension.Selector{{Dimension: dimension.Team, Value: "team_search"}}, Limits: []budget.Limit{{Period: budget.Month, Amount: 500 * dollar}}, Mode: budget.Watch},
		Why:    "The team Search spent $412.00 in the last 30 days.",
	})}}
	pagetest.Golden(t, "none", list(view))
	pagetest.Golden(t, "none_viewer", list(listView{}))
}

// TestAcceptingASuggestionMakesJustThatBudget: what the button posts is read back as what was suggested.
func TestAcceptingASuggestionMakesJustThatBudget(t *testing.T) {
	t.Parallel()
	p, b := house(t)
	all, err := b.Suggestions(t.Context(), tenant.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	for _, f := range newOffer(all[0]).Fields {
		form.Add(f.Name, f.Value)
	}
	if _, err := p.Create(t.Context(), posted("/budgets", form, nil)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]budget.Budget{all[0].Budget}, b.made, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// TestAnUntouchedFormChangesNothing: what a browser posts of the form of a budget is that budget.
func TestAnUntouchedFormChangesNothing(t *testing.T) {
	t.Parallel()
	full := sample()
	full.Selector = dimension.Selector{
		{Dimension: dimension.Alias, Value: "support-reply"},
		{Dimension: dimension.EndUser, Value: "u 1"},
		{Dimension: dimension.Key, Value: "key_prod"},
		{Dimension: dimension.Model, Value: "openai/gpt-4o"},
		{Dimension: dimension.Provider, Value: "openai"},
		{Dimension: dimension.Tag("customer"), Value: "acme"},
		{Dimension: dimension.Workflow, Value: "triage"},
	}
	full.Each = dimension.Tag("region")
	full.Limits = nil
	for i, p := range budget.Periods {
		full.Limits = append(full.Limits, budget.Limit{Period: p, Amount: money.NanoUSD(i) * 1_234_567_890})
	}
	full.Action, full.MoveTo, full.Floor, full.Wait, full.Offline, full.Standby = budget.Move, "cheap", 64, 1500*time.Millisecond, budget.Standby, 5*dollar
	full.AlertAt, full.Off = []int{10, 80}, true
	never := sample()
	never.Wait = -1
	p, _ := house(t)
	choices, err := p.choices(t.Context(), pagetest.Visit("/", tenant.Owner, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []budget.Budget{sample(), full, never} {
		f := of(b)
		f.Choices = choices
		var page strings.Builder
		if err := edit(f).Render(t.Context(), &page); err != nil {
			t.Fatal(err)
		}
		got, err := read(formtest.Values(t, []byte(page.String())).Get).budget()
		if err != nil {
			t.Fatal(err)
		}
		ignore := cmpopts.IgnoreFields(budget.Budget{}, "ID", "Revision", "CreatedAt", "CreatedBy", "UpdatedAt", "ArchivedAt")
		if diff := cmp.Diff(b, got, ignore, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAFormSaysWhereItIsWrong(t *testing.T) {
	t.Parallel()
	good := url.Values{"name": {"x"}, "limit_day": {"5"}, "limit_month": {"$1,200.50"}, "mode": {"block"}}
	for name, tt := range map[string]struct {
		set   url.Values
		err   error // of the service
		field string
	}{
		"no limit":              {url.Values{"limit_day": {""}, "limit_month": {""}}, nil, "f-limits"},
		"no amount":             {url.Values{"limit_day": {"much"}}, nil, "f-limit_day"},
		"less than nothing":     {url.Values{"limit_day": {"-5"}}, nil, "f-limit_day"},
		"a tag without a name":  {url.Values{"each": {"tag"}}, nil, "f-each"},
		"a wait that is none":   {url.Values{"wait": {"soon"}}, nil, "f-wait"},
		"a mark that is none":   {url.Values{"alert_at": {"half"}}, nil, "f-alert_at"},
		"a floor that is none":  {url.Values{"floor": {"low"}}, nil, "f-floor"},
		"a standby that's none": {url.Values{"standby": {"x"}}, nil, "f-standby"},
		"by the service":        {nil, budget.ErrInvalid.At("limits.1.amount"), "f-limit_month"},
		"a name that is taken":  {nil, budget.ErrTaken, "f-name"},
		"a team that is gone":   {url.Values{"team": {"team_x"}}, budget.ErrInvalid.At("selector.0"), "f-team"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, b := house(t)
			b.wrong = tt.err
			form := url.Values{}
			for k, v := range good {
				form[k] = v
			}
			for k, v := range tt.set {
				form[k] = v
			}
			r, err := p.Create(t.Context(), posted("/budgets", form, nil))
			if err != nil {
				t.Fatal(err)
			}
			body := string(pagetest.HTML(t, r))
			at := `id="` + tt.field + `-error"`
			if tt.field == "f-limits" {
				at = "Write at least one limit."
			}
			if r.Status < 400 || !strings.Contains(body, at) || !strings.Contains(body, `value="x"`) {
				t.Errorf("status %d, no %s, or what was typed is lost", r.Status, at)
			}
		})
	}
}

func TestTryingABudgetStoresNothing(t *testing.T) {
	t.Parallel()
	p, b := house(t)
	form := url.Values{"name": {"x"}, "limit_month": {"800"}, "mode": {"block"}, "do": {"simulate"}}
	body := string(html(t, p.Create, posted("/budgets", form, nil)))
	for _, want := range []string{"It would have blocked 12 of 30,058 calls ($0.84), of 2 keys.", `value="800"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	html(t, p.Edit, posted("/budgets/bud_support/edit", form, at("bud_support")))
	if b.drafts != 2 || len(b.made)+len(b.changed) != 0 {
		t.Errorf("%d simulations, %d budgets made, %d changed", b.drafts, len(b.made), len(b.changed))
	}
}

func TestAChangeOfAnotherIsNotOverwritten(t *testing.T) {
	t.Parallel()
	p, b := house(t)
	form := url.Values{"name": {"x"}, "limit_month": {"800"}, "mode": {"block"}, "revision": {"2"}}
	r, err := p.Edit(t.Context(), posted("/budgets/bud_support/edit", form, at("bud_support")))
	if err != nil || r.Status != http.StatusPreconditionFailed || len(b.changed) != 0 {
		t.Fatalf("status %d, %v, %d changed", r.Status, err, len(b.changed))
	}
	form.Set("revision", "3")
	if r, err = p.Edit(t.Context(), posted("/budgets/bud_support/edit", form, at("bud_support"))); err != nil || r.To != "/budgets/bud_support?done=saved" || len(b.changed) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestARaiseAsksForWhatWasTyped(t *testing.T) {
	t.Parallel()
	p, b := house(t)
	form := url.Values{"period": {"month"}, "amount": {"500"}, "for": {"24h"}, "reason": {"Until v16 is live"}}
	r, err := p.Raise(t.Context(), posted("/budgets/bud_support/raises", form, at("bud_support")))
	want := []budget.NewRaise{{Period: budget.Month, Amount: 500 * dollar, For: 24 * time.Hour, Reason: "Until v16 is live"}}
	if diff := cmp.Diff(want, b.raised); err != nil || r.To != "/budgets/bud_support?done=raised" || diff != "" {
		t.Fatalf("%+v, %v\n%s", r, err, diff)
	}
	form.Set("amount", "")
	body := string(html(t, p.Raise, posted("/budgets/bud_support/raises", form, at("bud_support"))))
	if len(b.raised) != 1 || !strings.Contains(body, `id="f-amount-error"`) || !strings.Contains(body, "Until v16 is live") {
		t.Error("a raise without an amount was asked for, or what was typed is lost")
	}
	if _, err := p.Raise(t.Context(), posted("/budgets/x/raises", form, at("x"))); !errors.Is(err, budget.ErrNotFound) {
		t.Errorf("a raise of nothing: %v", err)
	}
}

func TestStateSaysWhatIsWorthAWord(t *testing.T) {
	t.Parallel()
	p, _ := house(t)
	b := &books{zone: berlin(t)}
	reply, err := p.List(t.Context(), pagetest.Visit("/budgets", tenant.Owner, nil))
	if err != nil || reply.Body == nil {
		t.Fatal(err)
	}
	soon := time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)
	hard := sample()
	for name, tt := range map[string]struct {
		b       budget.Budget
		m       budget.Meter
		ends    time.Time
		refused int64
		want    string
	}{
		"calm":                        {hard, b.meter(budget.Month, 100*dollar, 10*dollar, 0), time.Time{}, 0, "On track"},
		"nearly full":                 {hard, b.meter(budget.Month, 100*dollar, 70*dollar, 10*dollar), time.Time{}, 0, "Nearly full"},
		"full soon":                   {hard, b.meter(budget.Month, 100*dollar, 70*dollar, 0), soon, 0, "Full on Wed 25 Nov"},
		"full today":                  {hard, b.meter(budget.Day, 100*dollar, 70*dollar, 0), soon, 0, "Full at 02:00"},
		"full":                        {hard, b.meter(budget.Month, 100*dollar, 100*dollar, 0), soon, 0, "Full, blocking"},
		"full but for crumbs":         {hard, b.meter(budget.Month, 100*dollar, 99_500_000_000, 0), soon, 3, "Full, blocking"},
		"over, where nothing is held": {budget.Budget{Mode: budget.Watch}, b.meter(budget.Month, 100*dollar, 120*dollar, 0), soon, 0, "Over, not blocking"},
		"too little for large calls":  {hard, b.meter(budget.Month, 100*dollar, 70*dollar, 0), soon, 3, "Blocks large calls"},
		"off":                         {budget.Budget{Off: true}, b.meter(budget.Month, 100*dollar, 120*dollar, 0), soon, 0, "Off"},
	} {
		view := listView{}
		view.Clock.Now, view.Clock.Zone = pagetest.Now(), berlin(t)
		if _, got := state(view.Clock, tt.b, &tt.m, tt.ends, budget.Refusals{Refused: tt.refused, LastAt: pagetest.Now().Add(-time.Minute)}); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestAPlaceTravelsThroughAnAddress(t *testing.T) {
	t.Parallel()
	p := budget.Place{Used: 12, Subject: "u&1"}
	if got := readPlace(writePlace(p)); got == nil || *got != p {
		t.Errorf("%+v became %+v", p, got)
	}
	for _, text := range []string{"", "?", "bm90IGpzb24"} {
		if got := readPlace(text); got != nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func FuzzFormNeverSaysAnAmountThatWasNotTyped(f *testing.F) {
	for _, s := range []string{"500", "$1,200.50", "-1", "1e3", "0.0000000001", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok, err := dollars(text)
		if err != nil || !ok {
			return
		}
		if n < 0 {
			t.Errorf("%q is less than nothing: %d", text, n)
		}
		if again, _, err := dollars(n.USD()); err != nil || again != n {
			t.Errorf("%q is %d, and written again %d", text, n, again)
		}
	})
}

func TestABudgetYoungerThanItsWindowSaysSinceWhenItCounts(t *testing.T) {
	t.Parallel()
	now := pagetest.Now()
	for made, says := range map[time.Time]bool{now.AddDate(0, -2, 0): false, now.Add(-time.Hour): true} {
		f := facts{clock: ui.Clock{Now: now}}
		f.st.Budget.CreatedAt = made
		f.burn.Meter.Window = budget.Calendar{}.Window(budget.Month, now)
		f.burn.Drivers = []budget.Driver{{Value: "draft-reply", Spent: dollar}}
		var v detailView
		f.drivers(&v)
		if (v.Younger != "") != says {
			t.Errorf("made %s, window from %s: %q", made, f.burn.Meter.Window.From, v.Younger)
		}
	}
}
