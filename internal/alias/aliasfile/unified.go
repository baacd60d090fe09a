package aliasfile

import (
	"fmt"
	"strings"
)

// Line is a line of a difference.
type Line struct {
	Kind     byte // ' ' in both, '-' in the old text only, '+' in the new one only, '@' lines between are left out
	Old, New int  // number in the text, from 1; 0: not in it
	Text     string
}

// cellsMax bounds the work of comparing: beyond it what differs is shown as a whole.
const cellsMax = 4_000_000

// Unified compares two texts by lines and keeps context lines around each difference. Equal texts have no lines.
func Unified(old, is string, context int) []Line {
	if old == is {
		return nil
	}
	a, b := lines(old), lines(is)
	var out []Line
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		out = append(out, Line{' ', head + 1, head + 1, a[head]})
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	out = append(out, middle(a[head:len(a)-tail], b[head:len(b)-tail], head)...)
	for i := tail; i > 0; i-- {
		out = append(out, Line{' ', len(a) - i + 1, len(b) - i + 1, a[len(a)-i]})
	}
	return around(out, context)
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// middle compares what is left between the common ends; from is the number of lines before it.
func middle(a, b []string, from int) (out []Line) {
	i, j := 0, 0
	drop := func() { out = append(out, Line{'-', from + i + 1, 0, a[i]}); i++ }
	take := func() { out = append(out, Line{'+', 0, from + j + 1, b[j]}); j++ }
	if len(a)*len(b) <= cellsMax {
		longest := subsequence(a, b)
		for i < len(a) && j < len(b) {
			switch {
			case a[i] == b[j]:
				out = append(out, Line{' ', from + i + 1, from + j + 1, a[i]})
				i++
				j++
			case longest[i+1][j] >= longest[i][j+1]:
				drop()
			default:
				take()
			}
		}
	}
	for i < len(a) {
		drop()
	}
	for j < len(b) {
		take()
	}
	return out
}

// subsequence gives the length of the longest common subsequence of a[i:] and b[j:].
func subsequence(a, b []string) [][]int32 {
	table := make([][]int32, len(a)+1)
	for i := range table {
		table[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}

// around leaves out what is further than context lines from a difference.
func around(all []Line, context int) (out []Line) {
	near := make([]bool, len(all))
	for i, l := range all {
		if l.Kind == ' ' {
			continue
		}
		for j := max(i-context, 0); j <= min(i+context, len(all)-1); j++ {
			near[j] = true
		}
	}
	skipped := false
	for i, l := range all {
		if !near[i] {
			skipped = true
			continue
		}
		if skipped {
			out = append(out, Line{Kind: '@', Old: l.Old, New: l.New, Text: fmt.Sprintf("line %d", max(l.New, l.Old))})
		}
		skipped = false
		out = append(out, l)
	}
	return out
}
