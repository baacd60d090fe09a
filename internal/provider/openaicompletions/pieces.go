package openaicompletions

import (
	"bytes"

	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
)

// piecesTap watches a stream that may be Writer's: its events are bare pieces of text ({"value":"…"}), without choices, usage or an
// end mark. Such a stream is over when its body ends as HTTP demands; nothing else tells a whole one from one that was cut.
type piecesTap struct {
	provider.Tap
	bare  bool
	bytes int64
	ended bool
}

var (
	piece  = []byte(`{"value":`)
	choice = []byte(`"choices"`)
)

// NewTap watches a stream go by.
func (Dialect) NewTap(h provider.Head) provider.Tap {
	return &piecesTap{Tap: openaichat.Dialect{}.NewTap(h)}
}

// Feed implements provider.Tap.
func (t *piecesTap) Feed(chunk []byte) []byte { return t.look(t.Tap.Feed(chunk)) }

// Close implements provider.Tap.
func (t *piecesTap) Close() []byte {
	out := t.look(t.Tap.Close())
	t.ended = t.bare
	return out
}

// look finds pieces among the events that pass; they are whole.
func (t *piecesTap) look(out []byte) []byte {
	if n := bytes.Count(out, piece); n > 0 && !bytes.Contains(out, choice) {
		t.bare = true
		t.bytes += int64(len(out) - n*len("data: {\"value\":\"\"}\n\n"))
	}
	return out
}

// Seen implements provider.Tap.
func (t *piecesTap) Seen() provider.Seen {
	seen := t.Tap.Seen()
	if t.bare && seen.Refusal == nil {
		seen.Started, seen.Ended = true, seen.Ended || t.ended
		seen.OutputBytes += max(t.bytes, 0)
	}
	return seen
}
