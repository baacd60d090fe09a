package aliases

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/id"
	"tollgate/web/page"
)

// The bounds of a form. A route takes more targets than a person would type; such a one is edited as YAML.
const (
	rowsMax  = 16 // targets of a list, and fallbacks
	rulesMax = 16 // rules
)

// form is an alias as it is typed. The zero ID is one to be made. Numbers and times stay as they were typed, so that nothing is lost
// when the form is shown again with what is wrong in it.
type form struct {
	ID      id.Alias
	Version int // the version that was read
	Name    string
	Message string

	Strategy  string
	Rows      []formRow
	Rules     []formRule
	Fallbacks []formFallback

	RetryAttempts string
	RetryOn       []string
	Anew          bool // each call is drawn anew: nothing sticks

	Timeout, Connect, FirstByte, Idle string // seconds
	Attempts                          string

	Prompt                    string // "support/greeting:production"
	Defaults, Caps, Overrides formSettings

	Cache      string // alias.CacheOff or alias.CacheExact
	CacheTTL   string // seconds
	Payload    string
	NoTraining bool

	OnDisconnect string
	Drop         bool

	Trouble page.Trouble
	Names   names
	Models  []suggestion
}

// formRow is one target. By is "vendor", or "vendor:credential".
type formRow struct {
	By, Model     string
	Weight, Order string
	Batch, Off    bool
}

func (r formRow) empty() bool { return r.By == "" && r.Model == "" }

// formFallback is a target for calls that failed, and of what they may have failed.
type formFallback struct {
	formRow
	On []string
}

// formRule sends some calls elsewhere.
type formRule struct {
	Name, If, Strategy string
	Rows               []formRow
}

// formSettings are what a route says about how a model answers.
type formSettings struct{ MaxTokens, Temperature, TopP, Effort string }

func (f form) editing() bool { return f.ID != "" }

func (f form) action() string {
	if f.editing() {
		return path(f.ID) + "/edit"
	}
	return "/aliases"
}

func (f form) back() string {
	if f.editing() {
		return path(f.ID)
	}
	return "/aliases"
}

func by(t alias.Target) string {
	if t.Credential == "" {
		return t.Provider
	}
	return t.Provider + ":" + string(t.Credential)
}

// of is the form of a route.
func of(r alias.Route) form {
	f := form{
		Strategy: string(r.Strategy), Rows: rowsOf(r.Targets),
		RetryAttempts: whole(r.Retry.Attempts), RetryOn: words(r.Retry.On), Anew: r.Sticky == alias.StickyOff,
		Timeout: seconds(r.Timeout), Connect: seconds(r.Connect), FirstByte: seconds(r.FirstByte), Idle: seconds(r.Idle), Attempts: whole(r.Attempts),
		Defaults: settingsOf(r.Parameters.Defaults), Caps: settingsOf(r.Parameters.Caps), Overrides: settingsOf(r.Parameters.Overrides),
		Cache: r.Cache.Mode, CacheTTL: seconds(r.Cache.TTL), Payload: r.Privacy.Payload, NoTraining: r.Privacy.NoTraining,
		OnDisconnect: r.OnDisconnect, Drop: r.DropUnsupported,
	}
	if r.Prompt != nil {
		f.Prompt = r.Prompt.String()
	}
	for _, rule := range r.Rules {
		f.Rules = append(f.Rules, formRule{rule.Name, rule.If, string(rule.Strategy), rowsOf(rule.Targets)})
	}
	for _, b := range r.Fallbacks {
		f.Fallbacks = append(f.Fallbacks, formFallback{rowOf(b.Target), words(b.On)})
	}
	return f
}

func rowsOf(targets []alias.Target) []formRow {
	out := make([]formRow, len(targets))
	for i, t := range targets {
		out[i] = rowOf(t)
	}
	return out
}

func rowOf(t alias.Target) formRow {
	return formRow{By: by(t), Model: t.Model, Weight: whole(t.Weight), Order: whole(t.Order), Batch: t.Via == alias.ViaBatch, Off: t.Off}
}

func settingsOf(s alias.Settings) formSettings {
	out := formSettings{Temperature: number(s.Temperature), TopP: number(s.TopP), Effort: s.Effort}
	if s.MaxTokens != nil {
		out.MaxTokens = strconv.FormatInt(*s.MaxTokens, 10)
	}
	return out
}

