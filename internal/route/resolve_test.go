package route_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/condition"
	"tollgate/internal/calllog"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/health"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/provider"
	"tollgate/internal/provider/traits"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
)

// with puts an alias into an organization.
func with(org *snapshot.Org, name string, rt alias.Route) *snapshot.Org {
	a := &snapshot.Alias{Alias: alias.Alias{ID: id.Alias("alias_" + name), Name: name, Version: 1, Route: rt}}
	for _, rule := range rt.Rules {
		program, err := condition.Compile(rule.If)
		if err != nil {
			panic(err)
		}
		a.Rules = append(a.Rules, program)
	}
	org.Aliases[name] = a
	return org
}

func to(models ...string) []alias.Target {
	var out []alias.Target
	for _, m := range models {
		vendor, model, _ := strings.Cut(m, "/")
		out = append(out, alias.Target{Provider: vendor, Model: model})
	}
	return out
}

// order is a plan's targets: "openai/gpt-4o anthropic/claude".
func order(p route.Plan) string {
	var out []string
	for _, t := range p.Targets {
		out = append(out, t.Vendor.ID+"/"+t.Model)
	}
	return strings.Join(out, " ")
}

func resolve(t *testing.T, r route.Router, org *snapshot.Org, ask route.Ask) route.Plan {
	t.Helper()
	ask.Now = noon
	p, err := r.Resolve(org, &key.Key{}, &ask)
	if err != nil {
		t.Fatalf("%+v: %v", ask, err)
	}
	return p
}

// why is what the decision says of a model.
func why(p route.Plan, model string) string {
	for _, c := range p.Decision.Candidates {
		if c.Provider+"/"+c.Model == model {
			return c.Why
		}
	}
	return "not a candidate"
}

func TestATaskLeadsToWhatTheFileSays(t *testing.T) {
	t.Parallel()
	r := route.Router{Vendors: vendors}
	org := organization("openai", "anthropic")
	org.Tasks = map[string]string{"classification": "fast-classifier", "thinking": "slow-thinker", "lost": "gone"}
	tests := []struct {
		name       string
		ask        route.Ask
		key        key.Key
		alias, how string
		err        error
		says       string
	}{
		{"by the model's name", route.Ask{Name: "task:classification"}, key.Key{}, "fast-classifier", calllog.TaskModel, nil, ""},
		{"by the header, whatever the model is", route.Ask{Name: "openai/gpt-4o", Task: "thinking"}, key.Key{}, "slow-thinker", calllog.TaskHeader, nil, ""},
		{"by the header, also where the model is an alias", route.Ask{Name: "fast-classifier", Task: "thinking"}, key.Key{}, "slow-thinker", calllog.TaskHeader, nil, ""},
		{"by the key, with model auto", route.Ask{Name: "auto"}, key.Key{Task: "thinking"}, "slow-thinker", calllog.TaskKey, nil, ""},
		{"by the key, with model task", route.Ask{Name: "task"}, key.Key{Task: "thinking"}, "slow-thinker", calllog.TaskKey, nil, ""},
		{"an alias stands before the key's task", route.Ask{Name: "fast-classifier"}, key.Key{Task: "thinking"}, "fast-classifier", "", nil, ""},
		{"with the twin's prefix", route.Ask{Name: "claude/task:classification"}, key.Key{}, "fast-classifier", calllog.TaskModel, nil, ""},
		{"one that there is not names those there are", route.Ask{Name: "task:classify"}, key.Key{}, "", "", route.ErrTask, "classification, thinking"},
		{"those that the key may not call are not named", route.Ask{Name: "task:x"}, key.Key{Aliases: []string{"slow-thinker"}}, "", "", route.ErrTask, "Tasks are thinking."},
		{
			"one that the key may not call is none to it",
			route.Ask{Name: "task:classification"},
			key.Key{Aliases: []string{"slow-thinker"}},
			"", "", route.ErrTask,
			`There is no task "classification" in the organization's routing file that this key may call. Tasks are thinking.`,
		},
		{"nor by the header", route.Ask{Name: "slow-thinker", Task: "classification"}, key.Key{Aliases: []string{"slow-thinker"}}, "", "", route.ErrTask, "may call. Tasks are thinking."},
		{"an alias that is gone", route.Ask{Name: "task:lost"}, key.Key{}, "", "", route.ErrTask, "lost"},
		{"no task at all", route.Ask{Name: "task"}, key.Key{}, "", "", route.ErrModel, "has none"},
		{"auto is not on", route.Ask{Name: "auto"}, key.Key{}, "", "", route.ErrModel, "not switched on"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.ask.Now = noon
			p, err := r.Resolve(org, &tt.key, &tt.ask)
			if !errors.Is(err, tt.err) || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("%v", err)
			}
			if err == nil && (p.Alias != tt.alias || p.TaskBy != tt.how || tt.how != "" && org.Tasks[p.Task] != tt.alias) {
				t.Errorf("alias %q for task %q by %q", p.Alias, p.Task, p.TaskBy)
			}
		})
	}
}

