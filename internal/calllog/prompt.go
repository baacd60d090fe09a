package calllog

import (
	"strconv"
	"strings"

	"tollgate/internal/id"
)

// PromptVersion names one version of a prompt. The zero PromptVersion is none: calls that used no prompt.
type PromptVersion struct {
	Prompt id.Prompt
	Number int
}

// String is the form that ParsePromptVersion reads: prompt_…@7; "" of none.
func (v PromptVersion) String() string {
	if v == (PromptVersion{}) {
		return ""
	}
	return string(v.Prompt) + "@" + strconv.Itoa(v.Number)
}

// ParsePromptVersion reads prompt_…@7. false: it is nothing of the kind.
func ParsePromptVersion(s string) (PromptVersion, bool) {
	if s == "" {
		return PromptVersion{}, true
	}
	prompt, number, ok := strings.Cut(s, "@")
	n, err := strconv.ParseInt(number, 10, 32)
	if !ok || err != nil || n < 1 || prompt == "" {
		return PromptVersion{}, false
	}
	return PromptVersion{Prompt: id.Prompt(prompt), Number: int(n)}, true
}
