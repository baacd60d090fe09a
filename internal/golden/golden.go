// Package golden compares what a test made with a file that a person has read and accepted.
//
// A missing file fails: it is made by `go test ./that/package -update`, and the reviewer reads the diff.
package golden

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// update is the one flag that this package adds to a test binary; flags have to be package variables.
var update = flag.Bool("update", false, "accept what the tests make: write testdata/ instead of comparing")

// Equal fails t unless got equals the file testdata/name, byte for byte. name may hold slashes.
func Equal(t testing.TB, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // test data is public
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil { //nolint:gosec // test data is public
			t.Fatal(err)
		}
		return
	}
	compare(t, file, got)
}

func compare(t testing.TB, file string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(file) //nolint:gosec // the name comes from the test
	if err != nil {
		t.Errorf("%v (make it with -update and read it)", err)
		return
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (accept with -update):\n%s", file, firstDifference(want, got))
	}
}

// firstDifference shows the first differing line of two texts with the line before it.
func firstDifference(want, got []byte) string {
	w, g := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	i := 0
	for i < len(w) && i < len(g) && bytes.Equal(w[i], g[i]) {
		i++
	}
	line := func(lines [][]byte) string {
		if i >= len(lines) {
			return "(the text ends here)"
		}
		return clip(lines[i])
	}
	return fmt.Sprintf("line %d\n  want: %s\n   got: %s", i+1, line(w), line(g))
}

func clip(line []byte) string {
	const most = 600
	if len(line) > most {
		return string(line[:most]) + " …"
	}
	return string(line)
}
