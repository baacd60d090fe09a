package openaichat

import (
	"bytes"
	"encoding/json"
	"strconv"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/sse"
	"tollgate/internal/provider/wire"
)

// NewReader decodes a stream.
func (Dialect) NewReader() provider.Reader { return &reader{} }

// reader turns chunks into blocks.
//
// Blocks of the neutral stream never interleave, while this dialect lets pieces of several tool calls alternate. So one block is
// live and its pieces go out as they come; pieces of others wait until the live one is complete: text when anything else begins,
// a tool call when its arguments are whole JSON. Finish, usage and end wait for [DONE] or the end of the body, because vendors
// send more after the reason to finish.
type reader struct {
	split   sse.Splitter
	emit    func(chat.Event)
	started bool
	over    bool // End or Failure is out
	done    bool // [DONE]

	blocks []*block // not closed yet; the first is live
	next   int      // index of the next block to open

	tools    bool // a tool call was seen
	finish   chat.FinishReason
	finished bool
	usage    chat.Usage
	cost     string // that the provider states
	parked   int    // see park
}

// block is one piece of content on its way.
type block struct {
	kind    chat.PartKind
	index   int // in the neutral stream, once open
	open    bool
	call    int // a tool call's index on the wire
	id      string
	name    string
	data    string
	format  string
	args    arguing // all arguments so far, to know when they are whole
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
		if err := r.event(e.Data, string(e.Name) == "error"); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// Close ends the stream: well, when a reason to finish or the mark was seen.
func (r *reader) Close(emit func(chat.Event)) error {
	r.emit = emit
	rest := r.split.Rest()
	switch e, _ := sse.Next(rest); {
	case isDone(e.Data) || whole(e.Data):
		if err := r.eachEvent(rest); err != nil {
			return err
		}
	case e.Data == nil && whole(rest): // no stream at all: a JSON body, most likely an error
		if err := r.event(rest, false); err != nil {
			return err
		}
	}
	switch {
	case r.over:
		return nil
	case r.finished:
		r.end()
		return nil
	}
	return provider.ErrTruncated
}

type wireChunk struct {
	ID      json.RawMessage `json:"id"`
	Object  json.RawMessage `json:"object"`
	Model   json.RawMessage `json:"model"`
	Created json.RawMessage `json:"created"`
	Choices json.RawMessage `json:"choices"`
	Usage   json.RawMessage `json:"usage"`
	Error   json.RawMessage `json:"error"`
	Groq    struct {
		Usage json.RawMessage `json:"usage"`
	} `json:"x_groq"`
}

func (r *reader) event(data []byte, failed bool) error {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0:
		return nil
	case isDone(data):
		r.done = true
		r.end()
		return nil
	}
	var c wireChunk
	if err := json.Unmarshal(data, &c); err != nil {
		return provider.ErrBadAnswer.Because(err)
	}
	if wire.Present(c.Error) {
		if refusal := parseErrorValue(c.Error); refusal != nil {
			r.fail(inStream(refusal, data))
			return nil
		}
	}
	if failed || word(c.Object) == "error" {
		if refusal := parseError(data); refusal != nil {
			r.fail(inStream(refusal, data))
			return nil
		}
	}
	r.take(c.Usage, c.Groq.Usage)
	choices := list[wireChoice](c.Choices)
	if !r.started {
		created := seconds(c.Created)
		id, model := word(c.ID), word(c.Model)
		if id == "" && model == "" && len(choices) == 0 {
			return nil // Azure's first chunk: filter results, no answer yet
		}
		r.started = true
		r.emit(chat.Event{Kind: chat.Start, ID: id, Model: model, Created: created})
	}
	for _, choice := range choices {
		if choice.Index != 0 {
			continue // other choices have no place in the neutral model
		}
		if err := r.choice(choice); err != nil {
			return err
		}
	}
	return nil
}

