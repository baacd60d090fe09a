package pagetest

import (
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/usage"
)

// Sample is a ledger of two teams over six weeks: amounts that a reader can check by hand, a model without a price, and a workflow
// that ended.
func Sample() *Ledger {
	l := &Ledger{}
	noon := Now().Truncate(24 * time.Hour).Add(12 * time.Hour)
	for day := range 42 {
		at := noon.AddDate(0, 0, -day)
		l.add(at, "team_support", "triage", "anthropic", "claude-haiku-4-5", 100, 2_000_000_000)
		l.add(at, "team_search", "rerank", "openai", "gpt-4o-mini", 50, 500_000_000)
		if day >= 7 {
			l.add(at, "team_search", "index", "openai", "gpt-4o-mini", 10, 100_000_000)
		}
	}
	l.add(noon, "team_search", "", "", "mystery", 4, 0)
	last := &l.Spent[len(l.Spent)-1]
	last.Unpriced, last.Errors = 3, 1
	return l
}

func (l *Ledger) add(at time.Time, team, workflow, provider, model string, calls int64, cost money.NanoUSD) {
	r := usage.Row{Calls: calls, Errors: calls / 50, Cost: cost, Estimated: calls / 100}
	r.Units[chat.Input], r.Units[chat.CacheRead], r.Units[chat.Output] = calls*600, calls*400, calls*100
	l.Spent = append(l.Spent, Spent{At: at, Row: r, Values: map[usage.Dimension]string{
		usage.Team: team, usage.Workflow: workflow, usage.Environment: "production", usage.Provider: provider, usage.Model: model, usage.Key: "key_prod",
	}})
}
