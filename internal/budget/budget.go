// Package budget holds what may be spent: budgets on any selection of calls, over one or more periods at once, and what happens at
// their end.
//
// A hard budget (Block) cannot be exceeded. Money is counted in pots: one budget, one period's window, one subject. The authority
// (package budgetpg) lends parts of a pot to holders; a proxy (package lease) admits an attempt only when the most that it can cost
// (package bound) fits into what it holds of every pot that the call falls into. What a call weighed on each pot is a Charge in its
// record, and settles with it, once. At every time, for every pot:
//
//	true spend ≤ Σ settled + held = Σ granted - returned ≤ limit
//
// A window is computed from the clock at admission: nothing is ever reset by a job.
package budget

import (
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// Mode says how serious a budget is.
type Mode string

// The modes.
const (
	Watch Mode = "watch" // counts, and says what it would have blocked
	Warn  Mode = "warn"  // watch, and tells clients in a header
	Block Mode = "block" // hard: what does not fit is not sent
)

// Action is what a blocking budget does with a call that does not fit.
type Action string

// The actions. The zero Action is Refuse.
const (
	Refuse Action = "refuse" // answer 402
	Move   Action = "move"   // serve it by the alias MoveTo, where that fits; else refuse
	Clamp  Action = "clamp"  // lower its output cap to what fits, down to Floor tokens; else refuse
)

// Offline is what a blocking budget does while the authority cannot be asked and the leases in hand are spent.
type Offline string

// The policies. The zero Offline is Deny.
const (
	Deny    Offline = "deny"    // 503 budget.authority_unavailable
	Standby Offline = "standby" // spend StandbyAmount, which is set aside inside the limit
)

// Limit is the most that may be spent in one period.
type Limit struct {
	Period Period
	Amount money.NanoUSD // > 0; 0 blocks everything
}

// Budget is one budget. A call falls under every budget whose Selector selects it; all of them must have room.
type Budget struct {
	ID       id.Budget
	Name     string
	Selector dimension.Selector // empty: the whole organization
	Each     dimension.Name     // "": one pot for all; else one pot for each value: a budget for every end user
	Limits   []Limit            // one for each period, at least one, shortest first

	Mode    Mode
	Action  Action
	MoveTo  string        // alias; of Move
	Floor   int64         // output tokens; of Clamp
	Wait    time.Duration // how long a call may wait for room that calls under way will give back; 0: DefaultWait; negative: not at all
	Offline Offline
	Standby money.NanoUSD // of Standby; at most half of the smallest limit

	AlertAt []int // per cent of a limit, ascending; nil: DefaultAlerts

	Off        bool // kept, and neither enforced nor counted
	Revision   int  // counts changes from 1
	CreatedAt  time.Time
	CreatedBy  string
	UpdatedAt  time.Time
	ArchivedAt time.Time // zero: it is there
}

// DefaultWait is how long a call waits for room where its budget says nothing.
const DefaultWait = 2 * time.Second

// DefaultAlerts are the marks at which people are told, in per cent.
var DefaultAlerts = []int{50, 75, 90, 100}

// Raise lifts one limit for a time. It is never changed, only ended early.
type Raise struct {
	ID        id.Raise
	Budget    id.Budget
	Period    Period
	Amount    money.NanoUSD // on top of the limit
	From, To  time.Time
	Reason    string
	CreatedAt time.Time
	CreatedBy string
	EndedAt   time.Time // zero: not ended early
}

// Fits reports whether the call falls under the budget, and into which pot: subject is "" for a budget with one pot. A budget for each
// value of a dimension does not hold for calls that have none.
func (b *Budget) Fits(c *dimension.Call) (subject string, ok bool) {
	if b.Off || !b.ArchivedAt.IsZero() || !b.Selector.Selects(c) {
		return "", false
	}
	if b.Each == "" {
		return "", true
	}
	subject = c.Value(b.Each)
	return subject, subject != ""
}