func TestAutoTellsTheTaskFromTheText(t *testing.T) {
	t.Parallel()
	r := route.Router{Vendors: vendors}
	fresh := func(auto alias.Auto) *snapshot.Org {
		org := organization("openai", "anthropic")
		org.Tasks = map[string]string{"classification": "fast-classifier", "complex-analysis": "slow-thinker"}
		org.Auto = auto
		return org
	}
	prompt := func(text string) func() traits.Traits {
		return func() traits.Traits { return traits.Traits{Text: text, Messages: 1} }
	}
	clear, dim := prompt("Classify this review as positive or negative: it broke."), prompt("hmm")

	p := resolve(t, r, fresh(alias.Auto{On: true}), route.Ask{Name: "auto", Prompt: clear})
	if p.Task != "classification" || p.TaskBy != calllog.TaskLocal || len(p.Decision.Features) == 0 || p.Classify != nil {
		t.Errorf("%+v", p)
	}
	if _, err := r.Resolve(fresh(alias.Auto{On: true}), &key.Key{}, &route.Ask{Name: "auto", Prompt: dim, Now: noon}); !errors.Is(err, route.ErrUnclear) {
		t.Errorf("what nobody can tell: %v", err)
	}
	p = resolve(t, r, fresh(alias.Auto{On: true, Default: "complex-analysis"}), route.Ask{Name: "auto", Prompt: dim})
	if p.Task != "complex-analysis" || p.TaskBy != calllog.TaskLocal || !slices.Contains(p.Decision.Notes, "the classifier was not sure: the default holds") {
		t.Errorf("%+v", p.Decision)
	}
	asking := alias.Auto{On: true, Default: "complex-analysis", Classifier: "fast-classifier"}
	p = resolve(t, r, fresh(asking), route.Ask{Name: "auto", Prompt: dim})
	if p.Classify == nil || p.Classify.Alias != "fast-classifier" || p.Classify.Text != "hmm" || !slices.Equal(p.Classify.Tasks, []string{"classification", "complex-analysis"}) {
		t.Fatalf("%+v", p.Classify)
	}
	narrow := &key.Key{Aliases: []string{"slow-thinker"}}
	org := fresh(asking)
	org.Tasks["extraction"] = "slow-thinker"
	if p, err := r.Resolve(org, narrow, &route.Ask{Name: "auto", Prompt: dim, Now: noon}); err != nil || p.Classify != nil || p.Task != "complex-analysis" {
		t.Errorf("a key that may not call the classifier: %+v, %v", p.Classify, err)
	}
	p = resolve(t, r, fresh(asking), route.Ask{Name: "auto", Prompt: dim, Asked: &route.Asked{Task: "classification"}})
	if p.Task != "classification" || p.TaskBy != calllog.TaskAsked {
		t.Errorf("%+v", p)
	}
	p = resolve(t, r, fresh(asking), route.Ask{Name: "auto", Prompt: dim, Asked: &route.Asked{Note: "the classifier failed"}})
	if p.Task != "complex-analysis" || !slices.Contains(p.Decision.Notes, "the classifier failed") {
		t.Errorf("%+v", p.Decision)
	}
	if p = resolve(t, r, fresh(asking), route.Ask{Name: "auto", Prompt: clear}); p.Classify != nil {
		t.Error("the organization's classifier is asked although the local one is sure")
	}
}

