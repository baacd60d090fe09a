package openairesponses

import (
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// answer is a response object as we write it: complete, because the SDKs' types say that it is. What echoes the request has the
// API's defaults: a writer does not know the request.
type answer struct {
	ID, Model   string
	Created     int64
	Status      string
	Incomplete  string          // the reason, "" for none
	Error       json.RawMessage // nil: null
	Items       []json.RawMessage
	ServiceTier string
	Usage       chat.Usage
	Cost        string
}

func (a answer) append(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = wire.AppendString(dst, a.ID)
	dst = append(dst, `,"object":"response","created_at":`...)
	dst = appendInt(dst, a.Created)
	dst = append(dst, `,"status":"`...)
	dst = append(dst, a.Status...)
	dst = append(dst, `","background":false,"error":`...)
	if a.Error == nil {
		dst = append(dst, "null"...)
	}
	dst = append(dst, a.Error...)
	dst = append(dst, `,"incomplete_details":`...)
	if a.Incomplete == "" {
		dst = append(dst, "null"...)
	} else {
		dst = append(append(append(dst, `{"reason":"`...), a.Incomplete...), `"}`...)
	}
	dst = append(dst, `,"instructions":null,"max_output_tokens":null,"model":`...)
	dst = wire.AppendString(dst, a.Model)
	dst = append(dst, `,"output":[`...)
	for i, item := range a.Items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, item...)
	}
	dst = append(dst, `],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"service_tier":`...)
	dst = wire.AppendOptional(dst, a.ServiceTier)
	dst = append(dst, `,"store":false,"temperature":null,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":null,"truncation":"disabled","usage":`...)
	if a.Usage.Source == chat.Unknown {
		dst = append(dst, "null"...)
	} else {
		dst = appendUsage(dst, a.Usage.Units, a.Cost)
	}
	return append(dst, `,"user":null,"metadata":{}}`...)
}

// status is what this API calls a reason to finish.
func status(r chat.FinishReason) (status, incomplete string) {
	switch r {
	case chat.FinishLength, chat.FinishContext:
		return "incomplete", "max_output_tokens"
	case chat.FinishFilter, chat.FinishRefusal:
		return "incomplete", "content_filter"
	case chat.FinishStop, chat.FinishStopSeq, chat.FinishTools, chat.FinishPause, chat.FinishOther, chat.FinishNotGiven:
	}
	return "completed", ""
}

// answerID gives an id in this API's form that still shows the provider's own.
func answerID(id string) string {
	if strings.HasPrefix(id, "resp_") {
		return id
	}
	if tail := tail(id); tail != "" {
		return "resp_" + tail
	}
	return "resp_unknown"
}

// tail is an answer's id without the word that says what kind of id it is.
func tail(id string) string {
	for _, prefix := range [...]string{"resp_", "msg_", "chatcmpl-", "cmpl-", "gen-"} {
		if rest, ok := strings.CutPrefix(id, prefix); ok {
			return rest
		}
	}
	return id
}

// items makes output items with ids of their own: the answer's and their number.
type items struct {
	base string
	next int
	used map[string]bool // ids that the provider chose: the SDKs refuse a second item under one id
}

// baseMax keeps an item's id below the 64 characters that the API takes back.
const baseMax = 48

func newItems(id string) *items {
	base := strings.Map(func(r rune) rune {
		if r < 128 && (r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return r
		}
		return -1
	}, tail(id))
	if len(base) > baseMax {
		base = base[:baseMax]
	}
	if base == "" {
		base = "0"
	}
	return &items{base: base, used: map[string]bool{}}
}

// id is the next item's.
func (w *items) id(prefix string) string {
	w.next++
	return prefix + w.base + "_" + string(appendInt(nil, int64(w.next-1)))
}

// outPart is a part of a message as we write it.
type outPart struct {
	Type        string            `json:"type"`
	Annotations []json.RawMessage `json:"annotations"`
	Logprobs    []json.RawMessage `json:"logprobs"`
	Text        string            `json:"text"`
}

type outRefusal struct {
	Type    string `json:"type"`
	Refusal string `json:"refusal"`
}

type outMessage struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Status  string `json:"status"`
	Content []any  `json:"content"`
	Role    string `json:"role"`
	Phase   string `json:"phase,omitempty"`
}

