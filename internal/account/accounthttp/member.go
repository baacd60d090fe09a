package accounthttp

import (
	"context"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Member is a user in the organization as the API shows it.
type Member struct {
	ID       string    `json:"id" doc:"The user's id"`
	Email    string    `json:"email"`
	Name     string    `json:"name"`
	Role     string    `json:"role" enum:"owner,admin,developer,billing,viewer"`
	JoinedAt time.Time `json:"joined_at"`
}

// Tag implements rest.Tagged.
func (m Member) Tag() string { return contentTag(m.Role) }

func toMember(m account.Member) Member {
	return Member{ID: string(m.User.ID), Email: m.User.Email, Name: m.User.Name, Role: string(m.Role), JoinedAt: m.JoinedAt}
}

// ListMembers lists members by the age of their account.
func ListMembers(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List members"},
		func(ctx context.Context, in tenant.Scope, req struct{ rest.PageQuery }) (rest.Page[Member], error) {
			var after id.User
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Member]{}, err
			}
			list, err := s.Members(ctx, in, after, req.Limit+1)
			return page(list, req.Limit, toMember, func(m account.Member) string { return string(m.User.ID) }), err
		})
}

type memberRequest struct {
	ID string `path:"id" maxLength:"64"`
}

// ReadMember is one member.
func ReadMember(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a member", Errors: []*fault.Error{account.ErrMember}},
		func(ctx context.Context, in tenant.Scope, req memberRequest) (Member, error) {
			m, err := s.Member(ctx, in, id.User(req.ID))
			return toMember(m), err
		})
}

type changeRoleRequest struct {
	rest.Match
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Role string `json:"role" enum:"owner,admin,developer,billing,viewer"`
	}
}

// UpdateMember gives a member another role.
func UpdateMember(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Change a member's role", Errors: []*fault.Error{account.ErrMember, account.ErrLastOwner, account.ErrRoleTooHigh}},
		func(ctx context.Context, in tenant.Scope, req changeRoleRequest) (Member, error) {
			now, err := s.Member(ctx, in, id.User(req.ID))
			if err != nil {
				return Member{}, err
			}
			if err := req.Check(toMember(now).Tag()); err != nil {
				return Member{}, err
			}
			m, err := s.ChangeRole(ctx, in, now.User.ID, now.Role, tenant.Role(req.Body.Role))
			return toMember(m), stale(err)
		})
}

// RemoveMember takes a member out of the organization.
func RemoveMember(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Remove a member", Description: "The member's sessions in this organization end at once.",
		Errors: []*fault.Error{account.ErrMember, account.ErrLastOwner, account.ErrRoleTooHigh},
	},
		func(ctx context.Context, in tenant.Scope, req memberRequest) (rest.None, error) {
			return rest.None{}, s.RemoveMember(ctx, in, id.User(req.ID))
		})
}
