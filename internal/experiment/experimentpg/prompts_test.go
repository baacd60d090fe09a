package experimentpg_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagepg"
)

// written makes a prompt with so many versions; production stands on the first.
func (w *world) written(name string, versions int) prompt.Prompt {
	w.t.Helper()
	p, _, err := w.prompts.Create(w.t.Context(), w.in, prompt.New{Name: name, Kind: prompt.Text, Content: prompt.Content{Text: "one"}, Labels: []string{"production"}})
	for n := 2; err == nil && n <= versions; n++ {
		p, _, err = w.prompts.Publish(w.t.Context(), w.in, p.ID, prompt.Content{Text: strings.Repeat("more ", n)}, "", nil, nil)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// label moves one and gives the version on which another stands.
func (w *world) label(p prompt.Prompt, label string, to int) {
	w.t.Helper()
	if _, err := w.prompts.SetLabel(w.t.Context(), w.in, p.ID, label, to, nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) at(p prompt.Prompt, label string) int {
	w.t.Helper()
	got, err := w.prompts.Prompt(w.t.Context(), w.in, p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return got.Labels[label]
}

// bind gives the alias a prompt.
func (w *world) bind(b *alias.Prompt) {
	w.t.Helper()
	r := w.alias.Route
	r.Prompt = b
	var err error
	if w.alias, err = w.aliases.Update(w.t.Context(), w.in, w.alias.ID, r, "", nil); err != nil {
		w.t.Fatal(err)
	}
}

// used puts calls of the alias that used a prompt into the log, and sums them up.
func (w *world) used(which id.Prompt, label string, n int) {
	w.t.Helper()
	for range n {
		r := w.call(nil, "", w.now.Add(-time.Hour))
		r.Prompt, r.PromptVersion, r.PromptLabel = which, 1, label
		w.deliver(r)
	}
	if err := usage.NewRoller(usagepg.New(w.db), time.Now, slog.New(slog.DiscardHandler)).Turn(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// versus is a plan of two versions; control 0: what the call asks for.
func (w *world) versus(p prompt.Prompt, control, b int) experiment.Plan {
	plan := w.plan()
	plan.Quality, plan.Name = experiment.CostLatency, "Shorter greeting"
	plan.Variants = []experiment.Variant{{Name: "control"}, {Name: "b", Prompt: &experiment.ArmPrompt{Prompt: p.ID, Version: b}}}
	if control > 0 {
		plan.Variants[0].Prompt = &experiment.ArmPrompt{Prompt: p.ID, Version: control}
	}
	return plan
}

func (w *world) as(role tenant.Role) tenant.Scope {
	return tenant.Authenticated(w.in.Org(), tenant.Actor{User: "user_other"}, role)
}

// TestArmsNameVersionsThatAreThere: of one prompt, of the same organization.
func TestArmsNameVersionsThatAreThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, other := w.written("support/greeting", 2), w.written("other", 2)
	foreign, _ := pgtest.Org(t, w.db, "Globex")
	theirs, _, err := w.prompts.Create(t.Context(), foreign, prompt.New{Name: "theirs", Kind: prompt.Text, Content: prompt.Content{Text: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	archived := w.written("gone", 2)
	w.label(archived, "production", 0)
	if err := w.prompts.Archive(t.Context(), w.in, archived.ID); err != nil {
		t.Fatal(err)
	}
	two := w.versus(p, 1, 2)
	two.Variants[0].Prompt.Prompt = other.ID
	for name, tt := range map[string]struct {
		plan experiment.Plan
		want string
	}{
		"a version that is none":        {w.versus(p, 1, 3), "variants.1.prompt.version"},
		"no version":                    {w.versus(p, 0, -1), "variants.1.prompt.version"},
		"a prompt that is none":         {w.versus(prompt.Prompt{ID: "prompt_none"}, 1, 2), "variants.0.prompt"},
		"another organization's prompt": {w.versus(theirs, 0, 1), "variants.1.prompt"},
		"an archived prompt":            {w.versus(archived, 0, 2), "variants.1.prompt"},
		"two prompts":                   {two, "variants.1.prompt"},
		"the same version twice":        {w.versus(p, 2, 2), "variants.1"},
	} {
		if _, err := w.service.Create(t.Context(), w.in, tt.plan); !errors.Is(err, experiment.ErrInvalid) || field(err) != tt.want {
			t.Errorf("%s: %v at %q", name, err, field(err))
		}
	}
	e := w.start(w.versus(p, 1, 2))
	r := w.running()
	if r == nil || *r.Arms[0].Prompt != (experiment.ArmPrompt{Prompt: p.ID, Version: 1}) || *r.Arms[1].Prompt != (experiment.ArmPrompt{Prompt: p.ID, Version: 2}) {
		t.Errorf("proxies have %+v", r)
	}
	if got := w.read(e.ID).Plan.Variants[1].Prompt; got == nil || got.Version != 2 {
		t.Errorf("stored is %+v", got)
	}
}

// TestAnExperimentUnderAProtectedLabelIsForWhoMayRelease: its arms take calls away from under the label.
func TestAnExperimentUnderAProtectedLabelIsForWhoMayRelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.written("support/greeting", 2)
	w.used(p.ID, "staging", 3)
	if err := w.prompts.Protect(t.Context(), w.in, []string{"production"}); err != nil {
		t.Fatal(err)
	}
	begin := func(as tenant.Role) error {
		e, err := w.service.Create(t.Context(), w.in, w.versus(p, 1, 2))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = w.service.Start(t.Context(), w.as(as), e.ID); err == nil {
			_, err = w.service.Stop(t.Context(), w.in, e.ID)
		}
		return err
	}
	if err := begin(tenant.Developer); err != nil {
		t.Errorf("the calls use it by staging, which is free: %v", err)
	}
	w.used(p.ID, "production", 1)
	if err := begin(tenant.Developer); !errors.Is(err, prompt.ErrProtected) {
		t.Errorf("one of the calls uses it by production: %v", err)
	}
	if err := begin(tenant.Admin); err != nil {
		t.Errorf("an admin: %v", err)
	}
}

// TestAPromptThatIsEditedUnderAnExperimentClosesIt, and only where an arm gets what the label stands on.
func TestAPromptThatIsEditedUnderAnExperimentClosesIt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		control int
		bound   *alias.Prompt
		plan    func(*experiment.Plan) // instead of versions
		label   string
		want    experiment.Status
	}{
		{"the label that the calls use", 0, nil, nil, "production", experiment.Invalid},
		{"a label that no call uses", 0, nil, nil, "staging", experiment.Active},
		{"every arm names its version", 1, nil, nil, "production", experiment.Active},
		{"the alias has another label bound", 0, &alias.Prompt{Name: "support/greeting", Label: "staging"}, nil, "production", experiment.Active},
		{"the label that the alias has bound", 0, &alias.Prompt{Name: "support/greeting", Label: "staging"}, nil, "staging", experiment.Invalid},
		{"two models, and the prompt that the alias has bound", 0, &alias.Prompt{Name: "support/greeting", Label: "staging"}, func(p *experiment.Plan) {
			p.Variants[1] = experiment.Variant{Name: "mini", Target: &alias.Target{Provider: "sandbox", Model: "echo-mini"}}
		}, "staging", experiment.Invalid},
		{"the alias has a number bound", 0, &alias.Prompt{Name: "support/greeting", Version: 1}, nil, "production", experiment.Active},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.written("support/greeting", 3)
			w.label(p, "staging", 1)
			w.used(p.ID, "production", 2)
			if tt.bound != nil {
				w.bind(tt.bound)
			}
			w.now = noon.Add(time.Minute) // the moves above are of before
			plan := w.versus(p, tt.control, 2)
			if tt.plan != nil {
				tt.plan(&plan)
			}
			e := w.start(plan)
			w.now = w.now.Add(time.Minute)
			w.turn()
			if got := w.read(e.ID); got.Status != experiment.Active {
				t.Fatalf("nothing was moved yet, and it is %s", got.Status)
			}
			w.label(p, tt.label, 3)
			w.now = w.now.Add(time.Minute)
			w.turn()
			got := w.read(e.ID)
			if got.Status != tt.want {
				t.Fatalf("%s, want %s", got.Status, tt.want)
			}
			if tt.want == experiment.Invalid && (got.Live || !closedFor(got, "prompt_edit") || !strings.Contains(got.Reading.Sentence, `"`+tt.label+`"`)) {
				t.Errorf("%+v", got.Reading)
			}
		})
	}
}

func closedFor(e experiment.Experiment, check string) bool {
	return e.Reading != nil && slices.ContainsFunc(e.Reading.Checks, func(c experiment.Check) bool { return c.Name == check && c.State == "block" })
}

func field(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Field
	}
	return ""
}

// TestAWinnerThatIsAVersionTakesTheLabelWithIt at the second stage, and gives it back with a rollback.
func TestAWinnerThatIsAVersionTakesTheLabelWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.written("support/greeting", 2)
	if err := w.prompts.Protect(t.Context(), w.in, []string{"production"}); err != nil {
		t.Fatal(err)
	}
	e := w.start(w.versus(p, 1, 2))
	if _, err := w.service.Promote(t.Context(), w.as(tenant.Developer), e.ID, "b", experiment.Ramped); !errors.Is(err, prompt.ErrProtected) {
		t.Fatalf("a developer promotes under a protected label: %v", err)
	}
	e, err := w.service.Promote(t.Context(), w.in, e.ID, "b", experiment.Ramped)
	if err != nil || w.at(p, "production") != 1 {
		t.Fatalf("%v; production stands on %d while half of the units have the winner", err, w.at(p, "production"))
	}
	w.now = w.now.Add(25 * time.Hour)
	w.turn() // by the worker, in the name of who promoted
	e = w.read(e.ID)
	if w.at(p, "production") != 2 || e.Ramp.Stage != 100 || e.Ramp.Made == 0 || len(w.running().Arms) != 1 || w.running().Arms[0].Prompt != nil {
		t.Fatalf("production stands on %d; %+v", w.at(p, "production"), e.Ramp)
	}
	if now, err := w.aliases.Alias(t.Context(), w.in, w.alias.ID); err != nil || now.Version != w.alias.Version {
		t.Errorf("the alias is at version %d: nothing of it changed", now.Version)
	}
	w.turn()
	if _, err := w.service.Rollback(t.Context(), w.as(tenant.Developer), e.ID); !errors.Is(err, prompt.ErrProtected) || w.at(p, "production") != 2 {
		t.Fatalf("a developer rolls back under a protected label: %v", err)
	}
	if e, err = w.service.Rollback(t.Context(), w.in, e.ID); err != nil || w.at(p, "production") != 1 || e.Status != experiment.Reverted || w.running() != nil {
		t.Errorf("%v; production stands on %d, %s", err, w.at(p, "production"), e.Status)
	}
}

// TestAWorkerHasNoMoreRightsThanWhoPromoted: a label that was free then, and is protected when its stage has come, stays where it is.
func TestAWorkerHasNoMoreRightsThanWhoPromoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.written("support/greeting", 2)
	e := w.start(w.versus(p, 1, 2))
	if _, err := w.service.Promote(t.Context(), w.as(tenant.Developer), e.ID, "b", experiment.Ramped); err != nil {
		t.Fatal(err)
	}
	if err := w.prompts.Protect(t.Context(), w.in, []string{"production"}); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(25 * time.Hour)
	w.turn()
	if got := w.read(e.ID); w.at(p, "production") != 1 || got.Status != experiment.Stopped || !strings.Contains(got.Ramp.Reason, "protected") {
		t.Errorf("production stands on %d; %s, %+v", w.at(p, "production"), got.Status, got.Ramp)
	}
}

