// Package gemini is the family of dialects that Google's Gemini API and Vertex AI speak: generateContent as server-sent events and as
// one JSON array, countTokens, embedContent, batchEmbedContents, and the older predict of Vertex.
//
// The model and the action stand in the path, not in the body (see provider.Line). Google reads every field in camelCase and in
// snake_case, and takes one object where a list belongs; so does this package. It writes camelCase.
//
// What the two sides see differently:
//
//   - A stream has no end mark: it is whole when every candidate has given its reason to finish. Usage stands in every chunk and is
//     cumulative; the last one counts.
//   - Calls often have no id. A call without one gets an id made of the answer's id and its place (see callID); a result without one
//     belongs to the oldest open call of its name.
//   - Any part may be signed (thoughtSignature), calls of Gemini 3 have to be. The signature travels through other makers' dialects as a
//     Redacted part beside the signed one, marked as Google's (see sign.go), and comes back to its place.
//   - Google's own schema form is a subset of OpenAPI's; the API takes plain JSON Schema too (see schema.go).
package gemini

import (
	"net/url"
	"strings"

	"tollgate/internal/provider"
)

// dialectName keys what only this dialect can say.
const dialectName = string(provider.Gemini)

// Dialect is generateContent and streamGenerateContent with alt=sse. The one value of this dialect.
type Dialect struct{ envelope }

// Array is the client's end of streamGenerateContent without alt=sse: the stream is one JSON array, an element a chunk.
type Array struct{ envelope }

var (
	_ provider.ChatClient = Dialect{}
	_ provider.ChatTarget = Dialect{}
	_ provider.ChatClient = Array{}
)

// Name is "gemini".
func (Dialect) Name() provider.Name { return provider.Gemini }

// Operation is chat.
func (Dialect) Operation() provider.Operation { return provider.Chat }

// Carries the bodies of both forms; they differ in how a stream is framed only.
func (Dialect) Carries() []provider.Name {
	return []provider.Name{provider.Gemini, provider.GeminiArray}
}

// Path is the endpoint below a base URL that ends in /v1beta, or in /publishers/google for Vertex.
func (Dialect) Path(h provider.Head, model string) string {
	switch {
	case h.Stream && h.Array:
		return "/" + resource(model) + ":streamGenerateContent"
	case h.Stream:
		return "/" + resource(model) + ":streamGenerateContent?alt=sse"
	}
	return "/" + resource(model) + ":generateContent"
}

// Streams takes everything for a stream but a page: a stream that is an array has the media type of a whole answer, and the gateway
// asks only where a stream was asked for. A tap tells an object that is an error from a stream by its first byte.
func (Dialect) Streams(contentType string) bool { return !strings.HasPrefix(contentType, "text/html") }

// StreamType is that of server-sent events.
func (Dialect) StreamType() string { return provider.EventStreamType }

// Heartbeat is none: the official SDKs for Python and Go take a comment for a broken chunk, and the older one for JavaScript, which
// LangChain uses, an empty event. Google sends none either.
func (Dialect) Heartbeat() []byte { return nil }

// resource is the model's name as a path: "models/x", or a longer name that Google gives to what is tuned or deployed. Each segment
// is escaped, colons too: behind the last one stands the action.
func resource(model string) string {
	model = strings.TrimPrefix(model, "models/")
	escape := func(s string) string { return strings.ReplaceAll(url.PathEscape(s), ":", "%3A") }
	head, _, ok := strings.Cut(model, "/")
	if !ok || (head != "tunedModels" && head != "publishers" && head != "projects" && head != "endpoints") {
		return "models/" + escape(model)
	}
	segments := strings.Split(model, "/")
	for i, s := range segments {
		if s == "" || s == "." || s == ".." {
			return "models/" + escape(model)
		}
		segments[i] = escape(s)
	}
	return strings.Join(segments, "/")
}
