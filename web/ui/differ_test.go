package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// FuzzDiffer holds that a difference is both texts at once, with their line numbers, and that a text does not differ from itself.
func FuzzDiffer(f *testing.F) {
	f.Add("a\nb\nc", "a\nc\nd")
	f.Add("", "x")
	f.Add("a\nb\nc\nd\ne", "a\nb\nX\nd\ne")
	f.Fuzz(func(t *testing.T, was, is string) {
		if len(was) > 400 || len(is) > 400 {
			return
		}
		a, b := strings.Split(was, "\n"), strings.Split(is, "\n")
		lines := Differ(a, b)
		checkDiffer(t, a, b, lines)
		if slices.Equal(a, b) && Changed(lines) {
			t.Errorf("a text differs from itself: %q", a)
		}
		for _, l := range DiffContext(lines, 1) {
			if !l.Skip && l.Old > 0 && a[l.Old-1] != l.Text {
				t.Errorf("line %d is %q, not %q", l.Old, a[l.Old-1], l.Text)
			}
		}
	})
}

func checkDiffer(t *testing.T, was, is []string, lines []DiffLine) {
	t.Helper()
	var before, after []string
	for _, l := range lines {
		if l.Old > 0 {
			if before = append(before, l.Text); l.Old != len(before) {
				t.Fatalf("line %d of the old text has number %d", len(before), l.Old)
			}
		}
		if l.New > 0 {
			if after = append(after, l.Text); l.New != len(after) {
				t.Fatalf("line %d of the new text has number %d", len(after), l.New)
			}
		}
	}
	if !slices.Equal(before, was) || !slices.Equal(after, is) {
		t.Fatalf("%q to %q reads %q and %q", was, is, before, after)
	}
}

func TestALongDifferenceIsToldAsOneBlock(t *testing.T) {
	t.Parallel()
	var was, is []string
	for i := range 5000 {
		was, is = append(was, fmt.Sprint("old ", i)), append(is, fmt.Sprint("new ", i))
	}
	was, is = append(append([]string{"head"}, was...), "tail"), append(append([]string{"head"}, is...), "tail")
	lines := Differ(was, is)
	checkDiffer(t, was, is, lines)
	if added, removed := DiffCount(lines); added != 5000 || removed != 5000 {
		t.Errorf("%d added, %d removed", added, removed)
	}
	if short := DiffContext(lines, 2); len(short) != 10_002 {
		t.Errorf("%d lines with context", len(short))
	}
}

func TestContextLeavesOutWhatDidNotChange(t *testing.T) {
	t.Parallel()
	was := strings.Split("a b c d e f g h i", " ")
	is := slices.Clone(was)
	is[4] = "E"
	var got []string
	for _, l := range DiffContext(Differ(was, is), 1) {
		got = append(got, l.sign()+l.Text)
	}
	if text := strings.Join(got, "|"); text != "3 lines unchanged|d|−e|+E|f|3 lines unchanged" {
		t.Error(text)
	}
}
