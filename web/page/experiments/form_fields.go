package experiments

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"tollgate/internal/experiment"
	"tollgate/web/ui"
)

func (f form) field(name, at, label, help string) ui.FieldView {
	return ui.FieldView{Name: name, Label: label, Help: help, Error: f.Trouble.At(at)}
}

func (f form) input(name, at, label, help, value string) ui.InputView {
	return ui.InputView{FieldView: f.field(name, at, label, help), Value: value}
}

// above is what belongs to no field that the form shows.
func (f form) above() string {
	at := f.Trouble.Field
	for _, shown := range []string{"alias", "name", "hypothesis", "goal", "margin", "cost_cap", "quality", "score_name", "score_low", "score_high", "judge", "guardrails", "days", "share", "variants", "prompt"} {
		if at == shown || strings.HasPrefix(at, shown+".") {
			return ""
		}
	}
	return f.Trouble.Message
}

func (f form) exactly(at string) string {
	if f.Trouble.Field == at {
		return f.Trouble.Message
	}
	return ""
}

func (f form) alias() ui.SelectView {
	v := ui.SelectView{FieldView: f.field("alias", "alias", "Alias", f.carries()), Value: f.Alias, Options: []ui.Option{{Value: "", Text: "Choose"}}}
	for _, a := range f.Choices.Aliases {
		v.Options = append(v.Options, ui.Option{Value: string(a.ID), Text: a.Name})
	}
	return v
}

// carries says what the alias carries.
func (f form) carries() string {
	if f.Forecast == nil {
		return "Its calls are dealt to the arms. Rules and fallbacks of its route stay."
	}
	return ui.CountText(int64(f.Forecast.CallsPerDay)) + " calls a day. Rules and fallbacks of its route stay."
}

// now is what the alias points to.
func (f form) now() string {
	if f.Current == nil {
		return "the alias as it is"
	}
	var out []string
	for _, t := range f.Current.Route.Targets {
		out = append(out, t.Provider+"/"+t.Model)
	}
	return strings.Join(out, ", ")
}

func (f form) by(i int) ui.SelectView {
	at := "variants." + strconv.Itoa(i) + ".target"
	v := ui.SelectView{FieldView: ui.FieldView{Name: "by-" + strconv.Itoa(i), Label: "Provider of " + letter(i), Error: f.Trouble.At(at+".provider") + f.exactly(at)}, Value: f.Arms[i].By, Options: []ui.Option{{Value: "", Text: "The alias’s own"}}}
	found := f.Arms[i].By == ""
	add := func(value, text string) {
		found = found || value == f.Arms[i].By
		v.Options = append(v.Options, ui.Option{Value: value, Text: text})
	}
	for _, vendor := range f.Choices.Vendors {
		add(vendor.ID, vendor.Name)
		for _, c := range f.Choices.Credentials[vendor.ID] {
			add(vendor.ID+":"+c.ID, vendor.Name+", by "+c.Name)
		}
	}
	if !found {
		add(f.Arms[i].By, f.Arms[i].By+", not connected")
	}
	return v
}

// prompt chooses the prompt whose versions arms name.
func (f form) prompt() ui.SelectView {
	v := ui.SelectView{FieldView: f.field("prompt", "prompt", "Prompt", "To compare versions of it, say which one each arm gets."), Value: f.Prompt, Options: []ui.Option{{Value: "", Text: "None: the call’s own"}}}
	found := f.Prompt == ""
	for _, p := range f.Choices.Prompts {
		found = found || string(p.ID) == f.Prompt
		v.Options = append(v.Options, ui.Option{Value: string(p.ID), Text: p.Name})
	}
	if !found {
		v.Options = append(v.Options, ui.Option{Value: f.Prompt, Text: f.Prompt})
	}
	return v
}

// version is the number that an arm's calls get.
func (f form) version(i int) ui.InputView {
	v := f.armInput(i, "version", "prompt.version", "Version of the prompt, "+letter(i), f.Arms[i].Version)
	v.Error = cmp.Or(v.Error, f.exactly("variants."+strconv.Itoa(i)+".prompt"))
	v.Inputmode, v.Placeholder, v.Optional = "numeric", "as the call asks", true
	return v
}

func (f form) armInput(i int, name, at, label, value string) ui.InputView {
	return ui.InputView{FieldView: ui.FieldView{Name: name + "-" + strconv.Itoa(i), Label: label, Error: f.Trouble.At("variants." + strconv.Itoa(i) + "." + at)}, Value: value, Autocomplete: "off"}
}

