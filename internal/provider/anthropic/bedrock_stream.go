package anthropic

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/aws"
	"tollgate/internal/provider/wire"
)

// unwrapper takes the maker's events out of frames.
type unwrapper struct {
	frames aws.Frames
	event  []byte // the one in hand
}

var errPart = errors.New("a chunk without bytes")

// feed gives each event, valid until the callback returns, or the failure that a frame tells. Frames of other names are passed over:
// they are what a newer version of the service adds.
func (u *unwrapper) feed(chunk []byte, event func(data []byte) error, failed func(aws.Frame)) error {
	return u.frames.Feed(chunk, func(f aws.Frame) error {
		switch {
		case f.Failed():
			failed(f)
			return nil
		case f.Name != "chunk":
			return nil
		}
		data, err := u.unwrap(f.Payload)
		if err != nil {
			return provider.ErrBadAnswer.Because(err)
		}
		return event(data)
	})
}

func (u *unwrapper) unwrap(payload []byte) ([]byte, error) {
	w := wire.Walk(payload)
	for w.Next() && w.IsObject() {
		v := w.Value()
		if string(w.Key) != "bytes" || len(v) < 2 || v[0] != '"' {
			continue
		}
		coded := v[1 : len(v)-1]
		if bytes.IndexByte(coded, '\\') >= 0 { // "\/", as some encoders write a slash
			plain, _ := wire.String(v)
			coded = []byte(plain)
		}
		data, err := base64.StdEncoding.AppendDecode(u.event[:0], coded)
		u.event = data
		return data, err
	}
	return nil, errPart
}

// NewReader decodes a stream of frames.
func (Bedrock) NewReader() provider.Reader { return &frameReader{} }

type frameReader struct {
	unwrapper
	inner reader
}

func (r *frameReader) Feed(chunk []byte, emit func(chat.Event)) error {
	r.inner.emit = emit
	return r.feed(chunk, func(data []byte) error {
		if r.inner.over {
			return nil
		}
		return r.inner.event(data)
	}, func(f aws.Frame) {
		if r.inner.over {
			return
		}
		r.inner.over = true
		emit(chat.Event{Kind: chat.Failure, Err: aws.StreamRefusal(f), Usage: r.inner.tally.usage()})
	})
}

func (r *frameReader) Close(func(chat.Event)) error {
	if !r.inner.over {
		return provider.ErrTruncated
	}
	return nil
}

// NewTap gives a stream of frames the form that it has at the maker's.
func (Bedrock) NewTap(provider.Head) provider.Tap { return &frameTap{} }

type frameTap struct {
	unwrapper
	watch watch
	out   []byte
}

func (t *frameTap) Feed(chunk []byte) []byte {
	t.out = t.out[:0]
	err := t.feed(chunk, t.pass, func(f aws.Frame) { t.refuse(aws.StreamRefusal(f)) })
	if err != nil {
		t.refuse(aws.Broken(err))
	}
	return t.out
}

// pass writes an event for the client, unless it is an error or comes behind one.
func (t *frameTap) pass(data []byte) error {
	if t.watch.seen.Refusal != nil {
		return nil
	}
	name := eventName(data)
	if name == "" {
		return provider.ErrBadAnswer.Because(errPart)
	}
	t.watch.event(data)
	if t.watch.seen.Refusal != nil {
		return nil
	}
	t.out = append(t.out, "event: "...)
	t.out = append(t.out, name...)
	t.out = append(t.out, "\ndata: "...)
	t.out = appendLine(t.out, data)
	t.out = append(t.out, "\n\n"...)
	return nil
}

// eventName is the type of an event, which stands first; "" for what is no event, or has a name that would break the line.
func eventName(data []byte) string {
	w := wire.Walk(data)
	for w.Next() && w.IsObject() {
		if string(w.Key) != "type" {
			continue
		}
		name, _ := wire.String(w.Value())
		if bytes.ContainsAny([]byte(name), "\r\n") {
			return ""
		}
		return name
	}
	return ""
}

// appendLine appends data, which may have line ends between its members, as one line.
func appendLine(dst, data []byte) []byte {
	if !bytes.ContainsAny(data, "\r\n") {
		return append(dst, data...)
	}
	var buf bytes.Buffer
	if json.Compact(&buf, data) != nil {
		return append(dst, bytes.Map(func(r rune) rune {
			if r == '\r' || r == '\n' {
				return ' '
			}
			return r
		}, data)...)
	}
	return append(dst, buf.Bytes()...)
}

func (t *frameTap) refuse(r *provider.Refusal) {
	if t.watch.seen.Refusal == nil {
		t.watch.seen.Refusal = r
	}
}

// Close has nothing to forward: half a frame is no event.
func (t *frameTap) Close() []byte { return nil }

func (t *frameTap) Seen() provider.Seen { return t.watch.result() }
