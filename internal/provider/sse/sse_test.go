package sse_test

import (
	"bytes"
	"errors"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/provider/sse"
)

type event struct{ Name, Data string }

// read feeds a stream in pieces and gives its events, the last one whether or not its blank line came.
func read(t testing.TB, stream []byte, size int) (events []event, forwarded []byte) {
	t.Helper()
	var s sse.Splitter
	each := func(block []byte) {
		forwarded = append(forwarded, block...)
		for len(block) > 0 {
			e, rest := sse.Next(block)
			if len(rest) >= len(block) {
				t.Fatal("Next does not go on")
			}
			if e.Data != nil {
				events = append(events, event{string(e.Name), string(e.Data)})
			}
			block = rest
		}
	}
	for at := 0; at < len(stream); at += size {
		block, err := s.Feed(stream[at:min(at+size, len(stream))])
		if err != nil {
			t.Fatal(err)
		}
		each(block)
	}
	each(s.Rest())
	return events, forwarded
}

func TestEventsAreFoundWhateverTheChunks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, stream string
		want         []event
	}{
		{"plain", "data: a\n\ndata: b\n\n", []event{{"", "a"}, {"", "b"}}},
		{"CRLF", "event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n", []event{{"x", "a"}, {"", "b"}}},
		{"comments and blank lines between", ": hi\n\n\n\n: ho\ndata: a\n\n", []event{{"", "a"}}},
		{"several data lines", "data: a\ndata:b\ndata\ndata:  c\n\n", []event{{"", "a\nb\n\n c"}}},
		{"no last blank line", "data: a\n\ndata: b", []event{{"", "a"}, {"", "b"}}},
		{"padding behind the value", "data: {}   \n\n", []event{{"", "{}   "}}},
		{"fields that mean nothing here", "id: 1\nretry: 5\ndatax: 1\ndata: a\n\n", []event{{"", "a"}}},
		{"nothing", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for size := 1; size <= len(tt.stream)+1; size++ {
				got, forwarded := read(t, []byte(tt.stream), size)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Fatalf("pieces of %d:\n%s", size, diff)
				}
				if string(forwarded) != tt.stream {
					t.Fatalf("pieces of %d: %q came out", size, forwarded)
				}
			}
		})
	}
}

func TestWholeEventsAreNotCopied(t *testing.T) { //nolint:paralleltest // counts allocations
	var s sse.Splitter
	chunk := []byte("data: a\n\ndata: b\n\n")
	out, err := s.Feed(chunk)
	if err != nil || &out[0] != &chunk[0] || len(out) != len(chunk) {
		t.Errorf("the chunk was copied (%v)", err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := s.Feed(chunk); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAnEventWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	var s sse.Splitter
	piece := bytes.Repeat([]byte("x"), 1<<20)
	for range 17 {
		if _, err := s.Feed(piece); err != nil {
			if !errors.Is(err, sse.ErrTooLong) {
				t.Fatal(err)
			}
			return
		}
	}
	t.Error("17 MiB without a blank line were taken")
}

func FuzzSplitter(f *testing.F) {
	f.Add([]byte("data: a\r\n\r\ndata: b\n\n: c\n\n\n"), uint8(3))
	f.Add([]byte("event: e\ndata: 1\ndata: 2\n\n"), uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		want, _ := read(t, stream, len(stream)+1)
		got, forwarded := read(t, stream, int(size)+1)
		if !bytes.Equal(forwarded, stream) {
			t.Fatalf("%q came out of %q", forwarded, stream)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("events depend on the pieces:\n%s", diff)
		}
	})
}

func TestAnEventOf64MiBIsNotHeld(t *testing.T) { //nolint:paralleltest // measures memory
	var s sse.Splitter
	chunk := bytes.Repeat([]byte{'x'}, 1<<20)
	copy(chunk, "data: ")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var err error
	for range 64 {
		out, e := s.Feed(chunk)
		if e != nil {
			err = e
		}
		if len(out) > 0 {
			t.Fatal("an event came out")
		}
	}
	runtime.ReadMemStats(&after)
	if !errors.Is(err, sse.ErrTooLong) || len(s.Rest()) != 0 {
		t.Errorf("err = %v, and it is held", err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8*sse.EventMax {
		t.Errorf("%d MiB were allocated", grown>>20)
	}
	if _, err := s.Feed([]byte("data: a\n\n")); !errors.Is(err, sse.ErrTooLong) {
		t.Errorf("after that: %v", err)
	}
}
