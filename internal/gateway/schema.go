package gateway

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schemas come from callers, and answers from whatever server a caller names: neither may cost a proxy more than a bounded amount of
// work. A schema that is too large, refers to anything outside itself or is none, and a check that takes too many steps, are errUnchecked.
const (
	schemaMax      = 64 << 10
	schemasKept    = 256
	schemaBytes    = 4 << 20 // of all kept schemas together
	schemaSteps    = 30_000  // of one check: some milliseconds
	patternMax     = 16      // patternProperties of one schema: each is tried on each member
	schemaDepthMax = 64
)

var errUnchecked = errors.New("gateway: the schema cannot be checked")

// schemas checks values against JSON schemas, and keeps those that it has compiled.
type schemas struct {
	mu    sync.Mutex
	kept  map[[sha256.Size]byte]*schema
	bytes int
}

// schema is a compiled one. Its steps are counted by formats that stand in each of its parts, hence the lock: one check at a time.
type schema struct {
	size int

	once     sync.Once
	source   []byte
	compiled *jsonschema.Schema
	err      error

	mu    sync.Mutex
	steps int
}

// check reports whether v, decoded by encoding/json, is what source accepts; errUnchecked when nobody can tell.
func (s *schemas) check(source []byte, v any) (bool, error) {
	if len(source) > schemaMax {
		return false, errUnchecked
	}
	one := s.find(source)
	one.once.Do(one.compile)
	if one.err != nil {
		return false, errUnchecked
	}
	return one.accepts(v)
}

func (s *schemas) find(source []byte) *schema {
	sum := sha256.Sum256(source)
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, ok := s.kept[sum]; ok {
		return one
	}
	if s.kept == nil {
		s.kept = map[[sha256.Size]byte]*schema{}
	}
	for old, one := range s.kept { // any will do: a schema in use comes back at once
		if len(s.kept) < schemasKept && s.bytes+len(source) <= schemaBytes {
			break
		}
		delete(s.kept, old)
		s.bytes -= one.size
	}
	one := &schema{source: slices.Clone(source), size: len(source)}
	s.kept[sum] = one
	s.bytes += one.size
	return one
}

func (s *schema) compile() {
	defer func() {
		if recover() != nil { // a library's fault must not be the call's
			s.err = errUnchecked
		}
		s.source = nil
	}()
	var doc any
	if s.err = json.Unmarshal(s.source, &doc); s.err != nil {
		return
	}
	p := counting{seen: map[string]bool{}}
	if s.err = p.count(doc, "#", 0); s.err != nil {
		return
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(jsonschema.SchemeURLLoader{}) // loads nothing
	c.AssertFormat()
	for cost := 1; cost <= schemaMax; cost *= 2 {
		c.RegisterFormat(&jsonschema.Format{Name: costName(cost), Validate: func(any) error { s.spend(cost); return nil }})
	}
	const name = "schema.json"
	if s.err = c.AddResource(name, doc); s.err == nil {
		s.compiled, s.err = c.Compile(name)
	}
}

// spent ends a check that takes too long. It is thrown through the library, which has no other way to stop.
type spent struct{}

func (s *schema) spend(cost int) {
	if s.steps -= cost; s.steps < 0 {
		panic(spent{}) //nolint:forbidigo // caught in accepts
	}
}

func (s *schema) accepts(v any) (ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = schemaSteps
	defer func() {
		if recover() != nil {
			ok, err = false, errUnchecked
		}
	}()
	return s.compiled.Validate(v) == nil, nil
}

// counting walks the parts of a schema and puts a format into each that counts what it costs. Formats of the schema's own give way: they
// are notes, and no provider holds its models to them.
type counting struct {
	seen map[string]bool // pointers of parts
	refs []string
}

// costName is the format that takes so many steps, a power of two.
func costName(cost int) string { return "steps-" + strconv.Itoa(cost) }

// count walks the whole document; every reference must lead to one of its parts, or something would go uncounted.
func (p *counting) count(doc any, at string, depth int) error {
	if err := p.part(doc, at, depth); err != nil {
		return err
	}
	for _, ref := range p.refs {
		if !p.seen[ref] {
			return errUnchecked
		}
	}
	return nil
}

func (p *counting) part(v any, at string, depth int) error {
	o, ok := v.(map[string]any)
	if !ok {
		return nil // true, false, or nothing that compiles
	}
	if depth > schemaDepthMax {
		return errUnchecked
	}
	p.seen[at] = true
	for name := range o {
		switch name {
		case "$id", "id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor", "$vocabulary":
			return errUnchecked
		}
	}
	if ref, ok := o["$ref"].(string); ok {
		p.refs = append(p.refs, strings.TrimSuffix(ref, "/"))
	}
	cost := 1 + choices(o)
	var err error
	each := func(child any, at string) {
		cost += 1 + choices(child)
		if err == nil {
			err = p.part(child, at, depth+1)
		}
	}
	for name, value := range o {
		children(name, value, at, each)
	}
	if m, ok := o["patternProperties"].(map[string]any); ok && len(m) > patternMax {
		return errUnchecked
	}
	if choices(o) > 0 { // values are compared before formats are asked: behind the format they do not go uncounted
		all, _ := o["allOf"].([]any)
		o["allOf"] = append(all, map[string]any{"enum": o["enum"]})
		delete(o, "enum")
	}
	bound := 1
	for bound < min(cost, schemaMax) {
		bound *= 2
	}
	o["format"] = costName(bound)
	return err
}

// choices is how many values a part compares with.
func choices(v any) int {
	o, _ := v.(map[string]any)
	list, _ := o["enum"].([]any)
	return len(list)
}

// children calls each for the schemas that stand in a keyword's value, with their JSON pointers.
func children(keyword string, value any, at string, each func(child any, at string)) {
	at += "/" + keyword
	switch keyword {
	case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies":
		if m, ok := value.(map[string]any); ok {
			for name, child := range m {
				each(child, at+"/"+pointer.Replace(name))
			}
		}
	case "allOf", "anyOf", "oneOf", "prefixItems", "items":
		if list, ok := value.([]any); ok {
			for i, child := range list {
				each(child, at+"/"+strconv.Itoa(i))
			}
			return
		}
		each(value, at)
	case "additionalProperties", "additionalItems", "unevaluatedProperties", "unevaluatedItems", "contains", "propertyNames", "not", "if", "then",
		"else", "contentSchema":
		each(value, at)
	}
}

var pointer = strings.NewReplacer("~", "~0", "/", "~1")
