// Package provider knows wire protocols and vendors, and nothing of networks, clocks, tenants or money.
//
// A Dialect is one wire protocol of chat calls, seen from both ends: from the client (parse its request, write its answer) and
// from the provider (write its request, parse its answer). When client and provider speak the same dialect the body is not decoded:
// Probe finds the few fields that decisions need, Splice exchanges the model, and a Tap watches the answer's bytes go by.
//
// A Vendor is data: one JSON file in vendors/ naming its dialect, base URL and authentication.
package provider

import (
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/provider/wire"
)

// Name of a dialect: "openai-chat", "anthropic-messages".
type Name string

// The dialects known so far.
const (
	OpenAIChat        Name = "openai-chat"
	AnthropicMessages Name = "anthropic-messages"
)

// Dialect is one wire protocol. Implementations are stateless values, safe for concurrent use.
type Dialect interface {
	Name() Name
	// Path is the chat endpoint below a vendor's base URL: "/chat/completions".
	Path() string

	ClientSide
	ProviderSide
	PassThrough
}

// ClientSide is what the gateway needs to talk to a client that speaks the dialect.
type ClientSide interface {
	// ParseRequest decodes a whole body. Errors are fault.Invalid and name the field.
	ParseRequest(body []byte) (chat.Request, error)
	// AppendResponse writes a whole answer.
	AppendResponse(dst []byte, r chat.Response) []byte
	// NewWriter writes a streamed answer. includeUsage: the client asked for usage in the stream.
	NewWriter(includeUsage bool) Writer
	// AppendError writes the body of a refusal in the dialect's own envelope.
	AppendError(dst []byte, p Problem) []byte
	// AppendStreamError writes the dialect's in-stream error event. It is the last thing on a stream: no end marker follows.
	AppendStreamError(dst []byte, p Problem) []byte
	// Heartbeat is what keeps an idle stream open without meaning anything (an SSE comment or ping).
	Heartbeat() []byte
}

// Writer turns neutral events into the dialect's stream bytes. It is used by one goroutine.
type Writer interface {
	// Append writes what e means, possibly nothing.
	Append(dst []byte, e chat.Event) []byte
}

// ProviderSide is what the gateway needs to talk to a provider that speaks the dialect.
type ProviderSide interface {
	// BuildRequest encodes r. A call that the protocol cannot express is a fault.Invalid error naming the client's field.
	// Streams always ask for usage.
	BuildRequest(r chat.Request) ([]byte, error)
	// ParseResponse decodes a successful whole body. A body that is no answer is ErrBadAnswer; an error inside a 200 body is a *Refusal.
	ParseResponse(body []byte) (chat.Response, error)
	// NewReader decodes a stream.
	NewReader() Reader
	// ParseRefusal classifies a non-2xx answer. body is at most 64 KiB. It never fails: garbage becomes a Refusal with the status alone.
	ParseRefusal(status int, h http.Header, body []byte) *Refusal
}

// Reader decodes a provider's stream incrementally. It is used by one goroutine.
type Reader interface {
	// Feed takes the next bytes off the wire and calls emit for each event completed by them. chunk may be reused after it returns.
	Feed(chunk []byte, emit func(chat.Event)) error
	// Close is called at the end of the body; ErrTruncated when the stream had not ended as the dialect demands.
	Close(emit func(chat.Event)) error
}

// PassThrough is what the gateway needs when both ends speak the dialect.
type PassThrough interface {
	// Probe scans a request body once, without decoding it. A body that is no JSON object, lacks a model or has a field of
	// a wrong type among those probed is a fault.Invalid error naming the field.
	Probe(body []byte) (Head, error)
	// Splice returns the body with the model exchanged, the `tollgate` object removed and, for streams of dialects that need
	// asking, usage asked for. All other bytes stay as they came. It never changes body itself.
	Splice(body []byte, h Head, model string) []byte
	// Edits are what Splice does to body, in order; none when the body can be sent as it is.
	Edits(body []byte, h Head, model string) []wire.Edit
	// NewTap watches a streamed answer go by.
	NewTap(h Head) Tap
	// Inspect reads what settling needs from a whole successful answer.
	Inspect(body []byte) Seen
}

// Head is what Probe finds. Offsets index the probed body.
type Head struct {
	Model        string
	Stream       bool
	IncludeUsage bool              // openai-chat: stream_options.include_usage is true
	MaxTokens    int64             // 0: not given
	Metadata     map[string]string // string values of the body's `metadata`
	User         string            // the end user, where the dialect has a field for it
	Choices      int64             // n; 0: not given
	Tollgate     []byte            // the raw `tollgate` object, nil when absent

	// NoStreamOptions is not found in the body: the gateway sets it from the Vendor before Splice and NewTap. Usage is then
	// neither asked for nor hidden.
	NoStreamOptions bool

	Spans Spans
}

// Span is a half-open range of bytes; the zero Span is absent.
type Span struct{ From, To int }

