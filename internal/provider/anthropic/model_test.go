package anthropic

import "testing"

func TestAModelsNameSaysWhichFormsItTakes(t *testing.T) {
	t.Parallel()
	old, budget, both, now := generation{}, generation{thinks: true}, generation{thinks: true, formats: true}, generation{true, true, true}
	for name, want := range map[string]generation{
		"claude-3-5-haiku-20241022": old, "claude-3-opus-latest": old, "claude-2.1": old, "claude-instant-1.2": old, "claude-": old,
		"claude-3-7-sonnet-20250219": budget, "claude-sonnet-4-20250514": budget, "claude-opus-4-1-20250805": budget, "claude-opus-4-0": budget,
		"claude-sonnet-4-5": both, "claude-haiku-4-5-20251001": both, "anthropic/claude-sonnet-4.5": both,
		"claude-opus-4-6": now, "claude-sonnet-4-6": now, "claude-opus-4-8": now, "claude-fable-5": now, "claude-sonnet-5-20270101": now,
		"claude-sonnet-4@20250514": budget, "claude-opus-4-1@20250805": budget, "claude-sonnet-4-5@20250929": both, "claude-3-7-sonnet@20250219": budget,
		"us.anthropic.claude-sonnet-4-20250514-v1:0": budget, "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-6-v1": now,
		"deepseek-chat": budget, "kimi-k2": budget, "": budget,
	} {
		if got := generationOf(name); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}
