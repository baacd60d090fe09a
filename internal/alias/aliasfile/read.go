package aliasfile

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"tollgate/internal/alias"
	"tollgate/internal/alias/spell"
	"tollgate/internal/id"
)

// durationForm is what a time looks like; the schema says the same.
var durationForm = regexp.MustCompile(`^([0-9]{1,9}(\.[0-9]{1,3})?(ms|s|m|h)){1,4}$`)

func (r *reader) file(s spot) alias.File {
	f := alias.File{Tasks: map[string]string{}, Aliases: map[string]alias.Route{}}
	s.mark()
	s.fields(map[string]func(spot){
		"tasks": func(s spot) {
			s.entries(func(task string, v spot) { f.Tasks[task] = v.text() })
		},
		"auto": func(s spot) { f.Auto = auto(s) },
		"aliases": func(s spot) {
			s.entries(func(name string, v spot) { f.Aliases[name] = route(v) })
		},
	})
	return f
}

func auto(s spot) (a alias.Auto) {
	if s.node.Kind != yaml.MappingNode {
		on, ok := s.onOff()
		if !ok {
			s.refuse("auto is on, off, or says classifier and default.")
		}
		a.On = on
		return a
	}
	a.On = true
	s.fields(map[string]func(spot){
		"classifier": func(s spot) { a.Classifier = s.word() },
		"default":    func(s spot) { a.Default = s.word() },
	})
	return a
}

func route(s spot) (r alias.Route) {
	named := func(v spot, name string) spot { return v.as(append(append([]string{}, s.api...), name)...) }
	s.fields(map[string]func(spot){
		"strategy":         func(v spot) { r.Strategy = alias.Strategy(v.word()) },
		"targets":          func(v spot) { r.Targets = targets(v) },
		"when":             func(v spot) { r.Rules = rules(named(v, "rules")) },
		"fallbacks":        func(v spot) { r.Fallbacks = fallbacks(v) },
		"retry":            func(v spot) { r.Retry = retry(v) },
		"attempts":         func(v spot) { r.Attempts = attempts(v) },
		"timeouts":         func(v spot) { timeouts(v, named, &r) },
		"sticky":           func(v spot) { r.Sticky = sticky(v) },
		"prompt":           func(v spot) { r.Prompt = prompt(v) },
		"parameters":       func(v spot) { r.Parameters = parameters(v) },
		"cache":            func(v spot) { r.Cache = cache(v) },
		"privacy":          func(v spot) { r.Privacy = privacy(v) },
		"on_disconnect":    func(v spot) { r.OnDisconnect = v.word() },
		"drop_unsupported": func(v spot) { r.DropUnsupported = v.flag() },
	})
	return r
}

func prompt(s spot) *alias.Prompt {
	text := s.word()
	if text == "" {
		return nil
	}
	p, ok := alias.ParsePrompt(text)
	if !ok {
		s.refuse("Write the prompt's name, and @ with a version or : with a label behind it: support/greeting:production.")
		return nil
	}
	return &p
}

func attempts(s spot) int { return s.within(1, 10, "Attempts are a whole number between 1 and 10.") }

func targets(s spot) (out []alias.Target) {
	s.itemsOrOne(func(v spot) { out = append(out, readTarget(v, nil)) })
	return out
}

