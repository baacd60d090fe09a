package golden

import (
	"path/filepath"
	"strings"
	"testing"
)

// recorder is a testing.TB that remembers failures instead of failing.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) { r.failed = format }

func TestEqualHoldsOnlyForTheSameBytes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file, got string
		fails     bool
	}{
		"the same text":   {"hello.txt", "hello\nworld\n", false},
		"another text":    {"hello.txt", "hello\nthere\n", true},
		"a shorter text":  {"hello.txt", "hello\n", true},
		"no file to meet": {"missing.txt", "hello\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t}
			compare(r, filepath.Join("testdata", tt.file), []byte(tt.got)) // not Equal: with -update that accepts
			if (r.failed != "") != tt.fails {
				t.Errorf("failed = %q, want a failure: %v", r.failed, tt.fails)
			}
		})
	}
}

func TestTheFirstDifferenceIsNamed(t *testing.T) {
	t.Parallel()
	got := firstDifference([]byte("a\nb\nc"), []byte("a\nx\nc"))
	if !strings.Contains(got, "line 2") || !strings.Contains(got, "want: b") || !strings.Contains(got, "got: x") {
		t.Errorf("got %q", got)
	}
}
