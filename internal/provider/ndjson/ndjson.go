// Package ndjson reads lines of JSON as they come off a wire, in pieces of any size.
package ndjson

import (
	"bytes"

	"tollgate/internal/fault"
)

// LineMax bounds one line. A provider that sends more without an end of line is broken.
const LineMax = 16 << 20

// ErrTooLong is for a line over LineMax.
var ErrTooLong = fault.New(fault.Upstream, "provider.line_too_long", "The provider sent a line that is too long.")

// Splitter finds whole lines in a stream. The zero value is ready. It is used by one goroutine.
//
// It holds one line at most, and copies only what a piece leaves unfinished. After ErrTooLong it holds nothing and gives ErrTooLong
// for ever.
type Splitter struct {
	rest   []byte // begun and not ended
	broken bool
}

// Feed takes the next bytes and calls each for every line that is whole now, without its end. Empty lines are left out. line is valid
// until each returns. An error of each ends the feeding and is given back.
func (s *Splitter) Feed(chunk []byte, each func(line []byte) error) error {
	for len(chunk) > 0 && !s.broken {
		end := bytes.IndexByte(chunk, '\n')
		piece := chunk
		if end >= 0 {
			piece = chunk[:end]
		}
		if len(s.rest)+len(piece) > LineMax {
			s.rest, s.broken = nil, true
			break
		}
		if end < 0 {
			s.rest = append(s.rest, piece...)
			return nil
		}
		chunk = chunk[end+1:]
		line := piece
		if len(s.rest) > 0 {
			s.rest = append(s.rest, piece...)
			line, s.rest = s.rest, s.rest[:0]
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if err := each(line); err != nil {
			return err
		}
	}
	if s.broken {
		return ErrTooLong
	}
	return nil
}

// Rest gives what is left at the end of the stream: a line without its end, whole or cut.
func (s *Splitter) Rest() []byte {
	rest := bytes.TrimSpace(s.rest)
	s.rest = nil
	return rest
}