// Spans are where Splice works.
type Spans struct {
	Model         Span // the model's JSON string, quotes included
	Tollgate      Span // the `tollgate` member, with the comma that goes with it (what Splice cuts out)
	StreamOptions Span // the value of `stream_options`
	Open          int  // just behind the object's opening brace
}

// Tap watches a stream that passes unchanged. It is used by one goroutine.
type Tap interface {
	// Feed takes the next bytes off the wire and returns those to forward now: whole events only, without what the client did not
	// ask for, and nothing from an error event on: that is told as Seen().Refusal. The result is valid until the next call.
	Feed(chunk []byte) []byte
	// Close is called at the end of the body and returns the rest to forward. After a whole stream Seen().Ended is true.
	Close() []byte
	// Seen is what has been seen so far.
	Seen() Seen
}

// Seen is what an answer told about itself.
type Seen struct {
	Usage   chat.Usage
	Finish  chat.FinishReason
	ID      string   // the provider's id of the answer
	Model   string   // the model that the provider says it used
	Started bool     // a content byte (text, reasoning, tool call) has been seen
	Ended   bool     // the stream ended as its dialect demands
	Refusal *Refusal // an error inside a 200 answer
	// OutputBytes is the size of the content seen, for estimates of a stream that is cut before its usage.
	OutputBytes int64
}

// Class says what a refusal means for the call: whether another attempt or another target could help, and whose fault it is.
type Class uint8

// The classes of refusals.
const (
	ClassServer      Class = iota // 5xx, garbage: try again, then elsewhere
	ClassRateLimited              // 429: elsewhere, or after Retry-After
	ClassOverloaded               // 529, 503: elsewhere
	ClassTimeout                  // the provider took too long
	ClassCredential               // 401, 403: the organization's credential is refused
	ClassQuota                    // the organization's account at the provider has no money or quota left
	ClassNotFound                 // the model does not exist there
	ClassInvalid                  // the request is wrong; it would be wrong elsewhere too
	ClassContext                  // the prompt is too long for the model
	ClassContent                  // refused by the provider's content policy
	ClassConnect                  // no connection, reset, truncated
)

// Retryable reports whether another target may be tried.
func (c Class) Retryable() bool {
	switch c {
	case ClassServer, ClassRateLimited, ClassOverloaded, ClassTimeout, ClassConnect, ClassQuota:
		return true
	case ClassCredential, ClassNotFound, ClassInvalid, ClassContext, ClassContent:
		return false
	}
	return false
}

// String is the word used in call logs and messages.
func (c Class) String() string {
	return [...]string{
		"server_error", "rate_limited", "overloaded", "timeout", "credential_rejected", "quota_exhausted",
		"model_not_found", "invalid_request", "context_length", "content_policy", "connection",
	}[c]
}

// Refusal is a provider's error, kept whole. It is an error.
type Refusal struct {
	Class      Class
	Status     int    // as sent; 0 for an error inside a stream or no answer at all
	Type       string // the provider's own words
	Code       string
	Message    string
	Param      string
	RetryAfter time.Duration // 0: not said
	Body       []byte        // raw body, at most 64 KiB
}

func (r *Refusal) Error() string { return "provider: " + r.Class.String() + ": " + r.Message }

// Problem is what a client is told. Message, Code and Field come from a declared fault, or from the provider's Refusal.
type Problem struct {
	Status  int
	Kind    fault.Kind
	Code    string // stable dotted code
	Message string
	Field   string
	CallID  string
	// Provider is set when the failure is the provider's: its name, status, and own type, code and message.
	Provider *ProviderProblem
}

// ProviderProblem is the provider's side of a Problem.
type ProviderProblem struct {
	Name    string
	Status  int
	Type    string
	Code    string
	Message string
}

// AppendMetadata appends the member that tells the provider's side in every dialect's error, with the comma before it; nothing for
// nil.
func (u *ProviderProblem) AppendMetadata(dst []byte) []byte {
	if u == nil {
		return dst
	}
	dst = append(dst, `,"metadata":{"provider":`...)
	dst = wire.AppendString(dst, u.Name)
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(u.Status), 10)
	dst = append(dst, `,"type":`...)
	dst = wire.AppendOptional(dst, u.Type)
	dst = append(dst, `,"code":`...)
	dst = wire.AppendOptional(dst, u.Code)
	dst = append(dst, `,"message":`...)
	dst = wire.AppendOptional(dst, u.Message)
	return append(dst, '}')
}

// The failures of decoding.
var (
	ErrBadAnswer = fault.New(fault.Upstream, "provider.bad_answer", "The provider's answer could not be read.")
	ErrTruncated = fault.New(fault.Upstream, "provider.truncated", "The provider's answer broke off before its end.")
	// ErrUnsupported is for a field that the target's dialect cannot express; say which with At.
	ErrUnsupported = fault.New(fault.Invalid, "request.unsupported_field", "The target model's API cannot express this field.")
	// ErrBody is for a request body that cannot be read.
	ErrBody = fault.New(fault.Invalid, "request.invalid_body", "The request body is not valid.")
)
