package pagetest

import (
	"bytes"
	"testing"

	"github.com/a-h/templ"

	"tollgate/internal/golden"
)

// Golden compares what c renders with testdata/name.html, a tag a line.
func Golden(t *testing.T, name string, c templ.Component) {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, name+".html", append(bytes.ReplaceAll(b.Bytes(), []byte("><"), []byte(">\n<")), '\n'))
}
