// Package template is the language of prompts: text with holes for typed variables, conditions, loops and other prompts.
//
//	{{name}}  {{user.city}}  {{.}}             a value, escaped as the template says
//	{{name | xml}}  {{{name}}}                 … as the hole says; three braces and "| none": not at all
//	{{#if a and not b}}…{{else if n > 3}}…{{else}}…{{/if}}
//	{{#each items as item, i}}…{{else}}…{{/each}}
//	{{#name}}…{{/name}}  {{^name}}…{{/name}}   a section and its opposite, as in Mustache
//	{{> other}}  {{> other@3}}  {{> other:staging}}
//	{{! a comment }}  {{~ … ~}}  \{{           a comment, no space around, two braces that mean nothing
//
// Compile is strict: what is not declared, and what cannot be compared, is a Problem with its place. So Render can fail for one reason
// only, that the text grows beyond its bound: it calls nothing, reflects on nothing, and every loop runs over a value that the caller
// sent. What a variable holds is never read as a template.
package template

import (
	"cmp"
	"slices"

	"tollgate/internal/fault"
)

// The bounds of a template.
const (
	SourceMax = 256 << 10 // bytes of one template
	DepthMax  = 32        // blocks in one another
	NestMax   = 5         // prompts in one another
	OutputMax = 4 << 20   // bytes of what a template renders to
	stepsMax  = 1 << 20   // nodes visited while one is rendered
)

// ErrTooLong means that the text grew beyond OutputMax, or took too many steps.
var ErrTooLong = fault.New(fault.Invalid, "prompt.too_long", "With these variables the prompt grows beyond 4 MiB.")

// Escape is how a value is written into the text.
type Escape string

// The escapes.
const (
	None Escape = "none" // as it is
	XML  Escape = "xml"  // & < > " ' as entities, for prompts that mark their parts with tags
	JSON Escape = "json" // the inside of a JSON string
	Line Escape = "line" // on one line: control characters become spaces
)

// Escapes are all escapes.
var Escapes = []Escape{None, XML, JSON, Line}

// Problem is a mistake in a template.
type Problem struct {
	Line, Column int // from 1; Column counts characters
	Reason       string
}

// Template is compiled text. It is immutable and safe for use by many goroutines.
type Template struct {
	nodes []node
	uses  []string // declared variables, sorted
}

// Uses are the declared variables that the template mentions, its partials' included, sorted.
func (t *Template) Uses() []string { return t.uses }

// Options say what a template may use.
type Options struct {
	Variables []Variable
	Escape    Escape // of holes that say nothing; "": None
	// Partial gives another prompt's template, compiled with the same variables, or a reason why there is none. nil: there are none.
	Partial func(ref string) (t *Template, reason string)
}

// Compile reads a template. With problems, all of them in the order of their places, there is no template.
func Compile(text string, o Options) (*Template, []Problem) {
	c := &compiler{options: o, src: text, declared: make(map[string]Kind, len(o.Variables)), used: map[string]bool{}}
	for _, v := range o.Variables {
		c.declared[v.Name] = v.Kind
	}
	if len(text) > SourceMax {
		c.fail(0, "A template has at most 256 KiB.")
		return nil, c.problems
	}
	nodes := c.compile()
	if len(c.problems) > 0 {
		slices.SortStableFunc(c.problems, func(a, b Problem) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
		return nil, c.problems
	}
	t := &Template{nodes: nodes}
	for name := range c.used {
		t.uses = append(t.uses, name)
	}
	slices.Sort(t.uses)
	return t, nil
}
