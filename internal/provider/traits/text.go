package traits

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tollgate/internal/provider/wire"
)

// tail is how much of TextMax is for the end of a long text: the question often stands behind the material.
const tail = 1024

// newest is the text of the newest turn of the user.
func (s *scan) newest() string {
	if s.last == nil {
		return ""
	}
	raw := s.last
	if s.plain && len(raw) > TextMax {
		head := spoken(nil, raw[1:len(raw)-1], TextMax-tail-1)
		end := raw[len(raw)-1-tail : len(raw)-1]
		if i := strings.IndexAny(string(end), " \\"); i >= 0 { // not in the midst of a character or an escape
			end = end[i:]
			if end[0] == '\\' && len(end) > 2 {
				end = end[2:]
			}
		}
		return strings.ToValidUTF8(string(spoken(append(head, '\n'), end, TextMax)), "")
	}
	return string(words(nil, raw, TextMax))
}

// words appends the text of a value up to limit bytes: a string, parts with text, or an object that holds such.
func words(dst, raw []byte, limit int) []byte {
	switch raw[0] {
	case '"':
		return spoken(dst, raw[1:len(raw)-1], limit)
	case '[':
		w := wire.Walk(raw)
		for w.Next() && len(dst) < limit {
			dst = words(dst, w.Value(), limit)
		}
	case '{':
		if text := field(raw, "text"); text != nil && text[0] == '"' {
			if len(dst) > 0 && len(dst) < limit {
				dst = append(dst, '\n')
			}
			return words(dst, text, limit)
		}
		if parts := field(raw, "parts"); parts != nil && parts[0] == '[' {
			return words(dst, parts, limit)
		}
	}
	return dst
}

// spoken appends the characters that the inside of a JSON string stands for, up to limit bytes. What is no valid escape is left out.
func spoken(dst, raw []byte, limit int) []byte {
	for i := 0; i < len(raw) && len(dst) < limit; {
		c := raw[i]
		if c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		if i+1 >= len(raw) {
			break
		}
		i += 2
		switch raw[i-1] {
		case 'n', 'r':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case '"', '\\', '/':
			dst = append(dst, raw[i-1])
		case 'u':
			r, n := escaped(raw[i:])
			if len(dst)+utf8.RuneLen(r) > limit {
				return whole(dst)
			}
			dst = utf8.AppendRune(dst, r)
			i += n
		}
	}
	return whole(dst)
}

// escaped reads the digits behind \u, and a second half of a pair; n is how much was read.
func escaped(raw []byte) (r rune, n int) {
	hex := func(b []byte) (rune, bool) {
		if len(b) < 4 {
			return 0, false
		}
		v, err := strconv.ParseUint(string(b[:4]), 16, 16)
		return rune(v), err == nil
	}
	first, ok := hex(raw)
	if !ok {
		return utf8.RuneError, 0
	}
	if !utf16.IsSurrogate(first) {
		return first, 4
	}
	if len(raw) >= 10 && raw[4] == '\\' && raw[5] == 'u' {
		if second, ok := hex(raw[6:]); ok {
			return utf16.DecodeRune(first, second), 10
		}
	}
	return utf8.RuneError, 4
}

// whole cuts off a character of which only the beginning fitted.
func whole(b []byte) []byte {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return b[:i]
			}
			break
		}
	}
	return b
}
