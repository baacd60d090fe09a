package aliasfile

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"tollgate/internal/alias/spell"
)

// reader collects what is wrong.
type reader struct {
	doc      *Document
	problems []Problem
}

// spot is a value in the text: where it stands, and what it is called.
type spot struct {
	r    *reader
	node *yaml.Node
	path string   // as a person writes it: "aliases.fast.targets[0]"
	api  []string // as the API does: "aliases", "fast", "targets", "0"
}

func (s spot) refuse(format string, args ...any) {
	if len(s.r.problems) < problemsMax {
		s.r.problems = append(s.r.problems, Problem{Line: s.node.Line, Column: s.node.Column, Path: s.path, Reason: fmt.Sprintf(format, args...)})
	}
}

// mark remembers where what the API calls so stands.
func (s spot) mark() { s.r.doc.marks[key(s.api)] = mark{node: s.node, path: s.path} }

// as gives the spot another name in the API.
func (s spot) as(api ...string) spot {
	s.api = api
	s.mark()
	return s
}

// item is the i-th entry of a list.
func (s spot) item(i int, n *yaml.Node) spot {
	out := spot{r: s.r, node: n, path: fmt.Sprintf("%s[%d]", s.path, i), api: append(slices.Clone(s.api), strconv.Itoa(i))}
	out.mark()
	return out
}

func (s spot) child(k, v *yaml.Node) spot {
	path := k.Value
	if s.path != "" {
		path = s.path + "." + k.Value
	}
	out := spot{r: s.r, node: v, path: path, api: append(slices.Clone(s.api), k.Value)}
	out.mark()
	return out
}

// plain refuses what a routing file does not use of YAML: references, and types that are spelled out.
func (s spot) plain() bool {
	switch n := s.node; {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		s.refuse("References (& and *) are not used in routing files. Write the value out.")
	case n.Style&yaml.TaggedStyle != 0 && n.Kind != yaml.ScalarNode, n.Kind == yaml.ScalarNode && n.Style&yaml.TaggedStyle != 0:
		s.refuse("Types (%s) are not written in routing files.", n.ShortTag())
	default:
		return true
	}
	return false
}

// entries visits what a mapping holds, each key once.
func (s spot) entries(visit func(name string, v spot)) {
	if !s.plain() {
		return
	}
	if s.node.Kind != yaml.MappingNode {
		s.refuse("Here stands %s where keys with values are expected.", shape(s.node))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(s.node.Content); i += 2 {
		k, v := s.node.Content[i], s.node.Content[i+1]
		at := spot{r: s.r, node: k, path: s.path}
		if k.Value == "<<" && k.ShortTag() == "!!merge" {
			at.refuse("Merging (<<) is not used in routing files. Write the values out.")
			continue
		}
		if k.Kind != yaml.ScalarNode || k.ShortTag() != "!!str" {
			at.refuse("A key is a text. Put it in quotes.")
			continue
		}
		if !at.plain() {
			continue
		}
		child := s.child(k, v)
		if line := seen[k.Value]; line > 0 {
			at.path = child.path
			at.refuse("This key stands in line %d already.", line)
			continue
		}
		seen[k.Value] = k.Line
		visit(k.Value, child)
	}
}

// fields reads a mapping whose keys are known. A key that is not is refused.
func (s spot) fields(known map[string]func(spot)) {
	s.entries(func(name string, v spot) {
		read, ok := known[name]
		if !ok {
			names := make([]string, 0, len(known))
			for n := range known {
				names = append(names, n)
			}
			slices.Sort(names)
			at := v
			at.node = s.keyNode(name)
			if near := spell.Near(name, names); near != "" {
				at.refuse("There is no key %q here. Did you mean %s?", name, near)
				return
			}
			at.refuse("There is no key %q here. There are %s.", spell.Clip(name), strings.Join(names, ", "))
			return
		}
		if v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!null" {
			v.refuse("Nothing stands here. Write a value, or leave the key out.")
			return
		}
		read(v)
	})
}

// keyNode is where a key of the mapping stands.
func (s spot) keyNode(name string) *yaml.Node {
	for i := 0; i+1 < len(s.node.Content); i += 2 {
		if s.node.Content[i].Value == name {
			return s.node.Content[i]
		}
	}
	return s.node
}

// items visits the entries of a list.
func (s spot) items(visit func(spot)) {
	if !s.plain() {
		return
	}
	if s.node.Kind != yaml.SequenceNode {
		s.refuse("Here stands %s where a list is expected.", shape(s.node))
		return
	}
	for i, n := range s.node.Content {
		visit(s.item(i, n))
	}
}

