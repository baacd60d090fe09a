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
