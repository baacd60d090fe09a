package providertest_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/cohere"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/openairesponses"
	"tollgate/internal/provider/providertest"
	"tollgate/internal/provider/sse"
)

// The targets whose streams are server-sent events, with a whole stream of each from its own cases.
var eventStreams = []struct {
	d    provider.ChatTarget
	file string
}{
	{openaichat.Dialect{}, "openaichat/testdata/tools-parallel.sse"},
	{openairesponses.Dialect{}, "openairesponses/testdata/text.sse"},
	{anthropic.Dialect{}, "anthropic/testdata/tools.sse"},
	{cohere.Chat{}, "cohere/testdata/chat/tools.sse"},
}

func wholeStream(t *testing.T, d provider.ChatTarget, file string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatalf("%s: %v", d.Name(), err)
	}
	return body
}

func eventsOf(t *testing.T, d provider.ChatTarget, stream []byte) []chat.Event {
	t.Helper()
	events, err := providertest.Read(d.NewReader(), stream)
	if err != nil {
		t.Fatalf("%v in\n%q", err, stream)
	}
	return events
}

// forwarded is what a tap passes on of a stream that comes in small pieces.
func forwarded(d provider.ChatTarget, stream []byte) []byte {
	tap := d.NewTap(provider.Head{Stream: true, IncludeUsage: true})
	var out []byte
	for at := 0; at < len(stream); at += 50 {
		out = append(out, tap.Feed(stream[at:min(at+50, len(stream))])...)
	}
	return append(out, tap.Close()...)
}

// A comment, an event of no data, or padding may stand before any line, and any line may end in CRLF: the answer is the same.
func TestNoiseInAnyPositionChangesNothing(t *testing.T) {
	t.Parallel()
	for _, s := range eventStreams {
		t.Run(string(s.d.Name()), func(t *testing.T) {
			t.Parallel()
			stream := wholeStream(t, s.d, s.file)
			want := eventsOf(t, s.d, stream)
			lines := bytes.SplitAfter(stream, []byte("\n"))
			for at := range lines {
				head, tail := bytes.Join(lines[:at], nil), bytes.Join(lines[at:], nil)
				for _, noise := range []string{": keep-alive\n", ":\n", ": a\r\n", "id: 7\n", "retry: 10\n"} {
					noisy := append(append(bytes.Clone(head), noise...), tail...)
					if diff := cmp.Diff(want, eventsOf(t, s.d, noisy), cmpErrors()); diff != "" {
						t.Fatalf("%q before line %d:\n%s", noise, at, diff)
					}
					if out := forwarded(s.d, noisy); provider.Carries(s.d, s.d.Name()) && !bytes.Equal(out, noisy) {
						t.Fatalf("%q before line %d: the tap forwards %q", noise, at, out)
					}
				}
				if line := lines[at]; bytes.HasSuffix(line, []byte("\n")) { // one line alone, among others that end otherwise
					crlf := append(append(bytes.Clone(head), bytes.TrimSuffix(line, []byte("\n"))...), "\r\n"...)
					crlf = append(crlf, bytes.Join(lines[at+1:], nil)...)
					if diff := cmp.Diff(want, eventsOf(t, s.d, crlf), cmpErrors()); diff != "" {
						t.Fatalf("CRLF at line %d:\n%s", at, diff)
					}
				}
			}
			all := bytes.ReplaceAll(stream, []byte("\n"), []byte("\r\n"))
			if diff := cmp.Diff(want, eventsOf(t, s.d, all), cmpErrors()); diff != "" {
				t.Errorf("CRLF everywhere:\n%s", diff)
			}
		})
	}
}

// An event of 64 MiB ends the stream in a declared failure, for readers and for taps, and is not held.
func TestAnEventOf64MiBEndsTheStream(t *testing.T) {
	t.Parallel()
	for _, s := range eventStreams {
		t.Run(string(s.d.Name()), func(t *testing.T) {
			t.Parallel()
			chunk := bytes.Repeat([]byte("x"), 1<<20)
			copy(chunk, "data: {")
			r, tap := s.d.NewReader(), s.d.NewTap(provider.Head{Stream: true})
			var err error
			for range 64 {
				if err == nil {
					err = r.Feed(chunk, func(chat.Event) { t.Error("an event came out") })
				}
				if out := tap.Feed(chunk); len(out) > 0 {
					t.Fatal("something was forwarded")
				}
			}
			tap.Close()
			if !errors.Is(err, sse.ErrTooLong) {
				t.Errorf("the reader gives %v", err)
			}
			if seen := tap.Seen(); seen.Refusal == nil || seen.Ended {
				t.Errorf("the tap saw %+v", seen)
			}
		})
	}
}
