package limit

import (
	"context"
	"strings"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// New is what a caller says about a limit to be made.
type New struct {
	Name     string
	Selector dimension.Selector
	Each     dimension.Name
	Metric   Metric
	Amount   int64
	Per      time.Duration
	Watch    bool
	Off      bool
}

// Change says what is to be different; nil leaves a thing as it is.
type Change struct {
	Name     *string
	Selector *dimension.Selector
	Each     *dimension.Name
	Metric   *Metric
	Amount   *int64
	Per      *time.Duration
	Watch    *bool
	Off      *bool
}

// Filter selects limits. The zero Filter selects those that are not archived.
type Filter struct {
	Text     string // part of the name
	Metric   Metric // "": all
	Archived bool   // those that are archived instead
}

// Store is what Service needs from storage; package limitpg provides it.
type Store interface {
	// Insert adds a limit. ErrTaken; ErrTooMany beyond most; ErrInvalid at selector where it names a team or a key that is not there.
	Insert(ctx context.Context, in tenant.Scope, l Limit, most int) error
	// Limit finds one. ErrNotFound.
	Limit(ctx context.Context, in tenant.Scope, which id.Limit) (Limit, error)
	// Limits lists newest first those behind after (empty: from the start), at most limit.
	Limits(ctx context.Context, in tenant.Scope, f Filter, after id.Limit, limit int) ([]Limit, error)
	// Change replaces what fn returns, in one transaction in which nobody else changes the limit. ErrNotFound, and as Insert.
	Change(ctx context.Context, in tenant.Scope, which id.Limit, fn func(Limit) (Limit, error)) (Limit, error)
}

// Service manages limits.
type Service struct {
	store Store
	now   func() time.Time
}

// NewService needs storage and a clock.
func NewService(store Store, now func() time.Time) *Service { return &Service{store: store, now: now} }

// Create makes a limit that holds on every proxy within a second. ErrInvalid, dimension.ErrInvalid, ErrTaken, ErrTooMany.
func (s *Service) Create(ctx context.Context, in tenant.Scope, n New) (Limit, error) {
	now := instant(s.now())
	l := Limit{
		ID: id.Limit(id.New("lim")), Name: strings.TrimSpace(n.Name), Selector: n.Selector.Normal(), Each: n.Each, Metric: n.Metric, Amount: n.Amount,
		Per: n.Per, Watch: n.Watch, Off: n.Off, Revision: 1, CreatedAt: now, CreatedBy: in.Actor().ID(), UpdatedAt: now,
	}
	if err := l.check(); err != nil {
		return Limit{}, err
	}
	return l, s.store.Insert(ctx, in, l, limitsMax)
}

// Limit finds one. ErrNotFound for another organization's too.
func (s *Service) Limit(ctx context.Context, in tenant.Scope, which id.Limit) (Limit, error) {
	return s.store.Limit(ctx, in, which)
}

// List gives newest first the limits behind after (empty: from the newest), at most limit, and whether there are more.
func (s *Service) List(ctx context.Context, in tenant.Scope, f Filter, after id.Limit, limit int) ([]Limit, bool, error) {
	list, err := s.store.Limits(ctx, in, f, after, limit+1)
	if err != nil || len(list) <= limit {
		return list, false, err
	}
	return list[:limit], true, nil
}

// Update changes a limit. check sees it as it stands and may refuse (If-Match); nil accepts any. What was counted is forgotten where
// the period changes, and stands otherwise.
func (s *Service) Update(ctx context.Context, in tenant.Scope, which id.Limit, c Change, check func(Limit) error) (Limit, error) {
	return s.change(ctx, in, which, check, func(l *Limit) error {
		if !l.ArchivedAt.IsZero() {
			return ErrNotFound.Say("This limit is archived. Restore it first.")
		}
		c.apply(l)
		return l.check()
	})
}

func (c *Change) apply(l *Limit) {
	set(&l.Each, c.Each)
	set(&l.Metric, c.Metric)
	set(&l.Amount, c.Amount)
	set(&l.Per, c.Per)
	set(&l.Watch, c.Watch)
	set(&l.Off, c.Off)
	if c.Name != nil {
		l.Name = strings.TrimSpace(*c.Name)
	}
	if c.Selector != nil {
		l.Selector = c.Selector.Normal()
	}
	if l.Metric == Concurrency && c.Per == nil {
		l.Per = 0
	}
}

func set[T any](field, to *T) {
	if to != nil {
		*field = *to
	}
}

// Archive ends a limit: no call is held to it any more. It stays readable, because calls tell of it. ErrNotFound.
func (s *Service) Archive(ctx context.Context, in tenant.Scope, which id.Limit) (Limit, error) {
	return s.change(ctx, in, which, nil, func(l *Limit) error {
		if l.ArchivedAt.IsZero() {
			l.ArchivedAt = instant(s.now())
		}
		return nil
	})
}

// Restore lets an archived limit hold again. ErrNotFound, ErrTaken where its name was given away.
func (s *Service) Restore(ctx context.Context, in tenant.Scope, which id.Limit) (Limit, error) {
	return s.change(ctx, in, which, nil, func(l *Limit) error {
		l.ArchivedAt = time.Time{}
		return nil
	})
}

func (s *Service) change(ctx context.Context, in tenant.Scope, which id.Limit, check func(Limit) error, fn func(*Limit) error) (Limit, error) {
	return s.store.Change(ctx, in, which, func(l Limit) (Limit, error) {
		if check != nil {
			if err := check(l); err != nil {
				return Limit{}, err
			}
		}
		if err := fn(&l); err != nil {
			return Limit{}, err
		}
		l.Revision++
		l.UpdatedAt = instant(s.now())
		return l, nil
	})
}
