// Package chat is the neutral model of a chat call: its request, its answer and its stream of events. A dialect
// decodes its wire format into it and encodes it back; nothing else depends on any wire format.
//
// The model holds what at least two dialects can say. What only one can say travels in Extra of the nearest block,
// keyed by the dialect's name, so that it comes back unchanged to the dialect it came from.
package chat

import (
	"cmp"
	"encoding/json"
)

// Role is who speaks in a Message. System text stands in Request.System unless it appears in mid-conversation.
type Role string

// The roles.
const (
	System    Role = "system" // only for instructions after the first user message
	User      Role = "user"
	Assistant Role = "assistant"
)

// Request is one chat call. Zero values mean "not given".
type Request struct {
	Model    string
	System   []Part // text parts
	Messages []Message

	Tools         []Tool
	Choice        ToolChoice
	ParallelTools *bool // nil: the provider's default

	MaxTokens   int64       // output cap, reasoning included; 0: not given
	Temperature json.Number // "" : not given. Numbers keep the client's digits
	TopP        json.Number
	TopK        json.Number
	Seed        json.Number
	Stop        []string
	Format      *Format           // structured output
	Reasoning   *ReasoningOptions // nil: not asked for
	User        string            // end user's id for the provider's abuse detection
	ServiceTier string

	Stream       bool
	IncludeUsage bool // the client asked for usage in the stream

	Encoding Encoding // how to write it; no part of what the client asked
	Dialect  string   // the dialect that the client spoke: Unmapped and Extra of that name come from it

	// Unmapped are top-level fields of the client's body that have no neutral form, with their raw values. A dialect that
	// encodes for another one refuses them by name unless they are harmless there (see provider.Harmless).
	Unmapped map[string]json.RawMessage
}

// Encoding holds the gateway's orders to the dialect that encodes a Request.
type Encoding struct {
	// DropUnsupported leaves out what the target cannot express and notes it in Dropped, where the default is to refuse the call
	// naming the field.
	DropUnsupported bool
	Dropped         *[]string // names of fields left out; nil: nobody wants to know
	// Betas are opt-in flags for providers that take them in the body.
	Betas []string
	// NoStreamOptions: the vendor rejects stream_options (provider.Vendor.NoStreamOptions).
	NoStreamOptions bool
	// OldMaxTokens: the vendor knows max_tokens, not max_completion_tokens (provider.Vendor.OldMaxTokens).
	OldMaxTokens bool
	// ReplayReasoning: the vendor takes the reasoning of earlier turns back (provider.Vendor.ReplayReasoning).
	ReplayReasoning bool
	// Quirks are the vendor's other ways (provider.Vendor.Quirks).
	Quirks Quirks
}

// Message is one turn. Tool results are parts of a User message, tool calls parts of an Assistant message.
type Message struct {
	Role  Role
	Name  string // optional participant name
	Parts []Part
}

// PartKind says which fields of a Part are set.
type PartKind uint8

// The kinds of content.
const (
	Text       PartKind = iota + 1
	Image               // URL, or Data with MediaType; Detail optional
	Document            // PDF or text: URL, Data with MediaType, or FileID; Name optional
	Audio               // Data with MediaType
	ToolCall            // ID, Name, Args
	ToolResult          // ID (of the call), Parts (text, images), IsError
	Thinking            // Text is the reasoning, Signature proves it to the provider that made it
	Redacted            // Data is opaque reasoning
	Refusal             // Text is the model's refusal
	Opaque              // only Extra: a block that only its own dialect understands
)

// Part is one block of content.
type Part struct {
	Kind      PartKind
	Text      string
	ID        string
	Name      string
	Args      json.RawMessage // complete JSON text of a tool call's arguments; may be invalid JSON if the model wrote that
	Parts     []Part
	IsError   bool
	URL       string
	Data      string // base64 as it came, never decoded
	MediaType string
	FileID    string
	Detail    string
	Signature string
	Path      string                     // where it stood in the client's request ("messages.2.content.0"); empty in answers
	Cache     json.RawMessage            // cache marker (Anthropic's cache_control object), nil: none
	Extra     map[string]json.RawMessage // dialect name -> what only it can say about this block
}

// Tool is a function the model may call.
type Tool struct {
	Path        string // where it stood in the client's request
	Name        string
	Description string
	Schema      json.RawMessage // JSON Schema of the arguments; nil: none given
	Strict      *bool
	Cache       json.RawMessage
	Extra       map[string]json.RawMessage // a hosted tool is a Tool with only Name and Extra
}

