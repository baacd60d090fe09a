package playground

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// Estimate is what a column's call may cost, before it is made. It is no promise: what a budget holds is decided when the call is made.
type Estimate struct {
	Known  bool // a price is known of some target
	About  money.NanoUSD
	Most   money.NanoUSD // at the dearest target, with every byte a token; of what is bounded
	Bound  bool          // Most is the most: the output has a cap
	Input  int64         // tokens, about
	Output int64         // tokens, about
}

// What an estimate supposes.
const (
	bytesPerToken = 4   // of English text
	usualOutput   = 300 // tokens, where no cap says otherwise
	framing       = 16  // tokens around a conversation
)

// Estimate tells what a request may cost.
func (s *Service) Estimate(ctx context.Context, in tenant.Scope, r *Request, set *Setup) (Estimate, error) {
	bytes := len(set.Message) + len(set.Tools) + len(set.Schema)
	for _, m := range r.Rendered {
		bytes += len(m.Text) + len(m.Sent)
	}
	e := Estimate{Input: int64(bytes/bytesPerToken + framing), Output: usualOutput, Bound: r.Most > 0 && len(set.Images) == 0}
	if r.Most > 0 {
		e.Output = min(e.Output, int64(r.Most))
	}
	targets, err := s.targets(ctx, in, r.Model)
	if err != nil {
		return Estimate{}, err
	}
	for _, t := range targets {
		about, known, err := s.Prices.Cost(ctx, in, t.Provider, t.Model, e.Input, e.Output)
		if err != nil {
			return Estimate{}, err
		}
		if !known {
			e.Bound = false
			continue
		}
		most, _, err := s.Prices.Cost(ctx, in, t.Provider, t.Model, int64(bytes+framing), int64(cmp.Or(r.Most, usualOutput)))
		if err != nil {
			return Estimate{}, err
		}
		if !e.Known { // the first is the one that is usually asked
			e.About, e.Known = about, true
		}
		e.Most = max(e.Most, most)
	}
	return e, nil
}

// targets are where calls of a model or an alias may go, the usual one first. None: nobody knows.
func (s *Service) targets(ctx context.Context, in tenant.Scope, model string) ([]alias.Target, error) {
	list, _, err := s.Aliases.List(ctx, in, model, "", 50)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list, func(a alias.Alias) bool { return a.Name == model }); i >= 0 {
		return list[i].Route.Targets, nil
	}
	if provider, name, ok := strings.Cut(model, "/"); ok {
		return []alias.Target{{Provider: provider, Model: name}}, nil
	}
	return nil, nil
}