func TestTheFirstRuleThatHoldsDecides(t *testing.T) {
	t.Parallel()
	r := route.Router{Vendors: vendors}
	org := with(organization("openai", "anthropic"), "ruled", alias.Route{
		Targets: to("openai/usual"), Fallbacks: []alias.Fallback{{Target: to("anthropic/spare")[0]}},
		Rules: []alias.Rule{
			{Name: "long", If: `input_tokens > 1000`, Targets: to("anthropic/long")},
			{If: `alias == "ruled" && images`, Targets: to("anthropic/eyes", "openai/eyes")},
			{Name: "nowhere", If: `environment == "private"`, Targets: to("groq/private")},
		},
	})
	for _, tt := range []struct {
		name, want, rule string
		facts            condition.Facts
	}{
		{"none", "openai/usual anthropic/spare", "", condition.Facts{}},
		{"the first", "anthropic/long anthropic/spare", "long", condition.Facts{InputTokens: 1001, Images: true}},
		{"one without a name", "anthropic/eyes openai/eyes anthropic/spare", `alias == "ruled" && images`, condition.Facts{Images: true}},
		{"one whose targets cannot serve leaves the fallbacks, not the route's targets", "anthropic/spare", "nowhere", condition.Facts{Environment: "private"}},
	} {
		p := resolve(t, r, org, route.Ask{Name: "ruled", Facts: func() condition.Facts { return tt.facts }})
		if order(p) != tt.want || p.Decision.Rule != tt.rule {
			t.Errorf("%s: %s by %q", tt.name, order(p), p.Decision.Rule)
		}
	}
	if p := resolve(t, r, org, route.Ask{Name: "ruled"}); order(p) != "openai/usual anthropic/spare" {
		t.Errorf("without facts: %s", order(p))
	}
}

