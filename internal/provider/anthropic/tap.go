package anthropic

import (
	"bytes"

	"tollgate/internal/provider"
	"tollgate/internal/provider/sse"
	"tollgate/internal/provider/wire"
)

// NewTap watches a stream go by. Nothing is ever taken out of it.
func (Dialect) NewTap(provider.Head) provider.Tap { return &tap{} }

type tap struct {
	split sse.Splitter
	watch watch
}

func (t *tap) Feed(chunk []byte) []byte {
	block, err := t.split.Feed(chunk)
	if err != nil {
		t.watch.seen.Refusal = &provider.Refusal{Class: provider.ClassServer, Message: err.Error()}
	}
	return block[:t.watch.block(block)]
}

// Close forwards an event that only lacks its blank line. Half an event is worth nothing to a client.
func (t *tap) Close() []byte {
	rest := t.split.Rest()
	e, _ := sse.Next(rest)
	switch {
	case e.Data == nil && whole(rest): // no stream at all: a JSON body, most likely an error
		t.watch.slow(rest)
		return rest
	case e.Data != nil && !whole(e.Data):
		return nil
	}
	rest = rest[:t.watch.block(rest)]
	if !t.Seen().Ended && len(rest) > 0 {
		return append(append([]byte(nil), rest...), "\n\n"...)
	}
	return rest
}

func (t *tap) Seen() provider.Seen { return t.watch.result() }

// watch gathers Seen from events.
type watch struct {
	seen    provider.Seen
	tally   tally
	stopped bool
}

func (w *watch) result() provider.Seen {
	seen := w.seen
	seen.Usage = w.tally.usage()
	seen.Ended = w.stopped && seen.Refusal == nil
	return seen
}

// block looks at the events of a block and gives the length of what may be forwarded: all of it, or what stands before an error.
func (w *watch) block(block []byte) int {
	size := len(block)
	for len(block) > 0 {
		e, rest := sse.Next(block)
		had := w.seen.Refusal != nil
		w.event(e.Data)
		if w.seen.Refusal != nil && !had {
			size -= len(block)
		}
		block = rest
	}
	return size
}

var (
	deltaHead = []byte(`{"type":"content_block_delta"`)
	keyDelta  = []byte(`"delta"`)
)

func (w *watch) event(data []byte) {
	if len(data) == 0 {
		return
	}
	if bytes.HasPrefix(data, deltaHead) {
		if i := bytes.Index(data, keyDelta); i >= 0 {
			w.delta(afterColon(data, i+len(keyDelta)))
		}
		return
	}
	w.slow(data)
}

// slow reads any event member by member. The order of members is the provider's.
func (w *watch) slow(data []byte) {
	var typ string
	var message, usage, delta, block, fail []byte
	m := wire.Walk(data)
	for m.Next() && m.IsObject() {
		v := m.Value()
		switch string(m.Key) {
		case "type":
			typ, _ = wire.String(v)
		case "message":
			message = v
		case "usage":
			usage = v
		case "delta":
			delta = v
		case "content_block":
			block = v
		case "error":
			fail = v
		}
	}
	switch typ {
	case "message_start":
		if len(message) > 0 && message[0] == '{' {
			w.message(message)
		}
	case "content_block_start":
		w.begin(block)
	case "content_block_delta":
		w.delta(delta)
	case "message_delta":
		w.tally.add(usage)
		w.finish(delta)
	case "message_stop":
		w.stopped = true
	default:
		if typ == "error" || wire.Present(fail) {
			if w.seen.Refusal == nil {
				w.seen.Refusal = streamRefusal(data, orEmpty(fail))
			}
		}
	}
}

func orEmpty(raw []byte) []byte {
	if len(raw) == 0 {
		return []byte("{}")
	}
	return raw
}

// message reads a message object: all of a whole answer, the head of a streamed one.
func (w *watch) message(raw []byte) {
	m := wire.Walk(raw)
	for m.Next() {
		v := m.Value()
		switch string(m.Key) {
		case "id":
			w.seen.ID, _ = wire.String(v)
		case "model":
			w.seen.Model, _ = wire.String(v)
		case "usage":
			w.tally.add(v)
		case "stop_reason":
			if s, ok := wire.String(v); ok {
				w.seen.Finish = finish(s)
			}
		case "content":
			if v[0] == '[' && len(v) > 2 {
				w.seen.Started = true
				w.seen.OutputBytes += int64(len(v))
			}
		}
	}
}

// begin reads the start of a block: a tool call or a server's result counts as content at once, an empty text does not.
func (w *watch) begin(raw []byte) {
	if len(raw) == 0 || raw[0] != '{' {
		return
	}
	m := wire.Walk(raw)
	for m.Next() {
		v := m.Value()
		switch string(m.Key) {
		case "type":
			switch s, _ := wire.String(v); s {
			case "text", "thinking":
			default:
				w.seen.Started = true
			}
		case "text", "thinking", "data", "name":
			w.content(v)
		}
	}
}

func (w *watch) finish(raw []byte) {
	if len(raw) == 0 || raw[0] != '{' {
		return
	}
	m := wire.Walk(raw)
	for m.Next() {
		if string(m.Key) == "stop_reason" {
			if s, ok := wire.String(m.Value()); ok {
				w.seen.Finish = finish(s)
			}
		}
	}
}

// delta measures a piece of content. raw starts at its brace and may go on behind it.
func (w *watch) delta(raw []byte) {
	if len(raw) == 0 || raw[0] != '{' {
		return
	}
	m := wire.WalkPrefix(raw)
	for m.Next() {
		switch string(m.Key) {
		case "text", "thinking", "partial_json":
			w.content(m.Value())
		}
	}
}

func (w *watch) content(v []byte) {
	if n := len(v) - 2; n > 0 && v[0] == '"' {
		w.seen.Started = true
		w.seen.OutputBytes += int64(n)
	}
}

// afterColon gives data from the value on whose key ends at i.
func afterColon(data []byte, i int) []byte {
	for i < len(data) && (data[i] == ':' || data[i] == ' ') {
		i++
	}
	return data[i:]
}

// whole reports whether data is one complete JSON object.
func whole(data []byte) bool {
	w := wire.Walk(data)
	for w.Next() {
	}
	return w.Err() == nil
}

// Inspect reads what settling needs from a whole answer.
func (Dialect) Inspect(body []byte) provider.Seen {
	var w watch
	m := wire.Walk(body)
	for m.Next() && m.IsObject() {
		if string(m.Key) == "error" && wire.Present(m.Value()) {
			w.seen.Refusal = streamRefusal(body, m.Value())
		}
	}
	if m.Err() == nil && m.IsObject() {
		w.message(body)
	}
	w.stopped = w.seen.Finish != ""
	return w.result()
}
