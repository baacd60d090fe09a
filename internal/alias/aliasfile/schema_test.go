package aliasfile_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"tollgate/internal/alias/aliasfile"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(aliasfile.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("routing.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("routing.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fits reports what the schema says of a text.
func fits(s *jsonschema.Schema, text string) error {
	var v any
	if err := yaml.Load([]byte(text), &v); err != nil {
		return err
	}
	if err := s.Validate(plain(v)); err != nil {
		return err
	}
	return nil
}

// plain is a value as JSON has it.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case map[any]any:
		out := map[string]any{}
		for k, x := range v {
			out[fmt.Sprint(k)] = plain(x)
		}
		return out
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}

func TestTheSchemaIsPublished(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../../docs/schema/routing.schema.json")
	if err != nil || !bytes.Equal(docs, aliasfile.Schema()) {
		t.Errorf("docs/schema/routing.schema.json is not the schema of this package: copy it (%v)", err)
	}
}

// What is good fits the schema; and a file that was spoiled in one place either is still good, and fits, or is refused with a reason.
// What the schema refuses is never accepted.
func TestTheSchemaAndTheReaderAgree(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	example, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := fits(s, string(example)); err != nil {
		t.Error(err)
	}
	word := regexp.MustCompile(`[A-Za-z0-9_./-]+|'[^']*'`)
	refused, accepted := 0, 0
	for seed := range uint64(100) {
		m := maker(seed)
		text := string(aliasfile.Format(m.File()))
		if err := fits(s, text); err != nil {
			t.Fatalf("a good file does not fit: %v\n%s", err, text)
		}
		places := word.FindAllStringIndex(text, -1)
		for range 5 {
			at := places[m.IntN(len(places))]
			with := []string{"7", "null", "true", "[]", "{}", "x", "''", "-1", "1.5", "openai/gpt-4o", "off", "1001", "{model: openai/x}", "[a]", "10s", "9999999"}[m.IntN(16)]
			spoiled := text[:at[0]] + with + text[at[1]:]
			d, problems := aliasfile.Parse([]byte(spoiled))
			good := len(problems) == 0 && len(d.File.Problems(words)) == 0
			err := fits(s, spoiled)
			if good && err != nil {
				t.Fatalf("accepted, and does not fit the schema: %s for %s: %v\n%s", with, text[at[0]:at[1]], err, spoiled)
			}
			if err != nil {
				refused++
			} else if good {
				accepted++
			}
		}
	}
	if refused < 120 || accepted < 25 {
		t.Errorf("%d refused, %d accepted: the test says little", refused, accepted)
	}
}

// The mistakes that the reader knows by their form, the schema knows too.
func TestTheSchemaKnowsWrongForms(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	frame := "aliases: {a: {targets: [openai/gpt-4o], %s}}"
	for _, bad := range []string{
		"strategy: random", "targts: x", "attempts: 0", "attempts: 11", "retry: {on: []}", "retry: {on: meltdown}", "timeouts: {total: 10}",
		"timeouts: {total: 10 seconds}", "sticky: maybe", "parameters: {caps: {effort: low}}", "parameters: {defaults: {temperature: 3}}",
		"cache: {mode: exact}", "cache: {mode: semantic, ttl: 10m}", "privacy: {payload: some}", "on_disconnect: panic", "drop_unsupported: maybe",
		"when: [{use: openai/gpt-4o}]", "when: [{if: tools}]", "when: [{if: tools, use: []}]", "fallbacks: [{model: openai/x, weight: 3}]",
		"fallbacks: [{model: gpt-4o}]",
	} {
		text := fmt.Sprintf(frame, bad)
		d, problems := aliasfile.Parse([]byte(text))
		if fits(s, text) == nil || len(problems)+len(d.File.Problems(words)) == 0 {
			t.Errorf("%s: the schema says %v, the reader %s", bad, fits(s, text), told(problems))
		}
	}
	if strings.Contains(string(aliasfile.Schema()), "\t") {
		t.Error("the schema is indented with tabs")
	}
}
