package anthropic

import (
	"bytes"
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// wireMessage is a whole answer, or the head of a streamed one.
type wireMessage struct {
	Type         string            `json:"type"`
	ID           string            `json:"id"`
	Model        string            `json:"model"`
	Content      []json.RawMessage `json:"content"`
	StopReason   string            `json:"stop_reason"`
	StopSequence string            `json:"stop_sequence"`
	Usage        json.RawMessage   `json:"usage"`
	Error        json.RawMessage   `json:"error"`
}

// ParseResponse decodes a whole answer.
func (Dialect) ParseResponse(body []byte) (chat.Response, error) {
	var m wireMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return chat.Response{}, provider.ErrBadAnswer.Because(err)
	}
	if m.Type == "error" || wire.Present(m.Error) {
		return chat.Response{}, streamRefusal(body, orEmpty(m.Error))
	}
	if m.Content == nil && m.StopReason == "" {
		return chat.Response{}, provider.ErrBadAnswer
	}
	out := chat.Response{ID: m.ID, Model: m.Model, Finish: finish(m.StopReason), StopSequence: m.StopSequence}
	for _, raw := range m.Content {
		var b wireBlock
		if err := json.Unmarshal(raw, &b); err != nil {
			return chat.Response{}, provider.ErrBadAnswer.Because(err)
		}
		out.Parts = append(out.Parts, b.part("", raw))
	}
	if out.Finish == chat.FinishNotGiven {
		out.Finish = chat.FinishStop
	}
	var t tally
	t.add(m.Usage)
	out.Usage = t.usage()
	out.ServiceTier = tierOf(m.Usage)
	return out, nil
}

func tierOf(usage json.RawMessage) string {
	var u struct {
		Tier string `json:"service_tier"`
	}
	if len(usage) == 0 || json.Unmarshal(usage, &u) != nil {
		return ""
	}
	return u.Tier
}

// answerID gives an id in this API's form that still shows the provider's own.
func answerID(id string) string {
	for _, prefix := range [...]string{"chatcmpl-", "gen-", "msg_"} {
		id = strings.TrimPrefix(id, prefix)
	}
	if id == "" {
		id = "unknown"
	}
	return "msg_" + id
}

// AppendResponse writes a whole answer.
func (Dialect) AppendResponse(dst []byte, r chat.Response) []byte {
	dst = append(dst, `{"id":`...)
	dst = wire.AppendString(dst, answerID(r.ID))
	dst = append(dst, `,"type":"message","role":"assistant","model":`...)
	dst = wire.AppendString(dst, r.Model)
	dst = append(dst, `,"content":[`...)
	reason := r.Finish
	first := true
	for _, p := range r.Parts {
		if p.Kind == chat.Refusal && reason == chat.FinishStop {
			reason = chat.FinishRefusal
		}
		block := answerBlock(p)
		if block == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, block...)
	}
	dst = append(dst, `],"stop_reason":"`...)
	dst = append(dst, finishWord(reason)...)
	dst = append(dst, `","stop_sequence":`...)
	dst = wire.AppendOptional(dst, r.StopSequence)
	dst = append(dst, `,"usage":`...)
	dst = appendUsage(dst, r.Usage.Units, r.Cost)
	return append(dst, '}')
}

// answerBlock writes one part of an answer; nil for one that has no place here.
func answerBlock(p chat.Part) json.RawMessage {
	switch p.Kind {
	case chat.Text, chat.Refusal:
		if p.Text == "" {
			return nil
		}
		block := map[string]any{"type": "text", "text": p.Text}
		if c, ok := p.Extra[dialectName]; ok {
			block["citations"] = c
		}
		return wire.Marshal(block)
	case chat.Thinking:
		return wire.Marshal(map[string]string{"type": "thinking", "thinking": p.Text, "signature": p.Signature})
	case chat.Redacted:
		return wire.Marshal(map[string]string{"type": "redacted_thinking", "data": p.Data})
	case chat.ToolCall:
		return wire.Marshal(map[string]any{"type": "tool_use", "id": p.ID, "name": p.Name, "input": input(p.Args)})
	case chat.Opaque:
		return bytes.Clone(p.Extra[dialectName])
	case chat.Image, chat.Document, chat.Audio, chat.ToolResult:
	}
	return nil
}
