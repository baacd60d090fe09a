package experiments

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tollgate/internal/account"
	"tollgate/internal/alias"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/price"
	"tollgate/internal/prompt"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/page/formtest"
	"tollgate/web/page/pagetest"
)

// bench keeps one experiment, and remembers what was done to it.
type bench struct {
	e        experiment.Experiment
	readings []experiment.Reading
	forecast experiment.Forecast
	refuse   error // of every action
	did      []string
	plan     experiment.Plan
	replay   experiment.Replay
}

func (b *bench) Create(_ context.Context, _ tenant.Scope, p experiment.Plan) (experiment.Experiment, error) {
	b.plan, b.did = p, append(b.did, "create")
	return b.e, b.refuse
}

func (b *bench) Update(_ context.Context, _ tenant.Scope, _ id.Experiment, p experiment.Plan, check func(experiment.Experiment) error) (experiment.Experiment, error) {
	if err := check(b.e); err != nil {
		return b.e, err
	}
	b.plan, b.did = p, append(b.did, "update")
	return b.e, b.refuse
}

func (b *bench) Experiment(context.Context, tenant.Scope, id.Experiment) (experiment.Experiment, error) {
	return b.e, nil
}

func (b *bench) List(_ context.Context, _ tenant.Scope, f experiment.Filter, _ id.Experiment, _ int) ([]experiment.Experiment, bool, error) {
	if b.e.ID == "" {
		return nil, false, nil
	}
	draft, running, broken := b.e, b.e, b.e
	draft.ID, draft.Status, draft.Reading, draft.Plan.Name = "exp_3", experiment.Draft, nil, "Haiku for code review"
	draft.StartedAt, draft.EndedAt, draft.LookedAt = time.Time{}, time.Time{}, time.Time{}
	running.ID, running.Status, running.EndedAt, running.Plan.Name = "exp_2", experiment.Active, time.Time{}, "Prompt v5"
	running.StartedAt, running.Reading = pagetest.Now().Add(-30*time.Hour), nil
	broken.ID, broken.Status, broken.Plan.Name = "exp_4", experiment.Reverted, "Flash for long threads"
	was := *b.e.Reading
	was.Verdict = experiment.Breach
	broken.Reading = &was
	all := []experiment.Experiment{b.e, running, draft, broken}
	var out []experiment.Experiment
	for _, e := range all {
		if len(f.Status) == 0 || f.Status[0] == e.Status {
			out = append(out, e)
		}
	}
	return out, false, nil
}

func (b *bench) Readings(context.Context, tenant.Scope, id.Experiment, int) ([]experiment.Reading, error) {
	return b.readings, nil
}

func (b *bench) act(what string) (experiment.Experiment, error) {
	b.did = append(b.did, what)
	return b.e, b.refuse
}

func (b *bench) Start(context.Context, tenant.Scope, id.Experiment) (experiment.Experiment, error) {
	return b.act("start")
}

func (b *bench) Stop(context.Context, tenant.Scope, id.Experiment) (experiment.Experiment, error) {
	return b.act("stop")
}

func (b *bench) Promote(_ context.Context, _ tenant.Scope, _ id.Experiment, arm string, pace experiment.Pace) (experiment.Experiment, error) {
	if pace == experiment.Immediately {
		arm += " at once"
	}
	return b.act("promote " + arm)
}

func (b *bench) Rollback(context.Context, tenant.Scope, id.Experiment) (experiment.Experiment, error) {
	return b.act("roll back")
}

// Release is the move of the label for every arm that names a version.
func (b *bench) Release(context.Context, tenant.Scope, id.Experiment, string) (*experiment.Release, error) {
	return &experiment.Release{Prompt: "prompt_1", Name: "support/greeting", Label: "production", Was: 6, Is: 7}, b.refuse
}

func (b *bench) Delete(context.Context, tenant.Scope, id.Experiment) error {
	_, err := b.act("delete")
	return err
}

func (b *bench) Forecast(context.Context, tenant.Scope, experiment.Plan) (experiment.Forecast, error) {
	return b.forecast, nil
}

