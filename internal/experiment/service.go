package experiment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
)

// Deps is what Service stands on. All fields are required.
type Deps struct {
	Store       Store
	Aliases     Aliases
	Credentials Credentials
	Keys        Keys
	Prices      Prices
	Prompts     Prompts
	Vendors     func(id string) (provider.Vendor, bool)
	Now         func() time.Time
}

// Service manages experiments.
type Service struct{ Deps }

// NewService makes a Service.
func NewService(d Deps) *Service { return &Service{d} }

// Create makes a draft: nothing changes for any call until Start.
func (s *Service) Create(ctx context.Context, in tenant.Scope, p Plan) (Experiment, error) {
	p, err := s.plan(ctx, in, p)
	if err != nil {
		return Experiment{}, err
	}
	e := Experiment{
		ID: id.Experiment(id.New("exp")), Plan: p, Status: Draft, Salt: id.New("salt"), CreatedAt: instant(s.Now()),
		CreatedBy: in.Actor().ID(), ActedBy: in.Actor().ID(), Revision: 1,
	}
	return e, s.Store.Insert(ctx, in, e)
}

// plan is a plan as it is stored: normal, checked, with the alias's name.
func (s *Service) plan(ctx context.Context, in tenant.Scope, p Plan) (Plan, error) {
	p = p.normal()
	var err error
	if p.Alias != "" {
		a, err := s.Aliases.Alias(ctx, in, p.Alias)
		if errors.Is(err, alias.ErrNotFound) {
			return p, invalid("alias", "There is no such alias.")
		}
		if err != nil {
			return p, err
		}
		p.AliasName = a.Name
	}
	if err := p.check(s.Vendors); err != nil {
		return p, err
	}
	p.PromptName, err = s.checkPrompts(ctx, in, p)
	return p, err
}

// Update gives a draft another plan. check sees it as it stands and may refuse (If-Match); nil accepts any. ErrNotDraft.
func (s *Service) Update(ctx context.Context, in tenant.Scope, which id.Experiment, p Plan, check func(Experiment) error) (Experiment, error) {
	if _, err := s.Store.Experiment(ctx, in, which); err != nil { // before anything is said about the plan
		return Experiment{}, err
	}
	p, err := s.plan(ctx, in, p)
	if err != nil {
		return Experiment{}, err
	}
	return s.Store.Change(ctx, in, which, func(e *Experiment) error {
		if check != nil {
			if err := check(*e); err != nil {
				return err
			}
		}
		if e.Status != Draft {
			return ErrNotDraft
		}
		e.Plan = p
		return nil
	})
}

// Experiment finds one with its newest reading. ErrNotFound for another organization's too.
func (s *Service) Experiment(ctx context.Context, in tenant.Scope, which id.Experiment) (Experiment, error) {
	return s.Store.Experiment(ctx, in, which)
}

// List gives newest first the experiments made before one (empty: from the newest), at most limit, and whether there are more.
func (s *Service) List(ctx context.Context, in tenant.Scope, f Filter, before id.Experiment, limit int) ([]Experiment, bool, error) {
	list, err := s.Store.Experiments(ctx, in, f, before, limit+1)
	if err != nil || len(list) <= limit {
		return list, false, err
	}
	return list[:limit], true, nil
}

// Delete removes a draft. ErrNotDraft: what was started stays, as a record of what was found out.
func (s *Service) Delete(ctx context.Context, in tenant.Scope, which id.Experiment) error {
	return s.Store.Delete(ctx, in, which, func(e Experiment) error {
		if e.Status != Draft {
			return ErrNotDraft.Say("Only a draft can be deleted: what was started stays as a record of what was found out.")
		}
		return nil
	})
}

// Readings gives the looks at an experiment, oldest first, thinned evenly to at most limit with the newest among them. limit 0: all.
func (s *Service) Readings(ctx context.Context, in tenant.Scope, which id.Experiment, limit int) ([]Reading, error) {
	if _, err := s.Store.Experiment(ctx, in, which); err != nil {
		return nil, err
	}
	all, err := s.Store.Readings(ctx, in, which)
	if err != nil || limit <= 0 || len(all) <= limit {
		return all, err
	}
	out := make([]Reading, limit)
	for i := range out {
		out[limit-1-i] = all[len(all)-1-i*len(all)/limit]
	}
	return out, nil
}

