package flags_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/provider/flags"
)

const header = "anthropic-beta"

func embedded(t testing.TB) *flags.Policy {
	t.Helper()
	p, err := flags.Default()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func load(t testing.TB, text string) *flags.Policy {
	t.Helper()
	p, err := flags.Load(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What Claude Code sends to a cloud must never make the cloud refuse the call.
func TestTheCloudsGetOnlyWhatTheyKnowAndTheMakerGetsAll(t *testing.T) {
	t.Parallel()
	sent := []string{
		"claude-code-20250219,interleaved-thinking-2025-05-14, advanced-tool-use-2025-11-20",
		"prompt-caching-scope-2026-01-05,context-1m-2025-08-07,tool-search-tool-2025-10-19,from-the-future-2031-01-01",
	}
	known := []string{"interleaved-thinking-2025-05-14", "tool-search-tool-2025-10-19", "context-1m-2025-08-07"}
	strange := []string{"claude-code-20250219", "prompt-caching-scope-2026-01-05", "from-the-future-2031-01-01"}
	all := []string{
		"claude-code-20250219", "interleaved-thinking-2025-05-14", "advanced-tool-use-2025-11-20", "prompt-caching-scope-2026-01-05",
		"context-1m-2025-08-07", "tool-search-tool-2025-10-19", "from-the-future-2031-01-01",
	}
	tests := []struct {
		name          string
		to            flags.Destination
		kept, dropped []string
	}{
		{"the maker", flags.Destination{Vendor: "anthropic", Dialect: "anthropic-messages", Model: "claude-haiku-4-5"}, all, nil},
		{"another vendor of the dialect", flags.Destination{Vendor: "someone", Dialect: "anthropic-messages"}, all, nil},
		{"Bedrock", flags.Destination{Vendor: "bedrock", Dialect: "anthropic-bedrock", Model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0"}, known, strange},
		{
			"Bedrock by the ARN of a profile",
			flags.Destination{Dialect: "anthropic-bedrock", Model: "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-6-v1"},
			known, strange,
		},
		{
			"Bedrock's other door",
			flags.Destination{Vendor: "bedrock-mantle", Dialect: "anthropic-messages", Model: "anthropic.claude-opus-5"},
			append([]string{"claude-code-20250219"}, known...), strange[1:],
		},
		{"Vertex", flags.Destination{Vendor: "vertex", Dialect: "anthropic-vertex", Model: "claude-opus-4-1@20250805"}, known, strange},
		{
			"a model that a known flag means nothing to",
			flags.Destination{Vendor: "vertex", Dialect: "anthropic-vertex", Model: "claude-haiku-4-5@20251001"},
			known[1:],
			[]string{"claude-code-20250219", "interleaved-thinking-2025-05-14", "prompt-caching-scope-2026-01-05", "from-the-future-2031-01-01"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kept, dropped := embedded(t).Filter(header, tt.to, sent)
			if diff := cmp.Diff(tt.kept, kept); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.dropped, dropped); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheVendorsRuleComesBeforeTheDialects(t *testing.T) {
	t.Parallel()
	p := load(t, `{"headers":{"h":{"v":{"default":"drop","allow":["a"]},"d":{"default":"drop","allow":["b"]},"*":{"default":"pass","deny":["a","b"]}}}}`)
	for _, tt := range []struct {
		to   flags.Destination
		want []string
	}{
		{flags.Destination{Vendor: "v", Dialect: "d"}, []string{"a"}},
		{flags.Destination{Vendor: "w", Dialect: "d"}, []string{"b"}},
		{flags.Destination{Vendor: "w", Dialect: "e"}, []string{"c"}},
	} {
		if kept, _ := p.Filter("h", tt.to, []string{"a,b,c"}); !cmp.Equal(kept, tt.want) {
			t.Errorf("%+v: kept %q, want %q", tt.to, kept, tt.want)
		}
	}
	if kept, dropped := p.Filter("x", flags.Destination{}, []string{"a , ,b", "a"}); !cmp.Equal(kept, []string{"a", "b"}) || dropped != nil {
		t.Errorf("a header without rules: kept %q, dropped %q", kept, dropped)
	}
}

func TestAnOperatorsRuleReplacesThatDestinationOnly(t *testing.T) {
	t.Parallel()
	p := embedded(t).Over(load(t, `{"headers":{"anthropic-beta":{"anthropic-vertex":{"default":"drop","allow":["new"]}},"x-beta":{"*":{"default":"drop"}}}}`))
	if kept, _ := p.Filter(header, flags.Destination{Dialect: "anthropic-vertex"}, []string{"new,context-1m-2025-08-07"}); !cmp.Equal(kept, []string{"new"}) {
		t.Errorf("vertex: %q", kept)
	}
	if kept, _ := p.Filter(header, flags.Destination{Dialect: "anthropic-bedrock"}, []string{"new,context-1m-2025-08-07"}); !cmp.Equal(kept, []string{"context-1m-2025-08-07"}) {
		t.Errorf("bedrock: %q", kept)
	}
	if want := []string{"anthropic-beta", "openai-beta", "x-beta"}; !cmp.Equal(p.Headers(), want) {
		t.Errorf("headers %q, want %q", p.Headers(), want)
	}
}

func TestNoHeaderCostsNothing(t *testing.T) { //nolint:paralleltest // counts allocations
	p := embedded(t)
	to := flags.Destination{Vendor: "bedrock", Dialect: "anthropic-bedrock"}
	if n := testing.AllocsPerRun(100, func() { p.Filter(header, to, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRulesAreReadStrictly(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":                      ``,
		"no JSON":                      `{"headers":`,
		"text behind":                  `{"headers":{}} x`,
		"an unknown member":            `{"header":{}}`,
		"an unknown member of a rule":  `{"headers":{"h":{"v":{"default":"pass","allowed":[]}}}}`,
		"no default":                   `{"headers":{"h":{"v":{"allow":["a"]}}}}`,
		"a default that is no word":    `{"headers":{"h":{"v":{"default":"keep"}}}}`,
		"a header in upper case":       `{"headers":{"Anthropic-Beta":{}}}`,
		"a flag twice":                 `{"headers":{"h":{"v":{"default":"drop","allow":["a"],"rename":{"a":"b"}}}}}`,
		"a flag with a comma":          `{"headers":{"h":{"v":{"default":"drop","allow":["a,b"]}}}}`,
		"a name that breaks a header":  `{"headers":{"h":{"v":{"default":"drop","rename":{"a":"b\r\nx: y"}}}}}`,
		"a pattern that is none":       `{"headers":{"h":{"v":{"default":"drop","models":{"a":["["]}}}}}`,
		"more than anybody would want": `{"headers":{"h":{"v":{"default":"pass","source":"` + strings.Repeat("x", 1<<20) + `"}}}}`,
	} {
		if _, err := flags.Load(strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// Whatever a file says, it is refused or gives rules that make no flag that a header cannot carry.
func FuzzLoad(f *testing.F) {
	raw, err := os.ReadFile("flags.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(raw), "a,b")
	f.Add(`{"headers":{"anthropic-beta":{"*":{"default":"pass","rename":{"a":"b"}}}}}`, "a, a,,b\r")
	f.Fuzz(func(t *testing.T, text, value string) {
		p, err := flags.Load(strings.NewReader(text))
		if err != nil {
			return
		}
		kept, dropped := p.Filter(header, flags.Destination{Vendor: "v", Dialect: "anthropic-bedrock", Model: "m/x"}, []string{value})
		if n := strings.Count(value, ",") + 1; len(kept)+len(dropped) > n {
			t.Fatalf("%d flags came out of %q", len(kept)+len(dropped), value)
		}
		for _, flag := range kept {
			if flag == "" || strings.Contains(flag, ",") {
				t.Fatalf("kept %q of %q", flag, value)
			}
		}
	})
}

// A destination that no vendor and no dialect has is a typing error that nobody would notice.
func TestEveryDestinationExists(t *testing.T) {
	t.Parallel()
	var file struct {
		Headers map[string]map[string]struct{ Source string } `json:"headers"`
	}
	raw, err := os.ReadFile("flags.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for header, rules := range file.Headers {
		for to, r := range rules {
			_, vendor := catalog.Vendor(to)
			_, dialect := catalog.Target(provider.Name(to))
			if to != flags.Any && !vendor && !dialect {
				t.Errorf("%s to %q: neither a vendor nor a dialect", header, to)
			}
			if r.Source == "" {
				t.Errorf("%s to %q: no source", header, to)
			}
		}
	}
}
