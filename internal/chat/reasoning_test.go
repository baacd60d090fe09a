package chat_test

import (
	"testing"

	"tollgate/internal/chat"
)

func TestEffortAndBudgetMeetInOneTable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		o      *chat.ReasoningOptions
		tokens int64
		word   string
	}{
		{"nothing asked for", nil, 0, ""},
		{"switched off", &chat.ReasoningOptions{Disabled: true, Budget: 5000}, 0, ""},
		{"none", &chat.ReasoningOptions{Effort: "none"}, 0, ""},
		{"low", &chat.ReasoningOptions{Effort: "low"}, 2048, "low"},
		{"high", &chat.ReasoningOptions{Effort: "high"}, 24576, "high"},
		{"a word of the future", &chat.ReasoningOptions{Effort: "ultra"}, 8192, "ultra"},
		{"a small budget", &chat.ReasoningOptions{Budget: 1024}, 1024, "low"},
		{"a middling budget", &chat.ReasoningOptions{Budget: 10000}, 10000, "medium"},
		{"a large budget", &chat.ReasoningOptions{Budget: 32000}, 32000, "high"},
		{"as the model likes", &chat.ReasoningOptions{Adaptive: true}, 8192, ""},
	}
	for _, tt := range tests {
		if got := tt.o.Tokens(); got != tt.tokens {
			t.Errorf("%s: %d tokens, want %d", tt.name, got, tt.tokens)
		}
		if got := tt.o.Word(); got != tt.word {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.word)
		}
	}
}

func TestClassNamesAreUniqueAndParseBack(t *testing.T) {
	t.Parallel()
	for c := range chat.Classes {
		if got, ok := chat.ParseClass(c.String()); !ok || got != c {
			t.Errorf("%d %q: %d, %v", c, c, got, ok)
		}
	}
	if _, ok := chat.ParseClass("nothing"); ok {
		t.Error("an unknown class was found")
	}
}

func TestTotalsHoldEveryTokenAndNothingElse(t *testing.T) {
	t.Parallel()
	var u chat.Units
	for c := range u {
		u[c] = 1 << c
	}
	bits := func(classes ...chat.Class) (n int64) {
		for _, c := range classes {
			n |= 1 << c
		}
		return n
	}
	if got, want := u.InputTotal(), bits(chat.Input, chat.CacheRead, chat.CacheWrite5m, chat.CacheWrite1h, chat.InputAudio, chat.InputImage); got != want {
		t.Errorf("input: %b, want %b", got, want)
	}
	if got, want := u.OutputTotal(), bits(chat.Output, chat.Reasoning, chat.OutputAudio, chat.OutputImage); got != want {
		t.Errorf("output: %b, want %b", got, want)
	}
}

// The place of a class is how it is stored: names may be added behind, never moved.
func TestTheOrderOfClassesStays(t *testing.T) {
	t.Parallel()
	want := []string{
		"input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "input_audio", "output_audio", "web_search",
		"input_image", "output_image", "image", "audio_ms", "character", "search_unit", "page", "request", "file_search", "code_session",
	}
	for i, name := range want {
		if got := chat.Class(i).String(); got != name {
			t.Errorf("class %d is %q, want %q", i, got, name)
		}
	}
	if got := chat.Rare(chat.Units{chat.Input: 1, chat.Pages: 2, chat.InputImage: 3}); len(got) != 2 || got[0] != chat.InputImage || got[1] != chat.Pages {
		t.Errorf("Rare = %v", got)
	}
}
