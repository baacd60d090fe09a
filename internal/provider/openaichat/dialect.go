// Package openaichat is the dialect of OpenAI's chat completions, and of the many vendors that speak it in their own ways.
//
// Reading is lenient: usage in a chunk of its own or beside a choice, reasoning under four names, content as text or as a list of
// parts, finish reasons outside the list, streams without an end marker. Writing is strict: what the official SDKs expect.
package openaichat

import "tollgate/internal/provider"

// Dialect is the one value of this dialect.
type Dialect struct {
	provider.EventStream
	Envelope
	Refusals
}

var (
	_ provider.ChatClient = Dialect{}
	_ provider.ChatTarget = Dialect{}
)

// Name is "openai-chat".
func (Dialect) Name() provider.Name { return provider.OpenAIChat }

// Path is the endpoint below the base URL, which ends in /v1 for most vendors.
func (Dialect) Path(provider.Head, string) string { return "/chat/completions" }

// Operation is chat.
func (Dialect) Operation() provider.Operation { return provider.Chat }

// Carries its own bodies.
func (Dialect) Carries() []provider.Name { return []provider.Name{provider.OpenAIChat} }
