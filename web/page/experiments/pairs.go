package experiments

import (
	"context"

	"tollgate/internal/experiment"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// pair is a call of each of two arms.
type pair struct {
	Same bool // both were asked the same
	A, B pairHalf
}

type pairHalf struct{ Letter, Name, Href, Cost, Asked, Said, Note string }

// The bounds of sample pairs: how many, and how much is shown of a body.
const (
	pairsMost     = 3
	pairRunesMost = 600
)

// pairs reads sample pairs.
func (p Experiments) pairs(ctx context.Context, v *page.Visit, e experiment.Experiment) ([]pair, error) {
	found, err := p.Experiments.Pairs(ctx, v.Scope(), e.ID, pairsMost)
	if err != nil {
		return nil, err
	}
	var out []pair
	for _, f := range found {
		out = append(out, pair{Same: f.Same, A: half(e.Plan, f.A), B: half(e.Plan, f.B)})
	}
	return out, nil
}

func half(p experiment.Plan, s experiment.Side) pairHalf {
	h := pairHalf{
		Letter: letter(max(armIndex(p, s.Arm), 0)), Name: s.Arm, Href: "/requests/" + s.Call.String(), Cost: ui.MoneyText(s.Cost),
		Asked: clip(s.Request), Said: clip(s.Text), Note: s.Note,
	}
	if s.Score != nil {
		h.Note = "Judged " + share(*s.Score) + ". " + s.Note
	}
	return h
}

// clip bounds what is shown of a body.
func clip(text string) string {
	r := []rune(text)
	if len(r) <= pairRunesMost {
		return text
	}
	return string(r[:pairRunesMost]) + "…"
}
