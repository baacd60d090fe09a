package playground_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tollgate/internal/playground"
	"tollgate/internal/prompt"
)

func TestADraftIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	line := rapid.OneOf(rapid.StringMatching(`[ -~]{0,20}`), rapid.SampledFrom([]string{"", "user:", " system: ", `\user:`, `\\assistant:`, "placeholder: x", "placeholder:", "users:", `\`}))
	text := rapid.Map(rapid.SliceOfN(line, 1, 5), func(l []string) string { return strings.Join(l, "\n") })
	message := rapid.Custom(func(t *rapid.T) prompt.Message {
		if rapid.Bool().Draw(t, "place") {
			return prompt.Message{Placeholder: rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "name")}
		}
		return prompt.Message{Role: rapid.SampledFrom(prompt.Roles).Draw(t, "role"), Text: text.Draw(t, "text")}
	})
	rapid.Check(t, func(t *rapid.T) {
		c := prompt.Content{Messages: rapid.SliceOfN(message, 1, 5).Draw(t, "messages")}
		draft := playground.FormatDraft(&c)
		if got := playground.ParseDraft(strings.ReplaceAll(draft, "\n", "\r\n")); !slices.Equal(got.Messages, c.Messages) {
			t.Fatalf("draft %q was read as %+v", draft, got.Messages)
		}
	})
}

func TestADraftWithoutRolesIsAText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "  \n", "Answer:\nin one word", "user is {{name}}\nsystem:\nx"} {
		if got := playground.ParseDraft(text); got.Messages != nil || got.Text != text {
			t.Errorf("ParseDraft(%q) = %+v", text, got)
		}
	}
}
