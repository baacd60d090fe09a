package budgets

import (
	"strings"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/money"
	"tollgate/web/page/scope"
	"tollgate/web/ui"
)

// shown are the fields that the form shows a message at; every other message stands above it.
func shown() []string {
	out := []string{"name", "selector", "each", "limits", "mode", "action", "move_to", "floor", "wait", "offline", "standby", "alert_at"}
	for _, p := range budget.Periods {
		out = append(out, "limit_"+string(p))
	}
	return out
}

func (f form) above() string { return f.Trouble.Above(shown()...) }

func (f form) field(name, label, help string) ui.FieldView {
	return ui.FieldView{Name: name, Label: label, Help: help, Error: f.Trouble.At(name)}
}

func (f form) name() ui.InputView {
	return ui.InputView{FieldView: f.field("name", "Name", "It stands in the 402 that callers get."), Value: f.Name, Placeholder: "Support", Required: true, Autofocus: !f.editing(), MaxLength: 80}
}

func (f form) which() scope.Form {
	return scope.Form{Fields: f.Scope, Choices: f.Choices, Trouble: f.Trouble, Noun: "limit", Fixed: f.editing()}
}

func (f form) limit(p budget.Period) ui.InputView {
	v := ui.InputView{FieldView: f.field("limit_"+string(p), limitLabel(p), ""), Value: f.Limits[p], Before: "$", After: periodName(p), Inputmode: "decimal", Placeholder: "no limit", Autocomplete: "off"}
	v.Optional = true
	return v
}

func limitLabel(p budget.Period) string {
	switch p {
	case budget.Hour:
		return "Limit by hour"
	case budget.Day:
		return "Limit by day"
	case budget.Week:
		return "Limit by week, from Monday"
	case budget.Month:
		return "Limit by month"
	case budget.FiscalMonth:
		return "Limit by fiscal month"
	case budget.Total:
		return "Limit in total"
	default:
		return string(p)
	}
}

// common are the periods that stand in sight, rare those behind "More".
func common() []budget.Period { return []budget.Period{budget.Month, budget.Day} }

func rare() []budget.Period {
	return []budget.Period{budget.Hour, budget.Week, budget.FiscalMonth, budget.Total}
}

func (f form) rarely() bool {
	for _, p := range rare() {
		if f.Limits[p] != "" {
			return true
		}
	}
	return false
}

func (f form) mode() ui.SelectView {
	return ui.SelectView{FieldView: f.field("mode", "How serious it is", ""), Value: f.Mode, Options: []ui.Option{
		{Value: string(budget.Watch), Text: "Watch", Note: "Refuses nothing, and says what it would have blocked"},
		{Value: string(budget.Warn), Text: "Warn", Note: "Watch, and a header in every answer over the limit"},
		{Value: string(budget.Block), Text: "Block", Note: "Cannot be exceeded: what does not fit is not sent"},
	}}
}

func (f form) whatThen() ui.SelectView {
	return ui.SelectView{FieldView: f.field("action", "A call that does not fit", "For Block. Where the other way does not fit either, the call is refused."), Value: f.Action, Options: []ui.Option{
		{Value: string(budget.Refuse), Text: "Is refused", Note: "402, with when it starts anew"},
		{Value: string(budget.Move), Text: "Moves to a cheaper alias", Note: "The one below"},
		{Value: string(budget.Clamp), Text: "Gets a shorter answer", Note: "Its output cap is lowered to what fits"},
	}}
}

func (f form) moveTo() ui.SelectView {
	v := ui.SelectView{FieldView: f.field("move_to", "Cheaper alias", ""), Value: f.MoveTo, Options: []ui.Option{{Text: "None"}}}
	v.Options = append(v.Options, f.Choices.Aliases...)
	return v
}

func (f form) floor() ui.InputView {
	v := ui.InputView{FieldView: f.field("floor", "Shortest answer", ""), Value: f.Floor, After: "tokens", Inputmode: "numeric", Placeholder: "256"}
	v.Optional = true
	return v
}

func (f form) wait() ui.InputView {
	v := ui.InputView{FieldView: f.field("wait", "Wait for room", "How long a call waits for what calls under way give back. 0: not at all."), Value: f.Wait, After: "seconds", Inputmode: "decimal", Placeholder: "2"}
	v.Optional = true
	return v
}

