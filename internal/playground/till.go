package playground

import (
	"context"
	"errors"

	"tollgate/internal/account"
	"tollgate/internal/budget"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// DefaultBudget is what a team's playground may spend a month, until somebody says otherwise on the budget's page.
const DefaultBudget money.NanoUSD = 5_000_000_000

// Till is the key that a team's playground calls with, and its budget.
type Till struct {
	Team   account.Team
	Key    key.Key
	Budget id.Budget        // "": it was archived
	Left   *budget.Standing // nil: not known
}

// Marker is a team's playground key, as it is stored.
type Marker struct {
	Key    id.Key
	Budget id.Budget
}

// Till finds the team's, and makes it on first use by somebody who may. The zero team is the organization's first. ErrOff while the key is
// disabled or has expired; a revoked key is replaced.
func (s *Service) Till(ctx context.Context, in tenant.Scope, which id.Team) (Till, error) {
	team, err := s.team(ctx, in, which)
	if err != nil {
		return Till{}, err
	}
	was, err := s.Store.Till(ctx, in, team.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return s.open(ctx, in, team, "")
	case err != nil:
		return Till{}, err
	}
	k, err := s.Keys.Key(ctx, in, was.Key)
	if err != nil {
		return Till{}, err
	}
	switch k.State(s.Now()) {
	case key.Usable:
		return s.stand(ctx, in, Till{Team: team, Key: k, Budget: was.Budget})
	case key.Revoked:
		return s.open(ctx, in, team, was.Key)
	case key.Disabled, key.Expired:
	}
	return Till{}, ErrOff
}

// Peek is Till that makes nothing: false where there is none yet.
func (s *Service) Peek(ctx context.Context, in tenant.Scope, which id.Team) (Till, bool, error) {
	team, err := s.team(ctx, in, which)
	if err != nil {
		return Till{}, false, err
	}
	was, err := s.Store.Till(ctx, in, team.ID)
	if errors.Is(err, ErrNotFound) {
		return Till{Team: team}, false, nil
	}
	if err != nil {
		return Till{}, false, err
	}
	k, err := s.Keys.Key(ctx, in, was.Key)
	if err != nil || k.State(s.Now()) == key.Revoked {
		return Till{Team: team}, false, err
	}
	t, err := s.stand(ctx, in, Till{Team: team, Key: k, Budget: was.Budget})
	return t, err == nil, err
}

func (s *Service) team(ctx context.Context, in tenant.Scope, which id.Team) (account.Team, error) {
	if which != "" {
		return s.Teams.Team(ctx, in, which)
	}
	list, err := s.Teams.Teams(ctx, in, "", 1)
	if err != nil || len(list) == 0 {
		return account.Team{}, errors.Join(err, ifNone(list))
	}
	return list[0], nil
}

func ifNone(list []account.Team) error {
	if len(list) == 0 {
		return key.ErrNoTeam
	}
	return nil
}

// open makes a team's key with its budget. Of two that do so at once one wins, and the other's key is ended.
func (s *Service) open(ctx context.Context, in tenant.Scope, team account.Team, instead id.Key) (Till, error) {
	if err := in.Allow(tenant.UsePlayground); err != nil {
		return Till{}, err
	}
	n := key.New{
		Team: team.ID, Name: "playground of " + fault.Clip(team.Name), Kind: key.PlaygroundKey, Environment: Environment,
		Endpoints: []key.Endpoint{key.ChatEndpoint}, Budget: &key.Allowance{Amount: DefaultBudget, Period: string(budget.Month)},
	}
	made, err := s.Issuer.Issue(ctx, in, n)
	if errors.Is(err, key.ErrTaken) { // by a key that was revoked, or by one that is being made
		tail := id.New("x")
		n.Name += " " + tail[len(tail)-6:]
		made, err = s.Issuer.Issue(ctx, in, n)
	}
	if err != nil {
		return Till{}, err
	}
	won, err := s.Store.OpenTill(ctx, in, team.ID, instead, Marker{Key: made.Key.ID, Budget: made.Budget}, s.Now().UTC())
	if err != nil || won.Key != made.Key.ID {
		_, undo := s.Keys.Revoke(context.WithoutCancel(ctx), in, made.Key.ID, key.Finish)
		if err = errors.Join(err, undo); err != nil {
			return Till{}, err
		}
	}
	k, err := s.Keys.Key(ctx, in, won.Key)
	if err != nil {
		return Till{}, err
	}
	return s.stand(ctx, in, Till{Team: team, Key: k, Budget: won.Budget})
}

// stand reads how the budget stands. One that is gone is no failure.
func (s *Service) stand(ctx context.Context, in tenant.Scope, t Till) (Till, error) {
	if t.Budget == "" {
		return t, nil
	}
	st, err := s.Budgets.Standing(ctx, in, t.Budget)
	if errors.Is(err, budget.ErrNotFound) || err == nil && !st.Budget.ArchivedAt.IsZero() {
		t.Budget = ""
		return t, nil
	}
	t.Left = &st
	return t, err
}