// itemsOrOne is items, where one entry may stand without being a list.
func (s spot) itemsOrOne(visit func(spot)) {
	if s.node.Kind == yaml.SequenceNode {
		s.items(visit)
		return
	}
	visit(s.item(0, s.node).named(s.path))
}

// named is the spot under another path.
func (s spot) named(path string) spot {
	s.path = path
	s.mark()
	return s
}

// scalar refuses what is no single value.
func (s spot) scalar(tag, expected string) bool {
	if !s.plain() {
		return false
	}
	if s.node.Kind != yaml.ScalarNode || s.node.ShortTag() != tag {
		hint := ""
		if tag == "!!str" && s.node.Kind == yaml.ScalarNode {
			hint = " Put it in quotes."
		}
		s.refuse("Here stands %s where %s is expected.%s", shape(s.node), expected, hint)
		return false
	}
	return true
}

func (s spot) text() string {
	if !s.scalar("!!str", "a text") {
		return ""
	}
	return s.node.Value
}

// word is a text that says something.
func (s spot) word() string {
	w := s.text()
	if w == "" && s.node.Kind == yaml.ScalarNode && s.node.ShortTag() == "!!str" {
		s.refuse("Nothing stands here. Write a value, or leave the key out.")
	}
	return w
}

func (s spot) texts() (out []string) {
	s.itemsOrOne(func(v spot) { out = append(out, v.text()) })
	return out
}

// integer reads a whole number; false: there is none, and that is told.
func (s spot) integer() (int64, bool) {
	if !s.scalar("!!int", "a whole number") {
		return 0, false
	}
	n, err := strconv.ParseInt(s.node.Value, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s.node.Value { // 010 and 0x10 mean different things to different readers
		s.refuse("Write the number in digits, such as 60000.")
		return 0, false
	}
	return n, true
}

// within is integer with bounds that keep it in an int. What the file's own rules allow is asked later.
func (s spot) within(low, high int64, reason string) int {
	n, ok := s.integer()
	if ok && (n < low || n > high) {
		s.refuse("%s", reason)
		return 0
	}
	return int(n)
}

func (s spot) number() float64 {
	if s.node.ShortTag() == "!!int" {
		n, _ := s.integer()
		return float64(n)
	}
	if !s.scalar("!!float", "a number") {
		return 0
	}
	x, err := strconv.ParseFloat(s.node.Value, 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		s.refuse("Write the number in digits, such as 0.7.")
		return 0
	}
	return x
}

func (s spot) flag() bool {
	if !s.scalar("!!bool", "true or false") {
		return false
	}
	if v := s.node.Value; v != "true" && v != "false" {
		s.refuse("Write true or false in small letters.")
		return false
	}
	return s.node.Value == "true"
}

// onOff reads on, off, true and false.
func (s spot) onOff() (on, ok bool) {
	if s.node.Kind == yaml.ScalarNode && s.node.ShortTag() == "!!bool" {
		return s.flag(), true
	}
	switch s.node.Value {
	case "on":
		return true, s.scalar("!!str", "on or off")
	case "off":
		return false, s.scalar("!!str", "on or off")
	}
	return false, false
}

func (s spot) duration() time.Duration {
	if !s.plain() {
		return 0
	}
	if s.node.Kind == yaml.ScalarNode && s.node.ShortTag() != "!!str" {
		s.refuse("A time has a unit: 500ms, 30s, 10m or 1h30m.")
		return 0
	}
	if !s.scalar("!!str", "a time such as 30s") {
		return 0
	}
	d, err := time.ParseDuration(s.node.Value)
	switch {
	case err != nil || !durationForm.MatchString(s.node.Value):
		s.refuse("This is no time. Write it as 500ms, 30s, 10m or 1h30m.")
		return 0
	case d%time.Millisecond != 0:
		s.refuse("Times are whole milliseconds.")
		return 0
	case d <= 0:
		s.refuse("A time is longer than nothing. Leave the key out for the default.")
		return 0
	}
	return d
}

// shape is what a node is, in words.
func shape(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a list of keys"
	case yaml.SequenceNode:
		return "a list"
	default:
	}
	switch n.ShortTag() {
	case "!!str":
		return "a text"
	case "!!int":
		return "a whole number"
	case "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	}
	return "something else"
}
