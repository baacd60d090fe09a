package openaichat

import (
	"bytes"
	"math/bits"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/sse"
	"tollgate/internal/provider/wire"
)

// NewTap watches a stream go by.
func (Dialect) NewTap(h provider.Head) provider.Tap {
	return &tap{hide: !h.IncludeUsage && !h.NoStreamOptions, watch: watch{choices: h.Choices}}
}

// tap forwards whole events. Only the chunk that exists because we asked for usage is held back from a client that did not ask.
type tap struct {
	watch
	split sse.Splitter
	hide  bool
	out   []byte // what is forwarded when something was taken out
}

func (t *tap) Feed(chunk []byte) []byte {
	whole, err := t.split.Feed(chunk)
	if err != nil {
		t.seen.Refusal = &provider.Refusal{Class: provider.ClassServer, Message: err.Error()}
	}
	return t.pass(whole)
}

// Close forwards what stands after the last blank line: an event that only lacks it. Half an event is worth nothing to a client
// and would spoil the error that follows it.
func (t *tap) Close() []byte {
	rest := t.split.Rest()
	e, _ := sse.Next(rest)
	switch {
	case e.Data == nil && whole(rest): // no stream at all: a JSON body, most likely an error
		t.chunk(rest, false)
		return rest
	case e.Data != nil && !isDone(e.Data) && !whole(e.Data):
		return nil
	}
	out := t.pass(rest)
	comments := e.Data == nil && bytes.HasSuffix(out, []byte("\n"))
	if len(out) > 0 && !comments { // what follows must not join it
		out = append(append([]byte(nil), out...), "\n\n"...)
	}
	return out
}

func (t *tap) Seen() provider.Seen {
	seen := t.seen
	seen.Ended = t.ended()
	if seen.Ended {
		seen.Finish = settle(seen.Finish, t.tools)
	}
	return seen
}

// pass looks at each event of a block and gives the block, or what is left of it.
func (t *tap) pass(block []byte) []byte {
	cut := false
	start := 0   // of what has not been copied to out yet
	broken := -1 // where an error stands: from there on nothing is forwarded, but usage may follow
	for at := 0; at < len(block); {
		e, rest := sse.Next(block[at:])
		end := len(block) - len(rest)
		onlyUsage := t.event(e)
		if t.seen.Refusal != nil {
			if broken < 0 {
				broken = at
			}
			at = end
			continue
		}
		if onlyUsage && t.hide {
			if !cut {
				t.out = t.out[:0]
				cut = true
			}
			t.out = append(t.out, block[start:at]...)
			start = end
		}
		at = end
	}
	if broken >= 0 {
		block = block[:broken]
	}
	if !cut {
		return block
	}
	t.out = append(t.out, block[start:]...)
	return t.out
}

// lookedMax is how many payloads are read in full while none has an id.
const lookedMax = 4

// watch gathers Seen from data payloads.
type watch struct {
	seen     provider.Seen
	choices  int64  // n
	finished uint64 // a bit a choice: some vendors give the reason twice
	looked   int    // payloads read in full
	tools    bool   // a tool was called
	answered bool   // there was a choice
	done     bool
}

var (
	keyUsage  = []byte(`"usage"`)
	keyError  = []byte(`"error"`)
	keyFinish = []byte(`"finish_reason"`)
	keyDelta  = []byte(`"delta"`)
	doneMark  = []byte("[DONE]")
)

func isDone(data []byte) bool { return bytes.Equal(bytes.TrimSpace(data), doneMark) }

// ended: the mark behind an answer, or a reason to finish for every choice; and no error.
func (w *watch) ended() bool {
	return w.seen.Refusal == nil && ((w.done && w.answered) || int64(bits.OnesCount64(w.finished)) >= max(1, w.choices))
}

// event looks at one payload and reports whether it is a chunk that carries nothing but usage.
//
// Nearly all chunks carry a bit of content and nothing else. They are told by what they lack: a quoted key cannot stand inside a
// JSON string, where its quotes would be escaped, so a search for it misses no chunk that has it.
func (w *watch) event(e sse.Event) (onlyUsage bool) {
	data := e.Data
	if len(data) == 0 {
		return false
	}
	if (w.seen.ID != "" || w.looked > lookedMax) && !bytes.Contains(data, keyError) && !hasUsage(data) && !finishes(data) {
		if i := bytes.Index(data, keyDelta); i >= 0 {
			w.answered = true
			w.delta(afterColon(data, i+len(keyDelta)))
			return false
		}
	}
	if isDone(data) {
		w.done = true
		return false
	}
	return w.chunk(data, string(e.Name) == "error")
}

// hasUsage reports whether there is a usage key with an object.
func hasUsage(data []byte) bool {
	for {
		i := bytes.Index(data, keyUsage)
		if i < 0 {
			return false
		}
		data = afterColon(data, i+len(keyUsage))
		if len(data) > 0 && data[0] == '{' {
			return true
		}
	}
}

