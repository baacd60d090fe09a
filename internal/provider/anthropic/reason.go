package anthropic

import (
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// Reasoning is what asks a model of this maker to think. Dialects of clouds that offer its models put it into envelopes of theirs.
type Reasoning struct {
	Thinking json.RawMessage // the thinking object; nil: none
	Effort   string          // of output_config; "": none
}

// Reason gives what r.Reasoning means for the model r.Model, by the same rules as Dialect.BuildRequest; an error is one of those.
func Reason(r chat.Request) (Reasoning, error) {
	b := builder{r: r, own: r.Dialect == dialectName, gen: generationOf(r.Model)}
	out := body{MaxTokens: r.MaxTokens}
	b.thinking(&out)
	var how Reasoning
	if out.Thinking != nil {
		how.Thinking = wire.Marshal(out.Thinking)
	}
	if out.Output != nil {
		how.Effort = out.Output.Effort
	}
	return how, b.err
}

// Formats reports whether a model of this maker takes structured outputs and strict tools.
func Formats(model string) bool { return generationOf(model).formats }

// Sendable reports whether reasoning in an earlier turn is this maker's own, so that it can go back to it.
func Sendable(p chat.Part) bool { return sendable(p) }
