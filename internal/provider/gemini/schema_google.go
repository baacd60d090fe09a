package gemini

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/provider/wire"
)

// schemaToGoogle makes JSON Schema Google's form. lossless is false when the form cannot say all of it, or when the schema is too deep
// or unfolds to too much: then it must not be used. Not counted as a loss are additionalProperties of false, because models write what is
// declared and nothing else, and what is said to people and tools ($schema, $comment).
//
// refs is how often references may still be unfolded in the call, of all its schemas; what was unfolded is taken off.
func schemaToGoogle(raw json.RawMessage, refs *int) (out json.RawMessage, lossless bool) {
	c := toGoogle{root: raw, left: schemaSizeMax, unfold: min(*refs, refsMax), lossless: true}
	out = c.schema(raw, 0)
	*refs -= c.unfolded
	return out, c.lossless
}

// refsMax bounds how often references are unfolded in one schema, callRefsMax in all of a call: a schema of a few lines can unfold to
// whatever it may, and a call may bring thousands of them.
const (
	refsMax     = 500
	callRefsMax = 5000
)

type toGoogle struct {
	root     json.RawMessage
	refs     []string // being unfolded
	unfold   int      // how many references may be unfolded
	unfolded int      // so far
	left     int      // bytes that may still be written
	lossless bool
}

func (c *toGoogle) lose() { c.lossless = false }

// unfolding is one schema being rewritten.
type unfolding struct {
	typ      string
	nullable bool
	integer  bool
	out      []member
}

func (c *toGoogle) schema(raw json.RawMessage, depth int) json.RawMessage {
	c.left -= len(raw)
	if depth > schemaDepthMax || c.left < 0 {
		c.lose()
		return json.RawMessage(`{}`)
	}
	if len(raw) == 0 || raw[0] != '{' {
		if string(raw) != "true" {
			c.lose()
		}
		return json.RawMessage(`{}`)
	}
	var u unfolding
	w := wire.Walk(raw)
	var rest []member
	for w.Next() {
		if string(w.Key) == "type" {
			c.types(&u, w.Value())
			continue
		}
		rest = append(rest, member{string(w.Key), w.Value()})
	}
	if w.Err() != nil {
		c.lose()
		return json.RawMessage(`{}`)
	}
	for _, m := range rest {
		c.member(&u, m, depth, len(rest) == 1)
	}
	if u.twice() {
		c.lose()
	}
	return u.google()
}

// twice reports whether two keywords became one.
func (u *unfolding) twice() bool {
	seen := make(map[string]bool, len(u.out))
	for _, m := range u.out {
		if seen[m.name] {
			return true
		}
		seen[m.name] = true
	}
	return false
}

// google writes the schema: type, nullable, then the rest.
func (u *unfolding) google() json.RawMessage {
	var head []member
	if u.typ != "" {
		head = append(head, member{"type", wire.Marshal(strings.ToUpper(u.typ))})
	}
	if u.nullable {
		head = append(head, member{"nullable", json.RawMessage("true")})
	}
	return writeObject(append(head, u.out...))
}

// types reads a type: a word, or a list of which one may be null.
func (c *toGoogle) types(u *unfolding, raw json.RawMessage) {
	words := []string{""}
	if s, ok := wire.String(raw); ok {
		words[0] = s
	} else if json.Unmarshal(raw, &words) != nil {
		c.lose()
		return
	}
	if len(words) > 1 {
		words = slices.DeleteFunc(words, func(s string) bool {
			u.nullable = u.nullable || s == "null"
			return s == "null"
		})
	}
	if len(words) != 1 || !slices.Contains(schemaTypes[1:], words[0]) {
		c.lose() // several types, or none that is known
		return
	}
	u.typ, u.integer = words[0], words[0] == "integer"
}

func (u *unfolding) add(name string, raw json.RawMessage) { u.out = append(u.out, member{name, raw}) }

// member rewrites one keyword. alone: there is none beside it but the type.
func (c *toGoogle) member(u *unfolding, m member, depth int, alone bool) {
	switch m.name {
	case "title", "description", "default", "pattern", "required",
		"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "minimum", "maximum":
		u.add(m.name, m.raw)
	case "properties":
		c.properties(u, m.raw, depth)
	case "items":
		if m.raw[0] == '[' { // a tuple
			c.lose()
			return
		}
		u.add("items", c.schema(m.raw, depth+1))
	case "anyOf":
		c.anyOf(u, m.raw, depth)
	case "enum":
		c.enum(u, m.raw)
	case "const":
		c.enum(u, slices.Concat(json.RawMessage("["), m.raw, json.RawMessage("]")))
	case "format":
		c.format(u, m.raw)
	case "additionalProperties":
		if s := string(m.raw); s != "false" && s != "true" && s != "{}" {
			c.lose()
		}
	case "exclusiveMinimum", "exclusiveMaximum":
		c.exclusive(u, m)
	case "examples":
		var list []json.RawMessage
		if json.Unmarshal(m.raw, &list) == nil && len(list) > 0 {
			u.add("example", list[0])
		}
	case "allOf":
		var list []json.RawMessage
		if json.Unmarshal(m.raw, &list) != nil || len(list) != 1 || !alone || u.typ != "" {
			c.lose()
			return
		}
		c.become(u, list[0], depth)
	case "$ref":
		c.ref(u, m.raw, depth, alone)
	case "$defs", "definitions", "$schema", "$id", "$comment", "$anchor", "deprecated", "readOnly", "writeOnly", "propertyOrdering":
	default:
		c.lose()
	}
}

