package budget

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// The bounds of a raise.
const (
	RaiseFor    = 24 * time.Hour // where nothing else is said
	RaiseMax    = 7 * 24 * time.Hour
	reasonMax   = 500 // characters
	raisesShown = 100
)

// NewRaise asks for one.
type NewRaise struct {
	Period Period // empty: that of the budget's only limit
	Amount money.NanoUSD
	From   time.Time     // zero: now; else at most 30 days ahead
	For    time.Duration // 0: RaiseFor; at most RaiseMax
	Reason string        // why, for those who read the history
}

// Raise lifts one limit of a budget for a time, at once or later. It ends by itself. ErrArchived, ErrNoPeriod.
func (s *Service) Raise(ctx context.Context, in tenant.Scope, which id.Budget, n NewRaise) (Raise, error) {
	b, err := s.Store.Budget(ctx, in, which)
	if err != nil {
		return Raise{}, err
	}
	if !b.ArchivedAt.IsZero() {
		return Raise{}, ErrArchived
	}
	now := instant(s.Now())
	r, err := n.raise(b, now)
	if err != nil {
		return Raise{}, err
	}
	r.ID, r.CreatedAt, r.CreatedBy = id.Raise(id.New("raise")), now, in.Actor().ID()
	if err := s.Store.InsertRaise(ctx, in, r); err != nil {
		return Raise{}, err
	}
	return r, nil
}

// raise checks what is asked against the budget.
func (n NewRaise) raise(b Budget, now time.Time) (Raise, error) {
	r := Raise{Budget: b.ID, Period: n.Period, Amount: n.Amount, From: n.From, Reason: strings.TrimSpace(n.Reason)}
	if r.Period == "" && len(b.Limits) == 1 {
		r.Period = b.Limits[0].Period
	}
	if _, ok := b.limit(r.Period); !ok {
		return r, ErrNoPeriod.Say("The budget has no limit for this period. It has one for: %s.", periods(b.Limits)).At("period")
	}
	if r.Amount <= 0 || r.Amount > amountMax {
		return r, invalid("amount", "A raise is more than $0 and at most $%s.", amountMax.USD())
	}
	if l := utf8.RuneCountInString(r.Reason); l == 0 || l > reasonMax {
		return r, invalid("reason", "Say why, in 1 to %d characters: it stands in the budget's history.", reasonMax)
	}
	if r.From.IsZero() || r.From.Before(now) {
		r.From = now
	}
	if r.From.After(now.AddDate(0, 0, 30)) {
		return r, invalid("from", "A raise begins at most 30 days ahead.")
	}
	lasts := n.For
	if lasts == 0 {
		lasts = RaiseFor
	}
	if lasts < time.Minute || lasts > RaiseMax {
		return r, invalid("hours", "A raise lasts at most 7 days. For longer, change the limit.")
	}
	r.From = instant(r.From)
	r.To = r.From.Add(lasts)
	return r, nil
}

// EndRaise ends a raise early; one that has not begun never does. ErrNoRaise where it has ended.
func (s *Service) EndRaise(ctx context.Context, in tenant.Scope, which id.Budget, raise id.Raise) (Raise, error) {
	return s.Store.EndRaise(ctx, in, which, raise, instant(s.Now()))
}

// Raises lists a budget's raises, newest first: those that count, will count and have ended.
func (s *Service) Raises(ctx context.Context, in tenant.Scope, which id.Budget) ([]Raise, error) {
	if _, err := s.Store.Budget(ctx, in, which); err != nil {
		return nil, err
	}
	return s.Store.Raises(ctx, in, which, raisesShown)
}

// Counts reports whether the raise lifts its limit at an instant.
func (r *Raise) Counts(at time.Time) bool {
	return !at.Before(r.From) && at.Before(r.Ends())
}

// Ends is when it stops to count.
func (r *Raise) Ends() time.Time {
	if !r.EndedAt.IsZero() && r.EndedAt.Before(r.To) {
		return r.EndedAt
	}
	return r.To
}

// limit is the budget's limit for a period.
func (b *Budget) limit(p Period) (Limit, bool) {
	i := slices.IndexFunc(b.Limits, func(l Limit) bool { return l.Period == p })
	if i < 0 {
		return Limit{}, false
	}
	return b.Limits[i], true
}

func periods(limits []Limit) string {
	words := make([]string, len(limits))
	for i, l := range limits {
		words[i] = string(l.Period)
	}
	return strings.Join(words, ", ")
}
