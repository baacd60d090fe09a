package gateway

import (
	"cmp"
	"errors"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
)

// flow turns a provider's stream into the client's, and holds its end back: from the event that finishes the answer on, nothing
// is given out until the call is recorded. It is used by one goroutine.
type flow interface {
	// feed takes the next bytes and returns what may be sent now, valid until the next call.
	feed(chunk []byte) ([]byte, error)
	// close is called at the end of the body; the rest that is not held is returned. ErrTruncated when the stream had not ended.
	close() ([]byte, error)
	// seen is what the stream has told so far; it changes with the next call.
	seen() *provider.Seen
	// tail is what was held back. cost is in dollars, for a body that is ours; empty when unknown.
	tail(dst []byte, cost string) []byte
	// finished reports that the end has begun: what comes now is held.
	finished() bool
}

// What a stream may take of memory. A provider may be anybody's, and one that never ends what it says it has ended, or talks for ever
// to a writer that has to repeat all of it at the end, must not take the memory of all calls.
const (
	heldMax   = 32 << 20 // behind the end: it may be one event with an image
	spokenMax = 64 << 20 // of a translated stream, as of a whole answer
	eventSize = 1 << 10  // about what an event takes that says little
)

// passing is the flow of one dialect: the provider's bytes, but for what the client did not ask for.
type passing struct {
	tap  provider.Tap
	last provider.Seen
	held []byte
}

func (p *passing) feed(chunk []byte) ([]byte, error) {
	out := p.sift(p.tap.Feed(chunk))
	if len(p.held) > heldMax {
		p.held = nil
		return out, ErrEndless
	}
	return out, nil
}

func (p *passing) close() ([]byte, error) {
	out := p.sift(p.tap.Close())
	if !p.last.Ended {
		return out, provider.ErrTruncated
	}
	return out, nil
}

func (p *passing) sift(out []byte) []byte {
	p.last = p.tap.Seen()
	if p.last.Refusal != nil { // it did not end after all: what was held is content like the rest
		out, p.held = append(p.held, out...), nil
		return out
	}
	if p.last.Ended || len(p.held) > 0 {
		p.held = append(p.held, out...)
		return nil
	}
	return out
}

func (p *passing) seen() *provider.Seen { return &p.last }

func (p *passing) finished() bool { return p.last.Ended }

func (p *passing) tail(dst []byte, _ string) []byte { return append(dst, p.held...) }

// translating is the flow between two dialects: bytes to neutral events to bytes.
type translating struct {
	reader provider.Reader
	writer provider.Writer
	id     string // for an answer that has none
	model  string // for an answer that names none
	out    []byte
	held   []chat.Event // from Finish on
	last   provider.Seen
	spoken int // bytes that the writer or held may have kept
}

func (t *translating) feed(chunk []byte) ([]byte, error) {
	t.out = t.out[:0]
	err := t.reader.Feed(chunk, t.event)
	if err == nil && t.spoken > spokenMax {
		t.held, err = nil, ErrEndless
	}
	return t.out, err
}

func (t *translating) close() ([]byte, error) {
	t.out = t.out[:0]
	err := t.reader.Close(t.event)
	if err == nil && !t.last.Ended && t.last.Refusal == nil {
		err = provider.ErrTruncated
	}
	return t.out, err
}

func (t *translating) event(e chat.Event) {
	if e.Kind == chat.Start {
		e.ID, e.Model = cmp.Or(e.ID, t.id), cmp.Or(e.Model, t.model)
	}
	t.note(&e)
	switch {
	case e.Kind == chat.Failure: // told to the client by the gateway, in the same words for every stream that breaks
	case e.Kind == chat.Finish, len(t.held) > 0:
		t.spoken += eventSize + weight(&e)
		t.held = append(t.held, e)
	default:
		t.spoken += weight(&e)
		t.out = t.writer.Append(t.out, e)
	}
}

// weight is what a writer may have to keep of an event.
func weight(e *chat.Event) int {
	n := len(e.Text) + len(e.Part.Text) + len(e.Part.Data)
	if e.Kind == chat.BlockStart {
		n += eventSize
	}
	for _, raw := range e.Extra {
		n += eventSize + len(raw)
	}
	return n
}

func (t *translating) note(e *chat.Event) {
	s := &t.last
	switch e.Kind {
	case chat.Start:
		s.ID, s.Model = e.ID, e.Model
		if e.Usage.Source != chat.Unknown {
			s.Usage = e.Usage
		}
	case chat.BlockStart:
		switch e.Part.Kind {
		case chat.ToolCall:
			s.Started = true
			s.OutputBytes += int64(len(e.Part.Name))
		case chat.Redacted, chat.Opaque:
			s.Started = true
			s.OutputBytes += int64(len(e.Part.Data))
		case chat.Text, chat.Image, chat.Document, chat.Audio, chat.ToolResult, chat.Thinking, chat.Refusal: // content comes in deltas
		}
	case chat.TextDelta, chat.ArgsDelta:
		s.Started = s.Started || e.Text != ""
		s.OutputBytes += int64(len(e.Text))
	case chat.Finish:
		s.Finish = e.Reason
	case chat.UsageEvent:
		s.Usage, s.Cost = e.Usage, e.Reported
	case chat.End:
		s.Ended = true
	case chat.SignDelta, chat.ExtraDelta, chat.BlockStop, chat.Ping: // no content
	case chat.Failure:
		var r *provider.Refusal
		if !errors.As(e.Err, &r) {
			r = &provider.Refusal{Class: provider.ClassServer, Message: provider.ErrBadAnswer.Message}
		}
		s.Refusal = r
	}
}

func (t *translating) seen() *provider.Seen { return &t.last }

func (t *translating) finished() bool { return t.last.Ended }

func (t *translating) tail(dst []byte, cost string) []byte {
	for _, e := range t.held {
		if e.Kind == chat.UsageEvent {
			e.Cost = cost
		}
		dst = t.writer.Append(dst, e)
	}
	return dst
}
