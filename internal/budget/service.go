package budget

import (
	"context"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
)

// Deps is what Service stands on. All fields are required.
type Deps struct {
	Store         Store
	Organizations Organizations
	Costs         Costs
	Books         Books
	Vendors       func(id string) (provider.Vendor, bool)
	Now           func() time.Time
}

// Service manages budgets and reports on them. It grants nothing: package budgetpg's authority does.
type Service struct{ Deps }

// NewService makes a Service.
func NewService(d Deps) *Service { return &Service{d} }

// Create makes a budget from what b decides; its id, revision and times are given. It counts from now on: what was spent before in a
// window that has begun is not charged to it.
func (s *Service) Create(ctx context.Context, in tenant.Scope, b Budget) (Budget, error) {
	b = b.normal()
	if err := s.check(ctx, in, b); err != nil {
		return Budget{}, err
	}
	now := instant(s.Now())
	b.ID, b.Revision, b.ArchivedAt = id.Budget(id.New("bud")), 1, time.Time{}
	b.CreatedAt, b.UpdatedAt, b.CreatedBy = now, now, in.Actor().ID()
	return b, s.Store.Insert(ctx, in, b, budgetsMax)
}

// Budget finds one, archived or not. ErrNotFound for another organization's too.
func (s *Service) Budget(ctx context.Context, in tenant.Scope, which id.Budget) (Budget, error) {
	return s.Store.Budget(ctx, in, which)
}

// After is the place behind a budget in a list.
func After(b Budget) string { return b.Name + "\x00" + string(b.ID) }

// List gives budgets by name, those behind a place (see After; empty: from the first), at most limit, and whether there are more.
func (s *Service) List(ctx context.Context, in tenant.Scope, f Filter, after string, limit int) ([]Budget, bool, error) {
	list, err := s.Store.Budgets(ctx, in, f, after, limit+1)
	if err != nil || len(list) <= limit {
		return list, false, err
	}
	return list[:limit], true, nil
}

// Update gives a budget what b decides. check sees it as it stands and may refuse (If-Match); nil accepts any. Another limit holds at
// once: a higher one lets calls pass again, a lower one lends no more and takes back what proxies hold and do not use. What was spent
// above a lower limit stays spent. ErrArchived.
func (s *Service) Update(ctx context.Context, in tenant.Scope, which id.Budget, b Budget, check func(Budget) error) (Budget, error) {
	if _, err := s.Store.Budget(ctx, in, which); err != nil { // before anything is said about b
		return Budget{}, err
	}
	b = b.normal()
	if err := s.check(ctx, in, b); err != nil {
		return Budget{}, err
	}
	return s.change(ctx, in, which, check, func(now *Budget) error {
		if !now.ArchivedAt.IsZero() {
			return ErrArchived
		}
		if now.Each != b.Each { // its pots would mean something else
			return invalid("each", "A budget cannot be split by something else later. Make another budget, and archive this one.")
		}
		b.ID, b.Revision, b.CreatedAt, b.CreatedBy, b.ArchivedAt = now.ID, now.Revision, now.CreatedAt, now.CreatedBy, now.ArchivedAt
		*now = b
		return nil
	})
}

// Archive takes a budget out of force; what it counted stays readable. Twice is no failure.
func (s *Service) Archive(ctx context.Context, in tenant.Scope, which id.Budget, check func(Budget) error) (Budget, error) {
	return s.change(ctx, in, which, check, func(b *Budget) error {
		if b.ArchivedAt.IsZero() {
			b.ArchivedAt = instant(s.Now())
		}
		return nil
	})
}

// Restore puts an archived budget back in force. What passed meanwhile was not counted. ErrTaken where its name has gone to another.
func (s *Service) Restore(ctx context.Context, in tenant.Scope, which id.Budget, check func(Budget) error) (Budget, error) {
	b, err := s.Store.Budget(ctx, in, which)
	if err != nil {
		return Budget{}, err
	}
	if err := s.check(ctx, in, b); err != nil { // what it speaks of may have gone
		return Budget{}, err
	}
	return s.change(ctx, in, which, check, func(b *Budget) error {
		b.ArchivedAt = time.Time{}
		return nil
	})
}

func (s *Service) change(ctx context.Context, in tenant.Scope, which id.Budget, check func(Budget) error, fn func(*Budget) error) (Budget, error) {
	return s.Store.Change(ctx, in, which, func(b *Budget) error {
		if check != nil {
			if err := check(*b); err != nil {
				return err
			}
		}
		if err := fn(b); err != nil {
			return err
		}
		b.UpdatedAt = instant(s.Now())
		return nil
	})
}

// Calendar is how the organization counts days.
func (s *Service) Calendar(ctx context.Context, in tenant.Scope) (Calendar, error) {
	o, err := s.Organizations.Organization(ctx, in)
	return Calendar{Zone: o.Zone(), FiscalDay: o.FiscalDay}, err
}

// Checked is when the books were last gone over, and what was found.
func (s *Service) Checked(ctx context.Context, in tenant.Scope) (Checked, error) {
	return s.Store.Checked(ctx, in)
}

// Verify goes over the organization's books now.
func (s *Service) Verify(ctx context.Context, in tenant.Scope) (Audit, error) {
	return s.Books.Verify(ctx, in)
}

// Reconcile corrects what calls were charged by what their providers say. Evidence by a provider's id is looked for among the calls that
// began in [from, to); zero: the last 30 days.
func (s *Service) Reconcile(ctx context.Context, in tenant.Scope, evidence []Evidence, from, to time.Time) (Reconciled, error) {
	if to.IsZero() {
		to = s.Now().Add(time.Minute)
	}
	if from.IsZero() {
		from = to.Add(-countedFor)
	}
	if !from.Before(to) {
		return Reconciled{}, invalid("to", "The range must end after it begins.")
	}
	return s.Books.Reconcile(ctx, in, evidence, from, to)
}

// instant is a time as the database keeps it.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
