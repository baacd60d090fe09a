package experiments

import (
	"math"
	"strconv"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/prompt"
	"tollgate/internal/provider"
	"tollgate/web/page"
)

// armsMax is how many arms a form takes: as many as a plan.
const armsMax = 5

// form is a plan as it is typed. The zero ID is one to be made.
type form struct {
	ID       id.Experiment
	Revision int // that was read
	Alias    string
	Name     string
	Why      string // the hypothesis
	Prompt   string // whose versions arms name; "": none
	Arms     []formArm
	AA       bool
	Goal     string
	Margin   string // percentage points
	CostCap  string // percent above the control's cost
	Quality  string
	Score    string
	ScoreLow string
	ScoreTop string
	Judge    formJudge
	Guards   formGuards
	Days     string
	Share    string
	Auto     bool

	Trouble  page.Trouble
	Offer    bool // to measure cost and latency alone
	Choices  choices
	Forecast *experiment.Forecast // nil: nothing to tell yet
	Replay   *replay              // of last week; nil: it was not asked for
	Current  *alias.Alias         // the chosen alias
}

// formArm is one arm: the first is the alias as it is. By is "vendor", or "vendor:credential". Version is a number of the form's prompt; "": as
// the call asks.
type formArm struct{ Name, By, Model, Weight, MaxTokens, Temperature, TopP, Effort, Version string }

type formJudge struct{ Alias, Key, Rubric, Sample, Budget string }

type formGuards struct{ Errors, P95, Refusals, Schema, Spend string }

// choices are what the form's pickers offer.
type choices struct {
	Aliases     []alias.Alias
	Keys        []key.Key
	Vendors     []provider.Vendor // that the organization can call
	Credentials map[string][]credentialChoice
	Models      []modelChoice
	Prompts     []prompt.Prompt
}

type credentialChoice struct{ ID, Name string }

type modelChoice struct{ Model, Vendor string }

// fresh is the form of a new experiment.
func fresh() form {
	return form{
		Arms: []formArm{{Name: "control"}, {Name: "b"}}, Goal: string(experiment.Cheaper), Margin: "2", Quality: string(experiment.Scores),
		Score: "quality", Judge: formJudge{Sample: "10", Budget: "10"}, Guards: formGuards{Errors: "1", P95: "25", Refusals: "1"}, Days: "7", Share: "100",
	}
}

func (f form) editing() bool { return f.ID != "" }

func (f form) action() string {
	if f.editing() {
		return path(f.ID) + "/edit"
	}
	return Path
}

// of is the form of a plan.
func of(e experiment.Experiment) form {
	p := e.Plan
	f := form{
		ID: e.ID, Revision: e.Revision, Alias: string(p.Alias), Name: p.Name, Why: p.Hypothesis, AA: p.AA, Goal: string(p.Goal), Margin: percentText(p.Margin),
		Quality: string(p.Quality), Score: p.ScoreName, Days: strconv.Itoa(p.Days), Share: strconv.Itoa(p.Share), Auto: p.Auto,
		Guards: formGuards{Errors: percentText(p.Guardrails.ErrorRate), Refusals: percentText(p.Guardrails.Refusals), Schema: percentText(p.Guardrails.SchemaValid), Spend: moneyText(p.Guardrails.Spend)},
	}
	if p.CostCap > 0 {
		f.CostCap = percentText(p.CostCap - 1)
	}
	if p.Guardrails.P95 > 0 {
		f.Guards.P95 = percentText(p.Guardrails.P95 - 1)
	}
	if p.Quality == experiment.Scores {
		f.ScoreLow, f.ScoreTop = decimal(p.ScoreLow), decimal(p.ScoreHigh)
	}
	if j := p.Judge; j != nil {
		f.Judge = formJudge{j.Alias, string(j.Key), j.Rubric, strconv.Itoa(j.Sample), moneyText(j.Budget)}
	}
	for _, v := range p.Variants {
		f.Arms = append(f.Arms, armOf(v))
		if v.Prompt != nil {
			f.Prompt = string(v.Prompt.Prompt)
		}
	}
	return f
}

