package openairesponses

import (
	"bytes"
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/sse"
	"tollgate/internal/provider/wire"
)

// NewReader decodes a stream.
func (Dialect) NewReader() provider.Reader {
	return &reader{known: map[place]*block{}, phases: map[int64]string{}}
}

// reader turns events into blocks: each part of a message, each call and the reasoning of each item is one.
//
// Items may overlap on the wire, blocks of the neutral stream may not. So one block is live and its pieces go out as they come, while
// those of the blocks behind it wait. A text or reasoning ends when anything else begins, a call when its item is done. Some servers
// leave pieces out and give only what they came to, in the event that ends a part, an item or the answer: what has not been seen
// by then is taken from there.
type reader struct {
	split   sse.Splitter
	emit    func(chat.Event)
	started bool
	over    bool // End or Failure is out

	blocks []*block         // not closed yet; the first is live
	next   int              // index of the next block to open
	known  map[place]*block // blocks that have begun; nil when closed
	phases map[int64]string // what messages are, by output_index
	items  hosted
	tools  bool
	parked int // see park
}

// place says where a block stands on the wire.
type place struct {
	item, part int64 // output_index, content_index
	kind       chat.PartKind
}

// block is one piece of content on its way.
type block struct {
	place   place
	part    chat.Part
	index   int // in the neutral stream, once open
	open    bool
	done    bool // no more of it will come
	said    bool
	summary int64 // the summary part that the reasoning is at
	custom  []byte
	waiting []chat.Event
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
		if err := r.event(e.Data, string(e.Name)); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// Close ends the stream, which its last event has ended already if it is whole.
func (r *reader) Close(emit func(chat.Event)) error {
	r.emit = emit
	rest := r.split.Rest()
	switch e, _ := sse.Next(rest); {
	case whole(e.Data):
		if err := r.eachEvent(rest); err != nil {
			return err
		}
	case e.Data == nil && whole(rest): // no stream at all: a JSON body, an error or a whole answer
		if err := r.body(rest); err != nil {
			return err
		}
	}
	if r.over {
		return nil
	}
	return provider.ErrTruncated
}

func (r *reader) body(raw []byte) error {
	var a wireAnswer
	if json.Unmarshal(raw, &a) != nil {
		return provider.ErrBadAnswer
	}
	if refusal := a.refusal(raw); refusal != nil {
		r.fail(refusal)
		return nil
	}
	if !wire.Present(a.Output) {
		return nil
	}
	return r.end(raw, word(a.Status))
}

type wireEvent struct {
	Type       string          `json:"type"`
	Response   json.RawMessage `json:"response"`
	Item       json.RawMessage `json:"item"`
	ItemID     string          `json:"item_id"`
	Output     int64           `json:"output_index"`
	Content    int64           `json:"content_index"`
	Summary    int64           `json:"summary_index"`
	Delta      json.RawMessage `json:"delta"`
	Text       json.RawMessage `json:"text"`
	Refusal    json.RawMessage `json:"refusal"`
	Arguments  json.RawMessage `json:"arguments"`
	Input      json.RawMessage `json:"input"`
	Annotation json.RawMessage `json:"annotation"`
	Error      json.RawMessage `json:"error"`
}

var done = []byte("[DONE]")

func (r *reader) event(data []byte, name string) error {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || bytes.Equal(data, done) {
		return nil
	}
	var e wireEvent
	if err := json.Unmarshal(data, &e); err != nil {
		return provider.ErrBadAnswer.Because(err)
	}
	if e.Type == "" {
		e.Type = name
	}
	switch {
	case e.Type == "error" || wire.Present(e.Error) && !strings.HasPrefix(e.Type, "response."):
		r.fail(failure(e.Error, data))
		return nil
	case e.Type == "response.failed":
		var a wireAnswer
		if wire.Present(e.Response) && json.Unmarshal(e.Response, &a) != nil {
			return provider.ErrBadAnswer
		}
		r.fail(failure(a.Error, data))
		return nil
	}
	return r.step(e)
}

func (r *reader) step(e wireEvent) error {
	text := place{e.Output, e.Content, chat.Text}
	thought := place{item: e.Output, kind: chat.Thinking}
	call := place{item: e.Output, kind: chat.ToolCall}
	switch e.Type {
	case "response.created", "response.in_progress", "response.queued":
		return r.start(e.Response)
	case "response.completed", "response.incomplete", "response.cancelled":
		return r.end(e.Response, strings.TrimPrefix(e.Type, "response."))
	case "keepalive":
		if r.started {
			r.emit(chat.Event{Kind: chat.Ping})
		}
		return nil
	case "response.output_item.added":
		r.added(e)
	case "response.output_item.done":
		r.itemDone(e.Output, e.Item)
	case "response.output_text.delta":
		r.text(text, word(e.Delta))
	case "response.output_text.done":
		r.textDone(text, word(e.Text))
	case "response.refusal.delta":
		text.kind = chat.Refusal
		r.text(text, word(e.Delta))
	case "response.refusal.done":
		text.kind = chat.Refusal
		r.textDone(text, word(e.Refusal))
	case "response.output_text.annotation.added":
		if b := r.find(text); b != nil && wire.Present(e.Annotation) {
			r.say(b, chat.Event{Kind: chat.ExtraDelta, Extra: citation(e.Annotation)})
		}
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta", "response.reasoning_summary.delta":
		r.thought(thought, e)
	case "response.function_call_arguments.delta":
		r.arguments(call, word(e.Delta))
	case "response.function_call_arguments.done":
		if b := r.find(call); b != nil && !b.said {
			r.arguments(call, string(arguments(e.Arguments)))
		}
	case "response.custom_tool_call_input.delta":
		if b := r.find(call); b != nil {
			b.custom = append(b.custom, word(e.Delta)...)
			r.park(0, len(word(e.Delta)))
		}
	}
	return nil
}

// citation is one annotation of a stream in both forms.
func citation(raw json.RawMessage) map[string]json.RawMessage {
	return textExtra("", append(append([]byte{'['}, raw...), ']'))
}

func (r *reader) start(raw json.RawMessage) error {
	if r.started {
		return nil
	}
	var a wireAnswer
	if wire.Present(raw) && json.Unmarshal(raw, &a) != nil {
		return provider.ErrBadAnswer
	}
	r.started = true
	created, _ := wire.Int(a.Created)
	r.emit(chat.Event{Kind: chat.Start, ID: word(a.ID), Model: word(a.Model), Created: created})
	return nil
}

// find gives a block that is not closed yet.
func (r *reader) find(at place) *block { return r.known[at] }

// seen reports whether a block has begun, closed or not.
func (r *reader) seen(at place) bool {
	_, ok := r.known[at]
	return ok
}

// begin puts a block behind the others.
func (r *reader) begin(at place, part chat.Part) *block {
	if !r.started { // a server that tells nothing of the answer before its content
		_ = r.start(nil)
	}
	part.Kind = at.kind
	b := &block{place: at, part: part}
	r.blocks = append(r.blocks, b)
	r.park(1, 0)
	r.known[at] = b
	r.tools = r.tools || at.kind == chat.ToolCall
	r.advance()
	return b
}

// say sends a piece of a block, now or when its turn comes.
func (r *reader) say(b *block, e chat.Event) {
	b.said = true
	if !b.open {
		r.park(1, len(e.Text))
		b.waiting = append(b.waiting, e)
		return
	}
	e.Index = b.index
	r.emit(e)
}

// What may wait for its turn in one stream.
const (
	parkedMax  = 64 << 20
	parkedSize = 1 << 10 // about what a piece takes that says little
)

// park counts what waits, and every block, because each is remembered. It is never taken off again.
func (r *reader) park(pieces, size int) {
	if r.parked += pieces*parkedSize + size; r.parked > parkedMax && !r.over {
		r.fail(&provider.Refusal{Class: provider.ClassServer, Message: "The provider's answer mixes too much."})
	}
}

// advance opens the first block, and closes it when it is done, or when it may end for the next one.
func (r *reader) advance() {
	for len(r.blocks) > 0 {
		b := r.blocks[0]
		if !b.open {
			r.openBlock(b)
		}
		if !b.done && (len(r.blocks) == 1 || b.place.kind == chat.ToolCall) {
			return
		}
		r.emit(chat.Event{Kind: chat.BlockStop, Index: b.index})
		r.blocks = r.blocks[1:]
		r.known[b.place] = nil
	}
}

func (r *reader) openBlock(b *block) {
	b.open, b.index = true, r.next
	r.next++
	r.emit(chat.Event{Kind: chat.BlockStart, Index: b.index, Part: b.part})
	for _, e := range b.waiting {
		e.Index = b.index
		r.emit(e)
	}
	b.waiting = nil
}

func (r *reader) finishBlock(b *block) {
	b.done = true
	r.advance()
}

func (r *reader) text(at place, text string) {
	if text == "" {
		return
	}
	b := r.find(at)
	if b == nil {
		part := chat.Part{}
		if phase := r.phases[at.item]; phase != "" && at.kind == chat.Text {
			part.Extra = textExtra(phase, nil)
		}
		b = r.begin(at, part)
	}
	r.say(b, chat.Event{Kind: chat.TextDelta, Text: text})
}

func (r *reader) textDone(at place, text string) {
	if !r.seen(at) {
		r.text(at, text)
	}
	if b := r.find(at); b != nil && !b.said {
		r.text(at, text)
	}
}

// thought takes a piece of reasoning. Parts of a summary are paragraphs.
func (r *reader) thought(at place, e wireEvent) {
	text := word(e.Delta)
	if text == "" {
		return
	}
	n := e.Summary + e.Content
	b := r.find(at)
	if b == nil {
		b = r.begin(at, chat.Part{Extra: ownMark(e.ItemID)})
		b.summary = n
	}
	if b.summary != n {
		b.summary = n
		r.say(b, chat.Event{Kind: chat.TextDelta, Text: "\n\n"})
	}
	r.say(b, chat.Event{Kind: chat.TextDelta, Text: text})
}

func (r *reader) arguments(at place, text string) {
	if b := r.find(at); b != nil && text != "" {
		r.say(b, chat.Event{Kind: chat.ArgsDelta, Text: text})
	}
}

// end brings the rest out in order.
func (r *reader) end(raw json.RawMessage, status string) error {
	var a wireAnswer
	if !wire.Present(raw) || json.Unmarshal(raw, &a) != nil {
		return provider.ErrBadAnswer
	}
	if word(a.Status) == "" {
		a.Status = wire.Marshal(status)
	}
	if err := r.start(raw); err != nil {
		return err
	}
	final, silent := hosted{}, len(r.known) == 0 // silent: nothing was streamed
	for i, item := range list[json.RawMessage](a.Output) {
		final.item(item)
		if silent {
			r.itemDone(int64(i), item)
		}
	}
	for _, b := range r.blocks {
		b.done = true
	}
	r.advance()
	if !wire.Present(a.Output) || len(list[json.RawMessage](a.Output)) == 0 {
		final = r.items
	}
	r.over = true
	r.emit(chat.Event{Kind: chat.Finish, Reason: a.reason(r.tools)})
	if u, cost := parseUsage(a.Usage, final); u.Source != chat.Unknown {
		r.emit(chat.Event{Kind: chat.UsageEvent, Usage: u, Reported: cost})
	}
	r.emit(chat.Event{Kind: chat.End})
	return nil
}

// fail is the last thing: blocks stay open, as they are.
func (r *reader) fail(refusal *provider.Refusal) {
	r.over = true
	if refusal == nil {
		refusal = &provider.Refusal{Class: provider.ClassServer, Message: "The provider gave no reason."}
	}
	r.emit(chat.Event{Kind: chat.Failure, Err: refusal})
}

// whole reports whether data is one complete JSON value of an object.
func whole(data []byte) bool {
	w := wire.Walk(data)
	for w.Next() {
	}
	return w.Err() == nil && w.IsObject()
}
