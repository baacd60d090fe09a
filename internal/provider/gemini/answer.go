package gemini

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"strconv"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// wireAnswer is a whole answer, or one chunk of a streamed one.
type wireAnswer struct {
	Candidates []wireCandidate `json:"candidates"`
	Feedback   struct {
		Reason json.RawMessage `json:"blockReason"`
	} `json:"promptFeedback"`
	Usage   json.RawMessage `json:"usageMetadata"`
	ID      string          `json:"responseId"`
	Model   string          `json:"modelVersion"`
	Created string          `json:"createTime"`
	Error   json.RawMessage `json:"error"`
}

type wireCandidate struct {
	Index   int `json:"index"`
	Content struct {
		Parts []json.RawMessage `json:"parts"`
	} `json:"content"`
	Finish json.RawMessage `json:"finishReason"`

	sources
}

// blocked reports whether Google refused the prompt: then there is no candidate.
func (a *wireAnswer) blocked() bool {
	return len(a.Candidates) == 0 && len(a.Feedback.Reason) > 2
}

// created is the time that Vertex gives, in seconds; 0 where there is none.
func (a *wireAnswer) created() int64 {
	at, err := time.Parse(time.RFC3339Nano, a.Created)
	if err != nil {
		return 0
	}
	return at.Unix()
}

// ParseResponse decodes a whole answer: its first candidate. A prompt that was blocked is an answer without parts that the filter ended.
func (Dialect) ParseResponse(body []byte) (chat.Response, error) {
	var a wireAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		if r, d := readError(body); r.Message != "" || d.code != "" { // a list around an error
			return chat.Response{}, refusalIn(body)
		}
		return chat.Response{}, provider.ErrBadAnswer.Because(err)
	}
	if wire.Present(a.Error) {
		return chat.Response{}, refusalIn(body)
	}
	out := chat.Response{ID: a.ID, Model: a.Model, Created: a.created()}
	var t tally
	t.model = a.Model
	if wire.Present(a.Usage) {
		t.add(a.Usage)
	}
	switch {
	case a.blocked():
		out.Finish = chat.FinishFilter
	case len(a.Candidates) == 0:
		return chat.Response{}, provider.ErrBadAnswer
	default:
		c := a.Candidates[0]
		tools, err := c.parts(&out, a.ID)
		if err != nil {
			return chat.Response{}, provider.ErrBadAnswer.Because(err)
		}
		if wire.Present(c.Grounding) {
			t.searched(queries(c.Grounding))
		}
		out.Finish = settle(finish(c.Finish), tools)
		if out.Finish == chat.FinishNotGiven {
			out.Finish = settle(chat.FinishStop, tools)
		}
	}
	out.Usage, out.ServiceTier, out.Reported = t.usage(), t.last.tier, t.last.cost
	return out, nil
}

// parts reads a candidate's content into an answer and reports whether it calls tools.
func (c *wireCandidate) parts(out *chat.Response, id string) (tools bool, err error) {
	calls := 0
	for _, raw := range c.Content.Parts {
		p, err := readPart("", raw)
		if err != nil {
			return false, err
		}
		name := ""
		if p.call != nil {
			name, tools = callID(id, calls, p.call), true
			calls++
		}
		out.Parts = append(out.Parts, p.parts("", name)...)
	}
	c.attach(out.Parts)
	return tools, nil
}

// callID is the id of a call that came without one: made of the answer's id and the call's place in it, so that it is one of its kind
// in a conversation, or where the answer has no id of what it calls.
func callID(answer string, n int, c *wireCall) string {
	if answer == "" {
		h := fnv.New64a()
		_, _ = h.Write([]byte(c.name))
		_, _ = h.Write(c.args)
		answer = strconv.FormatUint(h.Sum64(), 36)
	}
	return "call_" + answer + "_" + strconv.Itoa(n)
}

