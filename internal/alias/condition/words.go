package condition

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/common/operators"

	"tollgate/internal/alias/spell"
)

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	noOverload = regexp.MustCompile(`^found no matching overload for '([^']+)' applied to '\(?(.*?)\)?'`)
	noFields   = regexp.MustCompile(`^type '([^']*)' does not support field selection`)
	tooMany    = regexp.MustCompile(`(?i)(recursion|node|nesting|size|exceed).*limit|limit.*exceeded`)
	typeClash  = regexp.MustCompile(`^expected type '([^']*)' but found '([^']*)'`)
)

// reason says one of CEL's complaints in words for a person who has never heard of it. at is the character that it points at.
func reason(message string, at byte) string {
	if m := undeclared.FindStringSubmatch(message); m != nil {
		switch at {
		case '[':
			return noIndex
		case '(':
			return unknownFunction(m[1])
		}
		return unknownName(m[1])
	}
	if m := noOverload.FindStringSubmatch(message); m != nil {
		return mismatch(m[1], m[2])
	}
	if m := noFields.FindStringSubmatch(message); m != nil {
		return "Facts have no fields. A tag is asked for as tag(\"name\")."
	}
	if m := typeClash.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("Here stands %s where %s is expected.", plain(m[2]), plain(m[1]))
	}
	if detail, ok := strings.CutPrefix(message, "Syntax error: "); ok {
		return syntax(detail)
	}
	if strings.Contains(message, "regex") {
		return "This pattern is too large."
	}
	if tooMany.MatchString(message) {
		return "The condition is too long or too deep. Split it into several rules."
	}
	return strings.ToUpper(message[:1]) + message[1:] + "."
}

// syntax keeps what the parser says of the place and drops its list of tokens.
func syntax(detail string) string {
	switch {
	case strings.Contains(detail, "'<EOF>'"):
		return "The condition ends too early: something is missing behind its end."
	case strings.Contains(detail, "token recognition error at: '= "), strings.HasSuffix(detail, "token recognition error at: '='"):
		return "Compare with ==, not with =."
	case strings.Contains(detail, "token recognition error"):
		return "This character means nothing here. Texts stand in quotes; compare with == and combine with && and ||."
	}
	for _, lead := range []string{"mismatched input ", "extraneous input ", "no viable alternative at input ", "missing "} {
		if rest, ok := strings.CutPrefix(detail, lead); ok {
			what, _, _ := strings.Cut(rest, " expecting")
			return "This cannot be read from " + spell.Clip(what) + " on. Compare with ==, combine with && and ||, put texts in quotes."
		}
	}
	return "This cannot be read: " + spell.Clip(detail) + "."
}

const noIndex = `Conditions have no [ ]: what is not there would make them fail. A tag is asked for as tag("name").`

// unknownName says that there is no such fact, and which one may be meant.
func unknownName(name string) string {
	name, _, _ = strings.Cut(name, ".")
	if name == "tags" || name == "metadata" {
		return `There is no ` + quote(name) + `. A tag is asked for as tag("name").`
	}
	var all []string
	for n := range names {
		all = append(all, n)
	}
	slices.Sort(all)
	if near := spell.Near(name, all); near != "" {
		return fmt.Sprintf("There is no %s. Did you mean %s?", quote(name), near)
	}
	return fmt.Sprintf("There is no %s. A condition knows %s. Texts stand in quotes.", quote(name), strings.Join(all, ", "))
}

// unknownFunction says that there is no such function, and which ones there are.
func unknownFunction(name string) string {
	switch name {
	case "has", "all", "exists", "exists_one", "map", "filter":
		return "Conditions have no " + name + "(): there are no maps and loops in them."
	}
	all := []string{"contains", "endsWith", hourFunction, "matches", "size", "startsWith", tagFunction, weekdayFunction}
	if near := spell.Near(name, all); near != "" {
		return fmt.Sprintf("There is no %s(). Did you mean %s()?", spell.Clip(name), near)
	}
	return fmt.Sprintf("There is no %s(). A condition knows %s().", spell.Clip(name), strings.Join(all, "(), "))
}

// symbols are operators as people write them.
var symbols = map[string]string{
	operators.LogicalAnd: "&&", operators.LogicalOr: "||", operators.LogicalNot: "!", operators.Equals: "==", operators.NotEquals: "!=",
	operators.Less: "<", operators.LessEquals: "<=", operators.Greater: ">", operators.GreaterEquals: ">=", operators.In: "in",
	operators.Add: "+", operators.Subtract: "-", operators.Multiply: "*", operators.Divide: "/", operators.Modulo: "%",
	operators.Negate: "-", operators.Conditional: "?:",
}

// mismatch says that a function or an operator does not take what it is given. types is CEL's list of them.
func mismatch(function, types string) string {
	switch given := plainList(types); function {
	case operators.Index:
		return noIndex
	case operators.Equals, operators.NotEquals:
		return fmt.Sprintf("%s cannot be compared: both sides must be of the same kind. Texts stand in quotes, numbers do not.", sentence(given))
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return fmt.Sprintf("%s compares two whole numbers, and here stand %s.", symbols[function], given)
	default:
		if s := symbols[function]; s != "" {
			return fmt.Sprintf("%s does not work on %s.", s, given)
		}
		if !strings.Contains(types, ")") && strings.Contains(types, ".(") {
			_, types, _ = strings.Cut(types, ".(")
			given = plainList(types)
		}
		return fmt.Sprintf("%s() does not take %s.", function, given)
	}
}

// plain is a type in words.
func plain(kind string) string {
	switch kind {
	case "string":
		return "a text"
	case "int":
		return "a whole number"
	case "bool":
		return "true or false"
	case "double", "uint":
		return "a number that is not whole"
	}
	if strings.HasPrefix(kind, "list") {
		return "a list"
	}
	return "something else"
}

func plainList(types string) string {
	parts := strings.Split(types, ", ")
	for i, p := range parts {
		parts[i] = plain(p)
	}
	return strings.Join(parts, " and ")
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func quote(s string) string { return `"` + spell.Clip(s) + `"` }
