package wire

// Edit replaces b[From:To] by With.
type Edit struct {
	From, To int
	With     string
}

// Size is how long b is after the edits.
func Size(b []byte, edits []Edit) int {
	size := len(b)
	for _, e := range edits {
		size += len(e.With) - (e.To - e.From)
	}
	return size
}

// Apply gives a copy of b with the edits made. They must be in order and must not overlap.
func Apply(b []byte, edits []Edit) []byte { return Append(make([]byte, 0, Size(b, edits)), b, edits) }

// Append is Apply at the end of dst, which must not share memory with b.
func Append(dst, b []byte, edits []Edit) []byte {
	at := 0
	for _, e := range edits {
		dst = append(dst, b[at:e.From]...)
		dst = append(dst, e.With...)
		at = e.To
	}
	return append(dst, b[at:]...)
}
