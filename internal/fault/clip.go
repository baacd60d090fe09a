package fault

import "strings"

// ClipMax is how many bytes of what a caller sent a message says back.
const ClipMax = 100

// Clip bounds what a caller sent before a message says it back; it stays valid UTF-8.
func Clip(s string) string {
	if len(s) > ClipMax {
		return strings.ToValidUTF8(s[:ClipMax], "") + "…"
	}
	return s
}
