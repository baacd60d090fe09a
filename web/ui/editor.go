package ui

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// EditorView is a field of many lines with their numbers. Its form value is Name.
type EditorView struct {
	Name, Label string
	Text        string
	Problems    []Problem // marked at their lines, and told below
	ReadOnly    bool
	Rows        int    // the least height, in lines; 0 is 12
	Wrong       string // what is wrong with the text as a whole; "": nothing
}

// Problem is one reason to refuse a text. Line and Column count from 1; 0 is the text as a whole.
type Problem struct {
	Line, Column int
	Reason       string
	Source       string // the line as it was typed
}

// Problems fills in the lines that problems are about.
func Problems(list []Problem, text string) []Problem {
	lines := strings.Split(text, "\n")
	for i, p := range list {
		if p.Line > 0 && p.Line <= len(lines) {
			list[i].Source = strings.TrimSpace(lines[p.Line-1])
		}
	}
	return list
}

func (p Problem) where() string {
	if p.Line == 0 {
		return "The file"
	}
	return fmt.Sprintf("Line %d, column %d", p.Line, p.Column)
}

// editorSpare is how many numbers stand ready for lines that are typed.
const editorSpare = 200

func (v EditorView) lines() int { return strings.Count(v.Text, "\n") + 1 }

// rows is the height of the field: its lines and a few more.
func (v EditorView) rows() string {
	return strconv.Itoa(min(max(v.lines()+2, cmp.Or(v.Rows, 12)), 400))
}

func (v EditorView) spare() int {
	if v.ReadOnly {
		return 0
	}
	return editorSpare
}

// mark is what is wrong with a line; "": nothing.
func (v EditorView) mark(line int) string {
	for _, p := range v.Problems {
		if p.Line == line {
			return p.Reason
		}
	}
	return ""
}

// ID is the id of the field.
func (v EditorView) ID() string { return "f-" + v.Name }
