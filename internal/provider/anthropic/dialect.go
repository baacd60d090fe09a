// Package anthropic is the dialect of Anthropic's Messages API.
//
// Both ways of reading are lenient about what newer API versions add: blocks and events that are not known travel as Opaque parts, so that
// they come back unchanged to a client of this dialect. Writing is strict: every event has its event line, blocks are numbered
// without gaps and never interleave.
package anthropic

import "tollgate/internal/provider"

// Dialect is the one value of this dialect.
type Dialect struct{ provider.EventStream }

var (
	_ provider.ChatClient = Dialect{}
	_ provider.ChatTarget = Dialect{}
)

// Name is "anthropic-messages".
func (Dialect) Name() provider.Name { return provider.AnthropicMessages }

// Path is the endpoint below a base URL that ends in /v1.
func (Dialect) Path(provider.Head, string) string { return "/messages" }

// Heartbeat is the ping event of the API.
func (Dialect) Heartbeat() []byte { return []byte("event: ping\ndata: {\"type\": \"ping\"}\n\n") }

// Operation is chat.
func (Dialect) Operation() provider.Operation { return provider.Chat }

// Carries its own bodies.
func (Dialect) Carries() []provider.Name { return []provider.Name{provider.AnthropicMessages} }

// StreamType is that of server-sent events.
func (Dialect) StreamType() string { return provider.EventStreamType }
