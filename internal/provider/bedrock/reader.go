package bedrock

import (
	"encoding/base64"
	"encoding/json"
	"errors"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/aws"
)

// NewReader decodes a stream of frames.
func (Converse) NewReader() provider.Reader { return &reader{open: none} }

// none is the index of no block.
const none = -1

// reader turns frames into neutral events. Blocks have numbers here, but most have no start: what the first piece is says what the
// block is. A text stays open beyond its end until the next block shows what it is, because sources come in blocks of their own.
// What is known at its end only (opaque reasoning, images) is gathered.
type reader struct {
	frames  aws.Frames
	emit    func(chat.Event)
	started bool
	stopped bool // messageStop has come
	over    bool

	open   int // the block being read, by the provider's number
	kind   chat.PartKind
	ended  bool // its end has come
	next   int  // index of the next neutral block
	blob   []byte
	format string // of an image

	reason       chat.FinishReason
	stopSequence string
	usage        chat.Usage
}

// The kinds of blocks beside the neutral ones.
const (
	unopened chat.PartKind = 0
	hidden   chat.PartKind = 255 // what the provider's own tools do: no client could read it
)

func (r *reader) Feed(chunk []byte, emit func(chat.Event)) error {
	r.emit = emit
	return r.frames.Feed(chunk, r.frame)
}

// Close ends the stream. Without messageStop it is cut; without the whole of the metadata behind that all is said, and its usage unknown.
func (r *reader) Close(emit func(chat.Event)) error {
	r.emit = emit
	switch {
	case r.over:
		return nil
	case !r.stopped:
		return provider.ErrTruncated
	}
	r.end()
	return nil
}

type frame struct {
	Index int `json:"contentBlockIndex"`
	Start *struct {
		ToolUse *toolUse `json:"toolUse"`
		Image   *struct {
			Format string `json:"format"`
		} `json:"image"`
	} `json:"start"`
	Delta      *delta          `json:"delta"`
	StopReason string          `json:"stopReason"`
	Fields     json.RawMessage `json:"additionalModelResponseFields"`
	Usage      json.RawMessage `json:"usage"`
}

type delta struct {
	Text    *string `json:"text"`
	ToolUse *struct {
		Input string `json:"input"`
	} `json:"toolUse"`
	Reasoning *struct {
		Text      string `json:"text"`
		Signature string `json:"signature"`
		Redacted  string `json:"redactedContent"`
	} `json:"reasoningContent"`
	Citation *citation `json:"citation"`
	Image    *struct {
		Source struct {
			Bytes string `json:"bytes"`
		} `json:"source"`
	} `json:"image"`
}

var errOrder = errors.New("an event out of order")

func (r *reader) frame(f aws.Frame) error {
	if r.over {
		return nil
	}
	if f.Failed() {
		r.over = true
		r.emit(chat.Event{Kind: chat.Failure, Err: aws.StreamRefusal(f), Usage: r.usage})
		return nil
	}
	switch f.Name {
	case "messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata":
	default:
		return nil // what a newer version of the API adds
	}
	var e frame
	if err := json.Unmarshal(f.Payload, &e); err != nil {
		return provider.ErrBadAnswer.Because(err)
	}
	if f.Name == "messageStart" {
		if r.started {
			return provider.ErrBadAnswer.Because(errOrder)
		}
		r.started = true
		r.emit(chat.Event{Kind: chat.Start})
		return nil
	}
	if !r.started || (r.stopped && f.Name != "metadata") {
		return provider.ErrBadAnswer.Because(errOrder)
	}
	return r.step(f.Name, e)
}

func (r *reader) step(name string, e frame) error {
	switch name {
	case "contentBlockStart":
		return r.begin(e)
	case "contentBlockDelta":
		return r.delta(e)
	case "contentBlockStop":
		r.blockEnd(e.Index)
	case "messageStop":
		r.close()
		r.stopped = true
		r.reason, r.stopSequence = finish(e.StopReason), stopSequence(e.Fields)
	case "metadata":
		r.usage = readUsage(e.Usage)
		if r.stopped {
			r.end()
		}
	}
	return nil
}

func (r *reader) begin(e frame) error {
	r.close()
	r.open, r.ended, r.kind = e.Index, false, hidden
	switch {
	case e.Start == nil:
		r.kind = unopened
	case e.Start.ToolUse != nil && e.Start.ToolUse.Type == "":
		r.start(chat.Part{Kind: chat.ToolCall, ID: e.Start.ToolUse.ID, Name: e.Start.ToolUse.Name})
	case e.Start.Image != nil:
		r.kind, r.format = chat.Image, e.Start.Image.Format
	}
	return nil
}

