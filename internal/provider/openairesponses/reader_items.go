package openairesponses

import (
	"bytes"
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// added begins a call; other items begin with their content.
func (r *reader) added(e wireEvent) {
	var it wireItem
	if json.Unmarshal(e.Item, &it) != nil {
		return
	}
	at := place{item: e.Output, kind: chat.ToolCall}
	if (it.Type == "function_call" || it.Type == "custom_tool_call") && !r.seen(at) {
		r.begin(at, chat.Part{ID: it.callID(), Name: it.call().Name})
	}
	if it.Phase != "" {
		r.phases[e.Output] = it.Phase
	}
}

// itemDone takes from an item what has not been seen of it, and ends its blocks.
func (r *reader) itemDone(index int64, raw json.RawMessage) {
	var it wireItem
	if !wire.Present(raw) || json.Unmarshal(raw, &it) != nil {
		return
	}
	switch it.Type {
	case "message":
		r.messageDone(index, it)
	case "reasoning":
		r.reasoningDone(index, it)
	case "function_call", "custom_tool_call":
		r.callDone(index, it)
	default:
		at := place{item: index, kind: chat.Opaque}
		if !r.seen(at) {
			r.items.item(raw)
			r.finishBlock(r.begin(at, chat.Part{Extra: extra(bytes.Clone(raw))}))
		}
	}
}

func (r *reader) messageDone(index int64, it wireItem) {
	for i, w := range list[wirePart](it.Content) {
		p, ok := w.textPart("")
		at := place{index, int64(i), p.Kind}
		if !ok {
			continue
		}
		if !r.seen(at) {
			if it.Phase != "" {
				r.phases[index] = it.Phase
			}
			r.text(at, p.Text)
			if b := r.find(at); b != nil && len(list[json.RawMessage](w.Annotations)) > 0 {
				r.say(b, chat.Event{Kind: chat.ExtraDelta, Extra: p.Extra})
			}
		}
		if b := r.find(at); b != nil {
			r.finishBlock(b)
		}
	}
}

// reasoningDone adds what reasoning is worth to the provider. Where its text has been closed by what came next, that is a block of
// its own.
func (r *reader) reasoningDone(index int64, it wireItem) {
	at := place{item: index, kind: chat.Thinking}
	p, _, ok := it.reasoning()
	if !ok || p.Kind == chat.ToolCall || p.Kind == chat.Text { // nothing, or a note in a stream that we wrote ourselves
		p = chat.Part{}
	}
	if !r.seen(at) && p.Kind == chat.Thinking && p.Text != "" {
		b := r.begin(at, chat.Part{Extra: p.Extra})
		r.say(b, chat.Event{Kind: chat.TextDelta, Text: p.Text})
	}
	proof := p.Signature
	if b := r.find(at); b != nil {
		if proof != "" {
			r.say(b, chat.Event{Kind: chat.SignDelta, Text: proof})
		}
		r.finishBlock(b)
		return
	}
	if p.Kind == chat.Redacted {
		proof = p.Data
	}
	at.kind = chat.Redacted
	if proof != "" && !r.seen(at) {
		r.finishBlock(r.begin(at, chat.Part{Data: proof, Extra: p.Extra}))
	}
}

func (r *reader) callDone(index int64, it wireItem) {
	at := place{item: index, kind: chat.ToolCall}
	if !r.seen(at) {
		r.begin(at, chat.Part{ID: it.callID(), Name: it.call().Name})
	}
	b := r.find(at)
	if b == nil {
		return
	}
	if !b.said {
		args := string(arguments(it.Arguments))
		if it.Type == "custom_tool_call" {
			text := it.Input
			if text == "" {
				text = string(b.custom)
			}
			args = string(freeForm(text))
		}
		r.arguments(at, args)
	}
	r.finishBlock(b)
}