// become takes over what another schema says.
func (c *toGoogle) become(u *unfolding, raw json.RawMessage, depth int) {
	inner := c.schema(raw, depth+1)
	w := wire.Walk(inner)
	for w.Next() {
		switch string(w.Key) {
		case "type":
			word, _ := wire.String(w.Value())
			u.typ = strings.ToLower(word)
		case "nullable":
			u.nullable = true
		default:
			u.add(string(w.Key), slices.Clone(w.Value()))
		}
	}
}

// ref unfolds a reference. One that is met while it is being unfolded has no end.
func (c *toGoogle) ref(u *unfolding, raw json.RawMessage, depth int, alone bool) {
	name, _ := wire.String(raw)
	if c.unfolded >= c.unfold {
		c.lose()
		return
	}
	c.unfolded++
	to, ok := c.find(name)
	if !ok || slices.Contains(c.refs, name) || !alone || u.typ != "" {
		c.lose()
		return
	}
	c.refs = append(c.refs, name)
	c.become(u, to, depth)
	c.refs = c.refs[:len(c.refs)-1]
}

// find looks up "#/$defs/Name".
func (c *toGoogle) find(ref string) (json.RawMessage, bool) {
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil, false
	}
	at := c.root
	for _, name := range strings.Split(path, "/") {
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		w := wire.Walk(at)
		found := false
		for !found && w.Next() && w.IsObject() {
			if string(w.Key) == name {
				at, found = w.Value(), true
			}
		}
		if !found {
			return nil, false
		}
	}
	return at, true
}

func (c *toGoogle) properties(u *unfolding, raw json.RawMessage, depth int) {
	if raw[0] != '{' {
		c.lose()
		return
	}
	props := each(raw, func(v json.RawMessage) json.RawMessage { return c.schema(v, depth+1) })
	u.add("properties", writeObject(props))
	if len(props) > 1 { // older models write them in the order of the alphabet otherwise
		names := make([]string, len(props))
		for i, p := range props {
			names[i] = p.name
		}
		u.add("propertyOrdering", wire.Marshal(names))
	}
}

// anyOf takes null out, which is said by nullable.
func (c *toGoogle) anyOf(u *unfolding, raw json.RawMessage, depth int) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		c.lose()
		return
	}
	var out []json.RawMessage
	for _, item := range list {
		var only struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(item, &only) == nil && only.Type == "null" && u.typ == "" {
			u.nullable = true
			continue
		}
		out = append(out, c.schema(item, depth+1))
	}
	if len(out) == 0 {
		c.lose()
		return
	}
	u.add("anyOf", wire.Marshal(out))
}

// enum takes strings; null among them is said by nullable.
func (c *toGoogle) enum(u *unfolding, raw json.RawMessage) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		c.lose()
		return
	}
	values := make([]string, 0, len(list))
	null := false
	for _, v := range list {
		if string(v) == "null" {
			null = true
			continue
		}
		s, ok := wire.String(v)
		if !ok {
			c.lose()
			return
		}
		values = append(values, s)
	}
	if len(values) == 0 || (u.typ != "" && u.typ != "string") || (u.nullable && !null) {
		c.lose()
		return
	}
	u.nullable = u.nullable || (null && u.typ == "")
	u.typ = "string"
	u.add("enum", wire.Marshal(values))
}

// format: the API refuses any other here.
func (c *toGoogle) format(u *unfolding, raw json.RawMessage) {
	switch s, _ := wire.String(raw); s {
	case "date-time", "float", "double", "int32", "int64":
		u.add("format", raw)
	default:
		c.lose()
	}
}

// exclusive: for whole numbers the next one is the bound.
func (c *toGoogle) exclusive(u *unfolding, m member) {
	n, ok := wire.Int(m.raw)
	if !ok || !u.integer {
		c.lose()
		return
	}
	if m.name == "exclusiveMinimum" {
		u.add("minimum", json.RawMessage(strconv.FormatInt(n+1, 10)))
		return
	}
	u.add("maximum", json.RawMessage(strconv.FormatInt(n-1, 10)))
}
