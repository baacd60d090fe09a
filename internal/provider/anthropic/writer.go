package anthropic

import (
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// NewWriter writes a streamed answer. Usage is part of every stream of this dialect.
func (Dialect) NewWriter(bool) provider.Writer { return &writer{} }

// writer makes the events that the SDKs demand: message_start, blocks numbered without gaps, one message_delta with the reason to stop and
// the cumulative usage, message_stop. A failure writes nothing: its event is AppendStreamError's.
type writer struct {
	next    int // index of the next block
	kind    chat.PartKind
	open    bool // the block was announced
	refused bool

	reason       chat.FinishReason
	stopSequence string
	usage        chat.Units
	cost         string
}

func event(dst []byte, name string) []byte {
	dst = append(dst, "event: "...)
	dst = append(dst, name...)
	dst = append(dst, "\ndata: {\"type\":\""...)
	dst = append(dst, name...)
	return append(dst, '"')
}

func (w *writer) Append(dst []byte, e chat.Event) []byte {
	switch e.Kind {
	case chat.Start:
		return w.start(dst, e)
	case chat.BlockStart:
		return w.begin(dst, e.Part)
	case chat.TextDelta:
		if w.kind == chat.Thinking {
			return w.delta(dst, "thinking_delta", "thinking", e.Text)
		}
		return w.delta(dst, "text_delta", "text", e.Text)
	case chat.ArgsDelta:
		return w.delta(dst, "input_json_delta", "partial_json", e.Text)
	case chat.SignDelta:
		return w.delta(dst, "signature_delta", "signature", e.Text)
	case chat.ExtraDelta:
		return w.extra(dst, e)
	case chat.BlockStop:
		return w.stop(dst)
	case chat.Finish:
		w.reason, w.stopSequence = e.Reason, e.StopSequence
		if w.refused && w.reason == chat.FinishStop {
			w.reason = chat.FinishRefusal
		}
	case chat.UsageEvent:
		w.usage, w.cost = e.Usage.Units, e.Cost
	case chat.Ping:
		return append(dst, Dialect{}.Heartbeat()...)
	case chat.End:
		return w.end(dst)
	case chat.Failure:
	}
	return dst
}

func (w *writer) start(dst []byte, e chat.Event) []byte {
	w.usage = e.Usage.Units
	dst = event(dst, "message_start")
	dst = append(dst, `,"message":{"id":`...)
	dst = wire.AppendString(dst, answerID(e.ID))
	dst = append(dst, `,"type":"message","role":"assistant","model":`...)
	dst = wire.AppendString(dst, e.Model)
	dst = append(dst, `,"content":[],"stop_reason":null,"stop_sequence":null,"usage":`...)
	dst = appendUsage(dst, e.Usage.Units, "")
	return append(dst, "}}\n\n"...)
}

// begin announces a block. A block that has no place here is left out with its deltas.
func (w *writer) begin(dst []byte, p chat.Part) []byte {
	w.kind = p.Kind
	var block json.RawMessage
	switch p.Kind {
	case chat.Text, chat.Refusal:
		w.refused = w.refused || p.Kind == chat.Refusal
		block = json.RawMessage(`{"type":"text","text":""}`)
	case chat.Thinking:
		block = json.RawMessage(`{"type":"thinking","thinking":"","signature":""}`)
	case chat.Redacted:
		block = answerBlock(p)
	case chat.ToolCall:
		block = wire.Marshal(map[string]any{"type": "tool_use", "id": p.ID, "name": p.Name, "input": struct{}{}})
	case chat.Opaque:
		block = p.Extra[dialectName]
	case chat.Image, chat.Document, chat.Audio, chat.ToolResult:
	}
	w.open = block != nil
	if !w.open {
		return dst
	}
	dst = event(dst, "content_block_start")
	dst = w.index(dst)
	dst = append(dst, `,"content_block":`...)
	dst = append(dst, block...)
	dst = append(dst, "}\n\n"...)
	if p.Kind == chat.Thinking && p.Signature != "" {
		dst = w.delta(dst, "signature_delta", "signature", p.Signature)
	}
	return dst
}

func (w *writer) index(dst []byte) []byte {
	dst = append(dst, `,"index":`...)
	return appendInt(dst, int64(w.next))
}

func (w *writer) delta(dst []byte, typ, field, text string) []byte {
	if !w.open {
		return dst
	}
	dst = event(dst, "content_block_delta")
	dst = w.index(dst)
	dst = append(dst, `,"delta":{"type":"`...)
	dst = append(dst, typ...)
	dst = append(dst, `","`...)
	dst = append(dst, field...)
	dst = append(dst, `":`...)
	dst = wire.AppendString(dst, text)
	return append(dst, "}}\n\n"...)
}

// extra passes on what came from a provider of this dialect.
func (w *writer) extra(dst []byte, e chat.Event) []byte {
	raw, ok := e.Extra[dialectName]
	if !ok || !w.open {
		return dst
	}
	if w.kind == chat.Text {
		raw = wire.Marshal(map[string]any{"type": "citations_delta", "citation": raw})
	}
	dst = event(dst, "content_block_delta")
	dst = w.index(dst)
	dst = append(dst, `,"delta":`...)
	dst = append(dst, raw...)
	return append(dst, "}\n\n"...)
}

func (w *writer) stop(dst []byte) []byte {
	if !w.open {
		return dst
	}
	dst = event(dst, "content_block_stop")
	dst = w.index(dst)
	w.open = false
	w.next++
	return append(dst, "}\n\n"...)
}

func (w *writer) end(dst []byte) []byte {
	dst = event(dst, "message_delta")
	dst = append(dst, `,"delta":{"stop_reason":"`...)
	dst = append(dst, finishWord(w.reason)...)
	dst = append(dst, `","stop_sequence":`...)
	dst = wire.AppendOptional(dst, w.stopSequence)
	dst = append(dst, `},"usage":`...)
	dst = appendUsage(dst, w.usage, w.cost)
	dst = append(dst, "}\n\n"...)
	dst = event(dst, "message_stop")
	return append(dst, "}\n\n"...)
}
