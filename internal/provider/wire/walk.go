// Package wire is JSON at the level of bytes: walking one object or array without decoding it, and appending values.
//
// A Walker checks the level it walks strictly (keys, colons, commas, literals, numbers, nothing behind the end) and of
// the values below it only their structure: brackets pair up, strings end. What else is wrong deeper down is for whoever
// decodes the value. Skipping a string costs what finding its closing quote costs, so a long prompt is passed at memchr speed.
package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// depthMax bounds nesting, so that hostile input cannot cost more than its length.
const depthMax = 1024

// SyntaxError says where and why a text is no JSON. Offset counts bytes from 0.
type SyntaxError struct {
	Offset int
	Reason string
}

func (e *SyntaxError) Error() string { return e.Reason + " at byte " + strconv.Itoa(e.Offset) }

// Walker steps through the members of one object, or the elements of one array. Make it with Walk.
type Walker struct {
	Key     []byte // of an object's member, unescaped; valid until the next step
	KeyFrom int    // where the key's opening quote is
	Comma   int    // where the comma before this member is; -1 for the first
	From    int    // the value is b[From:To]
	To      int

	b      []byte
	pos    int
	close  byte
	opened bool
	ended  bool
	prefix bool
	err    *SyntaxError
}

// Walk makes a walker over the object or array that b holds, space around it allowed. Call Next until it is false, then Err.
func Walk(b []byte) Walker {
	w := Walker{b: b, Comma: -1}
	w.pos = space(b, 0)
	switch {
	case w.pos < len(b) && b[w.pos] == '{':
		w.close = '}'
	case w.pos < len(b) && b[w.pos] == '[':
		w.close = ']'
	default:
		w.fail(w.pos, "an object or array was expected")
	}
	return w
}

// WalkPrefix is Walk over a text that may go on behind the end of the object or array.
func WalkPrefix(b []byte) Walker {
	w := Walk(b)
	w.prefix = true
	return w
}

// IsObject reports whether an object is being walked.
func (w *Walker) IsObject() bool { return w.close == '}' }

// Err is nil when the walk came to the end of a well-formed text.
func (w *Walker) Err() error {
	if w.err == nil {
		return nil
	}
	return w.err
}

// Next goes to the next member. It is false at the end and at the first error.
func (w *Walker) Next() bool {
	if w.err != nil || w.ended {
		return false
	}
	b := w.b
	if !w.opened {
		w.opened = true
		w.pos = space(b, w.pos+1)
		if w.pos < len(b) && b[w.pos] == w.close {
			return w.end()
		}
	} else {
		w.pos = space(b, w.pos)
		switch {
		case w.pos >= len(b):
			return w.fail(w.pos, "the text ends too early")
		case b[w.pos] == w.close:
			return w.end()
		case b[w.pos] != ',':
			return w.fail(w.pos, "a comma was expected")
		}
		w.Comma = w.pos
		w.pos = space(b, w.pos+1)
	}
	if w.close == '}' && !w.key() {
		return false
	}
	return w.value()
}

func (w *Walker) key() bool {
	b := w.b
	if w.pos >= len(b) || b[w.pos] != '"' {
		return w.fail(w.pos, "a key in quotes was expected")
	}
	w.KeyFrom = w.pos
	end := stringEnd(b, w.pos)
	if end < 0 {
		return w.fail(len(b), "a string does not end")
	}
	w.Key = b[w.pos+1 : end-1]
	if bytes.IndexByte(w.Key, '\\') >= 0 {
		// Rare, and never skipped: a provider would read "mod\u0065l" as model.
		var s string
		if json.Unmarshal(b[w.pos:end], &s) != nil {
			return w.fail(w.pos, "a key is not a valid string")
		}
		w.Key = []byte(s)
	}
	w.pos = space(b, end)
	if w.pos >= len(b) || b[w.pos] != ':' {
		return w.fail(w.pos, "a colon was expected")
	}
	w.pos = space(b, w.pos+1)
	return true
}

