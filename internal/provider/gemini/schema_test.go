package gemini

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestGooglesSchemasBecomeJSONSchema(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, google, want string }{
		{"types in capitals", `{"type":"STRING"}`, `{"type":"string"}`},
		{"types as numbers", `{"type":6,"properties":{"a":{"type":3}}}`, `{"type":"object","properties":{"a":{"type":"integer"}}}`},
		{"types in small letters", `{"type":"integer"}`, `{"type":"integer"}`},
		{"nullable", `{"type":"STRING","nullable":true}`, `{"type":["string","null"]}`},
		{"nullable enum", `{"type":"STRING","nullable":true,"enum":["a"],"format":"enum"}`, `{"type":["string","null"],"enum":["a",null]}`},
		{"nullable choice", `{"nullable":true,"anyOf":[{"type":"STRING"},{"type":"NUMBER"}]}`, `{"anyOf":[{"type":"string"},{"type":"number"},{"type":"null"}]}`},
		{"numbers as strings", `{"type":"ARRAY","minItems":"1","max_items":"3","items":{"type":"STRING","maxLength":"5"}}`, `{"type":"array","minItems":1,"maxItems":3,"items":{"type":"string","maxLength":5}}`},
		{"whole numbers of an enum", `{"type":"INTEGER","enum":["1","2"]}`, `{"type":"integer","enum":[1,2]}`},
		{
			"the order of properties", `{"type":"OBJECT","properties":{"b":{"type":"STRING"},"c":{"type":"STRING"},"a":{"type":"STRING"}},"propertyOrdering":["a","b"],"required":["a"]}`,
			`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"},"c":{"type":"string"}},"required":["a"]}`,
		},
		{"a property named type", `{"type":"OBJECT","properties":{"type":{"type":"STRING"},"max_items":{"type":"STRING"}}}`, `{"type":"object","properties":{"type":{"type":"string"},"max_items":{"type":"string"}}}`},
		{"references", `{"defs":{"n":{"type":"STRING"}},"ref":"#/defs/n"}`, `{"$defs":{"n":{"type":"string"}},"$ref":"#/$defs/n"}`},
		{"an example", `{"type":"STRING","example":"x","description":"d","title":"t","default":"y"}`, `{"type":"string","examples":["x"],"description":"d","title":"t","default":"y"}`},
		{"nothing said", `{"type":"TYPE_UNSPECIFIED","description":null}`, `{}`},
		{"JSON Schema under Google's name", `{"type":["string","null"],"$schema":"s","additionalProperties":{"type":"STRING"}}`, `{"type":["string","null"],"$schema":"s","additionalProperties":{"type":"string"}}`},
		{"no object", `true`, `true`},
	}
	for _, tt := range tests {
		if got := string(schemaFromGoogle(json.RawMessage(tt.google))); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestJSONSchemaBecomesGooglesOrIsNot(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, schema, want string }{ // want "": it cannot be said
		{"several types", `{"type":["string","number"]}`, ""},
		{"one type or null", `{"type":["string","null"]}`, `{"type":"STRING","nullable":true}`},
		{"a constant", `{"const":"a"}`, `{"type":"STRING","enum":["a"]}`},
		{"a constant number", `{"const":1}`, ""},
		{"an enum with null", `{"enum":["a",null]}`, `{"type":"STRING","nullable":true,"enum":["a"]}`},
		{"an enum that null is not in", `{"type":["string","null"],"enum":["a"]}`, ""},
		{"an optional reference", `{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}],"$defs":{"a":{"type":"integer"}}}`, `{"nullable":true,"anyOf":[{"type":"INTEGER"}]}`},
		{"a reference in a property", `{"type":"object","properties":{"a":{"$ref":"#/definitions/x~1y"}},"definitions":{"x/y":{"type":"string"}}}`, `{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}`},
		{"a reference without end", `{"type":"object","properties":{"a":{"$ref":"#"}}}`, ""},
		{"a reference to itself", `{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{"b":{"$ref":"#/$defs/a"}}}}}`, ""},
		{"a reference to nothing", `{"$ref":"#/$defs/a"}`, ""},
		{"nothing beside", `{"type":"object","properties":{},"additionalProperties":false}`, `{"type":"OBJECT","properties":{}}`},
		{"anything beside of a type", `{"type":"object","additionalProperties":{"type":"string"}}`, ""},
		{"a tuple", `{"type":"array","items":[{"type":"string"}]}`, ""},
		{"a bound that is excluded", `{"type":"integer","exclusiveMinimum":0,"exclusiveMaximum":10}`, `{"type":"INTEGER","minimum":1,"maximum":9}`},
		{"the same of a fraction", `{"type":"number","exclusiveMinimum":0}`, ""},
		{"both bounds", `{"type":"integer","minimum":3,"exclusiveMinimum":5}`, ""},
		{"a format that the API refuses", `{"type":"string","format":"uuid"}`, ""},
		{"one of", `{"oneOf":[{"type":"string"}]}`, ""},
		{"all of one", `{"allOf":[{"type":"string","maxLength":3}]}`, `{"type":"STRING","maxLength":3}`},
		{"all of two", `{"allOf":[{"type":"string"},{"maxLength":3}]}`, ""},
		{"not", `{"not":{"type":"string"}}`, ""},
		{"nothing", `false`, ""},
	}
	for _, tt := range tests {
		got, lossless := toGoogleAlone(json.RawMessage(tt.schema))
		if lossless != (tt.want != "") || (lossless && string(got) != tt.want) {
			t.Errorf("%s: %s, %v; want %s", tt.name, got, lossless, tt.want)
		}
	}
}

