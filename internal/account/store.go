package account

import (
	"context"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Store is what Service needs from storage; package accountpg provides it.
type Store interface {
	doorStore
	tenantStore
}

// doorStore is what happens before an organization is known, and what belongs to a person.
type doorStore interface {
	// Create makes user, organization, first team and owner in one transaction. ErrEmailTaken; ErrNotEmpty when only the first
	// organization of the installation is allowed and there is one.
	Create(ctx context.Context, n NewAccount, onlyFirst bool) error
	// Empty reports whether there is no organization.
	Empty(ctx context.Context) (bool, error)
	// UserByEmail returns ErrLogin when there is none.
	UserByEmail(ctx context.Context, email string) (User, PasswordHash, error)
	SetPassword(ctx context.Context, user id.User, hash PasswordHash) error
	// Memberships lists the organizations of a user, oldest first.
	Memberships(ctx context.Context, user id.User) ([]Membership, error)

	InsertSession(ctx context.Context, s Session, hash Hash) error
	// SessionByHash and SessionByID return ErrNoSession when there is none, or its user is no member of its organization any more.
	SessionByHash(ctx context.Context, hash Hash) (Found, error)
	SessionByID(ctx context.Context, sid id.Session) (Found, error)
	TouchSession(ctx context.Context, sid id.Session, at time.Time) error
	// Sessions lists a user's live sessions, newest first.
	Sessions(ctx context.Context, user id.User, now time.Time) ([]Session, error)
	// DeleteSession returns ErrNotSession when the user has no such session.
	DeleteSession(ctx context.Context, user id.User, sid id.Session) error
	DeleteSessions(ctx context.Context, user id.User, except id.Session) error
	SweepSessions(ctx context.Context, now time.Time) (int64, error)
	// PointSession returns ErrOrganization when the user is no member there.
	PointSession(ctx context.Context, user id.User, sid id.Session, org id.Org) error

	// TokenByHash returns ErrToken when there is none.
	TokenByHash(ctx context.Context, hash Hash) (id.Org, Token, error)
}

// tenantStore is what happens inside an organization.
type tenantStore interface {
	Organization(ctx context.Context, in tenant.Scope) (Organization, error)
	// RenameOrganization returns ErrChanged when the name is not was any more.
	RenameOrganization(ctx context.Context, in tenant.Scope, was, name string) error
	// UpdateOrganization stores name, time zone and fiscal day of is; ErrChanged when one of them is not that of was any more.
	UpdateOrganization(ctx context.Context, in tenant.Scope, was, is Organization) error

	Teams(ctx context.Context, in tenant.Scope, after string, limit int) ([]Team, error)
	Team(ctx context.Context, in tenant.Scope, team id.Team) (Team, error)
	InsertTeam(ctx context.Context, in tenant.Scope, t Team) error // ErrTeamTaken
	RenameTeam(ctx context.Context, in tenant.Scope, team id.Team, was, name string) error

	Members(ctx context.Context, in tenant.Scope, after string, limit int) ([]Member, error)
	Member(ctx context.Context, in tenant.Scope, user id.User) (Member, error)
	// SetRole and RemoveMember lock the owners, so that two at once cannot leave none: ErrLastOwner. SetRole returns ErrChanged
	// when the role is not was any more.
	SetRole(ctx context.Context, in tenant.Scope, user id.User, was, role tenant.Role) error
	RemoveMember(ctx context.Context, in tenant.Scope, user id.User) error

	Tokens(ctx context.Context, in tenant.Scope, after string, limit int) ([]Token, error)
	Token(ctx context.Context, in tenant.Scope, token id.Token) (Token, error)
	InsertToken(ctx context.Context, in tenant.Scope, t Token, hash Hash) error
	RevokeToken(ctx context.Context, in tenant.Scope, token id.Token, at time.Time) error
	TouchToken(ctx context.Context, in tenant.Scope, token id.Token, at time.Time) error
}

// NewAccount is what a sign-up makes.
type NewAccount struct {
	User         User
	Password     PasswordHash
	Organization Organization
	Team         Team
}

// Found is a session with the person and the role it stands for now.
type Found struct {
	Session      Session
	User         User
	Organization Organization
	Role         tenant.Role
}

// PasswordHash is an argon2id hash in PHC form.
type PasswordHash string

// Passwords hashes and compares passwords; package password provides it.
type Passwords interface {
	Hash(ctx context.Context, plain string) (PasswordHash, error)
	// Match reports whether plain is the password, and whether the hash should be made anew with today's cost. An empty hash is
	// compared with as much work as a real one and never matches.
	Match(ctx context.Context, plain string, hash PasswordHash) (ok, outdated bool, err error)
}

// Signer makes and checks short-lived user tokens; package usertoken provides it.
type Signer interface {
	Sign(user id.User, session id.Session, now time.Time) (token string, expires time.Time, err error)
	// Verify returns ErrUserToken for everything that is not exactly right.
	Verify(token string, now time.Time) (id.User, id.Session, error)
}
