package ndjson_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/provider/ndjson"
)

func split(t *testing.T, stream string, size int) (lines []string, rest string) {
	t.Helper()
	var s ndjson.Splitter
	for at := 0; at < len(stream); at += size {
		chunk := []byte(stream[at:min(at+size, len(stream))])
		if err := s.Feed(chunk, func(line []byte) error { lines = append(lines, string(line)); return nil }); err != nil {
			t.Fatal(err)
		}
		clear(chunk) // the splitter must not hold on to it
	}
	return lines, string(s.Rest())
}

func TestLinesAreTheSameHoweverTheyAreCut(t *testing.T) {
	t.Parallel()
	const stream = "{\"a\":1}\n\n{\"b\":\"\\n\"}\r\n\r\n  {\"c\":3} \n{\"d\""
	want := []string{`{"a":1}`, `{"b":"\n"}`, `{"c":3}`}
	for size := 1; size <= len(stream); size++ {
		lines, rest := split(t, stream, size)
		if diff := cmp.Diff(want, lines); diff != "" || rest != `{"d"` {
			t.Fatalf("pieces of %d: rest %q\n%s", size, rest, diff)
		}
	}
}

func TestAnErrorEndsTheFeeding(t *testing.T) {
	t.Parallel()
	var s ndjson.Splitter
	n := 0
	err := s.Feed([]byte("1\n2\n3\n"), func([]byte) error { n++; return io.ErrUnexpectedEOF })
	if !errors.Is(err, io.ErrUnexpectedEOF) || n != 1 {
		t.Errorf("%d lines, %v", n, err)
	}
}

func TestALineOf64MiBIsRefusedWithoutBeingHeld(t *testing.T) { //nolint:paralleltest // measures memory
	var s ndjson.Splitter
	chunk := bytes.Repeat([]byte{'x'}, 1<<20)
	none := func([]byte) error { t.Error("a line came out"); return nil }
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var err error
	for range 64 {
		if e := s.Feed(chunk, none); e != nil {
			err = e
		}
	}
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ndjson.ErrTooLong) {
		t.Errorf("err = %v", err)
	}
	if len(s.Rest()) != 0 {
		t.Error("it is held")
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8*ndjson.LineMax {
		t.Errorf("%d MiB were allocated", grown>>20)
	}
	if err := s.Feed([]byte("{}\n"), none); !errors.Is(err, ndjson.ErrTooLong) {
		t.Errorf("after that: %v", err)
	}
}

// A line that comes whole in one piece has the same bound.
func TestALongLineInOnePieceIsRefused(t *testing.T) {
	t.Parallel()
	var s ndjson.Splitter
	err := s.Feed([]byte(strings.Repeat("x", ndjson.LineMax+1)+"\n"), func([]byte) error { t.Error("a line came out"); return nil })
	if !errors.Is(err, ndjson.ErrTooLong) {
		t.Errorf("err = %v", err)
	}
}

// Whatever bytes come and however they are cut, the lines are those of the whole.
func FuzzSplit(f *testing.F) {
	f.Add("{\"a\":1}\r\n{\"b\":2}\n", uint8(3))
	f.Fuzz(func(t *testing.T, stream string, size uint8) {
		var want []string
		parts := strings.Split(stream, "\n")
		for _, line := range parts[:len(parts)-1] {
			if line = string(bytes.TrimSpace([]byte(line))); line != "" {
				want = append(want, line)
			}
		}
		lines, rest := split(t, stream, int(size)+1)
		if diff := cmp.Diff(want, lines); diff != "" || rest != string(bytes.TrimSpace([]byte(parts[len(parts)-1]))) {
			t.Fatalf("rest %q\n%s", rest, diff)
		}
	})
}
