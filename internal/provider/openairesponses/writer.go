package openairesponses

import (
	"encoding/json"
	"unicode/utf8"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// NewWriter writes a streamed answer. Usage is part of every stream of this dialect.
func (Dialect) NewWriter(bool) provider.Writer { return &writer{} }

// writer makes the events that the SDKs demand, numbered without gaps: created, in_progress; for each item its beginning, its pieces,
// what they came to and the item itself; and the whole answer at the end, as completed or incomplete. A message stays open while
// texts follow each other. A failure writes nothing: its event is AppendStreamError's.
type writer struct {
	seq    int64
	items  *items
	answer answer

	kind chat.PartKind
	part chat.Part
	free bool   // a call of a free-form tool
	text []byte // of the block
	long int    // the same in characters
	item string // id of the open item
	at   int64  // its output_index

	message     *outMessage // open, nil for none
	annotations []json.RawMessage
	summary     bool // a summary part is open
	sign        []byte
}

func (w *writer) Append(dst []byte, e chat.Event) []byte {
	switch e.Kind {
	case chat.Start:
		return w.start(dst, e)
	case chat.BlockStart:
		return w.begin(dst, e.Part)
	case chat.TextDelta:
		return w.delta(dst, e.Text)
	case chat.ArgsDelta:
		if w.kind == chat.ToolCall {
			w.text = append(w.text, e.Text...)
			if w.free {
				return dst // its text stands inside the arguments, and can be taken out when they are whole
			}
			return w.piece(dst, "response.function_call_arguments.delta", e.Text)
		}
	case chat.SignDelta:
		w.sign = append(w.sign, e.Text...)
	case chat.ExtraDelta:
		return w.cite(dst, e.Extra)
	case chat.BlockStop:
		return w.stop(dst)
	case chat.Finish:
		w.answer.Status, w.answer.Incomplete = status(e.Reason)
		return w.closeMessage(dst, w.answer.Status)
	case chat.UsageEvent:
		w.answer.Usage, w.answer.Cost = e.Usage, e.Cost
	case chat.Ping:
		return append(dst, envelope{}.Heartbeat()...)
	case chat.End:
		dst = w.event(dst, "response."+w.answer.Status)
		dst = append(dst, `,"response":`...)
		dst = w.answer.append(dst)
		return append(dst, "}\n\n"...)
	case chat.Failure:
	}
	return dst
}

// event begins an event; its object is left open.
func (w *writer) event(dst []byte, name string) []byte {
	dst = append(dst, "event: "...)
	dst = append(dst, name...)
	dst = append(dst, "\ndata: {\"type\":\""...)
	dst = append(dst, name...)
	dst = append(dst, `","sequence_number":`...)
	w.seq++
	return appendInt(dst, w.seq-1)
}

// ofItem begins an event about the open item.
func (w *writer) ofItem(dst []byte, name string) []byte {
	dst = w.event(dst, name)
	dst = append(dst, `,"item_id":`...)
	dst = wire.AppendString(dst, w.item)
	dst = append(dst, `,"output_index":`...)
	return appendInt(dst, w.at)
}

// ofPart begins an event about the newest part of the open message.
func (w *writer) ofPart(dst []byte, name string) []byte {
	dst = w.ofItem(dst, name)
	dst = append(dst, `,"content_index":`...)
	return appendInt(dst, int64(len(w.message.Content)))
}

func (w *writer) start(dst []byte, e chat.Event) []byte {
	w.items = newItems(e.ID)
	w.answer = answer{ID: answerID(e.ID), Model: e.Model, Created: e.Created, Status: "in_progress", Items: []json.RawMessage{}}
	for _, name := range [...]string{"response.created", "response.in_progress"} {
		dst = w.event(dst, name)
		dst = append(dst, `,"response":`...)
		dst = w.answer.append(dst)
		dst = append(dst, "}\n\n"...)
	}
	w.answer.Status = "completed"
	return dst
}

// withItem writes an event with an item as it is now.
func (w *writer) withItem(dst []byte, name string, item json.RawMessage) []byte {
	dst = w.event(dst, name)
	dst = append(dst, `,"output_index":`...)
	dst = appendInt(dst, w.at)
	dst = append(dst, `,"item":`...)
	dst = append(dst, item...)
	return append(dst, "}\n\n"...)
}

func (w *writer) open(dst []byte, id string, item any) []byte {
	w.item, w.at = id, int64(len(w.answer.Items))
	return w.withItem(dst, "response.output_item.added", wire.Marshal(item))
}

func (w *writer) done(dst []byte, item json.RawMessage) []byte {
	w.answer.Items = append(w.answer.Items, item)
	return w.withItem(dst, "response.output_item.done", item)
}

// begin announces a block. A block that has no place here is left out with its deltas.
func (w *writer) begin(dst []byte, p chat.Part) []byte {
	w.kind, w.part, w.text, w.long, w.annotations = p.Kind, p, w.text[:0], 0, nil
	w.sign = append(w.sign[:0], p.Signature...)
	if p.Kind != chat.Text && p.Kind != chat.Refusal || (w.message != nil && w.message.Phase != phase(p)) {
		dst = w.closeMessage(dst, "completed")
	}
	switch p.Kind {
	case chat.Text, chat.Refusal:
		return w.beginText(dst, p)
	case chat.ToolCall:
		_, _, w.free = toolName(p.Name)
		id := w.items.id(callPrefix(p))
		return w.open(dst, id, call(id, "in_progress", p, nil))
	case chat.Thinking, chat.Redacted:
		id := w.items.thoughtID(p)
		return w.open(dst, id, outReasoning{ID: id, Type: "reasoning", Summary: []outSummary{}, Status: "in_progress"})
	case chat.Opaque:
		if raw := w.items.item(p); raw != nil {
			dst = w.open(dst, "", raw)
			return w.done(dst, raw)
		}
		w.kind = 0
	case chat.Image, chat.Document, chat.Audio, chat.ToolResult:
		w.kind = 0
	}
	return dst
}

func (w *writer) beginText(dst []byte, p chat.Part) []byte {
	if w.message == nil {
		w.message = &outMessage{ID: w.items.id("msg_"), Type: "message", Status: "in_progress", Role: "assistant", Content: []any{}, Phase: phase(p)}
		dst = w.open(dst, w.message.ID, w.message)
	}
	dst = w.ofPart(dst, "response.content_part.added")
	dst = append(dst, `,"part":`...)
	dst = append(dst, wire.Marshal(w.said())...)
	return append(dst, "}\n\n"...)
}

// said is the part of the message that the open block is, as it is now.
func (w *writer) said() any {
	if w.kind == chat.Refusal {
		return outRefusal{"refusal", string(w.text)}
	}
	return textPart(string(w.text), w.annotations)
}

func (w *writer) delta(dst []byte, text string) []byte {
	if text == "" {
		return dst
	}
	switch w.kind {
	case chat.Text:
		w.text = append(w.text, text...)
		w.long += utf8.RuneCountInString(text)
		dst = w.ofPart(dst, "response.output_text.delta")
		dst = append(dst, `,"logprobs":[]`...)
	case chat.Refusal:
		w.text = append(w.text, text...)
		dst = w.ofPart(dst, "response.refusal.delta")
	case chat.Thinking:
		dst = w.beginSummary(dst)
		w.text = append(w.text, text...)
		dst = w.ofItem(dst, "response.reasoning_summary_text.delta")
		dst = append(dst, `,"summary_index":0`...)
	default:
		return dst
	}
	return w.endPiece(dst, text)
}

func (w *writer) piece(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	return w.endPiece(w.ofItem(dst, name), text)
}

func (w *writer) endPiece(dst []byte, text string) []byte {
	dst = append(dst, `,"delta":`...)
	dst = wire.AppendString(dst, text)
	return append(dst, "}\n\n"...)
}

func (w *writer) beginSummary(dst []byte) []byte {
	if w.summary {
		return dst
	}
	w.summary = true
	dst = w.ofItem(dst, "response.reasoning_summary_part.added")
	return append(dst, ",\"summary_index\":0,\"part\":{\"type\":\"summary_text\",\"text\":\"\"}}\n\n"...)
}

// cite tells what a text cites.
func (w *writer) cite(dst []byte, extra map[string]json.RawMessage) []byte {
	if w.kind != chat.Text || w.message == nil {
		return dst
	}
	for _, raw := range flatCitations(extra, 0, w.long) {
		dst = w.ofPart(dst, "response.output_text.annotation.added")
		dst = append(dst, `,"annotation_index":`...)
		dst = appendInt(dst, int64(len(w.annotations)))
		dst = append(dst, `,"annotation":`...)
		dst = append(dst, raw...)
		dst = append(dst, "}\n\n"...)
		w.annotations = append(w.annotations, raw)
	}
	return dst
}

// stop ends a block: what its pieces came to, and for all but messages the item.
func (w *writer) stop(dst []byte) []byte {
	w.part.Signature = string(w.sign)
	switch w.kind {
	case chat.Text, chat.Refusal:
		dst = w.stopText(dst)
	case chat.ToolCall:
		dst = w.stopCall(dst)
	case chat.Thinking, chat.Redacted:
		dst = w.stopThought(dst)
	default: // nothing was announced
		w.kind = 0
		return dst
	}
	w.kind = 0
	if raw := w.items.note(w.part); raw != nil {
		dst = w.closeMessage(dst, "completed")
		dst = w.open(dst, "", raw)
		dst = w.done(dst, raw)
	}
	return dst
}

func (w *writer) stopText(dst []byte) []byte {
	name, field := "response.output_text.done", `,"logprobs":[],"text":`
	if w.kind == chat.Refusal {
		name, field = "response.refusal.done", `,"refusal":`
	}
	dst = w.ofPart(dst, name)
	dst = append(dst, field...)
	dst = wire.AppendString(dst, string(w.text))
	dst = append(dst, "}\n\n"...)
	dst = w.ofPart(dst, "response.content_part.done")
	dst = append(dst, `,"part":`...)
	dst = append(dst, wire.Marshal(w.said())...)
	w.message.Content = append(w.message.Content, w.said())
	return append(dst, "}\n\n"...)
}

func (w *writer) closeMessage(dst []byte, status string) []byte {
	if w.message == nil {
		return dst
	}
	w.message.Status = status
	raw := wire.Marshal(w.message)
	w.message = nil
	return w.done(dst, raw)
}

func (w *writer) stopCall(dst []byte) []byte {
	if w.free {
		text := freeText(w.text)
		dst = w.piece(dst, "response.custom_tool_call_input.delta", text)
		dst = w.ofItem(dst, "response.custom_tool_call_input.done")
		dst = append(dst, `,"input":`...)
		dst = wire.AppendString(dst, text)
		dst = append(dst, "}\n\n"...)
		return w.done(dst, wire.Marshal(call(w.item, "completed", w.part, w.text)))
	}
	if len(w.text) == 0 { // a client parses what it got, and "" is no JSON
		w.text = append(w.text, "{}"...)
		dst = w.piece(dst, "response.function_call_arguments.delta", "{}")
	}
	_, name, _ := toolName(w.part.Name)
	dst = w.ofItem(dst, "response.function_call_arguments.done")
	dst = append(dst, `,"name":`...)
	dst = wire.AppendString(dst, name)
	dst = append(dst, `,"arguments":`...)
	dst = wire.AppendString(dst, string(w.text))
	dst = append(dst, "}\n\n"...)
	return w.done(dst, wire.Marshal(call(w.item, "completed", w.part, w.text)))
}

func (w *writer) stopThought(dst []byte) []byte {
	item := outReasoning{ID: w.item, Type: "reasoning", Summary: []outSummary{}, Encrypted: encrypted(w.part, w.item), Status: "completed"}
	if w.summary {
		w.summary = false
		item.Summary = append(item.Summary, outSummary{"summary_text", string(w.text)})
		dst = w.ofItem(dst, "response.reasoning_summary_text.done")
		dst = append(dst, `,"summary_index":0,"text":`...)
		dst = wire.AppendString(dst, string(w.text))
		dst = append(dst, "}\n\n"...)
		dst = w.ofItem(dst, "response.reasoning_summary_part.done")
		dst = append(dst, `,"summary_index":0,"part":`...)
		dst = append(dst, wire.Marshal(item.Summary[0])...)
		dst = append(dst, "}\n\n"...)
	}
	return w.done(dst, wire.Marshal(item))
}
