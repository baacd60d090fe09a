package aliasfile_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"tollgate/internal/alias/aliasfile"
)

func TestADifferenceShowsWhatChangedAndWhatStandsAroundIt(t *testing.T) {
	t.Parallel()
	old := "a\nb\nc\nd\ne\nf\ng\nh\n"
	is := "a\nb\nc\nD\ne\nf\ng\ng2\nh\n"
	var b strings.Builder
	for _, l := range aliasfile.Unified(old, is, 1) {
		fmt.Fprintf(&b, "%c%s %d %d\n", l.Kind, l.Text, l.Old, l.New)
	}
	want := "@line 3 3 3\n c 3 3\n-d 4 0\n+D 0 4\n e 5 5\n@line 7 7 7\n g 7 7\n+g2 0 8\n h 8 9\n"
	if b.String() != want {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
	if got := aliasfile.Unified(old, old, 3); len(got) != 0 {
		t.Errorf("%v between equal texts", got)
	}
}

// With enough context both texts can be put together from their difference.
func TestADifferenceLosesNothing(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	random := func() string {
		var b strings.Builder
		for range r.IntN(12) {
			fmt.Fprintf(&b, "%d\n", r.IntN(4))
		}
		return b.String()
	}
	for range 2000 {
		a, b := random(), random()
		var old, is strings.Builder
		for _, l := range aliasfile.Unified(a, b, 100) {
			if l.Kind != '+' {
				fmt.Fprintln(&old, l.Text)
			}
			if l.Kind != '-' {
				fmt.Fprintln(&is, l.Text)
			}
		}
		if a != b && (old.String() != a || is.String() != b) {
			t.Fatalf("%q and %q became %q and %q", a, b, old.String(), is.String())
		}
	}
}
