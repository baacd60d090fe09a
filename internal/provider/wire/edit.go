package wire

// Edit replaces b[From:To] by With.
type Edit struct {
	From, To int
	With     string
}

// Apply gives a copy of b with the edits made. They must be in order and must not overlap.
func Apply(b []byte, edits []Edit) []byte {
	size := len(b)
	for _, e := range edits {
		size += len(e.With) - (e.To - e.From)
	}
	out := make([]byte, 0, size)
	at := 0
	for _, e := range edits {
		out = append(out, b[at:e.From]...)
		out = append(out, e.With...)
		at = e.To
	}
	return append(out, b[at:]...)
}
