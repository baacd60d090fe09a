package gemini

import (
	"math/bits"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/sse"
	"tollgate/internal/provider/wire"
)

// NewTap watches a stream go by. Nothing is ever taken out of it but what follows an error.
func (Dialect) NewTap(h provider.Head) provider.Tap {
	if h.Array {
		return &arrayTap{watch: watch{choices: h.Choices}}
	}
	return &tap{watch: watch{choices: h.Choices}}
}

type tap struct {
	watch
	split sse.Splitter
}

func (t *tap) Feed(chunk []byte) []byte {
	block, err := t.split.Feed(chunk)
	if err != nil {
		t.broken(err)
	}
	return block[:t.block(block)]
}

// Close forwards an event that only lacks its blank line. Half an event is worth nothing to a client.
func (t *tap) Close() []byte {
	rest := t.split.Rest()
	e, _ := sse.Next(rest)
	if !whole(payload(e)) {
		return nil
	}
	out := rest[:t.block(rest)]
	if e.Data != nil && len(out) > 0 {
		return append(append([]byte(nil), out...), "\r\n\r\n"...)
	}
	return out
}

func (t *tap) Seen() provider.Seen { return t.result() }

// block looks at the events of a block and gives the length of what may be forwarded: all of it, or what stands before an error.
func (w *watch) block(block []byte) int {
	size := 0
	for at := 0; at < len(block); {
		e, rest := sse.Next(block[at:])
		if data := payload(e); len(data) > 0 {
			w.chunk(data)
		}
		at = len(block) - len(rest)
		if w.seen.Refusal == nil {
			size = at
		}
	}
	return size
}

// arrayTap watches a stream that is one JSON array. It forwards whole elements with what stands before them, so that another element can
// always follow, and the closing bracket.
type arrayTap struct {
	watch
	array elements
}

func (t *arrayTap) Feed(chunk []byte) []byte {
	out, err := t.array.feed(chunk)
	if t.seen.Refusal != nil {
		return nil
	}
	size := 0
	for _, at := range t.array.found {
		t.chunk(out[at.from:at.to])
		if t.seen.Refusal != nil {
			return out[:size]
		}
		size = at.to
	}
	if err != nil {
		t.broken(err)
		return out[:size]
	}
	return out
}

func (t *arrayTap) Close() []byte { return nil }

// Seen is what has been seen. An array without its bracket is cut, whatever is in it.
func (t *arrayTap) Seen() provider.Seen {
	seen := t.result()
	seen.Ended = seen.Ended && (t.array.closed || !t.array.inArray)
	return seen
}

// watch gathers Seen from chunks.
type watch struct {
	seen     provider.Seen
	tally    tally
	choices  int64
	finished uint64 // a bit a candidate
	tools    bool
	blocked  bool // the prompt was refused
}

func (w *watch) broken(err error) {
	w.seen.Refusal = &provider.Refusal{Class: provider.ClassServer, Message: err.Error()}
}

func (w *watch) result() provider.Seen {
	seen := w.seen
	seen.Usage, seen.Cost = w.tally.usage(), w.tally.last.cost
	seen.Finish = settle(seen.Finish, w.tools)
	seen.Ended = seen.Refusal == nil && (w.blocked || int64(bits.OnesCount64(w.finished)) >= max(1, w.choices))
	return seen
}

// chunk reads a chunk, or a whole answer, member by member.
func (w *watch) chunk(data []byte) (candidates int) {
	feedback := false
	m := wire.Walk(data)
	for m.Next() {
		v := m.Value()
		if !m.IsObject() { // a list is an error here
			if w.seen.Refusal == nil {
				w.seen.Refusal = refusalIn(data)
			}
			return 0
		}
		switch string(m.Key) {
		case "candidates":
			candidates = w.candidates(v)
		case "usageMetadata":
			w.tally.add(v)
		case "responseId":
			setOnce(&w.seen.ID, v)
		case "modelVersion":
			setOnce(&w.seen.Model, v)
			w.tally.model = w.seen.Model
		case "promptFeedback":
			feedback = blocks(v)
		case "error":
			if w.seen.Refusal == nil && wire.Present(v) {
				w.seen.Refusal = refusalIn(data)
			}
		}
	}
	if candidates == 0 && feedback {
		w.blocked, w.seen.Finish = true, chat.FinishFilter
	}
	return candidates
}

func setOnce(into *string, raw []byte) {
	if *into == "" {
		*into, _ = wire.String(raw)
	}
}

// blocks reports whether a promptFeedback gives a reason.
func blocks(raw []byte) bool {
	if raw[0] != '{' {
		return false
	}
	m := wire.Walk(raw)
	for m.Next() {
		if string(m.Key) == "blockReason" {
			return len(m.Value()) > 2
		}
	}
	return false
}

func (w *watch) candidates(raw []byte) (n int) {
	if raw[0] != '[' {
		return 0
	}
	list := wire.Walk(raw)
	for list.Next() {
		n++
		if list.Value()[0] != '{' {
			continue
		}
		var index int64
		reason := chat.FinishNotGiven
		c := wire.Walk(list.Value())
		for c.Next() {
			switch string(c.Key) {
			case "index":
				index, _ = wire.Int(c.Value())
			case "content":
				w.content(c.Value())
			case "finishReason":
				reason = finish(c.Value())
			case "groundingMetadata":
				w.tally.searched(queries(c.Value()))
			}
		}
		if reason != chat.FinishNotGiven {
			w.finished |= 1 << (uint64(max(index, 0)) % 64)
			if index == 0 || w.seen.Finish == chat.FinishNotGiven {
				w.seen.Finish = reason
			}
		}
	}
	return n
}

func (w *watch) content(raw []byte) {
	if raw[0] != '{' {
		return
	}
	m := wire.Walk(raw)
	for m.Next() {
		if string(m.Key) != "parts" || m.Value()[0] != '[' {
			continue
		}
		for list := wire.Walk(m.Value()); list.Next(); {
			if list.Value()[0] == '{' {
				w.part(list.Value())
			}
		}
	}
}

// mediaBytes is what a made image or sound counts in an estimate, however large it is: about a thousand tokens.
const mediaBytes = 4096

// part measures what a part says.
func (w *watch) part(raw []byte) {
	m := wire.Walk(raw)
	for m.Next() {
		v := m.Value()
		size := 0
		switch string(m.Key) {
		case "text":
			if v[0] == '"' {
				size = len(v) - 2
			}
		case "functionCall":
			size, w.tools = len(v), true
		case "inlineData":
			size = min(len(v), mediaBytes)
		case "executableCode", "codeExecutionResult", "toolCall", "toolResponse":
			size = len(v)
		}
		if size > 0 {
			w.seen.Started = true
			w.seen.OutputBytes += int64(size)
		}
	}
}

// Inspect reads what settling needs from a whole answer. A whole body is a whole answer, also where no reason to finish is given.
func (Dialect) Inspect(body []byte) provider.Seen {
	var w watch
	candidates := 0
	if whole(body) {
		candidates = w.chunk(body)
	} else {
		w.chunk(body)
	}
	if candidates > 0 {
		w.finished, w.choices = 1, 1
		if w.seen.Finish == chat.FinishNotGiven {
			w.seen.Finish = chat.FinishStop
		}
	} else {
		w.finished = 0
	}
	return w.result()
}
