package bedrock

import (
	"strings"

	"tollgate/internal/provider/anthropic"
)

// maker tells whose model a name is, for what Converse leaves to the models.
type maker uint8

const (
	other  maker = iota // and names that say nothing, like those of application profiles
	claude              // Anthropic
	nova                // Amazon
	openai              // gpt-oss
	qwen                // Alibaba
	open                // further open models that Bedrock runs by itself: they take schemas for their answers
)

// makerOf reads a model's id, which may stand behind a region ("us.") or in an ARN. Names of routers and of an account's own profiles
// say nothing.
func makerOf(model string) maker {
	name := strings.ToLower(model)
	for _, m := range [...]struct {
		mark string
		maker
	}{
		{"claude", claude},
		{"amazon.nova", nova},
		{"openai.", openai},
		{"qwen.", qwen},
		{"google.gemma", open},
		{"moonshot", open},
		{"minimax.", open},
		{"nvidia.", open},
		{"zai.", open},
		{"deepseek.v3", open},
		{"mistral.mistral-large-3", open},
		{"mistral.ministral", open},
		{"mistral.magistral", open},
		{"mistral.devstral", open},
		{"mistral.voxtral", open},
	} {
		if strings.Contains(name, m.mark) {
			return m.maker
		}
	}
	return other
}

// takesSchema reports whether a model's answers can be held to a schema.
func takesSchema(m maker, model string) bool {
	switch m {
	case claude:
		return anthropic.Formats(model)
	case openai, qwen, open:
		return true
	case nova, other:
	}
	return false
}

// caches reports whether a model takes cache points; others refuse a call that has one.
func caches(m maker, model string) bool {
	switch m {
	case nova:
		return true
	case claude:
		name := strings.ToLower(model)
		for _, old := range [...]string{"claude-v2", "claude-instant", "claude-3-haiku", "claude-3-sonnet", "claude-3-opus", "claude-3-5-sonnet-20240620"} {
			if strings.Contains(name, old) {
				return false
			}
		}
		return true
	case openai, qwen, open, other:
	}
	return false
}

// cachesLong reports whether a cache point can last an hour: for Claude from 4.5 on, as structured outputs.
func cachesLong(m maker, model string) bool { return m == claude && anthropic.Formats(model) }
