package sandbox

import (
	"encoding/json"
	"strings"
)

// instanceDepth ends schemas that refer to themselves.
const instanceDepth = 12

// schema is the part of JSON Schema that tools and structured output use.
type schema struct {
	Ref      string             `json:"$ref"`
	Type     json.RawMessage    `json:"type"`
	Const    json.RawMessage    `json:"const"`
	Enum     []json.RawMessage  `json:"enum"`
	Default  json.RawMessage    `json:"default"`
	Examples []json.RawMessage  `json:"examples"`
	AnyOf    []*schema          `json:"anyOf"`
	OneOf    []*schema          `json:"oneOf"`
	AllOf    []*schema          `json:"allOf"`
	Props    map[string]*schema `json:"properties"`
	Required []string           `json:"required"`
	Items    *schema            `json:"items"`
	MinItems int                `json:"minItems"`
	MinLen   int                `json:"minLength"`
	MaxLen   *int               `json:"maxLength"`
	Minimum  *json.Number       `json:"minimum"`
	Maximum  *json.Number       `json:"maximum"`
	Above    *json.Number       `json:"exclusiveMinimum"`
	Format   string             `json:"format"`
	Defs     map[string]*schema `json:"$defs"`
	OldDefs  map[string]*schema `json:"definitions"`
}

// instance makes a small value that a JSON Schema allows: required properties, or all when none is required. What cannot be read
// gives an empty object.
func instance(raw json.RawMessage) any {
	var s schema
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return map[string]any{}
	}
	return s.value(&s, 0)
}

func (s *schema) value(root *schema, depth int) any {
	if s == nil || depth > instanceDepth {
		return nil
	}
	for _, fixed := range append(append([]json.RawMessage{s.Const, s.Default}, s.Enum...), s.Examples...) {
		if len(fixed) > 0 && string(fixed) != "null" {
			return fixed
		}
	}
	if s.Ref != "" {
		return root.lookup(s.Ref).value(root, depth+1)
	}
	for _, list := range [][]*schema{s.AnyOf, s.OneOf} {
		if len(list) > 0 {
			return list[0].value(root, depth+1)
		}
	}
	if len(s.AllOf) > 0 {
		return s.merged(root, depth)
	}
	return s.typed(root, depth)
}

func (s *schema) lookup(ref string) *schema {
	if ref == "#" {
		return s
	}
	if name, ok := strings.CutPrefix(ref, "#/$defs/"); ok {
		return s.Defs[name]
	}
	return s.OldDefs[strings.TrimPrefix(ref, "#/definitions/")]
}

// merged is the members of all parts together.
func (s *schema) merged(root *schema, depth int) any {
	all := map[string]any{}
	own := *s
	own.AllOf = nil
	for _, part := range append([]*schema{&own}, s.AllOf...) {
		if m, ok := part.value(root, depth+1).(map[string]any); ok {
			for k, v := range m {
				all[k] = v
			}
		}
	}
	return all
}

func (s *schema) kind() string {
	var one string
	if json.Unmarshal(s.Type, &one) == nil && one != "" {
		return one
	}
	var many []string
	if json.Unmarshal(s.Type, &many) == nil {
		for _, t := range many {
			if t != "null" {
				return t
			}
		}
	}
	if s.Items != nil {
		return "array"
	}
	return "object"
}

func (s *schema) typed(root *schema, depth int) any {
	switch s.kind() {
	case "string":
		return s.text()
	case "integer", "number":
		return s.number()
	case "boolean":
		return true
	case "null":
		return nil
	case "array":
		items := []any{}
		for range max(s.MinItems, 1) {
			if s.Items == nil {
				break
			}
			items = append(items, s.Items.value(root, depth+1))
		}
		return items
	}
	names := s.Required
	if len(names) == 0 {
		for name := range s.Props {
			names = append(names, name)
		}
	}
	out := map[string]any{}
	for _, name := range names {
		if p := s.Props[name]; p != nil {
			out[name] = p.value(root, depth+1)
		} else {
			out[name] = "example"
		}
	}
	return out
}

func (s *schema) number() json.Number {
	switch {
	case s.Minimum != nil:
		return *s.Minimum
	case s.Above != nil:
		if n, err := s.Above.Int64(); err == nil {
			return json.Number(json.RawMessage(intText(n + 1)))
		}
	case s.Maximum != nil:
		return *s.Maximum
	}
	return "1"
}

func intText(n int64) []byte {
	b, err := json.Marshal(n)
	if err != nil {
		return []byte("1")
	}
	return b
}

func (s *schema) text() string {
	v := "example"
	switch s.Format {
	case "date":
		v = "2030-01-01"
	case "date-time":
		v = "2030-01-01T12:00:00Z"
	case "time":
		v = "12:00:00Z"
	case "email":
		v = "someone@example.com"
	case "uri", "url":
		v = "https://example.com/"
	case "uuid":
		v = "00000000-0000-4000-8000-000000000000"
	}
	for len(v) < s.MinLen {
		v += "x"
	}
	if s.MaxLen != nil && *s.MaxLen >= 0 && len(v) > *s.MaxLen {
		v = v[:*s.MaxLen]
	}
	return v
}