func (w *Walker) value() bool {
	to, reason := skip(w.b, w.pos)
	if reason != "" {
		return w.fail(to, reason)
	}
	w.From, w.To, w.pos = w.pos, to, to
	return true
}

func (w *Walker) end() bool {
	w.ended = true
	if w.prefix {
		return false
	}
	if at := space(w.b, w.pos+1); at != len(w.b) {
		return w.fail(at, "there is text behind the end")
	}
	return false
}

func (w *Walker) fail(at int, reason string) bool {
	w.err = &SyntaxError{Offset: at, Reason: reason}
	return false
}

// Value is the raw value of the current member.
func (w *Walker) Value() []byte { return w.b[w.From:w.To] }

// IsNull reports whether the current value is null.
func (w *Walker) IsNull() bool { return w.b[w.From] == 'n' }

// space gives the first index from i on that is no JSON white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skip gives the end of the value at i, or where and why there is none.
func skip(b []byte, i int) (int, string) {
	if i >= len(b) {
		return i, "the text ends too early"
	}
	switch c := b[i]; {
	case c == '"':
		if end := stringEnd(b, i); end >= 0 {
			return end, ""
		}
		return len(b), "a string does not end"
	case c == '{' || c == '[':
		return skipNested(b, i)
	case c == 't':
		return literal(b, i, "true")
	case c == 'f':
		return literal(b, i, "false")
	case c == 'n':
		return literal(b, i, "null")
	case c == '-' || (c >= '0' && c <= '9'):
		return number(b, i)
	}
	return i, "a value was expected"
}

// stringEnd gives the index behind the closing quote of the string that opens at i, or -1.
func stringEnd(b []byte, i int) int {
	for j := i + 1; ; {
		n := bytes.IndexByte(b[j:], '"')
		if n < 0 {
			return -1
		}
		j += n
		slashes := 0
		for b[j-1-slashes] == '\\' { // stops at the opening quote at the latest
			slashes++
		}
		j++
		if slashes%2 == 0 {
			return j
		}
	}
}

// skipNested passes an object or array, checking that its brackets pair up.
func skipNested(b []byte, i int) (int, string) {
	var stack [depthMax / 64]uint64 // a bit a level: 1 is an object
	depth := 0
	for i < len(b) {
		switch c := b[i]; c {
		case '"':
			end := stringEnd(b, i)
			if end < 0 {
				return len(b), "a string does not end"
			}
			i = end
			continue
		case '{', '[':
			if depth == depthMax {
				return i, "the text is nested too deeply"
			}
			bit := uint64(1) << (depth % 64)
			stack[depth/64] &^= bit
			if c == '{' {
				stack[depth/64] |= bit
			}
			depth++
		case '}', ']':
			depth--
			object := stack[depth/64]>>(depth%64)&1 == 1
			if object != (c == '}') {
				return i, "a bracket does not match"
			}
			if depth == 0 {
				return i + 1, ""
			}
		}
		i++
	}
	return len(b), "the text ends too early"
}

func literal(b []byte, i int, want string) (int, string) {
	if len(b)-i < len(want) || string(b[i:i+len(want)]) != want {
		return i, "a value was expected"
	}
	return i + len(want), ""
}

// number passes a number by JSON's grammar.
func number(b []byte, i int) (int, string) {
	start := i
	if b[i] == '-' {
		i++
	}
	whole := i
	i = digits(b, i)
	if i == whole || (b[whole] == '0' && i-whole > 1) {
		return start, "a number is not valid"
	}
	if i < len(b) && b[i] == '.' {
		frac := i + 1
		if i = digits(b, frac); i == frac {
			return start, "a number is not valid"
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		exp := i
		if i = digits(b, exp); i == exp {
			return start, "a number is not valid"
		}
	}
	return i, ""
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}
