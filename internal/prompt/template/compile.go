package template

import (
	"fmt"
	"slices"
	"strings"

	"tollgate/internal/fault"
)

// node is a part of a template. A text has text; a hole has expr and escape; a condition has branches; a loop has expr, body and none; a
// section is a loop over a list and a condition on anything else; a partial has part.
type node struct {
	kind   byte // 't' text, 'h' hole, 'i' if, 'e' each, 's' section, 'p' partial
	text   string
	expr   *expr
	escape Escape
	body   []node
	none   []node // else
	part   *Template
}

type compiler struct {
	options  Options
	src      string
	declared map[string]Kind
	used     map[string]bool
	problems []Problem
	loops    []loop // open ones, from the outermost
	tags     []tag
	depth    int
	deep     bool // nested too deeply: what else is wrong would be guesswork
}

// loop is an open loop, which gives two slots: the element, and its number from 0.
type loop struct{ item, index string }

func (c *compiler) fail(at int, format string, args ...any) {
	if c.deep {
		return
	}
	line, column := place(c.src, at)
	c.problems = append(c.problems, Problem{Line: line, Column: column, Reason: fmt.Sprintf(format, args...)})
}

func (c *compiler) compile() []node {
	c.tags = c.lex()
	if len(c.problems) > 0 {
		return nil
	}
	nodes, last := c.block()
	if last != nil && !c.deep {
		c.fail(last.at, "{{%s}} closes nothing.", fault.Clip(strings.TrimSpace(last.text)))
	}
	return nodes
}

// block reads up to the tag that ends it, which it gives; nil at the end of the source.
func (c *compiler) block() ([]node, *tag) {
	var out []node
	for len(c.tags) > 0 {
		t := c.tags[0]
		c.tags = c.tags[1:]
		if !t.tag {
			if t.text != "" {
				out = append(out, node{kind: 't', text: t.text})
			}
			continue
		}
		s := strings.TrimSpace(t.text)
		if !t.raw && (strings.HasPrefix(s, "/") || s == "else" || strings.HasPrefix(s, "else ")) {
			return out, &t
		}
		if n, ok := c.node(t, s); ok {
			out = append(out, n)
		}
	}
	return out, nil
}

func (c *compiler) node(t tag, s string) (node, bool) {
	at := t.at + strings.Index(t.text, s)
	switch {
	case s == "":
		c.fail(t.at, "This tag is empty.")
		return node{}, false
	case t.raw:
		return c.hole(s, at, None)
	case s[0] == '!':
		return node{}, false
	case s[0] == '>':
		return c.partial(strings.TrimSpace(s[1:]), at)
	case s[0] == '#' || s[0] == '^':
		return c.opened(t, s, at)
	case s[0] == '&':
		return c.hole(s[1:], at+1, None)
	}
	return c.hole(s, at, c.options.Escape)
}

// hole reads a value with its escape.
func (c *compiler) hole(s string, at int, escape Escape) (node, bool) {
	tokens, ok := c.scan(s, at)
	if !ok {
		return node{}, false
	}
	r := &reader{c: c, tokens: tokens}
	e := r.operand()
	if e.op != "path" && !r.failed {
		r.fail(tokens[0].at, "A hole holds a variable.")
	}
	if r.take("|") {
		word := r.next()
		if escape = Escape(word.text); !slices.Contains(Escapes, escape) {
			r.fail(word.at, "%q is no way to escape: write none, xml, json or line.", fault.Clip(word.text))
		}
	}
	r.done()
	return node{kind: 'h', expr: e, escape: escape}, !r.failed
}

func (r *reader) done() {
	if t := r.peek(); t.kind != 0 {
		r.fail(t.at, "%q was not expected here.", fault.Clip(t.text))
	}
}

func (c *compiler) partial(ref string, at int) (node, bool) {
	if c.options.Partial == nil {
		c.fail(at, "Other prompts cannot stand here.")
		return node{}, false
	}
	part, reason := c.options.Partial(ref)
	if part == nil {
		c.fail(at, "%s", reason)
		return node{}, false
	}
	for _, name := range part.uses {
		if _, ok := c.declared[name]; !ok {
			c.fail(at, "The prompt %s needs the variable %q, which is not declared here.", fault.Clip(ref), name)
		}
		c.used[name] = true
	}
	return node{kind: 'p', part: part}, true
}