func armOf(v experiment.Variant) formArm {
	a := formArm{Name: v.Name, Weight: strconv.Itoa(v.Weight), Effort: v.Parameters.Overrides.Effort}
	if v.Target != nil {
		a.By, a.Model = v.Target.Provider, v.Target.Model
		if v.Target.Credential != "" {
			a.By += ":" + string(v.Target.Credential)
		}
	}
	if v.Prompt != nil {
		a.Version = strconv.Itoa(v.Prompt.Version)
	}
	o := v.Parameters.Overrides
	if o.MaxTokens != nil {
		a.MaxTokens = strconv.FormatInt(*o.MaxTokens, 10)
	}
	if o.Temperature != nil {
		a.Temperature = decimal(*o.Temperature)
	}
	if o.TopP != nil {
		a.TopP = decimal(*o.TopP)
	}
	return a
}

// percentText is points of 0 to 1 as people type them: 0.02 is 2; nothing is empty.
func percentText(v float64) string {
	if v == 0 {
		return ""
	}
	return decimal(math.Round(v*1e6) / 1e4)
}

func moneyText(n money.NanoUSD) string {
	if n == 0 {
		return ""
	}
	return n.USD()
}

// read is the form as it was posted.
func read(v *page.Visit) form {
	typed := func(name string) string { return strings.TrimSpace(v.Form(name)) }
	revision, err := strconv.Atoi(v.Form("revision"))
	if err != nil {
		revision = 0
	}
	f := form{
		Revision: revision, Alias: v.Form("alias"), Prompt: v.Form("prompt"), Name: typed("name"), Why: typed("why"), AA: v.Form("aa") != "", Goal: v.Form("goal"), Margin: typed("margin"), CostCap: typed("cost_cap"),
		Quality: v.Form("quality"), Score: typed("score_name"), ScoreLow: typed("score_low"), ScoreTop: typed("score_high"),
		Judge:  formJudge{v.Form("judge_alias"), v.Form("judge_key"), typed("judge_rubric"), typed("judge_sample"), typed("judge_budget")},
		Guards: formGuards{typed("guard_errors"), typed("guard_p95"), typed("guard_refusals"), typed("guard_schema"), typed("guard_spend")},
		Days:   v.Form("days"), Share: typed("share"), Auto: v.Form("auto") != "",
	}
	for i := range armsMax {
		n := "-" + strconv.Itoa(i)
		if _, posted := v.HTTP.PostForm["arm"+n]; posted {
			f.Arms = append(f.Arms, formArm{typed("arm" + n), typed("by" + n), typed("model" + n), typed("weight" + n), typed("max_tokens" + n), typed("temperature" + n), typed("top_p" + n), typed("effort" + n), typed("version" + n)})
		}
	}
	return f
}

// press carries out a button of the form that changes the form only. It reports whether it was one.
func (f *form) press(button string) bool {
	word, n, _ := strings.Cut(button, "-")
	i, err := strconv.Atoi(n)
	switch {
	case word == "add":
		if len(f.Arms) < armsMax {
			f.Arms = append(f.Arms, formArm{Name: strings.ToLower(letter(len(f.Arms)))})
		}
	case word == "drop" && err == nil && i > 0 && i < len(f.Arms) && len(f.Arms) > 2:
		f.Arms = append(f.Arms[:i:i], f.Arms[i+1:]...)
	case word == "costonly":
		f.Quality = string(experiment.CostLatency)
	case word == "forecast":
	default:
		return false
	}
	return true
}

// reader turns what was typed into a plan and keeps the first thing that is wrong.
type reader struct{ err error }

func (r *reader) fail(at, say string) {
	if r.err == nil {
		r.err = experiment.ErrInvalid.Say("%s", say).At(at)
	}
}

func (r *reader) whole(text, at, say string) int {
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		r.fail(at, say)
	}
	return n
}

func (r *reader) number(text, at, say string) *float64 {
	if text == "" {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		r.fail(at, say)
		return nil
	}
	return &v
}

// percent reads percentage points into points of 0 to 1.
func (r *reader) percent(text, at, say string) float64 {
	v := r.number(text, at, say)
	if v == nil {
		return 0
	}
	return *v / 100
}

func (r *reader) money(text, at, say string) money.NanoUSD {
	if text == "" {
		return 0
	}
	n, err := money.ParseUSD(text)
	if err != nil {
		r.fail(at, say)
	}
	return n
}

