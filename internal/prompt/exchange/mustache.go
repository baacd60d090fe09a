package exchange

import (
	"regexp"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/prompt/template"
)

// flavour is a foreign language of templates in double braces.
type flavour struct {
	handlebars bool // {{#if}}, {{#unless}}, {{#each}}
	helicone   bool // {{hc:name:type}}, {{hcp:prompt:version:environment}}, {hc:name:type}
	partial    func(ref string) (string, bool)
}

var oneBrace = regexp.MustCompile(`^\{\s*hc\s*:[^{}]*\}`)

// mustache translates Mustache (as Portkey has it), and what is close to it.
func mustache(src string, f flavour, n *names, note func(format string, args ...any)) (string, error) {
	t := &translation{src: src, names: n, note: note}
	for at := 0; at < len(src); {
		i := strings.IndexByte(src[at:], '{')
		if i < 0 {
			t.text(src[at:])
			break
		}
		t.text(src[at : at+i])
		at += i
		next, err := t.brace(at, f)
		if err != nil {
			return "", err
		}
		at = next
	}
	return t.done()
}

// brace reads what starts with the brace at an offset, and gives the offset behind it.
func (t *translation) brace(at int, f flavour) (int, error) {
	rest := t.src[at:]
	open, shut := "{{", "}}"
	switch {
	case strings.HasPrefix(rest, "{{{"):
		open, shut = "{{{", "}}}"
	case strings.HasPrefix(rest, "{{"):
	case f.helicone && oneBrace.MatchString(rest):
		open, shut = "{", "}"
	default:
		t.text("{")
		return at + 1, nil
	}
	inner, _, closed := strings.Cut(rest[len(open):], shut)
	end := at + len(open) + len(inner) + len(shut)
	if !closed {
		return 0, t.refuse(at, "braces are opened and not closed")
	}
	inner = strings.TrimSpace(inner)
	if f.helicone {
		if done, err := t.helicone(at, inner); done || err != nil {
			return end, err
		}
	}
	return end, t.mustacheTag(at, inner, f)
}

func (t *translation) mustacheTag(at int, inner string, f flavour) error {
	if inner == "" {
		return t.refuse(at, "braces with nothing in them")
	}
	switch inner[0] {
	case '!':
		return t.tag(at, "{{"+inner+"}}")
	case '=':
		return t.refuse(at, "other delimiters than {{ and }} are not read")
	case '>':
		ref, ok := f.partial(strings.TrimSpace(inner[1:]))
		if !ok {
			return t.refuse(at, "{{%s}} names no prompt", fault.Clip(inner))
		}
		return t.tag(at, "{{> "+ref+"}}")
	case '#', '^':
		return t.enter(at, inner, f)
	case '/':
		return t.leave(at, strings.TrimSpace(inner[1:]))
	case '&':
		inner = strings.TrimSpace(inner[1:])
	}
	if f.handlebars && inner == "else" {
		return t.tag(at, "{{else}}")
	}
	if inner == "." || inner == "this" || strings.HasPrefix(inner, "this.") {
		if len(t.open) == 0 {
			return t.refuse(at, "{{%s}} stands in no section", fault.Clip(inner))
		}
		return t.tag(at, "{{"+inner+"}}")
	}
	path, used, err := t.path(at, inner)
	if err != nil {
		return err
	}
	if used != nil && len(t.open) > 0 && t.open[len(t.open)-1].shut != "if" {
		t.note("line %d: {{%s}} inside a section is read as a variable of its own; what belongs to the element of a list is written {{.%s}}", t.line(at), inner, inner)
	}
	return t.tag(at, "{{"+path+"}}")
}

// enter opens a section or a block.
func (t *translation) enter(at int, inner string, f flavour) error {
	word, rest, _ := strings.Cut(strings.TrimSpace(inner[1:]), " ")
	helper := f.handlebars && inner[0] == '#' && rest != ""
	name := strings.TrimSpace(inner[1:])
	if helper {
		name = rest
	}
	path, used, err := t.path(at, name)
	if err != nil {
		return err
	}
	if used != nil {
		used.conditional = true
	}
	switch {
	case helper && word == "if":
		t.open = append(t.open, opened{word: "if", shut: "if"})
		return t.tag(at, "{{#if "+path+"}}")
	case helper && word == "unless":
		t.open = append(t.open, opened{word: "unless", shut: "if"})
		return t.tag(at, "{{#if not "+path+"}}")
	case helper && word == "each":
		t.open = append(t.open, opened{word: "each", shut: "each"})
		if used != nil && path == used.Name {
			used.Kind = template.List
		}
		return t.tag(at, "{{#each "+path+"}}")
	case helper:
		return t.refuse(at, "{{%s}} is no block that is known here", fault.Clip(inner))
	}
	if used != nil {
		used.Kind = template.Any
	}
	t.open = append(t.open, opened{word: name, shut: path})
	return t.tag(at, "{{"+inner[:1]+path+"}}")
}

func (t *translation) leave(at int, word string) error {
	if len(t.open) == 0 || t.open[len(t.open)-1].word != word {
		return t.refuse(at, "{{/%s}} closes nothing that is open", fault.Clip(word))
	}
	shut := t.open[len(t.open)-1].shut
	t.open = t.open[:len(t.open)-1]
	return t.tag(at, "{{/"+shut+"}}")
}

// helicone reads Helicone's own tags.
func (t *translation) helicone(at int, inner string) (done bool, err error) {
	sign, rest, ok := strings.Cut(inner, ":")
	switch sign = strings.TrimSpace(sign); {
	case ok && sign == "hcp":
		return true, t.refuse(at, "{{%s}} is a message of another prompt, which cannot stand here: make that text a prompt of its own, or copy it", fault.Clip(inner))
	case !ok || sign != "hc":
		return false, nil
	}
	name, kind, _ := strings.Cut(rest, ":")
	path, used, err := t.path(at, name)
	if err != nil {
		return true, err
	}
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "", "string", "text":
	case "number", "integer", "float":
		used.Kind = template.Number
	case "boolean", "bool":
		used.Kind = template.Boolean
	default:
		t.note("line %d: the type %q of {{hc:%s}} is not known here: it is a string", t.line(at), fault.Clip(kind), fault.Clip(name))
	}
	return true, t.tag(at, "{{"+path+"}}")
}
