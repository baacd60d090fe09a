// Package issue makes a key together with the budget and the limits that are its own.
//
// Keys, budgets and limits are domains of their own, each with its own transactions. They are made one after the other, the key first,
// because the others select it; when one cannot be made, what was made before is taken back. Nobody has the key's secret by then.
package issue

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/tenant"
)

// Keys are what Service needs of keys; key.Service has it.
type Keys interface {
	Prepare(ctx context.Context, in tenant.Scope, n key.New) (key.New, error)
	Issue(ctx context.Context, in tenant.Scope, n key.New) (key.Key, key.Secret, error)
	Revoke(ctx context.Context, in tenant.Scope, which id.Key, calls key.Streams) (key.Key, error)
	Import(ctx context.Context, in tenant.Scope, rows []key.Imported, o key.ImportOptions) ([]key.Taken, error)
}

// Budgets are what Service needs of budgets; budget.Service has it.
type Budgets interface {
	Create(ctx context.Context, in tenant.Scope, b budget.Budget) (budget.Budget, error)
	Archive(ctx context.Context, in tenant.Scope, which id.Budget, check func(budget.Budget) error) (budget.Budget, error)
}

// Limits are what Service needs of limits; limit.Service has it.
type Limits interface {
	Create(ctx context.Context, in tenant.Scope, n limit.New) (limit.Limit, error)
	Archive(ctx context.Context, in tenant.Scope, which id.Limit) (limit.Limit, error)
}

// Service makes keys.
type Service struct {
	keys    Keys
	budgets Budgets
	limits  Limits
}

// New needs the services of the three domains.
func New(keys Keys, budgets Budgets, limits Limits) *Service {
	return &Service{keys: keys, budgets: budgets, limits: limits}
}

// Issue makes a key, and the budget and limits that n (or the template that fills it in) asks for. All of it is made, or nothing.
func (s *Service) Issue(ctx context.Context, in tenant.Scope, n key.New) (key.Made, error) {
	n, err := s.keys.Prepare(ctx, in, n)
	if err != nil {
		return key.Made{}, err
	}
	var out key.Made
	if out.Key, out.Secret, err = s.keys.Issue(ctx, in, n); err != nil {
		return key.Made{}, err
	}
	if err := s.attach(ctx, in, n, &out); err != nil {
		_, undo := s.keys.Revoke(context.WithoutCancel(ctx), in, out.Key.ID, key.Finish)
		return key.Made{}, errors.Join(err, undo)
	}
	return out, nil
}

// attach makes the key's own budget and limits; when one fails, those before it are taken back.
func (s *Service) attach(ctx context.Context, in tenant.Scope, n key.New, out *key.Made) (err error) {
	defer func() {
		if err == nil {
			return
		}
		after := context.WithoutCancel(ctx)
		if out.Budget != "" {
			_, undo := s.budgets.Archive(after, in, out.Budget, nil)
			err = errors.Join(err, undo)
		}
		for _, l := range out.Limits {
			_, undo := s.limits.Archive(after, in, l)
			err = errors.Join(err, undo)
		}
	}()
	of := dimension.Selector{{Dimension: dimension.Key, Value: string(out.Key.ID)}}
	if n.Budget != nil {
		b, err := s.budgets.Create(ctx, in, budget.Budget{
			Name: called("Key", &out.Key), Selector: of, Mode: budget.Block,
			Limits: []budget.Limit{{Period: budget.Period(n.Budget.Period), Amount: n.Budget.Amount}},
		})
		if err != nil {
			return at("budget", err)
		}
		out.Budget = b.ID
	}
	for _, p := range []struct {
		field  string
		metric limit.Metric
		amount int64
		per    time.Duration
	}{
		{"rpm", limit.Requests, n.Limits.RPM, time.Minute},
		{"tpm", limit.Tokens, n.Limits.TPM, time.Minute},
		{"concurrency", limit.Concurrency, n.Limits.Concurrency, 0},
	} {
		if p.amount == 0 {
			continue
		}
		l, err := s.limits.Create(ctx, in, limit.New{Name: called(p.field+" of", &out.Key), Selector: of, Metric: p.metric, Amount: p.amount, Per: p.per})
		if err != nil {
			return at("limits."+p.field, err)
		}
		out.Limits = append(out.Limits, l.ID)
	}
	return nil
}

// Import takes keys of another gateway over, with the budgets and limits that they had there. What cannot be made for a key is told in
// its notes: the key is there, without it.
func (s *Service) Import(ctx context.Context, in tenant.Scope, rows []key.Imported, o key.ImportOptions) ([]key.Taken, error) {
	taken, err := s.keys.Import(ctx, in, rows, o)
	if err != nil || o.DryRun {
		return taken, err
	}
	for i := range taken {
		t := &taken[i]
		if t.Err != nil {
			continue
		}
		if err := s.attach(ctx, in, t.New, &key.Made{Key: t.Key}); err != nil {
			var told *fault.Error
			if !errors.As(err, &told) || told.Kind == fault.Internal {
				return taken, err
			}
			t.Notes = append(t.Notes, "Its budget and limits were not made: "+told.Message)
		}
	}
	return taken, nil
}

// nameMax is what both budgets and limits take as a name, in characters.
const nameMax = 80

// called names a thing of a key. The end of the key's id keeps names apart when keys share one.
func called(what string, k *key.Key) string {
	tail := " (" + string(k.ID[max(len(k.ID)-6, 0):]) + ")"
	name := []rune(k.Name)
	if room := nameMax - utf8.RuneCountInString(what+" "+tail); len(name) > room {
		name = name[:room]
	}
	return fmt.Sprintf("%s %s%s", what, string(name), tail)
}

// at puts a failure of a part at its field of the key.
func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Invalid {
		return f.At(field)
	}
	return err
}