// ToolChoice forces or forbids tools. The zero value is "not given".
type ToolChoice struct {
	Mode string // "", "auto", "none", "required", "tool"
	Name string // for "tool"
}

// Format asks for structured output.
type Format struct {
	Type        string // "text", "json_object", "json_schema"
	Name        string
	Description string
	Schema      json.RawMessage
	Strict      *bool
}

// ReasoningOptions asks for thinking before the answer. Dialects that know only one of the two forms convert by the
// table in Budget and Effort.
type ReasoningOptions struct {
	Effort   string // "none", "minimal", "low", "medium", "high", "xhigh", …; "" when BudgetTokens or Adaptive is set
	Budget   int64  // tokens; 0: not given
	Adaptive bool   // the model decides
	Disabled bool   // explicitly off
}

// FinishReason says why the answer ended.
type FinishReason string

// The reasons. FinishOther carries what no dialect names.
const (
	FinishStop     FinishReason = "stop"
	FinishStopSeq  FinishReason = "stop_sequence"
	FinishLength   FinishReason = "length"
	FinishTools    FinishReason = "tool_calls"
	FinishFilter   FinishReason = "content_filter"
	FinishRefusal  FinishReason = "refusal"
	FinishPause    FinishReason = "pause"
	FinishContext  FinishReason = "context_window"
	FinishOther    FinishReason = "other"
	FinishNotGiven FinishReason = ""
)

// Response is a whole answer: one choice. Several choices (n > 1) exist in one dialect only and do not translate.
type Response struct {
	ID           string
	Model        string
	Created      int64 // unix seconds; 0: not given
	Parts        []Part
	Finish       FinishReason
	StopSequence string
	Usage        Usage
	ServiceTier  string
	Cost         string // decimal dollars, set by the gateway on answers whose body is ours; "": leave out
	Reported     string // what the provider says the call cost, in decimal dollars as it wrote it; "": it does not say
	Extra        map[string]json.RawMessage
}

// EventKind says which fields of an Event are set.
type EventKind uint8

// The kinds of stream events, in the order in which a stream brings them: one Start; then for each block, in
// order of Index and never interleaved, BlockStart, deltas, BlockStop; then Finish; then at most one UsageEvent; End. A Failure may
// come at any time and is the last.
const (
	Start      EventKind = iota + 1 // ID, Model, Created; Usage may hold the input units already known
	BlockStart                      // Index, Part (Kind, ID, Name, Signature, Data, Extra; text empty)
	TextDelta                       // Index, Text (for Text, Thinking and Refusal blocks)
	ArgsDelta                       // Index, Text: a piece of the JSON arguments
	SignDelta                       // Index, Text: a piece of the signature
	ExtraDelta                      // Index, Extra: e.g. a citation
	BlockStop                       // Index
	Finish                          // Reason, StopSequence
	UsageEvent                      // Usage, Cost
	Ping                            // keep-alive
	End                             // the stream ended as its dialect demands
	Failure                         // Err
)

// Event is one step of a streamed answer.
type Event struct {
	Kind         EventKind
	ID           string
	Model        string
	Created      int64
	Index        int
	Part         Part
	Text         string
	Reason       FinishReason
	StopSequence string
	Usage        Usage
	Cost         string // as Response.Cost
	Reported     string // as Response.Reported, with UsageEvent
	Extra        map[string]json.RawMessage
	Err          error // a provider.Refusal
}

// Aimed is the request for one target.
func (r Request) Aimed(model string, stream bool, how Encoding) Request {
	r.Model, r.Stream, r.Encoding = model, stream, how
	return r
}

// Used is the usage.
func (r Response) Used() Usage { return r.Usage }

// Filled is the answer with what it does not say itself.
func (r Response) Filled(id, model string, u Usage) Response {
	r.ID, r.Model = cmp.Or(r.ID, id), cmp.Or(r.Model, model)
	if r.Usage.Source == Unknown {
		r.Usage = u
	}
	return r
}

// Costing is the answer with its cost.
func (r Response) Costing(dollars string) Response {
	r.Cost = dollars
	return r
}

// Count is the answer to the question how many tokens a Request has.
type Count struct {
	Input  int64
	Cached int64 // of Input, in the provider's cache; 0 also when not told
}

// Used is nothing: counting is free.
func (Count) Used() Usage { return Usage{Source: Reported} }

// Filled is the count itself: it has no id, model or usage.
func (c Count) Filled(string, string, Usage) Count { return c }

// Costing is the count itself.
func (c Count) Costing(string) Count { return c }
