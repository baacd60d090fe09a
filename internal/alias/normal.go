package alias

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Same reports whether two routes say the same.
func (r Route) Same(o Route) bool {
	if !r.Prompt.same(o.Prompt) {
		return false
	}
	r.Prompt, o.Prompt = nil, nil
	a, errA := json.Marshal(r.normal())
	b, errB := json.Marshal(o.normal())
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// normal makes routes that say the same equal: it trims what people type, and writes defaults out where they have a name.
func (r Route) normal() Route {
	r.Strategy, r.Targets = tiers(r.Strategy, r.Targets)
	r.Rules = emptied(r.Rules)
	for i, rule := range r.Rules {
		rule.Name, rule.If = strings.TrimSpace(rule.Name), strings.TrimSpace(rule.If)
		rule.Strategy, rule.Targets = tiers(rule.Strategy, rule.Targets)
		r.Rules[i] = rule
	}
	r.Fallbacks = emptied(r.Fallbacks)
	for i, f := range r.Fallbacks {
		f.Target, f.On = f.normal(), causes(f.On)
		f.Weight, f.Order = 0, 0 // fallbacks are tried in their order
		r.Fallbacks[i] = f
	}
	if r.Prompt != nil {
		use := *r.Prompt
		use.Name, use.Label = strings.TrimSpace(use.Name), strings.TrimSpace(use.Label)
		r.Prompt = &use
	}
	r.Retry.On = causes(r.Retry.On)
	if r.Cache.Mode == CacheOff {
		r.Cache.TTL = 0
	}
	if r.OnDisconnect == "" {
		r.OnDisconnect = Drain
	}
	return r
}

// tiers are targets and the strategy that holds for them. One that is not named is told by the weights.
func tiers(s Strategy, targets []Target) (Strategy, []Target) {
	out := make([]Target, len(targets))
	for i, t := range targets {
		out[i] = t.normal()
		if s == "" && t.Weight != 0 {
			s = Weighted
		}
	}
	if s == "" {
		s = Ordered
	}
	for i, t := range out {
		if s == Weighted && t.Weight == 0 {
			out[i].Weight = 1
		}
	}
	return s, out
}

func (t Target) normal() Target {
	t.Provider, t.Model = strings.TrimSpace(t.Provider), strings.TrimSpace(t.Model)
	return t
}

// causes are in the order of Causes, each once; nil where they are the usual ones.
func causes(on []Cause) []Cause {
	if len(on) == 0 {
		return nil
	}
	out := slices.Clone(on)
	slices.SortFunc(out, func(a, b Cause) int { return slices.Index(Causes, a) - slices.Index(Causes, b) })
	if out = slices.Compact(out); slices.Equal(out, usual) {
		return nil
	}
	return out
}

// emptied is a copy that is nil when it is empty.
func emptied[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return slices.Clone(s)
}