func (b *bench) Replay(_ context.Context, _ tenant.Scope, r experiment.Replay) (experiment.Reading, error) {
	b.replay = r
	if b.refuse != nil {
		return experiment.Reading{}, b.refuse
	}
	return experiment.Reading{
		Sentence: "haiku costs 41.2% less per unit (38.0% to 44.1%).", Arms: b.e.Reading.Arms,
		Checks: []experiment.Check{{Name: "not_randomised", State: "warn", Detail: "these calls were not dealt at random"}, {Name: "outage", State: "ok", Detail: "none"}},
	}, nil
}

func (b *bench) Segments(_ context.Context, _ tenant.Scope, _ id.Experiment, by string) ([]experiment.Segment, error) {
	q := []experiment.Interval{{Known: true, Mean: 0.006, Low: -0.012, High: 0.024}}
	c := []experiment.Interval{{Known: true, Mean: -0.66, Low: -0.68, High: -0.64}}
	return []experiment.Segment{
		{Name: "short", Arms: b.e.Reading.Arms, Quality: q, Cost: c, Latency: c},
		{Name: "", Arms: b.e.Reading.Arms, Quality: []experiment.Interval{{}}, Cost: []experiment.Interval{{}}, Latency: []experiment.Interval{{}}},
	}, nil
}

func (b *bench) Pairs(context.Context, tenant.Scope, id.Experiment, int) ([]experiment.Pair, error) {
	good := 0.9
	return []experiment.Pair{{
		A: experiment.Side{Arm: "control", Request: "I was charged <twice>.", Text: "I have started a refund.", Cost: 24_100_000},
		B: experiment.Side{Arm: "haiku", Request: "Charged twice?", Text: strings.Repeat("é", 700), Cost: 7_900_000, Score: &good, Note: "Shorter."},
	}}, nil
}

type store struct{}

func (store) Alias(context.Context, tenant.Scope, id.Alias) (alias.Alias, error) {
	return alias.Alias{ID: "alias_1", Name: "support-reply", Version: 8, Route: alias.Route{Targets: []alias.Target{{Provider: "anthropic", Model: "claude-sonnet-4-5"}}}}, nil
}

type aliases struct{ store }

func (a aliases) List(ctx context.Context, in tenant.Scope, _, _ string, _ int) ([]alias.Alias, bool, error) {
	one, err := a.Alias(ctx, in, "")
	return []alias.Alias{one, {ID: "alias_2", Name: "judge"}}, false, err
}

type credentials struct{}

func (credentials) List(context.Context, tenant.Scope) ([]credential.Credential, error) {
	return []credential.Credential{{ID: "cred_eu", Provider: "anthropic", Name: "anthropic-eu"}}, nil
}

type keys struct{}

func (keys) List(context.Context, tenant.Scope, key.Filter, id.Key, int) ([]key.Key, bool, error) {
	return []key.Key{{ID: "key_1", Name: "judges"}}, false, nil
}

type prompts struct{}

func (prompts) List(context.Context, tenant.Scope, prompt.Filter, string, int) ([]prompt.Prompt, bool, error) {
	return []prompt.Prompt{{ID: "prompt_1", Name: "support/greeting", Latest: 7}}, false, nil
}

type prices struct{}

func (prices) Book(context.Context) (*price.Book, error) { return price.NewBook(nil), nil }

type nobody struct{}

func (nobody) Members(context.Context, tenant.Scope, id.User, int) ([]account.Member, error) {
	return nil, nil
}

func (nobody) Tokens(context.Context, tenant.Scope, id.Token, int) ([]account.Token, error) {
	return nil, nil
}

// ended is an experiment that has found a winner, and its page.
func ended() (*bench, Experiments) {
	e, readings := sample(pagetest.Now())
	e.ID, e.Plan.Alias = "exp_1", "alias_1"
	b := &bench{e: e, readings: readings}
	week := &pagetest.Ledger{Spent: []pagetest.Spent{{
		At: pagetest.Now().Add(-time.Hour), Values: map[usage.Dimension]string{usage.Alias: "support-reply", usage.Key: "key_prod"}, Row: usage.Row{Calls: 12_601},
	}}}
	return b, Experiments{
		Experiments: b, Aliases: aliases{}, Credentials: credentials{}, Keys: keys{}, Prices: prices{}, Usage: week, Prompts: prompts{}, People: nobody{},
		Vendors: []provider.Vendor{{ID: "anthropic", Name: "Anthropic", Auth: "bearer"}, {ID: "openai", Name: "OpenAI", Auth: "bearer"}, {ID: "sandbox", Name: "Sandbox", Auth: "none"}},
	}
}

