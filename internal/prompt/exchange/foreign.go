package exchange

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

// names are the variables that a foreign template uses, in the order in which they are seen. What a template of ours declares is guessed
// from what is done with them there: foreign ones declare nothing.
type names struct{ list []*usedName }

type usedName struct {
	template.Variable
	conditional bool // a condition or section asks for it: it may be missing
	needed      bool // it is written outside of any block
}

func (n *names) use(name string) *usedName {
	for _, u := range n.list {
		if u.Name == name {
			return u
		}
	}
	u := &usedName{Variable: template.Variable{Name: name, Kind: template.String}}
	n.list = append(n.list, u)
	return u
}

// variables are the declarations: what is only written is a text that is required.
func (n *names) variables() []template.Variable {
	var out []template.Variable
	for _, u := range n.list {
		v := u.Variable
		v.Required = u.needed && !u.conditional && v.Default == nil
		out = append(out, v)
	}
	return out
}

var (
	identForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
	pathForm  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_-]{0,63})*$`)
	notName   = regexp.MustCompile(`[^A-Za-z0-9_]+`)
)

// reserved are words of our language that cannot be names in it.
var reserved = []string{"and", "or", "not", "in", "as", "if", "else", "each", "this", "true", "false", "null"}

// translation writes a template of ours from a foreign one.
type translation struct {
	src   string
	out   strings.Builder
	plain strings.Builder // text since the last tag
	names *names
	note  func(format string, args ...any)
	open  []opened
}

// opened is a block that has not been closed.
type opened struct {
	word, shut string   // as it is closed there, and here
	locals     []string // names that a loop gives
}

func (t *translation) line(at int) int { return 1 + strings.Count(t.src[:at], "\n") }

func (t *translation) refuse(at int, format string, args ...any) error {
	return ErrSkipped.Say("line %d: %s", t.line(at), fmt.Sprintf(format, args...))
}

func (t *translation) text(s string) { t.plain.WriteString(s) }

// tag writes one pair of braces of ours.
func (t *translation) tag(at int, s string) error {
	plain := t.plain.String()
	braces := len(plain) - len(strings.TrimRight(plain, "{"))
	if s != "" && (strings.HasSuffix(plain, `\`) || braces%2 == 1) {
		return t.refuse(at, "a backslash or a single brace cannot stand right before %s: put a space between them", s)
	}
	t.flush()
	t.out.WriteString(s)
	return nil
}

func (t *translation) flush() {
	t.out.WriteString(strings.ReplaceAll(t.plain.String(), "{{", `\{{`))
	t.plain.Reset()
}

// done is the template.
func (t *translation) done() (string, error) {
	if len(t.open) > 0 {
		return "", ErrSkipped.Say("a block is not closed: %s", fault.Clip(t.open[len(t.open)-1].word))
	}
	t.flush()
	return t.out.String(), nil
}

func (t *translation) local(name string) bool {
	return slices.ContainsFunc(t.open, func(o opened) bool { return slices.Contains(o.locals, name) })
}

// path is a foreign name as a path of ours, and the variable that it belongs to; nil: it belongs to a loop.
func (t *translation) path(at int, s string) (string, *usedName, error) {
	s = strings.TrimSpace(s)
	first, rest, member := strings.Cut(s, ".")
	if !pathForm.MatchString(s) {
		if member || s == "" || strings.ContainsAny(s, "\"'{}()|@\n") {
			return "", nil, t.refuse(at, "{{%s}} is no name", fault.Clip(s))
		}
		first = strings.Trim(notName.ReplaceAllString(s, "_"), "_")
		if first == "" || first[0] >= '0' && first[0] <= '9' {
			first = "v_" + first
		}
		if len(first) > 64 {
			first = first[:64]
		}
		t.note("line %d: the variable %q is called %s here: calls send it by that name", t.line(at), s, first)
		s = first
	}
	if slices.Contains(reserved, first) {
		t.note("line %d: the variable %q is called %s_ here, since that is a word of the language", t.line(at), first, first)
		first += "_"
		s = first
		if member {
			s += "." + rest
		}
	}
	if t.local(first) {
		return s, nil, nil
	}
	u := t.names.use(first)
	u.needed = u.needed || len(t.open) == 0
	if member {
		u.Kind = template.Any
	}
	return s, u, nil
}

// cleanName is a foreign name as one that a prompt may have here.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune("@:|{}?#%\\", r):
			return '-'
		case r < ' ' || r == 0x7f:
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, "-"))
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		if part = strings.TrimSpace(part); part != "" && part != "." && part != ".." {
			parts = append(parts, part)
		}
	}
	name = strings.Join(parts, "/")
	if r := []rune(name); len(r) > 255 {
		name = strings.TrimRight(string(r[:255]), "/ ")
	}
	return name
}

var labelForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,35}$`)

// words are foreign labels or tags as they may be here; what cannot be is told.
func words(what string, list []string, note func(format string, args ...any)) []string {
	var out []string
	for _, was := range list {
		w := strings.Trim(strings.Join(strings.Fields(strings.ToLower(was)), "-"), "-._")
		switch {
		case w == prompt.Latest:
			continue
		case !labelForm.MatchString(w):
			note("the %s %q cannot be written here and is left out", what, fault.Clip(was))
			continue
		case w != was:
			note("the %s %q is written %q here", what, fault.Clip(was), w)
		}
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// sentence is what somebody said of a version, on one line.
func sentence(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r <= 0x9f {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 500 {
		s = string(r[:499]) + "…"
	}
	return s
}