// take keeps the last usage; Groq's own place counts where there is no other.
func (r *reader) take(usage, groq json.RawMessage) {
	if u, ok := parseUsage(usage); ok {
		r.usage, r.cost = u, Cost(usage)
	} else if u, ok := parseUsage(groq); ok && r.usage.Source == chat.Unknown {
		r.usage = u
	}
}

func (r *reader) choice(c wireChoice) error {
	message := c.Message // a vendor that streams one whole message
	if r.next > 0 || len(r.blocks) > 0 {
		message = nil
	}
	said := c.said(c.Delta, message)
	if wire.Present(said) {
		var d wireAnswer
		if err := json.Unmarshal(said, &d); err != nil {
			return provider.ErrBadAnswer.Because(err)
		}
		r.delta(d)
	}
	if reason := finish(word(c.Finish)); reason != chat.FinishNotGiven && !r.finished {
		r.finish, r.finished = reason, true
	}
	return nil
}

func (r *reader) delta(d wireAnswer) {
	text, thoughts := contentParts(d.Content)
	if !r.details(d) {
		if t := d.text(); t != "" {
			thoughts = append(thoughts, chat.Part{Text: t})
		}
		for _, t := range thoughts {
			r.text(chat.Thinking, t.Text)
		}
	}
	r.text(chat.Text, text)
	r.text(chat.Refusal, word(d.Refusal))
	if notes := list[json.RawMessage](d.Annotations); len(notes) > 0 {
		if b := r.last(chat.Text); b != nil {
			r.say(b, chat.Event{Kind: chat.ExtraDelta, Extra: extra(d.Annotations)})
		}
	}
	for i, c := range list[wireCall](d.ToolCalls) {
		r.call(i, c)
	}
	if d.Function != nil {
		c := wireCall{}
		c.Function.Name, c.Function.Arguments = d.Function.Name, d.Function.Arguments
		if d.Function.Name != "" {
			c.ID = oldCallID(d.Function.Name, 1)
		}
		r.call(0, c)
	}
}

// details reads reasoning_details and reports whether they said the chunk's reasoning.
func (r *reader) details(d wireAnswer) bool {
	said := false
	for _, entry := range list[wireDetail](d.Details) {
		part, ok := entry.part("")
		if !ok {
			continue
		}
		if part.Kind == chat.Redacted {
			b := r.begin(&block{kind: chat.Redacted, data: part.Data, format: entry.Format})
			r.settle(b)
			said = true
			continue
		}
		if part.Text != "" {
			r.text(chat.Thinking, part.Text)
			said = true
		}
		if part.Signature != "" {
			b := r.last(chat.Thinking)
			if b == nil {
				b = r.begin(&block{kind: chat.Thinking, format: entry.Format})
			}
			r.say(b, chat.Event{Kind: chat.SignDelta, Text: part.Signature})
		}
	}
	return said
}

// last gives the newest block when it is of a kind.
func (r *reader) last(kind chat.PartKind) *block {
	if n := len(r.blocks); n > 0 && r.blocks[n-1].kind == kind {
		return r.blocks[n-1]
	}
	return nil
}

func (r *reader) text(kind chat.PartKind, text string) {
	if text == "" {
		return
	}
	b := r.last(kind)
	if b == nil {
		b = r.begin(&block{kind: kind})
	}
	r.say(b, chat.Event{Kind: chat.TextDelta, Text: text})
}

// call takes a piece of a tool call. A new id under an old index is a new call: some vendors number every call 0.
func (r *reader) call(i int, c wireCall) {
	if c.Index != nil {
		i = *c.Index
	}
	var b *block
	for _, have := range r.blocks {
		if have.kind == chat.ToolCall && have.call == i && (c.ID == "" || have.id == "" || have.id == c.ID) {
			b = have
		}
	}
	if b == nil {
		if c.ID == "" && c.Function.Name == "" {
			return // more of a call that was whole already
		}
		r.tools = true
		b = r.begin(&block{kind: chat.ToolCall, call: i})
	}
	if b.id == "" {
		b.id = c.ID
	}
	if b.name == "" {
		b.name = c.Function.Name
	}
	if args := string(arguments(c.Function.Arguments)); args != "" {
		b.args.take(args)
		r.say(b, chat.Event{Kind: chat.ArgsDelta, Text: args})
	}
	r.advance()
}

