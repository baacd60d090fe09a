// Package sse reads server-sent events as they come off a wire, in pieces of any size.
//
// A Splitter cuts the bytes into whole events, each with the blank line that ends it, and copies only what a piece leaves
// unfinished. Events with CRLF ends, comments, several data lines, padding and a missing last blank line are all met in practice.
package sse

import (
	"bytes"

	"tollgate/internal/fault"
)

// EventMax bounds one event. A provider that sends more without a blank line is broken.
const EventMax = 16 << 20

// ErrTooLong is for an event over EventMax.
var ErrTooLong = fault.New(fault.Upstream, "provider.event_too_long", "The provider sent an event that is too long.")

// Splitter finds whole events in a stream. The zero value is ready. It is used by one goroutine. After ErrTooLong it holds nothing and
// gives ErrTooLong for ever.
type Splitter struct {
	broken bool
	rest   []byte // begun and not ended
	used   int    // how much of rest the last Feed gave away
	seen   int    // how much of rest has been searched without finding an end
}

// Feed takes the next bytes and gives all events that are whole now, with their ends; possibly none. When chunk holds only
// whole events it is given back itself. The result is valid until the next call, and as long as chunk is left alone.
func (s *Splitter) Feed(chunk []byte) ([]byte, error) {
	if s.broken {
		return nil, ErrTooLong
	}
	s.shift()
	if len(s.rest) == 0 {
		end := lastEnd(chunk, 0)
		if end < len(chunk) {
			s.rest = append(s.rest, chunk[end:]...)
			s.seen = len(s.rest)
		}
		return chunk[:end], s.check()
	}
	s.rest = append(s.rest, chunk...)
	end := lastEnd(s.rest, max(0, s.seen-3)) // an end may straddle the border: three bytes of "\r\n\r\n" before it
	s.used, s.seen = end, len(s.rest)
	whole := s.rest[:end]
	return whole, s.check()
}

// Rest gives what is left at the end of the stream: an event without its blank line, whole or cut.
func (s *Splitter) Rest() []byte {
	s.shift()
	rest := s.rest
	s.rest = nil
	return rest
}

func (s *Splitter) shift() {
	if s.used > 0 {
		n := copy(s.rest, s.rest[s.used:])
		s.rest, s.used, s.seen = s.rest[:n], 0, n
	}
}

func (s *Splitter) check() error {
	if len(s.rest)-s.used <= EventMax {
		return nil
	}
	s.rest, s.used, s.seen, s.broken = nil, 0, 0, true
	return ErrTooLong
}

// lastEnd gives the index behind the last blank line in b that ends at or behind from; 0 when there is none.
func lastEnd(b []byte, from int) int {
	for end := len(b); end > from; {
		i := bytes.LastIndexByte(b[from:end], '\n')
		if i < 0 {
			return 0
		}
		i += from
		switch {
		case i >= 1 && b[i-1] == '\n':
			return i + 1
		case i >= 2 && b[i-1] == '\r' && b[i-2] == '\n':
			return i + 1
		}
		end = i
	}
	return 0
}

// Event is one event of a block that Feed gave. Its fields point into the block.
type Event struct {
	Raw  []byte // with the blank line
	Name []byte // the last `event:` field; nil when there is none
	Data []byte // the `data:` lines joined by newlines; nil when there is none (a comment)
}

// Next cuts the first event off block. Blank lines before an event belong to it.
func Next(block []byte) (e Event, rest []byte) {
	var joined bool
	content := false
	at := 0
	for at < len(block) {
		end := bytes.IndexByte(block[at:], '\n')
		line := block[at:]
		if end >= 0 {
			line = block[at : at+end]
			at += end + 1
		} else {
			at = len(block)
		}
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		if len(line) == 0 {
			if content {
				break
			}
			continue
		}
		content = true
		switch {
		case field(line, "data"):
			v := value(line, len("data"))
			switch {
			case e.Data == nil:
				e.Data = v
			case !joined: // never append to the block itself
				e.Data = bytes.Join([][]byte{e.Data, v}, []byte{'\n'})
				joined = true
			default:
				e.Data = append(append(e.Data, '\n'), v...)
			}
		case field(line, "event"):
			e.Name = value(line, len("event"))
		}
	}
	e.Raw = block[:at]
	return e, block[at:]
}

func field(line []byte, name string) bool {
	return len(line) >= len(name) && string(line[:len(name)]) == name && (len(line) == len(name) || line[len(name)] == ':')
}

// value gives what stands behind the colon. It is never nil, so that an empty data line is told from none.
func value(line []byte, n int) []byte {
	if len(line) == n {
		return line[n:]
	}
	v := line[n+1:]
	if len(v) > 0 && v[0] == ' ' {
		v = v[1:]
	}
	return v
}
