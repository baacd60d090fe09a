package openairesponses

import (
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// wireAnswer is a response object: a whole answer, or what the first and the last event of a stream hold.
type wireAnswer struct {
	ID          json.RawMessage `json:"id"`
	Model       json.RawMessage `json:"model"`
	Created     json.RawMessage `json:"created_at"`
	Status      json.RawMessage `json:"status"`
	Error       json.RawMessage `json:"error"`
	Incomplete  json.RawMessage `json:"incomplete_details"`
	Output      json.RawMessage `json:"output"`
	Usage       json.RawMessage `json:"usage"`
	ServiceTier json.RawMessage `json:"service_tier"`
	Detail      json.RawMessage `json:"detail"`
	Message     json.RawMessage `json:"message"`
}

func word(raw json.RawMessage) string {
	s, _ := wire.String(raw)
	return s
}

// refusal is the failure that an answer tells of, nil for none.
func (a wireAnswer) refusal(whole []byte) *provider.Refusal {
	if wire.Present(a.Error) && string(a.Error) != "false" || word(a.Status) == "failed" || (!wire.Present(a.Output) && !wire.Present(a.Status)) {
		return failure(a.Error, whole)
	}
	return nil
}

// failure reads what stands under "error"; nil where nothing does, and nothing else tells of a failure.
func failure(value, whole []byte) *provider.Refusal {
	if wire.Present(value) {
		if r := openaichat.StreamRefusal(append(append([]byte(`{"error":`), value...), '}')); r != nil {
			r.Body = append([]byte(nil), whole[:min(len(whole), provider.RefusalBodyMax)]...)
			return r
		}
	}
	return openaichat.StreamRefusal(whole)
}

// reason says why an answer ended, from its status.
func (a wireAnswer) reason(tools bool) chat.FinishReason {
	var o struct {
		Reason string `json:"reason"`
	}
	_ = json.Unmarshal(a.Incomplete, &o) // what cannot be read gives no reason
	return finish(word(a.Status), o.Reason, tools)
}

// finish puts status and reason together. A call of a tool is told by the call alone.
func finish(status, reason string, tools bool) chat.FinishReason {
	switch reason {
	case "max_output_tokens", "max_tokens", "length":
		return chat.FinishLength
	case "content_filter":
		return chat.FinishFilter
	case "":
	default:
		return chat.FinishOther
	}
	switch {
	case status == "incomplete":
		return chat.FinishLength
	case tools:
		return chat.FinishTools
	case status == "completed" || status == "":
		return chat.FinishStop
	}
	return chat.FinishOther // queued, in_progress, cancelled
}

// ParseResponse decodes a whole answer.
func (Dialect) ParseResponse(body []byte) (chat.Response, error) {
	var a wireAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		return chat.Response{}, provider.ErrBadAnswer.Because(err)
	}
	if r := a.refusal(body); r != nil {
		return chat.Response{}, r
	}
	if !wire.Present(a.Output) || word(a.Status) == "failed" {
		return chat.Response{}, provider.ErrBadAnswer
	}
	return a.response(), nil
}

func (a wireAnswer) response() chat.Response {
	out := chat.Response{ID: word(a.ID), Model: word(a.Model), ServiceTier: word(a.ServiceTier)}
	out.Created, _ = wire.Int(a.Created)
	var h hosted
	tools := false
	for _, raw := range list[json.RawMessage](a.Output) {
		h.item(raw)
		for _, p := range itemParts(raw) {
			tools = tools || p.Kind == chat.ToolCall
			out.Parts = append(out.Parts, p)
		}
	}
	out.Parts = giveNotes(out.Parts)
	out.Finish = a.reason(tools)
	out.Usage, out.Reported = parseUsage(a.Usage, h)
	return out
}

// itemParts gives the parts of an item of an answer; those of a note are as it.reasoning has them.
func itemParts(raw json.RawMessage) []chat.Part {
	var it wireItem
	if json.Unmarshal(raw, &it) != nil {
		return nil
	}
	switch it.Type {
	case "message":
		var parts []chat.Part
		for _, w := range list[wirePart](it.Content) {
			if p, ok := w.textPart(it.Phase); ok && (p.Text != "" || p.Extra != nil) {
				parts = append(parts, p)
			}
		}
		if s, ok := wire.String(it.Content); ok && s != "" {
			parts = append(parts, chat.Part{Kind: chat.Text, Text: s})
		}
		return parts
	case "reasoning":
		if p, callID, ok := it.reasoning(); ok {
			if p.Kind == chat.ToolCall || p.Kind == chat.Text { // a note: it is given to its part
				p.ID, p.Path = callID, notePrefix
			}
			return []chat.Part{p}
		}
		return nil
	case "function_call", "custom_tool_call":
		return []chat.Part{it.call()}
	}
	return []chat.Part{{Kind: chat.Opaque, Extra: extra(raw)}}
}

// callID is the id that a function's output refers to.
func (it wireItem) callID() string {
	if it.CallID != "" {
		return it.CallID
	}
	return it.ID
}

// giveNotes takes the notes out of an answer's parts and gives what they keep to the parts they are about, which stand before them.
func giveNotes(parts []chat.Part) []chat.Part {
	out := parts[:0]
	for _, p := range parts {
		if p.Path != notePrefix {
			out = append(out, p)
			continue
		}
		for i := len(out) - 1; i >= 0; i-- {
			if out[i].Kind == p.Kind && (p.Kind == chat.Text || out[i].ID == p.ID) {
				out[i].Signature, out[i].Extra = p.Signature, p.Extra
				break
			}
		}
	}
	return out
}

// AppendResponse writes a whole answer.
func (Dialect) AppendResponse(dst []byte, r chat.Response) []byte {
	a := answer{
		ID: answerID(r.ID), Model: r.Model, Created: r.Created, Items: newItems(r.ID).all(r.Parts, r.Finish),
		ServiceTier: r.ServiceTier, Usage: r.Usage, Cost: r.Cost,
	}
	a.Status, a.Incomplete = status(r.Finish)
	return a.append(dst)
}
