package experiment

import (
	"context"
	"slices"

	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// pairCalls is how many kept calls of each arm pairs are made from.
const pairCalls = 200

// Side is one call of a pair.
type Side struct {
	Arm     string
	Call    id.Call
	Request string // what was asked, in words; "" where the body does not say
	Text    string // what was answered
	Cost    money.NanoUSD
	Score   *float64 // 0 to 1; nil: not judged
	Note    string   // of the judge
}

// Pair is a call of the control beside one of a challenger, for people to read. It proves nothing: it is there for examples.
type Pair struct {
	Same bool // both were asked the same; otherwise something of about the same length
	A, B Side
}

// Pairs sets kept calls of the control beside kept calls of the others: first those that were asked the same, then those whose requests are of
// about the same length. None where no key keeps bodies.
func (s *Service) Pairs(ctx context.Context, in tenant.Scope, which id.Experiment, limit int) ([]Pair, error) {
	e, err := s.Store.Experiment(ctx, in, which)
	if err != nil || len(e.Plan.Variants) == 0 {
		return nil, err
	}
	kept, err := s.Store.Kept(ctx, in, which, pairCalls)
	if err != nil {
		return nil, err
	}
	control := e.Plan.Variants[0].Name
	var a, b []KeptCall
	for _, k := range kept {
		if k.Arm == control {
			a = append(a, k)
		} else {
			b = append(b, k)
		}
	}
	out := alikes(a, b)
	for _, p := range near(a, b) {
		if len(out) < limit {
			out = append(out, p)
		}
	}
	return out[:min(len(out), limit)], nil
}

// alikes are the pairs that were asked the same.
func alikes(a, b []KeptCall) (out []Pair) {
	for i := range a {
		for j := range b {
			if a[i].Fingerprint != 0 && a[i].Fingerprint == b[j].Fingerprint {
				out = append(out, Pair{Same: true, A: a[i].side(), B: b[j].side()})
				break
			}
		}
	}
	return out
}

// near sets each challenger's call beside a control's call of about the same length, each used once.
func near(a, b []KeptCall) (out []Pair) {
	left := slices.Clone(a)
	for i := range b {
		if len(left) == 0 {
			break
		}
		best := 0
		for j := range left {
			if apart(left[j], b[i]) < apart(left[best], b[i]) {
				best = j
			}
		}
		if left[best].Fingerprint != b[i].Fingerprint || b[i].Fingerprint == 0 {
			out = append(out, Pair{A: left[best].side(), B: b[i].side()})
		}
		left = slices.Delete(left, best, best+1)
	}
	return out
}

func apart(a, b KeptCall) int {
	if d := len(a.Request) - len(b.Request); d > 0 {
		return d
	}
	return len(b.Request) - len(a.Request)
}

func (k KeptCall) side() Side {
	return Side{Arm: k.Arm, Call: k.Call, Request: asked(k.Request), Text: answered(k.Response), Cost: k.Cost, Score: k.Score, Note: k.Note}
}
