package template

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Append renders the template behind dst. Its only failure is ErrTooLong; dst is then of no use.
func (t *Template) Append(dst []byte, v Values) ([]byte, error) {
	r := rendering{out: dst, values: v, most: len(dst) + OutputMax}
	r.nodes(t.nodes, 0)
	if r.failed {
		return dst, ErrTooLong
	}
	return r.out, nil
}

type rendering struct {
	out    []byte
	values Values
	slots  []value // what open loops give: element and number, from the outermost
	most   int
	steps  int
	failed bool
}

// nodes writes nodes. base is the first slot of the template that they stand in.
func (r *rendering) nodes(nodes []node, base int) {
	for i := range nodes {
		if r.steps++; r.failed || r.steps > stepsMax || len(r.out) > r.most {
			r.failed = true
			return
		}
		switch n := &nodes[i]; n.kind {
		case 't':
			r.out = append(r.out, n.text...)
		case 'h':
			v := r.find(n.expr.path, base)
			r.out = n.escape.append(r.out, v.written())
		case 'i':
			if r.holds(n.expr, base) {
				r.nodes(n.body, base)
			} else {
				r.nodes(n.none, base)
			}
		case 'e':
			r.each(n, base)
		case 's':
			r.section(n, base)
		case 'p':
			r.nodes(n.part.nodes, len(r.slots))
		}
	}
	if len(r.out) > r.most {
		r.failed = true
	}
}

func (r *rendering) each(n *node, base int) {
	list := r.find(n.expr.path, base)
	if list.kind != isList || len(list.list) == 0 {
		r.nodes(n.none, base)
		return
	}
	for i := range list.list {
		r.with(list.list[i], i, n.body, base)
	}
}

func (r *rendering) section(n *node, base int) {
	v := r.find(n.expr.path, base)
	switch {
	case v.kind == isList:
		for i := range v.list {
			r.with(v.list[i], i, n.body, base)
		}
	case v.truth():
		r.with(v, 0, n.body, base)
	}
}

func (r *rendering) with(element value, i int, body []node, base int) {
	number := value{kind: isNumber, number: float64(i), text: strconv.Itoa(i)}
	r.slots = append(r.slots, element, number)
	r.nodes(body, base)
	r.slots = r.slots[:len(r.slots)-2]
}

// find is the value at a path; null where there is none.
func (r *rendering) find(p path, base int) value {
	var v value
	if p.slot < 0 {
		v = r.values[p.name]
	} else {
		v = r.slots[base+p.slot]
	}
	for _, name := range p.members {
		v = v.member(name)
	}
	return v
}

// member is one of an object's, or an element of a list by its number from 0.
func (v *value) member(name string) value {
	switch v.kind {
	case isObject:
		return v.object[name]
	case isList:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(v.list) {
			return v.list[i]
		}
	case isNil, isString, isNumber, isBool:
	}
	return value{}
}

func (r *rendering) holds(e *expr, base int) bool {
	switch e.op {
	case "not":
		return !r.holds(e.args[0], base)
	case "and":
		for _, a := range e.args {
			if !r.holds(a, base) {
				return false
			}
		}
		return true
	case "or":
		for _, a := range e.args {
			if r.holds(a, base) {
				return true
			}
		}
		return false
	case "path", "literal":
		v := r.operand(e, base)
		return v.truth()
	}
	return compare(e.op, r.operand(e.args[0], base), r.operand(e.args[1], base))
}

func (r *rendering) operand(e *expr, base int) value {
	switch e.op {
	case "literal":
		return e.value
	case "path":
		return r.find(e.path, base)
	}
	return value{kind: isBool, yes: r.holds(e, base)}
}

// compare is false for values that cannot be compared: json may hold anything.
func compare(op string, a, b value) bool {
	switch op {
	case "==":
		return equal(a, b)
	case "!=":
		return !equal(a, b)
	case "in":
		if b.kind == isString {
			return a.kind == isString && strings.Contains(b.text, a.text)
		}
		for i := range b.list {
			if equal(a, b.list[i]) {
				return true
			}
		}
		return false
	}
	if a.kind != isNumber || b.kind != isNumber {
		return false
	}
	switch op {
	case "<":
		return a.number < b.number
	case "<=":
		return a.number <= b.number
	case ">":
		return a.number > b.number
	}
	return a.number >= b.number
}

func equal(a, b value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case isNumber:
		return a.number == b.number
	case isBool:
		return a.yes == b.yes
	case isNil, isString, isList, isObject: // lists and objects: as they were written
	}
	return a.text == b.text
}

// append writes text behind dst.
func (e Escape) append(dst []byte, text string) []byte {
	switch e {
	case XML:
		return appendXML(dst, text)
	case JSON:
		return appendJSON(dst, text)
	case Line:
		for _, r := range text {
			if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
				r = ' '
			}
			dst = utf8.AppendRune(dst, r)
		}
		return dst
	case None:
	}
	return append(dst, text...)
}

func appendXML(dst []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; c {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '"':
			dst = append(dst, "&quot;"...)
		case '\'':
			dst = append(dst, "&#39;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func appendJSON(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
