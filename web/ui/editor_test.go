package ui

import (
	"bytes"
	"strings"
	"testing"
)

func TestAnEditorKeepsItsTextAndMarksItsLines(t *testing.T) {
	t.Parallel()
	text := "\na: <b>\n  c: \"d\"\n"
	v := EditorView{Name: "yaml", Label: "File", Text: text, Problems: Problems([]Problem{{Line: 2, Column: 4, Reason: "no such model"}, {Reason: "too short"}}, text)}
	var b bytes.Buffer
	if err := Editor(v).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	html := b.String()
	// A browser leaves out one line end right behind the tag: the text's own has to stay.
	if !strings.Contains(html, ">\n\na: &lt;b&gt;\n  c: &#34;d&#34;\n</textarea>") {
		t.Errorf("the text is not kept: %s", html[strings.Index(html, "<textarea"):])
	}
	for _, want := range []string{`<li class="bad" title="no such model">2</li>`, "Line 2, column 4", "<code>a: &lt;b&gt;</code>", "The file", `aria-describedby="f-yaml-problems"`, `id="f-yaml-problems"`} {
		if !strings.Contains(html, want) {
			t.Errorf("no %q in %s", want, html)
		}
	}
}
