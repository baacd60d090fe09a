package ui

import (
	"context"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/a-h/templ"
)

// SnippetView is a panel of snippets. ID is unique on the page; at most 20 tabs.
type SnippetView struct {
	ID, Label string
	Tabs      []SnippetTab
}

// SnippetChoice is a panel of snippets for many clients, in groups. Groups, clients and tabs are each chosen by radio buttons, so
// it works without scripts; a level with one thing to choose is left out. ID is unique on the page.
type SnippetChoice struct {
	ID, Label string
	Groups    []SnippetGroup
}

// SnippetGroup is a row of clients.
type SnippetGroup struct {
	Name    string
	Clients []SnippetClient
}

// SnippetClient is one client: what to know (text in which `marks` stand around code), and what to paste or to type.
type SnippetClient struct {
	Name  string
	Notes []string
	Tabs  []SnippetTab
	Facts []Fact // where there is nothing to paste but a form to fill
}

// SnippetTab is one snippet.
type SnippetTab struct {
	Name     string
	Language Language
	Code     string
}

// Language decides what is coloured.
type Language string

// The languages of snippets. Text is not coloured.
const (
	Text   Language = ""
	Shell  Language = "shell"
	Python Language = "python"
	Script Language = "javascript"
	Golang Language = "go"
	JSON   Language = "json"
	YAML   Language = "yaml"
	TOML   Language = "toml"
)

// piece is a run of code in one colour: k keyword, s string, m number, cm comment, none.
type piece struct{ text, class string }

const stringsOf = `"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'`

// words are the scanners: the first group is a comment, the second a string, the third a number, the fourth a keyword.
// Every byte of the code comes out again, in order.
func words(l Language) *regexp.Regexp {
	const number = `\b\d+(?:\.\d+)?\b`
	switch l {
	case Shell:
		return regexp.MustCompile(`(?m)((?:^|\s)#.*$)|(` + stringsOf + `)|()(\b(?:export|curl)\b)`)
	case Python:
		return regexp.MustCompile(`(?m)(#.*$)|(` + stringsOf + `)|(` + number + `)|(\b(?:from|import|for|in|with|as|def|return|print|if|else|None|True|False|async|await)\b)`)
	case Script:
		return regexp.MustCompile("(?m)(//.*$)|(" + stringsOf + "|`[^`]*`)|(" + number + `)|(\b(?:import|from|const|let|await|new|for|of|return|true|false|null)\b)`)
	case Golang:
		return regexp.MustCompile("(?m)(//.*$)|(" + stringsOf + "|`[^`]*`)|(" + number + `)|(\b(?:package|import|func|return|if|for|range|var|const|nil|true|false|defer|struct)\b)`)
	case JSON:
		return regexp.MustCompile(`()(` + stringsOf + `)|(` + number + `)|(\b(?:true|false|null)\b)`)
	case YAML, TOML:
		return regexp.MustCompile(`(?m)(#.*$)|(` + stringsOf + `)|(` + number + `)|(^[ \t-]*[\w.-]+(?:\s*=|:))`)
	case Text:
		return nil
	default:
		return nil
	}
}

// highlight cuts code into coloured pieces.
func highlight(l Language, code string) []piece {
	re := words(l)
	if re == nil {
		return []piece{{code, ""}}
	}
	var out []piece
	from := 0
	classes := []string{"cm", "s", "m", "k"}
	for _, m := range re.FindAllStringSubmatchIndex(code, -1) {
		if m[0] == m[1] {
			continue
		}
		group := slices.IndexFunc(classes, func(c string) bool {
			i := 2 * (slices.Index(classes, c) + 1)
			return m[i] >= 0 && m[i+1] > m[i]
		})
		if group < 0 {
			continue
		}
		if m[0] > from {
			out = append(out, piece{code[from:m[0]], ""})
		}
		out = append(out, piece{code[m[0]:m[1]], classes[group]})
		from = m[1]
	}
	if from < len(code) {
		out = append(out, piece{code[from:], ""})
	}
	return out
}

// marked cuts a text at its `marks`: every second piece is code.
func marked(text string) []string { return strings.Split(text, "`") }

// escaped makes text of code, between tags and never in an attribute: there quotes mean themselves, and code is full of them.
var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// code writes the coloured pieces without a space between them: in code every space counts.
func code(t SnippetTab) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		for _, p := range highlight(t.Language, t.Code) {
			if p.class == "" {
				b.WriteString(escaped.Replace(p.text))
				continue
			}
			b.WriteString(`<span class="` + p.class + `">` + escaped.Replace(p.text) + `</span>`)
		}
		_, err := io.WriteString(w, b.String())
		return err
	})
}
