// Package account holds who people are and what they may enter: users, organizations, teams, members, browser sessions and
// management tokens. It is the one place of the control plane that makes a tenant.Scope.
//
// The model: a user is one person with one address and password, global to the installation. A member is a user with a role in an
// organization; a user may be a member of several. A session belongs to a user and looks at one organization at a time. A
// management token belongs to an organization and has a role of its own.
//
// Invariants: an organization always has an owner; a session's scope has the role that the member has now, so that a changed role
// or a removed member counts at the next request; session values and tokens are stored as keyed hashes only; no password is
// compared with less work than another, whether the user exists or not; a token's role is never above its maker's.
package account

import (
	"net/netip"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

// The failures of this package.
var (
	ErrEmail         = fault.New(fault.Invalid, "account.invalid_email", "This is not an e-mail address.")
	ErrPassword      = fault.New(fault.Invalid, "account.invalid_password", "A password has 8 to 128 characters.")
	ErrWeakPassword  = fault.New(fault.Invalid, "account.weak_password", "This password is among the first that an attacker tries. Choose another one.")
	ErrName          = fault.New(fault.Invalid, "account.invalid_name", "A name has 1 to 80 characters and no control characters.")
	ErrEmailTaken    = fault.New(fault.Conflict, "account.not_created", "No account could be made with this address. If you already have one, log in.")
	ErrNotEmpty      = fault.New(fault.Conflict, "account.installation_not_empty", "This installation already has an organization.")
	ErrLogin         = fault.New(fault.Unauthenticated, "login.refused", "The e-mail address or the password is wrong.")
	ErrThrottled     = fault.New(fault.RateLimited, "login.throttled", "Too many attempts. Wait a little and try again.")
	ErrNoCredential  = fault.New(fault.Unauthenticated, "auth.required", "Log in, or send a management token as Authorization: Bearer.")
	ErrNoSession     = fault.New(fault.Unauthenticated, "session.ended", "This session has ended. Log in again.")
	ErrUserToken     = fault.New(fault.Unauthenticated, "user_token.invalid", "This user token is not valid, or has expired.")
	ErrToken         = fault.New(fault.Unauthenticated, "token.invalid", "This management token is unknown, revoked or expired.")
	ErrVirtualKey    = fault.New(fault.Unauthenticated, "token.wrong_kind", "This is a virtual key: it calls models through the gateway. The control plane needs a management token (tg_mgmt_…).")
	ErrTimeZone      = fault.New(fault.Invalid, "organization.bad_time_zone", "A time zone has a name like Europe/Berlin.")
	ErrFiscalDay     = fault.New(fault.Invalid, "organization.bad_fiscal_day", "A fiscal month starts on a day from 1 to 28, which every month has.")
	ErrOrganization  = fault.New(fault.NotFound, "organization.not_found", "There is no such organization.")
	ErrTeam          = fault.New(fault.NotFound, "team.not_found", "There is no such team.")
	ErrTeamTaken     = fault.New(fault.Conflict, "team.name_taken", "There already is a team with this name.")
	ErrMember        = fault.New(fault.NotFound, "member.not_found", "There is no such member.")
	ErrLastOwner     = fault.New(fault.Conflict, "member.last_owner", "An organization needs an owner. Make somebody else owner first.")
	ErrRole          = fault.New(fault.Invalid, "role.unknown", "A role is owner, admin, developer, billing or viewer.")
	ErrRoleTooHigh   = fault.New(fault.Forbidden, "role.too_high", "You cannot give, change or take away a role above your own.")
	ErrTokenNotFound = fault.New(fault.NotFound, "token.not_found", "There is no such management token.")
	ErrTokenExpiry   = fault.New(fault.Invalid, "token.invalid_expiry", "A token expires in the future.")
	ErrNotSession    = fault.New(fault.NotFound, "session.not_found", "There is no such session.")
	ErrNoUser        = fault.New(fault.Forbidden, "session.user_only", "A management token is no person and has no sessions.")
	ErrChanged       = fault.New(fault.Stale, "account.changed", "It was changed since you read it. Read it again and repeat your change.")
)

// User is one person.
type User struct {
	ID        id.User
	Email     string // trimmed, lower case
	Name      string
	CreatedAt time.Time
}

// Organization is a tenant.
type Organization struct {
	ID        id.Org
	Name      string
	TimeZone  string // of days and of budgets' windows: a name of the IANA database, "UTC" until somebody chose
	FiscalDay int    // on which day of the month its fiscal months start: 1 to 28
	CreatedAt time.Time
}

// Zone is the time zone. One that this machine does not know is UTC.
func (o Organization) Zone() *time.Location {
	zone, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Team is a cost centre inside an organization.
type Team struct {
	ID        id.Team
	Name      string // unique in the organization
	ColorStep int    // step of the chart palette; -1: not assigned
	CreatedAt time.Time
}

// Member is a user in an organization.
type Member struct {
	User     User
	Role     tenant.Role
	JoinedAt time.Time
}

// Membership is an organization as one user sees it.
type Membership struct {
	Organization Organization
	Role         tenant.Role
}

// Session is one browser or command line that is logged in.
type Session struct {
	ID         id.Session
	User       id.User
	Org        id.Org // the organization it looks at now
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time // the end at the latest; idle sessions end before
	UserAgent  string
	IP         string
}

// The life of a session.
const (
	SessionIdle = 12 * time.Hour
	SessionLife = 7 * 24 * time.Hour
)

// Live reports whether the session may still be used.
func (s Session) Live(now time.Time) bool {
	return now.Before(s.ExpiresAt) && now.Before(s.LastSeenAt.Add(SessionIdle))
}

// Token is a management token without its secret.
type Token struct {
	ID         id.Token
	Name       string
	Role       tenant.Role
	Prefix     string // "tg_mgmt_AbCd"
	Last4      string
	CreatedBy  id.User // empty: made by another token or at installation
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never; exact to the minute
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: live
}

// Live reports whether the token may still be used.
func (t Token) Live(now time.Time) bool {
	return t.RevokedAt.IsZero() && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt))
}

// Visitor is where a log-in comes from.
type Visitor struct {
	IP        netip.Addr // of the connection
	UserAgent string
}

// Entry is an open door: a session and its secret value, which goes into a cookie or a refresh request and is stored nowhere.
type Entry struct {
	Session      Session
	Value        secret.Text
	User         User
	Organization Organization
	Role         tenant.Role
}

// Login is a session that was recognised: who, where, and the scope of this request.
type Login struct {
	Session      Session
	User         User
	Organization Organization
	Scope        tenant.Scope
}

// Hash is a keyed hash of a session value or a management token.
type Hash [32]byte

// rank orders roles: 0 is the most powerful.
func rank(r tenant.Role) int {
	for i, known := range tenant.Roles {
		if r == known {
			return i
		}
	}
	return len(tenant.Roles)
}

// above reports whether a is more powerful than b.
func above(a, b tenant.Role) bool { return rank(a) < rank(b) }
