// Package aliasfile reads and writes the routing file as people keep it: YAML.
//
// Reading never stops at the first mistake: it tells all of them, each with its line, its column, its path and what to do. Writing is
// canonical: files that say the same are the same bytes, sorted, without what is the default.
package aliasfile

import (
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tollgate/internal/alias"
	"tollgate/internal/alias/condition"
)

// BytesMax bounds a file.
const BytesMax = 1 << 20

// problemsMax bounds what is told of one file.
const problemsMax = 100

// Problem is one reason why a text is refused.
type Problem struct {
	Line, Column int    // from 1; 0: of the whole file
	Path         string // "aliases.fast-classifier.targets[0].model"; "": the whole file
	Reason       string // a sentence that says what to do
}

// Document is a text that was read.
type Document struct {
	File alias.File
	Text string // without the number of a version before it

	marks map[string]mark // by the API's path
	lines []string
}

// mark is where in the text something stands.
type mark struct {
	node *yaml.Node
	path string // as a person writes it
}

// Parse reads a text. With problems the document is what could be read, and is not fit to be applied. What else is wrong with the file
// (models, conditions, names) is asked by File.Problems; Locate finds it in the text.
func Parse(text []byte) (*Document, []Problem) {
	d := &Document{Text: Unstamped(string(text)), marks: map[string]mark{}, lines: strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text)), "\n")}
	root, problem := load(text)
	if problem != nil {
		return d, []Problem{*problem}
	}
	r := &reader{doc: d}
	d.File = r.file(spot{r: r, node: root})
	slices.SortStableFunc(r.problems, before)
	return d, r.problems
}

// load makes the tree of a text with one document.
func load(text []byte) (*yaml.Node, *Problem) {
	if len(text) > BytesMax {
		return nil, &Problem{Reason: "The file is larger than 1 MiB."}
	}
	loader, err := yaml.NewLoader(strings.NewReader(string(text)))
	if err != nil {
		return nil, broken(err)
	}
	var first, second yaml.Node
	if err := loader.Load(&first); errors.Is(err, io.EOF) || err == nil && empty(&first) {
		return nil, &Problem{Line: 1, Column: 1, Reason: "The file is empty. To remove every alias, write aliases: {}."}
	} else if err != nil {
		return nil, broken(err)
	}
	if err := loader.Load(&second); err == nil {
		return nil, &Problem{Line: max(second.Line, 1), Column: max(second.Column, 1), Reason: "A routing file is one document. Remove what stands behind --- or ... ."}
	} else if !errors.Is(err, io.EOF) {
		return nil, broken(err)
	}
	return first.Content[0], nil
}

func empty(n *yaml.Node) bool {
	return len(n.Content) == 0 || n.Content[0].ShortTag() == "!!null"
}

// broken says what is wrong with a text that is no YAML.
func broken(err error) *Problem {
	p := &Problem{Line: 1, Column: 1, Reason: "This is not YAML."}
	var e *yaml.LoadError
	if errors.As(err, &e) {
		p.Line, p.Column = max(e.Mark.Line, 1), max(e.Mark.Column, 1)
		p.Reason = "This is not YAML: " + e.Message + "."
		if strings.Contains(e.Message, "cannot start any token") {
			p.Reason += " Indent with spaces, not with tabs."
		}
	}
	return p
}

// Problems are what Parse found and what is wrong with the file besides, without what only follows from the former.
func (d *Document) Problems(read []Problem, found []alias.Problem) []Problem {
	out := slices.Clone(read)
	for _, p := range d.Locate(found) {
		if !slices.ContainsFunc(read, func(r Problem) bool { return r.Path == p.Path }) {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, before)
	return out[:min(len(out), problemsMax)]
}

// Locate gives the problems of the document's file their places in its text.
func (d *Document) Locate(found []alias.Problem) []Problem {
	out := make([]Problem, len(found))
	for i, p := range found {
		out[i] = d.locate(p)
	}
	slices.SortStableFunc(out, before)
	return out
}

func (d *Document) locate(p alias.Problem) Problem {
	out := Problem{Path: p.Field(), Reason: p.Reason}
	for n := len(p.Path); n >= 0; n-- {
		m, ok := d.marks[key(p.Path[:n])]
		if !ok {
			continue
		}
		out.Line, out.Column, out.Path = m.node.Line, m.node.Column, m.path
		var c *condition.Error
		if n == len(p.Path) && errors.As(p.Err, &c) {
			out.Line, out.Column = d.inside(m, c)
			out.Reason = c.Reason
		}
		return out
	}
	return out
}

// inside finds a place of a condition in the text, as far as the way it is written lets it be found.
func (d *Document) inside(m mark, c *condition.Error) (line, column int) {
	n := m.node
	switch {
	case n.Kind != yaml.ScalarNode:
		return n.Line, n.Column
	case n.Style&yaml.LiteralStyle != 0:
		line := n.Line + c.Line
		if line > len(d.lines) {
			return n.Line, n.Column
		}
		first := d.lines[n.Line]
		indent := len(first) - len(strings.TrimLeft(first, " "))
		return line, indent + c.Column
	case n.Style&yaml.FoldedStyle != 0 || c.Line > 1:
		return n.Line, n.Column
	}
	quote := 0
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		quote = 1
	}
	return n.Line, n.Column + quote + c.Column - 1
}

func key(path []string) string { return strings.Join(path, "\x00") }

func before(a, b Problem) int {
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	return a.Column - b.Column
}
