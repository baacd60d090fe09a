package compile

import (
	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
)

// sandboxProvider is the built-in provider; no file may price it.
const sandboxProvider = "sandbox"

// Builtin gives the records that come from no file: the sandbox's models, whose prices are fictional but behave like real
// ones, and the statement that a model server of one's own charges nothing.
func Builtin() []price.Record {
	out := []price.Record{
		sandbox("echo-mini", map[chat.Class]money.Price{chat.Input: 100_000, chat.Output: 400_000, chat.CacheRead: 25_000}),
		sandbox("echo-large", map[chat.Class]money.Price{
			chat.Input: 2_500_000, chat.Output: 10_000_000, chat.CacheRead: 1_250_000, chat.CacheWrite5m: 3_125_000,
		}),
		sandbox("reasoner", map[chat.Class]money.Price{chat.Input: 1_000_000, chat.Output: 4_000_000, chat.Reasoning: 4_000_000}),
	}
	vectors := sandbox("embed-mini", map[chat.Class]money.Price{chat.Input: 20_000})
	vectors.Input, vectors.Output, vectors.MaxOutput = price.Text, 0, 0
	out = append(out, vectors)
	var free price.Rates
	for c := range free {
		free[c].Listed = true
	}
	for _, p := range []string{"docker-model-runner", "infinity", "llamafile", "lm-studio", "ollama", "ollama-native", "vllm", "xinference"} {
		out = append(out, price.Record{Provider: p, Model: price.AnyModel, Rates: free, Source: "tollgate"})
	}
	return out
}

func sandbox(model string, rates map[chat.Class]money.Price) price.Record {
	r := price.Record{
		Provider: sandboxProvider, Model: model, Source: "tollgate", ContextWindow: 128_000, MaxOutput: 16_384,
		Input: price.Text | price.Image | price.PDF, Output: price.Text,
	}
	for c, p := range rates {
		r.Rates = r.Rates.Set(c, p)
	}
	return r
}
