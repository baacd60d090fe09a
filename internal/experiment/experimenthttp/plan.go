// Package experimenthttp is the JSON face of experiments.
package experimenthttp

import (
	"strconv"

	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// ArmTarget is the model of an arm.
type ArmTarget struct {
	Provider   string `json:"provider" maxLength:"64" doc:"Id of a vendor"`
	Model      string `json:"model" maxLength:"256" doc:"The provider's name of the model"`
	Credential string `json:"credential,omitempty" maxLength:"64" doc:"Left out: the organization's for the provider"`
}

// ArmSettings are what an arm says about how its model answers.
type ArmSettings struct {
	MaxTokens   *int64   `json:"max_tokens,omitempty"`
	Temperature *float64 `json:"temperature,omitempty"`
	TopP        *float64 `json:"top_p,omitempty"`
	Effort      string   `json:"effort,omitempty" enum:"minimal,low,medium,high"`
}

// ArmParameters stand on top of the alias's.
type ArmParameters struct {
	Defaults  *ArmSettings `json:"defaults,omitempty" doc:"Where the call says nothing"`
	Caps      *ArmSettings `json:"caps,omitempty" doc:"The most that a call may ask"`
	Overrides *ArmSettings `json:"overrides,omitempty" doc:"Whatever the call says"`
}

// ArmPrompt is a version of a prompt that an arm's calls get.
type ArmPrompt struct {
	Prompt  string `json:"prompt" maxLength:"64" doc:"Id of the prompt; all variants that name one name the same"`
	Version int    `json:"version" minimum:"1"`
}

// Variant is an arm.
type Variant struct {
	Name       string         `json:"name" maxLength:"64" doc:"Lower-case letters, digits, hyphens"`
	Target     *ArmTarget     `json:"target,omitempty" doc:"Left out: the alias's own targets"`
	Parameters *ArmParameters `json:"parameters,omitempty"`
	Prompt     *ArmPrompt     `json:"prompt,omitempty" doc:"In place of the version that the call, or its alias, asks for; left out: that one"`
	Weight     int            `json:"weight,omitempty" doc:"In percent of the units that take part; left out of all: equal shares"`
}

// Guardrails end an experiment early for harm.
type Guardrails struct {
	ErrorRate    float64 `json:"error_rate,omitempty" doc:"At most so much above the control's, in points of 0 to 1: 0.01 is one percentage point"`
	P95          float64 `json:"p95,omitempty" doc:"Time to the first byte of the slowest twentieth: at most so many times the control's"`
	SchemaValid  float64 `json:"schema_valid,omitempty" doc:"Share of valid JSON: at most so much below the control's"`
	Refusals     float64 `json:"refusals,omitempty" doc:"At most so much above the control's"`
	SpendNanoUSD string  `json:"spend_nano_usd,omitempty" maxLength:"20" doc:"Of all arms together"`
}

// JudgePlan is how a model judges answers.
type JudgePlan struct {
	Alias         string `json:"alias" maxLength:"64" doc:"Who judges"`
	Rubric        string `json:"rubric" maxLength:"16000" doc:"What is good, in words"`
	Sample        int    `json:"sample,omitempty" doc:"Percent of calls; left out: 10"`
	BudgetNanoUSD string `json:"budget_nano_usd" maxLength:"20" doc:"For all its judgements"`
	Key           string `json:"key" maxLength:"64" doc:"Id of the key whose calls the judgements are"`
}

// Plan is what is decided before the start.
type Plan struct {
	Alias      string      `json:"alias" maxLength:"64" doc:"Id of the alias"`
	AliasName  string      `json:"alias_name,omitempty" maxLength:"64" readOnly:"true"`
	PromptName string      `json:"prompt_name,omitempty" readOnly:"true" doc:"Of the prompt whose versions are compared, as it was when it was planned"`
	Name       string      `json:"name" maxLength:"400"`
	Hypothesis string      `json:"hypothesis,omitempty" maxLength:"16000"`
	Variants   []Variant   `json:"variants" maxItems:"20" doc:"The control first"`
	Share      int         `json:"share,omitempty" minimum:"1" maximum:"100" doc:"Percent of the alias's units that take part; left out: 100"`
	Goal       string      `json:"goal" maxLength:"32" doc:"cheaper, better or faster. Fixed at the start"`
	Margin     float64     `json:"margin,omitempty" doc:"How much worse is still not worse, in points of 0 to 1; left out: 0.02"`
	CostCap    float64     `json:"cost_cap,omitempty" doc:"With better: at most so many times the control's cost"`
	Quality    string      `json:"quality" maxLength:"32" doc:"scores, schema_valid, tool_valid, no_retry, judge or none"`
	ScoreName  string      `json:"score_name,omitempty" maxLength:"64" doc:"With scores: which ones; left out: quality"`
	ScoreLow   float64     `json:"score_low,omitempty" doc:"The value that counts as 0"`
	ScoreHigh  float64     `json:"score_high,omitempty" doc:"The value that counts as 1; left out: 1"`
	Judge      *JudgePlan  `json:"judge,omitempty" doc:"With judge"`
	Guardrails *Guardrails `json:"guardrails,omitempty"`
	Days       int         `json:"days,omitempty" doc:"Whole weeks: 7, 14, 21 or 28; left out: 7"`
	Auto       bool        `json:"auto_promote,omitempty" doc:"A winner is promoted without a click"`
	AA         bool        `json:"a_a,omitempty" doc:"Every variant is the alias as it is: a test of the test"`
}

func fromPlan(p Plan) (experiment.Plan, error) {
	out := experiment.Plan{
		Alias: id.Alias(p.Alias), Name: p.Name, Hypothesis: p.Hypothesis, Share: p.Share, Goal: experiment.Goal(p.Goal), Margin: p.Margin, CostCap: p.CostCap,
		Quality: experiment.Quality(p.Quality), ScoreName: p.ScoreName, ScoreLow: p.ScoreLow, ScoreHigh: p.ScoreHigh, Days: p.Days, Auto: p.Auto, AA: p.AA,
	}
	for _, v := range p.Variants {
		got := experiment.Variant{Name: v.Name, Weight: v.Weight}
		if t := v.Target; t != nil {
			got.Target = &alias.Target{Provider: t.Provider, Model: t.Model, Credential: id.Credential(t.Credential)}
		}
		if q := v.Parameters; q != nil {
			got.Parameters = alias.Parameters{Defaults: fromSettings(q.Defaults), Caps: fromSettings(q.Caps), Overrides: fromSettings(q.Overrides)}
		}
		if q := v.Prompt; q != nil {
			got.Prompt = &experiment.ArmPrompt{Prompt: id.Prompt(q.Prompt), Version: q.Version}
		}
		out.Variants = append(out.Variants, got)
	}
	var err error
	if j := p.Judge; j != nil {
		out.Judge = &experiment.JudgePlan{Alias: j.Alias, Rubric: j.Rubric, Sample: j.Sample, Key: id.Key(j.Key)}
		if out.Judge.Budget, err = nano("judge.budget_nano_usd", j.BudgetNanoUSD); err != nil {
			return out, err
		}
	}
	if g := p.Guardrails; g != nil {
		out.Guardrails = experiment.Guardrails{ErrorRate: g.ErrorRate, P95: g.P95, SchemaValid: g.SchemaValid, Refusals: g.Refusals}
		out.Guardrails.Spend, err = nano("guardrails.spend_nano_usd", g.SpendNanoUSD)
	}
	return out, err
}

// nano reads a number of nano-dollars; "" is none.
func nano(field, s string) (money.NanoUSD, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, errMoney.At(field)
	}
	return money.NanoUSD(n), nil
}

