// Package score keeps judgements of calls: what a person, a model, a rule or the application itself says of an answer's quality.
//
// A judgement is named by its call, its name, where it comes from and who made it; a newer one of the same takes the older one's place.
// It may come before the call's record has reached the log: then it counts from when that is there, if it belongs to the same
// organization and, of a virtual key, to the key's team.
package score

import (
	"math"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"tollgate/internal/id"
)

// Kind says which of a score's fields hold the judgement. Stored as text.
type Kind string

// The kinds.
const (
	Numeric  Kind = "numeric"  // Value, -1e9 to 1e9; Text may explain it
	Boolean  Kind = "boolean"  // Value is 0 or 1; Text may explain it
	Category Kind = "category" // Text, 1 to CategoryBytesMax bytes
	Comment  Kind = "comment"  // Text, 1 to TextBytesMax bytes
)

// Source is where a judgement comes from. Stored as text.
type Source string

// The sources.
const (
	Human     Source = "human"     // a person in the dashboard, or by the API
	Judge     Source = "judge"     // a model
	Heuristic Source = "heuristic" // a rule
	Feedback  Source = "feedback"  // the application, by /v1/feedback
	API       Source = "api"       // a program, by the control plane's API
)

// Sources are those that a caller of the API may name.
var Sources = []Source{Human, Judge, Heuristic, API}

// Limits of a score.
const (
	ValueMax         = 1e9
	CategoryBytesMax = 64
	TextBytesMax     = 4 << 10
	BatchMax         = 1000 // scores in one Put
)

// Names that are used where none is given.
const (
	Quality  = "quality"
	Comments = "comment"
)

// Score is one judgement.
type Score struct {
	ID     id.Score
	Call   id.Call
	Name   string // [a-z][a-z0-9_.-]{0,63}
	Kind   Kind
	Value  float64 // of Numeric and Boolean
	Text   string
	Source Source
	Author string // id of a user, a token or a key; of a judge its alias
	At     time.Time

	Pending bool // the call's record is not in the log yet; never stored
}

// New is a judgement to be stored.
type New struct {
	Call   id.Call
	Name   string // "": Quality, or Comments of a Comment
	Kind   Kind
	Value  float64
	Text   string
	Source Source
	Author string  // "": who acts in the scope
	Team   id.Team // the call must be of this team; "": of any
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,63}$`)

// check completes and checks a judgement.
func (n *New) check() error {
	if n.Name == "" {
		n.Name = Quality
		if n.Kind == Comment {
			n.Name = Comments
		}
	}
	switch {
	case n.Call == (id.Call{}):
		return ErrInvalid.Say("Name the call: its id is in the header x-tollgate-call-id of its answer.").At("call_id")
	case !nameForm.MatchString(n.Name):
		return ErrInvalid.Say("A score’s name is up to 64 lower-case letters, digits, dots, hyphens and underscores, and starts with a letter.").At("name")
	case !utf8.ValidString(n.Text) || strings.ContainsRune(n.Text, 0):
		return ErrInvalid.Say("The text is not valid UTF-8, or holds a NUL.").At("comment")
	case len(n.Text) > TextBytesMax:
		return ErrInvalid.Say("The text is too long: at most 4,096 bytes.").At("comment")
	}
	return n.checkValue()
}

func (n *New) checkValue() error {
	switch n.Kind {
	case Numeric:
		if math.IsNaN(n.Value) || math.Abs(n.Value) > ValueMax {
			return ErrInvalid.Say("A numeric score is from -1,000,000,000 to 1,000,000,000.").At("value")
		}
	case Boolean:
		if n.Value != 0 && n.Value != 1 {
			return ErrInvalid.Say("A boolean score is true or false.").At("value")
		}
	case Category:
		if n.Text == "" || len(n.Text) > CategoryBytesMax {
			return ErrInvalid.Say("A category is a word of 1 to 64 bytes.").At("category")
		}
		n.Value = 0
	case Comment:
		if n.Text == "" {
			return ErrInvalid.Say("The comment is empty.").At("comment")
		}
		n.Value = 0
	default:
		return ErrInvalid.Say("Give a judgement: value, score, thumb, category or comment.").At("value")
	}
	return nil
}
