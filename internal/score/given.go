package score

import (
	"encoding/json"
	"math"
	"strings"

	"tollgate/internal/id"
)

// Given is a judgement as clients write it, in the bodies of the API and of /v1/feedback. Exactly one of Value, Score, Thumb and
// Category, or Comment alone; Comment may stand beside each of them.
type Given struct {
	Name     string   `json:"name,omitempty" maxLength:"64" doc:"What is judged; left out: quality, or comment of a comment alone"`
	Value    any      `json:"value,omitempty" doc:"A number, true or false, or a category"`
	Score    *float64 `json:"score,omitempty" doc:"A number"`
	Thumb    string   `json:"thumb,omitempty" doc:"up or down"`
	Category string   `json:"category,omitempty" maxLength:"64" doc:"A word"`
	Comment  string   `json:"comment,omitempty" maxLength:"4096" doc:"In words; beside another judgement, its reason"`
}

// Read is the judgement, and the comment where it has to be a score of its own.
func (g Given) Read(call id.Call, source Source) ([]New, error) {
	n := New{Call: call, Name: g.Name, Source: source}
	given := 0
	if g.Value != nil {
		given++
		if err := n.set(g.Value); err != nil {
			return nil, err
		}
	}
	if g.Score != nil {
		given++
		n.Kind, n.Value = Numeric, *g.Score
	}
	if g.Thumb != "" {
		given++
		n.Kind = Boolean
		switch strings.ToLower(g.Thumb) {
		case "up":
			n.Value = 1
		case "down":
			n.Value = 0
		default:
			return nil, ErrInvalid.Say("A thumb is up or down.").At("thumb")
		}
	}
	if g.Category != "" {
		given++
		n.Kind, n.Text = Category, g.Category
	}
	switch {
	case given > 1:
		return nil, ErrInvalid.Say("Give one judgement: one of value, score, thumb and category.").At("value")
	case given == 0 && g.Comment == "":
		return nil, ErrInvalid.Say("Give a judgement: value, score, thumb, category or comment.").At("value")
	case given == 0:
		n.Kind, n.Text = Comment, g.Comment
	case g.Comment == "":
	case n.Kind == Category:
		return []New{n, {Call: call, Kind: Comment, Text: g.Comment, Source: source}}, nil
	default:
		n.Text = g.Comment
	}
	return []New{n}, nil
}

// set takes a value of any kind.
func (n *New) set(v any) error {
	switch v := v.(type) {
	case float64:
		n.Kind, n.Value = Numeric, v
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			f = math.NaN()
		}
		n.Kind, n.Value = Numeric, f
	case bool:
		n.Kind = Boolean
		if v {
			n.Value = 1
		}
	case string:
		n.Kind, n.Text = Category, v
	default:
		return ErrInvalid.Say("A value is a number, true or false, or a category.").At("value")
	}
	return nil
}
