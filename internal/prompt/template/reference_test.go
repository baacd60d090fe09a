package template_test

import (
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"strings"
	"testing"

	"tollgate/internal/prompt/template"
)

// A reference renderer: it walks a tree of its own over plain Go values. The tree is printed as a template; what that renders to must be
// what the tree says.
type tree struct {
	print func(b *strings.Builder)
	out   func(b *strings.Builder, s scope)
}

// scope is the variables, and what loops give.
type scope map[string]any

func (s scope) with(name string, v any) scope {
	out := scope{}
	for k, have := range s {
		out[k] = have
	}
	out[name] = v
	return out
}

type author struct {
	*rand.Rand
	lists []string // names of lists in scope
	texts []string // names of what can be written
	n     int
}

var words = []string{"alpha ", "beta\n", "<x>", " & ", "{single}", "\n\n", "  ", "é", "}}", "\"quoted\"", "{ {"}

func (a *author) block(depth int) []tree {
	var out []tree
	for range a.IntN(4) + 1 {
		out = append(out, a.tree(depth))
	}
	return out
}

func (a *author) tree(depth int) tree {
	kind := a.IntN(8)
	if depth == 0 {
		kind %= 4
	}
	switch kind {
	case 0, 1:
		w := words[a.IntN(len(words))]
		return tree{func(b *strings.Builder) { b.WriteString(w) }, func(b *strings.Builder, _ scope) { b.WriteString(w) }}
	case 2:
		name := a.texts[a.IntN(len(a.texts))]
		return tree{func(b *strings.Builder) { b.WriteString("{{" + name + "}}") }, func(b *strings.Builder, s scope) { b.WriteString(plain(s[name])) }}
	case 3:
		name := a.texts[a.IntN(len(a.texts))]
		return tree{
			func(b *strings.Builder) { b.WriteString("{{ " + name + " |xml }}") },
			func(b *strings.Builder, s scope) {
				b.WriteString(strings.ReplaceAll(html.EscapeString(plain(s[name])), "&#34;", "&quot;"))
			},
		}
	case 4, 5:
		return a.condition(depth)
	case 6:
		return a.loop(depth)
	default:
		return a.section(depth)
	}
}

func (a *author) condition(depth int) tree {
	text, holds := a.test(2)
	yes, no := a.block(depth-1), a.block(depth-1)
	return tree{func(b *strings.Builder) {
		b.WriteString("{{#if " + text + "}}")
		printAll(b, yes)
		b.WriteString("{{else}}")
		printAll(b, no)
		b.WriteString("{{/if}}")
	}, func(b *strings.Builder, s scope) {
		if holds(s) {
			outAll(b, yes, s)
		} else {
			outAll(b, no, s)
		}
	}}
}

func (a *author) loop(depth int) tree {
	list := a.lists[a.IntN(len(a.lists))]
	a.n++
	item := fmt.Sprintf("item%d", a.n)
	a.texts = append(a.texts, item)
	body := a.block(depth - 1)
	a.texts = a.texts[:len(a.texts)-1]
	return tree{func(b *strings.Builder) {
		b.WriteString("{{#each " + list + " as " + item + "}}")
		printAll(b, body)
		b.WriteString("{{/each}}")
	}, func(b *strings.Builder, s scope) {
		for _, v := range s[list].([]any) {
			outAll(b, body, s.with(item, v))
		}
	}}
}

func (a *author) section(depth int) tree {
	body := a.block(depth - 1)
	return tree{func(b *strings.Builder) {
		b.WriteString("{{#flag}}")
		printAll(b, body)
		b.WriteString("{{/flag}}")
	}, func(b *strings.Builder, s scope) {
		if s["flag"].(bool) {
			outAll(b, body, s)
		}
	}}
}

// test makes a condition and says when it holds.
func (a *author) test(depth int) (string, func(scope) bool) {
	kind := a.IntN(6)
	if depth == 0 {
		kind %= 3
	}
	switch kind {
	case 0:
		return "flag", func(s scope) bool { return s["flag"].(bool) }
	case 1:
		n := a.IntN(7) - 3
		return fmt.Sprintf("count >= %d", n), func(s scope) bool { return s["count"].(float64) >= float64(n) }
	case 2:
		w := []string{"x", "é", "\"", "{{name}}"}[a.IntN(4)]
		quoted, _ := json.Marshal(w)
		return "name == " + string(quoted), func(s scope) bool { return s["name"] == w }
	case 3:
		text, holds := a.test(depth - 1)
		return "not (" + text + ")", func(s scope) bool { return !holds(s) }
	}
	left, l := a.test(depth - 1)
	right, r := a.test(depth - 1)
	if kind == 4 {
		return "(" + left + ") and (" + right + ")", func(s scope) bool { return l(s) && r(s) }
	}
	return "(" + left + ") or (" + right + ")", func(s scope) bool { return l(s) || r(s) }
}

