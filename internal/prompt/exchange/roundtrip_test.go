package exchange

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

// awkward are texts that YAML, in one version or another, takes for something else.
var awkward = []string{
	"", " ", "\n", "\n\n", " lead", "trail ", "trail\n", "trail\n\n\n", "a\nb", "a\n\n  b\n", "\tb", "a\r\nb", "a\rb", "yes", "no", "null", "~", "1", "1.0",
	"1e5", "0x10", "2026-01-01", "- a", "a: b", "# c", "a #b", "'q'", `"q"`, "{{name}}", "{{! x }}", "{a: b}", "[1]", "*a", "&a", "!t", "|", ">", "%", "@", "`",
	"a\u0085b", "a\u2028b", "\ufeffa", "\u00a0", "é", "😀", "\x7f", "a\x01b", "---\n", "...\n", "a\n---\nb", "   \n  x", "x\n   ", "\\", `\n`, "<&>", "\ufffe",
	"text: |\n  a\n", "a\n \n\tb\n", " \n",
}

func anyText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom(awkward), rapid.String(), rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(awkward), 0, 5).Draw(t, "parts"), rapid.SampledFrom([]string{"", "\n", " "}).Draw(t, "glue"))
	}))
}

func anyLine() *rapid.Generator[string] {
	return rapid.Map(anyText(), func(s string) string { return sentence(s) })
}

func anyJSON(depth int) *rapid.Generator[any] {
	leaves := rapid.OneOf(
		rapid.Map(anyText(), func(s string) any { return s }), rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.SampledFrom([]any{json.Number("1"), json.Number("1.0"), json.Number("-0"), json.Number("1e5"), json.Number("1E+400"), json.Number("12345678901234567890")}),
	)
	if depth == 0 {
		return leaves
	}
	return rapid.OneOf(leaves,
		rapid.Map(rapid.SliceOfN(anyJSON(depth-1), 0, 3), func(l []any) any { return l }),
		rapid.Map(rapid.MapOfN(anyText(), anyJSON(depth-1), 0, 3), func(m map[string]any) any { return m }))
}

// rawJSON is JSON as clients send it: with and without needless escapes.
func rawJSON(t *rapid.T, name string, object bool) json.RawMessage {
	v := anyJSON(2).Draw(t, name)
	if object {
		v = map[string]any{"a": v, "<b>": 1}
	}
	if rapid.Bool().Draw(t, name+" escaped") {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	raw, err := encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func anyContent(t *rapid.T) (prompt.Kind, prompt.Content) {
	c := prompt.Content{Alias: anyLine().Draw(t, "alias"), Escape: rapid.SampledFrom([]template.Escape{"", "xml", "json", "line"}).Draw(t, "escape")}
	for i, docs := 0, []*json.RawMessage{&c.Parameters, &c.Schema, &c.Config}; i < len(docs); i++ {
		if rapid.Bool().Draw(t, "doc") {
			*docs[i] = rawJSON(t, "document", true)
		}
	}
	if rapid.Bool().Draw(t, "tools") {
		c.Tools = json.RawMessage(`[` + string(rawJSON(t, "tool", true)) + `]`)
	}
	for range rapid.IntRange(0, 3).Draw(t, "variables") {
		v := template.Variable{
			Name: rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,8}`).Draw(t, "name"), Kind: rapid.SampledFrom(template.Kinds).Draw(t, "kind"),
			Required: rapid.Bool().Draw(t, "required"), MaxLength: rapid.IntRange(0, 9).Draw(t, "most"), Description: anyText().Draw(t, "description"),
		}
		if rapid.Bool().Draw(t, "default") {
			v.Default = rawJSON(t, "default value", false)
		}
		if v.Kind == template.Enum {
			v.Values = rapid.SliceOfN(anyText(), 1, 3).Draw(t, "values")
		}
		c.Variables = append(c.Variables, v)
	}
	for range rapid.IntRange(0, 2).Draw(t, "cases") {
		one := prompt.Case{Name: anyText().Draw(t, "case")}
		for range rapid.IntRange(0, 2).Draw(t, "sent") {
			if one.Variables == nil {
				one.Variables = map[string]json.RawMessage{}
			}
			one.Variables[anyText().Draw(t, "key")] = rawJSON(t, "sent value", false)
		}
		for range rapid.IntRange(0, 2).Draw(t, "assertions") {
			one.Assert = append(one.Assert, prompt.Assertion{Kind: rapid.SampledFrom([]string{"contains", "equals", "at_most"}).Draw(t, "word"), Value: anyText().Draw(t, "value")})
		}
		c.Cases = append(c.Cases, one)
	}
	if rapid.Bool().Draw(t, "text") {
		c.Text = anyText().Draw(t, "text itself")
		return prompt.Text, c
	}
	c.Messages = []prompt.Message{{Placeholder: "history"}}
	for range rapid.IntRange(0, 3).Draw(t, "messages") {
		c.Messages = append(c.Messages, prompt.Message{Role: rapid.SampledFrom(prompt.Roles).Draw(t, "role"), Text: anyText().Draw(t, "said")})
	}
	return prompt.Chat, c
}

func anyName() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		n := cleanName(rapid.OneOf(anyText(), rapid.StringMatching(`[a-z]{1,5}(/[a-z. *"]{1,5}){0,2}`)).Draw(t, "name"))
		if prompt.CheckName(n) != nil || strings.ContainsFunc(n, unprintable) {
			return "plain"
		}
		return n
	})
}

func TestTextStaysReadable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		" lead\nx": "text: |2-\n   lead\n  x\n", "a\n": "text: |\n  a\n", "a\n\n": "text: |+\n  a\n\n", "a\r": `text: "a\r"` + "\n",
		"a\u2028\x7f": `text: "a\u2028\u007f"` + "\n", "\n": `text: "\n"` + "\n",
	} {
		b, c := prompt.Bundle{Name: "p", Kind: prompt.Text}, prompt.Carried{Content: prompt.Content{Text: text}}
		if got := Format(&b, &c).Text; got != want {
			t.Errorf("%q is written %q", text, got)
		}
	}
}

func TestAFileGivesBackWhatWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind, content := anyContent(t)
		b := prompt.Bundle{Name: anyName().Draw(t, "name"), Kind: kind, Description: anyText().Draw(t, "description"), Revision: rapid.IntRange(0, 3).Draw(t, "revision")}
		if rapid.Bool().Draw(t, "tagged") {
			b.Tags = []string{"a", "on", "1.0"}
		}
		c := prompt.Carried{Content: content, Message: anyLine().Draw(t, "message")}
		if b.Revision > 0 {
			c.Number = rapid.IntRange(1, 99).Draw(t, "number")
		}
		if rapid.Bool().Draw(t, "labelled") {
			c.Labels, c.Names = []string{"production", "no"}, map[string]string{"tone": "voice:staging", "a b@3": "x@3"}
		}
		f := Format(&b, &c)
		if again := Format(&b, &c); again != f {
			t.Fatalf("the same prompt is written in two ways")
		}
		got := readYAML(f)
		if got.Err != nil {
			t.Fatalf("%v\n%s", got.Err, f.Text)
		}
		want := Found{Bundle: b, From: f.Path}
		want.Versions = []prompt.Carried{c}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s\n%s", d, f.Text)
		}
	})
}