func (f form) model(i int) ui.InputView {
	v := f.armInput(i, "model", "target.model", "Model of "+letter(i), f.Arms[i].Model)
	v.Mono, v.List, v.Placeholder = true, "models", "claude-haiku-4-5"
	return v
}

func (f form) weight(i int) ui.InputView {
	v := f.armInput(i, "weight", "weight", "Share of "+letter(i), f.Arms[i].Weight)
	v.After, v.Inputmode, v.Placeholder = "%", "numeric", "even"
	return v
}

func (f form) armName(i int) ui.InputView {
	v := f.armInput(i, "arm", "name", "Name of "+letter(i), f.Arms[i].Name)
	v.Mono, v.MaxLength = true, 32
	return v
}

func (f form) effort(i int) ui.SelectView {
	v := ui.SelectView{FieldView: ui.FieldView{Name: "effort-" + strconv.Itoa(i), Label: "effort", Error: f.Trouble.At("variants." + strconv.Itoa(i) + ".parameters.overrides.effort")}, Value: f.Arms[i].Effort, Options: []ui.Option{{Value: "", Text: "As the call asks"}}}
	for _, e := range []string{"minimal", "low", "medium", "high"} {
		v.Options = append(v.Options, ui.Option{Value: e, Text: e})
	}
	return v
}

// tuned reports whether an arm sets parameters.
func (a formArm) tuned() bool {
	return a.MaxTokens != "" || a.Temperature != "" || a.TopP != "" || a.Effort != ""
}

func (f form) goal() ui.SelectView {
	return ui.SelectView{FieldView: ui.FieldView{Name: "goal", Label: "Goal", Error: f.Trouble.At("goal")}, Value: f.Goal, Options: []ui.Option{
		{Value: string(experiment.Cheaper), Text: "Cheaper, not worse", Note: "Cost falls, quality stays within the margin"},
		{Value: string(experiment.Better), Text: "Better within a cost cap", Note: "Quality rises, cost at most the cap above"},
		{Value: string(experiment.Faster), Text: "Faster, not worse", Note: "The first token comes sooner, quality stays"},
	}}
}

func (f form) margin() ui.InputView {
	v := f.input("margin", "margin", "Margin", "How much worse is still fine."+f.qualityNow(), f.Margin)
	v.Before, v.After, v.Inputmode = "−", "pp of quality", "decimal"
	return v
}

func (f form) qualityNow() string {
	if f.Forecast == nil || !f.Forecast.Measured {
		return ""
	}
	return " Now: " + share(f.Forecast.Quality) + "."
}

func (f form) costCap() ui.InputView {
	v := f.input("cost_cap", "cost_cap", "Cost cap", "For “better within a cost cap” only.", f.CostCap)
	v.Before, v.After, v.Inputmode, v.Optional = "+", "% at most", "decimal", true
	return v
}

func (f form) quality() ui.SelectView {
	scored := "The scores API and /v1/feedback · free"
	if f.Forecast != nil && f.Quality == string(experiment.Scores) && f.Forecast.Measured {
		scored = "On " + share(f.Forecast.Scored) + " of units · free"
	}
	return ui.SelectView{FieldView: ui.FieldView{Name: "quality", Label: "Quality source", Error: f.Trouble.At("quality")}, Value: f.Quality, Options: []ui.Option{
		{Value: string(experiment.Scores), Text: "Feedback", Note: scored},
		{Value: string(experiment.Judge), Text: "Model judge", Note: "Reads a sample, blind to the arm · costs calls"},
		{Value: string(experiment.SchemaRate), Text: "Valid JSON", Note: "Of calls that demand JSON · free"},
		{Value: string(experiment.ToolRate), Text: "Valid tool calls", Note: "Of calls that call tools · free"},
		{Value: string(experiment.RetryRate), Text: "Not repeated", Note: "Calls that are not made again within five minutes · free"},
		{Value: string(experiment.CostLatency), Text: "None", Note: "Cost and latency only, no “not worse”"},
	}}
}

func (f form) score() ui.InputView {
	v := f.input("score_name", "score_name", "Score", "Its name, as it is sent.", f.Score)
	v.Mono, v.MaxLength, v.Placeholder = true, 64, "quality"
	return v
}

func (f form) scoreBound(name, label, value, placeholder string) ui.InputView {
	v := f.input(name, name, label, "", value)
	v.Inputmode, v.Placeholder, v.Optional = "decimal", placeholder, true
	return v
}

