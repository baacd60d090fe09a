package template

import (
	"slices"
	"strings"

	"tollgate/internal/fault"
)

// path finds what a name means: what the innermost loop of that name gives, or a variable.
func (c *compiler) path(r *reader, t token) path {
	if t.text == "." {
		return c.element(r, t, nil)
	}
	parts := strings.Split(strings.TrimPrefix(t.text, "."), ".")
	if slices.Contains(parts, "") {
		r.fail(t.at, "%q is no path: names are separated by one dot.", fault.Clip(t.text))
		return path{}
	}
	if strings.HasPrefix(t.text, ".") || parts[0] == "this" {
		return c.element(r, t, slices.DeleteFunc(parts, func(s string) bool { return s == "this" }))
	}
	for i := len(c.loops) - 1; i >= 0; i-- {
		switch parts[0] {
		case c.loops[i].item:
			return path{slot: 2 * i, members: parts[1:]}
		case c.loops[i].index:
			if len(parts) > 1 {
				r.fail(t.at, "%q is a number and has no members.", parts[0])
			}
			return path{slot: 2*i + 1}
		}
	}
	kind, ok := c.declared[parts[0]]
	switch {
	case !ok:
		r.fail(t.at, "There is no variable %q.%s", fault.Clip(parts[0]), c.similar(parts[0]))
		return path{}
	case len(parts) > 1 && kind != Any:
		r.fail(t.at, "%q is a %s and has no members: declare it as json.", parts[0], kind)
	}
	c.used[parts[0]] = true
	return path{slot: -1, name: parts[0], members: parts[1:]}
}

// element is what the innermost loop gives.
func (c *compiler) element(r *reader, t token, members []string) path {
	if len(c.loops) == 0 {
		r.fail(t.at, "%q stands in no loop and no section.", fault.Clip(t.text))
		return path{}
	}
	return path{slot: 2 * (len(c.loops) - 1), members: members}
}

func (c *compiler) similar(name string) string {
	for known := range c.declared {
		if strings.EqualFold(known, name) {
			return " Did you mean \"" + known + "\"?"
		}
	}
	if len(c.declared) == 0 {
		return " No variables are declared."
	}
	return ""
}

// kindOf is what an operand is, as far as it is known: Any where it is not.
func (c *compiler) kindOf(e *expr) Kind {
	switch e.op {
	case "literal":
		switch e.value.kind {
		case isString:
			return String
		case isNumber:
			return Number
		case isBool:
			return Boolean
		case isNil, isList, isObject:
		}
		return Any
	case "path":
		switch p := e.path; {
		case p.slot >= 0 && p.slot%2 == 1:
			return Number
		case p.slot >= 0 || len(p.members) > 0:
			return Any
		default:
			return c.declared[p.name]
		}
	}
	return Boolean
}

// may reports whether an operand can be of a kind.
func (c *compiler) may(e *expr, k Kind) bool {
	is := c.kindOf(e)
	return is == k || is == Any
}

// comparable refuses comparisons that can never hold.
func (c *compiler) comparable(r *reader, op token, e *expr) {
	if r.failed {
		return
	}
	left, right := c.kindOf(e.args[0]), c.kindOf(e.args[1])
	switch op.text {
	case "in":
		if right != List && right != Any && right != String {
			r.fail(op.at, "in looks for something in a list or in a text, and this is a %s.", right)
		}
		return
	case "<", "<=", ">", ">=":
		if left != Number && left != Any || right != Number && right != Any {
			r.fail(op.at, "%s compares numbers, and this is a %s and a %s.", op.text, left, right)
		}
		return
	}
	if text(left) && text(right) || left == right || left == Any || right == Any {
		c.listed(r, op, e)
		return
	}
	r.fail(op.at, "A %s is never equal to a %s.", left, right)
}

func text(k Kind) bool { return k == String || k == Enum }

// listed refuses comparing an enum with what is none of its values.
func (c *compiler) listed(r *reader, op token, e *expr) {
	for i, arg := range e.args {
		other := e.args[1-i]
		if arg.op != "path" || c.kindOf(arg) != Enum || other.op != "literal" || other.value.kind != isString {
			continue
		}
		for _, v := range c.options.Variables {
			if v.Name == arg.path.name && !slices.Contains(v.Values, other.value.text) {
				r.fail(op.at, "%q is none of the values of %q: %s.", fault.Clip(other.value.text), v.Name, fault.Clip(strings.Join(v.Values, ", ")))
			}
		}
	}
}
