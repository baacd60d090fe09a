package exchange

import (
	"regexp"
	"slices"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/prompt/template"
)

// jinja translates the part of Jinja that LiteLLM's prompt files use: holes, conditions and loops.
func jinja(src string, n *names, note func(format string, args ...any)) (string, error) {
	t := &translation{src: src, names: n, note: note}
	for at := 0; at < len(src); {
		i := strings.IndexByte(src[at:], '{')
		if i < 0 || at+i+1 >= len(src) {
			t.text(src[at:])
			break
		}
		t.text(src[at : at+i])
		at += i
		shut := map[byte]string{'{': "}}", '%': "%}", '#': "#}"}[src[at+1]]
		if shut == "" {
			t.text("{")
			at++
			continue
		}
		inner, _, closed := strings.Cut(src[at+2:], shut)
		if !closed {
			return "", t.refuse(at, "%s is opened and not closed", src[at:at+2])
		}
		if err := t.jinjaTag(at, src[at+1], inner); err != nil {
			return "", err
		}
		at += len(inner) + 4
	}
	return t.done()
}

func (t *translation) jinjaTag(at int, kind byte, inner string) error {
	left, right := "", ""
	if strings.HasPrefix(inner, "-") {
		left, inner = "~", inner[1:]
	}
	if strings.HasSuffix(inner, "-") {
		right, inner = "~", inner[:len(inner)-1]
	}
	inner = strings.TrimSpace(inner)
	write := func(s string) error { return t.tag(at, "{{"+left+s+right+"}}") }
	switch kind {
	case '#':
		return nil
	case '{':
		path, _, err := t.path(at, inner)
		if err != nil {
			return err
		}
		return write(path)
	}
	word, rest, _ := strings.Cut(inner, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "if", "elif":
		condition, err := t.condition(at, rest)
		if err != nil {
			return err
		}
		if word == "elif" {
			return write("else if " + condition)
		}
		t.open = append(t.open, opened{word: "if", shut: "if"})
		return write("#if " + condition)
	case "else":
		return write("else")
	case "for":
		return t.loop(at, rest, write)
	case "endif", "endfor":
		last := len(t.open) - 1
		if last < 0 || "end"+t.open[last].word != word {
			return t.refuse(at, "{%% %s %%} closes nothing that is open", word)
		}
		shut := t.open[last].shut
		t.open = t.open[:last]
		return write("/" + shut)
	}
	return t.refuse(at, "{%% %s %%} has no meaning here", fault.Clip(inner))
}

func (t *translation) loop(at int, s string, write func(string) error) error {
	item, list, ok := strings.Cut(s, " in ")
	item = strings.TrimSpace(item)
	if !ok || !identForm.MatchString(item) || slices.Contains(reserved, item) {
		return t.refuse(at, "a loop is written {%% for item in list %%}")
	}
	path, used, err := t.path(at, list)
	if err != nil {
		return err
	}
	if used != nil {
		used.conditional = true
		if path == used.Name {
			used.Kind = template.List
		}
	}
	t.open = append(t.open, opened{word: "for", shut: "each", locals: []string{item}})
	return write("#each " + path + " as " + item)
}

var conditionToken = regexp.MustCompile(`^(\s+|"[^"\\\n]*"|'[^'"\\\n]*'|-?[0-9]+(\.[0-9]+)?|[A-Za-z_][A-Za-z0-9_.]*|==|!=|<=|>=|<|>|\(|\))`)

// condition is a condition in our words, which are nearly the same.
func (t *translation) condition(at int, s string) (string, error) {
	var out strings.Builder
	for s != "" {
		token := conditionToken.FindString(s)
		if token == "" {
			return "", t.refuse(at, "the condition %q cannot be written here", fault.Clip(s))
		}
		s = s[len(token):]
		switch {
		case token[0] == '\'':
			token = `"` + token[1:len(token)-1] + `"`
		case slices.Contains([]string{"and", "or", "not", "in", "true", "false"}, token):
		case token == "True" || token == "False":
			token = strings.ToLower(token)
		case token == "is" || token == "none" || token == "None" || token == "defined":
			return "", t.refuse(at, "the word %q in a condition has no meaning here", token)
		case identForm.MatchString(strings.SplitN(token, ".", 2)[0]):
			path, used, err := t.path(at, token)
			if err != nil {
				return "", err
			}
			if used != nil {
				used.conditional, used.Kind = true, template.Any
			}
			token = path
		}
		out.WriteString(token)
	}
	return strings.TrimSpace(out.String()), nil
}
