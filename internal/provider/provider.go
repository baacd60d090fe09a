// Package provider knows wire protocols and vendors, and nothing of networks, clocks, tenants or money.
//
// A Dialect is one wire protocol of one operation (chat, embeddings, …). It has up to two ends: a Client end, which reads a client's
// request and writes its answer, and a Target end, which writes a provider's request and reads its answer. Surfaces need the first,
// vendors the second. Both ends meet in a neutral model (packages chat, embed, rerank), so that N surfaces and M providers cost N + M.
//
// Where the target carries the client's dialect the body is not decoded: Probe finds the few fields that decisions need, Edits
// exchange the model, and a Tap watches the answer's bytes go by.
//
// A Vendor is data: one JSON file in vendors/ naming its address, its authentication and the dialects it speaks.
package provider

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/provider/wire"
)

// Name of a dialect: "openai-chat", "anthropic-messages".
type Name string

// The dialects. A Name without a Target end (see there) is a client's only.
const (
	OpenAIChat        Name = "openai-chat"
	OpenAIResponses   Name = "openai-responses"
	OpenAICompletions Name = "openai-completions"
	OpenAICursor      Name = "openai-cursor" // client only: a Responses body sent to chat/completions, answered as chat
	AnthropicMessages Name = "anthropic-messages"
	AnthropicVertex   Name = "anthropic-vertex"
	AnthropicBedrock  Name = "anthropic-bedrock"
	Gemini            Name = "gemini"
	GeminiArray       Name = "gemini-array" // client only: a stream that is one JSON array (no alt=sse)
	BedrockConverse   Name = "bedrock-converse"
	CohereChat        Name = "cohere-chat"
	OllamaChat        Name = "ollama-chat"

	OpenAIEmbeddings Name = "openai-embeddings"
	GeminiEmbed      Name = "gemini-embed"
	GeminiEmbedBatch Name = "gemini-embed-batch"
	CohereEmbed      Name = "cohere-embed"
	VoyageEmbed      Name = "voyage-embed"
	OllamaEmbed      Name = "ollama-embed"
	BedrockTitan     Name = "bedrock-titan-embed"  // InvokeModel with Amazon Titan's body
	BedrockCohere    Name = "bedrock-cohere-embed" // InvokeModel with Cohere's body
	VertexEmbed      Name = "vertex-embed"         // predict, which older embedding models on Vertex AI know alone

	CohereRerank Name = "cohere-rerank"
	VoyageRerank Name = "voyage-rerank"
	JinaRerank   Name = "jina-rerank"

	AnthropicCount       Name = "anthropic-count"
	AnthropicVertexCount Name = "anthropic-vertex-count"
	GeminiCount          Name = "gemini-count"
	VertexCount          Name = "vertex-count" // gemini-count in the form of Vertex AI; target only
	BedrockCount         Name = "bedrock-count"
	OpenAICount          Name = "openai-count" // responses/input_tokens

	OpenAIImages         Name = "openai-images"
	OpenAIImageEdits     Name = "openai-image-edits"
	OpenAISpeech         Name = "openai-speech"
	OpenAITranscriptions Name = "openai-transcriptions"
	OpenAITranslations   Name = "openai-translations"
	OpenAIModerations    Name = "openai-moderations"
	OpenAIFiles          Name = "openai-files"
)

// Operation is what a call asks for, in whatever dialect.
type Operation uint8

// The operations.
const (
	Chat       Operation = iota + 1
	Embed                // texts to vectors
	Rerank               // documents by relevance
	Count                // the tokens of a chat call
	Image                // images made or edited
	Speech               // text to audio
	Transcribe           // audio to text
	Moderate             // text judged
	Files                // files kept at a provider
)

// String is the word for people: "embeddings".
func (o Operation) String() string {
	return [...]string{
		"", "chat", "embeddings", "rerank", "token counting", "images", "speech", "transcription", "moderations", "files",
	}[o]
}

// Object reports whether a whole answer is always one JSON object.
func (o Operation) Object() bool { return o != Speech && o != Transcribe && o != Files }