func printAll(b *strings.Builder, all []tree) {
	for _, t := range all {
		t.print(b)
	}
}

func outAll(b *strings.Builder, all []tree, s scope) {
	for _, t := range all {
		t.out(b, s)
	}
}

func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		raw, _ := json.Marshal(v)
		return string(raw)
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

var hostile = []string{"", "x", "é", "\"", "{{name}}", "{{#if flag}}", "</system>", "\n{{/if}}\n", "&amp;", "\\{{", "}}", strings.Repeat("long ", 20)}

func (a *author) scope() (scope, map[string]json.RawMessage) {
	list := func() []any {
		out := []any{}
		for range a.IntN(4) {
			out = append(out, hostile[a.IntN(len(hostile))])
		}
		return out
	}
	s := scope{"name": hostile[a.IntN(len(hostile))], "flag": a.IntN(2) == 0, "count": float64(a.IntN(9) - 4), "list": list(), "other": list()}
	raw := map[string]json.RawMessage{}
	for k, v := range s {
		raw[k], _ = json.Marshal(v)
	}
	return s, raw
}

// The printed tree must have no tag alone on a line, whose line would go with it: the reference knows nothing of lines.
func inline(text string) string { return strings.ReplaceAll(text, "\n", "¶") }

func TestTemplatesEqualTheReference(t *testing.T) {
	t.Parallel()
	vars := []template.Variable{
		{Name: "name", Kind: template.String},
		{Name: "flag", Kind: template.Boolean},
		{Name: "count", Kind: template.Number},
		{Name: "list", Kind: template.List},
		{Name: "other", Kind: template.List},
	}
	const templates = 100_000
	for seed := range uint64(templates) {
		a := &author{Rand: rand.New(rand.NewPCG(seed, 7)), lists: []string{"list", "other"}, texts: []string{"name", "flag", "count"}}
		all := a.block(3)
		s, raw := a.scope()
		var text, want strings.Builder
		printAll(&text, all)
		outAll(&want, all, s)
		// A lone brace in front of a tag would read as three.
		source := strings.NewReplacer("{ {", "{ \u200b", "}}{{", "}}{{").Replace(inline(text.String()))
		expect := want.String()
		tmpl, problems := template.Compile(source, template.Options{Variables: vars})
		if len(problems) > 0 {
			t.Fatalf("seed %d: %q: %v", seed, source, problems)
		}
		bound, err := template.Bind(vars, raw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tmpl.Append(nil, bound)
		if err != nil {
			t.Fatal(err)
		}
		expect = strings.ReplaceAll(expect, "{ {", "{ \u200b")
		if inline(string(got)) != inline(expect) {
			t.Fatalf("seed %d: %q\ngave %q\nwant %q", seed, source, got, expect)
		}
	}
	t.Logf("%d templates equal the reference", templates)
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"{{#if a}}{{else if b}}{{/if}}", "{{#each l as x, i}}{{x.y}}{{/each}}", "{{{a}}}{{~ b ~}}\\{{", "{{#l}}{{.}}{{^l}}{{/l}}{{/l}}", "{{! \" }}{{> p@3}}"} {
		f.Add(s, "{{a}}")
	}
	vars := []template.Variable{{Name: "a", Kind: template.String}, {Name: "b", Kind: template.Boolean}, {Name: "l", Kind: template.List}, {Name: "j", Kind: template.Any}}
	f.Fuzz(func(t *testing.T, text, value string) {
		tmpl, problems := template.Compile(text, template.Options{Variables: vars})
		if (tmpl == nil) != (len(problems) > 0) {
			t.Fatal("neither a template nor a problem")
		}
		if tmpl == nil {
			return
		}
		raw, _ := json.Marshal(value)
		bound, err := template.Bind(vars, map[string]json.RawMessage{"a": raw, "l": json.RawMessage("[" + string(raw) + "]"), "j": json.RawMessage(`{"k":` + string(raw) + "}")})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = tmpl.Append(nil, bound) // must end, and not panic
	})
}
