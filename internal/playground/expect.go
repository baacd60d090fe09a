package playground

import (
	"encoding/json"
	"regexp"
	"strings"

	"tollgate/internal/fault"
)

// The kinds of checks of answers.
const (
	Equals   = "equals"   // but for white space around it
	Contains = "contains" // whatever the case of letters
	Matches  = "matches"  // a regular expression in RE2's syntax
	Conforms = "schema"   // JSON that a schema accepts
)

// CheckKinds are all, in the order in which forms offer them.
var CheckKinds = []string{Equals, Contains, Matches, Conforms}

// The bounds of checks.
const (
	checksMax  = 8
	patternMax = 1000
)

// Check is held against every answer of a run.
type Check struct {
	Kind  string `json:"kind"`
	Value string `json:"value,omitempty"` // "": what the row expects
}

// Verdict is what became of a check.
type Verdict struct {
	Kind string `json:"kind"`
	OK   bool   `json:"ok"`
	Note string `json:"note,omitempty"` // why not, where that is not plain
}

// check refuses a check that can hold for nothing.
func (c *Check) check() error {
	switch c.Kind {
	case Equals, Contains:
	case Matches:
		if _, err := regexp.Compile(c.Value); err != nil || len(c.Value) > patternMax {
			return invalid("checks", "%q is no regular expression of at most %d bytes.", fault.Clip(c.Value), patternMax)
		}
	case Conforms:
		if c.Value == "" || !document(json.RawMessage(c.Value), '{') {
			return invalid("checks", "A check of the kind schema wants a JSON Schema of at most 64 KiB.")
		}
	default:
		return invalid("checks", "A check is equals, contains, matches or schema.")
	}
	if len(c.Value) > documentMax {
		return invalid("checks", "A check has at most 64 KiB.")
	}
	return nil
}

// judge holds a check against an answer. A row that expects nothing passes a check that says nothing itself.
func (c *Check) judge(answer string, row *Row, conforms func(schema, document []byte) (bool, error)) Verdict {
	v := Verdict{Kind: c.Kind}
	want := c.Value
	if want == "" {
		want = row.Expected
	}
	if want == "" {
		v.OK, v.Note = true, "The row expects nothing."
		return v
	}
	switch c.Kind {
	case Equals:
		v.OK = strings.TrimSpace(answer) == strings.TrimSpace(want)
	case Contains:
		v.OK = strings.Contains(strings.ToLower(answer), strings.ToLower(want))
	case Matches:
		r, err := regexp.Compile(want)
		if v.OK = err == nil && r.MatchString(answer); err != nil {
			v.Note = "What the row expects is no regular expression."
		}
	case Conforms:
		ok, err := conforms([]byte(want), []byte(unfenced(answer)))
		if v.OK = ok && err == nil; err != nil {
			v.Note = "The schema cannot be checked."
		}
	}
	return v
}

// unfenced is the inside of an answer that is one fenced block, as models write JSON.
func unfenced(answer string) string {
	text := strings.TrimSpace(answer)
	if !strings.HasPrefix(text, "```") || !strings.HasSuffix(text, "```") {
		return text
	}
	_, inner, ok := strings.Cut(strings.TrimSuffix(text, "```"), "\n")
	if !ok {
		return text
	}
	return inner
}
