package alias_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/provider"
)

var errCondition = errors.New("nothing but true is known here")

var words = alias.Words{
	Vendors: func(name string) (provider.Vendor, bool) {
		switch name {
		case "openai", "anthropic":
			return provider.Vendor{Name: name, BaseURL: "https://x"}, true
		case "sandbox":
			return provider.Vendor{Name: "Sandbox", BaseURL: "sandbox:"}, true
		}
		return provider.Vendor{}, false
	},
	Condition: func(text string) error {
		if text != "true" {
			return errCondition
		}
		return nil
	},
}

func to(models ...string) []alias.Target {
	var out []alias.Target
	for _, m := range models {
		p, name, _ := strings.Cut(m, "/")
		out = append(out, alias.Target{Provider: p, Model: name})
	}
	return out
}

func number[N any](n N) *N { return &n }

// full is a route that says something everywhere.
func full() alias.Route {
	targets := to("openai/a", "anthropic/b", "sandbox/c")
	targets[0].Weight, targets[1].Weight, targets[1].Order, targets[2].Off, targets[0].Via = 1000, 1, 100, true, alias.ViaBatch
	return alias.Route{
		Strategy: alias.Weighted, Targets: targets,
		Rules:     []alias.Rule{{Name: "long prompts", If: "true", Strategy: alias.Cheapest, Targets: to("openai/r")}},
		Fallbacks: []alias.Fallback{{Target: to("openai/a")[0], On: []alias.Cause{alias.ContextWindow}}, {Target: to("openai/f")[0]}},
		Retry:     alias.Retry{Attempts: 10, On: []alias.Cause{alias.TimedOut}}, Sticky: alias.StickyOff,
		Timeout: 30 * time.Minute, Connect: time.Minute, FirstByte: 30 * time.Minute, Idle: 100 * time.Millisecond, Attempts: 10,
		Parameters: alias.Parameters{
			Defaults:  alias.Settings{MaxTokens: number[int64](5), Temperature: number(0.0), TopP: number(1.0), Effort: "minimal"},
			Caps:      alias.Settings{MaxTokens: number[int64](5), Temperature: number(2.0)},
			Overrides: alias.Settings{Effort: "high"},
		},
		Cache: alias.Cache{Mode: alias.CacheExact, TTL: 24 * time.Hour}, Privacy: alias.Privacy{Payload: "none", NoTraining: true},
		OnDisconnect: alias.Abort, DropUnsupported: true,
	}
}

func TestAFullRouteIsValid(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]alias.Route{"full": full(), "the least": {Targets: to("openai/a")}} {
		if found := r.Problems(words); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}