// AppendResponse writes a whole answer.
func (Dialect) AppendResponse(dst []byte, r chat.Response) []byte {
	var w partWriter
	var g grounding
	for _, p := range r.Parts {
		from := w.text
		w.part(p)
		if p.Kind == chat.Text {
			g.add(p.Extra, from, w.text)
		}
	}
	w.flush()
	dst = append(dst, `{"candidates":[{"content":{"parts":[`...)
	dst = append(dst, w.out...)
	dst = append(dst, `],"role":"model"},"finishReason":"`...)
	dst = append(dst, finishWord(w.reason(r.Finish))...)
	dst = append(dst, `","index":0`...)
	dst = g.append(dst)
	dst = append(dst, "}]"...)
	if r.Usage.Source != chat.Unknown {
		dst = append(dst, `,"usageMetadata":`...)
		dst = appendUsage(dst, r.Usage.Units, r.ServiceTier, r.Cost)
	}
	return append(appendNames(dst, r.Model, r.ID), '}')
}

// AppendResponse is that of Dialect: a whole answer has no framing.
func (Array) AppendResponse(dst []byte, r chat.Response) []byte {
	return Dialect{}.AppendResponse(dst, r)
}

func appendNames(dst []byte, model, id string) []byte {
	dst = append(dst, `,"modelVersion":`...)
	dst = wire.AppendString(dst, model)
	if id != "" {
		dst = append(dst, `,"responseId":`...)
		dst = wire.AppendString(dst, id)
	}
	return dst
}

// partWriter writes parts of an answer, each with the comma before it. A signature that came as a part of its own stands at the part it
// belongs to again.
type partWriter struct {
	out     []byte
	pending string // signature for the next part
	last    string // signature for an empty text at the end
	text    int    // bytes of text so far
	refused bool
}

// reason is the reason to finish, which is the filter's where a refusal was written as text.
func (w *partWriter) reason(r chat.FinishReason) chat.FinishReason {
	if w.refused && r == chat.FinishStop {
		return chat.FinishRefusal
	}
	return r
}

// part writes one whole part; nothing for one that has no place here.
func (w *partWriter) part(p chat.Part) {
	switch p.Kind {
	case chat.Text, chat.Refusal:
		w.refused = w.refused || p.Kind == chat.Refusal
		if p.Text != "" {
			w.write("text", wire.AppendString(nil, p.Text))
			w.text += len(p.Text)
		}
	case chat.Thinking:
		w.thought(p.Text, p)
	case chat.Redacted:
		w.redacted(p)
	case chat.ToolCall:
		w.write("functionCall", wire.Marshal(outCall{ID: p.ID, Name: p.Name, Args: input(p.Args)}))
	case chat.Image, chat.Audio:
		if p.Data != "" {
			w.write("inlineData", wire.Marshal(outBlob{MediaType: p.MediaType, Data: p.Data}))
		}
	case chat.Opaque:
		if raw, ok := p.Extra[dialectName]; ok {
			w.comma()
			w.out = append(w.out, bytes.TrimSpace(raw)...)
		}
	case chat.Document, chat.ToolResult:
	}
}

func (w *partWriter) comma() {
	if len(w.out) > 0 {
		w.out = append(w.out, ',')
	}
}

// write writes {"name":value} and the signature that belongs to it.
func (w *partWriter) write(name string, value []byte) {
	w.comma()
	w.out = append(w.out, `{"`...)
	w.out = append(w.out, name...)
	w.out = append(w.out, `":`...)
	w.out = append(w.out, value...)
	if w.pending != "" {
		w.sign(w.pending)
		w.pending = ""
	}
	w.out = append(w.out, '}')
}

func (w *partWriter) sign(signature string) {
	w.out = append(w.out, `,"thoughtSignature":`...)
	w.out = wire.AppendString(w.out, signature)
}

// thought writes reasoning with its proof: Google's as it is, another maker's packed.
func (w *partWriter) thought(text string, p chat.Part) {
	w.comma()
	w.out = append(w.out, `{"text":`...)
	w.out = wire.AppendString(w.out, text)
	w.out = append(w.out, `,"thought":true`...)
	if s := proof(p); s != "" {
		w.sign(s)
	}
	w.out = append(w.out, '}')
}

// redacted keeps a carried signature for its part, and writes what is opaque as a thought without a text.
func (w *partWriter) redacted(p chat.Part) {
	at, signature, ok := carried(p)
	switch {
	case !ok:
		w.thought("", p)
	case at == onEnd:
		w.last = signature
	default: // its call follows it
		w.pending = signature
	}
}

// flush writes the signature that stands behind all parts.
func (w *partWriter) flush() {
	if w.pending == "" {
		w.pending = w.last
	}
	if w.last = ""; w.pending != "" {
		w.write("text", []byte(`""`))
	}
}