func TestWhatMayNotServeIsDroppedWithTheReason(t *testing.T) {
	t.Parallel()
	r := route.Router{Vendors: vendors}
	targets := to("openai/gpt-4o", "anthropic/claude-sonnet-4-5", "groq/llama-3", "together/llama-3")
	targets[0].Off, targets[1].Via = true, alias.ViaBatch
	org := with(organization("openai", "anthropic", "together"), "a", alias.Route{Targets: targets})
	p := resolve(t, r, org, route.Ask{Name: "a"})
	for model, want := range map[string]string{
		"openai/gpt-4o": "switched off", "anthropic/claude-sonnet-4-5": "serves batches only", "groq/llama-3": "not connected", "together/llama-3": "target",
	} {
		if got := why(p, model); got != want {
			t.Errorf("%s: %q", model, got)
		}
	}
	if order(p) != "together/llama-3" {
		t.Errorf("%s", order(p))
	}
	if p := resolve(t, r, org, route.Ask{Name: "a", Batch: true}); order(p) != "anthropic/claude-sonnet-4-5 together/llama-3" || p.Targets[0].Via != alias.ViaBatch {
		t.Errorf("as a line of a batch: %s", order(p))
	}
	bulk := with(organization("openai"), "bulk", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini", Via: alias.ViaBatch}}})
	if _, err := r.Resolve(bulk, &key.Key{}, &route.Ask{Name: "bulk", Now: noon}); !errors.Is(err, route.ErrBatchOnly) || !strings.Contains(err.Error(), "/v1/batches") {
		t.Errorf("a plain call of an alias for batches: %v", err)
	}
}

func TestTiersAreTriedInTheirOrder(t *testing.T) {
	t.Parallel()
	r := route.Router{Vendors: vendors, Health: func(h health.Target, _ time.Time) health.State {
		return health.State{
			Headroom: -1, Latency: map[string]time.Duration{"slow": 900, "quick": 100, "middling": 400}[h.Model] * time.Millisecond,
			InFlight: map[string]int64{"slow": 1, "quick": 9, "middling": 4}[h.Model],
		}
	}}
	targets := to("openai/slow", "openai/quick", "anthropic/middling", "anthropic/new")
	for _, tt := range []struct {
		strategy alias.Strategy
		want     string
	}{
		{"", "openai/slow openai/quick anthropic/middling anthropic/new"},
		{alias.Fastest, "anthropic/new openai/quick anthropic/middling openai/slow"}, // what was never measured first
		{alias.LeastBusy, "anthropic/new openai/slow anthropic/middling openai/quick"},
	} {
		org := with(organization("openai", "anthropic"), "a", alias.Route{Strategy: tt.strategy, Targets: targets})
		if p := resolve(t, r, org, route.Ask{Name: "a", Call: "call_1"}); order(p) != tt.want || p.Decision.Strategy != string(tt.strategy) && tt.strategy != "" {
			t.Errorf("%s: %s", tt.strategy, order(p))
		}
	}
	tiers := slices.Clone(targets)
	tiers[1].Order, tiers[0].Order = 2, 1
	org := with(organization("openai", "anthropic"), "a", alias.Route{Strategy: alias.Fastest, Targets: tiers})
	if p := resolve(t, r, org, route.Ask{Name: "a"}); order(p) != "anthropic/new anthropic/middling openai/slow openai/quick" {
		t.Errorf("tiers: %s", order(p))
	}
}

func TestTheCheapestIsByThePriceOfThisCall(t *testing.T) {
	t.Parallel()
	w := weighted("unused", 1)
	r := w.Router()
	org := with(w.Org, "a", alias.Route{Strategy: alias.Cheapest, Targets: to("sandbox/odd/name", "sandbox/large", "sandbox/small", "sandbox/unlisted")})
	p := resolve(t, r, org, route.Ask{Name: "a", Size: route.Size{Input: 10, Output: 1000}})
	if order(p) != "sandbox/small sandbox/large sandbox/odd/name sandbox/unlisted" {
		t.Errorf("%s", order(p))
	}
}

func TestTheEjectedStandBehindAndNoneIsRemoved(t *testing.T) {
	t.Parallel()
	ill := map[string]health.State{}
	r := route.Router{Vendors: vendors, Health: func(h health.Target, _ time.Time) health.State {
		if s, ok := ill[h.Model]; ok {
			return s
		}
		return health.State{Headroom: -1}
	}}
	org := with(organization("openai", "anthropic", "groq"), "a", alias.Route{
		Targets: to("openai/one", "anthropic/two"),
		Fallbacks: []alias.Fallback{
			{Target: to("groq/long")[0], On: []alias.Cause{alias.ContextWindow}}, {Target: to("groq/spare")[0]},
		},
	})
	open := health.State{Open: true, Why: "7 of the last 10 calls failed", Until: noon.Add(5 * time.Second), Headroom: -1}
	probe := open
	probe.Probe = true
	for _, tt := range []struct {
		name string
		ill  map[string]health.State
		want string
	}{
		{"all are well", nil, "openai/one anthropic/two groq/long groq/spare"},
		{"one is ejected", map[string]health.State{"one": open}, "anthropic/two groq/spare openai/one groq/long"},
		{"all targets are: what stands in goes first", map[string]health.State{"one": open, "two": open}, "groq/spare openai/one anthropic/two groq/long"},
		{"everything is: as if all were well", map[string]health.State{"one": open, "two": open, "spare": open}, "openai/one anthropic/two groq/spare groq/long"},
		{"one that is due for a probe keeps its place", map[string]health.State{"one": probe}, "openai/one anthropic/two groq/long groq/spare"},
	} {
		ill = tt.ill
		p := resolve(t, r, org, route.Ask{Name: "a"})
		if order(p) != tt.want {
			t.Errorf("%s: %s", tt.name, order(p))
		}
		if s := tt.ill["one"]; s.Open && !s.Probe && why(p, "openai/one") != "target; ejected: 7 of the last 10 calls failed, until 12:00:05" {
			t.Errorf("%s: %s", tt.name, why(p, "openai/one"))
		}
	}
	p := resolve(t, r, org, route.Ask{Name: "a"})
	if f := p.Targets[2]; !f.Fallback || !slices.Equal(f.On, []alias.Cause{alias.ContextWindow}) || f.Reason != "fallback for context_window" {
		t.Errorf("%+v", f)
	}
}

func TestTheRequestsFilterOnlyNarrows(t *testing.T) {
	t.Parallel()
	r := route.Router{Vendors: func(name string) (*provider.Vendor, bool) {
		v, ok := vendors(name)
		v.NoTraining = name == "openai" || name == "anthropic"
		return v, ok
	}}
	org := with(organization("openai", "anthropic", "groq"), "a", alias.Route{
		Targets: to("openai/gpt-4o", "anthropic/claude-sonnet-4-5", "groq/llama-3"), Fallbacks: []alias.Fallback{{Target: to("openai/gpt-4o-mini")[0]}},
	})
	org.Credentials["cred_openai"].Credential.BaseURL = ""
	cheap, dear := money.Price(0), money.Price(1)
	for _, tt := range []struct {
		name string
		f    route.Filter
		want string
	}{
		{"order", route.Filter{Order: []string{"groq", "anthropic"}}, "groq/llama-3 anthropic/claude-sonnet-4-5 openai/gpt-4o openai/gpt-4o-mini"},
		{"only", route.Filter{Only: []string{"anthropic"}}, "anthropic/claude-sonnet-4-5"},
		{"ignore", route.Filter{Ignore: []string{"openai"}}, "anthropic/claude-sonnet-4-5 groq/llama-3"},
		{"no fallbacks", route.Filter{NoFallbacks: true}, "openai/gpt-4o"},
		{"no fallbacks but those of the order", route.Filter{NoFallbacks: true, Order: []string{"groq", "anthropic"}}, "groq/llama-3 anthropic/claude-sonnet-4-5"},
		{"no training", route.Filter{NoTraining: true}, "openai/gpt-4o anthropic/claude-sonnet-4-5 openai/gpt-4o-mini"},
		{"a price that all are within", route.Filter{MaxPrice: route.MaxPrice{Prompt: &dear}}, "openai/gpt-4o anthropic/claude-sonnet-4-5 groq/llama-3 openai/gpt-4o-mini"},
	} {
		p := resolve(t, r, org, route.Ask{Name: "a", Filter: &tt.f})
		if order(p) != tt.want || len(p.Decision.Filters) == 0 {
			t.Errorf("%s: %s, %v", tt.name, order(p), p.Decision.Filters)
		}
	}
	for name, f := range map[string]route.Filter{
		"nothing is cheap enough":               {MaxPrice: route.MaxPrice{Prompt: &cheap}},
		"no completion price is known":          {MaxPrice: route.MaxPrice{Completion: &dear}},
		"only one that the alias does not have": {Only: []string{"mistral"}},
		"what nobody here can promise":          {Beyond: []string{"zdr"}},
	} {
		if _, err := r.Resolve(org, &key.Key{}, &route.Ask{Name: "a", Filter: &f, Now: noon}); !errors.Is(err, route.ErrNoTarget) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p := resolve(t, r, org, route.Ask{Name: "a", Filter: &route.Filter{RequireParams: true}}); !p.Strict {
		t.Error("require_parameters does not make the plan strict")
	}
	if p := resolve(t, r, organization("groq", "together"), route.Ask{Name: "llama-3", Filter: &route.Filter{Order: []string{"together"}}}); order(p) != "together/llama-3 groq/llama-3" {
		t.Errorf("a bare name that two serve: %s", order(p))
	}
}

func TestTheRequestsOwnModelsFollowForEveryFailure(t *testing.T) {
	t.Parallel()
	r := route.Router{Vendors: vendors}
	org := with(organization("openai", "anthropic", "groq"), "a", alias.Route{Targets: to("openai/gpt-4o")})
	p := resolve(t, r, org, route.Ask{Name: "a", Models: []string{"a", "anthropic/claude-sonnet-4-5", "llama-3", "fast-classifier"}})
	if want := "openai/gpt-4o anthropic/claude-sonnet-4-5 groq/llama-3 anthropic/claude-haiku openai/gpt-4o-mini"; order(p) != want {
		t.Errorf("%s", order(p))
	}
	if last := p.Targets[1]; !last.Fallback || len(last.On) != len(alias.Causes) {
		t.Errorf("%+v", last)
	}
	for _, tt := range []struct {
		models []string
		key    key.Key
		want   error
	}{
		{[]string{"openai/gpt-4o", "nonsense"}, key.Key{}, route.ErrModel},
		{[]string{"openai/gpt-4o"}, key.Key{Aliases: []string{"a"}}, key.ErrModel},
		{[]string{"fast-classifier"}, key.Key{Aliases: []string{"a"}}, key.ErrAlias},
	} {
		if _, err := r.Resolve(org, &tt.key, &route.Ask{Name: "a", Models: tt.models, Now: noon}); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), "models.") {
			t.Errorf("%v: %v", tt.models, err)
		}
	}
}

