package aliasfile_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliasfile"
	"tollgate/internal/alias/aliastest"
	"tollgate/internal/alias/condition"
	"tollgate/internal/golden"
	"tollgate/internal/id"
	"tollgate/internal/provider"
)

var words = alias.Words{
	Vendors: func(name string) (provider.Vendor, bool) {
		return provider.Vendor{Name: name}, strings.Contains(" anthropic openai google bedrock sandbox ", " "+name+" ")
	},
	Condition: condition.Check,
}

func split(model string) (p, m string) {
	p, m, _ = strings.Cut(model, "/")
	return p, m
}

func maker(seed uint64) aliastest.Maker {
	return aliastest.Maker{
		Prompts: []alias.Prompt{{Name: "support/greeting"}, {Name: "a b's", Version: 7}, {Name: "true", Label: "staging"}, {Name: "- it, [x]", Label: "latest"}, {Name: "7"}},
		Rand:    rand.New(rand.NewPCG(seed, 7)),
		Models:  []string{"openai/gpt-4o", "openai/gpt-4o-mini", "anthropic/claude-haiku-4-5", "google/models/gemini-2.5-flash", "bedrock/us.anthropic.claude-v1:0", "sandbox/it's"},
		Split:   split, Credentials: map[id.Credential]string{"cred_1": "openai", "cred_2": "anthropic"},
	}
}

func parse(t *testing.T, text string) alias.File {
	t.Helper()
	d, problems := aliasfile.Parse([]byte(text))
	if len(problems) > 0 {
		t.Fatalf("%s\n%s", told(problems), text)
	}
	return d.File
}

func told(problems []aliasfile.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%d:%d %s: %s\n", p.Line, p.Column, p.Path, p.Reason)
	}
	return b.String()
}

func TestTheExampleOfTheDesignIsRead(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := parse(t, string(text))
	if found := f.Problems(words); len(found) > 0 {
		t.Fatal(found)
	}
	one := func(model string) []alias.Target {
		p, m := split(model)
		return []alias.Target{{Provider: p, Model: m}}
	}
	tokens, warm := int64(4000), 0.2
	want := alias.File{
		Tasks: map[string]string{"classification": "fast-classifier", "complex-analysis": "premium-analyst", "batch-processing": "bulk"},
		Auto:  alias.Auto{On: true, Classifier: "fast-classifier", Default: "complex-analysis"},
		Aliases: map[string]alias.Route{
			"fast-classifier": {
				Strategy: alias.Weighted,
				Targets: []alias.Target{
					{Provider: "anthropic", Model: "claude-haiku-4-5", Weight: 50, Credential: "cred_1", Order: 1},
					{Provider: "openai", Model: "gpt-4o-mini", Weight: 50},
					{Provider: "sandbox", Model: "echo-mini", Weight: 1, Off: true},
				},
				Rules: []alias.Rule{
					{If: `environment == "development"`, Strategy: alias.Ordered, Targets: one("sandbox/echo")},
					{If: `input_tokens > 60000`, Strategy: alias.Ordered, Targets: one("google/gemini-2.5-flash")},
					{
						Name: "gold at night", If: `(hour("Europe/Berlin") < 6) && environment in ["production", "staging"] && task == "classification" && tag("tier") == "gold"`,
						Strategy: alias.Cheapest, Targets: append(one("openai/gpt-4o"), one("anthropic/claude-sonnet-4-5")...),
					},
				},
				Fallbacks: []alias.Fallback{
					{Target: one("openai/gpt-4o-mini")[0]},
					{Target: one("google/gemini-2.5-flash")[0], On: []alias.Cause{alias.ContextWindow, alias.ContentPolicy}},
				},
				Retry:   alias.Retry{Attempts: 2, On: []alias.Cause{alias.RateLimit, alias.Overloaded, alias.TimedOut}},
				Timeout: 2 * time.Minute, Connect: 2 * time.Second, FirstByte: 20 * time.Second, Idle: 1500 * time.Millisecond, Attempts: 4,
				Sticky: alias.StickyOff, Parameters: alias.Parameters{
					Defaults: alias.Settings{MaxTokens: &tokens}, Overrides: alias.Settings{Temperature: &warm, Effort: "low"},
				},
				Cache: alias.Cache{Mode: alias.CacheExact, TTL: 10 * time.Minute}, Privacy: alias.Privacy{Payload: "metadata", NoTraining: true},
				OnDisconnect: alias.Abort, DropUnsupported: true,
			},
			"premium-analyst": {Strategy: alias.Ordered, Targets: one("anthropic/claude-sonnet-4-5"), OnDisconnect: alias.Drain},
			"bulk":            {Strategy: alias.Ordered, Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini", Via: alias.ViaBatch}}, OnDisconnect: alias.Drain},
		},
	}
	if diff := cmp.Diff(want, f.Normal()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Files that say the same are the same bytes, and the bytes say the same as the file.
func TestWhatIsWrittenIsReadBack(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		f := maker(seed).File()
		if found := f.Problems(words); len(found) > 0 {
			t.Fatalf("seed %d is not valid: %v", seed, found)
		}
		text := aliasfile.Format(f)
		back := parse(t, string(text))
		if diff := cmp.Diff(f.Normal(), back.Normal()); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s\n%s", seed, diff, text)
		}
		if again := aliasfile.Format(back); string(again) != string(text) {
			t.Fatalf("seed %d: not canonical:\n%s\n---\n%s", seed, text, again)
		}
	}
}

func TestTheCanonicalFormIsShort(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "canonical.yaml", aliasfile.Format(parse(t, string(text))))
	if got := string(aliasfile.Format(alias.File{})); got != "aliases: {}\n" {
		t.Errorf("nothing is written as %q", got)
	}
}

func FuzzParse(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(string(aliasfile.Format(maker(seed).File())))
	}
	if text, err := os.ReadFile("testdata/example.yaml"); err == nil {
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, problems := aliasfile.Parse([]byte(text))
		all := append(problems, d.Locate(d.File.Problems(words))...)
		lines := 2
		for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
			lines += strings.Count(text, end)
		}
		for _, p := range all {
			if p.Reason == "" || p.Line < 0 || p.Line > lines || p.Column < 0 {
				t.Fatalf("%+v of %q", p, text)
			}
		}
		if len(all) > 0 {
			return
		}
		back, problems := aliasfile.Parse(aliasfile.Format(d.File))
		if len(problems) > 0 || !back.File.Same(d.File) {
			t.Fatalf("%q is written as\n%s\n%s", text, aliasfile.Format(d.File), told(problems))
		}
	})
}
