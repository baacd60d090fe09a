// Package aws reads what the services of Amazon answer, whatever model's words are in it: event-stream frames as they come off the
// wire in pieces of any size, and exceptions, inside a stream and instead of one.
//
// A frame is trusted for nothing before its two checksums are right: a length that no provider needs is refused when its twelve
// bytes are there, without waiting for the rest or making room for it.
package aws

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"tollgate/internal/provider"
)

// FrameMax bounds one frame, as sse.EventMax does an event. Amazon's own limit is the same.
const FrameMax = 16 << 20

// The kinds of frames, and the headers that tell about one.
const (
	Event     = "event"
	Exception = "exception"
	Failure   = "error" // not modelled: of the service itself

	kindHeader      = ":message-type"
	eventHeader     = ":event-type"
	exceptionHeader = ":exception-type"
	codeHeader      = ":error-code"
	messageHeader   = ":error-message"
)

const (
	preludeSize = 12 // length, length of the headers, checksum of both
	frameMin    = preludeSize + 4
)

// MediaType of a stream of frames.
const MediaType = "application/vnd.amazon.eventstream"

// Frame is one message of a stream.
type Frame struct {
	Kind    string // Event, Exception or Failure
	Name    string // of the event, the exception or the error: "contentBlockDelta", "throttlingException"
	Message string // of an error; an exception's is in its payload
	Payload []byte // valid until the callback returns
}

// Failed reports whether the frame ends the stream with a failure.
func (f Frame) Failed() bool { return f.Kind != Event }

// Frames cuts a stream into frames. The zero value is ready. It is used by one goroutine.
type Frames struct {
	rest    []byte
	decoder eventstream.Decoder
	body    []byte // of the frame in hand, used again
	err     error
}

// Feed takes the next bytes and gives each frame that is whole now. An error of each ends it. Bytes that are no frame are
// provider.ErrBadAnswer, from then on.
func (s *Frames) Feed(chunk []byte, each func(Frame) error) error {
	if s.err != nil {
		return s.err
	}
	begun := len(s.rest) > 0
	if begun {
		s.rest = append(s.rest, chunk...)
		chunk = s.rest
	}
	for len(chunk) > 0 {
		size, err := length(chunk)
		if err != nil {
			return s.fail(err)
		}
		if size == 0 || len(chunk) < size {
			break
		}
		f, err := s.decode(chunk[:size])
		if err != nil {
			return s.fail(err)
		}
		chunk = chunk[size:]
		if err := each(f); err != nil {
			s.err = err
			return err
		}
	}
	if !begun || len(chunk) < len(s.rest) { // else nothing was whole, and a long frame is not copied for each of its bytes
		s.rest = append(s.rest[:0], chunk...)
	}
	return nil
}

// Partial reports whether the stream ended in the middle of a frame.
func (s *Frames) Partial() bool { return len(s.rest) > 0 }

func (s *Frames) fail(err error) error {
	s.rest = nil
	s.err = provider.ErrBadAnswer.Because(err)
	return s.err
}

// The ways in which bytes are no frame.
var (
	errLength   = errors.New("event stream: a length that no frame has")
	errChecksum = errors.New("event stream: a checksum is wrong")
)

// length reads how long the frame at the start of b is; 0 when that is not there yet.
func length(b []byte) (int, error) {
	if len(b) < preludeSize {
		return 0, nil
	}
	total, headers := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if total < frameMin || total > FrameMax || headers > total-frameMin {
		return 0, fmt.Errorf("%w: %d, headers %d", errLength, total, headers)
	}
	if crc32.ChecksumIEEE(b[:8]) != binary.BigEndian.Uint32(b[8:]) {
		return 0, errChecksum
	}
	return int(total), nil
}

func (s *Frames) decode(whole []byte) (Frame, error) {
	m, err := s.decoder.Decode(bytes.NewReader(whole), s.body)
	if err != nil {
		return Frame{}, fmt.Errorf("event stream: %w", err)
	}
	if cap(m.Payload) > cap(s.body) && cap(m.Payload) <= 1<<20 {
		s.body = m.Payload[:0]
	}
	f := Frame{Kind: text(m, kindHeader), Payload: m.Payload}
	switch f.Kind {
	case Exception:
		f.Name = text(m, exceptionHeader)
	case Failure:
		f.Name, f.Message = text(m, codeHeader), text(m, messageHeader)
	default:
		f.Kind, f.Name = Event, text(m, eventHeader)
	}
	return f, nil
}

func text(m eventstream.Message, header string) string {
	v, ok := m.Headers.Get(header).(eventstream.StringValue)
	if !ok {
		return ""
	}
	return string(v)
}
