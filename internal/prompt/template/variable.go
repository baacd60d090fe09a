package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"tollgate/internal/fault"
)

// Kind is what a variable holds.
type Kind string

// The kinds.
const (
	String  Kind = "string"
	Number  Kind = "number"
	Boolean Kind = "boolean"
	Enum    Kind = "enum" // one of Variable.Values
	List    Kind = "list"
	Any     Kind = "json" // anything
)

// Kinds are all kinds.
var Kinds = []Kind{String, Number, Boolean, Enum, List, Any}

// Variable declares one variable.
type Variable struct {
	Name        string          `json:"name"`
	Kind        Kind            `json:"kind"`
	Required    bool            `json:"required,omitempty"`
	Default     json.RawMessage `json:"default,omitempty"`    // nil: the empty value of its kind
	Values      []string        `json:"values,omitempty"`     // of an Enum
	MaxLength   int             `json:"max_length,omitempty"` // characters of a string, elements of a list, bytes of json; 0: no bound of its own
	Description string          `json:"description,omitempty"`
}

// The failures of variables. Each names the variable at variables.NAME.
var (
	ErrMissing = fault.New(fault.Invalid, "prompt.variable_missing", "A variable that the prompt needs was not sent.")
	ErrType    = fault.New(fault.Invalid, "prompt.variable_type", "A variable is not what the prompt declares it to be.")
	ErrLength  = fault.New(fault.Invalid, "prompt.variable_too_long", "A variable is longer than the prompt allows.")
	ErrDeclare = fault.New(fault.Invalid, "prompt.variable_invalid", "The declaration of a variable is not valid.")
)

var nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// words that expressions keep for themselves.
var reserved = []string{"and", "or", "not", "in", "as", "if", "else", "each", "this", "true", "false", "null"}

// Check refuses a declaration that cannot be kept; the error is ErrDeclare at the variable.
func (v *Variable) Check() error {
	at := "variables." + v.Name
	switch {
	case !nameForm.MatchString(v.Name) || slices.Contains(reserved, v.Name):
		return ErrDeclare.Say("%q is no name of a variable: write letters, digits and underscores, and no word of the language.", fault.Clip(v.Name)).At("variables")
	case !slices.Contains(Kinds, v.Kind):
		return ErrDeclare.Say("%q is no kind: write string, number, boolean, enum, list or json.", fault.Clip(string(v.Kind))).At(at)
	case v.Kind == Enum && len(v.Values) == 0:
		return ErrDeclare.Say("An enum lists its values.").At(at)
	case v.Kind != Enum && len(v.Values) > 0:
		return ErrDeclare.Say("Only an enum has values.").At(at)
	case v.MaxLength < 0:
		return ErrDeclare.Say("A length is not negative.").At(at)
	case v.Required && v.Default != nil:
		return ErrDeclare.Say("A variable that is required has no default.").At(at)
	case v.Default != nil:
		if _, err := v.read(v.Default); err != nil {
			return ErrDeclare.Say("The default: %s", publicly(err)).At(at)
		}
	}
	return nil
}

func publicly(err error) string {
	if f, ok := err.(*fault.Error); ok { //nolint:errorlint // made by read, never wrapped
		return f.Message
	}
	return "it is not valid."
}

// Values are variables bound to what a caller sent.
type Values map[string]value

