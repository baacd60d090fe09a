// Package accountpg keeps accounts in Postgres.
//
// Users and sessions belong to no organization and are reached by the system role only; organizations, teams, members and tokens
// stand behind the tenant wall.
package accountpg

import (
	"errors"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// Store is an account.Store.
type Store struct{ db *postgres.DB }

// New makes a store.
func New(db *postgres.DB) *Store { return &Store{db: db} }

var _ account.Store = (*Store)(nil)

type userRow struct {
	ID, Email, PasswordHash, Name string
	CreatedAt                     time.Time
}

func (userRow) TableName() string { return "users" }

func (r userRow) user() account.User {
	return account.User{ID: id.User(r.ID), Email: r.Email, Name: r.Name, CreatedAt: r.CreatedAt.UTC()}
}

type orgRow struct {
	ID, Name  string
	TimeZone  string
	FiscalDay int
	CreatedAt time.Time
}

func (orgRow) TableName() string { return "orgs" }

func (r orgRow) organization() account.Organization {
	return account.Organization{ID: id.Org(r.ID), Name: r.Name, TimeZone: r.TimeZone, FiscalDay: r.FiscalDay, CreatedAt: r.CreatedAt.UTC()}
}

type teamRow struct {
	OrgID, ID, Name string
	ColorStep       *int
	CreatedAt       time.Time
}

func (teamRow) TableName() string { return "teams" }

func (r teamRow) team() account.Team {
	t := account.Team{ID: id.Team(r.ID), Name: r.Name, ColorStep: -1, CreatedAt: r.CreatedAt.UTC()}
	if r.ColorStep != nil {
		t.ColorStep = *r.ColorStep
	}
	return t
}

type memberRow struct {
	OrgID, UserID, Role string
	CreatedAt           time.Time
}

func (memberRow) TableName() string { return "members" }

type sessionRow struct {
	ID                               string
	TokenHash                        []byte
	UserID, OrgID                    string
	CreatedAt, LastSeenAt, ExpiresAt time.Time
	UserAgent                        string
	IP                               string `gorm:"column:ip"`
}

func (sessionRow) TableName() string { return "sessions" }

func (r sessionRow) session() account.Session {
	return account.Session{
		ID: id.Session(r.ID), User: id.User(r.UserID), Org: id.Org(r.OrgID), CreatedAt: r.CreatedAt.UTC(), LastSeenAt: r.LastSeenAt.UTC(),
		ExpiresAt: r.ExpiresAt.UTC(), UserAgent: r.UserAgent, IP: r.IP,
	}
}

type tokenRow struct {
	OrgID, ID, Name, Role, Prefix string
	Last4                         string `gorm:"column:last4"`
	Hash                          []byte
	CreatedBy                     *string
	CreatedAt                     time.Time
	LastUsedAt                    *time.Time
	ExpiresAt                     *time.Time
	RevokedAt                     *time.Time
}

func (tokenRow) TableName() string { return "tokens" }

func (r tokenRow) token() account.Token {
	t := account.Token{
		ID: id.Token(r.ID), Name: r.Name, Role: tenant.Role(r.Role), Prefix: r.Prefix, Last4: r.Last4, CreatedAt: r.CreatedAt.UTC(),
		LastUsedAt: instant(r.LastUsedAt), ExpiresAt: instant(r.ExpiresAt), RevokedAt: instant(r.RevokedAt),
	}
	if r.CreatedBy != nil {
		t.CreatedBy = id.User(*r.CreatedBy)
	}
	return t
}

func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// nullable is NULL for the zero time.
func nullable(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// missing turns "no row" into the domain's own failure.
func missing(err, own error) error {
	if errors.Is(err, postgres.ErrNoRow) {
		return own
	}
	return err
}

// taken turns a conflict on one constraint into the domain's own failure.
func taken(err error, constraint string, own error) error {
	var c *postgres.Conflict
	if errors.As(err, &c) && c.Constraint == constraint {
		return own
	}
	return err
}
