package ollama

import (
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/ndjson"
	"tollgate/internal/provider/wire"
)

// NewReader decodes a stream.
func (Chat) NewReader() provider.Reader { return &reader{} }

// reader turns lines into blocks: thinking and text go on as long as the lines do, and a tool call comes whole in one line.
type reader struct {
	split   ndjson.Splitter
	emit    func(chat.Event)
	started bool
	over    bool

	open  bool
	kind  chat.PartKind
	index int // of the next block
	calls int
}

func (r *reader) Feed(chunk []byte, emit func(chat.Event)) error {
	r.emit = emit
	if r.over {
		return nil
	}
	return r.split.Feed(chunk, r.line)
}

func (r *reader) Close(emit func(chat.Event)) error {
	r.emit = emit
	if rest := r.split.Rest(); !r.over && json.Valid(rest) {
		if err := r.line(rest); err != nil {
			return err
		}
	}
	if r.over {
		return nil
	}
	return provider.ErrTruncated
}

func (r *reader) line(raw []byte) error {
	if r.over {
		return nil
	}
	var a wireAnswer
	if err := json.Unmarshal(raw, &a); err != nil {
		return provider.ErrBadAnswer.Because(err)
	}
	if wire.Present(a.Error) {
		r.over = true
		r.emit(chat.Event{Kind: chat.Failure, Err: failed(raw)})
		return nil
	}
	if !r.started {
		r.started = true
		r.emit(chat.Event{Kind: chat.Start, ID: answerID(a.Model, a.Created), Model: a.Model, Created: a.created()})
	}
	if m := a.Message; m != nil {
		r.text(chat.Thinking, m.Thinking)
		r.text(chat.Text, m.Content)
		for _, c := range m.ToolCalls {
			r.call(c.part(r.calls, a.Created))
		}
	}
	if a.Done {
		r.done(a)
	}
	return nil
}

func (r *reader) text(kind chat.PartKind, text string) {
	if text == "" {
		return
	}
	if !r.open || r.kind != kind {
		r.stop()
		r.open, r.kind = true, kind
		r.emit(chat.Event{Kind: chat.BlockStart, Index: r.index, Part: chat.Part{Kind: kind}})
	}
	r.emit(chat.Event{Kind: chat.TextDelta, Index: r.index, Text: text})
}

func (r *reader) call(p chat.Part) {
	r.stop()
	r.calls++
	args := string(p.Args)
	p.Args = nil
	r.open = true
	r.kind = chat.ToolCall
	r.emit(chat.Event{Kind: chat.BlockStart, Index: r.index, Part: p})
	if args != "" {
		r.emit(chat.Event{Kind: chat.ArgsDelta, Index: r.index, Text: args})
	}
	r.stop()
}

func (r *reader) stop() {
	if r.open {
		r.emit(chat.Event{Kind: chat.BlockStop, Index: r.index})
		r.open = false
		r.index++
	}
}

func (r *reader) done(a wireAnswer) {
	r.stop()
	r.over = true
	r.emit(chat.Event{Kind: chat.Finish, Reason: finish(a.Reason, r.calls > 0)})
	if u := a.usage(); u.Source != chat.Unknown {
		r.emit(chat.Event{Kind: chat.UsageEvent, Usage: u})
	}
	r.emit(chat.Event{Kind: chat.End})
}