func TestAnExperimentsArmTakesThePlaceOfTheTargets(t *testing.T) {
	t.Parallel()
	r := route.Router{Vendors: vendors}
	most := int64(50)
	arm := to("anthropic/claude-sonnet-4-5")[0]
	fresh := func() *snapshot.Org {
		org := with(organization("openai", "anthropic"), "a", alias.Route{
			Targets: to("openai/gpt-4o"), Fallbacks: []alias.Fallback{{Target: to("openai/gpt-4o-mini")[0]}}, Rules: []alias.Rule{{If: `images`, Targets: to("openai/eyes")}},
		})
		org.Experiments = map[string]*experiment.Running{"a": {ID: "exp_1", Alias: "a", Salt: "s", Arms: []experiment.Arm{
			{Name: "control", Ranges: []experiment.Range{{From: 0, To: 4000}}},
			{Name: "b", Target: &arm, Ranges: []experiment.Range{{From: 4000, To: 8000}}, Parameters: alias.Parameters{Caps: alias.Settings{MaxTokens: &most}}},
		}}}
		return org
	}
	org := fresh()
	dealt := map[string]int{}
	for n := range 2000 {
		ask := route.Ask{Name: "a", Unit: route.Unit{Value: strings.Repeat("u", n%7) + string(rune('a'+n%26)) + time.Duration(n).String(), By: route.UnitUser}}
		p := resolve(t, r, org, ask)
		dealt[p.Arm]++
		want := map[string]string{"": "openai/gpt-4o openai/gpt-4o-mini", "control": "openai/gpt-4o openai/gpt-4o-mini", "b": "anthropic/claude-sonnet-4-5 openai/gpt-4o openai/gpt-4o-mini"}[p.Arm]
		if order(p) != want || p.Targets[0].Arm != p.Arm || p.Targets[len(p.Targets)-1].Arm != "" {
			t.Fatalf("arm %q: %s", p.Arm, order(p))
		}
		if (p.Arm != "") != (p.Experiment == "exp_1") || (p.Arm != "") != (p.Unit != 0 && p.UnitBy == route.UnitUser) {
			t.Fatalf("%+v", p)
		}
		if p.Arm == "b" && (p.Targets[0].Parameters == nil || *p.Targets[0].Parameters.Caps.MaxTokens != most || p.Targets[1].Parameters != nil) {
			t.Fatalf("parameters of arm b: %+v", p.Targets)
		}
		ask.Facts = func() condition.Facts { return condition.Facts{Images: true} }
		if p := resolve(t, r, org, ask); p.Arm != "" || order(p) != "openai/eyes openai/gpt-4o-mini" {
			t.Fatalf("a rule that holds: arm %q, %s", p.Arm, order(p))
		}
		if p.Arm == "b" {
			lost := fresh()
			delete(lost.Default, "anthropic")
			ask.Facts = nil
			if p := resolve(t, r, lost, ask); p.Arm != "b" || p.Targets[0].Arm != "" || order(p) != "openai/gpt-4o openai/gpt-4o-mini" || len(p.Decision.Notes) != 1 {
				t.Fatalf("an arm that is not connected: arm %q, %s", p.Arm, order(p))
			}
		}
	}
	for arm, share := range map[string]float64{"": 0.2, "control": 0.4, "b": 0.4} {
		if deviation(dealt[arm], 2000, share) > sigmas {
			t.Errorf("arm %q has %d of 2000 units", arm, dealt[arm])
		}
	}
}

