package aliasfile

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tollgate/internal/alias"
)

// Format writes a file in its canonical form: sorted, without what is the default. Parse reads the same file back, also one that breaks
// rules.
func Format(f alias.File) []byte {
	f = f.Normal()
	var w writer
	if len(f.Tasks) > 0 {
		w.line(0, "tasks:")
		for _, task := range slices.Sorted(maps.Keys(f.Tasks)) {
			w.line(1, scalar(task)+": "+scalar(f.Tasks[task]))
		}
	}
	if a := f.Auto; a.On {
		w.line(0, "auto: "+autoValue(a))
	}
	if len(f.Aliases) == 0 {
		w.line(0, "aliases: {}")
		return w.Bytes()
	}
	w.line(0, "aliases:")
	for _, name := range slices.Sorted(maps.Keys(f.Aliases)) {
		w.line(1, scalar(name)+":")
		w.route(f.Aliases[name])
	}
	return w.Bytes()
}

func autoValue(a alias.Auto) string {
	var m flow
	m.text("classifier", a.Classifier)
	m.text("default", a.Default)
	if len(m) == 0 {
		return "on"
	}
	return m.String()
}

// writer writes lines with an indent of two a level.
type writer struct{ bytes.Buffer }

func (w *writer) line(level int, text string) {
	w.WriteString(strings.Repeat("  ", level))
	w.WriteString(text)
	w.WriteByte('\n')
}

// key writes a key and its value, which is on the same line; an empty value is the default and left out.
func (w *writer) key(name, value string) {
	if value != "" {
		w.line(2, name+": "+value)
	}
}

func (w *writer) route(r alias.Route) {
	w.key("strategy", strategy(r.Strategy, r.Targets))
	if len(r.Rules) > 0 {
		w.line(2, "when:")
		for _, rule := range r.Rules {
			w.rule(rule)
		}
	}
	w.targets(2, "targets", entries(r.Targets, r.Strategy))
	fallbacks := make([]string, len(r.Fallbacks))
	for i, f := range r.Fallbacks {
		m := target(&f.Target, false)
		m.words("on", f.On)
		fallbacks[i] = m.String()
	}
	if len(fallbacks) > 0 {
		w.targets(2, "fallbacks", fallbacks)
	}
	var retry flow
	retry.count("attempts", r.Retry.Attempts)
	retry.words("on", r.Retry.On)
	w.key("retry", retry.orNothing())
	if r.Attempts != 0 {
		w.key("attempts", strconv.Itoa(r.Attempts))
	}
	w.key("timeouts", times(r))
	w.key("sticky", r.Sticky)
	if r.Prompt != nil {
		w.key("prompt", scalar(r.Prompt.String()))
	}
	w.settings(r.Parameters)
	var cache, privacy flow
	cache.text("mode", r.Cache.Mode)
	cache.duration("ttl", r.Cache.TTL)
	w.key("cache", cache.orNothing())
	privacy.text("payload", r.Privacy.Payload)
	privacy.flag("no_training", r.Privacy.NoTraining)
	w.key("privacy", privacy.orNothing())
	if r.OnDisconnect != alias.Drain {
		w.key("on_disconnect", scalar(r.OnDisconnect))
	}
	if r.DropUnsupported {
		w.key("drop_unsupported", "true")
	}
}

func (w *writer) rule(r alias.Rule) {
	lead := "- "
	key := func(name, value string) {
		if value != "" {
			w.line(3, lead+name+": "+value)
			lead = "  "
		}
	}
	if r.Name != "" {
		key("name", sentence(r.Name))
	}
	key("if", sentence(r.If))
	key("strategy", strategy(r.Strategy, r.Targets))
	uses := entries(r.Targets, r.Strategy)
	if len(uses) != 1 {
		w.targets(4, "use", uses)
		return
	}
	if t := r.Targets[0]; t == (alias.Target{Provider: t.Provider, Model: t.Model, Weight: t.Weight}) && t.Weight <= 1 {
		key("use", scalar(t.Provider+"/"+t.Model))
		return
	}
	key("use", uses[0])
}

// targets writes a list: a short one on the line, others an entry a line.
func (w *writer) targets(level int, name string, list []string) {
	if len(list) < 2 {
		w.line(level, name+": ["+strings.Join(list, ", ")+"]")
		return
	}
	w.line(level, name+":")
	for _, entry := range list {
		w.line(level+1, "- "+entry)
	}
}