// Start deals the alias's units from now on; every proxy knows within a second. ErrNotDraft, ErrBusy, ErrNotConnected; prompt.ErrProtected where arms
// take calls away from under a protected label.
func (s *Service) Start(ctx context.Context, in tenant.Scope, which id.Experiment) (Experiment, error) {
	e, err := s.Store.Experiment(ctx, in, which)
	if err != nil {
		return e, err
	}
	if e.Status != Draft {
		return e, ErrNotDraft
	}
	p, err := s.plan(ctx, in, e.Plan) // what it needs may have gone since
	if err != nil {
		return e, err
	}
	if err := s.supplied(ctx, in, p); err != nil {
		return e, err
	}
	a, err := s.Aliases.Alias(ctx, in, p.Alias)
	if err != nil {
		return e, err
	}
	if err := s.startable(ctx, in, p, a); err != nil {
		return e, err
	}
	f, err := s.Forecast(ctx, in, p)
	if err != nil {
		return e, err
	}
	read := e.Revision
	return s.Store.Change(ctx, in, which, func(e *Experiment) error {
		switch {
		case e.Status != Draft:
			return ErrNotDraft
		case e.Revision != read: // what was looked at is not what would start
			return ErrStale
		}
		e.Horizon = f.Horizon
		e.Plan, e.Status, e.Live, e.Arms = p, Active, true, deal(p)
		e.AliasAt, e.StartedAt, e.ActedBy = a.Version, instant(s.Now()), in.Actor().ID()
		return nil
	})
}

// supplied refuses a plan whose models nobody here can call, or whose judge could not work.
func (s *Service) supplied(ctx context.Context, in tenant.Scope, p Plan) error {
	have, err := s.Credentials.List(ctx, in)
	if err != nil {
		return err
	}
	for i, v := range p.Variants {
		if v.Target == nil {
			continue
		}
		if vendor, _ := s.Vendors(v.Target.Provider); vendor.BaseURL == builtIn {
			continue
		}
		found := false
		for _, c := range have {
			found = found || c.Provider == v.Target.Provider && (v.Target.Credential == "" || c.ID == v.Target.Credential)
		}
		if !found {
			return ErrNotConnected.At(fmt.Sprintf("variants.%d.target.provider", i))
		}
	}
	return s.judgeable(ctx, in, p)
}

// builtIn is the address of the sandbox, which needs no credential.
const builtIn = "sandbox:"

// judgeable refuses a judge's key that is gone, dead, or may not call the judge's alias.
func (s *Service) judgeable(ctx context.Context, in tenant.Scope, p Plan) error {
	if p.Quality != Judge {
		return nil
	}
	k, err := s.Keys.Key(ctx, in, p.Judge.Key)
	switch now := s.Now(); {
	case err != nil:
		return invalid("judge.key", "There is no such key.")
	case !k.RevokedAt.IsZero() || !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return invalid("judge.key", "This key is revoked or has expired.")
	case k.AllowAlias(p.Judge.Alias) != nil:
		return invalid("judge.key", "This key may not call the alias %s.", p.Judge.Alias)
	}
	_, err = s.named(ctx, in, p.Judge.Alias)
	if errors.Is(err, alias.ErrNotFound) {
		return invalid("judge.alias", "There is no alias %q.", fault.Clip(p.Judge.Alias))
	}
	return err
}

// named finds an alias by its name. alias.ErrNotFound.
func (s *Service) named(ctx context.Context, in tenant.Scope, name string) (alias.Alias, error) {
	const page = 100
	for after := ""; ; {
		list, more, err := s.Aliases.List(ctx, in, name, after, page)
		if err != nil {
			return alias.Alias{}, err
		}
		for _, a := range list {
			if a.Name == name {
				return a, nil
			}
		}
		if !more {
			return alias.Alias{}, alias.ErrNotFound
		}
		after = list[len(list)-1].Name
	}
}

// Stop ends a running experiment: every unit is served by the alias again. ErrNotRunning.
func (s *Service) Stop(ctx context.Context, in tenant.Scope, which id.Experiment) (Experiment, error) {
	return s.Store.Change(ctx, in, which, func(e *Experiment) error {
		if e.Status != Active {
			return ErrNotRunning
		}
		e.end(Stopped, instant(s.Now()))
		e.ActedBy = in.Actor().ID()
		return nil
	})
}

// end takes the experiment from the proxies.
func (e *Experiment) end(as Status, at time.Time) {
	e.Status, e.Live = as, false
	if e.EndedAt.IsZero() {
		e.EndedAt = at
	}
}

func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