type outCall struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Status    string `json:"status"`
	Arguments string `json:"arguments"`
	CallID    string `json:"call_id"`
	Name      string `json:"name"`
	Space     string `json:"namespace,omitempty"`
}

type outReasoning struct {
	ID        string       `json:"id"`
	Type      string       `json:"type"`
	Summary   []outSummary `json:"summary"`
	Encrypted string       `json:"encrypted_content,omitempty"`
	Status    string       `json:"status,omitempty"`
}

type outSummary struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func textPart(text string, annotations []json.RawMessage) outPart {
	if annotations == nil {
		annotations = []json.RawMessage{}
	}
	return outPart{Type: "output_text", Annotations: annotations, Logprobs: []json.RawMessage{}, Text: text}
}

// all writes the items of a whole answer. Texts that follow each other are one message; a note stands behind what it is about.
func (w *items) all(parts []chat.Part, reason chat.FinishReason) []json.RawMessage {
	out := []json.RawMessage{}
	var message *outMessage
	end := func(status string) {
		if message != nil {
			message.Status = status
			out = append(out, wire.Marshal(message))
			message = nil
		}
	}
	for _, p := range parts {
		if p.Kind != chat.Text && p.Kind != chat.Refusal {
			end("completed")
			if raw := w.item(p); raw != nil {
				out = append(out, raw)
			}
		} else {
			if message != nil && message.Phase != phase(p) {
				end("completed")
			}
			if message == nil {
				message = &outMessage{ID: w.id("msg_"), Type: "message", Role: "assistant", Phase: phase(p)}
			}
			message.Content = append(message.Content, said(p))
		}
		if raw := w.note(p); raw != nil {
			end("completed")
			out = append(out, raw)
		}
	}
	last, _ := status(reason)
	end(last)
	return out
}

// note is the item that keeps what another provider needs back with a text or a call; nil for none.
func (w *items) note(p chat.Part) json.RawMessage {
	if p.Kind != chat.Text && p.Kind != chat.ToolCall {
		return nil
	}
	n, ok := noteFor(p)
	if !ok {
		return nil
	}
	return wire.Marshal(outReasoning{ID: w.id("rs_"), Type: "reasoning", Summary: []outSummary{}, Encrypted: n.text()})
}

func said(p chat.Part) any {
	if p.Kind == chat.Refusal {
		return outRefusal{"refusal", p.Text}
	}
	return textPart(p.Text, flatCitations(p.Extra, 0, len([]rune(p.Text))))
}

// item writes any other part; nil for what has no place here: another provider's own blocks.
func (w *items) item(p chat.Part) json.RawMessage {
	switch p.Kind {
	case chat.ToolCall:
		args := p.Args
		if len(args) == 0 {
			args = json.RawMessage("{}")
		}
		return wire.Marshal(call(w.id(callPrefix(p)), "completed", p, args))
	case chat.Thinking, chat.Redacted:
		id := w.thoughtID(p)
		item := outReasoning{ID: id, Type: "reasoning", Summary: []outSummary{}, Encrypted: encrypted(p, id)}
		if p.Text != "" {
			item.Summary = append(item.Summary, outSummary{"summary_text", p.Text})
		}
		return wire.Marshal(item)
	case chat.Opaque:
		if raw, ok := p.Extra[dialectName]; ok && json.Valid(raw) {
			return raw
		}
	case chat.Text, chat.Refusal, chat.Image, chat.Document, chat.Audio, chat.ToolResult:
	}
	return nil
}

// thoughtID is the id that this API gave an item of reasoning, or ours.
func (w *items) thoughtID(p chat.Part) string {
	id, _, own := unseal(p.Signature + p.Data)
	if !own {
		var o struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(p.Extra[dialectName], &o) == nil {
			id = o.ID
		}
	}
	if id == "" || w.used[id] {
		return w.id("rs_")
	}
	w.used[id] = true
	return id
}

// encrypted is what a client sends back with reasoning: this API's own secret, which it takes under the id that it gave only, or a
// note for the provider that made it.
func encrypted(p chat.Part, id string) string {
	sealedFor, secret, own := unseal(p.Signature + p.Data)
	if own && (sealedFor == id || sealedFor == "") {
		return secret
	}
	if _, marked := p.Extra[dialectName]; marked && !own { // it has none
		return ""
	}
	if n, ok := noteFor(p); ok {
		return n.text()
	}
	return ""
}
