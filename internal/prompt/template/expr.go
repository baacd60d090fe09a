package template

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// expr is a condition or a value, checked: evaluating it cannot fail.
type expr struct {
	op    string // "path", "literal", "not", "and", "or", "==", "!=", "<", "<=", ">", ">=", "in"
	path  path
	value value
	args  []*expr
}

// path is where a value is found: a variable or a name that a loop gave, and members of it.
type path struct {
	slot    int    // of what loops gave, from the outermost; -1: a variable
	name    string // of a variable
	members []string
}

// token of an expression.
type token struct {
	text string
	kind byte // 'w' word or path, 'n' number, 's' string, 'o' operator, 0 the end
	at   int
}

// scan cuts an expression into tokens. at is its offset in the source.
func (c *compiler) scan(s string, at int) ([]token, bool) {
	var out []token
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case unicode.IsSpace(r):
			i += size
		case r == '"':
			n := quoted(s[i:])
			text, err := strconv.Unquote(s[i : i+n])
			if err != nil {
				c.fail(at+i, "This text in quotes does not end, or has an escape that is none.")
				return nil, false
			}
			out = append(out, token{text, 's', at + i})
			i += n
		case r >= '0' && r <= '9' || r == '-':
			n := 1 + span(s[i+1:], func(r rune) bool { return r >= '0' && r <= '9' || r == '.' || r == 'e' || r == 'E' })
			out = append(out, token{s[i : i+n], 'n', at + i})
			i += n
		case r == '_' || r == '.' || unicode.IsLetter(r):
			n := span(s[i:], func(r rune) bool {
				return r == '_' || r == '.' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r)
			})
			out = append(out, token{s[i : i+n], 'w', at + i})
			i += n
		default:
			n := 1
			if i+1 < len(s) && strings.Contains("== != <= >=", s[i:i+2]) && s[i+1] == '=' {
				n = 2
			}
			if !strings.Contains("== != <= >= ( ) | , < >", s[i:i+n]) || n == 1 && (r == '=' || r == '!') {
				c.fail(at+i, "%q means nothing here.", s[i:i+max(n, size)])
				return nil, false
			}
			out = append(out, token{s[i : i+n], 'o', at + i})
			i += n
		}
	}
	return append(out, token{at: at + len(s)}), true
}

func span(s string, in func(rune) bool) int {
	for i, r := range s {
		if !in(r) {
			return i
		}
	}
	return len(s)
}

// quoted is the length of the text in quotes that s starts with.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// reader reads tokens.
type reader struct {
	c      *compiler
	tokens []token
	depth  int
	failed bool
}

func (r *reader) peek() token { return r.tokens[0] }

func (r *reader) next() token {
	t := r.tokens[0]
	if t.kind != 0 {
		r.tokens = r.tokens[1:]
	}
	return t
}

func (r *reader) take(text string) bool {
	if t := r.peek(); t.text == text && (t.kind == 'o' || t.kind == 'w') {
		r.next()
		return true
	}
	return false
}

func (r *reader) fail(at int, format string, args ...any) *expr {
	if !r.failed {
		r.c.fail(at, format, args...)
	}
	r.failed = true
	return &expr{op: "literal"}
}

// or reads the loosest binding: a or b.
func (r *reader) or() *expr { return r.chain("or", r.and) }

func (r *reader) and() *expr { return r.chain("and", r.not) }

func (r *reader) chain(word string, part func() *expr) *expr {
	e := part()
	for r.take(word) {
		if e.op == word {
			e.args = append(e.args, part())
		} else {
			e = &expr{op: word, args: []*expr{e, part()}}
		}
	}
	return e
}

func (r *reader) not() *expr {
	if r.depth++; r.depth > DepthMax {
		return r.fail(r.peek().at, "This is nested too deeply.")
	}
	defer func() { r.depth-- }()
	if r.take("not") {
		return &expr{op: "not", args: []*expr{r.not()}}
	}
	return r.compare()
}

func (r *reader) compare() *expr {
	left := r.operand()
	op := r.peek()
	switch op.text {
	case "==", "!=", "<", "<=", ">", ">=", "in":
		if op.kind == 's' {
			return left
		}
		r.next()
		e := &expr{op: op.text, args: []*expr{left, r.operand()}}
		r.c.comparable(r, op, e)
		return e
	}
	return left
}

func (r *reader) operand() *expr {
	t := r.next()
	switch {
	case t.kind == 'o' && t.text == "(":
		e := r.or()
		if !r.take(")") {
			return r.fail(r.peek().at, "A closing parenthesis is missing.")
		}
		return e
	case t.kind == 's':
		return &expr{op: "literal", value: value{kind: isString, text: t.text}}
	case t.kind == 'n':
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return r.fail(t.at, "%q is no number.", t.text)
		}
		return &expr{op: "literal", value: value{kind: isNumber, number: f, text: t.text}}
	case t.kind == 'w' && (t.text == "true" || t.text == "false"):
		return &expr{op: "literal", value: value{kind: isBool, yes: t.text == "true"}}
	case t.kind == 'w' && t.text == "null":
		return &expr{op: "literal"}
	case t.kind == 'w':
		return &expr{op: "path", path: r.c.path(r, t)}
	case t.kind == 0:
		return r.fail(t.at, "Something is missing here: a variable or a value.")
	}
	return r.fail(t.at, "%q cannot stand here.", t.text)
}
