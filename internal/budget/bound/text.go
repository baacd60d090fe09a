package bound

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// weigh is the most tokens that the text in a JSON document has: its bytes.
//
// A byte-level vocabulary covers at least one byte by each token, so bytes are a bound of tokens. Three things make a text longer on its
// way to the vocabulary, and weigh more than they have bytes: a byte that is no UTF-8 becomes U+FFFD; some tokenizers normalize (NFKC)
// first, which writes a few characters out; and an escape stands for a character that may be one of those.
func weigh(raw []byte) int64 {
	n := int64(len(raw))
	for i := 0; i < len(raw); {
		i = odd(raw, i)
		if i >= len(raw) {
			break
		}
		switch c := raw[i]; {
		case c == '\\' && i+1 < len(raw) && raw[i+1] == 'u':
			r, size := escape(raw[i:])
			n += weight(r) - int64(size)
			i += size
		case c == '\\':
			i += 2
		default:
			r, size := utf8.DecodeRune(raw[i:])
			n += weight(r) - int64(size)
			i += size
		}
	}
	return n
}

// odd is the first index from i on at which something stands that is not one byte of ASCII: eight at a time, because most are.
func odd(raw []byte, i int) int {
	const high, ones, slash = 0x8080808080808080, 0x0101010101010101, 0x5c5c5c5c5c5c5c5c
	for ; i+8 <= len(raw); i += 8 {
		w := binary.LittleEndian.Uint64(raw[i:])
		x := w ^ slash // a zero byte where a backslash stands
		if (w|(x-ones)&^x)&high != 0 {
			break
		}
	}
	for i < len(raw) && raw[i] < utf8.RuneSelf && raw[i] != '\\' {
		i++
	}
	return i
}

// escape reads \uXXXX; half a pair counts for itself.
func escape(raw []byte) (r rune, size int) {
	if len(raw) < 6 {
		return utf8.RuneError, len(raw)
	}
	v, err := strconv.ParseUint(string(raw[2:6]), 16, 16)
	if err != nil {
		return utf8.RuneError, 6
	}
	return rune(v), 6
}

// weight is the most bytes that a character has, as it is or normalized. A test holds it to the tables of Unicode.
func weight(r rune) int64 {
	switch {
	case r < utf8.RuneSelf:
		return 1
	case r < 0x400: // "¼", "ŉ", "ΰ"
		return 6
	case r >= 0x580 && r < 0x1000: // letters with signs around them
		return 9
	case r >= 0x1F00 && r < 0x2000: // Greek with accents
		return 6
	case r >= 0x2000 && r < 0x3000: // signs of several: "⁗", "⨌"
		return 12
	case r >= 0x309B && r <= 0x30FF && (r < 0x30A1 || r > 0x30FA):
		return 6
	case r >= 0x3200 && r < 0x3400: // words and numbers in one square
		return 18
	case r >= 0xFA00 && r < 0xFB00:
		return 4
	case r >= 0xFB00 && r < 0xFF00: // ligatures and presentation forms: one is a whole sentence
		return 33
	case r >= 0x1D100 && r < 0x1D200: // notes of music
		return 12
	case r >= 0x1F100 && r < 0x1F300: // letters in frames
		return 9
	}
	if n := utf8.RuneLen(r); n > 0 {
		return int64(n)
	}
	return int64(utf8.RuneLen(utf8.RuneError)) // half a pair, which is written so
}

// escaped reports whether the key that opens at from in raw is written with an escape. Nobody does, but to be read differently by two.
func escaped(raw []byte, from int, key []byte) bool {
	return !bytes.HasPrefix(raw[from+1:], key) || len(raw) <= from+1+len(key) || raw[from+1+len(key)] != '"'
}