// Bind checks what a caller sent against the declarations and fills in defaults. What is not declared is not bound. ErrMissing, ErrType
// and ErrLength name the variable.
func Bind(declared []Variable, sent map[string]json.RawMessage) (Values, error) {
	out := make(Values, len(declared))
	for i := range declared {
		v := &declared[i]
		raw, ok := sent[v.Name]
		if !ok || isNull(raw) {
			if v.Required {
				return nil, ErrMissing.Say("The prompt needs the variable %q, which was not sent.", v.Name).At("variables." + v.Name)
			}
			raw = v.Default
		}
		bound, err := v.read(raw)
		if err != nil {
			return nil, err
		}
		out[v.Name] = bound
	}
	return out, nil
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

// read is the value of raw; nil is the empty value of the kind.
func (v *Variable) read(raw json.RawMessage) (value, error) {
	if raw == nil {
		return v.empty(), nil
	}
	val, err := parseValue(raw)
	if err != nil {
		return value{}, v.wrong("is not valid JSON")
	}
	switch v.Kind {
	case String, Enum:
		if val.kind != isString {
			return value{}, v.wrong("must be a string")
		}
	case Number:
		if val.kind != isNumber {
			return value{}, v.wrong("must be a number")
		}
	case Boolean:
		if val.kind != isBool {
			return value{}, v.wrong("must be true or false")
		}
	case List:
		if val.kind != isList {
			return value{}, v.wrong("must be a list")
		}
	case Any:
	}
	if v.Kind == Enum && !slices.Contains(v.Values, val.text) {
		return value{}, v.wrong(fmt.Sprintf("must be one of %q", v.Values))
	}
	if n := v.length(val, raw); v.MaxLength > 0 && n > v.MaxLength {
		return value{}, ErrLength.Say("The variable %q has a length of %d; at most %d are allowed.", v.Name, n, v.MaxLength).At("variables." + v.Name)
	}
	return val, nil
}

func (v *Variable) wrong(what string) error {
	return ErrType.Say("The variable %q %s.", v.Name, what).At("variables." + v.Name)
}

func (v *Variable) length(val value, raw []byte) int {
	switch val.kind {
	case isString:
		return utf8.RuneCountInString(val.text)
	case isList:
		return len(val.list)
	case isObject:
		return len(raw)
	case isNil, isNumber, isBool:
	}
	return 0
}

func (v *Variable) empty() value {
	switch v.Kind {
	case Number:
		return value{kind: isNumber, text: "0"}
	case Boolean:
		return value{kind: isBool}
	case List:
		return value{kind: isList, text: "[]"}
	case Any:
		return value{}
	case String, Enum:
	}
	return value{kind: isString}
}

// sort is what a value is. The zero sort is null.
type sort uint8

const (
	isNil sort = iota
	isString
	isNumber
	isBool
	isList
	isObject
)

// value is JSON, read once.
type value struct {
	kind   sort
	yes    bool
	number float64
	text   string // of a string; all else but a Boolean as it was written
	list   []value
	object map[string]value
}

const valueDepthMax = 64

var (
	errMore  = errors.New("more than one value")
	errDeep  = errors.New("nested too deeply")
	errLarge = errors.New("a number is too large")
)

// parseValue reads JSON in one pass. Lists and objects keep the text in which they were sent.
func parseValue(raw []byte) (value, error) {
	if len(raw) > 0 && raw[0] == '"' { // most are texts, and a decoder weighs more than they do
		v := value{kind: isString}
		err := json.Unmarshal(raw, &v.text)
		return v, err
	}
	p := parser{d: json.NewDecoder(bytes.NewReader(raw)), raw: raw}
	p.d.UseNumber()
	v, err := p.value(0)
	if err != nil {
		return value{}, err
	}
	if _, err := p.d.Token(); !errors.Is(err, io.EOF) {
		return value{}, errMore
	}
	return v, nil
}

type parser struct {
	d   *json.Decoder
	raw []byte
}

func (p *parser) value(depth int) (value, error) {
	token, err := p.d.Token()
	if err != nil {
		return value{}, err
	}
	switch t := token.(type) {
	case string:
		return value{kind: isString, text: t}, nil
	case bool:
		return value{kind: isBool, yes: t}, nil
	case json.Number:
		f, err := strconv.ParseFloat(t.String(), 64)
		if err != nil {
			return value{}, errLarge
		}
		return value{kind: isNumber, number: f, text: t.String()}, nil
	case json.Delim:
		if depth >= valueDepthMax {
			return value{}, errDeep
		}
		return p.nested(t, depth)
	}
	return value{}, nil
}

func (p *parser) nested(open json.Delim, depth int) (value, error) {
	from := p.d.InputOffset() - 1
	v := value{kind: isList}
	if open == '{' {
		v = value{kind: isObject, object: map[string]value{}}
	}
	for p.d.More() {
		name := ""
		if v.kind == isObject {
			token, err := p.d.Token()
			if err != nil {
				return value{}, err
			}
			name, _ = token.(string)
		}
		e, err := p.value(depth + 1)
		if err != nil {
			return value{}, err
		}
		if v.kind == isObject {
			v.object[name] = e
		} else {
			v.list = append(v.list, e)
		}
	}
	if _, err := p.d.Token(); err != nil {
		return value{}, err
	}
	v.text = string(p.raw[from:p.d.InputOffset()])
	return v, nil
}

// truth is whether a value counts as true: not null, false, zero, or empty.
func (v *value) truth() bool {
	switch v.kind {
	case isString:
		return v.text != ""
	case isNumber:
		return v.number != 0
	case isBool:
		return v.yes
	case isList:
		return len(v.list) > 0
	case isObject:
		return len(v.object) > 0
	case isNil:
	}
	return false
}

// written is how a value stands in the text.
func (v *value) written() string {
	if v.kind == isBool {
		return strconv.FormatBool(v.yes)
	}
	return v.text
}
