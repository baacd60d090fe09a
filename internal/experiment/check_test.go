package experiment

import (
	"errors"
	"math"
	"strings"
	"testing"

	"tollgate/internal/alias"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
)

func onlyOpenAI(name string) (provider.Vendor, bool) { return provider.Vendor{}, name == "openai" }

// A plan that breaks a rule is refused with the field that breaks it, and the plan as it is is accepted.
func TestPlansAreChecked(t *testing.T) {
	t.Parallel()
	few, hot, none := int64(0), 2.5, 0.0
	judge := func(change func(*JudgePlan)) func(*Plan) {
		return func(p *Plan) {
			p.Quality, p.Judge = Judge, &JudgePlan{Alias: "grader", Rubric: "It is right.", Sample: 10, Budget: 5e9, Key: "key_1"}
			change(p.Judge)
		}
	}
	tests := []struct {
		name   string
		change func(*Plan)
		field  string // "": accepted
	}{
		{"as it is", func(*Plan) {}, ""},
		{"no name", func(p *Plan) { p.Name = " " }, "name"},
		{"a name of two lines", func(p *Plan) { p.Name = "a\nb" }, "name"},
		{"a hypothesis without end", func(p *Plan) { p.Hypothesis = strings.Repeat("x", textRunesMax+1) }, "hypothesis"},
		{"no alias", func(p *Plan) { p.Alias = "" }, "alias"},
		{"more than everybody", func(p *Plan) { p.Share = 101 }, "share"},
		{"ten days", func(p *Plan) { p.Days = 10 }, "days"},
		{"four weeks", func(p *Plan) { p.Days = 28 }, ""},
		{"a goal that is none", func(p *Plan) { p.Goal = "nicer" }, "goal"},
		{"a quality that is none", func(p *Plan) { p.Quality = "vibes" }, "quality"},
		{"a margin that is no number", func(p *Plan) { p.Margin = math.NaN() }, "margin"},
		{"a negative margin", func(p *Plan) { p.Margin = -0.1 }, "margin"},
		{"better without a cap", func(p *Plan) { p.Goal = Better }, "cost_cap"},
		{"better with a cap", func(p *Plan) { p.Goal, p.CostCap = Better, 1.2 }, ""},
		{"better at what", func(p *Plan) { p.Goal, p.CostCap, p.Quality = Better, 1.2, CostLatency }, "quality"},
		{"one variant", func(p *Plan) { p.Variants = p.Variants[:1] }, "variants"},
		{"six variants", func(p *Plan) { p.Variants = make([]Variant, 6) }, "variants"},
		{"a name with capitals", func(p *Plan) { p.Variants[1].Name = "Mini" }, "variants.1.name"},
		{"a name twice", func(p *Plan) { p.Variants[1].Name = "control" }, "variants.1.name"},
		{"no weight", func(p *Plan) { p.Variants[0].Weight = 100; p.Variants[1].Weight = 0 }, "variants.0.weight"},
		{"weights of 99", func(p *Plan) { p.Variants[1].Weight = 49 }, "variants"},
		{"an unknown provider", func(p *Plan) { p.Variants[1].Target.Provider = "acme" }, "variants.1.target.provider"},
		{"no model", func(p *Plan) { p.Variants[1].Target.Model = "" }, "variants.1.target.model"},
		{"a model with a space inside", func(p *Plan) { p.Variants[1].Target.Model = "gpt 4o" }, "variants.1.target.model"},
		{"a variant that changes nothing", func(p *Plan) { p.Variants[1].Target = nil }, "variants.1.target"},
		{"a test of the test", func(p *Plan) { p.AA, p.Variants[1].Target = true, nil }, ""},
		{"a test of the test with a model", func(p *Plan) { p.AA = true }, "variants.1"},
		{"two variants alike", func(p *Plan) {
			p.Variants[0].Weight = 34
			p.Variants[1].Weight = 33
			p.Variants = append(p.Variants, Variant{Name: "copy", Weight: 33, Target: &alias.Target{Provider: "openai", Model: "gpt-4o-mini"}})
		}, "variants.2"},
		{"no tokens", func(p *Plan) { p.Variants[1].Parameters.Caps.MaxTokens = &few }, "variants.1.parameters.caps.max_tokens"},
		{"too hot", func(p *Plan) { p.Variants[1].Parameters.Defaults.Temperature = &hot }, "variants.1.parameters.defaults.temperature"},
		{"top_p of nothing", func(p *Plan) { p.Variants[1].Parameters.Overrides.TopP = &none }, "variants.1.parameters.overrides.top_p"},
		{"an effort that is none", func(p *Plan) { p.Variants[1].Parameters.Overrides.Effort = "max" }, "variants.1.parameters.overrides.effort"},
		{"a score of no name", func(p *Plan) { p.ScoreName = "9 lives" }, "score_name"},
		{"a scale upside down", func(p *Plan) { p.ScoreLow, p.ScoreHigh = 5, 1 }, "score_high"},
		{"a judge", judge(func(*JudgePlan) {}), ""},
		{"a judge without an alias", judge(func(j *JudgePlan) { j.Alias = "" }), "judge.alias"},
		{"an alias that judges itself", judge(func(j *JudgePlan) { j.Alias = "fast" }), "judge.alias"},
		{"a judge without a rubric", judge(func(j *JudgePlan) { j.Rubric = " " }), "judge.rubric"},
		{"a judge of more than all", judge(func(j *JudgePlan) { j.Sample = 101 }), "judge.sample"},
		{"a judge without money", judge(func(j *JudgePlan) { j.Budget = judgeMin - 1 }), "judge.budget"},
		{"a judge without a key", judge(func(j *JudgePlan) { j.Key = "" }), "judge.key"},
		{"an error rate in percent", func(p *Plan) { p.Guardrails.ErrorRate = 2 }, "guardrails.error_rate"},
		{"a negative share of refusals", func(p *Plan) { p.Guardrails.Refusals = -0.1 }, "guardrails.refusals"},
		{"a p95 below the control's", func(p *Plan) { p.Guardrails.P95 = 0.9 }, "guardrails.p95"},
		{"a negative spend", func(p *Plan) { p.Guardrails.Spend = -1 }, "guardrails.spend"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := pair(50, 50)
			tt.change(&p)
			err := p.normal().check(onlyOpenAI)
			var f *fault.Error
			switch {
			case tt.field == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.field != "" && (!errors.As(err, &f) || f.Field != tt.field || !errors.Is(err, ErrInvalid)):
				t.Errorf("%v, want %s refused", err, tt.field)
			}
		})
	}
}

// What people leave out is filled in, and what they gave is not changed under their hands.
func TestPlansAreFilledIn(t *testing.T) {
	t.Parallel()
	given := Plan{
		Name: " Mini ", Goal: Cheaper, Quality: Scores, CostCap: 3,
		Variants: []Variant{{Name: " control "}, {Name: "b", Target: &alias.Target{Provider: " openai ", Model: "m"}}, {Name: "c"}},
	}
	p := given.normal()
	if p.Name != "Mini" || p.Share != 100 || p.Days != 7 || p.Margin != 0.02 || p.ScoreName != "quality" || p.ScoreHigh != 1 || p.CostCap != 0 {
		t.Errorf("%+v", p)
	}
	if v := p.Variants; v[0].Name != "control" || v[0].Weight != 34 || v[1].Weight != 33 || v[2].Weight != 33 || v[1].Target.Provider != "openai" {
		t.Errorf("%+v", p.Variants)
	}
	if given.Variants[0].Name != " control " || given.Variants[0].Weight != 0 || given.Variants[1].Target.Provider != " openai " {
		t.Errorf("the given plan was changed: %+v", given.Variants)
	}
}
