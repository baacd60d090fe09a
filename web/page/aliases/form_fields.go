package aliases

import (
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/alias"
	"tollgate/web/ui"
)

// rowView is one target as the form shows it: Prefix stands before its fields’ names, At before its errors’.
type rowView struct {
	Row        formRow
	I, Of      int
	Prefix, At string
	What       string // "Target", "Fallback"
	Alone      bool   // may not be removed: a route needs one target
}

func (f form) rows(rows []formRow, prefix, at, what string) []rowView {
	out := make([]rowView, len(rows))
	for i, r := range rows {
		out[i] = rowView{Row: r, I: i, Of: len(rows), Prefix: prefix, At: at + "." + strconv.Itoa(i), What: what, Alone: len(rows) == 1 && what == "Target"}
	}
	return out
}

func (f form) fallbackRows() []rowView {
	rows := make([]formRow, len(f.Fallbacks))
	for i, b := range f.Fallbacks {
		rows[i] = b.formRow
	}
	return f.rows(rows, fallbackPrefix, "route.fallbacks", "Fallback")
}

func (f form) ruleRows(i int) []rowView {
	return f.rows(f.Rules[i].Rows, rulePrefix(i), "route.rules."+strconv.Itoa(i)+".targets", "Target")
}

// name is the name of a field of the row.
func (r rowView) name(field string) string { return r.Prefix + field + "-" + strconv.Itoa(r.I) }

// called names the row for those who do not see where it stands.
func (r rowView) called() string {
	text := strings.ToLower(r.What) + " " + strconv.Itoa(r.I+1)
	if r.Prefix != "" && r.Prefix != fallbackPrefix {
		n, err := strconv.Atoi(strings.Trim(r.Prefix, "r."))
		if err == nil {
			text += " of rule " + strconv.Itoa(n+1)
		}
	}
	return text
}

// error is what is wrong with a row as a whole.
func (f form) rowError(r rowView) string {
	if f.Trouble.Field == r.At {
		return f.Trouble.Message
	}
	return ""
}

// exactly is what is wrong with a part of the form, and not with a part of that.
func (f form) exactly(at string) string {
	if f.Trouble.Field == at {
		return f.Trouble.Message
	}
	return ""
}

// above is what belongs to no field that the form shows.
func (f form) above() string {
	at := f.Trouble.Field
	for _, shown := range []string{"name", "message", "route.targets", "route.strategy", "route.rules", "route.fallbacks", "route.retry.attempts", "route.timeout_ms", "route.connect_ms", "route.first_byte_ms", "route.idle_ms", "route.attempts", "route.on_disconnect", "route.prompt", "route.parameters", "route.cache", "route.privacy.payload"} {
		if at == shown || strings.HasPrefix(at, shown+".") {
			return ""
		}
	}
	return f.Trouble.Message
}

func (f form) field(name, at, label, help string) ui.FieldView {
	return ui.FieldView{Name: name, Label: label, Help: help, Error: f.Trouble.At(at)}
}

func (f form) optional(name, at, label, help, value, after string) ui.InputView {
	in := ui.InputView{FieldView: f.field(name, at, label, help), Value: value, Inputmode: "decimal", After: after}
	in.Optional = true
	return in
}

func (f form) name() ui.InputView {
	return ui.InputView{
		FieldView: f.field("name", "name", "Name", "What clients send as model. It never changes. Say what it is for: fast-classifier, coder."),
		Value:     f.Name, Mono: true, Required: true, Autofocus: true, MaxLength: 64, Placeholder: "fast-classifier",
	}
}

func (f form) message() ui.InputView {
	in := ui.InputView{FieldView: f.field("message", "message", "Why", "Kept with the version."), Value: f.Message, MaxLength: 500, Placeholder: "Haiku is cheaper for triage"}
	in.Optional = true
	return in
}

