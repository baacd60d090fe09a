package aliasfile

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tollgate/internal/alias"
)

// renamed is a text in which prompts that have another name by now have that, and everything else stands as it was; "" where that cannot
// be written so.
func renamed(text string, f alias.File) string {
	d, problems := Parse([]byte(text))
	if len(problems) > 0 {
		return ""
	}
	type exchange struct {
		at  *yaml.Node
		now string
	}
	var found []exchange
	for name, r := range f.Aliases {
		was := d.File.Aliases[name].Prompt
		if r.Prompt == nil || was == nil || was.String() == r.Prompt.String() {
			continue
		}
		m, ok := d.marks[key([]string{"aliases", name, "prompt"})]
		if !ok {
			return ""
		}
		found = append(found, exchange{m.node, r.Prompt.String()})
	}
	if len(found) == 0 {
		return text
	}
	slices.SortFunc(found, func(a, b exchange) int { return cmp.Or(b.at.Line-a.at.Line, b.at.Column-a.at.Column) }) // from the end
	lines := strings.SplitAfter(text, "\n")
	for _, e := range found {
		line, ok := exchanged(lines, e.at, scalar(e.now))
		if !ok {
			return ""
		}
		lines[e.at.Line-1] = line
	}
	return strings.Join(lines, "")
}

// exchanged is a line with another text where a node of it stands.
func exchanged(lines []string, at *yaml.Node, now string) (string, bool) {
	if at.Line < 1 || at.Line > len(lines) {
		return "", false
	}
	line := []rune(lines[at.Line-1])
	from := at.Column - 1
	was := at.Value
	switch {
	case at.Style&yaml.SingleQuotedStyle != 0:
		was = "'" + strings.ReplaceAll(was, "'", "''") + "'"
	case at.Style&yaml.DoubleQuotedStyle != 0:
		was = `"` + was + `"`
	case at.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return "", false
	}
	if from < 0 || from > len(line) || !strings.HasPrefix(string(line[from:]), was) {
		return "", false
	}
	return string(line[:from]) + now + strings.TrimPrefix(string(line[from:]), was), true
}
