package aliases

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/web/ui"
)

// lines is a route as text, a setting a line, for people to compare.
func (n names) lines(r alias.Route) []string {
	var out []string
	for _, rule := range r.Rules {
		out = append(out, "rule "+ruleTitle(rule)+": if "+rule.If)
		for _, t := range rule.Targets {
			out = append(out, "  to "+n.targetLine(t))
		}
	}
	if r.Strategy != "" && r.Strategy != alias.Ordered {
		out = append(out, "strategy "+string(r.Strategy))
	}
	for _, t := range r.Targets {
		out = append(out, "target "+n.targetLine(t))
	}
	for _, b := range r.Fallbacks {
		out = append(out, "fallback "+n.targetLine(b.Target)+onText(b.On))
	}
	out = append(out, patienceLines(r)...)
	out = append(out, parameterLines(r.Parameters)...)
	out = append(out, careLines(r)...)
	if r.OnDisconnect == alias.Abort {
		return append(out, "client gone: cancel")
	}
	return append(out, "client gone: read to the end")
}

func (n names) targetLine(t alias.Target) string {
	line := target(t)
	if t.Weight > 0 {
		line += ", weight " + strconv.Itoa(t.Weight)
	}
	if t.Order != 0 {
		line += ", tier " + strconv.Itoa(t.Order)
	}
	if t.Credential != "" {
		line += ", by " + n.credential(t.Credential)
	}
	if t.Via == alias.ViaBatch {
		line += ", by batch"
	}
	if t.Off {
		line += ", off"
	}
	return line
}

// ruleTitle is what a rule is called: its name, or its condition.
func ruleTitle(r alias.Rule) string {
	if r.Name != "" {
		return r.Name
	}
	return r.If
}

// onText says causes in words; none stand for the usual ones, which go without saying.
func onText(on []alias.Cause) string {
	if len(on) == 0 {
		return ""
	}
	return " on " + causesText(on)
}

func causesText(on []alias.Cause) string {
	out := make([]string, len(on))
	for i, c := range on {
		out[i] = causeText(c)
	}
	return strings.Join(out, ", ")
}

func patienceLines(r alias.Route) []string {
	deadline := r.Timeout
	if deadline == 0 {
		deadline = alias.DefaultTimeout
	}
	out := []string{"deadline " + patience(deadline)}
	for _, s := range []struct {
		text string
		d    time.Duration
	}{{"connection within ", r.Connect}, {"first token within ", r.FirstByte}, {"pauses of a stream up to ", r.Idle}} {
		if s.d > 0 {
			out = append(out, s.text+patience(s.d))
		}
	}
	out = append(out, "attempts "+strconv.Itoa(attempts(r)))
	if r.Retry.Attempts > 0 || len(r.Retry.On) > 0 {
		line := "the same target again"
		if r.Retry.Attempts > 0 {
			line += ", " + strconv.Itoa(r.Retry.Attempts) + " attempts at most"
		}
		out = append(out, line+onText(r.Retry.On))
	}
	return out
}

func parameterLines(p alias.Parameters) []string {
	var out []string
	for _, s := range []struct {
		word string
		alias.Settings
	}{{"default", p.Defaults}, {"at most", p.Caps}, {"always", p.Overrides}} {
		for _, v := range settingWords(s.Settings) {
			out = append(out, s.word+" "+v)
		}
	}
	return out
}

func settingWords(s alias.Settings) []string {
	var out []string
	if s.MaxTokens != nil {
		out = append(out, "max_tokens "+strconv.FormatInt(*s.MaxTokens, 10))
	}
	if s.Temperature != nil {
		out = append(out, "temperature "+number(s.Temperature))
	}
	if s.TopP != nil {
		out = append(out, "top_p "+number(s.TopP))
	}
	if s.Effort != "" {
		out = append(out, "effort "+s.Effort)
	}
	return out
}

func careLines(r alias.Route) []string {
	var out []string
	if r.Prompt != nil {
		out = append(out, "prompt: "+r.Prompt.String())
	}
	if r.Cache.Mode == alias.CacheExact {
		out = append(out, "cache: the same call for "+patience(r.Cache.TTL))
	}
	if r.Sticky == alias.StickyOff {
		out = append(out, "drawn anew for each call")
	}
	if r.Privacy.Payload != "" {
		out = append(out, "kept at most: "+r.Privacy.Payload)
	}
	if r.Privacy.NoTraining {
		out = append(out, "only providers that leave API traffic out of training")
	}
	if r.DropUnsupported {
		out = append(out, dropping)
	}
	return out
}

// dropping is the line of a route that drops what a target cannot express.
const dropping = "unsupported: drop with a warning"

// patience is a span that somebody chose: 10 min, 20 s, 2.5 s.
func patience(d time.Duration) string {
	if d%time.Minute == 0 {
		return ui.SpanText(d)
	}
	return seconds(d) + " s"
}

// attempts is the budget of attempts as it counts.
func attempts(r alias.Route) int {
	if r.Attempts > 0 {
		return r.Attempts
	}
	return len(r.Targets) + len(r.Fallbacks) + 1
}

// what a version is, in a line: its author's words, or what it changed.
func what(v alias.Version, before *alias.Version) string {
	switch {
	case v.Message != "":
		return v.Message
	case before == nil && v.Number == 1:
		return "Created"
	case before == nil:
		return fmt.Sprintf("Version %d", v.Number)
	}
	one := func(r alias.Route) alias.File { return alias.File{Aliases: map[string]alias.Route{"": r}} }
	var says []string
	for _, c := range alias.Diff(one(before.Route), one(v.Route)) {
		says = append(says, c.Says...)
	}
	if len(says) == 0 {
		return "The same as before"
	}
	return strings.Join(says, ", ")
}