// TestALabelThatSomebodyMovesEndsAPromotion: whoever did it has decided.
func TestALabelThatSomebodyMovesEndsAPromotion(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"before the second stage", "in the second stage"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.written("support/greeting", 3)
			e := w.start(w.versus(p, 1, 2))
			if _, err := w.service.Promote(t.Context(), w.in, e.ID, "b", experiment.Ramped); err != nil {
				t.Fatal(err)
			}
			if stage == "before the second stage" {
				w.label(p, "production", 3)
			}
			w.now = w.now.Add(25 * time.Hour)
			w.turn()
			if stage == "in the second stage" {
				w.label(p, "production", 3)
			}
			w.now = w.now.Add(time.Minute)
			w.turn()
			got := w.read(e.ID)
			if w.at(p, "production") != 3 || got.Live || !got.Ramp.Over || !strings.Contains(got.Ramp.Reason, "production") {
				t.Errorf("production stands on %d; %s, %+v", w.at(p, "production"), got.Status, got.Ramp)
			}
			if _, err := w.service.Rollback(t.Context(), w.in, e.ID); err == nil || w.at(p, "production") != 3 {
				t.Errorf("rolled back (%v), and production stands on %d", err, w.at(p, "production"))
			}
		})
	}
}

// TestAnAliasThatHasANumberBoundGetsTheOther: no label moves.
func TestAnAliasThatHasANumberBoundGetsTheOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.written("support/greeting", 2)
	w.bind(&alias.Prompt{Name: "support/greeting", Version: 1})
	e := w.start(w.versus(p, 0, 2))
	if _, err := w.service.Promote(t.Context(), w.in, e.ID, "b", experiment.Immediately); err != nil {
		t.Fatal(err)
	}
	bound := func() int {
		a, err := w.aliases.Alias(t.Context(), w.in, w.alias.ID)
		if err != nil || a.Route.Prompt == nil {
			t.Fatal(err, a.Route.Prompt)
		}
		return a.Route.Prompt.Version
	}
	if bound() != 2 || w.at(p, "production") != 1 {
		t.Errorf("bound is %d, and production stands on %d", bound(), w.at(p, "production"))
	}
	if _, err := w.service.Rollback(t.Context(), w.in, e.ID); err != nil || bound() != 1 {
		t.Errorf("%v; bound is %d", err, bound())
	}
}