func (f form) judgeAlias() ui.SelectView {
	v := ui.SelectView{FieldView: f.field("judge_alias", "judge.alias", "Who judges", "Another alias than the one that is tested."), Value: f.Judge.Alias, Options: []ui.Option{{Value: "", Text: "Choose an alias"}}}
	for _, a := range f.Choices.Aliases {
		if string(a.ID) != f.Alias {
			v.Options = append(v.Options, ui.Option{Value: a.Name, Text: a.Name})
		}
	}
	return v
}

func (f form) judgeKey() ui.SelectView {
	v := ui.SelectView{FieldView: f.field("judge_key", "judge.key", "Whose calls", "The judge’s calls are paid by this key."), Value: f.Judge.Key, Options: []ui.Option{{Value: "", Text: "Choose a key"}}}
	for _, k := range f.Choices.Keys {
		v.Options = append(v.Options, ui.Option{Value: string(k.ID), Text: k.Name})
	}
	return v
}

func (f form) rubric() ui.InputView {
	v := f.input("judge_rubric", "judge.rubric", "What is a good answer", "In words. The judge answers with 0 to 1, and does not know the arm.", f.Judge.Rubric)
	v.Rows, v.MaxLength, v.Placeholder = 3, 4000, "Names the right team, and says nothing that is not in the message."
	return v
}

func (f form) judgeSample() ui.InputView {
	v := f.input("judge_sample", "judge.sample", "Sample", "", f.Judge.Sample)
	v.After, v.Inputmode = "% of calls", "numeric"
	return v
}

func (f form) judgeBudget() ui.InputView {
	v := f.input("judge_budget", "judge.budget", "At most", "", f.Judge.Budget)
	v.Before, v.After, v.Inputmode = "$", "in all", "decimal"
	return v
}

// guard is one guardrail: empty is not watched.
func (f form) guard(name, at, label, after, value string) ui.InputView {
	v := f.input("guard_"+name, "guardrails."+at, label, "", value)
	v.After, v.Inputmode = after, "decimal"
	if name == "spend" {
		v.Before = "$"
	}
	return v
}

func (f form) days() ui.SelectView {
	v := ui.SelectView{FieldView: ui.FieldView{Name: "days", Label: "Length", Error: f.Trouble.At("days")}, Value: f.Days}
	for _, d := range []int{7, 14, 21, 28} {
		v.Options = append(v.Options, ui.Option{Value: strconv.Itoa(d), Text: strconv.Itoa(d) + " days", Note: f.sees(d)})
	}
	return v
}

// sees says what a test of some days would see.
func (f form) sees(days int) string {
	if f.Forecast == nil {
		return "Whole weeks: weekdays differ"
	}
	for _, l := range f.Forecast.Lengths {
		switch {
		case l.Days != days:
		case l.Quality > 0:
			return "Sees ±" + pp(math.Round(l.Quality*1000)/1000) + " of quality"
		case l.Cost > 0:
			return "Sees ±" + share(l.Cost) + " of cost"
		}
	}
	return "Whole weeks: weekdays differ"
}

func (f form) share() ui.InputView {
	v := f.input("share", "share", "Share of traffic in the test", "The rest goes where the alias says.", f.Share)
	v.After, v.Inputmode = "%", "numeric"
	return v
}

// inWords is the plan as a sentence.
func (f form) inWords() string {
	if len(f.Arms) < 2 {
		return ""
	}
	what := f.Arms[1].Name
	if f.Arms[1].Model != "" {
		what = f.Arms[1].Model
	} else if f.Arms[1].Version != "" {
		what = "version " + f.Arms[1].Version + " of the prompt"
	}
	name := "the alias"
	if f.Current != nil {
		name = f.Current.Name
	}
	text := "For " + f.Days + " days a part of the conversations of " + name + " goes to " + what + ", each whole conversation to one arm. "
	switch experiment.Goal(f.Goal) {
	case experiment.Better:
		text += "It wins if it answers better and costs at most " + f.CostCap + "% more."
	case experiment.Faster:
		text += "It wins if it answers sooner"
	case experiment.Cheaper:
		text += "It wins if it is cheaper"
	}
	if f.Goal != string(experiment.Better) {
		if f.Quality == string(experiment.CostLatency) {
			text += "; whether it is worse is not measured."
		} else {
			text += " and at most " + f.Margin + " pp worse."
		}
	}
	return text + " One chance in 20 to be wrong, however often you look."
}
