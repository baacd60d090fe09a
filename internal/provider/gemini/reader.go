package gemini

import (
	"bytes"
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/sse"
	"tollgate/internal/provider/wire"
)

// NewReader decodes a stream, of events or an array: its first byte tells.
func (Dialect) NewReader() provider.Reader { return &reader{} }

// reader turns chunks into blocks. Calls come whole, texts and thoughts in pieces that go on until something else comes. Finish and usage
// wait for the end of the body: usage may be stated again after the reason to finish.
type reader struct {
	emit  func(chat.Event)
	form  form
	split sse.Splitter
	array elements

	started bool
	over    bool

	next  int // index of the next block
	kind  chat.PartKind
	calls int
	last  string // the signature behind all parts so far

	tally    tally
	finish   chat.FinishReason
	finished bool
}

// form is how a stream is framed.
type form uint8

const (
	unknownForm form = iota
	eventForm
	arrayForm
)

// formOf tells by the first byte that is no white space.
func formOf(b []byte) form {
	b = bytes.TrimLeft(b, " \r\n\t")
	switch {
	case len(b) == 0:
		return unknownForm
	case b[0] == '[' || b[0] == '{':
		return arrayForm
	}
	return eventForm
}

func (r *reader) Feed(chunk []byte, emit func(chat.Event)) error {
	r.emit = emit
	if r.form == unknownForm {
		if r.form = formOf(chunk); r.form == unknownForm {
			return nil
		}
	}
	if r.form == arrayForm {
		whole, err := r.array.feed(chunk)
		for _, at := range r.array.found {
			if err := r.chunk(whole[at.from:at.to]); err != nil {
				return err
			}
		}
		return r.unlessOver(err)
	}
	whole, err := r.split.Feed(chunk)
	if err == nil {
		err = r.eachEvent(whole)
	}
	return err
}

// unlessOver drops an error of what comes behind the end.
func (r *reader) unlessOver(err error) error {
	if r.over {
		return nil
	}
	return err
}

func (r *reader) eachEvent(b []byte) error {
	for len(b) > 0 && !r.over {
		e, rest := sse.Next(b)
		if data := payload(e); len(data) > 0 {
			if err := r.chunk(data); err != nil {
				return err
			}
		}
		b = rest
	}
	return nil
}

// payload is the JSON of an event. Errors come bare, without "data:".
func payload(e sse.Event) []byte {
	if e.Data != nil {
		return bytes.TrimSpace(e.Data)
	}
	if raw := bytes.TrimSpace(e.Raw); len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		return raw
	}
	return nil
}

// Close ends the stream: well, when a reason to finish was seen, and for an array its closing bracket.
func (r *reader) Close(emit func(chat.Event)) error {
	r.emit = emit
	if rest := r.split.Rest(); !r.over && len(rest) > 0 {
		if e, _ := sse.Next(rest); whole(payload(e)) {
			if err := r.eachEvent(rest); err != nil {
				return err
			}
		}
	}
	switch {
	case r.over:
		return nil
	case r.finished && (r.form != arrayForm || r.array.closed || !r.array.inArray):
		r.end()
		return nil
	}
	return provider.ErrTruncated
}

// whole reports whether data is one complete JSON value of an object or a list.
func whole(data []byte) bool {
	w := wire.Walk(data)
	for w.Next() {
	}
	return w.Err() == nil
}

func (r *reader) chunk(data []byte) error {
	if r.over {
		return nil
	}
	if data[0] == '[' { // an error, as streams that are arrays have it
		if refusal, d := readError(data); refusal.Message != "" || d.code != "" {
			r.fail(data)
			return nil
		}
		return provider.ErrBadAnswer
	}
	var a wireAnswer
	if err := json.Unmarshal(data, &a); err != nil {
		return provider.ErrBadAnswer.Because(err)
	}
	if wire.Present(a.Error) {
		r.fail(data)
		return nil
	}
	if wire.Present(a.Usage) {
		r.tally.add(a.Usage)
	}
	if a.Model != "" {
		r.tally.model = a.Model
	}
	if !r.started {
		r.started = true
		r.emit(chat.Event{Kind: chat.Start, ID: a.ID, Model: a.Model, Created: a.created(), Usage: inputOnly(r.tally.usage())})
	}
	if a.blocked() {
		r.finish, r.finished = chat.FinishFilter, true
	}
	for i := range a.Candidates {
		if c := &a.Candidates[i]; c.Index == 0 { // other candidates have no place in the neutral model
			if err := r.candidate(c, a.ID); err != nil {
				return provider.ErrBadAnswer.Because(err)
			}
		}
	}
	return nil
}

