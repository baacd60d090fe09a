package provider

import (
	"encoding/json"
	"errors"

	"tollgate/internal/provider/wire"
)

// Fields are the members of a request object that have not been taken yet. Each taker removes its field; an absent or null one leaves
// the target as it is; a value of the wrong type is ErrBody naming the field below At.
type Fields struct {
	At  string // "" for the body itself, else "messages.0"
	Raw map[string]json.RawMessage
	Err error // the first error
}

// ParseFields reads an object.
func ParseFields(at string, raw []byte) Fields {
	f := Fields{At: at}
	if err := json.Unmarshal(raw, &f.Raw); err != nil || f.Raw == nil {
		f.Err = wrong(at, "an object", err)
	}
	return f
}

func wrong(at, what string, err error) error {
	var syntax *json.SyntaxError
	if at == "" {
		if errors.As(err, &syntax) {
			return ErrBody.Say("The request body is not valid JSON: %s at byte %d.", syntax.Error(), syntax.Offset).Because(err)
		}
		return ErrBody.Say("The request body must be %s.", what).Because(err)
	}
	return ErrBody.Say("%s must be %s.", at, what).At(at).Because(err)
}

// Path is the full name of a field.
func (f *Fields) Path(name string) string {
	if f.At == "" {
		return name
	}
	return f.At + "." + name
}

// Take removes a field and gives its raw value, nil for absent and null.
func (f *Fields) Take(name string) json.RawMessage {
	raw := f.Raw[name]
	delete(f.Raw, name)
	if !wire.Present(raw) {
		return nil
	}
	return raw
}

// Has reports whether a field is there and not null.
func (f *Fields) Has(name string) bool { return wire.Present(f.Raw[name]) }

// Refuse notes an error about a field, unless there is one already.
func (f *Fields) Refuse(name, what string) {
	if f.Err == nil {
		f.Err = wrong(f.Path(name), what, nil)
	}
}

// Into decodes a field into v, which names what it must be.
func (f *Fields) Into(name, what string, v any) bool {
	raw := f.Take(name)
	if raw == nil {
		return false
	}
	if err := json.Unmarshal(raw, v); err != nil {
		f.Refuse(name, what)
		return false
	}
	return true
}

// Text takes a string.
func (f *Fields) Text(name string) string {
	var s string
	f.Into(name, "a string", &s)
	return s
}

// Flag takes a boolean.
func (f *Fields) Flag(name string) bool {
	var b bool
	f.Into(name, "true or false", &b)
	return b
}

// OptionalFlag takes a boolean that may be absent.
func (f *Fields) OptionalFlag(name string) *bool {
	var b bool
	if !f.Into(name, "true or false", &b) {
		return nil
	}
	return &b
}

// Number takes a number and keeps its digits.
func (f *Fields) Number(name string) json.Number {
	raw := f.Take(name)
	if raw == nil {
		return ""
	}
	var n json.Number
	if raw[0] == '"' || json.Unmarshal(raw, &n) != nil {
		f.Refuse(name, "a number")
		return ""
	}
	return n
}

// Whole takes a whole number.
func (f *Fields) Whole(name string) int64 {
	raw := f.Take(name)
	if raw == nil {
		return 0
	}
	n, ok := wire.Int(raw)
	if !ok {
		f.Refuse(name, "a whole number")
	}
	return n
}

// List takes an array.
func (f *Fields) List(name string) []json.RawMessage {
	var list []json.RawMessage
	f.Into(name, "a list", &list)
	return list
}

// Rest gives what nobody took, nil when that is nothing.
func (f *Fields) Rest() map[string]json.RawMessage {
	if len(f.Raw) == 0 {
		return nil
	}
	return f.Raw
}
