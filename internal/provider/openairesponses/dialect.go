// Package openairesponses is the dialect of OpenAI's Responses API, which Azure, xAI, DeepSeek, OpenRouter and local servers speak too;
// with it come the count of a call's tokens (Count) and the mixture that Cursor sends (Cursor).
//
// A conversation is a list of items here: messages, calls of functions, their results, reasoning, and what hosted tools did. Items of
// one speaker that follow each other are one turn of the neutral model. What stands at the provider (an earlier answer, a stored
// conversation, a prompt, an item named by its id) has no neutral form: another dialect refuses it and says what to send instead.
//
// Reasoning has an owner. What this API encrypted travels through clients of other dialects under a seal (provider.Seal) and comes back
// as the item it was; what another provider signed travels through this dialect's clients as an item of reasoning whose encrypted
// content is our own note (see note), which is taken out again before this API sees it.
package openairesponses

import (
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
)

// Dialect is the one value of this dialect.
type Dialect struct {
	provider.EventStream
	openaichat.Refusals
	envelope
}

var (
	_ provider.ChatClient = Dialect{}
	_ provider.ChatTarget = Dialect{}
)

// dialectName keys what only this dialect can say.
const dialectName = string(provider.OpenAIResponses)

// chatName keys what OpenAI's other chat dialect can say as well.
const chatName = string(provider.OpenAIChat)

// Name is "openai-responses".
func (Dialect) Name() provider.Name { return provider.OpenAIResponses }

// Operation is chat.
func (Dialect) Operation() provider.Operation { return provider.Chat }

// Path is the endpoint below the base URL, which ends in /v1 for most vendors.
func (Dialect) Path(provider.Head, string) string { return "/responses" }

// Carries its own bodies.
func (Dialect) Carries() []provider.Name { return []provider.Name{provider.OpenAIResponses} }
