package template

import (
	"strings"
	"unicode/utf8"
)

// tag is one pair of braces, or the text between two.
type tag struct {
	text        string // of text, what is written; of a tag, what stands between the braces
	at          int    // offset of text in the source
	tag         bool
	raw         bool // three braces
	left, right bool // ~: no space on this side
}

// lex cuts the source into text and tags. Text is cleaned of what the tags take with them: space beside ~, and the whole line of a block
// tag that stands on a line alone.
func (c *compiler) lex() []tag {
	var out []tag
	src, pos := c.src, 0
	var text strings.Builder
	start := 0
	flush := func() {
		if text.Len() > 0 {
			out = append(out, tag{text: text.String(), at: start})
			text.Reset()
		}
	}
	for pos < len(src) {
		i := strings.Index(src[pos:], "{{")
		if i < 0 {
			break
		}
		if i > 0 && src[pos+i-1] == '\\' { // \{{ is two braces
			text.WriteString(src[pos:pos+i-1] + "{{")
			pos += i + 2
			continue
		}
		text.WriteString(src[pos : pos+i])
		pos += i
		t, end := c.cut(pos)
		if end < 0 {
			return nil
		}
		flush()
		out = append(out, t)
		pos, start = end, end
	}
	text.WriteString(src[pos:])
	flush()
	return tidy(out)
}

// cut reads the tag at pos and gives the offset behind it; -1 when it does not end.
func (c *compiler) cut(pos int) (tag, int) {
	t := tag{tag: true, at: pos + 2}
	shut := "}}"
	if strings.HasPrefix(c.src[pos:], "{{{") {
		t.raw, t.at, shut = true, pos+3, "}}}"
	}
	rest := c.src[t.at:]
	n := end(rest, shut)
	if n < 0 {
		c.fail(pos, "This tag has no end: %s is missing.", shut)
		return tag{}, -1
	}
	t.text = rest[:n]
	if strings.HasPrefix(t.text, "~") {
		t.left, t.text, t.at = true, t.text[1:], t.at+1
	}
	if strings.HasSuffix(t.text, "~") {
		t.right, t.text = true, t.text[:len(t.text)-1]
	}
	return t, t.at + n + len(shut) - boolInt(t.left)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// end is where shut stands in s outside of quotes; a comment has no quotes.
func end(s, shut string) int {
	if strings.HasPrefix(strings.TrimPrefix(s, "~"), "!") {
		return strings.Index(s, shut)
	}
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && strings.HasPrefix(s[i:], shut):
			return i
		case s[i] == '\n' && quoted:
			quoted = false // a quote left open takes the rest of its line, not of the prompt
		}
	}
	return strings.Index(s, shut) // a quote left open: the parser says so
}

// block reports a tag that writes nothing where it stands.
func (t *tag) block() bool {
	s := strings.TrimSpace(t.text)
	return t.tag && !t.raw && s != "" && (strings.ContainsRune("#/^!", rune(s[0])) || s == "else" || strings.HasPrefix(s, "else "))
}

// tidy takes out the space that goes with tags.
func tidy(tags []tag) []tag {
	alone := make([]bool, len(tags))
	for i := range tags {
		alone[i] = tags[i].block() && lineEnds(tags, i) && lineStarts(tags, i)
	}
	cut := make([]struct{ head, tail bool }, len(tags)) // of text: drop up to and with the first line end; drop behind the last one
	for i, lone := range alone {
		if !lone {
			continue
		}
		if i > 0 && !tags[i-1].tag {
			cut[i-1].tail = true
		}
		if i+1 < len(tags) && !tags[i+1].tag {
			cut[i+1].head = true
		}
	}
	for i := range tags {
		t := &tags[i]
		if t.tag {
			continue
		}
		if cut[i].head {
			_, t.text, _ = strings.Cut(t.text, "\n")
		}
		if cut[i].tail {
			t.text = t.text[:strings.LastIndexByte(t.text, '\n')+1]
		}
		if i > 0 && tags[i-1].right {
			t.text = strings.TrimLeft(t.text, " \t\r\n")
		}
		if i+1 < len(tags) && tags[i+1].left {
			t.text = strings.TrimRight(t.text, " \t\r\n")
		}
	}
	return tags
}

const blanks = " \t\r"

// lineStarts reports that nothing but blanks stands in front of the tag on its line.
func lineStarts(tags []tag, i int) bool {
	if i == 0 {
		return true
	}
	before := &tags[i-1]
	if before.tag {
		return false
	}
	last := before.text[strings.LastIndexByte(before.text, '\n')+1:]
	return strings.Trim(last, blanks) == "" && (len(last) < len(before.text) || i == 1)
}

// lineEnds reports that nothing but blanks stands behind the tag on its line.
func lineEnds(tags []tag, i int) bool {
	if i+1 == len(tags) {
		return true
	}
	after := &tags[i+1]
	if after.tag {
		return false
	}
	first, _, ended := strings.Cut(after.text, "\n")
	return strings.Trim(first, blanks) == "" && (ended || i+2 == len(tags))
}

// place is the line and column of an offset.
func place(src string, at int) (line, column int) {
	before := src[:min(at, len(src))]
	line = 1 + strings.Count(before, "\n")
	return line, 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}