func TestCredentialsShareAProvidersCalls(t *testing.T) {
	t.Parallel()
	states := map[id.Credential]health.State{}
	r := route.Router{Vendors: vendors, Health: func(h health.Target, _ time.Time) health.State {
		if s, ok := states[h.Credential]; ok {
			return s
		}
		return health.State{Headroom: -1}
	}}
	org := organization("openai")
	for n, weight := range []int{3, 1, 0} {
		c := &snapshot.Credential{Credential: credential.Credential{ID: id.Credential("cred_" + string(rune('a'+n))), Provider: "openai", Weight: weight}, BaseURL: "https://x"}
		org.Credentials[c.ID] = c
		if weight > 0 {
			org.Pools = map[string][]id.Credential{"openai": append(org.Pools["openai"], c.ID)}
		}
	}
	first := func(unit string) id.Credential {
		p := resolve(t, r, org, route.Ask{Name: "openai/gpt-4o", Unit: route.Unit{Value: unit, By: route.UnitSession}})
		if len(p.Targets) != 2 || p.Targets[0].Credential.ID == p.Targets[1].Credential.ID {
			t.Fatalf("%d targets", len(p.Targets))
		}
		return p.Targets[0].Credential.ID
	}
	count := map[id.Credential]int{}
	for n := range 4000 {
		unit := time.Duration(n).String()
		which := first(unit)
		count[which]++
		if which != first(unit) {
			t.Fatal("a unit changed its credential")
		}
	}
	if deviation(count["cred_a"], 4000, 0.75) > sigmas || count["cred_c"] > 0 {
		t.Errorf("%v", count)
	}
	states["cred_a"] = health.State{Headroom: 0.01}
	for n := range 50 {
		if which := first(time.Duration(n).String()); which != "cred_b" {
			t.Fatalf("%s is asked although its rate limit is spent", which)
		}
	}
}

func TestOnlyWhatServesTheOperationIsAsked(t *testing.T) {
	t.Parallel()
	r := route.Router{Vendors: vendors}
	org := organization("openai", "anthropic")
	ask := route.Ask{Name: "fast-classifier", Able: func(v *provider.Vendor, _ string, _ bool) bool { return v.ID == "openai" }}
	p := resolve(t, r, org, ask)
	if order(p) != "openai/gpt-4o-mini" || why(p, "anthropic/claude-haiku") != "has no endpoint for this call" {
		t.Errorf("%s: %+v", order(p), p.Decision)
	}
	ask.Able = func(*provider.Vendor, string, bool) bool { return false }
	if p := resolve(t, r, org, ask); len(p.Targets) != 2 {
		t.Errorf("where nobody serves it the attempt is to say so: %s", order(p))
	}
}
