package ui

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestChangedWordsAreMarked(t *testing.T) {
	t.Parallel()
	lines := DiffWords(Differ([]string{"Use {{a}} and guess.", "same"}, []string{"Use {{b}} only and guess.", "same"}))
	marked := func(l DiffLine) string {
		var out []string
		for _, p := range l.Parts {
			if p.Changed {
				out = append(out, p.Text)
			}
		}
		return strings.Join(out, "|")
	}
	if got := marked(lines[0]); got != "{{a}}" {
		t.Errorf("went: %q", got)
	}
	if got := marked(lines[1]); got != "{{b}} only" {
		t.Errorf("came: %q", got)
	}
	if got := marked(lines[2]); got != "" {
		t.Errorf("stayed: %q", got)
	}
	other := DiffWords(Differ([]string{"abc def"}, []string{"uvw xyz"}))
	if len(other[0].Parts) != 1 || len(other[1].Parts) != 1 {
		t.Error("lines without a word in common are marked in pieces")
	}
}

func TestPartsOfALineAreTheLine(t *testing.T) {
	t.Parallel()
	line := rapid.SliceOfN(rapid.StringMatching(`[ab{} <é]{0,12}`), 0, 6)
	rapid.Check(t, func(t *rapid.T) {
		for _, l := range DiffWords(Differ(line.Draw(t, "was"), line.Draw(t, "is"))) {
			text := ""
			for _, p := range l.Parts {
				text += p.Text
				if p.Changed && l.class() == "" {
					t.Fatalf("%q stayed and is marked", l.Text)
				}
			}
			if text != l.Text {
				t.Fatalf("%q became %q", l.Text, text)
			}
		}
	})
}

func TestTextInBracesIsSetOffAndNothingElseIsMarkup(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := Template("<b>{{name | xml}}</b> & {{{raw}}} {{").Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	want := `&lt;b&gt;<span class="var">{{name | xml}}</span>&lt;/b&gt; &amp; <span class="var">{{{raw}}}</span> {{`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
}

func TestAFieldForCodeSaysWhatIsWrongWithAllOfIt(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := Editor(EditorView{Name: "text", Label: "Text", Rows: 3, Wrong: "Write something."}).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`rows="3"`, `aria-invalid="true"`, `aria-describedby="f-text-problems"`, "Write something."} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}
