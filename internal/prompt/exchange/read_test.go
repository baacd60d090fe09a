package exchange

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/golden"
	"tollgate/internal/prompt"
)

// written shows what was read: the file that it would be, and what was said of it.
func written(found []Found) []byte {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "=== %s (%s) from %s\n", f.Name, f.Kind, f.From)
		for _, n := range f.Notes {
			fmt.Fprintf(&b, "note: %s\n", n)
		}
		if f.Err != nil {
			fmt.Fprintf(&b, "refused: %v\n", f.Err)
		}
		for i := range f.Versions {
			v := &f.Versions[i]
			fmt.Fprintf(&b, "--- version %d, pins %v, complete %v\n%s", v.Number, v.Pins, v.Complete, Format(&f.Bundle, v).Text)
		}
	}
	return []byte(b.String())
}

func TestEachSourceIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/in/*")
	if err != nil || len(paths) < 10 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found, err := Read(Auto, []File{{Path: filepath.Base(path), Text: string(text)}})
			if err != nil {
				t.Fatal(err)
			}
			golden.Equal(t, filepath.Base(path)+".txt", written(found))
		})
	}
}

func TestWhatIsNoPromptIsToldOfAndNotTaken(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, path, text, says string }{
		{"nothing", "image.png", "x", "There is no prompt"},
		{"broken JSON", "a.json", `{"name":`, "is no JSON"},
		{"broken YAML", "a.prompt.yaml", "text: [", "line"},
		{"an unknown word", "a.prompt.yaml", "text: a\nmodel: b\n", `unknown field "model"`},
		{"two words", "a.prompt.yaml", "text: a\ntext: b\n", `"text" stands there twice`},
		{"both forms", "a.prompt.yaml", "text: a\nmessages: []\n", "not both"},
		{"neither form", "a.prompt.yaml", "tags: [a]\n", "a text or messages"},
		{"an alias of YAML", "a.prompt.yaml", "text: &a x\nmessage: *a\n", "anchors"},
		{"two documents", "a.prompt.yaml", "text: a\n---\ntext: b\n", "one document"},
		{"a setting that is no JSON", "a.prompt.yaml", "text: a\ntools: 'x'\n", "are JSON"},
		{"an assertion of two words", "a.prompt.yaml", "text: a\ncases: [{name: x, assert: [{contains: a, lacks: b}]}]\n", "one word"},
		{"an open brace", "a.json", `{"messages":[{"role":"user","content":"{{a"}]}`, "opened and not closed"},
		{"a section that is not closed", "a.json", `{"messages":[{"role":"user","content":"{{#a}}x"}]}`, "not closed"},
		{"another section closed", "a.json", `{"messages":[{"role":"user","content":"{{#a}}x{{/b}}"}]}`, "closes nothing"},
		{"a brace before a hole", "a.json", `{"messages":[{"role":"user","content":"\\{{a}}"}]}`, "put a space"},
		{"a brace before a tag", "a.json", `{"name":"a","prompt_body":{"messages":[{"role":"user","content":"{<helicone-prompt-input key=\"a\"/>"}]}}`, "put a space"},
		{"a tool's answer", "a.json", `{"messages":[{"role":"tool","content":"x"}]}`, "placeholder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			found, err := Read(Auto, []File{{Path: tt.path, Text: tt.text}})
			if err == nil && len(found) == 1 {
				err = found[0].Err
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
}

func TestWhatIsTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := Read(Auto, []File{{"a.txt", strings.Repeat("a", FileBytesMax+1)}}); err == nil {
		t.Error("a file over its bound is read")
	}
	many := make([]File, PromptsMax+1)
	for i := range many {
		many[i] = File{fmt.Sprintf("%d.txt", i), "a"}
	}
	if _, err := Read(Auto, many); err == nil {
		t.Error("more prompts than the bound are read")
	}
	if _, err := Read(Auto, many[1:]); err != nil {
		t.Error(err)
	}
	if _, err := Read("elsewhere", many[1:]); err == nil {
		t.Error("an unknown source is read")
	}
}

func TestAPromptStandsBehindThoseThatItNames(t *testing.T) {
	t.Parallel()
	found, err := Read(Auto, []File{{"a.txt", "{{> b}}"}, {"b.txt", "{{> c:staging}} {{> d@2}}"}, {"c.txt", "c"}, {"d.txt", "{{~> c ~}}"}})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, f := range found {
		order = append(order, f.Name)
	}
	if got := strings.Join(order, " "); got != "c d b a" {
		t.Errorf("the order is %s", got)
	}
}

func TestVersionsAreGatheredAndChosen(t *testing.T) {
	t.Parallel()
	files := []File{{"p@3.prompt.yaml", "text: three\n"}, {"p@1.prompt.yaml", "text: one\nlabels: [production]\n"}, {"p@2.prompt.yaml", "text: two\n"}}
	for which, want := range map[Which]string{EachVersion: "one two three", Labelled: "one three", Newest: "three"} {
		found, err := Read(Files, files)
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		found[0].Choose(which)
		var got []string
		for _, v := range found[0].Versions {
			got = append(got, v.Content.Text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v", which, got)
		}
	}
}

func TestAFolderTakesWhatIsNamedAlong(t *testing.T) {
	t.Parallel()
	found, err := Read(Auto, []File{{"a.txt", "{{> b}} {{> elsewhere:x}}"}, {"b.txt", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	bundles, _ := Bundles(found, "/old/")
	names := bundles[1].Versions[0].Names
	if bundles[1].Name != "old/a" || names["b"] != "old/b" || len(names) != 1 {
		t.Errorf("%s %v", bundles[1].Name, names)
	}
}

// FuzzRead: whatever is sent, reading ends, and what can be taken can be written and is read back as it was.
func FuzzRead(f *testing.F) {
	paths, err := filepath.Glob("testdata/in/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(filepath.Base(path), string(text))
	}
	f.Add("a.prompt.yaml", "text: |\n  a\n")
	f.Add("a.prompt", "{% for a in b %}{{ a }}{% endfor %}")
	f.Fuzz(func(t *testing.T, path, text string) {
		found, err := Read(Auto, []File{{path, text}})
		if err != nil {
			return
		}
		for _, one := range found {
			for i := range one.Versions {
				v := &one.Versions[i]
				if prompt.CheckName(one.Name) != nil || !json.Valid(orNull(v.Content.Tools)) {
					continue
				}
				if back := readYAML(Format(&one.Bundle, v)); back.Err != nil {
					t.Errorf("%v\n%s", back.Err, Format(&one.Bundle, v).Text)
				}
			}
		}
	})
}

func orNull(raw json.RawMessage) []byte {
	if raw == nil {
		return []byte("null")
	}
	return raw
}

func TestTheFileInTheGuideIsRead(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/prompts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	file, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the guide shows no file")
	}
	got := readYAML(File{"support/greeting.prompt.yaml", file})
	if got.Err != nil || got.Kind != prompt.Chat || len(got.Versions[0].Content.Cases) != 1 || got.Revision != 12 {
		t.Errorf("%+v", got)
	}
}
