// Package aliastest makes random routing files for property tests.
package aliastest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/id"
)

// Maker makes valid files out of a source of chance.
type Maker struct {
	*rand.Rand
	Models      []string                   // provider/model, as targets name them; at least one
	Credentials map[id.Credential]string   // that targets may name, with their providers; may be empty
	Conditions  []string                   // that rules may have; empty: a few of our own
	Split       func(string) (p, m string) // provider and model of one of Models
	Prompts     []alias.Prompt             // that routes may have; may be empty
}

var conditions = []string{
	"true", "false", "input_tokens > 60000", `environment == "production"`, `tag("tier") in ["gold", "silver"] && !tools`,
	"hour(\"Europe/Berlin\") >= 9 &&\n  weekday < 6", `task != "classification" || images`, `key_name.startsWith("ci-")`, `end_user == "it's \"me\" #1: ü"`,
}

// File is a valid file with up to six aliases.
func (m Maker) File() alias.File {
	f := alias.File{Tasks: map[string]string{}, Aliases: map[string]alias.Route{}}
	var names []string
	for range 1 + m.IntN(6) {
		name := []string{"fast", "smart.v2", "coder", "bulk_2", "123", "true", "null", "off", "1.5", "2030-01-01", "0x1f", "yes", "a-b"}[m.IntN(13)]
		if _, ok := f.Aliases[name]; !ok {
			names = append(names, name)
		}
		f.Aliases[name] = m.Route()
	}
	var tasks []string
	for range m.IntN(5) {
		task := []string{"classification", "code-generation", "retrieval", "batch_processing", "7", "no", "null"}[m.IntN(7)]
		f.Tasks[task] = names[m.IntN(len(names))]
		tasks = append(tasks, task)
	}
	if m.yes() {
		f.Auto.On = true
		if m.yes() {
			f.Auto.Classifier = names[m.IntN(len(names))]
		}
		if m.yes() && len(tasks) > 0 {
			f.Auto.Default = tasks[m.IntN(len(tasks))]
		}
	}
	return f
}

func (m Maker) yes() bool { return m.IntN(2) == 0 }

// one runs f one time in n.
func (m Maker) one(n int, f func()) {
	if m.IntN(n) == 0 {
		f()
	}
}

// Route is a valid route.
func (m Maker) Route() alias.Route {
	r := alias.Route{Strategy: m.strategy(), Targets: m.targets(4, true)}
	for range m.IntN(4) {
		rule := alias.Rule{If: m.condition(), Strategy: m.strategy(), Targets: m.targets(3, true)}
		m.one(2, func() { rule.Name = fmt.Sprintf("rule: #%d, it's long", m.IntN(9)) })
		r.Rules = append(r.Rules, rule)
	}
	for _, t := range m.targets(3, false) {
		m.one(2, func() { r.Fallbacks = append(r.Fallbacks, alias.Fallback{Target: t, On: m.causes()}) })
	}
	m.one(3, func() { r.Retry = alias.Retry{Attempts: m.IntN(5), On: m.causes()} })
	m.one(3, func() { r.Attempts = m.IntN(11) })
	m.one(3, func() { r.Sticky = alias.StickyOff })
	m.one(3, func() {
		r.Timeout = time.Duration(10_000+m.IntN(1_000_000)) * time.Millisecond
		r.FirstByte = time.Duration(100+m.IntN(9_000)) * time.Millisecond
	})
	m.one(4, func() { r.Connect, r.Idle = 1500*time.Millisecond, 10*time.Second })
	m.one(3, func() { r.Parameters = m.parameters() })
	m.one(3, func() {
		if len(m.Prompts) > 0 {
			use := m.Prompts[m.IntN(len(m.Prompts))]
			r.Prompt = &use
		}
	})
	m.one(4, func() {
		r.Cache = alias.Cache{Mode: alias.CacheExact, TTL: time.Duration(1+m.IntN(86_400)) * time.Second}
	})
	m.one(4, func() {
		r.Privacy = alias.Privacy{Payload: []string{"", "none", "metadata", "full"}[m.IntN(4)], NoTraining: m.yes()}
	})
	m.one(4, func() { r.OnDisconnect = []string{alias.Drain, alias.Abort}[m.IntN(2)] })
	r.DropUnsupported = m.IntN(4) == 0
	return r
}

func (m Maker) strategy() alias.Strategy {
	return append([]alias.Strategy{"", ""}, alias.Strategies...)[m.IntN(2+len(alias.Strategies))]
}

func (m Maker) condition() string {
	if len(m.Conditions) > 0 {
		return m.Conditions[m.IntN(len(m.Conditions))]
	}
	return conditions[m.IntN(len(conditions))]
}

func (m Maker) causes() (out []alias.Cause) {
	for range m.IntN(4) {
		out = append(out, alias.Causes[m.IntN(len(alias.Causes))])
	}
	return out
}

// targets are up to most different ones, at least one of them on.
func (m Maker) targets(most int, batch bool) []alias.Target {
	var out []alias.Target
	for _, i := range m.Perm(len(m.Models))[:min(1+m.IntN(most), len(m.Models))] {
		var t alias.Target
		t.Provider, t.Model = m.Split(m.Models[i])
		for c, of := range m.Credentials {
			m.one(3, func() {
				if of == t.Provider {
					t.Credential = c
				}
			})
		}
		m.one(2, func() { t.Weight = m.IntN(1001) })
		m.one(3, func() { t.Order = m.IntN(3) })
		if batch {
			m.one(8, func() { t.Via = alias.ViaBatch })
		}
		t.Off = len(out) > 0 && m.IntN(5) == 0
		out = append(out, t)
	}
	return out
}

func (m Maker) parameters() (p alias.Parameters) {
	tokens, cap := int64(1+m.IntN(1000)), int64(1000+m.IntN(1000))
	warm, top := float64(m.IntN(100))/100, 0.25
	m.one(2, func() { p.Defaults = alias.Settings{MaxTokens: &tokens, Temperature: &warm} })
	m.one(2, func() { p.Caps.MaxTokens = &cap })
	m.one(2, func() { p.Overrides = alias.Settings{TopP: &top, Effort: alias.Efforts[m.IntN(len(alias.Efforts))]} })
	return p
}
