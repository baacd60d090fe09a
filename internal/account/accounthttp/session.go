package accounthttp

import (
	"context"
	"net/http"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Session is a log-in as the API shows it.
type Session struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current" doc:"Whether this request came by it"`
	CreatedAt  time.Time `json:"created_at"`
	LastSeenAt time.Time `json:"last_seen_at" doc:"Exact to the minute"`
	ExpiresAt  time.Time `json:"expires_at" doc:"At the latest; 12 idle hours end it before"`
	UserAgent  string    `json:"user_agent"`
	IP         string    `json:"ip"`
}

func toSession(s account.Session, own id.Session) Session {
	return Session{
		ID: string(s.ID), Current: s.ID == own, CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, ExpiresAt: s.ExpiresAt,
		UserAgent: s.UserAgent, IP: s.IP,
	}
}

// Opened is a fresh log-in for a command line. The user token is sent as Authorization: Bearer; the refresh token gets the next.
type Opened struct {
	ID             string    `json:"id" doc:"Of the session"`
	UserID         string    `json:"user_id"`
	OrganizationID string    `json:"organization_id"`
	Role           string    `json:"role"`
	Token          string    `json:"token" doc:"User token, good for ten minutes at most"`
	TokenExpiresAt time.Time `json:"token_expires_at"`
	RefreshToken   string    `json:"refresh_token" doc:"Shown once; it opens the session until it ends"`
	ExpiresAt      time.Time `json:"expires_at" doc:"End of the session at the latest"`
}

func opened(s *account.Service, e account.Entry) (Opened, error) {
	token, until, err := s.SignToken(e.Session)
	if err != nil {
		return Opened{}, err
	}
	return Opened{
		ID: string(e.Session.ID), UserID: string(e.User.ID), OrganizationID: string(e.Organization.ID), Role: string(e.Role),
		Token: token.Reveal(), TokenExpiresAt: until, RefreshToken: e.Value.Reveal(), ExpiresAt: e.Session.ExpiresAt,
	}, nil
}

type logInRequest struct {
	Body struct {
		Email    string `json:"email" maxLength:"320"`
		Password string `json:"password" maxLength:"1024"`
	}
}

// LogIn opens a session.
func LogIn(s *account.Service) rest.Endpoint {
	return rest.HandlePublic(rest.About{
		Summary: "Log in", Status: http.StatusCreated, Secret: true,
		Errors: []*fault.Error{account.ErrLogin, account.ErrThrottled},
	},
		func(ctx context.Context, from rest.Visitor, req logInRequest) (Opened, error) {
			entry, err := s.LogIn(ctx, req.Body.Email, req.Body.Password, visitor(from))
			if err != nil {
				return Opened{}, err
			}
			return opened(s, entry)
		})
}

type refreshRequest struct {
	Body struct {
		RefreshToken string `json:"refresh_token" maxLength:"128"`
	}
}

// Refreshed is the next user token of a session.
type Refreshed struct {
	Token          string    `json:"token"`
	TokenExpiresAt time.Time `json:"token_expires_at"`
}

// Refresh makes the next user token of a session.
func Refresh(s *account.Service) rest.Endpoint {
	return rest.HandlePublic(rest.About{Summary: "Get the next user token of a session", Secret: true, Errors: []*fault.Error{account.ErrNoSession}},
		func(ctx context.Context, _ rest.Visitor, req refreshRequest) (Refreshed, error) {
			login, err := s.Session(ctx, req.Body.RefreshToken)
			if err != nil {
				return Refreshed{}, err
			}
			token, until, err := s.SignToken(login.Session)
			return Refreshed{Token: token.Reveal(), TokenExpiresAt: until}, err
		})
}

// Sessions lists the caller's own sessions. They are few: there is one page.
func Sessions(s *account.Service) rest.Endpoint {
	return rest.HandleCaller(rest.About{Summary: "List your sessions", Errors: []*fault.Error{account.ErrNoUser}},
		func(ctx context.Context, who rest.Caller, _ struct{}) (rest.Page[Session], error) {
			list, err := s.Sessions(ctx, who.Scope)
			if err != nil {
				return rest.Page[Session]{}, err
			}
			var out []Session
			for _, x := range list {
				out = append(out, toSession(x, who.Session))
			}
			return rest.PageOf(out, ""), nil
		})
}

type sessionRequest struct {
	ID string `path:"id" maxLength:"64" doc:"An id, or current"`
}

// EndSession logs one of the caller's sessions out.
func EndSession(s *account.Service) rest.Endpoint {
	return rest.HandleCaller(rest.About{Summary: "End one of your sessions", Errors: []*fault.Error{account.ErrNotSession, account.ErrNoUser}},
		func(ctx context.Context, who rest.Caller, req sessionRequest) (rest.None, error) {
			sid := id.Session(req.ID)
			if sid == current {
				sid = who.Session
			}
			return rest.None{}, s.EndSession(ctx, who.Scope, sid)
		})
}

type enterRequest struct {
	Body struct {
		OrganizationID string `json:"organization_id" maxLength:"64"`
	}
}

// Enter points the caller's session at another of its organizations.
func Enter(s *account.Service) rest.Endpoint {
	return rest.HandleCaller(rest.About{
		Summary: "Point your session at another of your organizations",
		Errors:  []*fault.Error{account.ErrOrganization, account.ErrNoUser, account.ErrNotSession},
	},
		func(ctx context.Context, who rest.Caller, req enterRequest) (rest.None, error) {
			return rest.None{}, s.Enter(ctx, who.Scope, who.Session, id.Org(req.Body.OrganizationID))
		})
}

// Organizations lists the organizations that the caller may enter. They are few: there is one page.
func Organizations(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List your organizations", Errors: []*fault.Error{account.ErrNoUser}},
		func(ctx context.Context, in tenant.Scope, _ struct{}) (rest.Page[Membership], error) {
			list, err := s.Memberships(ctx, in)
			if err != nil {
				return rest.Page[Membership]{}, err
			}
			var out []Membership
			for _, m := range list {
				out = append(out, Membership{Organization: toOrganization(m.Organization), Role: string(m.Role), Current: m.Organization.ID == in.Org()})
			}
			return rest.PageOf(out, ""), nil
		})
}

// Membership is an organization as the caller sees it.
type Membership struct {
	Organization
	Role    string `json:"role"`
	Current bool   `json:"current"`
}
