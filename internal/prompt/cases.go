package prompt

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"tollgate/internal/fault"
)

// The kinds of assertions.
const (
	Contains = "contains"
	Lacks    = "lacks"
	Equals   = "equals"
	Matches  = "matches" // a regular expression in RE2's syntax
	AtMost   = "at_most" // bytes
)

func (a *Assertion) check() error {
	switch a.Kind {
	case Contains, Lacks, Equals:
		if len(a.Value) > assertionBytesMx {
			return errors.New("An assertion has at most 64 KiB.") //nolint:staticcheck // a sentence for people
		}
		return nil
	case Matches:
		if _, err := regexp.Compile(a.Value); err != nil || len(a.Value) > regexpLengthMax {
			return errors.New("This is no regular expression of at most 1,000 bytes.") //nolint:staticcheck // a sentence for people
		}
		return nil
	case AtMost:
		if n, err := strconv.Atoi(a.Value); err != nil || n < 0 {
			return errors.New("at_most wants a number of bytes.") //nolint:staticcheck // a sentence for people
		}
		return nil
	}
	return errors.New("An assertion is contains, lacks, equals, matches or at_most.") //nolint:staticcheck // a sentence for people
}

// holds reports whether a text meets the assertion.
func (a *Assertion) holds(text string) bool {
	switch a.Kind {
	case Contains:
		return strings.Contains(text, a.Value)
	case Lacks:
		return !strings.Contains(text, a.Value)
	case Equals:
		return text == a.Value
	case Matches:
		ok, err := regexp.MatchString(a.Value, text)
		return ok && err == nil
	case AtMost:
		n, err := strconv.Atoi(a.Value)
		return err == nil && len(text) <= n
	}
	return false
}

// Outcome is what became of one case.
type Outcome struct {
	Case   string
	Text   string // what was rendered: messages one below the other, each under its role
	Failed string // why it failed; "": it did not
}

// Try renders every case and holds its assertions against it.
func (c *Compiled) Try(cases []Case) []Outcome {
	out := make([]Outcome, len(cases))
	for i, k := range cases {
		out[i] = Outcome{Case: k.Name}
		messages, err := c.Render(k.Variables)
		if err != nil {
			out[i].Failed = said(err)
			continue
		}
		out[i].Text = written(messages)
		for _, a := range k.Assert {
			if !a.holds(out[i].Text) {
				out[i].Failed = a.Kind + " " + strconv.Quote(fault.Clip(a.Value)) + " does not hold"
				break
			}
		}
	}
	return out
}

func written(messages []Rendered) string {
	var b strings.Builder
	for i, m := range messages {
		if i > 0 {
			b.WriteString("\n\n")
		}
		if m.Role != "" {
			b.WriteString(m.Role + ":\n")
		}
		b.WriteString(m.Text)
		b.Write(m.Sent)
	}
	return b.String()
}

func said(err error) string {
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return f.Message
	}
	return "it cannot be rendered"
}