func (f form) offline() ui.SelectView {
	return ui.SelectView{FieldView: f.field("offline", "While the amounts cannot be asked for", "Proxies go on with what they hold. Then:"), Value: f.Offline, Options: []ui.Option{
		{Value: string(budget.Deny), Text: "Calls get 503", Note: "Nothing is ever exceeded"},
		{Value: string(budget.Standby), Text: "An amount stands by", Note: "Set aside inside the limit, for this time"},
	}}
}

func (f form) standby() ui.InputView {
	v := ui.InputView{FieldView: f.field("standby", "Amount that stands by", ""), Value: f.Standby, Before: "$", Inputmode: "decimal", Placeholder: "5"}
	v.Optional = true
	return v
}

func (f form) alerts() ui.InputView {
	v := ui.InputView{FieldView: f.field("alert_at", "Tell people at", "Per cents of a limit, spent and reserved. Also when the forecast reaches it."), Value: f.Alerts, After: "%", Placeholder: marksText(budget.DefaultAlerts)}
	v.Optional = true
	return v
}

func (f form) offBox() ui.CheckView {
	return ui.CheckView{Name: "off", Label: "Off for now", Note: "Kept, and neither enforced nor counted", Checked: f.Off}
}

// words says what the form would make, in sentences.
func (f form) words() []string {
	b, err := f.budget()
	if err != nil {
		return []string{"Write a limit, and this says what it would mean."}
	}
	if b.Mode == "" {
		b.Mode = budget.Watch
	}
	return []string{
		upper(covers(b, f.names())) + " may spend " + limitsText(b.Limits) + ".",
		atTheLimit(b),
		"Days and months are those of " + zone(f.Clock).String() + ". Calls must fit every other budget that covers them, too.",
	}
}

// names are those that the form offers, so that it says "Support" where it holds an id.
func (f form) names() scope.Names {
	given := map[dimension.Match]string{}
	for d, options := range map[dimension.Name][]ui.Option{dimension.Team: f.Choices.Teams, dimension.Key: f.Choices.Keys} {
		for _, o := range options {
			given[dimension.Match{Dimension: d, Value: o.Value}] = o.Text
		}
	}
	return scope.Names{Given: given}
}

// simulated is the result in words.
type simulated struct {
	Head   string
	Tone   ui.Tone
	Verb   string // "It would have blocked 12 of 30,058 calls ($0.84)."
	Note   string
	Limits []simulatedLimit
	Full   []simulatedWindow
}

type simulatedLimit struct {
	Limit, Peak, Nothing, OnePercent string
	Note                             string
}

type simulatedWindow struct {
	Window, At string
	Blocked    int64
	Saved      money.NanoUSD
}

// windowsShown is how many full windows the result lists.
const windowsShown = 5

func (f form) result() simulated {
	r := f.Result
	c := f.Clock
	out := simulated{Head: "Since " + when(c, r.From), Tone: ui.OK, Verb: "It would have blocked 0 of " + ui.Plural(r.Calls, "call", "calls") + "."}
	if r.Blocked > 0 {
		out.Tone = ui.Warn
		out.Verb = "It would have blocked " + ui.CountText(r.Blocked) + " of " + ui.Plural(r.Calls, "call", "calls") + " (" + ui.MoneyText(r.Saved) + "), of " + ui.Plural(int64(r.Keys), "key", "keys") + "."
	}
	if r.Calls == 0 {
		out.Tone, out.Verb = ui.Plain, "No call since "+when(c, r.From)+" falls under it."
	}
	out.Note = "They cost " + ui.MoneyText(r.Spent) + ". Each call weighs what it cost; what is reserved while it runs is not played again."
	if r.Cut {
		out.Note += " There were more calls: only the newest " + ui.CountText(r.Calls) + " are looked at."
	}
	for _, l := range r.Limits {
		row := simulatedLimit{Limit: limitText(l.Amount) + " " + periodName(l.Period), Peak: ui.MoneyText(l.Peak), Nothing: limitText(l.Nothing), OnePercent: ui.MoneyText(l.OnePercent)}
		if l.Peak > 0 {
			row.Note = strings.TrimSpace(windowText(c, l.PeakAt) + " " + l.Subject)
		}
		out.Limits = append(out.Limits, row)
	}
	for _, w := range r.Full[:min(len(r.Full), windowsShown)] {
		out.Full = append(out.Full, simulatedWindow{Window: strings.TrimSpace(windowText(c, w.Window) + " " + w.Subject), At: when(c, w.At), Blocked: w.Blocked, Saved: w.Saved})
	}
	return out
}