// A schema that unfolds without measure is not used, and costs no more than a bounded one.
func TestASchemaThatUnfoldsToTooMuchIsNotUsed(t *testing.T) {
	t.Parallel()
	var defs []string
	for i := range 40 {
		defs = append(defs, fmt.Sprintf(`"d%d":{"type":"object","properties":{"a":{"$ref":"#/$defs/d%d"},"b":{"$ref":"#/$defs/d%d"}}}`, i, i+1, i+1))
	}
	defs = append(defs, `"d40":{"type":"string"}`)
	if _, lossless := toGoogleAlone(json.RawMessage(`{"$ref":"#/$defs/d0","$defs":{` + strings.Join(defs, ",") + `}}`)); lossless {
		t.Error("it was used")
	}
	deep := strings.Repeat(`{"type":"array","items":`, 900) + `{}` + strings.Repeat(`}`, 900)
	if _, lossless := toGoogleAlone(json.RawMessage(deep)); lossless {
		t.Error("the deep one was used")
	}
	if got := schemaFromGoogle(json.RawMessage(deep)); !json.Valid(got) {
		t.Error("the deep one is no JSON any more")
	}
}

// A schema that goes to Google's form without loss and back takes the same values.
func TestSchemasKeepTheirMeaningThroughGooglesForm(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 11)) // the same cases every time
	lossless := 0
	for range 3000 {
		schema := anySchema(r, 3)
		raw, _ := json.Marshal(schema)
		google, ok := toGoogleAlone(raw)
		if !ok {
			continue
		}
		lossless++
		var back any
		if err := json.Unmarshal(schemaFromGoogle(google), &back); err != nil {
			t.Fatalf("%v from %s", err, google)
		}
		for range 30 {
			v := anyValue(r, 3)
			if want, got := takes(schema, v), takes(back, v); want != got {
				value, _ := json.Marshal(v)
				t.Fatalf("%s takes %s: %v\n%s\n%s: %v", raw, value, want, google, schemaFromGoogle(google), got)
			}
		}
	}
	if lossless < 1000 {
		t.Errorf("only %d schemas could be said", lossless)
	}
}

// anySchema makes a schema of the part of JSON Schema that both forms have, and now and then of more.
func anySchema(r *rand.Rand, depth int) map[string]any {
	s := map[string]any{}
	kinds := []string{"string", "integer", "boolean", "number"}
	if depth > 0 {
		kinds = append(kinds, "array", "object", "anyOf", "enum")
	}
	switch kind := kinds[r.IntN(len(kinds))]; kind {
	case "anyOf":
		list := []any{anySchema(r, depth-1), anySchema(r, depth-1)}
		if r.IntN(2) == 0 {
			list = append(list, map[string]any{"type": "null"})
		}
		s["anyOf"] = list
		return s
	case "enum":
		list := []any{"a", "b"}
		if r.IntN(3) == 0 {
			list = append(list, nil)
		}
		s["enum"] = list
		return s
	case "string":
		s["type"] = kind
		if r.IntN(3) == 0 {
			s["maxLength"] = float64(r.IntN(3))
		}
	case "integer":
		s["type"] = kind
		if r.IntN(3) == 0 {
			s["minimum"] = float64(r.IntN(3))
		} else if r.IntN(3) == 0 {
			s["exclusiveMaximum"] = float64(r.IntN(4))
		}
	case "array":
		s["type"], s["items"] = kind, anySchema(r, depth-1)
		if r.IntN(3) == 0 {
			s["minItems"] = float64(r.IntN(3))
		}
	case "object":
		s["type"], s["properties"] = kind, map[string]any{"a": anySchema(r, depth-1), "b": anySchema(r, depth-1)}
		if r.IntN(2) == 0 {
			s["required"] = []any{"a"}
		}
	default:
		s["type"] = kind
	}
	if r.IntN(3) == 0 {
		s["type"] = []any{s["type"], "null"}
	}
	if r.IntN(4) == 0 {
		s["description"] = "d"
	}
	if r.IntN(12) == 0 {
		s["format"] = "uuid"
	}
	return s
}

func anyValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(9); {
	case n == 0:
		return nil
	case n == 1:
		return r.IntN(2) == 0
	case n <= 3:
		return float64(r.IntN(5))
	case n == 4:
		return 1.5
	case n <= 6 || depth == 0:
		return []string{"", "a", "b", "ab"}[r.IntN(4)]
	case n == 7:
		list := []any{}
		for range r.IntN(3) {
			list = append(list, anyValue(r, depth-1))
		}
		return list
	}
	o := map[string]any{}
	for _, name := range []string{"a", "b"} {
		if r.IntN(2) == 0 {
			o[name] = anyValue(r, depth-1)
		}
	}
	return o
}

// takes is a small validator for what anySchema makes.
func takes(schema, v any) bool {
	s, _ := schema.(map[string]any)
	types, listed := s["type"].([]any)
	if !listed && s["type"] != nil {
		types = []any{s["type"]}
	}
	if types != nil && !slices.ContainsFunc(types, func(t any) bool { return is(t, v) }) {
		return false
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, plain(v)) {
		return false
	}
	if list, ok := s["anyOf"].([]any); ok && !slices.ContainsFunc(list, func(one any) bool { return takes(one, v) }) {
		return false
	}
	limit := func(name string) (float64, bool) { f, ok := s[name].(float64); return f, ok }
	switch v := v.(type) {
	case string:
		if n, ok := limit("maxLength"); ok && float64(utf8.RuneCountInString(v)) > n {
			return false
		}
	case float64:
		if n, ok := limit("minimum"); ok && v < n {
			return false
		}
		if n, ok := limit("maximum"); ok && v > n {
			return false
		}
		if n, ok := limit("exclusiveMaximum"); ok && v >= n {
			return false
		}
	case []any:
		if n, ok := limit("minItems"); ok && float64(len(v)) < n {
			return false
		}
		for _, item := range v {
			if s["items"] != nil && !takes(s["items"], item) {
				return false
			}
		}
	case map[string]any:
		props, _ := s["properties"].(map[string]any)
		for name, p := range props {
			if item, has := v[name]; has && !takes(p, item) {
				return false
			}
		}
		required, _ := s["required"].([]any)
		for _, name := range required {
			if _, has := v[name.(string)]; !has {
				return false
			}
		}
	}
	return true
}

// plain is a value that can be compared; lists and objects are in no enum.
func plain(v any) any {
	switch v.(type) {
	case []any, map[string]any:
		return struct{}{}
	}
	return v
}

func is(typ, v any) bool {
	switch v := v.(type) {
	case nil:
		return typ == "null"
	case bool:
		return typ == "boolean"
	case string:
		return typ == "string"
	case float64:
		return typ == "number" || (typ == "integer" && v == float64(int64(v)))
	case []any:
		return typ == "array"
	}
	return typ == "object"
}

func FuzzSchema(f *testing.F) {
	f.Add([]byte(`{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}},"propertyOrdering":["a"]}`))
	f.Add([]byte(`{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"type":"null"},{"$ref":"#"}]}}}`))
	f.Add([]byte(`{"allOf":[{"type":["string","null"],"enum":["a",null]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		raw = []byte(strings.TrimSpace(string(raw)))
		if got := schemaFromGoogle(raw); !json.Valid(got) {
			t.Fatalf("%s became %s", raw, got)
		}
		if got, _ := toGoogleAlone(raw); !json.Valid(got) {
			t.Fatalf("%s became %s", raw, got)
		}
	})
}

// toGoogleAlone is schemaToGoogle for the only schema of a call.
func toGoogleAlone(raw json.RawMessage) (json.RawMessage, bool) {
	refs := callRefsMax
	return schemaToGoogle(raw, &refs)
}

func TestTheSchemasOfACallUnfoldToNoMoreTogetherThanTheyMay(t *testing.T) {
	t.Parallel()
	var defs []string
	for i := range 40 {
		defs = append(defs, fmt.Sprintf(`"d%d":{"type":"object","properties":{"a":{"$ref":"#/$defs/d%d"},"b":{"$ref":"#/$defs/d%d"}}}`, i, i+1, i+1))
	}
	bomb := json.RawMessage(`{"type":"object","properties":{"x":{"$ref":"#/$defs/d0"}},"$defs":{` + strings.Join(defs, ",") + `}}`)
	refs := callRefsMax
	for range 100 {
		schemaToGoogle(bomb, &refs)
	}
	if refs != 0 {
		t.Errorf("%d are left", refs)
	}
	small := json.RawMessage(`{"type":"object","properties":{"x":{"$ref":"#/$defs/x"}},"$defs":{"x":{"type":"string"}}}`)
	if _, lossless := schemaToGoogle(small, &refs); lossless || refs != 0 {
		t.Errorf("one more was unfolded: %v, %d are left", lossless, refs)
	}
}
