package template_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"tollgate/internal/prompt/template"
)

// nasty are runes that formats keep for themselves.
var nasty = []rune("{}<>&\"'\\/|~!#^%$`[]()=; \t\r\n\x00\x01\x08\x0b\x1b\x1f\x7f\u0085\u00a0\u200b\u2028\u2029\ufeff\ufffdaé漢😀")

func nastily(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(24) {
		switch r.IntN(12) {
		case 0:
			b.WriteString([]string{"{{name}}", "{{#if yes}}", "</doc>", "]]>", "\\u0022", "&amp;", "{{{", "<|im_start|>system"}[r.IntN(8)])
		case 1:
			b.WriteRune(rune(r.IntN(0x250)))
		default:
			b.WriteRune(nasty[r.IntN(len(nasty))])
		}
	}
	return b.String()
}

// TestEscapesKeepTheirPromise: whatever a value holds, each escape can be read back, and none lets it end what it stands in.
func TestEscapesKeepTheirPromise(t *testing.T) {
	t.Parallel()
	in := map[template.Escape]*template.Template{}
	for _, e := range template.Escapes {
		tmpl, problems := template.Compile("{{name}}", template.Options{Variables: declared, Escape: e})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		in[e] = tmpl
	}
	r := rand.New(rand.NewPCG(7, 11))
	for range 100_000 {
		value := nastily(r)
		raw, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		bound, err := template.Bind(declared, map[string]json.RawMessage{"name": raw})
		if err != nil {
			t.Fatal(err)
		}
		for e, tmpl := range in {
			out, err := tmpl.Append(nil, bound)
			if err != nil {
				t.Fatal(err)
			}
			if !kept(e, value, string(out)) {
				t.Fatalf("%s: %q became %q", e, value, out)
			}
		}
	}
}

// kept reports that what a value was written as is what its escape promises.
func kept(e template.Escape, value, out string) bool {
	switch e {
	case template.XML:
		return readXML(out) == readable(value) && !strings.ContainsAny(out, "<>\"'")
	case template.JSON:
		var back string
		return json.Unmarshal([]byte(`"`+out+`"`), &back) == nil && back == value
	case template.Line:
		breaks := strings.ContainsFunc(out, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 })
		return !breaks && utf8.RuneCountInString(out) == utf8.RuneCountInString(value)
	case template.None:
	}
	return out == value
}

// readXML is the text of an element's inside, as an XML parser that is not ours reads it.
func readXML(inside string) string {
	d := xml.NewDecoder(strings.NewReader("<a>" + readable(inside) + "</a>"))
	var b strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			return err.Error()
		}
		if text, ok := token.(xml.CharData); ok {
			b.Write(text)
		}
	}
}

// readable is text with what no XML document may hold as question marks, and line ends as parsers read them.
func readable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return '?'
		}
		return r
	}, s)
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}

func TestOneValueCannotBeLongerThanTheBound(t *testing.T) {
	t.Parallel()
	tmpl, _ := template.Compile("{{name}}", template.Options{Variables: declared})
	for n, want := range map[int]error{template.OutputMax: nil, template.OutputMax + 1: template.ErrTooLong} {
		bound, err := template.Bind(declared, map[string]json.RawMessage{"name": json.RawMessage(`"` + strings.Repeat("x", n) + `"`)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tmpl.Append(nil, bound); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", n, err, want)
		}
	}
}

// TestATemplateThatWritesNothingEndsToo: its bound is the steps that it takes.
func TestATemplateThatWritesNothingEndsToo(t *testing.T) {
	t.Parallel()
	list := "[" + strings.TrimSuffix(strings.Repeat("1,", 300), ",") + "]"
	tmpl, problems := template.Compile("{{#each items as a}}{{#each items as b}}{{#each items as c}}{{#if yes}}x{{/if}}{{/each}}{{/each}}{{/each}}", template.Options{Variables: declared})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	bound, err := template.Bind(declared, map[string]json.RawMessage{"items": json.RawMessage(list)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmpl.Append(nil, bound); !errors.Is(err, template.ErrTooLong) {
		t.Errorf("27 million steps: %v", err)
	}
}

func TestValuesOfDifferentKindsAreNotEqual(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{`"x"`, `""`, `false`, `[]`, `{}`, `null`} {
		if got := render(t, "{{#if user == 0}}equal{{/if}}", `{"user":`+sent+`}`, template.Options{}); got != "" {
			t.Errorf("%s is equal to 0", sent)
		}
	}
	if got := render(t, "{{#if user == 0}}equal{{/if}}", `{"user":0.0}`, template.Options{}); got != "equal" {
		t.Error("0.0 is not equal to 0")
	}
}

// TestWhatIsTooLargeIsNotCompiled: expressions in one another, and a source, have bounds.
func TestWhatIsTooLargeIsNotCompiled(t *testing.T) {
	t.Parallel()
	for says, text := range map[string]string{
		"too deeply":      "{{#if " + strings.Repeat("(", 200) + "yes" + strings.Repeat(")", 200) + "}}{{/if}}",
		"nested":          "{{#if " + strings.Repeat("not ", 200) + "yes}}{{/if}}",
		"at most 256 KiB": strings.Repeat("x", template.SourceMax+1),
	} {
		if _, problems := template.Compile(text, template.Options{Variables: declared}); len(problems) == 0 || !strings.Contains(problems[0].Reason, says) {
			t.Errorf("%.40q: %v, want %q", text, problems, says)
		}
	}
	if _, problems := template.Compile(strings.Repeat("x", template.SourceMax), template.Options{}); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestAHolesOwnWordGoesBeforeTheTemplates(t *testing.T) {
	t.Parallel()
	o := template.Options{Escape: template.XML}
	for text, want := range map[string]string{"{{name}}": "&lt;", "{{{name}}}": "<", "{{& name}}": "<", "{{name | none}}": "<", "{{name | xml}}": "&lt;", "{{#items}}{{.}}{{/items}}": "&gt;"} {
		if got := render(t, text, `{"name":"<","items":[">"]}`, o); got != want {
			t.Errorf("%s gives %q, want %q", text, got, want)
		}
	}
}

func TestAValueIsOneAndNotBottomless(t *testing.T) {
	t.Parallel()
	deep := func(n int) json.RawMessage {
		return json.RawMessage(strings.Repeat("[", n) + strings.Repeat("]", n))
	}
	for _, raw := range []json.RawMessage{deep(65), deep(100_000), json.RawMessage(`1 2`), json.RawMessage(`[] []`), json.RawMessage(`{"a"`), json.RawMessage(``)} {
		if _, err := template.Bind(declared, map[string]json.RawMessage{"user": raw}); !errors.Is(err, template.ErrType) {
			t.Errorf("%.20s: %v", raw, err)
		}
	}
	if _, err := template.Bind(declared, map[string]json.RawMessage{"user": deep(64)}); err != nil {
		t.Error(err)
	}
}
