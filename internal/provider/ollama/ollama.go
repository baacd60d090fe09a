// Package ollama is the dialects of Ollama's own API: chat and embeddings. Its address is the server's root, while the OpenAI dialects
// that Ollama speaks too stand below /v1. Those are preferred where a client speaks them, because bytes pass; these say more: how
// long a model stays loaded, the size of its context, how hard it thinks.
//
// A stream is lines of JSON, each a piece of the message; the last says done. Answers have no id and, before 2026, tool calls had none
// either: both get one that is made of what the answer says, so that it is the same each time that the answer is read.
package ollama

import (
	"hash/fnv"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// Chat is the dialect of chat. It has the provider's end only.
type Chat struct{ openaichat.Refusals }

var _ provider.ChatTarget = Chat{}

// Name is "ollama-chat".
func (Chat) Name() provider.Name { return provider.OllamaChat }

// Operation is chat.
func (Chat) Operation() provider.Operation { return provider.Chat }

// Path is the endpoint below the server's root.
func (Chat) Path(provider.Head, string) string { return "/api/chat" }

// Carries nothing: no client speaks this.
func (Chat) Carries() []provider.Name { return nil }

// Edits exchange the model.
func (Chat) Edits(_ []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model)
}

// Streams takes lines of JSON; old servers call them JSON or nothing.
func (Chat) Streams(contentType string) bool { return !strings.HasPrefix(contentType, "text/html") }

// NewTap sees what a reader reads, and forwards nothing.
func (d Chat) NewTap(provider.Head) provider.Tap { return provider.Follow(d.NewReader()) }

// finish reads the reasons.
func finish(reason string, tools bool) chat.FinishReason {
	switch {
	case reason == "length":
		return chat.FinishLength
	case tools:
		return chat.FinishTools
	case reason == "" || reason == "stop" || reason == "load" || reason == "unload":
		return chat.FinishStop
	}
	return chat.FinishOther
}

// counted is the usage. A server that had the prompt in its cache does not tell its size: then nothing is known, and not zero.
func counted(prompt, answer wire.Count) chat.Usage {
	if !prompt.Known || !answer.Known {
		return chat.Usage{}
	}
	return chat.Usage{Units: chat.Units{chat.Input: prompt.N, chat.Output: answer.N}, Source: chat.Reported}
}

// mark makes an id of what it is for.
func mark(prefix string, of ...string) string {
	h := fnv.New64a()
	for _, s := range of {
		_, _ = h.Write([]byte(s))
		_, _ = h.Write([]byte{0})
	}
	return prefix + strconv.FormatUint(h.Sum64(), 36)
}

func answerID(model, created string) string { return mark("ollama-", model, created) }
