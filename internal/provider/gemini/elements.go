package gemini

import (
	"tollgate/internal/provider/sse"
)

// elements finds the whole elements of a JSON array that comes in pieces, and keeps no more than one that is not whole. A body that is one
// object instead of an array is an element. The zero value is ready. It is used by one goroutine.
type elements struct {
	rest []byte
	used int // how much of rest the last feed gave away
	seen int // how much of rest has been looked at

	inArray bool
	inText  bool // inside a string
	escaped bool
	depth   int // of brackets in an element
	from    int // where the element begins
	closed  bool

	found []bounds
}

// bounds are where an element stands in what feed gave.
type bounds struct{ from, to int }

// feed takes the next bytes and gives all up to the last whole element, or up to the end of the array; where the elements stand is in
// found. The result is valid until the next call.
func (e *elements) feed(chunk []byte) ([]byte, error) {
	if e.used > 0 {
		n := copy(e.rest, e.rest[e.used:])
		e.rest = e.rest[:n]
		e.seen -= e.used
		e.from -= e.used
		e.used = 0
	}
	e.rest = append(e.rest, chunk...)
	e.found = e.found[:0]
	for ; e.seen < len(e.rest); e.seen++ {
		e.step(e.rest[e.seen])
	}
	if e.closed {
		e.used = len(e.rest) // white space
	}
	if len(e.rest)-e.used > sse.EventMax {
		return e.rest[:e.used], sse.ErrTooLong
	}
	return e.rest[:e.used], nil
}

// step looks at the byte at e.seen.
func (e *elements) step(c byte) {
	switch {
	case e.closed: // nothing counts any more
	case e.escaped:
		e.escaped = false
	case e.inText:
		e.escaped = c == '\\'
		e.inText = c != '"'
	case c == '"':
		e.inText = true
	case c == '[' && e.depth == 0 && !e.inArray:
		e.inArray = true
	case c == '{' || c == '[':
		if e.depth == 0 {
			e.from = e.seen
		}
		e.depth++
	case (c == '}' || c == ']') && e.depth > 0:
		if e.depth--; e.depth == 0 {
			e.used = e.seen + 1
			e.found = append(e.found, bounds{e.from, e.used})
		}
	case c == ']' && e.inArray:
		e.closed = true
	}
}
