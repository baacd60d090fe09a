package anthropic

import (
	"bytes"
	"encoding/json"
	"errors"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/sse"
	"tollgate/internal/provider/wire"
)

// NewReader decodes a stream.
func (Dialect) NewReader() provider.Reader { return &reader{} }

// reader turns events into neutral ones. Blocks come in order here too, so each goes out as it comes; only their numbers are made
// gapless. Finish and usage wait for message_stop, because both may be stated more than once.
type reader struct {
	split   sse.Splitter
	emit    func(chat.Event)
	started bool
	over    bool

	next  int // index of the next block
	open  bool
	block wireBlock
	said  bool // the open block has had a delta

	tally        tally
	reason       chat.FinishReason
	stopSequence string
}

func (r *reader) Feed(chunk []byte, emit func(chat.Event)) error {
	r.emit = emit
	whole, err := r.split.Feed(chunk)
	if err == nil {
		err = r.eachEvent(whole)
	}
	return err
}

func (r *reader) eachEvent(b []byte) error {
	for len(b) > 0 && !r.over {
		e, rest := sse.Next(b)
		if data := bytes.TrimSpace(e.Data); len(data) > 0 {
			if err := r.event(data); err != nil {
				return err
			}
		}
		b = rest
	}
	return nil
}

// Close ends the stream. Without message_stop it is cut.
func (r *reader) Close(emit func(chat.Event)) error {
	r.emit = emit
	rest := r.split.Rest()
	switch e, _ := sse.Next(rest); {
	case whole(e.Data):
		if err := r.eachEvent(rest); err != nil {
			return err
		}
	case e.Data == nil && whole(rest): // no stream at all: a JSON body, most likely an error
		if err := r.event(rest); err != nil {
			return err
		}
	}
	if !r.over {
		return provider.ErrTruncated
	}
	return nil
}

type wireEvent struct {
	Type    string          `json:"type"`
	Message *wireMessage    `json:"message"`
	Block   json.RawMessage `json:"content_block"`
	Delta   json.RawMessage `json:"delta"`
	Usage   json.RawMessage `json:"usage"`
	Error   json.RawMessage `json:"error"`
}

type wireDelta struct {
	Type         string          `json:"type"`
	Text         string          `json:"text"`
	Thinking     string          `json:"thinking"`
	Signature    string          `json:"signature"`
	PartialJSON  string          `json:"partial_json"`
	Citation     json.RawMessage `json:"citation"`
	StopReason   string          `json:"stop_reason"`
	StopSequence string          `json:"stop_sequence"`
}

var errOrder = errors.New("an event out of order")

func (r *reader) event(data []byte) error {
	var e wireEvent
	if err := json.Unmarshal(data, &e); err != nil {
		return provider.ErrBadAnswer.Because(err)
	}
	switch e.Type {
	case "message_start":
		if e.Message == nil {
			return provider.ErrBadAnswer.Because(errOrder)
		}
		r.tally.add(e.Message.Usage)
		r.started = true
		r.emit(chat.Event{Kind: chat.Start, ID: e.Message.ID, Model: e.Message.Model, Usage: r.tally.usage()})
		return nil
	case "ping":
		r.emit(chat.Event{Kind: chat.Ping})
		return nil
	case "error":
		r.over = true
		r.emit(chat.Event{Kind: chat.Failure, Err: streamRefusal(data, orEmpty(e.Error)), Usage: r.tally.usage()})
		return nil
	case "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop":
	default:
		return nil // what a newer version of the API adds
	}
	if !r.started {
		return provider.ErrBadAnswer.Because(errOrder)
	}
	return r.step(e)
}

func (r *reader) step(e wireEvent) error {
	var d wireDelta
	if wire.Present(e.Delta) {
		if err := json.Unmarshal(e.Delta, &d); err != nil {
			return provider.ErrBadAnswer.Because(err)
		}
	}
	switch e.Type {
	case "content_block_start":
		return r.begin(e.Block)
	case "content_block_delta":
		if !r.open {
			return provider.ErrBadAnswer.Because(errOrder)
		}
		r.delta(d, e.Delta)
	case "content_block_stop":
		r.stop()
	case "message_delta":
		r.tally.add(e.Usage)
		if d.StopReason != "" {
			r.reason, r.stopSequence = finish(d.StopReason), d.StopSequence
		}
	case "message_stop":
		r.end()
	}
	return nil
}

func (r *reader) begin(raw json.RawMessage) error {
	r.stop()
	r.block = wireBlock{}
	if err := json.Unmarshal(raw, &r.block); err != nil {
		return provider.ErrBadAnswer.Because(err)
	}
	part := r.block.part("", raw)
	text, signature := part.Text, part.Signature
	part.Text, part.Signature, part.Args = "", "", nil
	if part.Kind == chat.Text {
		part.Extra = nil // an empty list of citations
	}
	r.open, r.said = true, false
	r.emit(chat.Event{Kind: chat.BlockStart, Index: r.next, Part: part})
	r.say(chat.TextDelta, text)
	r.say(chat.SignDelta, signature)
	return nil
}

func (r *reader) say(kind chat.EventKind, text string) {
	if text != "" {
		r.said = true
		r.emit(chat.Event{Kind: kind, Index: r.next, Text: text})
	}
}

func (r *reader) delta(d wireDelta, raw json.RawMessage) {
	switch d.Type {
	case "text_delta":
		r.say(chat.TextDelta, d.Text)
	case "thinking_delta":
		r.say(chat.TextDelta, d.Thinking)
	case "signature_delta":
		r.say(chat.SignDelta, d.Signature)
	case "input_json_delta":
		r.say(chat.ArgsDelta, d.PartialJSON)
	case "citations_delta":
		r.emit(chat.Event{Kind: chat.ExtraDelta, Index: r.next, Extra: extra(d.Citation)})
	default:
		r.emit(chat.Event{Kind: chat.ExtraDelta, Index: r.next, Extra: extra(raw)})
	}
}

// stop closes the open block. Some servers give a call's whole input at its start and no pieces.
func (r *reader) stop() {
	if !r.open {
		return
	}
	if r.block.Type == "tool_use" && !r.said {
		if in := string(bytes.TrimSpace(r.block.Input)); in != "{}" && in != "null" {
			r.say(chat.ArgsDelta, in)
		}
	}
	r.emit(chat.Event{Kind: chat.BlockStop, Index: r.next})
	r.open = false
	r.next++
}

func (r *reader) end() {
	r.stop()
	r.over = true
	if r.reason == chat.FinishNotGiven {
		r.reason = chat.FinishStop
	}
	r.emit(chat.Event{Kind: chat.Finish, Reason: r.reason, StopSequence: r.stopSequence})
	if u := r.tally.usage(); u.Source != chat.Unknown {
		r.emit(chat.Event{Kind: chat.UsageEvent, Usage: u})
	}
	r.emit(chat.Event{Kind: chat.End})
}