// Dialect is one wire protocol. Implementations are stateless values, safe for concurrent use. What else one can do is said by the
// interfaces that it has: Client, Target, and for chat the two ends in ChatClient and ChatTarget; for other operations that
// translate Codec.
type Dialect interface {
	Name() Name
	Operation() Operation
}

// Client is the end that the gateway turns to its clients: how their requests are scanned and how they are told of failures.
type Client interface {
	Dialect
	// Probe scans a request body once, without decoding it. A body that is no JSON object, lacks a model or has a field of
	// a wrong type among those probed is a fault.Invalid error naming the field. at is what the request says outside its body.
	Probe(body []byte, at Line) (Head, error)
	// AppendError writes the body of a refusal in the dialect's own envelope.
	AppendError(dst []byte, p Problem) []byte
	// AppendStreamError writes the dialect's in-stream error event. It is the last thing on a stream: no end marker follows.
	AppendStreamError(dst []byte, p Problem) []byte
	// Heartbeat is what keeps an idle stream open without meaning anything (an SSE comment or ping); nil where there is no such thing.
	Heartbeat() []byte
	// StreamType is the media type of a streamed answer; "" for the provider's own.
	StreamType() string
}

// Target is the end that the gateway turns to providers, whatever their answer is made of.
type Target interface {
	Dialect
	// Carries lists the clients' dialects whose bodies pass through unchanged but for Edits, and whose answers come back as bytes.
	Carries() []Name
	// Path is the endpoint below a vendor's base URL, query included: "/chat/completions". model is the provider's, unescaped.
	Path(h Head, model string) string
	// Edits are what is changed in a client's body of a carried dialect, in order; none when it can be sent as it is: the model
	// exchanged, the `tollgate` object removed and, for streams of dialects that need asking, usage asked for.
	Edits(body []byte, h Head, model string) []wire.Edit
	// NewTap watches a streamed answer go by. Where the provider's framing is not the client's, it also exchanges that.
	NewTap(h Head) Tap
	// Streams reports whether an answer of this media type is a stream.
	Streams(contentType string) bool
	// Inspect reads what settling needs from a whole successful answer.
	Inspect(body []byte) Seen
	// ParseRefusal classifies a non-2xx answer. body is at most 64 KiB. It never fails: garbage becomes a Refusal with the status alone.
	ParseRefusal(status int, h http.Header, body []byte) *Refusal
}

// Headed is a Target whose answers count in their headers, or name themselves there.
type Headed interface {
	// Headers completes what the body told.
	Headers(h http.Header, s *Seen)
}

// Codec is both ends of an operation that translates: Q is the neutral request, A the neutral answer.
type Codec[Q, A any] interface {
	Reads[Q, A]
	Writes[Q, A]
}

// Reads is the client's end of a Codec.
type Reads[Q, A any] interface {
	// ParseRequest decodes a client's whole body. Errors are fault.Invalid and name the field. What stands in the URL (see Line) is
	// set by the gateway.
	ParseRequest(body []byte) (Q, error)
	// AppendResponse writes a whole answer.
	AppendResponse(dst []byte, a A) []byte
}

// Writes is the provider's end of a Codec.
type Writes[Q, A any] interface {
	// BuildRequest encodes q. A call that the protocol cannot express is a fault.Invalid error naming the client's field.
	// Streams always ask for usage.
	BuildRequest(q Q) ([]byte, error)
	// ParseResponse decodes a successful whole body. A body that is no answer is ErrBadAnswer; an error inside a 200 body is a *Refusal.
	ParseResponse(body []byte) (A, error)
}

// ChatClient is the client's end of a chat dialect.
type ChatClient interface {
	Client
	Reads[chat.Request, chat.Response]
	// NewWriter writes a streamed answer. includeUsage: the client asked for usage in the stream.
	NewWriter(includeUsage bool) Writer
}

// ChatTarget is the provider's end of a chat dialect.
type ChatTarget interface {
	Target
	Writes[chat.Request, chat.Response]
	// NewReader decodes a stream.
	NewReader() Reader
}

// Writer turns neutral events into the dialect's stream bytes. It is used by one goroutine.
type Writer interface {
	// Append writes what e means, possibly nothing.
	Append(dst []byte, e chat.Event) []byte
}

