package gemini

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/provider/wire"
)

// Two forms of schema meet here. Other dialects speak JSON Schema. Google's own form (parameters, responseSchema) is a subset of OpenAPI's:
// types in capitals, nullable beside the type, numbers of items as strings, propertyOrdering for the order, no references. Since
// Gemini 2.5 the API takes JSON Schema too (parametersJsonSchema, responseJsonSchema). So a client's schema in Google's form becomes JSON
// Schema, always; and JSON Schema goes to Google as it is, except to older models, where it becomes Google's form if that loses nothing.

// schemaDepthMax bounds nesting, schemaSizeMax what references may unfold to.
const (
	schemaDepthMax = 64
	schemaSizeMax  = 256 << 10
)

// schemaTypes are the types by their number, which some clients of Vertex write.
var schemaTypes = [...]string{"", "string", "number", "integer", "boolean", "array", "object", "null"}

// schemaFromGoogle makes Google's form JSON Schema. What it does not know, and what is nested too deeply, stays as it is: many clients
// write JSON Schema under Google's names, which the API mostly takes.
func schemaFromGoogle(raw json.RawMessage) json.RawMessage { return fromGoogle(raw, 0) }

func fromGoogle(raw json.RawMessage, depth int) json.RawMessage {
	if depth > schemaDepthMax || len(raw) == 0 || raw[0] != '{' {
		return raw
	}
	var s googleSchema
	w := wire.Walk(raw)
	for w.Next() {
		s.member(camelCase(string(w.Key)), w.Value(), depth)
	}
	if w.Err() != nil {
		return raw
	}
	return s.json()
}

// googleSchema gathers one schema while it is read.
type googleSchema struct {
	typ      string
	rawType  json.RawMessage // a type that is no word: JSON Schema's list
	nullable bool
	enum     []json.RawMessage
	anyOf    []json.RawMessage
	order    []string
	props    []member
	hasProps bool
	others   []member
}

// member is one member of an object, in its place.
type member struct {
	name string
	raw  json.RawMessage
}

func (s *googleSchema) member(name string, v json.RawMessage, depth int) {
	if !wire.Present(v) && name != "default" && name != "const" {
		return
	}
	switch name {
	case "type":
		if word, ok := wire.String(v); ok {
			if word != "TYPE_UNSPECIFIED" {
				s.typ = strings.ToLower(word)
			}
		} else if n, ok := wire.Int(v); ok && n >= 0 && n < int64(len(schemaTypes)) {
			s.typ = schemaTypes[n]
		} else {
			s.rawType = v
		}
		return
	case "nullable":
		s.nullable = string(v) == "true"
		return
	case "format":
		if string(v) == `"enum"` { // says what enum says
			return
		}
	case "enum":
		if json.Unmarshal(v, &s.enum) == nil {
			return
		}
	case "propertyOrdering":
		if json.Unmarshal(v, &s.order) == nil {
			return
		}
	case "anyOf":
		var list []json.RawMessage
		if json.Unmarshal(v, &list) == nil {
			for _, item := range list {
				s.anyOf = append(s.anyOf, fromGoogle(item, depth+1))
			}
			return
		}
	case "properties":
		if v[0] == '{' {
			s.props, s.hasProps = each(v, func(raw json.RawMessage) json.RawMessage { return fromGoogle(raw, depth+1) }), true
			return
		}
	case "defs":
		if v[0] == '{' {
			name, v = "$defs", writeObject(each(v, func(raw json.RawMessage) json.RawMessage { return fromGoogle(raw, depth+1) }))
		}
	case "ref":
		if ref, ok := wire.String(v); ok {
			name, v = "$ref", wire.Marshal(strings.Replace(ref, "#/defs/", "#/$defs/", 1))
		}
	case "items", "additionalProperties":
		v = fromGoogle(v, depth+1)
	case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties":
		if text, ok := wire.String(v); ok {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				v = json.RawMessage(strconv.FormatInt(n, 10))
			}
		}
	case "example":
		name, v = "examples", slices.Concat(json.RawMessage("["), v, json.RawMessage("]"))
	}
	s.others = append(s.others, member{name, v})
}

// json writes the schema: the type first, then the rest as it came.
func (s *googleSchema) json() json.RawMessage {
	var out []member
	null := json.RawMessage("null")
	switch {
	case s.rawType != nil:
		out = append(out, member{"type", s.rawType})
	case s.typ != "" && s.nullable && s.typ != "null":
		out = append(out, member{"type", wire.Marshal([]string{s.typ, "null"})})
	case s.typ != "":
		out = append(out, member{"type", wire.Marshal(s.typ)})
	}
	if s.enum != nil {
		if s.typ == "integer" || s.typ == "number" { // Google writes every value as a string
			for i, v := range s.enum {
				if text, ok := wire.String(v); ok && json.Valid([]byte(text)) {
					s.enum[i] = json.RawMessage(text)
				}
			}
		}
		if s.nullable {
			s.enum = append(s.enum, null)
		}
		out = append(out, member{"enum", wire.Marshal(s.enum)})
	}
	if s.anyOf != nil {
		if s.nullable && s.typ == "" {
			s.anyOf = append(s.anyOf, json.RawMessage(`{"type":"null"}`))
		}
		out = append(out, member{"anyOf", wire.Marshal(s.anyOf)})
	}
	if s.hasProps {
		rank := ranks(s.order, s.props)
		slices.SortStableFunc(s.props, func(a, b member) int { return rank[a.name] - rank[b.name] })
		out = append(out, member{"properties", writeObject(s.props)})
	}
	return writeObject(append(out, s.others...))
}

// ranks is each member's place in an order; those that it does not name follow. It is a map, because a client may name any number.
func ranks(order []string, members []member) map[string]int {
	rank := make(map[string]int, len(members))
	for _, m := range members {
		rank[m.name] = len(order)
	}
	for i, name := range slices.Backward(order) { // the first place of a name that stands there twice
		if _, ok := rank[name]; ok {
			rank[name] = i
		}
	}
	return rank
}

// each gives the members of an object in their order, changed.
func each(raw json.RawMessage, change func(json.RawMessage) json.RawMessage) []member {
	var out []member
	w := wire.Walk(raw)
	for w.Next() {
		out = append(out, member{string(w.Key), change(w.Value())})
	}
	return out
}

// writeObject writes an object with its members in order.
func writeObject(members []member) json.RawMessage {
	out := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		out = wire.AppendString(out, m.name)
		out = append(out, ':')
		out = append(out, m.raw...)
	}
	return append(out, '}')
}
