package ui

import (
	"slices"
	"strconv"
)

// DiffLine is one line of a difference. Old and New are line numbers from 1, 0 where it does not stand. With Skip the line stands for
// lines that were left out, and Text is what to say in their place.
type DiffLine struct {
	Old, New int
	Text     string
	Skip     bool
	Parts    []DiffPart // the Text in pieces, where it is told word by word; see DiffWords
}

func (l DiffLine) class() string {
	switch {
	case l.Skip:
		return "skip"
	case l.Old == 0:
		return "add"
	case l.New == 0:
		return "del"
	default:
		return ""
	}
}

func (l DiffLine) sign() string {
	switch l.class() {
	case "add":
		return "+"
	case "del":
		return "−"
	default:
		return ""
	}
}

func lineNumber(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// differCells bounds the table of Differ: two texts whose changed parts are longer are told apart as one block.
const differCells = 4 << 20

// Differ compares two texts line by line: the longest common lines stay, the others go or come. Read without the additions it is was;
// without the removals it is is. What two long texts have between their common beginning and end may be told as one block.
func Differ(was, is []string) []DiffLine {
	var out []DiffLine
	head := 0
	for head < len(was) && head < len(is) && was[head] == is[head] {
		out = append(out, DiffLine{Old: head + 1, New: head + 1, Text: was[head]})
		head++
	}
	tail := 0
	for tail < len(was)-head && tail < len(is)-head && was[len(was)-1-tail] == is[len(is)-1-tail] {
		tail++
	}
	out = append(out, differ(was[head:len(was)-tail], is[head:len(is)-tail], head)...)
	for i := tail; i > 0; i-- {
		out = append(out, DiffLine{Old: len(was) - i + 1, New: len(is) - i + 1, Text: was[len(was)-i]})
	}
	return out
}

// differ is Differ by the table of longest common parts; line numbers begin behind offset.
func differ(was, is []string, offset int) []DiffLine {
	common := table(was, is)
	var out []DiffLine
	i, j := 0, 0
	for i < len(was) || j < len(is) {
		switch {
		case common != nil && i < len(was) && j < len(is) && was[i] == is[j]:
			out = append(out, DiffLine{Old: offset + i + 1, New: offset + j + 1, Text: was[i]})
			i, j = i+1, j+1
		case i < len(was) && (j == len(is) || common == nil || common[i+1][j] >= common[i][j+1]):
			out = append(out, DiffLine{Old: offset + i + 1, Text: was[i]})
			i++
		default:
			out = append(out, DiffLine{New: offset + j + 1, Text: is[j]})
			j++
		}
	}
	return out
}

// table is how many lines was[i:] and is[j:] have in common, at [i][j]; nil: it would be too large.
func table(was, is []string) [][]int32 {
	if (len(was)+1)*(len(is)+1) > differCells {
		return nil
	}
	common := make([][]int32, len(was)+1)
	for i := range common {
		common[i] = make([]int32, len(is)+1)
	}
	for i := len(was) - 1; i >= 0; i-- {
		for j := len(is) - 1; j >= 0; j-- {
			if was[i] == is[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	return common
}

// DiffContext leaves out what did not change, but for so many lines around each change.
func DiffContext(lines []DiffLine, around int) []DiffLine {
	keep := make([]bool, len(lines))
	for i, l := range lines {
		if l.class() == "" {
			continue
		}
		for j := max(0, i-around); j <= min(len(lines)-1, i+around); j++ {
			keep[j] = true
		}
	}
	var out []DiffLine
	for i := 0; i < len(lines); {
		if keep[i] {
			out = append(out, lines[i])
			i++
			continue
		}
		from := i
		for i < len(lines) && !keep[i] {
			i++
		}
		out = append(out, DiffLine{Skip: true, Text: Plural(int64(i-from), "line", "lines") + " unchanged"})
	}
	return out
}

// DiffCount is how many lines came and went.
func DiffCount(lines []DiffLine) (added, removed int) {
	for _, l := range lines {
		switch l.class() {
		case "add":
			added++
		case "del":
			removed++
		}
	}
	return added, removed
}

// Changed reports whether a difference has any line that came or went.
func Changed(lines []DiffLine) bool {
	return slices.ContainsFunc(lines, func(l DiffLine) bool { return l.class() == "add" || l.class() == "del" })
}