// Reader decodes a provider's stream incrementally. It is used by one goroutine.
type Reader interface {
	// Feed takes the next bytes off the wire and calls emit for each event completed by them. chunk may be reused after it returns.
	Feed(chunk []byte, emit func(chat.Event)) error
	// Close is called at the end of the body; ErrTruncated when the stream had not ended as the dialect demands.
	Close(emit func(chat.Event)) error
}

// Line is what a request says outside its body.
type Line struct {
	Method      string // of the request, for operations that have several (files)
	Model       string // in the path; "" where the body names it
	Rest        string // what follows the surface's path, "" or with a slash: "/file-abc/content"; decoded, without "." and ".." segments
	Query       string // raw, without any key
	Stream      bool   // the path asks for a stream
	ContentType string
	Nameless    bool // the body need not name a model: something else may, before the call is made
}

// EventStreamType is the media type of server-sent events.
const EventStreamType = "text/event-stream; charset=utf-8"

// EventStream is embedded by targets whose streams are server-sent events.
type EventStream struct{}

// Streams takes everything for a stream but a page and a JSON body: some providers send events without a media type.
func (EventStream) Streams(contentType string) bool {
	return !strings.HasPrefix(contentType, "text/html") && !strings.HasPrefix(contentType, "application/json")
}

// Carries reports whether the bodies of client pass through t.
func Carries(t Target, client Name) bool {
	for _, n := range t.Carries() {
		if n == client {
			return true
		}
	}
	return false
}

// Head is what Probe finds. Offsets index the probed body.
type Head struct {
	Model        string
	Stream       bool
	Array        bool              // gemini: the stream is a JSON array
	IncludeUsage bool              // openai-chat: stream_options.include_usage is true
	MaxTokens    int64             // 0: not given
	Metadata     map[string]string // string values of the body's `metadata`
	User         string            // the end user, where the dialect has a field for it
	Choices      int64             // n; 0: not given
	Tollgate     []byte            // the raw `tollgate` object, nil when absent
	Size         string            // images: "1024x1024"; "" when not given
	Quality      string            // images: "hd"; "" when not given
	Characters   int64             // speech: characters of the input
	Bytes        int64             // forms: size of the files
	Session      string            // what names the conversation: conversation, session_id or prompt_cache_key; "" when nothing does
	Prompt       []byte            // openai-responses: the raw `prompt` object; nil when absent or null
	Line         Line              // as given to Probe

	// NoStreamOptions is not found in the body: the gateway sets it from the Vendor before Splice and NewTap. Usage is then
	// neither asked for nor hidden.
	NoStreamOptions bool
	// OldMaxTokens is not found in the body either: set from the Vendor, it makes Edits call max_completion_tokens max_tokens.
	OldMaxTokens bool
	// KeepRouting is set from the Vendor too: the body's provider object and models list go to it as they came.
	KeepRouting bool
	// Betas are the opt-in flags (anthropic-beta) that go to the provider, for targets that take them in the body. Set by the
	// gateway after the header policy.
	Betas []string

	Spans Spans
}

// Span is a half-open range of bytes; the zero Span is absent.
type Span struct{ From, To int }

// Spans are where Splice works.
type Spans struct {
	Model         Span // the model's JSON string, quotes included
	Tollgate      Span // the `tollgate` member, with the comma that goes with it (what Splice cuts out)
	StreamOptions Span // the value of `stream_options`
	NewMaxTokens  Span // the value of `max_completion_tokens`; absent where `max_tokens` stands beside it
	Provider      Span // the value of OpenRouter's `provider`
	Models        Span // the value of OpenRouter's `models`
	// Ours are all members for the gateway (tollgate, provider, models), as Splice cuts them out together; none where only the
	// tollgate object is there.
	Ours [3]Span
	Open int // just behind the object's opening brace
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
	// Cost is what the provider says the call cost, in decimal dollars as it wrote it; "" when it does not say.
	Cost string
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
	// ErrNoModel is the ErrBody of a request that names no model.
	ErrNoModel = ErrBody.Say("The request names no model.").At("model")
)