// readTarget reads a model's name, or a model with what is said about it. more are keys beside those of every target.
func readTarget(s spot, more map[string]func(spot)) (t alias.Target) {
	model := func(v spot) {
		name := v.text()
		v.as(append(append([]string{}, s.api...), "provider")...)
		v.as(append(append([]string{}, s.api...), "model")...)
		var ok bool
		if t.Provider, t.Model, ok = strings.Cut(name, "/"); !ok && name != "" {
			v.refuse("Write the model as provider/model, such as openai/%s.", spell.Clip(name))
		}
	}
	if s.node.Kind == yaml.ScalarNode {
		model(s)
		return t
	}
	known := map[string]func(spot){
		"model":      model,
		"credential": func(v spot) { t.Credential = id.Credential(v.word()) },
		"via":        func(v spot) { t.Via = v.word() },
		"off":        func(v spot) { t.Off = v.flag() },
	}
	if more == nil {
		known["weight"] = func(v spot) {
			t.Weight = v.within(1, 1000, "A weight is a whole number between 1 and 1000. To send a target no calls, write off: true.")
		}
		known["order"] = func(v spot) {
			t.Order = v.within(0, 100, "An order is a whole number between 0 and 100; targets with a lower one are tried first.")
		}
	}
	for name, read := range more {
		known[name] = read
	}
	s.fields(known)
	if s.node.Kind == yaml.MappingNode && s.keyNode("model") == s.node {
		s.refuse("A target needs a model: provider/model.")
	}
	return t
}

func fallbacks(s spot) (out []alias.Fallback) {
	s.itemsOrOne(func(v spot) {
		var f alias.Fallback
		f.Target = readTarget(v, map[string]func(spot){"on": func(v spot) { f.On = causes(v) }})
		out = append(out, f)
	})
	return out
}

func causes(s spot) (out []alias.Cause) {
	for _, c := range s.texts() {
		out = append(out, alias.Cause(c))
	}
	if s.node.Kind == yaml.SequenceNode && len(out) == 0 {
		s.refuse("Name at least one cause, or leave on out for the usual ones.")
	}
	return out
}

func retry(s spot) (r alias.Retry) {
	s.fields(map[string]func(spot){
		"attempts": func(v spot) { r.Attempts = attempts(v) },
		"on":       func(v spot) { r.On = causes(v) },
	})
	return r
}

func timeouts(s spot, named func(spot, string) spot, r *alias.Route) {
	s.fields(map[string]func(spot){
		"connect":     func(v spot) { r.Connect = named(v, "connect_ms").duration() },
		"first_token": func(v spot) { r.FirstByte = named(v, "first_byte_ms").duration() },
		"idle":        func(v spot) { r.Idle = named(v, "idle_ms").duration() },
		"total":       func(v spot) { r.Timeout = named(v, "timeout_ms").duration() },
	})
}

func sticky(s spot) string {
	on, ok := s.onOff()
	if !ok {
		s.refuse("sticky is on or off.")
	}
	if ok && !on {
		return alias.StickyOff
	}
	return ""
}

func parameters(s spot) (p alias.Parameters) {
	s.fields(map[string]func(spot){
		"defaults":  func(v spot) { p.Defaults = settings(v) },
		"caps":      func(v spot) { p.Caps = settings(v) },
		"overrides": func(v spot) { p.Overrides = settings(v) },
	})
	return p
}

func settings(s spot) (x alias.Settings) {
	s.fields(map[string]func(spot){
		"max_tokens":  func(v spot) { n, _ := v.integer(); x.MaxTokens = &n },
		"temperature": func(v spot) { n := v.number(); x.Temperature = &n },
		"top_p":       func(v spot) { n := v.number(); x.TopP = &n },
		"effort":      func(v spot) { x.Effort = v.word() },
	})
	return x
}

func cache(s spot) (c alias.Cache) {
	if s.node.Kind == yaml.ScalarNode {
		if on, ok := s.onOff(); !ok || on {
			s.refuse("cache is off, or says mode and ttl: {mode: exact, ttl: 10m}.")
		}
		return c
	}
	c.Mode = alias.CacheExact
	s.fields(map[string]func(spot){
		"mode": func(v spot) { c.Mode = v.word() },
		"ttl":  func(v spot) { c.TTL = v.as(append(append([]string{}, s.api...), "ttl_ms")...).duration() },
	})
	return c
}

func privacy(s spot) (p alias.Privacy) {
	s.fields(map[string]func(spot){
		"payload":     func(v spot) { p.Payload = v.word() },
		"no_training": func(v spot) { p.NoTraining = v.flag() },
	})
	return p
}

// quoted writes a text as conditions do.
func quoted(s string) string { return strconv.Quote(s) }