// strategy is what has to be written: weights mean weighted, and nothing means ordered.
func strategy(s alias.Strategy, targets []alias.Target) string {
	implied := alias.Ordered
	if weighs(s, targets) {
		implied = alias.Weighted
	}
	if s == implied {
		return ""
	}
	return scalar(string(s))
}

// weighs reports whether weights are written. All the same weight of 1 says nothing.
func weighs(s alias.Strategy, targets []alias.Target) bool {
	return slices.ContainsFunc(targets, func(t alias.Target) bool { return t.Weight > 1 || t.Weight == 1 && s != alias.Weighted })
}

func entries(targets []alias.Target, s alias.Strategy) []string {
	out := make([]string, len(targets))
	for i, t := range targets {
		out[i] = target(&t, weighs(s, targets)).String()
	}
	return out
}

func target(t *alias.Target, weights bool) flow {
	var m flow
	m.add("model", scalar(t.Provider+"/"+t.Model))
	m.text("credential", string(t.Credential))
	if weights {
		m.count("weight", t.Weight)
	}
	m.count("order", t.Order)
	m.text("via", t.Via)
	m.flag("off", t.Off)
	return m
}

func times(r alias.Route) string {
	var m flow
	m.duration("connect", r.Connect)
	m.duration("first_token", r.FirstByte)
	m.duration("idle", r.Idle)
	m.duration("total", r.Timeout)
	return m.orNothing()
}

func (w *writer) settings(p alias.Parameters) {
	if p.Empty() {
		return
	}
	w.line(2, "parameters:")
	for _, set := range []struct {
		name string
		of   alias.Settings
	}{{"defaults", p.Defaults}, {"caps", p.Caps}, {"overrides", p.Overrides}} {
		var m flow
		if n := set.of.MaxTokens; n != nil {
			m.add("max_tokens", strconv.FormatInt(*n, 10))
		}
		m.number("temperature", set.of.Temperature)
		m.number("top_p", set.of.TopP)
		m.text("effort", set.of.Effort)
		if len(m) > 0 {
			w.line(3, set.name+": "+m.String())
		}
	}
}

// flow is a mapping on one line.
type flow []string

func (m flow) String() string { return "{" + strings.Join(m, ", ") + "}" }

func (m flow) orNothing() string {
	if len(m) == 0 {
		return ""
	}
	return m.String()
}

func (m *flow) add(name, value string) { *m = append(*m, name+": "+value) }

func (m *flow) text(name, value string) {
	if value != "" {
		m.add(name, scalar(value))
	}
}

func (m *flow) count(name string, n int) {
	if n != 0 {
		m.add(name, strconv.Itoa(n))
	}
}

func (m *flow) flag(name string, yes bool) {
	if yes {
		m.add(name, "true")
	}
}

func (m *flow) duration(name string, d time.Duration) {
	if d != 0 {
		m.add(name, span(d))
	}
}

func (m *flow) number(name string, x *float64) {
	if x != nil {
		m.add(name, strconv.FormatFloat(*x, 'f', -1, 64))
	}
}

func (m *flow) words(name string, causes []alias.Cause) {
	if len(causes) == 0 {
		return
	}
	text := make([]string, len(causes))
	for i, c := range causes {
		text[i] = scalar(string(c))
	}
	m.add(name, "["+strings.Join(text, ", ")+"]")
}

// span writes a duration as people do: 10m, not 10m0s.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

var plainForm = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_.@+-]*|[A-Za-z0-9_.@+-]*[A-Za-z0-9_]/[A-Za-z0-9_./@+-]*)(:[A-Za-z0-9_./@+-]+)*$`)

// typed are words that YAML, of one age or another, takes for something else than a text.
var typed = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// sentenceForm is what needs no quotes where a text has the rest of the line.
var sentenceForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_ .,"'<>=&|()\[\]+*/%!?-]*[A-Za-z0-9_")\]]$`)

// sentence is scalar for a text that stands alone behind its key.
func sentence(s string) string {
	if sentenceForm.MatchString(s) && !slices.Contains(typed, strings.ToLower(s)) {
		return s
	}
	return scalar(s)
}

// scalar writes a text so that it is read back as the same text.
func scalar(s string) string {
	if plainForm.MatchString(s) && !slices.Contains(typed, strings.ToLower(s)) {
		return s
	}
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b) // what JSON quotes, YAML reads
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // cannot be: texts encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}