func visit(address string, role tenant.Role) *page.Visit {
	return pagetest.Visit(address, role, map[string]string{"id": "exp_1"})
}

func post(t *testing.T, values url.Values) *page.Visit {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, Path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	login := account.Login{Scope: tenant.Authenticated("org_a", tenant.Actor{User: "user_lena"}, tenant.Developer)}
	return page.NewVisit(r, login, account.Visitor{}, pagetest.Now(), "req_1", func(string) string { return "exp_1" })
}

func must(t *testing.T) func(page.Reply, error) page.Reply {
	return func(r page.Reply, err error) page.Reply {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

func TestPagesLookAsAccepted(t *testing.T) {
	t.Parallel()
	b, p := ended()
	pagetest.Golden(t, "list", must(t)(p.List(t.Context(), visit(Path, tenant.Developer))).Body)
	pagetest.Golden(t, "result", must(t)(p.Result(t.Context(), visit(Path+"/exp_1", tenant.Developer))).Body)
	pagetest.Golden(t, "result_viewer", must(t)(p.Result(t.Context(), visit(Path+"/exp_1?by=size", tenant.Billing))).Body)
	pagetest.Golden(t, "promote", must(t)(p.AskPromote(t.Context(), visit(Path+"/exp_1/promote", tenant.Developer))).Body)
	pagetest.Golden(t, "stop", must(t)(p.AskStop(t.Context(), visit(Path+"/exp_1/stop", tenant.Developer))).Body)
	b.e.Status, b.e.Winner, b.e.Ramp = experiment.Promoted, "haiku", &experiment.Ramp{Stage: 50, Since: b.e.EndedAt, Until: b.e.EndedAt.Add(24 * time.Hour), Version: 8}
	pagetest.Golden(t, "promoted", must(t)(p.Result(t.Context(), visit(Path+"/exp_1", tenant.Developer))).Body)
	pagetest.Golden(t, "rollback", must(t)(p.AskRollback(t.Context(), visit(Path+"/exp_1/rollback", tenant.Developer))).Body)
	b.e.Status, b.e.Reading, b.e.EndedAt, b.e.LookedAt, b.e.Winner, b.e.Ramp = experiment.Active, nil, time.Time{}, time.Time{}, "", nil
	b.readings = nil
	pagetest.Golden(t, "collecting", must(t)(p.Result(t.Context(), visit(Path+"/exp_1", tenant.Developer))).Body)
	pagetest.Golden(t, "method", must(t)(p.Method(t.Context(), visit(Path+"/method", tenant.Viewer))).Body)
	pagetest.Golden(t, "sample", must(t)(p.Sample(t.Context(), visit(Path+"/sample", tenant.Viewer))).Body)
	b.e = experiment.Experiment{}
	pagetest.Golden(t, "list_empty", must(t)(p.List(t.Context(), visit(Path, tenant.Developer))).Body)
}

// TestAVersionOfAPromptIsNamedWhereverItsArmIs: in figures, and before it takes the label.
func TestAVersionOfAPromptIsNamedWhereverItsArmIs(t *testing.T) {
	t.Parallel()
	b, p := ended()
	b.e.Plan.PromptName = "support/greeting"
	b.e.Plan.Variants[1].Target, b.e.Plan.Variants[1].Prompt = nil, &experiment.ArmPrompt{Prompt: "prompt_1", Version: 7}
	shows := func(r page.Reply, words ...string) {
		t.Helper()
		var html bytes.Buffer
		if err := r.Body.Render(t.Context(), &html); err != nil {
			t.Fatal(err)
		}
		for _, w := range words {
			if !strings.Contains(html.String(), w) {
				t.Errorf("the page lacks %q", w)
			}
		}
	}
	shows(must(t)(p.Result(t.Context(), visit(Path+"/exp_1", tenant.Developer))), "support/greeting@7", "version 7 of support/greeting for a day")
	shows(must(t)(p.AskPromote(t.Context(), visit(Path+"/exp_1/promote", tenant.Developer))), "the label “production” of support/greeting moves to version 7 (from 6)")
	b.refuse = experiment.ErrNoPromotion.Say("The label is protected.")
	shows(must(t)(p.AskPromote(t.Context(), visit(Path+"/exp_1/promote", tenant.Developer))), "The label is protected.")
	b.refuse = nil
	b.e.Status, b.e.Winner = experiment.Promoted, "haiku"
	b.e.Ramp = &experiment.Ramp{Stage: 100, Version: 8, Made: 8, Release: &experiment.Release{Name: "support/greeting", Label: "production", Was: 6, Is: 7}}
	shows(must(t)(p.AskRollback(t.Context(), visit(Path+"/exp_1/rollback", tenant.Developer))), "goes back to version 6")
}

// promising is a forecast with everything in it.
func promising() experiment.Forecast {
	return experiment.Forecast{
		CallsPerDay: 1020, UnitsPerDay: 276, Scored: 0.71, Measured: true, Quality: 0.784, UnitsTotal: 3864, Horizon: 2743, ExpectedDays: 14, EarlyDay: 11,
		Lengths:    []experiment.Length{{Days: 7, Quality: 0.0224, Cost: 0.05}, {Days: 14, Quality: 0.0158, Cost: 0.035}, {Days: 21, Quality: 0.013, Cost: 0.03}, {Days: 28, Quality: 0.011, Cost: 0.025}},
		JudgeCalls: 1428, JudgeCost: 17_140_000_000, SavingPerMonth: 1_050_000_000_000, SavingKnown: true, Warnings: []string{"Haiku for triage runs on this alias; stop it first."},
	}
}

func TestFormsLookAsAccepted(t *testing.T) {
	t.Parallel()
	b, p := ended()
	pagetest.Golden(t, "new", must(t)(p.NewForm(t.Context(), visit(Path+"/new", tenant.Developer))).Body)
	b.forecast = promising()
	pagetest.Golden(t, "new_alias", must(t)(p.NewForm(t.Context(), visit(Path+"/new?alias=alias_1", tenant.Developer))).Body)
	pagetest.Golden(t, "new_versions", must(t)(p.NewForm(t.Context(), visit(Path+"/new?alias=alias_1&prompt=prompt_1&a=6&b=7", tenant.Developer))).Body)
	b.forecast = experiment.Forecast{CallsPerDay: 1020, Refusal: "No call has such a score yet."}
	f := fresh()
	f.Alias, f.Arms[1].By, f.Arms[1].Model = "alias_1", "anthropic", "claude-haiku-4-5"
	r := must(t)(p.Create(t.Context(), post(t, values(t, f, "start"))))
	if r.Status != http.StatusBadRequest || len(b.did) > 0 {
		t.Errorf("status %d, did %v: what could never say “not worse” was started", r.Status, b.did)
	}
	pagetest.Golden(t, "new_no_quality", r.Body)
}

// values are what the rendered form of f posts by a button.
func values(t *testing.T, f form, button string) url.Values {
	t.Helper()
	f.Choices = choices{
		Aliases: []alias.Alias{{ID: "alias_1", Name: "support-reply"}, {ID: "alias_2", Name: "judge"}}, Keys: []key.Key{{ID: "key_1", Name: "judges"}},
		Vendors: []provider.Vendor{{ID: "anthropic", Name: "Anthropic"}}, Credentials: map[string][]credentialChoice{"anthropic": {{"cred_eu", "anthropic-eu"}}},
		Prompts: []prompt.Prompt{{ID: "prompt_1", Name: "support/greeting"}},
	}
	var b bytes.Buffer
	if err := edit(f, pagetest.Now()).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	v := formtest.Values(t, b.Bytes())
	v.Set("do", button)
	return v
}

func TestTheRenderedFormPostsThePlanThatItShows(t *testing.T) {
	t.Parallel()
	tokens, warm := int64(800), 0.2
	haiku := experiment.Variant{
		Name: "haiku", Weight: 40, Target: &alias.Target{Provider: "anthropic", Model: "claude-haiku-4-5", Credential: "cred_eu"},
		Parameters: alias.Parameters{Overrides: alias.Settings{MaxTokens: &tokens, Temperature: &warm, Effort: "low"}},
	}
	for name, p := range map[string]experiment.Plan{
		"feedback": {
			Alias: "alias_1", Name: "Haiku for replies", Hypothesis: "as good", Goal: experiment.Cheaper, Margin: 0.025, Quality: experiment.Scores, ScoreName: "stars", ScoreLow: 1, ScoreHigh: 5,
			Variants: []experiment.Variant{{Name: "control", Weight: 60}, haiku}, Days: 14, Share: 50, Auto: true,
			Guardrails: experiment.Guardrails{ErrorRate: 0.01, P95: 1.25, SchemaValid: 0.005, Refusals: 0.02, Spend: 1_000_500_000_000},
		},
		"judge": {
			Alias: "alias_1", Name: "Better", Goal: experiment.Better, CostCap: 1.2, Margin: 0.02, Quality: experiment.Judge, Days: 7, Share: 100,
			Variants: []experiment.Variant{{Name: "control", Weight: 60}, haiku}, Judge: &experiment.JudgePlan{Alias: "judge", Key: "key_1", Rubric: "Names the team.\nSays no more.", Sample: 10, Budget: 10_000_000_000},
		},
		"versions": {
			Alias: "alias_1", Name: "Shorter", Goal: experiment.Cheaper, Margin: 0.02, Quality: experiment.CostLatency, Days: 7, Share: 100,
			Variants: []experiment.Variant{
				{Name: "v6", Weight: 50, Prompt: &experiment.ArmPrompt{Prompt: "prompt_1", Version: 6}}, {Name: "v7", Weight: 50, Prompt: &experiment.ArmPrompt{Prompt: "prompt_1", Version: 7}},
			},
		},
		"a against a": {
			Alias: "alias_1", Name: "Itself", Goal: experiment.Faster, Margin: 0.02, Quality: experiment.CostLatency, Days: 28, Share: 100, AA: true,
			Variants: []experiment.Variant{{Name: "control", Weight: 50}, {Name: "b", Weight: 50}},
		},
	} {
		f := read(post(t, values(t, of(experiment.Experiment{ID: "exp_1", Revision: 3, Plan: p}), "draft")))
		got, err := f.plan()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p.Quality != experiment.Scores {
			got.ScoreName = "" // the service drops it
		}
		approx := cmpopts.EquateApprox(0, 1e-9)
		if diff := cmp.Diff(p, got, approx, cmpopts.EquateEmpty()); diff != "" || f.Revision != 3 {
			t.Errorf("%s: revision %d: %s", name, f.Revision, diff)
		}
	}
}

func TestWhatIsWrongStandsAtItsField(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		change func(*form)
		at     string
	}{
		{func(f *form) { f.Margin = "two" }, "margin"},
		{func(f *form) { f.Margin = "NaN" }, "margin"},
		{func(f *form) { f.Share = "half" }, "share"},
		{func(f *form) { f.Arms[1].Weight = "x" }, "variants.1.weight"},
		{func(f *form) { f.Arms[1].Temperature = "warm" }, "variants.1.parameters.overrides.temperature"},
		{func(f *form) { f.Guards.Spend = "1,000" }, "guardrails.spend"},
		{func(f *form) { f.Goal, f.CostCap = "better", "x" }, "cost_cap"},
		{func(f *form) { f.Quality, f.Judge.Sample = "judge", "x" }, "judge.sample"},
	} {
		f := fresh()
		tt.change(&f)
		_, err := f.plan()
		trouble, _, mendable := page.Wrong(err)
		if f.Trouble = trouble; !mendable || trouble.Field != tt.at || f.above() != "" {
			t.Errorf("%v at %q, want %q; above the form: %q", err, trouble.Field, tt.at, f.above())
		}
	}
}

func TestButtonsOfTheForm(t *testing.T) {
	t.Parallel()
	f := fresh()
	for _, button := range []string{"drop-1", "drop-0", "drop-9", "save", ""} { // two arms stay, and the control always
		if f.press(button); len(f.Arms) != 2 {
			t.Fatalf("%q: %d arms", button, len(f.Arms))
		}
	}
	f.press("add")
	f.press("drop-1")
	if len(f.Arms) != 2 || f.Arms[1].Name != "c" {
		t.Errorf("%+v", f.Arms)
	}
	for range 9 {
		f.press("add")
	}
	if len(f.Arms) != armsMax {
		t.Errorf("%d arms", len(f.Arms))
	}
	if f.press("costonly"); f.Quality != string(experiment.CostLatency) {
		t.Errorf("quality %q", f.Quality)
	}
}

func TestActionsLeadOnOrSayWhyNot(t *testing.T) {
	t.Parallel()
	b, p := ended()
	for _, tt := range []struct {
		do   page.Func
		form url.Values
		did  string
	}{
		{p.Start, nil, "start"},
		{p.Stop, nil, "stop"},
		{p.Promote, url.Values{"arm": {"haiku"}, "pace": {"ramp"}}, "promote haiku"},
		{p.Promote, url.Values{"arm": {"haiku"}, "pace": {"now"}}, "promote haiku at once"},
		{p.Rollback, nil, "roll back"},
		{p.Delete, nil, "delete"},
	} {
		b.did, b.refuse = nil, nil
		if r := must(t)(tt.do(t.Context(), post(t, tt.form))); r.Kind != page.Go || len(b.did) != 1 || b.did[0] != tt.did {
			t.Errorf("%s: did %v, %+v", tt.did, b.did, r)
		}
		b.refuse = experiment.ErrBusy
		r := must(t)(tt.do(t.Context(), post(t, tt.form)))
		if html := string(pagetest.HTML(t, r)); r.Status != http.StatusConflict || !strings.Contains(html, experiment.ErrBusy.Message) {
			t.Errorf("%s: a refusal is answered with %d", tt.did, r.Status)
		}
		b.refuse = experiment.ErrNotFound
		if _, err := tt.do(t.Context(), post(t, tt.form)); err == nil {
			t.Errorf("%s: another organization's is no error page", tt.did)
		}
	}
}

func TestStartMakesADraftFirst(t *testing.T) {
	t.Parallel()
	b, p := ended()
	b.forecast = promising()
	f := fresh()
	f.Alias, f.Name, f.Arms[1].By, f.Arms[1].Model = "alias_1", "Haiku", "anthropic", "claude-haiku-4-5"
	r := must(t)(p.Create(t.Context(), post(t, values(t, f, "start"))))
	if !strings.HasSuffix(r.To, "/experiments/exp_1?done=started") || strings.Join(b.did, " ") != "create start" {
		t.Errorf("did %v, to %q", b.did, r.To)
	}
	b.did = nil
	if r = must(t)(p.Create(t.Context(), post(t, values(t, f, "draft")))); !strings.HasSuffix(r.To, "done=saved") || strings.Join(b.did, " ") != "create" {
		t.Errorf("did %v, to %q", b.did, r.To)
	}
	b.did, b.e.Status, b.e.Revision = nil, experiment.Draft, 4
	f.ID, f.Revision = "exp_1", 3
	if r = must(t)(p.Edit(t.Context(), post(t, values(t, f, "draft")))); r.Status != http.StatusConflict || len(b.did) > 0 {
		t.Errorf("over another's change: did %v, status %d", b.did, r.Status)
	}
}

func TestLastWeekIsReplayedByWhereItsCallsWent(t *testing.T) {
	t.Parallel()
	b, p := ended()
	b.forecast = promising()
	f := fresh()
	f.Alias, f.Arms[1].By, f.Arms[1].Model = "alias_1", "anthropic:cred_eu", "claude-haiku-4-5"
	r := must(t)(p.Create(t.Context(), post(t, values(t, f, "replay"))))
	pagetest.Golden(t, "new_replay", r.Body)
	want := []experiment.Slice{{Arm: "control", Provider: "anthropic", Model: "claude-sonnet-4-5"}, {Arm: "b", Provider: "anthropic", Model: "claude-haiku-4-5"}}
	if diff := cmp.Diff(want, b.replay.Slices); diff != "" || b.replay.To.Sub(b.replay.From) != 7*24*time.Hour || len(b.did) > 0 {
		t.Errorf("did %v, asked %s", b.did, diff)
	}
	f.AA = true
	must(t)(p.Create(t.Context(), post(t, values(t, f, "replay"))))
	if len(b.replay.Slices) > 0 || !b.replay.Plan.AA {
		t.Errorf("a test of the test was asked by %v", b.replay.Slices)
	}
	b.refuse = experiment.ErrInvalid.Say("No recorded call stands for b.")
	r = must(t)(p.Create(t.Context(), post(t, values(t, f, "replay"))))
	if html := string(pagetest.HTML(t, r)); !strings.Contains(html, "No recorded call stands for b.") || !strings.Contains(html, "Last week would have said") {
		t.Error("why there is nothing to replay is not said")
	}
}
