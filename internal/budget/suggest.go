package budget

import (
	"context"
	"fmt"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
)

// Suggestion is a budget that would fit what is spent, to be looked at and taken.
type Suggestion struct {
	Budget Budget // a draft that only watches; it has no id
	Spent  money.NanoUSD
	Calls  int64
	Why    string // a sentence
}

const (
	suggestFrom  = money.NanoUSD(1_000_000_000) // less than a dollar a month needs no budget
	suggestions  = 8
	suggestParts = 6 // a fifth more than what was spent
)

// Suggestions are budgets for the organization and its teams that have none of their own, by what they spent in the last 30 days.
func (s *Service) Suggestions(ctx context.Context, in tenant.Scope) ([]Suggestion, error) {
	have, err := s.Store.Budgets(ctx, in, Filter{}, "", budgetsMax)
	if err != nil {
		return nil, err
	}
	now := instant(s.Now())
	got, err := s.Costs.Costs(ctx, in, usage.Query{From: now.Add(-countedFor), To: now, GroupBy: []usage.Dimension{usage.Team}})
	if err != nil {
		return nil, err
	}
	var out []Suggestion
	if !covered(have, nil) {
		out = suggest(out, "Organization", nil, "The organization", got.Total, now)
	}
	for _, r := range got.Rows {
		if name := r.Names[usage.Team]; name != "" {
			selector := dimension.Selector{{Dimension: dimension.Team, Value: r.Values[usage.Team]}}
			if !covered(have, selector) {
				out = suggest(out, name, selector, "The team "+name, r, now)
			}
		}
	}
	return out[:min(len(out), suggestions)], nil
}

// covered reports that a budget holds for exactly these calls together.
func covered(have []Budget, s dimension.Selector) bool {
	for i := range have {
		if b := &have[i]; b.Each == "" && b.Selector.Within(s) && s.Within(b.Selector) {
			return true
		}
	}
	return false
}

func suggest(out []Suggestion, name string, s dimension.Selector, who string, r usage.Row, now time.Time) []Suggestion {
	if r.Cost < suggestFrom {
		return out
	}
	limit := Round(r.Cost / (suggestParts - 1) * suggestParts)
	return append(out, Suggestion{
		Budget: Budget{Name: name, Selector: s, Limits: []Limit{{Month, limit}}, Mode: Watch, Action: Refuse, Offline: Deny, CreatedAt: now},
		Spent:  r.Cost, Calls: r.Calls,
		Why: fmt.Sprintf("%s spent $%s in the last 30 days. A budget of $%s a month that only watches tells you when that grows, and blocks nothing.",
			who, short(r.Cost), short(limit)),
	})
}

// short is an amount in whole cents, rounded down.
func short(n money.NanoUSD) string {
	const cent = 10_000_000
	return (n / cent * cent).USD()
}
