package fault

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ClipMax is how many bytes of what a caller sent a message says back.
const ClipMax = 100

// Clip bounds what a caller sent before a message says it back; it stays valid UTF-8.
func Clip(s string) string {
	if len(s) > ClipMax {
		return strings.ToValidUTF8(s[:ClipMax], "") + "…"
	}
	return s
}

// OneLine reports text of at most so many characters that stands on one line: valid UTF-8 without control characters.
func OneLine(s string, most int) bool {
	return utf8.RuneCountInString(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
