package openaichat

import (
	"bytes"
	"encoding/json"
)

// arguing is the text of a call's arguments as it comes. It knows when that may be whole from the brackets, so that a long text is not
// read anew for each of its pieces.
type arguing struct {
	text    []byte
	depth   int
	quoted  bool // inside a string
	escaped bool
	closed  bool // the brackets have paired up
	spoilt  bool // something stands behind them
	judged  bool
	valid   bool
}

// scalarMax bounds arguments that are no object and no list: they are read anew for each piece.
const scalarMax = 256

func (a *arguing) take(piece string) {
	a.text = append(a.text, piece...)
	for i := range len(piece) {
		switch c := piece[i]; {
		case a.escaped:
			a.escaped = false
		case a.quoted:
			a.escaped, a.quoted = c == '\\', c != '"'
		case a.closed:
			a.spoilt = a.spoilt || c != ' ' && c != '\n' && c != '\r' && c != '\t'
		case c == '"':
			a.quoted = true
		case c == '{' || c == '[':
			a.depth++
		case c == '}' || c == ']':
			a.depth--
			a.closed = a.depth <= 0
		}
	}
}

// whole reports whether the text so far is valid JSON.
func (a *arguing) whole() bool {
	switch start := bytes.TrimLeft(a.text, " \n\r\t"); {
	case len(start) == 0:
		return false
	case start[0] != '{' && start[0] != '[':
		return len(a.text) <= scalarMax && json.Valid(a.text)
	case !a.closed || a.spoilt:
		return false
	}
	if !a.judged {
		a.judged, a.valid = true, json.Valid(a.text)
	}
	return a.valid
}