// by offers the connected providers; another one stays if it was chosen.
func (f form) by(r rowView) ui.SelectView {
	v := ui.SelectView{FieldView: ui.FieldView{
		Name: r.name("by"), Label: "Provider",
		Error: f.Trouble.At(r.At+".provider") + f.Trouble.At(r.At+".credential"),
	}, Value: r.Row.By}
	v.Options = append(v.Options, ui.Option{Value: "", Text: "Choose"})
	for _, vendor := range f.Names.vendors {
		if !f.Names.connected(vendor) {
			if chosen, _, _ := strings.Cut(r.Row.By, ":"); chosen == vendor.ID {
				v.Options = append(v.Options, ui.Option{Value: r.Row.By, Text: vendor.Name + ", not connected"})
			}
			continue
		}
		v.Options = append(v.Options, ui.Option{Value: vendor.ID, Text: vendor.Name})
		for _, c := range f.Names.credentials {
			if c.Provider == vendor.ID {
				v.Options = append(v.Options, ui.Option{Value: by(alias.Target{Provider: c.Provider, Credential: c.ID}), Text: vendor.Name + ", by " + c.Name})
			}
		}
	}
	if r.Row.By != "" && !slices.ContainsFunc(v.Options, func(o ui.Option) bool { return o.Value == r.Row.By }) {
		v.Options = append(v.Options, ui.Option{Value: r.Row.By, Text: r.Row.By})
	}
	return v
}

func (f form) model(r rowView) ui.InputView {
	return ui.InputView{
		FieldView: ui.FieldView{Name: r.name("model"), Label: "Model", Error: f.Trouble.At(r.At + ".model")},
		Value:     r.Row.Model, Mono: true, Placeholder: placeholder(r.Row.By), List: "models", Autocomplete: "off",
	}
}

func (f form) weight(r rowView) ui.InputView {
	return ui.InputView{FieldView: ui.FieldView{Name: r.name("weight"), Label: "Weight", Error: f.Trouble.At(r.At + ".weight")}, Value: r.Row.Weight, Inputmode: "numeric", Placeholder: "1"}
}

func (f form) order(r rowView) ui.InputView {
	return ui.InputView{FieldView: ui.FieldView{Name: r.name("order"), Label: "Tier", Error: f.Trouble.At(r.At + ".order")}, Value: r.Row.Order, Inputmode: "numeric", Placeholder: "0"}
}

func placeholder(by string) string {
	switch vendor, _, _ := strings.Cut(by, ":"); vendor {
	case "anthropic":
		return "claude-haiku-4-5"
	case "sandbox":
		return "echo-mini"
	default:
		return "gpt-4o-mini"
	}
}

// strategy is the choice of how a list of targets is gone through.
func (f form) strategy(name, at, value string) ui.SelectView {
	if value == "" {
		value = string(alias.Ordered)
	}
	v := ui.SelectView{FieldView: ui.FieldView{Name: name, Label: "How one is chosen", Error: f.Trouble.At(at)}, Value: value}
	for _, s := range alias.Strategies {
		v.Options = append(v.Options, ui.Option{Value: string(s), Text: strategyText(s)})
	}
	return v
}

// strategyText says a strategy in words.
func strategyText(s alias.Strategy) string {
	switch s {
	case alias.Weighted:
		return "Weighted: drawn by weight, the same for a session"
	case alias.Cheapest:
		return "Cheapest first, by the price of the call"
	case alias.Fastest:
		return "Fastest first, as measured here"
	case alias.LeastBusy:
		return "Least busy first"
	case alias.Ordered:
		return "In order, the first that works"
	default:
		return "In order, the first that works"
	}
}

// causeText says a cause in words.
func causeText(c alias.Cause) string {
	switch c {
	case alias.RateLimit:
		return "rate limit"
	case alias.Overloaded:
		return "overload"
	case alias.TimedOut:
		return "time-out"
	case alias.ContextWindow:
		return "prompt too long"
	case alias.ContentPolicy:
		return "content policy"
	case alias.Failed:
		return "other errors"
	default:
		return string(c)
	}
}

// causeBoxes are the check boxes of causes; none checked stands for the usual ones.
func causeBoxes(name string, on []string) []ui.CheckView {
	out := make([]ui.CheckView, len(alias.Causes))
	for i, c := range alias.Causes {
		out[i] = ui.CheckView{Name: name, Value: string(c), Label: causeText(c), Checked: slices.Contains(on, string(c))}
	}
	return out
}

func (f form) ruleName(i int) ui.InputView {
	in := ui.InputView{FieldView: f.field(rulePrefix(i)+"name", "route.rules."+strconv.Itoa(i)+".name", "Name", ""), Value: f.Rules[i].Name, Placeholder: "long prompts", MaxLength: 100}
	in.Optional = true
	return in
}

