package aliases

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/id"
)

// reader turns what was typed into a route and keeps the first thing that is wrong.
type reader struct{ err error }

func (r *reader) fail(at, say string) {
	if r.err == nil {
		r.err = alias.ErrInvalid.Say("%s", say).At(at)
	}
}

// route is what the form says. Rows without a model and a provider are left out, also of the form, so that errors find their row.
func (f *form) route() (alias.Route, error) {
	var read reader
	f.compact()
	r := alias.Route{
		Strategy: alias.Strategy(f.Strategy), Targets: read.targets(f.Rows, "route.targets"),
		Retry:    alias.Retry{Attempts: read.whole(f.RetryAttempts, "route.retry.attempts", "Write a whole number of attempts."), On: causes(f.RetryOn)},
		Timeout:  read.duration(f.Timeout, "route.timeout_ms", "Write the deadline in seconds, such as 20."),
		Connect:  read.duration(f.Connect, "route.connect_ms", "Write the wait for a connection in seconds, such as 2."),
		Attempts: read.whole(f.Attempts, "route.attempts", "Write a whole number of attempts."),
		Parameters: alias.Parameters{
			Defaults: read.settings(f.Defaults, "route.parameters.defaults"), Caps: read.settings(f.Caps, "route.parameters.caps"),
			Overrides: read.settings(f.Overrides, "route.parameters.overrides"),
		},
		Privacy:      alias.Privacy{Payload: f.Payload, NoTraining: f.NoTraining},
		OnDisconnect: f.OnDisconnect, DropUnsupported: f.Drop,
	}
	r.FirstByte = read.duration(f.FirstByte, "route.first_byte_ms", "Write the wait in seconds, such as 2.5.")
	r.Idle = read.duration(f.Idle, "route.idle_ms", "Write the longest pause in seconds, such as 30.")
	if f.Anew {
		r.Sticky = alias.StickyOff
	}
	if f.Cache != alias.CacheOff {
		r.Cache = alias.Cache{Mode: f.Cache, TTL: read.duration(f.CacheTTL, "route.cache.ttl_ms", "Write how long an answer is kept in seconds, such as 600.")}
	}
	if f.Prompt != "" {
		use, ok := alias.ParsePrompt(f.Prompt)
		if !ok {
			read.fail("route.prompt", "Write the prompt's name, and @ with a version or : with a label behind it: support/greeting:production.")
		}
		r.Prompt = &use
	}
	for i, rule := range f.Rules {
		at := fmt.Sprintf("route.rules.%d", i)
		r.Rules = append(r.Rules, alias.Rule{Name: rule.Name, If: rule.If, Strategy: alias.Strategy(rule.Strategy), Targets: read.targets(rule.Rows, at+".targets")})
	}
	for i, b := range f.Fallbacks {
		r.Fallbacks = append(r.Fallbacks, alias.Fallback{Target: read.target(b.formRow, fmt.Sprintf("route.fallbacks.%d", i)), On: causes(b.On)})
	}
	return r, read.err
}

// compact leaves out rows in which nothing was typed.
func (f *form) compact() {
	f.Rows = filled(f.Rows)
	for i := range f.Rules {
		f.Rules[i].Rows = filled(f.Rules[i].Rows)
	}
	var rules []formRule
	for _, r := range f.Rules {
		if r.Name != "" || r.If != "" || len(r.Rows) > 0 {
			rules = append(rules, r)
		}
	}
	f.Rules = rules
	var fallbacks []formFallback
	for _, b := range f.Fallbacks {
		if !b.empty() {
			fallbacks = append(fallbacks, b)
		}
	}
	f.Fallbacks = fallbacks
}

func filled(rows []formRow) []formRow {
	var out []formRow
	for _, r := range rows {
		if !r.empty() {
			out = append(out, r)
		}
	}
	return out
}

func (r *reader) targets(rows []formRow, at string) []alias.Target {
	var out []alias.Target
	for i, row := range rows {
		out = append(out, r.target(row, at+"."+strconv.Itoa(i)))
	}
	return out
}

func (r *reader) target(row formRow, at string) alias.Target {
	if row.By == "" {
		r.fail(at+".provider", "Choose a provider.")
	}
	vendor, cred, _ := strings.Cut(row.By, ":")
	t := alias.Target{
		Provider: vendor, Model: row.Model, Credential: id.Credential(cred), Off: row.Off,
		Weight: r.whole(row.Weight, at+".weight", "Write a whole number as the weight."),
		Order:  r.whole(row.Order, at+".order", "Write a whole number as the tier: 1 is tried after 0."),
	}
	if row.Batch {
		t.Via = alias.ViaBatch
	}
	return t
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

func (r *reader) duration(text, at, say string) time.Duration {
	d, err := duration(text)
	if err != nil {
		r.fail(at, say)
	}
	return d
}

func (r *reader) settings(s formSettings, at string) alias.Settings {
	out := alias.Settings{
		Effort:      s.Effort,
		Temperature: r.number(s.Temperature, at+".temperature", "Write the temperature as a number, such as 0.2."),
		TopP:        r.number(s.TopP, at+".top_p", "Write top_p as a number between 0 and 1."),
	}
	if s.MaxTokens != "" {
		n, err := strconv.ParseInt(s.MaxTokens, 10, 64)
		if err != nil {
			r.fail(at+".max_tokens", "Write a whole number of tokens.")
		}
		out.MaxTokens = &n
	}
	return out
}

func (r *reader) number(text, at, say string) *float64 {
	if text == "" {
		return nil
	}
	if strings.ContainsFunc(text, func(c rune) bool { return (c < '0' || c > '9') && c != '.' }) {
		r.fail(at, say)
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		r.fail(at, say)
		return nil
	}
	return &v
}

func causes(on []string) []alias.Cause {
	var out []alias.Cause
	for _, c := range on {
		out = append(out, alias.Cause(c))
	}
	return out
}

var errSeconds = errors.New("no number of seconds")

// duration reads seconds with at most three decimals; empty is none.
func duration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if strings.ContainsFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' }) || len(text) > 10 {
		return 0, errSeconds
	}
	d, err := time.ParseDuration(text + "s")
	if err != nil || d%time.Millisecond != 0 {
		return 0, errSeconds
	}
	return d, nil
}
