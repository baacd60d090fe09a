package alias

import "strings"

// Problem is one reason why a route or a file is refused.
type Problem struct {
	// Path leads to what is wrong, in the API's words and from the top of what was checked: "aliases", "fast", "targets", "0", "model".
	// It is empty where the whole is wrong.
	Path   []string
	Reason string // a sentence that says what to do
	Err    error  // where Reason is another's: what it said, such as the error of a condition. nil otherwise
}

// Field is the path in one piece: "aliases.fast.targets.0.model".
func (p Problem) Field() string { return strings.Join(p.Path, ".") }

// Fault is the problem as a failure of a request whose field under holds what was checked; under may be empty.
func (p Problem) Fault(under string) error {
	field := p.Field()
	switch {
	case field == "":
		field = under
	case under != "":
		field = under + "." + field
	}
	return ErrInvalid.Say("%s", p.Reason).At(field)
}
