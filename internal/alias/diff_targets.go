package alias

import (
	"fmt"
	"slices"
)

// Name is the target as people write it: "openai/gpt-4o-mini", with what sets it apart from others of the model.
func (t Target) Name() string {
	name := t.Provider + "/" + t.Model
	if t.Credential != "" {
		name += " by " + string(t.Credential)
	}
	if t.Via != "" {
		name += " via " + t.Via
	}
	return name
}

func places(targets []Target) string {
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.Name()
	}
	return join(names)
}

// targets says what becomes of each target. under is put before each line; s is the strategy that holds from now on.
func (d *difference) targets(under string, a, b []Target, s Strategy) {
	find := func(in []Target, t Target) int {
		return slices.IndexFunc(in, func(o Target) bool { return o.place() == t.place() })
	}
	var was, is []string // those that stay
	for _, t := range a {
		if find(b, t) < 0 {
			d.add("%starget %s removed", under, t.Name())
		} else {
			was = append(was, t.Name())
		}
	}
	for _, t := range b {
		i := find(a, t)
		if i < 0 {
			d.add("%starget %s added%s", under, t.Name(), weight(t, s))
			continue
		}
		is = append(is, t.Name())
		var of difference
		if s == Weighted {
			of.value("weight", fmt.Sprint(a[i].Share()), fmt.Sprint(t.Share()))
		}
		of.value("order", fmt.Sprint(a[i].Order), fmt.Sprint(t.Order))
		of.value("is", state(a[i]), state(t))
		for _, line := range of.says {
			d.add("%s%s: %s", under, t.Name(), line)
		}
	}
	if !slices.Equal(was, is) {
		d.add("%stargets in another order: %s", under, join(is))
	}
}

func weight(t Target, s Strategy) string {
	if s != Weighted {
		return ""
	}
	return fmt.Sprintf(" with weight %d", t.Share())
}

func state(t Target) string {
	if t.Off {
		return "off"
	}
	return "on"
}

func (d *difference) rules(a, b []Rule) {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			d.add("%s added: if %s to %s", ruleName(b[i], i), b[i].If, places(b[i].Targets))
		case i >= len(b):
			d.add("%s removed", ruleName(a[i], i))
		default:
			under := ruleName(b[i], i)
			d.value(under+" is called", a[i].Name, b[i].Name)
			d.value(under+" if", a[i].If, b[i].If)
			d.value(under+" strategy", string(a[i].Strategy), string(b[i].Strategy))
			d.targets(under+" ", a[i].Targets, b[i].Targets, b[i].Strategy)
		}
	}
}

func ruleName(r Rule, i int) string {
	if r.Name != "" {
		return fmt.Sprintf("rule %d (%s)", i+1, r.Name)
	}
	return fmt.Sprintf("rule %d", i+1)
}

func (d *difference) fallbacks(a, b []Fallback) {
	var was, is []Target
	for _, f := range a {
		was = append(was, f.Target)
	}
	for _, f := range b {
		is = append(is, f.Target)
	}
	var of difference
	of.targets("", was, is, Ordered)
	for _, line := range of.says {
		d.add("fallbacks: %s", line)
	}
	for _, f := range b {
		if i := slices.IndexFunc(a, func(o Fallback) bool { return o.place() == f.place() }); i >= 0 {
			d.value("fallback "+f.Name()+" on", on(a[i].On), on(f.On))
		}
	}
}

func (d *difference) settings(what string, a, b Settings) {
	d.value(what+" max_tokens", number(a.MaxTokens), number(b.MaxTokens))
	d.value(what+" temperature", number(a.Temperature), number(b.Temperature))
	d.value(what+" top_p", number(a.TopP), number(b.TopP))
	d.value(what+" effort", a.Effort, b.Effort)
}

func number[N int64 | float64](n *N) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}