func (f form) ruleIf(i int) ui.InputView {
	return ui.InputView{FieldView: f.field(rulePrefix(i)+"if", "route.rules."+strconv.Itoa(i)+".if", "If", ""), Value: f.Rules[i].If, Mono: true, Rows: 2, MaxLength: 1000, Placeholder: "input_tokens > 60000"}
}

// prompt is the prompt of calls that name none.
func (f form) prompt() ui.InputView {
	in := f.optional("prompt", "route.prompt", "Prompt", "Calls of this alias get it, and send variables only. A name, and @ with a version or : with a label.", f.Prompt, "")
	in.Placeholder, in.MaxLength, in.Inputmode = "support/greeting:production", 300, ""
	return in
}

func (f form) onDisconnect() ui.SelectView {
	value := f.OnDisconnect
	if value == "" {
		value = alias.Drain
	}
	return ui.SelectView{FieldView: ui.FieldView{Name: "on_disconnect", Label: "When the client has gone", Error: f.Trouble.At("route.on_disconnect")}, Value: value, Options: []ui.Option{
		{Value: alias.Drain, Text: "Read to the end", Note: "Its usage is known"},
		{Value: alias.Abort, Text: "Cancel", Note: "Nothing more is paid for"},
	}}
}

func (f form) cache() ui.SelectView {
	return ui.SelectView{FieldView: ui.FieldView{Name: "cache", Label: "The same call again", Error: f.exactly("route.cache") + f.Trouble.At("route.cache.mode")}, Value: f.Cache, Options: []ui.Option{
		{Value: alias.CacheOff, Text: "Ask the model", Note: "Every call is made"},
		{Value: alias.CacheExact, Text: "Answer from the cache", Note: "Only the very same call, for the same team"},
	}}
}

func (f form) payload() ui.SelectView {
	return ui.SelectView{FieldView: ui.FieldView{Name: "payload", Label: "Kept of a call at most", Help: "The stricter of this and the key’s own setting holds.", Error: f.Trouble.At("route.privacy.payload")}, Value: f.Payload, Options: []ui.Option{
		{Value: "", Text: "What the key says"}, {Value: "none", Text: "No body and no end user"}, {Value: "metadata", Text: "Metadata"}, {Value: "full", Text: "Everything"},
	}}
}

// setting is one cell of the table of parameters.
func (f form) setting(list, field, label, value string) ui.InputView {
	return ui.InputView{FieldView: ui.FieldView{Name: list + "." + field, Label: label, Error: f.Trouble.At("route.parameters." + list + "." + field)}, Value: value, Inputmode: "decimal"}
}

func (f form) effort(list, value string) ui.SelectView {
	v := ui.SelectView{FieldView: ui.FieldView{Name: list + ".effort", Label: "Effort, " + list, Error: f.Trouble.At("route.parameters." + list + ".effort")}, Value: value, Options: []ui.Option{{Value: "", Text: "–"}}}
	for _, e := range []string{"minimal", "low", "medium", "high"} {
		v.Options = append(v.Options, ui.Option{Value: e, Text: e})
	}
	return v
}

// patient reports whether anything is set of connections, pauses and retries.
func (f form) patient() bool {
	return f.Connect != "" || f.Idle != "" || f.RetryAttempts != "" || len(f.RetryOn) > 0 || f.wrong("route.connect_ms", "route.idle_ms", "route.retry")
}

// tuned reports whether any parameter is set.
func (f form) tuned() bool {
	return f.Defaults != formSettings{} || f.Caps != formSettings{} || f.Overrides != formSettings{} || f.Prompt != "" || f.wrong("route.parameters", "route.prompt")
}

// careful reports whether anything is set of cache, stickiness and privacy.
func (f form) careful() bool {
	return f.Cache != alias.CacheOff || f.CacheTTL != "" || f.Anew || f.Payload != "" || f.NoTraining || f.wrong("route.cache", "route.privacy")
}

func (f form) wrong(at ...string) bool {
	return slices.ContainsFunc(at, func(field string) bool { return f.Trouble.At(field) != "" })
}
