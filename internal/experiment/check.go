package experiment

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tollgate/internal/alias"
	"tollgate/internal/fault"
	"tollgate/internal/money"
	"tollgate/internal/provider"
)

// The bounds of a plan.
const (
	variantsMax   = 5
	nameRunesMax  = 200
	textRunesMax  = 4000
	modelBytesMax = 256
	marginMax     = 0.5
	// The defaults.
	shareDefault  = 100
	marginDefault = 0.02
	daysDefault   = 7
	sampleDefault = 10
	scoreDefault  = "quality"
	judgeMin      = money.NanoUSD(10_000_000) // one cent: less judges nothing
)

var (
	armForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	scoreForm = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,63}$`)
	goals     = []Goal{Cheaper, Better, Faster}
	qualities = []Quality{Scores, SchemaRate, ToolRate, RetryRate, Judge, CostLatency}
	lengths   = []int{7, 14, 21, 28}
	efforts   = []string{"", "minimal", "low", "medium", "high"}
)

// normal trims what people type and writes defaults out.
func (p Plan) normal() Plan {
	p.Name, p.Hypothesis = strings.TrimSpace(p.Name), strings.TrimSpace(p.Hypothesis)
	p.Variants = slices.Clone(p.Variants)
	for i := range p.Variants {
		v := &p.Variants[i]
		v.Name = strings.TrimSpace(v.Name)
		if v.Target != nil { // of a route's target only the place counts
			v.Target = &alias.Target{Provider: strings.TrimSpace(v.Target.Provider), Model: strings.TrimSpace(v.Target.Model), Credential: v.Target.Credential}
		}
	}
	evenly(p.Variants)
	p.Share, p.Days = orInt(p.Share, shareDefault), orInt(p.Days, daysDefault)
	if p.Margin == 0 {
		p.Margin = marginDefault
	}
	if p.Quality != Scores {
		p.ScoreName, p.ScoreLow, p.ScoreHigh = "", 0, 0
	} else if p.ScoreName = strings.TrimSpace(p.ScoreName); p.ScoreName == "" {
		p.ScoreName = scoreDefault
	}
	if p.Quality == Scores && p.ScoreLow == 0 && p.ScoreHigh == 0 {
		p.ScoreHigh = 1
	}
	if p.Quality != Judge {
		p.Judge = nil
	} else if p.Judge != nil {
		j := *p.Judge
		j.Alias, j.Rubric, j.Sample = strings.TrimSpace(j.Alias), strings.TrimSpace(j.Rubric), orInt(j.Sample, sampleDefault)
		p.Judge = &j
	}
	if p.Goal != Better {
		p.CostCap = 0
	}
	return p
}

func orInt(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// evenly gives equal weights where nobody gave any; the control has what is left over.
func evenly(vs []Variant) {
	if len(vs) == 0 || slices.ContainsFunc(vs, func(v Variant) bool { return v.Weight != 0 }) {
		return
	}
	for i := range vs {
		vs[i].Weight = 100 / len(vs)
	}
	vs[0].Weight += 100 - 100/len(vs)*len(vs)
}

// check refuses a plan that breaks a rule; the error names the field.
func (p Plan) check(vendors func(string) (provider.Vendor, bool)) error {
	switch {
	case p.Name == "" || !line(p.Name, nameRunesMax):
		return invalid("name", "A name has 1 to %d characters on one line.", nameRunesMax)
	case !text(p.Hypothesis, textRunesMax):
		return invalid("hypothesis", "A hypothesis has at most %d characters.", textRunesMax)
	case p.Alias == "":
		return invalid("alias", "Name the alias that the experiment is about.")
	case p.Share < 1 || p.Share > 100:
		return invalid("share", "Between 1 and 100 percent of the alias's units take part.")
	case !slices.Contains(lengths, p.Days):
		return invalid("days", "An experiment takes whole weeks, because weekdays differ: 7, 14, 21 or 28 days.")
	case !slices.Contains(goals, p.Goal):
		return invalid("goal", "The goal is cheaper, better or faster. It is chosen before the start, so that the verdict can be trusted.")
	case !slices.Contains(qualities, p.Quality):
		return invalid("quality", "Quality comes from scores, schema_valid, tool_valid, no_retry or judge; none looks at cost and latency alone.")
	case !(p.Margin > 0 && p.Margin <= marginMax):
		return invalid("margin", "The margin is in points of quality, above 0 and at most %g: 0.02 is two percentage points.", marginMax)
	case p.Goal == Better && !(p.CostCap > 0 && p.CostCap <= 100):
		return invalid("cost_cap", "Say how many times the control's cost a better answer may cost: 1.2 is a fifth more.")
	case p.Goal == Better && p.Quality == CostLatency:
		return invalid("quality", "Better needs a source of quality: without one nothing can be called better.")
	}
	for _, fail := range []func() error{func() error { return p.checkVariants(vendors) }, p.checkScores, p.checkJudge, p.Guardrails.check} {
		if err := fail(); err != nil {
			return err
		}
	}
	return nil
}

func (p Plan) checkVariants(vendors func(string) (provider.Vendor, bool)) error {
	if len(p.Variants) < 2 || len(p.Variants) > variantsMax {
		return invalid("variants", "An experiment has 2 to %d variants, the control first.", variantsMax)
	}
	sum, seen := 0, map[string]bool{}
	for i, v := range p.Variants {
		at := fmt.Sprintf("variants.%d", i)
		switch {
		case !armForm.MatchString(v.Name):
			return invalid(at+".name", "A variant's name has 1 to 32 lower-case letters, digits or hyphens.")
		case seen[v.Name]:
			return invalid(at+".name", "Another variant has this name.")
		case v.Weight < 1 || v.Weight > 99:
			return invalid(at+".weight", "A weight is a percentage between 1 and 99.")
		}
		seen[v.Name], sum = true, sum+v.Weight
		if err := p.checkVariant(i, at, vendors); err != nil {
			return err
		}
	}
	if sum != 100 {
		return invalid("variants", "The weights sum up to %d; they have to sum up to 100.", sum)
	}
	return nil
}

func (p Plan) checkVariant(i int, at string, vendors func(string) (provider.Vendor, bool)) error {
	v := p.Variants[i]
	if t := v.Target; t != nil {
		if _, ok := vendors(t.Provider); !ok {
			return invalid(at+".target.provider", "There is no provider %q.", fault.Clip(t.Provider))
		}
		if t.Model == "" || len(t.Model) > modelBytesMax || strings.ContainsFunc(t.Model, func(c rune) bool { return c <= ' ' || c > '~' }) {
			return invalid(at+".target.model", "A model name has 1 to %d characters without spaces.", modelBytesMax)
		}
	}
	if err := checkParameters(at+".parameters", v.Parameters); err != nil {
		return err
	}
	if v.Prompt != nil && v.Prompt.Version < 1 {
		return invalid(at+".prompt.version", "Name a version of the prompt, from 1.")
	}
	plain := v.Target == nil && v.Parameters.Empty() && v.Prompt == nil
	switch {
	case p.AA && !plain:
		return invalid(at, "In a test of the test every variant is the alias as it is: leave target, parameters and prompt out.")
	case !p.AA && i > 0 && plain:
		return invalid(at+".target", "Say what this variant changes: another model, a version of a prompt, or parameters. To test the test itself, set a_a.")
	}
	for j, o := range p.Variants[:i] {
		if !p.AA && same(o, v) {
			return invalid(at, "This variant is the same as variant %d.", j)
		}
	}
	return nil
}

func same(a, b Variant) bool {
	targets := (a.Target == nil) == (b.Target == nil) && (a.Target == nil || *a.Target == *b.Target)
	prompts := (a.Prompt == nil) == (b.Prompt == nil) && (a.Prompt == nil || *a.Prompt == *b.Prompt)
	return targets && prompts && fmt.Sprintf("%+v", flat(a.Parameters)) == fmt.Sprintf("%+v", flat(b.Parameters))
}

// flat gives the parameters without pointers, to compare.
func flat(p alias.Parameters) (out []any) {
	for _, s := range []alias.Settings{p.Defaults, p.Caps, p.Overrides} {
		out = append(out, value(s.MaxTokens), value(s.Temperature), value(s.TopP), s.Effort)
	}
	return out
}

func value[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func checkParameters(at string, p alias.Parameters) error {
	for part, s := range map[string]alias.Settings{"defaults": p.Defaults, "caps": p.Caps, "overrides": p.Overrides} {
		at := at + "." + part
		switch {
		case s.MaxTokens != nil && *s.MaxTokens < 1:
			return invalid(at+".max_tokens", "At least one token.")
		case s.Temperature != nil && !(*s.Temperature >= 0 && *s.Temperature <= 2):
			return invalid(at+".temperature", "The temperature is between 0 and 2.")
		case s.TopP != nil && !(*s.TopP > 0 && *s.TopP <= 1):
			return invalid(at+".top_p", "top_p is above 0 and at most 1.")
		case !slices.Contains(efforts, s.Effort):
			return invalid(at+".effort", "The effort is minimal, low, medium or high.")
		}
	}
	return nil
}

func (p Plan) checkScores() error {
	switch {
	case p.Quality != Scores:
	case !scoreForm.MatchString(p.ScoreName):
		return invalid("score_name", "A score's name starts with a letter and has up to 64 lower-case letters, digits, dots, hyphens or underscores.")
	case math.IsNaN(p.ScoreLow) || math.IsNaN(p.ScoreHigh) || math.Abs(p.ScoreLow) > 1e9 || math.Abs(p.ScoreHigh) > 1e9 || p.ScoreLow >= p.ScoreHigh:
		return invalid("score_high", "The best score has to be above the worst: 1 and 5 for one to five stars.")
	}
	return nil
}

func (p Plan) checkJudge() error {
	j := p.Judge
	switch {
	case p.Quality != Judge:
		return nil
	case j == nil || j.Alias == "":
		return invalid("judge.alias", "Say which alias judges.")
	case j.Alias == p.AliasName:
		return invalid("judge.alias", "An alias cannot judge itself: name another one.")
	case j.Rubric == "" || !text(j.Rubric, textRunesMax):
		return invalid("judge.rubric", "Say in 1 to %d characters what a good answer is.", textRunesMax)
	case j.Sample < 1 || j.Sample > 100:
		return invalid("judge.sample", "The sample is between 1 and 100 percent of calls.")
	case j.Budget < judgeMin:
		return invalid("judge.budget", "Give the judge a budget of at least $%s.", judgeMin.USD())
	case j.Key == "":
		return invalid("judge.key", "Name the key that the judge's calls belong to.")
	}
	return nil
}

func (g Guardrails) check() error {
	for field, points := range map[string]float64{"error_rate": g.ErrorRate, "schema_valid": g.SchemaValid, "refusals": g.Refusals} {
		if !(points >= 0 && points <= 1) {
			return invalid("guardrails."+field, "A guardrail in points is between 0 and 1: 0.01 is one percentage point; 0 is off.")
		}
	}
	switch {
	case g.P95 != 0 && !(g.P95 >= 1 && g.P95 <= 100):
		return invalid("guardrails.p95", "The slowest twentieth may be 1 to 100 times the control's; 0 is off.")
	case g.Spend < 0:
		return invalid("guardrails.spend", "A spend is not negative; 0 is off.")
	}
	return nil
}

func line(s string, runesMax int) bool {
	return text(s, runesMax) && !strings.ContainsFunc(s, unicode.IsControl)
}

func text(s string, runesMax int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= runesMax &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' })
}