// inputOnly is what is known when an answer begins.
func inputOnly(u chat.Usage) chat.Usage {
	for _, c := range [...]chat.Class{chat.Output, chat.Reasoning, chat.OutputAudio, chat.OutputImage, chat.WebSearch} {
		u.Units[c] = 0
	}
	return u
}

func (r *reader) candidate(c *wireCandidate, id string) error {
	for _, raw := range c.Content.Parts {
		p, err := readPart("", raw)
		if err != nil {
			return err
		}
		name := ""
		if p.call != nil {
			name = callID(id, r.calls, p.call)
			r.calls++
		}
		for _, part := range p.parts("", name) {
			r.part(part)
		}
	}
	if wire.Present(c.Grounding) {
		r.tally.searched(queries(c.Grounding))
	}
	if !c.none() && r.kind == chat.Text {
		r.cite(c.sources)
	}
	if reason := finish(c.Finish); reason != chat.FinishNotGiven {
		r.finish, r.finished = reason, true
	}
	return nil
}

// cite sends what the open text rests on: all of it as Google says it, and each passage in the form that other dialects know.
func (r *reader) cite(s sources) {
	own := extra(wire.Marshal(s))
	for _, c := range s.cited() {
		if own == nil {
			own = map[string]json.RawMessage{}
		}
		own[string(provider.AnthropicMessages)] = c
		r.emit(chat.Event{Kind: chat.ExtraDelta, Index: r.next, Extra: own})
		own = nil
	}
	if own != nil {
		r.emit(chat.Event{Kind: chat.ExtraDelta, Index: r.next, Extra: own})
	}
}

// part sends one part: a piece of the open block, or a block of its own.
func (r *reader) part(p chat.Part) {
	if at, signature, ok := carried(p); ok && at == onEnd {
		r.last = signature
		return
	}
	switch p.Kind {
	case chat.Text:
		r.text(chat.Part{Kind: chat.Text}, p.Text)
	case chat.Thinking:
		r.text(chat.Part{Kind: chat.Thinking, Extra: p.Extra}, p.Text)
		if p.Signature != "" {
			r.open(chat.Part{Kind: chat.Thinking, Extra: p.Extra})
			r.emit(chat.Event{Kind: chat.SignDelta, Index: r.next, Text: p.Signature})
			r.close()
		}
	case chat.ToolCall:
		args := p.Args
		p.Args = nil
		r.open(p)
		r.emit(chat.Event{Kind: chat.ArgsDelta, Index: r.next, Text: string(args)})
		r.close()
	default:
		r.open(p)
		r.close()
	}
}

func (r *reader) text(p chat.Part, text string) {
	if text == "" {
		return
	}
	r.open(p)
	r.emit(chat.Event{Kind: chat.TextDelta, Index: r.next, Text: text})
}

// open begins a block, unless a text or a thought goes on.
func (r *reader) open(p chat.Part) {
	if r.kind == p.Kind && r.last == "" && (p.Kind == chat.Text || p.Kind == chat.Thinking) {
		return
	}
	r.close()
	r.sign()
	r.kind = p.Kind
	r.emit(chat.Event{Kind: chat.BlockStart, Index: r.next, Part: p})
}

// sign sends the signature that stands behind the parts so far.
func (r *reader) sign() {
	if r.last == "" {
		return
	}
	p := carrier(onEnd, r.last, "")
	r.last = ""
	r.emit(chat.Event{Kind: chat.BlockStart, Index: r.next, Part: p})
	r.kind = p.Kind
	r.close()
}

func (r *reader) close() {
	if r.kind == 0 {
		return
	}
	r.emit(chat.Event{Kind: chat.BlockStop, Index: r.next})
	r.kind = 0
	r.next++
}

func (r *reader) end() {
	r.close()
	r.sign()
	r.over = true
	r.emit(chat.Event{Kind: chat.Finish, Reason: settle(r.finish, r.calls > 0)})
	if u := r.tally.usage(); r.tally.last.counted() {
		r.emit(chat.Event{Kind: chat.UsageEvent, Usage: u, Reported: r.tally.last.cost})
	}
	r.emit(chat.Event{Kind: chat.End})
}

// fail is the last thing: blocks stay open, as they are.
func (r *reader) fail(data []byte) {
	r.over = true
	r.emit(chat.Event{Kind: chat.Failure, Err: refusalIn(data), Usage: r.tally.usage()})
}
