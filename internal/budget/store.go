package budget

import (
	"context"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
)

// Filter narrows a list. The zero Filter is every budget that is there.
type Filter struct {
	Text     string // part of the name
	Mode     Mode   // "": any
	Archived bool   // the archived ones instead
}

// Store is what Service needs from storage; package budgetpg provides it.
type Store interface {
	plans
	reports
}

// plans is what people decide.
type plans interface {
	// Insert stores a new budget. ErrTaken; ErrTooMany where the organization has limit budgets already.
	Insert(ctx context.Context, in tenant.Scope, b Budget, limit int) error
	// Budget finds one, archived or not. ErrNotFound.
	Budget(ctx context.Context, in tenant.Scope, which id.Budget) (Budget, error)
	// Budgets lists by name those behind a place (see After; empty: from the first), at most limit.
	Budgets(ctx context.Context, in tenant.Scope, f Filter, after string, limit int) ([]Budget, error)
	// Change stores what fn makes of a budget while nobody else changes it, with the next revision. An error of fn changes nothing.
	// ErrNotFound, ErrTaken.
	Change(ctx context.Context, in tenant.Scope, which id.Budget, fn func(*Budget) error) (Budget, error)
	// InsertRaise stores a raise. ErrNotFound where there is no such budget.
	InsertRaise(ctx context.Context, in tenant.Scope, r Raise) error
	// Raises lists the raises of a budget, newest first, at most limit.
	Raises(ctx context.Context, in tenant.Scope, which id.Budget, limit int) ([]Raise, error)
	// EndRaise ends one early. ErrNoRaise where there is none that counts, or will, at now.
	EndRaise(ctx context.Context, in tenant.Scope, which id.Budget, raise id.Raise, now time.Time) (Raise, error)
	// Names gives what selectors speak of its display name. A team, key or alias that is not there is left out; of other dimensions the
	// value is its own name.
	Names(ctx context.Context, in tenant.Scope, of []dimension.Match) (map[dimension.Match]string, error)
	// Homes gives the team of each of these keys.
	Homes(ctx context.Context, in tenant.Scope, keys []id.Key) (map[id.Key]id.Team, error)
}

// reports is what became of it.
type reports interface {
	// Pots reads how pots stand; one that nobody has touched is left out.
	Pots(ctx context.Context, in tenant.Scope, pots []id.Pot) (map[id.Pot]State, error)
	// Lifts gives the raises that count at now, of all budgets or of one.
	Lifts(ctx context.Context, in tenant.Scope, which id.Budget, now time.Time) ([]Raise, error)
	// Crowd sums up the pots of a budget for each value of a dimension, in the window that begins at from.
	Crowd(ctx context.Context, in tenant.Scope, which id.Budget, w Window, limit money.NanoUSD) (Crowd, error)
	// Subjects lists the pots of a window, the fullest first, from behind a place, at most limit.
	Subjects(ctx context.Context, in tenant.Scope, q SubjectQuery, after *Place, limit int) ([]SubjectState, error)
	// Refusals counts by budget what was refused and what would have been, since the start of each.
	Refusals(ctx context.Context, in tenant.Scope, since map[id.Budget]time.Time) (map[id.Budget]Refusals, error)
	// BlockedByHour counts the same of one budget, by hour, in [from, to).
	BlockedByHour(ctx context.Context, in tenant.Scope, which id.Budget, from, to time.Time) ([]BlockedHour, error)
	// Blocked lists calls that a budget refused, or would have, newest first from behind a place, at most limit.
	Blocked(ctx context.Context, in tenant.Scope, q BlockedQuery, before *CallPlace, limit int) ([]BlockedCall, error)
	// Posted gives what was settled on a pot, by the step of time in which it was, oldest first.
	Posted(ctx context.Context, in tenant.Scope, pot id.Pot, step time.Duration) ([]Point, error)
	// Traffic streams the costs of calls that a selector selects, oldest first, of the newest at most limit calls in [from, to).
	Traffic(ctx context.Context, in tenant.Scope, q TrafficQuery, each func(Passed) error) error
	// Checked tells of the last verification of the organization's books.
	Checked(ctx context.Context, in tenant.Scope) (Checked, error)
}

// Books is what Service needs of the ledger; budgetpg.Ledger has it.
type Books interface {
	Verify(ctx context.Context, in tenant.Scope) (Audit, error)
	Reconcile(ctx context.Context, in tenant.Scope, evidence []Evidence, from, to time.Time) (Reconciled, error)
}

// Checked is the last verification of an organization's books.
type Checked struct {
	At          time.Time // zero: there was none yet
	Differences int       // 0: they balance
	Says        string    // the first difference, in words
}

// Costs is what Service needs of usage; usage.Service has it.
type Costs interface {
	Costs(ctx context.Context, in tenant.Scope, q usage.Query) (usage.Costs, error)
}

// Organizations tells how an organization counts days; account.Service has it.
type Organizations interface {
	Organization(ctx context.Context, in tenant.Scope) (account.Organization, error)
}

// State is how a pot stands at the authority.
type State struct {
	Posted  money.NanoUSD // settled
	Held    money.NanoUSD // lent and not settled
	Holders int           // that hold some of it
}

// SubjectState is a pot of a budget for each value of a dimension.
type SubjectState struct {
	Subject string
	State
}

// Crowd sums up the pots of one window.
type Crowd struct {
	Subjects int // with any spending
	Full     int // at the limit
	Fullest  SubjectState
	Sum      State
}

// SubjectQuery asks for the pots of a window.
type SubjectQuery struct {
	Budget id.Budget
	Window Window
	Search string // part of the subject, or of the name of the team or key that it is
	Names  dimension.Name
}

// Place is behind a subject in the order of Subjects.
type Place struct {
	Used    money.NanoUSD `json:"u"`
	Subject string        `json:"s"`
}
