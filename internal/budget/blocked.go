package budget

import (
	"context"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// BlockedQuery asks for calls that a budget refused, or would have refused.
type BlockedQuery struct {
	Budget   id.Budget
	From, To time.Time // started in [From, To)
	Subject  string    // only this one's; "": all
}

// CallPlace is behind a call in the order of Blocked.
type CallPlace struct {
	At   time.Time `json:"at"`
	Call id.Call   `json:"id"`
}

// BlockedCall is one of them.
type BlockedCall struct {
	Call    id.Call
	At      time.Time
	Team    id.Team
	Key     id.Key
	KeyName string // "": the key is gone
	Alias   string
	Model   string // as the client named it
	Did     string // a calllog.Did: "refused", "would_refuse"
	Subject string
	Period  Period
	Short   money.NanoUSD // what it lacked
}

// BlockedHour counts them.
type BlockedHour struct {
	At          time.Time
	Refused     int64
	WouldRefuse int64
}

// Blockings are calls that a budget refused, or would have.
type Blockings struct {
	Since time.Time
	Refusals
	Hours []BlockedHour // that have any, oldest first
	Calls []BlockedCall // newest first
	More  bool
}

// Blocked reads the calls of the last 30 days that a budget refused, or would have refused if it were to block, newest first from
// behind a place (nil: from the newest), at most limit.
func (s *Service) Blocked(ctx context.Context, in tenant.Scope, which id.Budget, subject string, before *CallPlace, limit int) (Blockings, error) {
	if _, err := s.Store.Budget(ctx, in, which); err != nil {
		return Blockings{}, err
	}
	now := instant(s.Now())
	out := Blockings{Since: now.Add(-countedFor)}
	counts, err := s.Store.Refusals(ctx, in, map[id.Budget]time.Time{which: out.Since})
	if err != nil {
		return out, err
	}
	out.Refusals = counts[which]
	if out.Hours, err = s.Store.BlockedByHour(ctx, in, which, out.Since, now); err != nil {
		return out, err
	}
	q := BlockedQuery{Budget: which, From: out.Since, To: now.Add(time.Minute), Subject: subject}
	if out.Calls, err = s.Store.Blocked(ctx, in, q, before, limit+1); err != nil {
		return out, err
	}
	if out.More = len(out.Calls) > limit; out.More {
		out.Calls = out.Calls[:limit]
	}
	return out, nil
}