// start announces the open block.
func (r *reader) start(p chat.Part) {
	r.kind = p.Kind
	r.emit(chat.Event{Kind: chat.BlockStart, Index: r.next, Part: p})
}

func (r *reader) delta(e frame) error {
	d := e.Delta
	if d == nil {
		return nil
	}
	if d.Citation != nil && r.kind == chat.Text && r.open != none { // of the open text, whatever number it has
		r.open, r.ended = e.Index, false
		r.cite(*d.Citation)
		return nil
	}
	if r.open != e.Index || r.ended {
		r.close()
		r.open, r.ended, r.kind = e.Index, false, unopened
	}
	return r.piece(d)
}

func (r *reader) piece(d *delta) error {
	switch {
	case r.kind == hidden:
	case d.Text != nil:
		return r.say(chat.Text, chat.TextDelta, *d.Text)
	case d.ToolUse != nil:
		if r.kind != chat.ToolCall {
			return provider.ErrBadAnswer.Because(errOrder)
		}
		return r.say(chat.ToolCall, chat.ArgsDelta, d.ToolUse.Input)
	case d.Reasoning != nil && d.Reasoning.Redacted != "":
		return r.gather(chat.Redacted, d.Reasoning.Redacted)
	case d.Reasoning != nil:
		if err := r.say(chat.Thinking, chat.TextDelta, d.Reasoning.Text); err != nil {
			return err
		}
		return r.say(chat.Thinking, chat.SignDelta, d.Reasoning.Signature)
	case d.Citation != nil:
		if r.kind == unopened {
			r.start(chat.Part{Kind: chat.Text})
		}
		r.cite(*d.Citation)
	case d.Image != nil:
		return r.gather(chat.Image, d.Image.Source.Bytes)
	}
	return nil
}

// say emits a piece of a block of that kind, announcing it with its first piece. Some models begin with an empty one that nothing follows.
func (r *reader) say(block chat.PartKind, kind chat.EventKind, text string) error {
	if text == "" {
		return nil
	}
	if r.kind == unopened {
		r.start(chat.Part{Kind: block})
	}
	if r.kind != block {
		return provider.ErrBadAnswer.Because(errOrder)
	}
	r.emit(chat.Event{Kind: kind, Index: r.next, Text: text})
	return nil
}

// gathered bounds what is kept of a block that is told at its end.
const gathered = 64 << 20

func (r *reader) gather(kind chat.PartKind, coded string) error {
	if r.kind == unopened {
		r.kind = kind
	}
	if r.kind != kind || len(r.blob) > gathered {
		return provider.ErrBadAnswer.Because(errOrder)
	}
	var err error
	if r.blob, err = base64.StdEncoding.AppendDecode(r.blob, []byte(coded)); err != nil {
		return provider.ErrBadAnswer.Because(err)
	}
	return nil
}

func (r *reader) cite(c citation) {
	if raw := c.wire(); raw != nil && r.kind == chat.Text {
		r.emit(chat.Event{Kind: chat.ExtraDelta, Index: r.next, Extra: map[string]json.RawMessage{string(provider.AnthropicMessages): raw}})
	}
}

// blockEnd takes the end of a block. A text stays open for its sources.
func (r *reader) blockEnd(index int) {
	if r.open != index {
		return
	}
	r.ended = true
	if r.kind != chat.Text {
		r.close()
	}
}

// close ends the open block, and tells it whole if it was gathered.
func (r *reader) close() {
	if r.open == none {
		return
	}
	switch r.kind {
	case chat.Redacted:
		r.start(chat.Part{Kind: chat.Redacted, Data: fromBlob(base64.StdEncoding.EncodeToString(r.blob))})
	case chat.Image:
		if len(r.blob) == 0 {
			r.kind = hidden
			break
		}
		r.start(chat.Part{Kind: chat.Image, MediaType: "image/" + r.format, Data: base64.StdEncoding.EncodeToString(r.blob)})
	default:
	}
	if r.kind != unopened && r.kind != hidden {
		r.emit(chat.Event{Kind: chat.BlockStop, Index: r.next})
		r.next++
	}
	r.open, r.kind, r.blob, r.ended = none, unopened, nil, false
}

func (r *reader) end() {
	r.over = true
	if r.reason == chat.FinishNotGiven {
		r.reason = chat.FinishStop
	}
	r.emit(chat.Event{Kind: chat.Finish, Reason: r.reason, StopSequence: r.stopSequence})
	if r.usage.Source != chat.Unknown {
		r.emit(chat.Event{Kind: chat.UsageEvent, Usage: r.usage})
	}
	r.emit(chat.Event{Kind: chat.End})
}
