package openaichat

import (
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// NewWriter writes a streamed answer.
func (Dialect) NewWriter(includeUsage bool) provider.Writer { return &writer{usage: includeUsage} }

// writer makes chunks: the role first, then pieces, the reason to finish, usage when asked for, and the end mark. A failure writes
// nothing: its event is AppendStreamError's, and no mark follows it.
type writer struct {
	usage bool
	head  []byte // `{"id":…,"object":…,"created":…,"model":…`

	kind      chat.PartKind
	part      chat.Part
	calls     int // tool calls begun
	thoughts  int // reasoning entries begun
	citations int
	argsGiven bool
}

func (w *writer) Append(dst []byte, e chat.Event) []byte {
	switch e.Kind {
	case chat.Start:
		w.start(e)
		return w.delta(dst, `{"role":"assistant","content":"","refusal":null}`)
	case chat.BlockStart:
		return w.begin(dst, e.Part)
	case chat.TextDelta:
		return w.text(dst, e.Text)
	case chat.ArgsDelta:
		return w.args(dst, e.Text)
	case chat.SignDelta:
		return w.entry(dst, "", wireDetail{Type: "reasoning.text", Signature: e.Text, Format: signedFormat(w.part)})
	case chat.ExtraDelta:
		return w.cite(dst, e)
	case chat.BlockStop:
		if w.kind == chat.ToolCall && !w.argsGiven {
			dst = w.args(dst, "{}") // a client parses what it got, and "" is no JSON
		}
		w.kind = 0
	case chat.Finish:
		dst = w.chunk(dst)
		dst = append(dst, `,"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"`...)
		dst = append(dst, finishWord(e.Reason)...)
		return append(dst, "\"}]}\n\n"...)
	case chat.UsageEvent:
		if !w.usage {
			return dst
		}
		dst = w.chunk(dst)
		dst = append(dst, `,"choices":[],"usage":`...)
		dst = AppendUsage(dst, e.Usage.Units, e.Cost)
		return append(dst, "}\n\n"...)
	case chat.Ping:
		return append(dst, Dialect{}.Heartbeat()...)
	case chat.End:
		return append(dst, "data: [DONE]\n\n"...)
	case chat.Failure:
	}
	return dst
}

func (w *writer) start(e chat.Event) {
	w.head = append(w.head, `data: {"id":`...)
	w.head = wire.AppendString(w.head, answerID(e.ID))
	w.head = append(w.head, `,"object":"chat.completion.chunk","created":`...)
	w.head = appendInt(w.head, e.Created)
	w.head = append(w.head, `,"model":`...)
	w.head = wire.AppendString(w.head, e.Model)
}

func (w *writer) chunk(dst []byte) []byte { return append(dst, w.head...) }

// delta writes a chunk with a delta object.
func (w *writer) delta(dst []byte, object string) []byte {
	dst = w.chunk(dst)
	dst = append(dst, `,"choices":[{"index":0,"delta":`...)
	dst = append(dst, object...)
	return append(dst, ",\"logprobs\":null,\"finish_reason\":null}]}\n\n"...)
}

func (w *writer) begin(dst []byte, p chat.Part) []byte {
	w.kind, w.part, w.argsGiven = p.Kind, p, false
	switch p.Kind {
	case chat.ToolCall:
		i := w.calls
		w.calls++
		call := outCall{Index: &i, ID: p.ID, Type: "function", Function: outFunction{Name: p.Name}}
		return w.delta(dst, string(wire.Marshal(map[string]any{"tool_calls": []outCall{call}})))
	case chat.Thinking:
		w.thoughts++
		if p.Signature != "" {
			return w.entry(dst, "", wireDetail{Type: "reasoning.text", Signature: p.Signature, Format: signedFormat(p)})
		}
	case chat.Redacted:
		w.thoughts++
		return w.entry(dst, "", wireDetail{Type: "reasoning.encrypted", Data: p.Data, Format: formatOf(p)})
	case chat.Text, chat.Refusal, chat.Image, chat.Document, chat.Audio, chat.ToolResult, chat.Opaque:
	}
	return dst
}

func (w *writer) text(dst []byte, text string) []byte {
	field := "content"
	switch w.kind {
	case chat.Thinking:
		return w.entry(dst, text, wireDetail{Type: "reasoning.text", Text: text})
	case chat.Refusal:
		field = "refusal"
	case chat.Text, chat.ToolCall, chat.Redacted, chat.Image, chat.Document, chat.Audio, chat.ToolResult, chat.Opaque:
	}
	dst = w.chunk(dst)
	dst = append(dst, `,"choices":[{"index":0,"delta":{"`...)
	dst = append(dst, field...)
	dst = append(dst, `":`...)
	dst = wire.AppendString(dst, text)
	return append(dst, "},\"logprobs\":null,\"finish_reason\":null}]}\n\n"...)
}

// entry writes reasoning in both forms, as a whole answer has them.
func (w *writer) entry(dst []byte, text string, d wireDetail) []byte {
	i := max(0, w.thoughts-1)
	d.Index = &i
	v := struct {
		Text    string       `json:"reasoning_content,omitempty"`
		Details []wireDetail `json:"reasoning_details"`
	}{text, []wireDetail{d}}
	return w.delta(dst, string(wire.Marshal(v)))
}

// signedFormat says whose signature it is.
func signedFormat(p chat.Part) string {
	if f := formatOf(p); f != "" {
		return f
	}
	return claudeFormat
}

func (w *writer) args(dst []byte, text string) []byte {
	if w.kind != chat.ToolCall || text == "" {
		return dst
	}
	w.argsGiven = true
	dst = w.chunk(dst)
	dst = append(dst, `,"choices":[{"index":0,"delta":{"tool_calls":[{"index":`...)
	dst = appendInt(dst, int64(w.calls-1))
	dst = append(dst, `,"function":{"arguments":`...)
	dst = wire.AppendString(dst, text)
	return append(dst, "}}]},\"logprobs\":null,\"finish_reason\":null}]}\n\n"...)
}

// cite passes on what a text block cites, as it came but for a number: the SDKs put lists together by their entries' index.
func (w *writer) cite(dst []byte, e chat.Event) []byte {
	if w.kind == chat.Text && len(list[json.RawMessage](e.Extra[dialectName])) > 0 {
		return w.delta(dst, string(wire.Marshal(map[string]any{"annotations": e.Extra[dialectName]})))
	}
	var citation map[string]any
	raw, ok := e.Extra[string(provider.AnthropicMessages)]
	if !ok || w.kind != chat.Text || json.Unmarshal(raw, &citation) != nil {
		return dst
	}
	citation["index"] = w.citations
	w.citations++
	return w.delta(dst, string(wire.Marshal(map[string]any{"citations": []any{citation}})))
}
