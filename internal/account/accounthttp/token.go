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

// Token is a management token as the API shows it: never its secret.
type Token struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Role       string     `json:"role" enum:"owner,admin,developer,billing,viewer"`
	Prefix     string     `json:"prefix" doc:"The first characters, to recognise it by"`
	Last4      string     `json:"last4"`
	CreatedBy  string     `json:"created_by,omitempty" doc:"The user who made it; absent when another token did"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty" doc:"Exact to the minute; absent: never"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty" doc:"Absent: never"`
	RevokedAt  *time.Time `json:"revoked_at,omitempty" doc:"Absent: live"`
}

func toToken(t account.Token) Token {
	return Token{
		ID: string(t.ID), Name: t.Name, Role: string(t.Role), Prefix: t.Prefix, Last4: t.Last4, CreatedBy: string(t.CreatedBy),
		CreatedAt: t.CreatedAt, LastUsedAt: optional(t.LastUsedAt), ExpiresAt: optional(t.ExpiresAt), RevokedAt: optional(t.RevokedAt),
	}
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// ListTokens lists management tokens by age, revoked ones too.
func ListTokens(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List management tokens"},
		func(ctx context.Context, in tenant.Scope, req struct{ rest.PageQuery }) (rest.Page[Token], error) {
			var after id.Token
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Token]{}, err
			}
			list, err := s.Tokens(ctx, in, after, req.Limit+1)
			return page(list, req.Limit, toToken, func(t account.Token) string { return string(t.ID) }), err
		})
}

type issueTokenRequest struct {
	Body struct {
		Name      string    `json:"name" maxLength:"320"`
		Role      string    `json:"role" enum:"owner,admin,developer,billing,viewer" doc:"Not above your own"`
		ExpiresAt time.Time `json:"expires_at,omitzero" required:"false" doc:"Left out: never"`
	}
}

// IssuedToken is a fresh token with its secret.
type IssuedToken struct {
	Token
	Secret string `json:"secret" doc:"Shown once"`
}

// IssueToken makes a management token.
func IssueToken(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Issue a management token", Status: http.StatusCreated, Secret: true,
		Errors: []*fault.Error{account.ErrName, account.ErrRole, account.ErrRoleTooHigh, account.ErrTokenExpiry},
	},
		func(ctx context.Context, in tenant.Scope, req issueTokenRequest) (IssuedToken, error) {
			t, secret, err := s.IssueToken(ctx, in, account.NewToken{Name: req.Body.Name, Role: tenant.Role(req.Body.Role), ExpiresAt: req.Body.ExpiresAt})
			return IssuedToken{Token: toToken(t), Secret: secret.Reveal()}, err
		})
}

type tokenRequest struct {
	ID string `path:"id" maxLength:"64"`
}

// ReadToken is one management token.
func ReadToken(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a management token", Errors: []*fault.Error{account.ErrTokenNotFound}},
		func(ctx context.Context, in tenant.Scope, req tokenRequest) (Token, error) {
			t, err := s.Token(ctx, in, id.Token(req.ID))
			return toToken(t), err
		})
}

// RevokeToken ends a management token at once.
func RevokeToken(s *account.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Revoke a management token", Errors: []*fault.Error{account.ErrTokenNotFound, account.ErrRoleTooHigh}},
		func(ctx context.Context, in tenant.Scope, req tokenRequest) (rest.None, error) {
			return rest.None{}, s.RevokeToken(ctx, in, id.Token(req.ID))
		})
}
