package aliasfile

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"tollgate/internal/alias"
	"tollgate/internal/alias/condition"
)

func rules(s spot) (out []alias.Rule) {
	s.items(func(v spot) { out = append(out, rule(v)) })
	return out
}

// rule reads a condition and where its calls go. The shorthands become parts of the condition: all of them must hold.
func rule(s spot) (r alias.Rule) {
	var cond conjunction
	below := func(name ...string) []string { return append(append([]string{}, s.api...), name...) }
	at := s // where the condition stands
	s.fields(map[string]func(spot){
		"name":     func(v spot) { r.Name = v.text() },
		"strategy": func(v spot) { r.Strategy = alias.Strategy(v.word()) },
		"use":      func(v spot) { r.Targets = targets(v.as(below("targets")...)) },
		"if":       func(v spot) { at, cond.written = v, v.text() },

		"environment": func(v spot) { cond.is("environment", v) },
		"task":        func(v spot) { cond.is("task", v) },
		"tag": func(v spot) {
			v.entries(func(name string, v spot) { cond.is("tag("+quoted(name)+")", v) })
		},
		"input_over": func(v spot) {
			if n, _ := v.integer(); n < 0 {
				v.refuse("A number of tokens is not below 0.")
			} else {
				cond.also = append(cond.also, fmt.Sprintf("input_tokens > %d", n))
			}
		},
	})
	if s.node.Kind == yaml.MappingNode {
		if s.keyNode("use") == s.node {
			s.refuse("A rule says where its calls go: use: provider/model.")
		}
		if at.node == s.node && len(cond.also) == 0 {
			s.refuse("A rule says when it holds: if, environment, task, tag or input_over.")
		}
	}
	r.If = cond.text()
	at.as(below("if")...)
	return r
}

// conjunction puts a condition together.
type conjunction struct {
	written string
	also    []string
}

// is demands that a fact is a text, or one of several.
func (c *conjunction) is(fact string, s spot) {
	values := s.texts()
	for i, v := range values {
		values[i] = quoted(v)
	}
	switch len(values) {
	case 0:
		s.refuse("Name at least one.")
	case 1:
		c.also = append(c.also, fact+" == "+values[0])
	default:
		c.also = append(c.also, fact+" in ["+strings.Join(values, ", ")+"]")
	}
}

// text is the whole condition.
func (c *conjunction) text() string {
	if len(c.also) == 0 {
		return c.written
	}
	also := strings.Join(c.also, " && ")
	switch {
	case strings.TrimSpace(c.written) == "":
		return also
	case condition.Check(c.written) != nil: // what is wrong with it is told by the file's own check; nothing may hide it
		return c.written
	case strings.Contains(c.written, "//"): // a comment, perhaps: it ends with the line
		return "(" + c.written + "\n) && " + also
	}
	return "(" + c.written + ") && " + also
}
