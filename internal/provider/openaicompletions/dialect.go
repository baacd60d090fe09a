// Package openaicompletions is the dialect of OpenAI's old completions: a prompt in, its continuation out.
//
// Its answers are those of chat completions with a text where those have a message, and are read by package openaichat. A prompt is
// one user's message for chat models. The other way only a single question can be put: this API has no turns, no tools and no images.
package openaicompletions

import (
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// Dialect is the one value of this dialect.
type Dialect struct {
	provider.EventStream
	openaichat.Envelope
	openaichat.Refusals
}

var (
	_ provider.ChatClient = Dialect{}
	_ provider.ChatTarget = Dialect{}
)

// dialectName keys what only this dialect can say.
const dialectName = string(provider.OpenAICompletions)

// Name is "openai-completions".
func (Dialect) Name() provider.Name { return provider.OpenAICompletions }

// Operation is chat.
func (Dialect) Operation() provider.Operation { return provider.Chat }

// Path is the endpoint below the base URL.
func (Dialect) Path(provider.Head, string) string { return "/completions" }

// Carries its own bodies.
func (Dialect) Carries() []provider.Name { return []provider.Name{provider.OpenAICompletions} }

// Probe scans a request body once. Each prompt of a list has n answers; best_of are made and billed, though fewer are given.
func (Dialect) Probe(body []byte, at provider.Line) (provider.Head, error) {
	var best int64
	prompts := int64(1)
	h, err := provider.ScanHead(body, at, func(s *provider.HeadScan, name, raw []byte, at provider.Span) (bool, error) {
		h := &s.Head
		switch string(name) {
		case "stream_options":
			h.Spans.StreamOptions = at
			return true, openaichat.UsageAsked(raw, &h.IncludeUsage)
		case "metadata":
			m, err := provider.Strings("metadata", raw)
			h.Metadata = m
			return true, err
		case "user":
			return true, provider.Text("user", raw, &h.User)
		case "max_tokens":
			return true, provider.Whole("max_tokens", raw, &h.MaxTokens)
		case "n":
			return true, provider.Whole("n", raw, &h.Choices)
		case "best_of":
			return true, provider.Whole("best_of", raw, &best)
		case "prompt":
			prompts = promptsIn(raw)
			return true, nil
		}
		return false, nil
	})
	h.Choices = max(h.Choices, best)
	if prompts > 1 {
		h.Choices = max(h.Choices, 1) * prompts
	}
	return h, err
}

// promptsIn counts the prompts in a list of texts or of lists of token ids; a text or one list of token ids is one.
func promptsIn(raw []byte) (n int64) {
	if raw[0] != '[' {
		return 1
	}
	list := wire.Walk(raw)
	for list.Next() {
		if c := list.Value()[0]; c != '"' && c != '[' {
			return 1
		}
		n++
	}
	return n
}

// Edits exchange the model, cut the tollgate member out and ask for usage in streams.
func (Dialect) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	return openaichat.Dialect{}.Edits(body, h, model)
}

// Inspect reads what settling needs from a whole answer.
func (Dialect) Inspect(body []byte) provider.Seen { return openaichat.Dialect{}.Inspect(body) }

// NewReader decodes a stream.
func (Dialect) NewReader() provider.Reader { return openaichat.Dialect{}.NewReader() }
