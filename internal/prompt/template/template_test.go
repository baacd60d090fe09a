package template_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tollgate/internal/prompt/template"
)

var declared = []template.Variable{
	{Name: "name", Kind: template.String},
	{Name: "n", Kind: template.Number},
	{Name: "yes", Kind: template.Boolean},
	{Name: "tone", Kind: template.Enum, Values: []string{"warm", "dry"}},
	{Name: "items", Kind: template.List},
	{Name: "user", Kind: template.Any},
}

func render(t *testing.T, text, sent string, o template.Options) string {
	t.Helper()
	if o.Variables == nil {
		o.Variables = declared
	}
	tmpl, problems := template.Compile(text, o)
	if len(problems) > 0 {
		t.Fatalf("%q: %v", text, problems)
	}
	var vars map[string]json.RawMessage
	if sent != "" {
		if err := json.Unmarshal([]byte(sent), &vars); err != nil {
			t.Fatal(err)
		}
	}
	v, err := template.Bind(o.Variables, vars)
	if err != nil {
		t.Fatal(err)
	}
	out, err := tmpl.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestRendering(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, vars, want string }{
		{"plain text stays", "a } {b} c", "", "a } {b} c"},
		{"a hole", "Hi {{ name }}!", `{"name":"Ann"}`, "Hi Ann!"},
		{"an absent string is empty", "[{{name}}]", "", "[]"},
		{"a number as it was written", "{{n}}", `{"n":1.50}`, "1.50"},
		{"a boolean in words", "{{yes}}", `{"yes":true}`, "true"},
		{"json as it was written", "{{user}}", `{"user":{"b":1, "a":[2]}}`, `{"b":1, "a":[2]}`},
		{"a member", "{{user.address.city}}", `{"user":{"address":{"city":"Ulm"}}}`, "Ulm"},
		{"an element", "{{user.0}}", `{"user":["x"]}`, "x"},
		{"a member that is not there", "[{{user.nobody.at.home}}]", `{"user":7}`, "[]"},
		{"what a variable holds is no template", "{{name}}", `{"name":"{{n}} {{#if yes}}"}`, "{{n}} {{#if yes}}"},
		{"braces that mean nothing", `\{{name}}`, `{"name":"x"}`, "{{name}}"},
		{"xml", "{{name | xml}}", `{"name":"</doc>&\"'"}`, "&lt;/doc&gt;&amp;&quot;&#39;"},
		{"json", `"{{name | json}}"`, `{"name":"a\"b\\\n\u0001"}`, `"a\"b\\\n\u0001"`},
		{"line", "{{name | line}}", `{"name":"a\nb\u2028c"}`, "a b c"},
		{"if", "{{#if yes}}a{{else}}b{{/if}}", `{"yes":true}`, "a"},
		{"else", "{{#if yes}}a{{else}}b{{/if}}", "", "b"},
		{"else if", "{{#if n > 9}}a{{else if n > 3}}b{{else if n > 1}}c{{else}}d{{/if}}", `{"n":2}`, "c"},
		{"and binds before or", "{{#if yes or yes and not yes}}a{{/if}}", `{"yes":true}`, "a"},
		{"parentheses", "{{#if (yes or yes) and not yes}}a{{/if}}", `{"yes":true}`, ""},
		{"equal", `{{#if tone == "dry"}}a{{/if}}{{#if name != "x"}}b{{/if}}`, `{"tone":"dry","name":"x"}`, "a"},
		{"in a list", `{{#if name in items}}a{{/if}}`, `{"name":"x","items":["y","x"]}`, "a"},
		{"in a text", `{{#if "ell" in name}}a{{/if}}`, `{"name":"hello"}`, "a"},
		{"each", "{{#each items as item, i}}{{i}}:{{item}},{{/each}}", `{"items":["a","b"]}`, "0:a,1:b,"},
		{"each of none", "{{#each items as item}}x{{else}}none{{/each}}", "", "none"},
		{"each in each", "{{#each items as row}}{{#each row as x}}{{x}}{{#if x == 2}}!{{/if}}{{/each}};{{/each}}", `{"items":[[1,2],[3]]}`, "12!;3;"},
		{"an outer loop's name", "{{#each items as a}}{{#each items as b}}{{a}}{{b}} {{/each}}{{/each}}", `{"items":[1,2]}`, "11 12 21 22 "},
		{"a section over a list", "{{#items}}{{.}}{{.}} {{/items}}", `{"items":["a","b"]}`, "aa bb "},
		{"a section of objects", "{{#items}}{{.x}},{{/items}}", `{"items":[{"x":1},{"x":2}]}`, "1,2,"},
		{"a section of a truth", "{{#yes}}a{{/yes}}{{^yes}}b{{/yes}}", "", "b"},
		{"a comment", "a{{! nobody \" sees this }}b", "", "ab"},
		{"no space", "a  {{~ name ~}}  b", `{"name":"x"}`, "axb"},
		{"tags on lines of their own take their lines", "a\n  {{#if yes}}\nb\n  {{/if}}\nc\n", `{"yes":true}`, "a\nb\nc\n"},
		{"the first and the last line too", "{{#if yes}}\nb\n{{/if}}", `{"yes":true}`, "b\n"},
		{"tags within a line leave it", "a {{#if yes}} b {{/if}} c", `{"yes":true}`, "a  b  c"},
		{"blocks back to back", "{{#each items as x}}\n{{x}}\n{{/each}}\n{{#if yes}}\ny\n{{/if}}\n", `{"items":[1],"yes":true}`, "1\ny\n"},
		{"windows' line ends", "a\r\n{{#if yes}}\r\nb\r\n{{/if}}\r\n", `{"yes":true}`, "a\r\nb\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := render(t, tt.text, tt.vars, template.Options{}); got != tt.want {
				t.Errorf("%q became %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestMistakesAreFoundBeforeAnyCall(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text         string
		line, column int
		says         string
	}{
		{"a\n é{{nam}}", 2, 5, `no variable "nam"`},
		{"{{Name}}", 1, 3, `Did you mean "name"`},
		{"{{name", 1, 1, "no end"},
		{"{{}}", 1, 3, "empty"},
		{"{{#if yes}}", 1, 3, "no {{/if}}"},
		{"{{/if}}", 1, 3, "closes nothing"},
		{"{{#if yes}}{{/each}}", 1, 14, "should"},
		{"{{#if yes}}{{else}}{{else}}{{/if}}", 1, 22, "should"},
		{"{{else}}", 1, 3, "closes nothing"},
		{"{{#each name as x}}{{/each}}", 1, 9, "none"},
		{"{{#each items as if}}{{/each}}", 1, 18, "cannot be the name"},
		{"{{#each items as x}}{{/each}}{{x}}", 1, 32, `no variable "x"`},
		{"{{.}}", 1, 3, "no loop"},
		{"{{name.first}}", 1, 3, "no members"},
		{"{{name | html}}", 1, 10, "no way to escape"},
		{"{{name n}}", 1, 8, "not expected"},
		{"{{3}}", 1, 3, "holds a variable"},
		{`{{#if tone == "cold"}}{{/if}}`, 1, 12, "none of the values"},
		{`{{#if n == "3"}}{{/if}}`, 1, 9, "never equal"},
		{`{{#if name < 3}}{{/if}}`, 1, 12, "compares numbers"},
		{`{{#if name in n}}{{/if}}`, 1, 12, "in looks for"},
		{`{{#if name = "x"}}{{/if}}`, 1, 12, "means nothing"},
		{`{{#if (yes}}{{/if}}`, 1, 11, "parenthesis"},
		{`{{#if yes and}}{{/if}}`, 1, 14, "missing"},
		{`{{#if name == "x}}{{/if}}`, 1, 15, "quotes"},
		{"{{> other}}", 1, 3, "Other prompts"},
		{strings.Repeat("{{#if yes}}", 40) + strings.Repeat("{{/if}}", 40), 1, 355, "too deeply"},
	} {
		_, problems := template.Compile(tt.text, template.Options{Variables: declared})
		if len(problems) == 0 {
			t.Errorf("%q was compiled", tt.text)
			continue
		}
		if p := problems[0]; p.Line != tt.line || p.Column != tt.column || !strings.Contains(p.Reason, tt.says) {
			t.Errorf("%q: %+v, want %d:%d %q", tt.text, p, tt.line, tt.column, tt.says)
		}
	}
}

func TestEveryMistakeIsTold(t *testing.T) {
	t.Parallel()
	_, problems := template.Compile("{{a}}\n{{b}}\n{{#each name as x}}{{/each}}", template.Options{Variables: declared})
	if len(problems) != 3 || problems[2].Line != 3 {
		t.Errorf("%v", problems)
	}
}

func TestVariablesAreWhatTheyAreDeclaredToBe(t *testing.T) {
	t.Parallel()
	vars := []template.Variable{
		{Name: "s", Kind: template.String, Required: true, MaxLength: 3},
		{Name: "n", Kind: template.Number, Default: json.RawMessage("7")},
		{Name: "e", Kind: template.Enum, Values: []string{"a", "b"}},
		{Name: "l", Kind: template.List, MaxLength: 1},
		{Name: "b", Kind: template.Boolean},
		{Name: "j", Kind: template.Any, MaxLength: 10},
	}
	for i := range vars {
		if err := vars[i].Check(); err != nil {
			t.Fatal(err)
		}
	}
	for sent, want := range map[string]error{
		`{}`:                           template.ErrMissing,
		`{"s":null}`:                   template.ErrMissing,
		`{"s":"äöü"}`:                  nil,
		`{"s":"äöüx"}`:                 template.ErrLength,
		`{"s":1}`:                      template.ErrType,
		`{"s":"x","n":"1"}`:            template.ErrType,
		`{"s":"x","n":1e999}`:          template.ErrType,
		`{"s":"x","e":"c"}`:            template.ErrType,
		`{"s":"x","l":[1,2]}`:          template.ErrLength,
		`{"s":"x","l":{}}`:             template.ErrType,
		`{"s":"x","b":"true"}`:         template.ErrType,
		`{"s":"x","j":{"a":"bcdefg"}}`: template.ErrLength,
		`{"s":"x","more":1}`:           nil,
	} {
		var raw map[string]json.RawMessage
		if err := json.Unmarshal([]byte(sent), &raw); err != nil {
			t.Fatal(err)
		}
		if _, err := template.Bind(vars, raw); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", sent, err, want)
		}
	}
	if got := render(t, "{{n}}", "", template.Options{Variables: vars[1:2]}); got != "7" {
		t.Errorf("the default is %q", got)
	}
}

func TestDeclarationsAreChecked(t *testing.T) {
	t.Parallel()
	for _, v := range []template.Variable{
		{Name: "a b", Kind: template.String},
		{Name: "if", Kind: template.String},
		{Name: "x", Kind: "text"},
		{Name: "x", Kind: template.Enum},
		{Name: "x", Kind: template.String, Values: []string{"a"}},
		{Name: "x", Kind: template.String, MaxLength: -1},
		{Name: "x", Kind: template.Number, Default: json.RawMessage(`"a"`)},
		{Name: "x", Kind: template.String, Required: true, Default: json.RawMessage(`"a"`)},
	} {
		if err := v.Check(); !errors.Is(err, template.ErrDeclare) {
			t.Errorf("%+v: %v", v, err)
		}
	}
}

func TestPartials(t *testing.T) {
	t.Parallel()
	o := template.Options{Variables: declared}
	part, problems := template.Compile("{{#each items as x}}<{{x}}>{{/each}}", o)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	o.Partial = func(ref string) (*template.Template, string) {
		if ref == "list@3" {
			return part, ""
		}
		return nil, "There is no prompt " + ref + "."
	}
	// Within a loop of ours: what a partial's loops give is its own.
	if got := render(t, "{{#each items as x}}{{> list@3}}{{x}} {{/each}}", `{"items":[1,2]}`, o); got != "<1><2>1 <1><2>2 " {
		t.Error(got)
	}
	if _, problems := template.Compile("{{> nobody}}", o); len(problems) != 1 || !strings.Contains(problems[0].Reason, "nobody") {
		t.Error(problems)
	}
	o.Variables = declared[:1]
	if _, problems := template.Compile("{{> list@3}}", o); len(problems) != 1 || !strings.Contains(problems[0].Reason, `"items"`) {
		t.Error(problems)
	}
}

func TestATemplateCannotGrowWithoutBound(t *testing.T) {
	t.Parallel()
	list := "[" + strings.TrimSuffix(strings.Repeat("1,", 2000), ",") + "]"
	tmpl, _ := template.Compile("{{#each items as a}}{{#each items as b}}{{#each items as c}}x{{/each}}{{/each}}{{/each}}", template.Options{Variables: declared})
	v, err := template.Bind(declared, map[string]json.RawMessage{"items": json.RawMessage(list)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmpl.Append(nil, v); !errors.Is(err, template.ErrTooLong) {
		t.Errorf("eight billion letters: %v", err)
	}
}

func BenchmarkRender8KB(b *testing.B) {
	text := strings.Repeat("Some words of a prompt, then {{name}} and {{#if yes}}more{{else}}less{{/if}} of it.\n", 100)
	tmpl, _ := template.Compile(text, template.Options{Variables: declared})
	v, _ := template.Bind(declared, map[string]json.RawMessage{"name": json.RawMessage(`"Ann"`), "yes": json.RawMessage("true")})
	buf := make([]byte, 0, 16<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Append(buf, v); err != nil {
			b.Fatal(err)
		}
	}
}
