package app

import (
	"context"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/dimension"
	"tollgate/internal/gateway"
	"tollgate/internal/id"
	"tollgate/internal/snapshot"
	"tollgate/internal/usage"
)

// purse tells a key what it spent and has left, from the database.
type purse struct {
	usage   *usage.Service
	budgets *budgetpg.Store
	now     func() time.Time
}

// spentDays is how far back a key's total reaches: as far as usage can be asked for at once.
const spentDays = 400

// Spent implements gateway.Purse.
func (p purse) Spent(ctx context.Context, k *snapshot.Key) (gateway.Spent, error) {
	now := p.now()
	zone := k.Org.Calendar.Zone
	if zone == nil {
		zone = time.UTC
	}
	costs, err := p.usage.Costs(ctx, k.Scope, usage.Query{
		From: now.Add(-(spentDays - 1) * 24 * time.Hour), To: now, Zone: zone, Bucket: usage.Daily,
		Filter: map[usage.Dimension][]string{usage.Key: {string(k.ID)}},
	})
	if err != nil {
		return gateway.Spent{}, err
	}
	out := gateway.Spent{Total: costs.Total.Cost, UpTo: costs.UpTo}
	day, week, month := k.Org.Calendar.Window(budget.Day, now).From, k.Org.Calendar.Window(budget.Week, now).From, k.Org.Calendar.Window(budget.Month, now).From
	for _, r := range costs.Rows {
		if !r.At.Before(day) {
			out.Day += r.Cost
		}
		if !r.At.Before(week) {
			out.Week += r.Cost
		}
		if !r.At.Before(month) {
			out.Month += r.Cost
		}
	}
	return out, nil
}

// Left implements gateway.Purse.
func (p purse) Left(ctx context.Context, k *snapshot.Key, of []*budget.Budget) ([]gateway.Left, error) {
	if len(of) == 0 {
		return nil, nil
	}
	now := p.now()
	lifts, err := p.budgets.Lifts(ctx, k.Scope, "", now)
	if err != nil {
		return nil, err
	}
	var out []gateway.Left
	var pots []id.Pot
	for _, b := range of {
		subject, ok := subjectOf(b, k)
		if !ok { // which pot a call falls into, only the call knows
			continue
		}
		for _, l := range b.Limits {
			w := k.Org.Calendar.Window(l.Period, now)
			left := gateway.Left{Budget: b, Subject: subject, Window: w, Limit: l.Amount}
			for _, r := range lifts {
				if r.Budget == b.ID && r.Period == l.Period {
					left.Limit += r.Amount
				}
			}
			out = append(out, left)
			pots = append(pots, budget.Pot(k.Org.ID, b.ID, subject, w))
		}
	}
	states, err := p.budgets.Pots(ctx, k.Scope, pots)
	if err != nil {
		return nil, err
	}
	for i := range out {
		s := states[pots[i]]
		out[i].Spent, out[i].Reserved = s.Posted, s.Held
	}
	return out, nil
}

// subjectOf is the value for which a budget counts the key's calls by themselves; false where each call has its own.
func subjectOf(b *budget.Budget, k *snapshot.Key) (string, bool) {
	switch b.Each {
	case "":
		return "", true
	case dimension.Key:
		return string(k.ID), true
	case dimension.Team:
		return string(k.Team), true
	case dimension.Environment:
		return k.Environment, true
	case dimension.Workflow, dimension.EndUser, dimension.Alias, dimension.Prompt, dimension.PromptVersion, dimension.Provider, dimension.Model: // and tags: of each call
	}
	return "", false
}
