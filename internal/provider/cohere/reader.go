package cohere

import (
	"bytes"
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/sse"
	"tollgate/internal/provider/wire"
)

// NewReader decodes a stream.
func (Chat) NewReader() provider.Reader { return &reader{} }

// reader turns events into blocks. A block ends when the next one begins, not when Cohere says so: citations of a text may come behind
// its end. message-end is the end; [DONE] behind it is not always there.
type reader struct {
	split   sse.Splitter
	emit    func(chat.Event)
	started bool
	over    bool

	open  bool
	kind  chat.PartKind
	place int    // of the open block on the wire
	index int    // of the next block in the neutral stream
	held  string // what may become the word null, which is no arguments
	tools bool
	calls int
}

func (r *reader) Feed(chunk []byte, emit func(chat.Event)) error {
	r.emit = emit
	whole, err := r.split.Feed(chunk)
	if err == nil {
		err = r.events(whole)
	}
	return err
}

func (r *reader) events(b []byte) error {
	for len(b) > 0 && !r.over {
		e, rest := sse.Next(b)
		if err := r.event(e.Data, string(e.Name) == "error"); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

func (r *reader) Close(emit func(chat.Event)) error {
	r.emit = emit
	rest := r.split.Rest()
	e, _ := sse.Next(rest)
	data := e.Data
	if data == nil { // no stream at all: a JSON body, most likely an error
		data = rest
	}
	if !r.over && json.Valid(data) {
		if err := r.event(data, false); err != nil {
			return err
		}
	}
	if r.over {
		return nil
	}
	return provider.ErrTruncated
}

type wireEvent struct {
	Type  string          `json:"type"`
	ID    string          `json:"id"`
	Index int             `json:"index"`
	Delta json.RawMessage `json:"delta"`

	Message json.RawMessage `json:"message"` // of an error: a text
}

type wireDelta struct {
	Message struct {
		Content   wireContent     `json:"content"`
		ToolPlan  string          `json:"tool_plan"`
		ToolCalls wireCall        `json:"tool_calls"`
		Citations json.RawMessage `json:"citations"`
	} `json:"message"`
	Finish    string          `json:"finish_reason"`
	Usage     json.RawMessage `json:"usage"`
	Error     string          `json:"error"`
	ErrorType string          `json:"error_type"`
}

func (r *reader) event(data []byte, failure bool) error {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || string(data) == "[DONE]" {
		return nil
	}
	var e wireEvent
	if err := json.Unmarshal(data, &e); err != nil {
		return provider.ErrBadAnswer.Because(err)
	}
	if e.Type == "message-start" {
		r.start(e.ID)
		return nil
	}
	var d wireDelta
	if wire.Present(e.Delta) {
		if err := json.Unmarshal(e.Delta, &d); err != nil {
			return provider.ErrBadAnswer.Because(err)
		}
	}
	text, isText := wire.String(e.Message)
	if failure || (e.Type == "" && isText) {
		r.fail(failed("", d.ErrorType, text, data))
		return nil
	}
	r.delta(e, d, data)
	return nil
}

func (r *reader) delta(e wireEvent, d wireDelta, data []byte) {
	switch e.Type {
	case "content-start", "content-delta":
		r.content(e.Index, d.Message.Content)
	case "tool-plan-delta":
		if d.Message.ToolPlan != "" {
			r.begin(chat.Thinking, -1, chat.Part{Extra: extra(planMark)})
			r.say(chat.Event{Kind: chat.TextDelta, Text: d.Message.ToolPlan})
		}
	case "tool-call-start":
		c := d.Message.ToolCalls
		part := c.part(r.calls)
		r.calls++
		r.tools = true
		r.end() // two calls in a row may have the same place
		r.begin(chat.ToolCall, e.Index, chat.Part{ID: part.ID, Name: part.Name})
		r.args(string(part.Args))
	case "tool-call-delta":
		if r.open && r.kind == chat.ToolCall {
			s, _ := wire.String(d.Message.ToolCalls.Function.Arguments)
			r.args(s)
		}
	case "tool-call-end":
		if r.open && r.kind == chat.ToolCall {
			r.end()
		}
	case "citation-start":
		if wire.Present(d.Message.Citations) {
			r.begin(chat.Text, r.textPlace(), chat.Part{})
			r.say(chat.Event{Kind: chat.ExtraDelta, Extra: cited(d.Message.Citations, d.Message.Citations)})
		}
	case "message-end":
		r.finish(d, data)
	}
}

// textPlace is where the open text stands, so that a citation joins it.
func (r *reader) textPlace() int {
	if r.open && r.kind == chat.Text {
		return r.place
	}
	return -1
}

func (r *reader) start(id string) {
	if !r.started {
		r.started = true
		r.emit(chat.Event{Kind: chat.Start, ID: id})
	}
}

func (r *reader) content(place int, c wireContent) {
	kind, text := chat.Text, c.Text
	if c.Type == "thinking" || c.Thinking != "" {
		kind, text = chat.Thinking, c.Thinking
	}
	if text == "" {
		return // the start of a block, which opens with its first piece
	}
	r.begin(kind, place, chat.Part{})
	r.say(chat.Event{Kind: chat.TextDelta, Text: text})
}

// begin opens a block unless it is open already.
func (r *reader) begin(kind chat.PartKind, place int, part chat.Part) {
	r.start("")
	if r.open && r.kind == kind && r.place == place {
		return
	}
	r.end()
	r.open, r.kind, r.place = true, kind, place
	part.Kind = kind
	r.emit(chat.Event{Kind: chat.BlockStart, Index: r.index, Part: part})
}

func (r *reader) say(e chat.Event) {
	e.Index = r.index
	r.emit(e)
}

// args sends a piece of arguments, but keeps what may become null.
func (r *reader) args(piece string) {
	const word = "null"
	if piece == "" {
		return
	}
	if r.held != "" || piece[0] == 'n' {
		r.held += piece
		if len(r.held) <= len(word) && word[:len(r.held)] == r.held {
			return
		}
		piece, r.held = r.held, ""
	}
	r.say(chat.Event{Kind: chat.ArgsDelta, Text: piece})
}

func (r *reader) end() {
	if !r.open {
		return
	}
	if r.held != "" && r.held != "null" {
		r.say(chat.Event{Kind: chat.ArgsDelta, Text: r.held})
	}
	r.held = ""
	r.emit(chat.Event{Kind: chat.BlockStop, Index: r.index})
	r.open = false
	r.index++
}

func (r *reader) finish(d wireDelta, data []byte) {
	usage := chatUsage(d.Usage)
	reason, ok := finish(d.Finish, r.tools)
	if !ok {
		r.over = true
		r.emit(chat.Event{Kind: chat.Failure, Err: failed(d.Finish, d.ErrorType, d.Error, data), Usage: usage})
		return
	}
	r.start("")
	r.end()
	r.over = true
	r.emit(chat.Event{Kind: chat.Finish, Reason: reason})
	if usage.Source != chat.Unknown {
		r.emit(chat.Event{Kind: chat.UsageEvent, Usage: usage})
	}
	r.emit(chat.Event{Kind: chat.End})
}

func (r *reader) fail(refusal *provider.Refusal) {
	r.over = true
	r.emit(chat.Event{Kind: chat.Failure, Err: refusal})
}