// whole writes a number, empty for none.
func whole(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

func words(on []alias.Cause) []string {
	out := make([]string, len(on))
	for i, c := range on {
		out[i] = string(c)
	}
	return out
}

// seconds writes a duration for the form, empty for none.
func seconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%03d", d/time.Second, d%time.Second/time.Millisecond), "0"), ".")
}

// read is the form as it was posted.
func read(v *page.Visit) form {
	version, err := strconv.Atoi(v.Form("version"))
	if err != nil {
		version = 0
	}
	typed := func(name string) string { return strings.TrimSpace(v.Form(name)) }
	set := func(name string) formSettings {
		return formSettings{typed(name + ".max_tokens"), typed(name + ".temperature"), typed(name + ".top_p"), typed(name + ".effort")}
	}
	f := form{
		Version: version, Name: typed("name"), Message: typed("message"), Strategy: v.Form("strategy"), Rows: readRows(v, ""),
		RetryAttempts: typed("retry_attempts"), RetryOn: v.HTTP.PostForm["retry_on"], Anew: v.Form("anew") != "",
		Timeout: typed("timeout"), Connect: typed("connect"), FirstByte: typed("first_byte"), Idle: typed("idle"), Attempts: typed("attempts"),
		Defaults: set("defaults"), Caps: set("caps"), Overrides: set("overrides"),
		Cache: v.Form("cache"), CacheTTL: typed("cache_ttl"), Payload: v.Form("payload"), NoTraining: v.Form("no_training") != "",
		OnDisconnect: v.Form("on_disconnect"), Drop: v.Form("drop_unsupported") != "", Prompt: typed("prompt"),
	}
	for i := range rulesMax {
		p := rulePrefix(i)
		if _, posted := v.HTTP.PostForm[p+"if"]; posted {
			f.Rules = append(f.Rules, formRule{typed(p + "name"), typed(p + "if"), v.Form(p + "strategy"), readRows(v, p)})
		}
	}
	for i, r := range readRows(v, fallbackPrefix) {
		f.Fallbacks = append(f.Fallbacks, formFallback{r, v.HTTP.PostForm[fallbackPrefix+"on-"+strconv.Itoa(i)]})
	}
	return f
}

// fallbackPrefix stands before the names of fallbacks’ fields, and rulePrefix before those of a rule’s; the route’s own targets have
// none.
const fallbackPrefix = "f."

func rulePrefix(i int) string { return "r" + strconv.Itoa(i) + "." }

func readRows(v *page.Visit, prefix string) []formRow {
	var out []formRow
	for i := range rowsMax {
		n := strconv.Itoa(i)
		if _, posted := v.HTTP.PostForm[prefix+"model-"+n]; posted {
			typed := func(name string) string { return strings.TrimSpace(v.Form(prefix + name + "-" + n)) }
			out = append(out, formRow{typed("by"), typed("model"), typed("weight"), typed("order"), typed("batch") != "", typed("off") != ""})
		}
	}
	return out
}

// press carries out a button of the rows: add, or up-2, down-2, drop-2; with f. of fallbacks, r. of rules, and r0. of a rule's targets.
// It reports whether it was one.
func (f *form) press(button string) bool {
	prefix, word, ok := strings.Cut(button, ".")
	if !ok {
		return press(&f.Rows, button, rowsMax, formRow{})
	}
	switch prefix {
	case "f":
		return press(&f.Fallbacks, word, rowsMax, formFallback{})
	case "r":
		return press(&f.Rules, word, rulesMax, formRule{Rows: []formRow{{}}})
	}
	i, err := strconv.Atoi(strings.TrimPrefix(prefix, "r"))
	if err != nil || i < 0 || i >= len(f.Rules) {
		return false
	}
	return press(&f.Rules[i].Rows, word, rowsMax, formRow{})
}

// press carries out one button of a list.
func press[T any](rows *[]T, button string, most int, fresh T) bool {
	word, n, _ := strings.Cut(button, "-")
	i, err := strconv.Atoi(n)
	list := *rows
	inside := err == nil && i >= 0 && i < len(list)
	switch {
	case word == "add":
		if len(list) < most {
			*rows = append(list, fresh)
		}
	case word == "up" && inside && i > 0:
		list[i-1], list[i] = list[i], list[i-1]
	case word == "down" && inside && i < len(list)-1:
		list[i+1], list[i] = list[i], list[i+1]
	case word == "drop" && inside:
		*rows = append(list[:i:i], list[i+1:]...)
	default:
		return false
	}
	return true
}
