package gemini

import (
	"tollgate/internal/chat"
	"tollgate/internal/provider"
)

// NewWriter writes a streamed answer as events. Usage is part of every stream of this dialect.
func (Dialect) NewWriter(bool) provider.Writer { return &writer{} }

// NewWriter writes a streamed answer as one JSON array.
func (Array) NewWriter(bool) provider.Writer { return &writer{array: true} }

// writer makes chunks: a piece of text or thought each, calls whole, and a last one with the reason to finish, the sources and the usage. A
// failure writes nothing: its event is AppendStreamError's.
type writer struct {
	array  bool
	opened bool // the array has an element
	model  string
	id     string

	parts partWriter
	block chat.Part
	from  int // where the open block's text begins
	args  []byte
	sign  []byte // the open block's signature

	sources grounding
	finish  chat.FinishReason
	usage   *chat.Usage
	cost    string
}

func (w *writer) Append(dst []byte, e chat.Event) []byte {
	switch e.Kind {
	case chat.Start:
		w.model, w.id = e.Model, e.ID
		if w.array { // so that whatever follows, also an error, follows an element
			w.parts.write("text", []byte(`""`))
			return w.chunk(dst)
		}
	case chat.BlockStart:
		return w.begin(dst, e.Part)
	case chat.TextDelta:
		w.piece(e.Text)
		return w.chunk(dst)
	case chat.ArgsDelta:
		w.args = append(w.args, e.Text...)
	case chat.SignDelta:
		w.sign = append(w.sign, e.Text...)
	case chat.ExtraDelta:
		w.sources.add(e.Extra, w.from, w.parts.text)
	case chat.BlockStop:
		return w.stop(dst)
	case chat.Finish:
		w.finish = e.Reason
	case chat.UsageEvent:
		u := e.Usage
		w.usage, w.cost = &u, e.Cost
	case chat.Ping:
		if w.array {
			return append(dst, Array{}.Heartbeat()...)
		}
	case chat.End:
		return w.end(dst)
	case chat.Failure:
	}
	return dst
}

// begin writes a block that comes whole. The others wait for their pieces.
func (w *writer) begin(dst []byte, p chat.Part) []byte {
	w.block, w.args, w.from = p, nil, w.parts.text
	w.sign = append(w.sign[:0], p.Signature...)
	switch p.Kind {
	case chat.Text, chat.Refusal, chat.Thinking, chat.ToolCall:
		return dst
	case chat.Redacted, chat.Opaque, chat.Image, chat.Audio, chat.Document, chat.ToolResult:
	}
	w.parts.part(p)
	return w.chunk(dst)
}

// piece takes a piece of the open block.
func (w *writer) piece(text string) {
	switch w.block.Kind {
	case chat.Thinking:
		w.parts.thought(text, chat.Part{})
	case chat.Text, chat.Refusal:
		w.parts.part(chat.Part{Kind: w.block.Kind, Text: text})
	default: // no text
	}
}

func (w *writer) stop(dst []byte) []byte {
	p := w.block
	p.Signature, w.block = string(w.sign), chat.Part{}
	switch {
	case p.Kind == chat.ToolCall:
		p.Args = w.args
		w.parts.part(p)
	case p.Kind == chat.Thinking && p.Signature != "":
		w.parts.thought("", p)
	default:
		return dst
	}
	return w.chunk(dst)
}

// chunk writes the parts gathered so far; nothing where there is none.
func (w *writer) chunk(dst []byte) []byte {
	if len(w.parts.out) == 0 {
		return dst
	}
	dst = w.head(dst)
	dst = append(dst, `,"index":0}]`...)
	dst = appendNames(dst, w.model, w.id)
	return w.tail(append(dst, '}'))
}

// head writes the beginning of a chunk, to its parts.
func (w *writer) head(dst []byte) []byte {
	switch {
	case !w.array:
		dst = append(dst, "data: "...)
	case !w.opened:
		dst = append(dst, '[')
	default:
		dst = append(dst, ",\r\n"...)
	}
	w.opened = true
	dst = append(dst, `{"candidates":[{"content":{"parts":[`...)
	dst = append(dst, w.parts.out...)
	w.parts.out = w.parts.out[:0]
	return append(dst, `],"role":"model"}`...)
}

func (w *writer) tail(dst []byte) []byte {
	if w.array {
		return dst
	}
	return append(dst, "\r\n\r\n"...)
}

// end writes the last chunk. Its part is an empty text, as Google's is: the SDKs' chat sessions forget answers with a chunk that has none.
func (w *writer) end(dst []byte) []byte {
	if w.parts.flush(); len(w.parts.out) == 0 {
		w.parts.write("text", []byte(`""`))
	}
	dst = w.head(dst)
	dst = append(dst, `,"finishReason":"`...)
	dst = append(dst, finishWord(w.parts.reason(w.finish))...)
	dst = append(dst, `","index":0`...)
	dst = w.sources.append(dst)
	dst = append(dst, "}]"...)
	if w.usage != nil {
		dst = append(dst, `,"usageMetadata":`...)
		dst = appendUsage(dst, w.usage.Units, "", w.cost)
	}
	dst = appendNames(dst, w.model, w.id)
	dst = w.tail(append(dst, '}'))
	if w.array {
		dst = append(dst, ']')
	}
	return dst
}