var errMoney = fault.New(fault.Invalid, "experiment.bad_money", "An amount is a whole number of nano-dollars, as text: \"5000000000\" is five dollars.")

func fromSettings(s *ArmSettings) alias.Settings {
	if s == nil {
		return alias.Settings{}
	}
	return alias.Settings{MaxTokens: s.MaxTokens, Temperature: s.Temperature, TopP: s.TopP, Effort: s.Effort}
}

func toSettings(s alias.Settings) *ArmSettings {
	if s.Empty() {
		return nil
	}
	return &ArmSettings{MaxTokens: s.MaxTokens, Temperature: s.Temperature, TopP: s.TopP, Effort: s.Effort}
}

func toPlan(p experiment.Plan) Plan {
	out := Plan{
		Alias: string(p.Alias), AliasName: p.AliasName, PromptName: p.PromptName, Name: p.Name, Hypothesis: p.Hypothesis, Variants: []Variant{}, Share: p.Share, Goal: string(p.Goal),
		Margin: p.Margin, CostCap: p.CostCap, Quality: string(p.Quality), ScoreName: p.ScoreName, ScoreLow: p.ScoreLow, ScoreHigh: p.ScoreHigh, Days: p.Days,
		Auto: p.Auto, AA: p.AA,
	}
	for _, v := range p.Variants {
		got := Variant{Name: v.Name, Weight: v.Weight}
		if t := v.Target; t != nil {
			got.Target = &ArmTarget{Provider: t.Provider, Model: t.Model, Credential: string(t.Credential)}
		}
		if !v.Parameters.Empty() {
			got.Parameters = &ArmParameters{Defaults: toSettings(v.Parameters.Defaults), Caps: toSettings(v.Parameters.Caps), Overrides: toSettings(v.Parameters.Overrides)}
		}
		if q := v.Prompt; q != nil {
			got.Prompt = &ArmPrompt{Prompt: string(q.Prompt), Version: q.Version}
		}
		out.Variants = append(out.Variants, got)
	}
	if j := p.Judge; j != nil {
		out.Judge = &JudgePlan{Alias: j.Alias, Rubric: j.Rubric, Sample: j.Sample, BudgetNanoUSD: text(j.Budget), Key: string(j.Key)}
	}
	if g := p.Guardrails; g != (experiment.Guardrails{}) {
		out.Guardrails = &Guardrails{ErrorRate: g.ErrorRate, P95: g.P95, SchemaValid: g.SchemaValid, Refusals: g.Refusals}
		if g.Spend != 0 {
			out.Guardrails.SpendNanoUSD = text(g.Spend)
		}
	}
	return out
}

func text(n money.NanoUSD) string { return strconv.FormatInt(int64(n), 10) }