// finishes reports whether any choice gives a reason to finish.
func finishes(data []byte) bool {
	for {
		i := bytes.Index(data, keyFinish)
		if i < 0 {
			return false
		}
		data = afterColon(data, i+len(keyFinish))
		if len(data) > 1 && data[0] == '"' && data[1] != '"' {
			return true
		}
	}
}

// afterColon gives data from the value on whose key ends at i.
func afterColon(data []byte, i int) []byte {
	for i < len(data) && (data[i] == ':' || data[i] == ' ') {
		i++
	}
	return data[i:]
}

// chunk reads a payload member by member. failed: the event's name, or in older servers its object, says that it is an error.
func (w *watch) chunk(data []byte, failed bool) (onlyUsage bool) {
	w.looked++
	var choices int
	var usage bool
	m := wire.Walk(data)
	for m.Next() && m.IsObject() {
		v := m.Value()
		switch string(m.Key) {
		case "id":
			setOnce(&w.seen.ID, v)
		case "model":
			setOnce(&w.seen.Model, v)
		case "usage":
			usage = w.usage(v) || usage
		case "x_groq":
			w.groq(v)
		case "error":
			if r := parseErrorValue(v); r != nil && w.seen.Refusal == nil {
				w.seen.Refusal = inStream(r, data)
			}
		case "object":
			failed = failed || string(v) == `"error"`
		case "choices":
			choices = w.eachChoice(v)
			w.answered = w.answered || choices > 0
		}
	}
	if failed && w.seen.Refusal == nil {
		if r := parseError(data); r != nil {
			w.seen.Refusal = inStream(r, data)
		}
	}
	return usage && choices == 0 && w.seen.Refusal == nil
}

func setOnce(into *string, raw []byte) {
	if *into == "" {
		*into, _ = wire.String(raw)
	}
}

func (w *watch) usage(raw []byte) bool {
	u, ok := parseUsage(raw)
	if ok {
		w.seen.Usage, w.seen.Cost = u, Cost(raw)
	}
	return ok
}

// groq reads x_groq, where Groq puts usage, and its errors.
func (w *watch) groq(raw []byte) {
	if raw[0] != '{' {
		return
	}
	m := wire.Walk(raw)
	for m.Next() {
		switch string(m.Key) {
		case "usage":
			if w.seen.Usage.Source == chat.Unknown {
				w.usage(m.Value())
			}
		case "error":
			if r := parseErrorValue(m.Value()); r != nil && w.seen.Refusal == nil {
				w.seen.Refusal = inStream(r, raw)
			}
		}
	}
}

func (w *watch) eachChoice(raw []byte) (n int) {
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
		var reason string
		var text []byte // of a completion, which has neither delta nor message
		var said bool
		c := wire.Walk(list.Value())
		for c.Next() {
			switch string(c.Key) {
			case "index":
				index, _ = wire.Int(c.Value())
			case "delta", "message":
				if !said { // Writer says everything twice
					w.delta(c.Value())
				}
				said = said || c.Value()[0] == '{'
			case "text":
				text = c.Value()
			case "finish_reason":
				reason, _ = wire.String(c.Value())
			}
		}
		if n := len(text) - 2; n > 0 && text[0] == '"' && !said {
			w.seen.Started = true
			w.seen.OutputBytes += int64(n)
		}
		if reason != "" {
			if index == 0 || w.seen.Finish == "" {
				w.seen.Finish = finish(reason)
			}
			w.finished |= 1 << (uint64(index) % 64)
		}
	}
	return n
}

// delta measures what a delta or message says. raw starts at its brace and may go on behind it.
func (w *watch) delta(raw []byte) {
	if len(raw) == 0 || raw[0] != '{' {
		return
	}
	m := wire.WalkPrefix(raw)
	for m.Next() {
		v := m.Value()
		size := 0
		switch string(m.Key) {
		case "content", "reasoning_content", "reasoning", "refusal":
			switch v[0] {
			case '"':
				size = len(v) - 2
			case '[':
				size = len(v)
				if size <= 2 {
					size = 0
				}
			}
		case "tool_calls", "function_call":
			if len(v) > 4 {
				size = len(v)
				w.tools = true
			}
		case "audio":
			if len(v) > 4 {
				size = len(v)
			}
		}
		if size > 0 {
			w.seen.Started = true
			w.seen.OutputBytes += int64(size)
		}
	}
}

// whole reports whether data is one complete JSON value of an object.
func whole(data []byte) bool {
	w := wire.Walk(data)
	for w.Next() {
	}
	return w.Err() == nil
}

// Inspect reads what settling needs from a whole answer.
func (Dialect) Inspect(body []byte) provider.Seen {
	var w watch
	w.chunk(body, false)
	if w.seen.Refusal == nil && w.answered { // a whole body is a whole answer, also where no reason to finish is given
		w.seen.Ended = true
		w.seen.Finish = settle(w.seen.Finish, w.tools)
	}
	return w.seen
}
