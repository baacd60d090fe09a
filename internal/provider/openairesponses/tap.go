package openairesponses

import (
	"bytes"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
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
		t.watch.answer(rest, rest)
		return rest
	case e.Data != nil && !whole(e.Data) && !bytes.Equal(bytes.TrimSpace(e.Data), done):
		return nil
	}
	rest = rest[:t.watch.block(rest)]
	if !t.watch.seen.Ended && len(rest) > 0 {
		return append(append([]byte(nil), rest...), "\n\n"...)
	}
	return rest
}

func (t *tap) Seen() provider.Seen { return t.watch.seen }

// watch gathers Seen from events.
type watch struct{ seen provider.Seen }

// block looks at the events of a block and gives the length of what may be forwarded: all of it, or what stands before an error. Of
// what follows an error only usage counts.
func (w *watch) block(block []byte) int {
	size := len(block)
	if w.seen.Refusal != nil {
		size = 0
	}
	for len(block) > 0 {
		e, rest := sse.Next(block)
		had := w.seen.Refusal != nil
		w.event(e)
		if w.seen.Refusal != nil && !had {
			size -= len(block)
		}
		block = rest
	}
	return size
}

// event reads one event. The name of an event is the type of its data, and where servers leave the name out the type is there.
func (w *watch) event(e sse.Event) {
	if len(e.Data) == 0 {
		return
	}
	name := e.Name
	if len(name) == 0 {
		name = rawType(e.Data)
	}
	switch {
	case bytes.HasSuffix(name, []byte(".delta")):
		w.delta(e.Data)
		return
	case bytes.Equal(name, []byte("error")):
		w.refuse(openaichat.StreamRefusal(e.Data))
		return
	}
	switch string(name) {
	case "response.created", "response.in_progress", "response.queued", "response.completed", "response.incomplete", "response.failed",
		"response.cancelled":
		w.answer(member(e.Data, "response"), e.Data)
	case "response.output_item.added":
		w.added(member(e.Data, "item"))
	case "":
		if bytes.Contains(e.Data, []byte(`"error"`)) {
			w.refuse(openaichat.StreamRefusal(e.Data))
		}
	}
}

// rawType finds the type of an event's data without its quotes; nil for none.
func rawType(data []byte) []byte {
	v := member(data, "type")
	if len(v) < 2 || v[0] != '"' {
		return nil
	}
	return v[1 : len(v)-1]
}

// member finds the raw value of an object's member; nil for none.
func member(data []byte, name string) []byte {
	m := wire.Walk(data)
	for m.Next() && m.IsObject() {
		if string(m.Key) == name {
			return m.Value()
		}
	}
	return nil
}

func (w *watch) refuse(r *provider.Refusal) {
	if w.seen.Refusal == nil {
		if r == nil {
			r = &provider.Refusal{Class: provider.ClassServer, Message: "The provider gave no reason."}
		}
		w.seen.Refusal = r
	}
	w.seen.Ended = false
}

// delta measures a piece of content.
func (w *watch) delta(data []byte) {
	if v := member(data, "delta"); len(v) > 2 && v[0] == '"' {
		w.seen.Started = true
		w.seen.OutputBytes += int64(len(v) - 2)
	}
}

// added: a call is content from its name on; messages and reasoning are when they say something.
func (w *watch) added(item []byte) {
	switch typ := rawType(item); string(typ) {
	case "", "message", "reasoning":
	default:
		w.seen.Started = true
		w.seen.OutputBytes += int64(max(0, len(member(item, "name"))-2))
	}
}

// answer reads a response object: all of a whole answer, or the head or end of a streamed one. data is the event around it.
func (w *watch) answer(raw, data []byte) {
	var status, reason string
	var usage, failed, output []byte
	m := wire.Walk(raw)
	for m.Next() && m.IsObject() {
		v := m.Value()
		switch string(m.Key) {
		case "id":
			setOnce(&w.seen.ID, v)
		case "model":
			setOnce(&w.seen.Model, v)
		case "status":
			status, _ = wire.String(v)
		case "error":
			failed = v
		case "incomplete_details":
			if v[0] == '{' {
				reason, _ = wire.String(member(v, "reason"))
			}
		case "output":
			output = v
		case "usage":
			usage = v
		}
	}
	if m.Err() != nil {
		return
	}
	h, calls := w.output(output)
	if u, cost := parseUsage(usage, h); u.Source != chat.Unknown {
		w.seen.Usage, w.seen.Cost = u, cost
	}
	switch {
	case wire.Present(failed) && string(failed) != "false" || status == "failed":
		w.refuse(failure(failed, data))
	case status == "" && output == nil: // no answer at all
		if r := openaichat.StreamRefusal(data); r != nil {
			w.refuse(r)
		}
	case status == "completed" || status == "incomplete" || status == "cancelled":
		w.seen.Finish = finish(status, reason, calls)
		w.seen.Ended = w.seen.Refusal == nil
		if len(output) > 2 && !w.seen.Started { // no pieces came before
			w.seen.Started, w.seen.OutputBytes = true, int64(len(output))
		}
	}
}

func setOnce(into *string, raw []byte) {
	if *into == "" {
		*into, _ = wire.String(raw)
	}
}

// output counts what the items of an answer are.
func (w *watch) output(raw []byte) (h hosted, calls bool) {
	if len(raw) == 0 || raw[0] != '[' {
		return h, false
	}
	m := wire.Walk(raw)
	for m.Next() {
		h.item(m.Value())
		switch typ := rawType(m.Value()); string(typ) {
		case "function_call", "custom_tool_call":
			calls = true
		}
	}
	return h, calls
}

// Inspect reads what settling needs from a whole answer. One that is still being made in the background is whole, too: the client
// asks for its end itself.
func (Dialect) Inspect(body []byte) provider.Seen {
	var w watch
	w.answer(body, body)
	output := member(body, "output")
	if w.seen.Refusal == nil && len(output) > 0 {
		if !w.seen.Ended {
			status, _ := wire.String(member(body, "status"))
			_, calls := w.output(output)
			w.seen.Finish, w.seen.Ended = finish(status, "", calls), true
		}
	}
	return w.seen
}