// enter goes one block deeper.
func (c *compiler) enter(at int) bool {
	if c.depth++; c.depth <= DepthMax {
		return true
	}
	c.fail(at, "Blocks are nested too deeply: at most %d.", DepthMax)
	c.tags, c.deep = nil, true
	return false
}

// opened reads a block from its first tag to its last.
func (c *compiler) opened(t tag, s string, at int) (node, bool) {
	if !c.enter(at) {
		return node{}, false
	}
	defer func() { c.depth-- }()
	word, rest, _ := strings.Cut(s[1:], " ")
	from := at + 1 + len(word)
	switch {
	case s[0] == '#' && word == "if":
		return c.condition(t, rest, from+1)
	case s[0] == '#' && word == "each":
		return c.each(t, rest, from+1)
	}
	return c.section(t, s, at)
}

func (c *compiler) expression(s string, at int) *expr {
	tokens, ok := c.scan(s, at)
	if !ok {
		return nil
	}
	r := &reader{c: c, tokens: tokens}
	e := r.or()
	r.done()
	return e
}

func (c *compiler) condition(open tag, s string, at int) (node, bool) {
	n := node{kind: 'i', expr: c.expression(s, at)}
	var last *tag
	n.body, last = c.block()
	word, rest := "", ""
	if last != nil {
		word = strings.TrimSpace(last.text)
		rest = strings.TrimSpace(strings.TrimPrefix(word, "else"))
	}
	switch {
	case last == nil:
		c.fail(open.at, "{{#if}} has no {{/if}}.")
	case word == "/if":
	case word == "else":
		n.none, last = c.block()
		c.closed(open, last, "if")
	case strings.HasPrefix(word, "else") && strings.HasPrefix(rest, "if "):
		if !c.enter(last.at) {
			return node{}, false
		}
		inner, ok := c.condition(open, rest[3:], last.at+strings.Index(last.text, rest)+3)
		c.depth--
		if ok {
			n.none = []node{inner}
		}
	default:
		c.closed(open, last, "if")
	}
	return n, true
}

// closed reports a block that is closed by another tag than its own.
func (c *compiler) closed(open tag, last *tag, word string) {
	switch {
	case last == nil:
		c.fail(open.at, "{{#%s}} has no {{/%s}}.", word, word)
	case strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(last.text), "/")) != word || !strings.HasPrefix(strings.TrimSpace(last.text), "/"):
		c.fail(last.at, "{{%s}} stands where {{/%s}} should.", fault.Clip(strings.TrimSpace(last.text)), word)
	}
}

func (c *compiler) each(open tag, s string, at int) (node, bool) {
	list, names, named := strings.Cut(s, " as ")
	l := loop{item: "this"}
	if named {
		item, index, _ := strings.Cut(names, ",")
		l.item, l.index = strings.TrimSpace(item), strings.TrimSpace(index)
		for _, name := range []string{l.item, l.index} {
			if name == "" && strings.Contains(names, ",") || name != "" && (!nameForm.MatchString(name) || slices.Contains(reserved, name)) {
				c.fail(at+len(list)+4, "%q cannot be the name of what a loop gives.", fault.Clip(name))
			}
		}
	}
	e := c.expression(list, at)
	if e != nil && e.op != "path" {
		c.fail(at, "A loop runs over a list.")
	} else if e != nil && !c.may(e, List) {
		c.fail(at, "A loop runs over a list, and %q is none.", e.path.name)
	}
	n := node{kind: 'e', expr: e}
	var last *tag
	c.loops = append(c.loops, l)
	n.body, last = c.block()
	c.loops = c.loops[:len(c.loops)-1]
	if last != nil && strings.TrimSpace(last.text) == "else" {
		n.none, last = c.block()
	}
	c.closed(open, last, "each")
	return n, true
}

// section is Mustache's: over each element of a list, or once where the value counts as true; ^ where there is none.
func (c *compiler) section(open tag, s string, at int) (node, bool) {
	name := strings.TrimSpace(s[1:])
	e := c.expression(name, at+1)
	if e != nil && e.op != "path" {
		c.fail(at+1, "A section names a variable. Conditions are written {{#if …}}.")
	}
	n := node{kind: 's', expr: e}
	var last *tag
	if s[0] == '^' {
		n.kind = 'i'
		n.none, last = c.block()
	} else {
		c.loops = append(c.loops, loop{item: "this"})
		n.body, last = c.block()
		c.loops = c.loops[:len(c.loops)-1]
	}
	c.closed(open, last, name)
	return n, true
}
