package openairesponses

import (
	"bytes"
	"slices"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// Cursor is the client's end of what Cursor sends to chat/completions: a body of this dialect, mixed with fields of chat completions.
// It expects the answer of chat completions.
type Cursor struct{ openaichat.Envelope }

var _ provider.ChatClient = Cursor{}

var keyInput = []byte(`"input"`)

// IsCursor reports whether a body that came to chat/completions is of this kind: it has an input and no messages. A body without
// either is chat's, which says what is missing.
func IsCursor(body []byte) bool {
	if !bytes.Contains(body, keyInput) {
		return false
	}
	input := false
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		switch string(w.Key) {
		case "messages":
			return false
		case "input":
			input = true
		}
	}
	return input
}

// Name is "openai-cursor".
func (Cursor) Name() provider.Name { return provider.OpenAICursor }

// Operation is chat.
func (Cursor) Operation() provider.Operation { return provider.Chat }

// Probe scans a request body once.
func (Cursor) Probe(body []byte, at provider.Line) (provider.Head, error) {
	var safety string
	var old, limit int64
	h, err := provider.ScanHead(body, at, func(s *provider.HeadScan, name, raw []byte, at provider.Span) (bool, error) {
		switch string(name) {
		case "stream_options":
			s.Head.Spans.StreamOptions = at
			return true, openaichat.UsageAsked(raw, &s.Head.IncludeUsage)
		case "max_tokens":
			return true, provider.Whole("max_tokens", raw, &old)
		case "max_completion_tokens":
			return true, provider.Whole("max_completion_tokens", raw, &limit)
		}
		return probeField(&s.Head, &safety, name, raw)
	})
	if h.User == "" {
		h.User = safety
	}
	for _, n := range [...]int64{limit, old} {
		if h.MaxTokens == 0 {
			h.MaxTokens = n
		}
	}
	return h, err
}

// ParseRequest decodes a client's body.
func (Cursor) ParseRequest(body []byte) (chat.Request, error) {
	f := provider.ParseFields("", body)
	var options struct {
		IncludeUsage bool `json:"include_usage"`
	}
	f.Into("stream_options", "an object with include_usage", &options)
	effort := f.Text("reasoning_effort")
	limits := [...]int64{f.Whole("max_completion_tokens"), f.Whole("max_tokens")}
	r := parseCommon(&f)
	for _, n := range limits {
		if r.MaxTokens == 0 {
			r.MaxTokens = max(0, n)
		}
	}
	if effort != "" && r.Reasoning == nil {
		r.Reasoning = &chat.ReasoningOptions{Effort: effort, Disabled: effort == "none"}
	}
	r.IncludeUsage = options.IncludeUsage
	openaichat.ParseFormat(&f, &r)
	openaichat.ParseStop(&f, &r)
	return finished(&f, r)
}

// AppendResponse writes a whole answer of chat completions.
func (Cursor) AppendResponse(dst []byte, r chat.Response) []byte {
	r.Parts = slices.Clone(r.Parts)
	for i := range r.Parts {
		plainCall(&r.Parts[i])
	}
	return openaichat.Dialect{}.AppendResponse(dst, r)
}

// NewWriter writes a streamed answer of chat completions.
func (Cursor) NewWriter(includeUsage bool) provider.Writer {
	return cursorWriter{openaichat.Dialect{}.NewWriter(includeUsage)}
}

// cursorWriter gives tools the names that the client gave them: chat completions have one kind of call for all.
type cursorWriter struct{ provider.Writer }

func (w cursorWriter) Append(dst []byte, e chat.Event) []byte {
	if e.Kind == chat.BlockStart {
		plainCall(&e.Part)
	}
	return w.Writer.Append(dst, e)
}

func plainCall(p *chat.Part) {
	if p.Kind == chat.ToolCall {
		_, p.Name, _ = toolName(p.Name)
	}
}
