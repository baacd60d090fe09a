package calllog_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/golden"
	"tollgate/internal/provider"
)

func TestWhyInWords(t *testing.T) {
	t.Parallel()
	failed := calllog.Attempt{Number: 1, Provider: "anthropic", Model: "claude-haiku-4-5", Status: 429, ErrorClass: "rate_limited", Duration: 120 * time.Millisecond}
	again := failed
	again.Number, again.Status, again.ErrorClass, again.Duration = 2, 0, "connection", 300*time.Microsecond
	answered := calllog.Attempt{Number: 3, Provider: "openai", Model: "gpt-4o-mini", Status: 200, Duration: 12400 * time.Millisecond}
	weighted := &calllog.Decision{
		Strategy: "weighted", Sticky: true, Rule: "night", Filters: []string{"only anthropic and openai", "max prompt price 1.5"},
		Candidates: []calllog.Candidate{
			{Provider: "anthropic", Model: "claude-haiku-4-5", Place: 1, Why: "weight 50 of 100"},
			{Provider: "mistral", Model: "small", Why: "not in only"},
			{Provider: "groq", Model: "llama", Why: "breaker open until 12:00:05"},
			{Provider: "x", Model: "a", Why: "dearer than max_price"},
			{Provider: "x", Model: "b", Why: "dearer than max_price"},
			{Provider: "openai", Model: "gpt-4o-mini", Place: 2, Why: "fallback"},
		},
		Notes: []string{"retry budget spent", "Élan"},
	}
	for name, r := range map[string]calllog.Record{
		"model": {Requested: "openai/gpt-4o-mini", Outcome: calllog.OK, Attempts: []calllog.Attempt{answered}},
		"fallback": {
			Task: "classification", TaskBy: calllog.TaskLocal, Alias: "fast-classifier", AliasVersion: 4, Experiment: "exp_1", Arm: "haiku", UnitBy: "session",
			Outcome: calllog.OK, Attempts: []calllog.Attempt{failed, again, answered}, Decision: weighted, Batch: "batch_1",
		},
		"other_arm": {Experiment: "exp_1", Arm: "b", ArmServed: "control", UnitBy: "user", Alias: "a", AliasVersion: 1, Outcome: calllog.OK, Decision: &calllog.Decision{Strategy: "cheapest"}},
		"noted":     {Requested: "gpt-4o", Outcome: calllog.OK, Attempts: []calllog.Attempt{failed, answered}, Decision: &calllog.Decision{Notes: []string{"retry budget spent"}}},
		"pool":      {Requested: "gpt-4o", Outcome: calllog.OK, Attempts: []calllog.Attempt{answered}, Decision: &calllog.Decision{Strategy: "weighted", Candidates: []calllog.Candidate{{Provider: "openai", Model: "gpt-4o", Place: 1, Why: "credential main"}}}},
		"refused":   {Requested: "task:none", Outcome: calllog.Refused},
	} {
		golden.Equal(t, "words/"+name+".txt", []byte(strings.Join(r.Words(), "\n")+"\n"))
	}
}

// TestEveryWayToATaskHasItsWords, and every strategy and failure: a word that is shown raw was forgotten.
func TestEveryWayToATaskHasItsWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, by := range []string{calllog.TaskModel, calllog.TaskHeader, calllog.TaskKey, calllog.TaskLocal, calllog.TaskAsked} {
		words := (&calllog.Record{Task: "x", TaskBy: by}).Words()
		if len(words) != 1 || seen[words[0]] || words[0] == "The call’s task is “x”." {
			t.Errorf("%s: %q", by, words)
		}
		seen[words[0]] = true
	}
	for _, strategy := range alias.Strategies {
		words := (&calllog.Record{Alias: "a", Decision: &calllog.Decision{Strategy: string(strategy)}}).Words()
		if len(words) != 1 || strings.Contains(words[0], "strategy") {
			t.Errorf("%s: %q", strategy, words)
		}
	}
	for class := range provider.ClassConnect + 1 {
		if got := (&calllog.Attempt{ErrorClass: class.String()}).Failure(); got == strings.ReplaceAll(class.String(), "_", " ") {
			t.Errorf("%s has no words", class)
		}
	}
}

func text() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\x00", "\xff\xfe", strings.Repeat("<\u2028", 500), strings.Repeat(`"`, 2000), strings.Repeat("\x01", 2000), strings.Repeat("a", 5000)}))
}

// TestADecisionIsBounded whatever stands in it: what is stored stays below its limit and is JSON that says the same.
func TestADecisionIsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := calllog.Decision{
			Strategy: text().Draw(t, "strategy"), Rule: text().Draw(t, "rule"),
			Filters: rapid.SliceOf(text()).Draw(t, "filters"), Notes: rapid.SliceOf(text()).Draw(t, "notes"),
			Candidates: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) calllog.Candidate {
				return calllog.Candidate{Provider: text().Draw(t, "p"), Model: text().Draw(t, "m"), Why: text().Draw(t, "w"), Place: rapid.Int().Draw(t, "n")}
			}), 0, 60).Draw(t, "candidates"),
			Features: rapid.SliceOf(rapid.Custom(func(t *rapid.T) calllog.Feature {
				return calllog.Feature{Name: text().Draw(t, "f"), Value: rapid.SampledFrom([]float64{1, math.NaN(), math.Inf(1), -math.MaxFloat64}).Draw(t, "v")}
			})).Draw(t, "features"),
		}
		b, err := json.Marshal(d.Bounded())
		if err != nil || len(b) > calllog.DecisionBytesMax {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
	})
	small := &calllog.Decision{Rule: "r", Candidates: []calllog.Candidate{{Provider: "p"}}, Notes: []string{"n"}, Features: []calllog.Feature{{Name: "f", Value: 1}}}
	before, _ := json.Marshal(small)
	after, _ := json.Marshal(small.Bounded())
	if string(before) != string(after) {
		t.Errorf("an ordinary decision was changed:\n%s\n%s", before, after)
	}
	if (*calllog.Decision)(nil).Bounded() != nil {
		t.Error("no decision became one")
	}
}
