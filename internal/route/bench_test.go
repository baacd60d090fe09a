package route_test

import (
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/condition"
	"tollgate/internal/health"
	"tollgate/internal/key"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
)

func BenchmarkResolve(b *testing.B) {
	org := organization("openai", "anthropic", "groq")
	four := alias.Route{Strategy: alias.Weighted, Targets: []alias.Target{
		{Provider: "openai", Model: "gpt-4o", Weight: 40},
		{Provider: "openai", Model: "gpt-4o-mini", Weight: 30},
		{Provider: "anthropic", Model: "claude-sonnet-4-5", Weight: 20},
		{Provider: "groq", Model: "llama-3", Weight: 10},
	}}
	org.Aliases["one"] = &snapshot.Alias{Alias: alias.Alias{ID: "alias_1", Name: "one", Route: alias.Route{Targets: four.Targets[:1]}}}
	org.Aliases["four"] = &snapshot.Alias{Alias: alias.Alias{ID: "alias_2", Name: "four", Route: four}}
	ruled := &snapshot.Alias{Alias: alias.Alias{ID: "alias_3", Name: "ruled", Route: four}}
	for _, text := range []string{`input_tokens > 60000`, `tag("tier") == "gold" && environment == "staging"`} {
		program, err := condition.Compile(text)
		if err != nil {
			b.Fatal(err)
		}
		ruled.Route.Rules = append(ruled.Route.Rules, alias.Rule{If: text, Targets: four.Targets[:1]})
		ruled.Rules = append(ruled.Rules, program)
	}
	org.Aliases["ruled"] = ruled
	board := health.New(0)
	r := route.Router{Vendors: vendors, Health: func(t health.Target, now time.Time) health.State { return board.State(t, now) }}
	facts := func() condition.Facts {
		return condition.Facts{InputTokens: 100, Environment: "production", Tags: map[string]string{"tier": "gold"}, Now: noon}
	}
	for _, bb := range []struct{ name, model string }{
		{"direct", "openai/gpt-4o"}, {"bare", "gpt-4o"}, {"alias of one", "one"}, {"alias of four by weight", "four"}, {"and two rules", "ruled"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			ask := &route.Ask{Name: bb.model, Unit: route.Unit{Value: "session-1", By: route.UnitSession}, Facts: facts, Now: noon}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Resolve(org, &key.Key{}, ask); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
