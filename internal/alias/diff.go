package alias

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Change is what becomes of one task, one alias or "auto" from one file to another.
type Change struct {
	Kind  string   // Added, Removed or Changed
	Task  string   // or
	Alias string   // or, where both are empty, auto
	Says  []string // what it means, a line each: "openai/gpt-4o-mini: weight 30 → 50"
}

// The kinds of a change.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Subject is what the change is about: "task classification", "fast-classifier", "auto".
func (c Change) Subject() string {
	switch {
	case c.Task != "":
		return "task " + c.Task
	case c.Alias != "":
		return c.Alias
	}
	return "auto"
}

// Diff tells what another file changes: tasks first, then auto, then aliases, each by name.
func Diff(was, is File) []Change {
	was, is = was.Normal(), is.Normal()
	var out []Change
	for _, task := range slices.Sorted(maps.Keys(union(was.Tasks, is.Tasks))) {
		a, had := was.Tasks[task]
		b, has := is.Tasks[task]
		if had != has || a != b {
			out = append(out, Change{Kind: kind(had, has), Task: task, Says: []string{arrow(a, b)}})
		}
	}
	if was.Auto != is.Auto {
		out = append(out, Change{Kind: kind(was.Auto.On, is.Auto.On), Says: autoChange(was.Auto, is.Auto)})
	}
	for _, name := range slices.Sorted(maps.Keys(union(was.Aliases, is.Aliases))) {
		a, had := was.Aliases[name]
		b, has := is.Aliases[name]
		c := Change{Kind: kind(had, has), Alias: name}
		switch {
		case !had:
			c.Says = []string{"to " + places(b.Targets)}
		case !has:
			c.Says = []string{"went to " + places(a.Targets)}
		case a.Same(b):
			continue
		default:
			c.Says = routeChange(a, b)
		}
		out = append(out, c)
	}
	return out
}

// summary is a diff on one line, for a version that nobody described.
func summary(changes []Change) string {
	var parts []string
	for _, c := range changes {
		switch c.Kind {
		case Changed:
			parts = append(parts, c.Subject()+": "+strings.Join(c.Says, ", "))
		default:
			parts = append(parts, c.Subject()+" "+c.Kind)
		}
	}
	text := []rune(strings.Join(parts, "; "))
	if len(text) > messageRunesMax {
		text = append(text[:messageRunesMax-1], '…')
	}
	return string(text)
}

func union[V any](a, b map[string]V) map[string]V {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func kind(had, has bool) string {
	switch {
	case !had:
		return Added
	case !has:
		return Removed
	}
	return Changed
}

// arrow is "a → b", or the one that there is.
func arrow(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return a + " → " + b
}

func autoChange(a, b Auto) []string {
	if a.On != b.On {
		return []string{map[bool]string{true: "on", false: "off"}[b.On]}
	}
	var d difference
	d.value("classifier", a.Classifier, b.Classifier)
	d.value("default task", a.Default, b.Default)
	return d.says
}

// difference collects what is said about a change.
type difference struct{ says []string }

func (d *difference) add(format string, args ...any) {
	d.says = append(d.says, fmt.Sprintf(format, args...))
}

// value says that a value is another one; empty is "none".
func (d *difference) value(name, a, b string) {
	if a != b {
		d.add("%s %s → %s", name, or(a, "none"), or(b, "none"))
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func routeChange(a, b Route) []string {
	var d difference
	d.value("strategy", string(a.Strategy), string(b.Strategy))
	d.targets("", a.Targets, b.Targets, b.Strategy)
	d.rules(a.Rules, b.Rules)
	d.fallbacks(a.Fallbacks, b.Fallbacks)
	d.value("attempts at one target", count(a.Retry.Attempts), count(b.Retry.Attempts))
	d.value("retry on", on(a.Retry.On), on(b.Retry.On))
	d.value("attempts", count(a.Attempts), count(b.Attempts))
	d.value("sticky", or(a.Sticky, "on"), or(b.Sticky, "on"))
	d.value("time-out", span(a.deadline()), span(b.deadline()))
	d.value("time to connect", span(a.Connect), span(b.Connect))
	d.value("time to first byte", span(a.FirstByte), span(b.FirstByte))
	d.value("idle time", span(a.Idle), span(b.Idle))
	d.value("prompt", a.Prompt.text(), b.Prompt.text())
	d.settings("default", a.Parameters.Defaults, b.Parameters.Defaults)
	d.settings("cap of", a.Parameters.Caps, b.Parameters.Caps)
	d.settings("fixed", a.Parameters.Overrides, b.Parameters.Overrides)
	d.value("cache", cached(a.Cache), cached(b.Cache))
	d.value("kept of a call", or(a.Privacy.Payload, "what the key says"), or(b.Privacy.Payload, "what the key says"))
	d.value("providers that train", allowed(!a.Privacy.NoTraining), allowed(!b.Privacy.NoTraining))
	d.value("when the client has gone", a.OnDisconnect, b.OnDisconnect)
	d.value("calls with what a target cannot express", dropped(a), dropped(b))
	return d.says
}

func count(n int) string {
	if n == 0 {
		return "the default"
	}
	return fmt.Sprint(n)
}

func span(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return short(d)
}

func on(causes []Cause) string {
	if len(causes) == 0 {
		return "the usual causes"
	}
	return join(causes)
}

func join[T ~string](words []T) string {
	text := make([]string, len(words))
	for i, w := range words {
		text[i] = string(w)
	}
	return strings.Join(text, " + ")
}

func cached(c Cache) string {
	if c.Mode == CacheOff {
		return ""
	}
	return c.Mode + " " + short(c.TTL)
}

func allowed(yes bool) string {
	if yes {
		return "allowed"
	}
	return "passed over"
}

func dropped(r Route) string {
	if r.DropUnsupported {
		return "made without it"
	}
	return "refused"
}