// plan is what the form says.
func (f form) plan() (experiment.Plan, error) {
	var r reader
	p := experiment.Plan{
		Alias: id.Alias(f.Alias), Name: f.Name, Hypothesis: f.Why, AA: f.AA, Goal: experiment.Goal(f.Goal), Quality: experiment.Quality(f.Quality), ScoreName: f.Score,
		Margin: r.percent(f.Margin, "margin", "Write the margin in percentage points, such as 2."),
		Days:   r.whole(f.Days, "days", "Choose a length."), Share: r.whole(f.Share, "share", "Write the share of traffic in percent, 1 to 100."), Auto: f.Auto,
		Guardrails: experiment.Guardrails{
			ErrorRate:   r.percent(f.Guards.Errors, "guardrails.error_rate", "Write percentage points, such as 1. Empty: not watched."),
			Refusals:    r.percent(f.Guards.Refusals, "guardrails.refusals", "Write percentage points, such as 1. Empty: not watched."),
			SchemaValid: r.percent(f.Guards.Schema, "guardrails.schema_valid", "Write percentage points, such as 1. Empty: not watched."),
			Spend:       r.money(f.Guards.Spend, "guardrails.spend", "Write an amount in dollars, such as 1000. Empty: not watched."),
		},
	}
	if f.Guards.P95 != "" {
		p.Guardrails.P95 = 1 + r.percent(f.Guards.P95, "guardrails.p95", "Write percent above the control, such as 25. Empty: not watched.")
	}
	if p.Goal == experiment.Better {
		p.CostCap = 1 + r.percent(f.CostCap, "cost_cap", "Write percent above the control’s cost, such as 20.")
	}
	if p.Quality == experiment.Scores {
		p.ScoreLow, p.ScoreHigh = or(r.number(f.ScoreLow, "score_low", "Write the worst score as a number."), 0), or(r.number(f.ScoreTop, "score_high", "Write the best score as a number."), 1)
	}
	if p.Quality == experiment.Judge {
		p.Judge = &experiment.JudgePlan{
			Alias: f.Judge.Alias, Key: id.Key(f.Judge.Key), Rubric: f.Judge.Rubric, Sample: r.whole(f.Judge.Sample, "judge.sample", "Write the sample in percent of calls, such as 10."),
			Budget: r.money(f.Judge.Budget, "judge.budget", "Write an amount in dollars, such as 10."),
		}
	}
	for i, a := range f.Arms {
		p.Variants = append(p.Variants, r.variant(f, a, i))
	}
	return p, r.err
}

func or(v *float64, otherwise float64) float64 {
	if v == nil {
		return otherwise
	}
	return *v
}

// variant is an arm as a plan has it. In a test of the test every arm is the alias as it is.
func (r *reader) variant(f form, a formArm, i int) experiment.Variant {
	at := "variants." + strconv.Itoa(i)
	v := experiment.Variant{Name: a.Name, Weight: r.whole(a.Weight, at+".weight", "Write the share in percent, such as 50.")}
	if f.AA {
		return v
	}
	if a.Version != "" {
		n := r.whole(a.Version, at+".prompt.version", "Write the number of a version, such as 7.")
		if f.Prompt == "" {
			r.fail("prompt", "Choose the prompt that the version is of.")
		}
		v.Prompt = &experiment.ArmPrompt{Prompt: id.Prompt(f.Prompt), Version: n}
	}
	if a.By != "" || a.Model != "" {
		vendor, cred, _ := strings.Cut(a.By, ":")
		v.Target = &alias.Target{Provider: vendor, Model: a.Model, Credential: id.Credential(cred)}
	}
	o := &v.Parameters.Overrides
	if a.MaxTokens != "" {
		n := int64(r.whole(a.MaxTokens, at+".parameters.overrides.max_tokens", "Write a whole number of tokens."))
		o.MaxTokens = &n
	}
	o.Temperature = r.number(a.Temperature, at+".parameters.overrides.temperature", "Write the temperature as a number, such as 0.2.")
	o.TopP = r.number(a.TopP, at+".parameters.overrides.top_p", "Write top_p as a number between 0 and 1.")
	o.Effort = a.Effort
	return v
}
