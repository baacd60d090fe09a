package ui

import (
	"context"
	"io"
	"regexp"
	"strings"

	"github.com/a-h/templ"
)

// DiffPart is a piece of a line of a difference.
type DiffPart struct {
	Text    string
	Changed bool // it came, or went, with the line
}

// word cuts a line of a prompt: what stands in braces is one word, as are letters and digits in a row; every other sign is one of its own.
var word = regexp.MustCompile(`\{\{\{?.*?\}?\}\}|[\p{L}\p{N}_]+|\s+|.`)

// hole is what stands in braces.
var hole = regexp.MustCompile(`\{\{\{?.*?\}?\}\}`)

// DiffWords cuts the lines of a difference into words and marks those that changed. A run of lines that went is held against the run that
// came in its place, line by line. Two lines that have hardly a word in common are left whole: marks all over them tell nothing.
func DiffWords(lines []DiffLine) []DiffLine {
	out := make([]DiffLine, len(lines))
	for i, l := range lines {
		l.Parts = []DiffPart{{Text: l.Text, Changed: l.class() == "add" || l.class() == "del"}}
		out[i] = l
	}
	for i := 0; i < len(out); {
		if out[i].class() != "del" {
			i++
			continue
		}
		came := i
		for came < len(out) && out[came].class() == "del" {
			came++
		}
		end := came
		for end < len(out) && out[end].class() == "add" {
			end++
		}
		for n := 0; n < came-i && n < end-came; n++ {
			pair(&out[i+n], &out[came+n])
		}
		i = end
	}
	return out
}

// pair marks what changed between a line that went and the one that came in its place.
func pair(was, is *DiffLine) {
	a, b := word.FindAllString(was.Text, -1), word.FindAllString(is.Text, -1)
	var went, came []DiffPart
	same := 0
	for _, l := range Differ(a, b) {
		if l.Old != 0 {
			went = joined(went, DiffPart{Text: l.Text, Changed: l.New == 0})
		}
		if l.New != 0 {
			came = joined(came, DiffPart{Text: l.Text, Changed: l.Old == 0})
		}
		if l.Old != 0 && l.New != 0 && strings.TrimSpace(l.Text) != "" {
			same += len(l.Text)
		}
	}
	if 4*same < min(len(was.Text), len(is.Text)) {
		return
	}
	was.Parts, is.Parts = went, came
}

// joined adds a part to the last one, if that changed or stayed likewise.
func joined(parts []DiffPart, p DiffPart) []DiffPart {
	if n := len(parts); n > 0 && parts[n-1].Changed == p.Changed {
		parts[n-1].Text += p.Text
		return parts
	}
	return append(parts, p)
}

// diffParts writes a line in pieces, without a space between them.
func diffParts(l DiffLine) templ.Component {
	tag := "ins"
	if l.class() == "del" {
		tag = "del"
	}
	return raw(func(b *strings.Builder) {
		for _, p := range l.Parts {
			if p.Changed {
				b.WriteString("<" + tag + ">")
				holes(b, p.Text)
				b.WriteString("</" + tag + ">")
				continue
			}
			holes(b, p.Text)
		}
	})
}

// Template is the text of a prompt, with what stands in braces set off.
func Template(text string) templ.Component {
	return raw(func(b *strings.Builder) { holes(b, text) })
}

func holes(b *strings.Builder, text string) {
	from := 0
	for _, at := range hole.FindAllStringIndex(text, -1) {
		b.WriteString(escaped.Replace(text[from:at[0]]))
		b.WriteString(`<span class="var">` + escaped.Replace(text[at[0]:at[1]]) + `</span>`)
		from = at[1]
	}
	b.WriteString(escaped.Replace(text[from:]))
}

// raw is a component that writes what fn has escaped.
func raw(fn func(*strings.Builder)) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		fn(&b)
		_, err := io.WriteString(w, b.String())
		return err
	})
}