// begin puts a block behind the others.
func (r *reader) begin(b *block) *block {
	r.blocks = append(r.blocks, b)
	r.park("")
	r.advance()
	return b
}

// say sends a piece of a block, now or when its turn comes.
func (r *reader) say(b *block, e chat.Event) {
	if !b.open {
		r.park(e.Text)
		b.waiting = append(b.waiting, e)
		r.advance()
		return
	}
	e.Index = b.index
	r.emit(e)
}

// What may wait for its turn in one stream: some vendors mix a few calls, none mixes megabytes.
const (
	parkedMax  = 32 << 20
	parkedSize = 1 << 10 // about what a piece takes that says little
)

// park counts what waits. It is never taken off again.
func (r *reader) park(text string) {
	if r.parked += parkedSize + len(text); r.parked > parkedMax && !r.over {
		r.fail(&provider.Refusal{Class: provider.ClassServer, Message: "The provider's answer mixes too much."})
	}
}

// settle closes what is complete by itself.
func (r *reader) settle(b *block) {
	if len(r.blocks) == 1 && r.blocks[0] == b && b.open {
		r.close()
	}
}

// advance opens the first block, and closes it for the next one when it is complete.
func (r *reader) advance() {
	for len(r.blocks) > 0 {
		b := r.blocks[0]
		if !b.open && !r.open(b, false) {
			return
		}
		if len(r.blocks) == 1 || !b.complete() {
			return
		}
		r.close()
	}
}

func (b *block) complete() bool {
	return b.kind != chat.ToolCall || b.args.whole()
}

// open starts a block once its name is known; with force, whatever is known.
func (r *reader) open(b *block, force bool) bool {
	part := chat.Part{Kind: b.kind, Data: b.data}
	if b.kind == chat.ToolCall {
		if b.name == "" && !force {
			return false
		}
		if b.id == "" {
			b.id = "call_" + strconv.Itoa(b.call)
		}
		part.ID, part.Name = b.id, b.name
	}
	if b.format != "" && b.format != claudeFormat {
		part.Extra = extra(wire.Marshal(wireDetail{Format: b.format}))
	}
	b.open, b.index = true, r.next
	r.next++
	r.emit(chat.Event{Kind: chat.BlockStart, Index: b.index, Part: part})
	for _, e := range b.waiting {
		e.Index = b.index
		r.emit(e)
	}
	b.waiting = nil
	return true
}

// close ends the live block.
func (r *reader) close() {
	r.emit(chat.Event{Kind: chat.BlockStop, Index: r.blocks[0].index})
	r.blocks = r.blocks[1:]
}

func (r *reader) flush() {
	for len(r.blocks) > 0 {
		if !r.blocks[0].open {
			r.open(r.blocks[0], true)
		}
		r.close()
	}
}

// end brings the rest out in order.
func (r *reader) end() {
	if r.over {
		return
	}
	r.over = true
	if !r.started { // [DONE] and nothing else is no answer
		r.emit(chat.Event{Kind: chat.Failure, Err: &provider.Refusal{Class: provider.ClassServer, Message: "The provider's answer is empty."}})
		return
	}
	r.flush()
	r.emit(chat.Event{Kind: chat.Finish, Reason: settle(r.finish, r.tools)})
	if r.usage.Source != chat.Unknown {
		r.emit(chat.Event{Kind: chat.UsageEvent, Usage: r.usage, Reported: r.cost})
	}
	r.emit(chat.Event{Kind: chat.End})
}

// fail is the last thing: blocks stay open, as they are.
func (r *reader) fail(refusal *provider.Refusal) {
	r.over = true
	r.emit(chat.Event{Kind: chat.Failure, Err: refusal, Usage: r.usage})
}