// Each rule of a route, broken alone, is told at its field, and nothing else is.
func TestEachBrokenRuleIsToldAtItsField(t *testing.T) {
	t.Parallel()
	tests := []struct {
		field string
		spoil func(*alias.Route)
	}{
		{"targets", func(r *alias.Route) { r.Targets = nil }},
		{"targets", func(r *alias.Route) { r.Targets = slices.Repeat(to("openai/a"), 33) }},
		{"targets", func(r *alias.Route) { r.Targets = []alias.Target{{Provider: "openai", Model: "a", Off: true}} }},
		{"targets.1", func(r *alias.Route) {
			r.Targets[1] = alias.Target{Provider: "openai", Model: "a", Via: alias.ViaBatch, Weight: 7, Order: 3}
		}},
		{"targets.1.provider", func(r *alias.Route) { r.Targets[1].Provider = "nobody" }},
		{"targets.1.model", func(r *alias.Route) { r.Targets[1].Model = "ü" }},
		{"targets.1.model", func(r *alias.Route) { r.Targets[1].Model = strings.Repeat("m", 257) }},
		{"targets.2.credential", func(r *alias.Route) { r.Targets[2].Credential = "cred_1" }},
		{"targets.1.weight", func(r *alias.Route) { r.Targets[1].Weight = 1001 }},
		{"targets.1.weight", func(r *alias.Route) { r.Targets[1].Weight = -1 }},
		{"targets.1.order", func(r *alias.Route) { r.Targets[1].Order = 101 }},
		{"targets.1.order", func(r *alias.Route) { r.Targets[1].Order = -1 }},
		{"targets.1.via", func(r *alias.Route) { r.Targets[1].Via = "carrier" }},
		{"strategy", func(r *alias.Route) { r.Strategy = "random" }},
		{"rules", func(r *alias.Route) { r.Rules = slices.Repeat(r.Rules, 17) }},
		{"rules.0.name", func(r *alias.Route) { r.Rules[0].Name = "a\nb" }},
		{"rules.0.name", func(r *alias.Route) { r.Rules[0].Name = strings.Repeat("ü", 65) }},
		{"rules.0.if", func(r *alias.Route) { r.Rules[0].If = "maybe" }},
		{"rules.0.targets", func(r *alias.Route) { r.Rules[0].Targets = nil }},
		{"rules.0.targets.0.provider", func(r *alias.Route) { r.Rules[0].Targets[0].Provider = "" }},
		{"rules.0.strategy", func(r *alias.Route) { r.Rules[0].Strategy = "random" }},
		{"fallbacks", func(r *alias.Route) { r.Fallbacks = slices.Repeat(r.Fallbacks, 9) }},
		{"fallbacks.1", func(r *alias.Route) { r.Fallbacks[1].Target = r.Fallbacks[0].Target }},
		{"fallbacks.1.model", func(r *alias.Route) { r.Fallbacks[1].Model = "" }},
		{"fallbacks.1.via", func(r *alias.Route) { r.Fallbacks[1].Via = alias.ViaBatch }},
		{"fallbacks.0.on.1", func(r *alias.Route) { r.Fallbacks[0].On = []alias.Cause{alias.Failed, "meltdown"} }},
		{"retry.attempts", func(r *alias.Route) { r.Retry.Attempts = 11 }},
		{"retry.attempts", func(r *alias.Route) { r.Retry.Attempts = -1 }},
		{"retry.on.0", func(r *alias.Route) { r.Retry.On = []alias.Cause{"always"} }},
		{"attempts", func(r *alias.Route) { r.Attempts = 11 }},
		{"attempts", func(r *alias.Route) { r.Attempts = -1 }},
		{"sticky", func(r *alias.Route) { r.Sticky = "on" }},
		{"timeout_ms", func(r *alias.Route) { r.Timeout = 31 * time.Minute }},
		{"timeout_ms", func(r *alias.Route) { r.Timeout = time.Second - 1 }},
		{"connect_ms", func(r *alias.Route) { r.Connect = time.Minute + 1 }},
		{"connect_ms", func(r *alias.Route) { r.Timeout, r.FirstByte, r.Connect = 2*time.Second, 0, 3*time.Second }},
		{"first_byte_ms", func(r *alias.Route) { r.Timeout, r.FirstByte = 0, 11*time.Minute }},
		{"idle_ms", func(r *alias.Route) { r.Idle = 99 * time.Millisecond }},
		{"idle_ms", func(r *alias.Route) { r.Idle = -1 }},
		{"parameters.defaults.max_tokens", func(r *alias.Route) { r.Parameters.Defaults.MaxTokens = number[int64](6) }},
		{"parameters.defaults.max_tokens", func(r *alias.Route) { r.Parameters.Defaults.MaxTokens = number[int64](0) }},
		{"parameters.caps.max_tokens", func(r *alias.Route) { r.Parameters.Caps.MaxTokens = number[int64](10_000_001) }},
		{"parameters.defaults.temperature", func(r *alias.Route) { r.Parameters.Defaults.Temperature = number(math.NaN()) }},
		{"parameters.caps.temperature", func(r *alias.Route) { r.Parameters.Caps.Temperature = number(2.1) }},
		{"parameters.overrides.temperature", func(r *alias.Route) {
			r.Parameters.Caps.Temperature, r.Parameters.Overrides.Temperature = number(1.0), number(1.5)
		}},
		{"parameters.defaults.top_p", func(r *alias.Route) { r.Parameters.Defaults.TopP = number(0.0) }},
		{"parameters.overrides.effort", func(r *alias.Route) { r.Parameters.Overrides.Effort = "extreme" }},
		{"parameters.caps.effort", func(r *alias.Route) { r.Parameters.Caps.Effort = "low" }},
		{"cache.mode", func(r *alias.Route) { r.Cache.Mode = "semantic" }},
		{"cache.ttl_ms", func(r *alias.Route) { r.Cache.TTL = 24*time.Hour + 1 }},
		{"cache.ttl_ms", func(r *alias.Route) { r.Cache.TTL = 0 }},
		{"cache.ttl_ms", func(r *alias.Route) { r.Cache = alias.Cache{TTL: time.Minute} }},
		{"privacy.payload", func(r *alias.Route) { r.Privacy.Payload = "some" }},
		{"on_disconnect", func(r *alias.Route) { r.OnDisconnect = "panic" }},
	}
	for _, tt := range tests {
		r := full()
		tt.spoil(&r)
		found := r.Problems(words)
		var fields []string
		for _, p := range found {
			if fields = append(fields, p.Field()); p.Reason == "" {
				t.Errorf("%s: no reason", tt.field)
			}
		}
		if !slices.Equal(slices.Compact(fields), []string{tt.field}) {
			t.Errorf("%s: told at %v", tt.field, fields)
		}
		var f *fault.Error
		if err := r.Check(words); !errors.As(err, &f) || !errors.Is(err, alias.ErrInvalid) || f.Field != "route."+tt.field {
			t.Errorf("%s: %v", tt.field, err)
		}
	}
}

func TestAConditionsErrorIsKept(t *testing.T) {
	t.Parallel()
	r := full()
	r.Rules[0].If = "maybe"
	if found := r.Problems(words); len(found) != 1 || !errors.Is(found[0].Err, errCondition) || found[0].Reason != "Nothing but true is known here" {
		t.Errorf("%+v", found)
	}
}

func TestCredentialsAreCheckedWhereverTheyAreNamed(t *testing.T) {
	t.Parallel()
	r := full()
	r.Targets[0].Credential, r.Rules[0].Targets[0].Credential, r.Fallbacks[1].Credential = "cred_1", "cred_2", "cred_1"
	if got := r.Credentials(); !slices.Equal(got, []id.Credential{"cred_1", "cred_2"}) {
		t.Errorf("%v", got)
	}
	have := map[id.Credential]string{"cred_1": "openai", "cred_2": "openai"}
	if err := r.CheckCredentials(have); err != nil {
		t.Error(err)
	}
	for field, spoil := range map[string]func(){
		"route.rules.0.targets.0.credential": func() { delete(have, "cred_2") },
		"route.targets.0.credential":         func() { have["cred_1"] = "anthropic" },
	} {
		spoil()
		var f *fault.Error
		if err := r.CheckCredentials(have); !errors.As(err, &f) || f.Field != field {
			t.Errorf("%v, want %s", err, field)
		}
		have = map[id.Credential]string{"cred_1": "openai", "cred_2": "openai"}
	}
}
