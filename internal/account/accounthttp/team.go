package accounthttp

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

func isChanged(err error) bool { return errors.Is(err, account.ErrChanged) }

// page cuts a list that was read with one item too many.
func page[T, J any](list []T, limit int, to func(T) J, key func(T) string) rest.Page[J] {
	more := len(list) > limit
	return rest.PageFrom(list[:min(len(list), limit)], more, to, func(t T) any { return key(t) })
}

// Team is a cost centre as the API shows it.
type Team struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

// Tag implements rest.Tagged.
func (t Team) Tag() string { return contentTag(t.Name) }

func toTeam(t account.Team) Team {
	return Team{ID: string(t.ID), Name: t.Name, CreatedAt: t.CreatedAt}
}

// ListTeams lists teams by age.
func ListTeams(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List teams"},
		func(ctx context.Context, in tenant.Scope, req struct{ rest.PageQuery }) (rest.Page[Team], error) {
			var after id.Team
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Team]{}, err
			}
			list, err := s.Teams(ctx, in, after, req.Limit+1)
			return page(list, req.Limit, toTeam, func(t account.Team) string { return string(t.ID) }), err
		})
}

type createTeamRequest struct {
	Body struct {
		Name string `json:"name" maxLength:"320"`
	}
}

// CreateTeam makes a team.
func CreateTeam(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Create a team", Status: http.StatusCreated, Errors: []*fault.Error{account.ErrName, account.ErrTeamTaken}},
		func(ctx context.Context, in tenant.Scope, req createTeamRequest) (Team, error) {
			t, err := s.CreateTeam(ctx, in, req.Body.Name)
			return toTeam(t), err
		})
}

type teamRequest struct {
	ID string `path:"id" maxLength:"64"`
}

// ReadTeam is one team.
func ReadTeam(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a team", Errors: []*fault.Error{account.ErrTeam}},
		func(ctx context.Context, in tenant.Scope, req teamRequest) (Team, error) {
			t, err := s.Team(ctx, in, id.Team(req.ID))
			return toTeam(t), err
		})
}

type renameTeamRequest struct {
	rest.Match
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Name string `json:"name" maxLength:"320"`
	}
}

// UpdateTeam renames a team.
func UpdateTeam(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Rename a team", Errors: []*fault.Error{account.ErrTeam, account.ErrTeamTaken, account.ErrName}},
		func(ctx context.Context, in tenant.Scope, req renameTeamRequest) (Team, error) {
			now, err := s.Team(ctx, in, id.Team(req.ID))
			if err != nil {
				return Team{}, err
			}
			if err := req.Check(toTeam(now).Tag()); err != nil {
				return Team{}, err
			}
			t, err := s.RenameTeam(ctx, in, now.ID, now.Name, req.Body.Name)
			return toTeam(t), stale(err)
		})
}
