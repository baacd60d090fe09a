// Package condition evaluates the conditions of routing rules: CEL expressions (https://cel.dev) over what is known of a call before
// it is sent.
//
// The language is cut down until evaluation is total: an expression that compiles has an answer for every call. There is nothing in it
// that could fail (no index, no division by what is not a constant, no conversion, no overflow) and nothing that could take long (no
// loop over lists, patterns are RE2 and constant, texts are short). See language.go for what there is.
package condition

import (
	"fmt"
	"time"
	_ "time/tzdata" // hour("Europe/Berlin") means the same on machines that know no time zones

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// Facts are what a condition may ask of a call. In expressions they stand under the names behind them.
type Facts struct {
	Task        string            // task
	Alias       string            // alias
	Environment string            // environment
	Key         string            // key: the key's id
	KeyName     string            // key_name
	Team        string            // team: the team's name
	Workflow    string            // workflow
	Endpoint    string            // endpoint: "chat"
	EndUser     string            // end_user
	Tags        map[string]string // tag("name"): "" where there is none
	InputTokens int64             // input_tokens, by the rule of thumb
	MaxTokens   int64             // max_tokens that the call asks for; 0: it does not say
	Messages    int64             // messages
	Images      bool              // images
	Audio       bool              // audio
	Documents   bool              // documents
	Tools       bool              // tools
	JSON        bool              // json: an answer in JSON is demanded
	Stream      bool              // stream
	Now         time.Time         // hour, minute, weekday (0 = Sunday), UTC; hour("Europe/Berlin") and weekday("Europe/Berlin") elsewhere
}

// Program is a compiled condition. It is safe for concurrent use.
type Program struct {
	text    string
	program cel.Program
	zones   map[string]*time.Location // that the expression names
}

// Compile checks a condition. What is no expression, is not boolean, or could fail for some call is refused; the error is an *Error.
func Compile(text string) (*Program, error) {
	checked, err := check(text)
	if err != nil {
		return nil, err
	}
	language, err := language()
	if err != nil {
		return nil, err
	}
	program, perr := language.Program(checked.ast, cel.EvalOptions(cel.OptOptimize))
	if perr != nil {
		return nil, &Error{Line: 1, Column: 1, Reason: "This condition cannot be evaluated: " + perr.Error() + "."}
	}
	return &Program{text: text, program: program, zones: checked.zones}, nil
}

// Check reports why a condition is refused, or nil.
func Check(text string) error {
	_, err := Compile(text)
	return err
}

// Holds evaluates the condition. It fails for no call; were there an error nevertheless, the caller must not take it for false.
func (p *Program) Holds(f *Facts) (bool, error) {
	got, _, err := p.program.Eval(activation{facts: f, zones: p.zones})
	if err != nil {
		return false, fmt.Errorf("condition %q: %w", p.text, err)
	}
	yes, ok := got.(types.Bool)
	if !ok {
		return false, fmt.Errorf("condition %q is not boolean", p.text)
	}
	return bool(yes), nil
}

// String is the expression.
func (p *Program) String() string { return p.text }

// Error says why a condition is refused, and where.
type Error struct {
	Line, Column int // in the expression, from 1; columns count characters
	Reason       string
}

// Error is the place and the reason.
func (e *Error) Error() string {
	if e.Line > 1 {
		return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
	}
	return fmt.Sprintf("column %d: %s", e.Column, e.Reason)
}
