package dimension_test

import (
	"testing"

	"tollgate/internal/dimension"
)

// TestCallsAreSelectedByTheirPrompt, and by its version; a call of none stands nowhere on either line.
func TestCallsAreSelectedByTheirPrompt(t *testing.T) {
	t.Parallel()
	used, newer, none := dimension.Call{Prompt: "prompt_a", PromptNumber: 7}, dimension.Call{Prompt: "prompt_a", PromptNumber: 8}, dimension.Call{PromptNumber: 7}
	for _, tt := range []struct {
		match dimension.Match
		want  bool
	}{
		{dimension.Match{Dimension: dimension.Prompt, Value: "prompt_a"}, true},
		{dimension.Match{Dimension: dimension.Prompt, Value: "prompt_b"}, false},
		{dimension.Match{Dimension: dimension.PromptVersion, Value: "prompt_a@7"}, true},
		{dimension.Match{Dimension: dimension.PromptVersion, Value: "prompt_a@8"}, false},
		{dimension.Match{Dimension: dimension.PromptVersion, Value: "prompt_a"}, false},
	} {
		s := dimension.Selector{tt.match}
		if err := s.Check("selector"); err != nil {
			t.Errorf("%v: %v", tt.match, err)
		}
		if s.Selects(&used) != tt.want || s.Selects(&none) || s.Upstream() {
			t.Errorf("%v: selects %v", tt.match, s.Selects(&used))
		}
	}
	if seven := (dimension.Selector{{Dimension: dimension.PromptVersion, Value: "prompt_a@7"}}); seven.Selects(&newer) {
		t.Error("version 8 counts as version 7")
	}
	if v := none.Value(dimension.PromptVersion); v != "" {
		t.Errorf("a call of no prompt has the version %q", v)
	}
}
