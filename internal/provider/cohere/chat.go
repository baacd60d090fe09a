package cohere

import (
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Chat is the dialect of chat, version 2. It has the provider's end only.
type Chat struct {
	provider.EventStream
	Refusals
}

var _ provider.ChatTarget = Chat{}

const chatName = string(provider.CohereChat)

// Name is "cohere-chat".
func (Chat) Name() provider.Name { return provider.CohereChat }

// Operation is chat.
func (Chat) Operation() provider.Operation { return provider.Chat }

// Path is the endpoint below a base URL that ends in /v2.
func (Chat) Path(provider.Head, string) string { return "/chat" }

// Carries nothing: no client speaks this.
func (Chat) Carries() []provider.Name { return nil }

// Edits exchange the model.
func (Chat) Edits(_ []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model)
}

// NewTap sees what a reader reads, and forwards nothing.
func (d Chat) NewTap(provider.Head) provider.Tap { return provider.Follow(d.NewReader()) }

// finish reads the reasons. What is no end but a failure is false.
func finish(reason string, tools bool) (chat.FinishReason, bool) {
	switch strings.ToUpper(reason) {
	case "COMPLETE", "":
		if tools {
			return chat.FinishTools, true
		}
		return chat.FinishStop, true
	case "STOP_SEQUENCE":
		return chat.FinishStopSeq, true
	case "MAX_TOKENS":
		return chat.FinishLength, true
	case "TOOL_CALL":
		return chat.FinishTools, true
	case "ERROR_LIMIT":
		return chat.FinishContext, true
	case "ERROR_TOXIC":
		return chat.FinishFilter, true
	case "ERROR", "TIMEOUT":
		return chat.FinishOther, false
	}
	return chat.FinishOther, true
}

// failed makes a refusal of an answer that says of itself that it failed.
func failed(reason, typ, message string, raw []byte) *provider.Refusal {
	r := &provider.Refusal{Type: typ, Message: message, Class: provider.Classify(0, typ, "", message)}
	if strings.EqualFold(reason, "TIMEOUT") {
		r.Class = provider.ClassTimeout
	}
	if r.Message == "" {
		r.Message = "The provider gave no reason."
	}
	r.Body = append([]byte(nil), raw[:min(len(raw), provider.RefusalBodyMax)]...)
	return r
}
