package openaicompletions_test

import (
	"strings"
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/openaicompletions"
)

func TestAStreamOfBarePiecesEndsWithItsBody(t *testing.T) {
	t.Parallel()
	const body = "data: {\"value\":\" he\"}\n\ndata: {\"value\":\" said \\\"choices\\\"\"}\n\n"
	for size := 1; size <= len(body); size++ {
		tap := openaicompletions.Dialect{}.NewTap(provider.Head{Stream: true})
		var out strings.Builder
		for rest := body; rest != ""; {
			n := min(size, len(rest))
			out.Write(tap.Feed([]byte(rest[:n])))
			rest = rest[n:]
		}
		if s := tap.Seen(); !s.Started || s.Ended {
			t.Fatalf("pieces of %d, before the end: %+v", size, s)
		}
		out.Write(tap.Close())
		if s := tap.Seen(); out.String() != body || !s.Ended || s.OutputBytes < 3 || s.OutputBytes > int64(len(body)) {
			t.Fatalf("pieces of %d: %q, %+v", size, out.String(), s)
		}
	}
}

func TestAStreamWithChoicesStillNeedsItsEnd(t *testing.T) {
	t.Parallel()
	tap := openaicompletions.Dialect{}.NewTap(provider.Head{Stream: true})
	tap.Feed([]byte("data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"text\":\"a {\\\"value\\\":\",\"finish_reason\":null}]}\n\n"))
	tap.Close()
	if s := tap.Seen(); s.Ended || !s.Started {
		t.Errorf("%+v", s)
	}
}