// TestMovesThatWantAnApprovalAreNotPromotedPastIt: the prompt's page is where one asks for it.
func TestMovesThatWantAnApprovalAreNotPromotedPastIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.written("support/greeting", 2)
	if _, err := w.prompts.SetRules(t.Context(), w.in, prompt.RulesEdit{Protected: new([]string{"production"}), Approvals: new(true)}, nil); err != nil {
		t.Fatal(err)
	}
	e := w.start(w.versus(p, 1, 2))
	if _, err := w.service.Promote(t.Context(), w.in, e.ID, "b", experiment.Immediately); !errors.Is(err, prompt.ErrApproval) || w.at(p, "production") != 1 {
		t.Errorf("%v; production stands on %d", err, w.at(p, "production"))
	}
	if got := w.read(e.ID); got.Status != experiment.Active {
		t.Errorf("it is %s", got.Status)
	}
}

// TestTwoVersionsBecomeExperiments on the aliases that use them.
func TestTwoVersionsBecomeExperiments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.written("support/greeting", 7)
	if _, err := w.service.Versus(t.Context(), w.in, p.ID, 6, 7, ""); !errors.Is(err, experiment.ErrInvalid) {
		t.Errorf("no alias uses it: %v", err)
	}
	w.used(p.ID, "production", 1)
	bound, err := w.aliases.Create(t.Context(), w.in, "bound", alias.Route{
		Targets: []alias.Target{{Provider: "sandbox", Model: "echo-mini"}}, Prompt: &alias.Prompt{Name: "support/greeting"},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.aliases.Create(t.Context(), w.in, "unused", alias.Route{Targets: []alias.Target{{Provider: "sandbox", Model: "echo-mini"}}}, ""); err != nil {
		t.Fatal(err)
	}
	made, err := w.service.Versus(t.Context(), w.in, p.ID, 6, 7, "")
	if err != nil || len(made) != 2 {
		t.Fatalf("%d drafts, %v", len(made), err)
	}
	for i, on := range []id.Alias{bound.ID, w.alias.ID} {
		e := w.read(made[i].ID)
		if e.Status != experiment.Draft || e.Plan.Alias != on || e.Plan.Variants[0].Prompt.Version != 6 || e.Plan.Variants[1].Prompt.Version != 7 ||
			e.Plan.Name != "support/greeting: version 7 against 6" {
			t.Errorf("draft %d: %+v", i, e.Plan)
		}
	}
	if made, err = w.service.Versus(t.Context(), w.in, p.ID, 1, 2, bound.ID); err != nil || len(made) != 1 || made[0].Plan.Alias != bound.ID {
		t.Errorf("of one alias %d drafts, %v", len(made), err)
	}
	foreign, _ := pgtest.Org(t, w.db, "Globex")
	if _, err := w.service.Versus(t.Context(), foreign, p.ID, 6, 7, ""); !errors.Is(err, prompt.ErrNotFound) {
		t.Errorf("another organization: %v", err)
	}
	for _, pair := range [][2]int{{6, 6}, {6, 8}, {0, 7}} {
		if _, err := w.service.Versus(t.Context(), w.in, p.ID, pair[0], pair[1], ""); !errors.Is(err, experiment.ErrInvalid) {
			t.Errorf("%v: %v", pair, err)
		}
	}
	if _, err := w.service.Versus(t.Context(), w.in, p.ID, 6, 6, ""); field(err) != "b" {
		t.Errorf("the same version twice: %v", err)
	}
	list, _, err := w.service.List(t.Context(), w.in, experiment.Filter{}, "", 100)
	if err != nil || len(list) != 3 {
		t.Errorf("%d drafts in all, want 3: a refused pair leaves none (%v)", len(list), err)
	}
}

// TestAForecastSaysWhereArmsDoNothing: calls that use another prompt, or none.
func TestAForecastSaysWhereArmsDoNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.written("support/greeting", 2)
	warned := func(part string) bool {
		f, err := w.service.Forecast(t.Context(), w.in, w.versus(p, 1, 2))
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(f.Warnings, func(s string) bool { return strings.Contains(s, part) })
	}
	w.used("", "", 5)
	if !warned("would all be alike") {
		t.Error("no call uses the prompt, and nothing is said of it")
	}
	w.used(p.ID, "production", 5)
	if !warned("50.0% of fast-classifier's calls use the prompt") {
		t.Error("half of the calls use the prompt, and nothing is said of it")
	}
	w.bind(&alias.Prompt{Name: "support/greeting"})
	if warned("the prompt support/greeting") {
		t.Error("the alias has it bound, and it warns")
	}
}
