package condition

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// checked is an expression that is fit to be evaluated.
type checked struct {
	ast   *cel.Ast
	zones map[string]*time.Location
}

func check(text string) (*checked, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, &Error{1, 1, "The condition is empty. Write what must be true of a call, such as input_tokens > 60000."}
	case len(text) > textBytesMax:
		return nil, &Error{1, 1, "The condition is longer than 1,000 bytes. Split it into several rules."}
	case !utf8.ValidString(text):
		return nil, &Error{1, 1, "The condition is not valid UTF-8."}
	}
	language, err := language()
	if err != nil {
		return nil, err
	}
	tree, issues := language.Compile(text)
	if issues.Err() != nil {
		return nil, told(issues.Errors(), text)
	}
	w := walk{source: tree.NativeRep().SourceInfo(), zones: map[string]*time.Location{}}
	w.expr(tree.NativeRep().Expr())
	if w.err != nil {
		return nil, w.err
	}
	if kind := tree.OutputType(); !kind.IsExactType(cel.BoolType) {
		return nil, &Error{1, 1, "A condition is true or false, and this is " + plain(kind.String()) + ". Compare it with something."}
	}
	return &checked{ast: tree, zones: w.zones}, nil
}

// walk refuses what the type checker lets through and what could fail or take long for some call.
type walk struct {
	source   *ast.SourceInfo
	zones    map[string]*time.Location
	patterns int
	err      *Error
}

func (w *walk) refuse(e ast.Expr, reason string) {
	if w.err == nil {
		at := w.source.GetStartLocation(e.ID())
		w.err = &Error{at.Line(), at.Column() + 1, reason}
	}
}

func (w *walk) expr(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind:
		if names[e.AsIdent()] == nil { // a type, such as int
			w.refuse(e, unknownName(e.AsIdent()))
		}
	case ast.LiteralKind:
		switch e.AsLiteral().(type) {
		case types.Bool, types.Int, types.String:
		default:
			w.refuse(e, "Values are texts in quotes, whole numbers, true and false.")
		}
	case ast.ListKind:
		for _, item := range e.AsList().Elements() {
			w.expr(item)
		}
	case ast.CallKind:
		w.call(e, e.AsCall())
	default:
		w.refuse(e, "Conditions have no maps, fields and loops.")
	}
}

func (w *walk) call(e ast.Expr, c ast.CallExpr) {
	switch c.FunctionName() {
	case operators.Divide, operators.Modulo:
		if n, ok := literal[types.Int](c.Args()[1]); !ok || n < 1 {
			w.refuse(c.Args()[1], "Divide by a whole number above 0 that stands in the condition: by anything else it could fail for some call.")
		}
	case overloads.Matches:
		w.pattern(e, c.Args()[len(c.Args())-1])
	case hourFunction, weekdayFunction:
		w.zone(c.Args()[0])
	}
	if c.IsMemberFunction() {
		w.expr(c.Target())
	}
	for _, arg := range c.Args() {
		w.expr(arg)
	}
}

func (w *walk) pattern(call, arg ast.Expr) {
	text, ok := literal[types.String](arg)
	if !ok {
		w.refuse(arg, "A pattern stands in the condition as a text: one that is put together from a call could be wrong or slow.")
		return
	}
	if _, err := regexp.Compile(string(text)); err != nil {
		w.refuse(arg, "This is not a valid pattern (RE2): "+strings.TrimPrefix(err.Error(), "error parsing regexp: ")+".")
	}
	if w.patterns++; w.patterns > patternCountMax {
		w.refuse(call, "A condition has at most 4 patterns. Put them together with | or split the rule.")
	}
}

func (w *walk) zone(arg ast.Expr) {
	name, ok := literal[types.String](arg)
	if !ok {
		w.refuse(arg, `Name the time zone as a text: hour("Europe/Berlin").`)
		return
	}
	at, err := time.LoadLocation(string(name))
	if err != nil || name == "" || name == "Local" {
		w.refuse(arg, `There is no time zone `+quote(string(name))+`. Write it as in "Europe/Berlin" or "UTC".`)
		return
	}
	w.zones[string(name)] = at
}

func literal[T any](e ast.Expr) (v T, ok bool) {
	if e.Kind() != ast.LiteralKind {
		return v, false
	}
	v, ok = e.AsLiteral().(T)
	return v, ok
}

// told makes one refusal of what CEL complains about: the first complaint, in words for a person.
func told(errs []*common.Error, text string) *Error {
	first := errs[0]
	line, column := max(first.Location.Line(), 1), max(first.Location.Column(), 0)
	return &Error{line, column + 1, reason(first.Message, character(text, line, column))}
}

// character is the one at a place; 0: there is none.
func character(text string, line, column int) byte {
	lines := strings.Split(text, "\n")
	if line > len(lines) {
		return 0
	}
	runes := []rune(lines[line-1])
	if column >= len(runes) || runes[column] >= utf8.RuneSelf {
		return 0
	}
	return byte(runes[column])
}
