package accountpg

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"tollgate/internal/account"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// Why the tenant wall is passed here: each happens before an organization is known, or concerns a person and not a tenant.
const (
	signUp  = "account: sign-up makes the organization"
	first   = "account: a newcomer is told from a guest"
	logIn   = "account: log-in finds a user by address"
	session = "account: a session is found before its organization is known"
	token   = "account: a management token is found by its hash"
	names   = "account: names of members"
	sweep   = "account: expired sessions are deleted"
)

// installLock serialises sign-ups that must be the first; any constant will do.
const installLock = 7_065_001

// Create implements account.Store.
func (s *Store) Create(ctx context.Context, n account.NewAccount, onlyFirst bool) error {
	err := s.db.InSystem(ctx, signUp, func(tx *gorm.DB) error {
		if onlyFirst {
			if err := tx.Exec(`SELECT pg_advisory_xact_lock(?)`, installLock).Error; err != nil {
				return err
			}
			var have int64
			if err := tx.Table("orgs").Limit(1).Count(&have).Error; err != nil {
				return err
			}
			if have > 0 {
				return account.ErrNotEmpty
			}
		}
		step := n.Team.ColorStep
		for _, row := range []any{
			&orgRow{
				ID: string(n.Organization.ID), Name: n.Organization.Name, TimeZone: n.Organization.TimeZone, FiscalDay: n.Organization.FiscalDay,
				CreatedAt: n.Organization.CreatedAt,
			},
			&userRow{ID: string(n.User.ID), Email: n.User.Email, PasswordHash: string(n.Password), Name: n.User.Name, CreatedAt: n.User.CreatedAt},
			&memberRow{OrgID: string(n.Organization.ID), UserID: string(n.User.ID), Role: string(tenant.Owner), CreatedAt: n.User.CreatedAt},
			&teamRow{OrgID: string(n.Organization.ID), ID: string(n.Team.ID), Name: n.Team.Name, ColorStep: &step, CreatedAt: n.Team.CreatedAt},
		} {
			if err := tx.Create(row).Error; err != nil {
				return err
			}
		}
		return nil
	})
	return taken(err, "users_email_taken", account.ErrEmailTaken)
}

// Empty implements account.Store.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	var have bool
	err := s.db.InSystem(ctx, first, func(tx *gorm.DB) error {
		return tx.Raw(`SELECT EXISTS (SELECT FROM orgs)`).Scan(&have).Error
	})
	return !have, err
}

// UserByEmail implements account.Store.
func (s *Store) UserByEmail(ctx context.Context, email string) (account.User, account.PasswordHash, error) {
	var r userRow
	err := s.db.InSystem(ctx, logIn, func(tx *gorm.DB) error { return tx.Take(&r, "email = ?", email).Error })
	return r.user(), account.PasswordHash(r.PasswordHash), missing(err, account.ErrLogin)
}

// SetPassword implements account.Store.
func (s *Store) SetPassword(ctx context.Context, user id.User, hash account.PasswordHash) error {
	return s.db.InSystem(ctx, logIn, func(tx *gorm.DB) error {
		return tx.Exec(`UPDATE users SET password_hash = ? WHERE id = ?`, string(hash), user).Error
	})
}

// Memberships implements account.Store.
func (s *Store) Memberships(ctx context.Context, user id.User) ([]account.Membership, error) {
	var rows []struct {
		Org  orgRow `gorm:"embedded"`
		Role string
	}
	err := s.db.InSystem(ctx, logIn, func(tx *gorm.DB) error {
		return tx.Raw(`SELECT o.id, o.name, o.time_zone, o.fiscal_day, o.created_at, m.role FROM members m JOIN orgs o ON o.id = m.org_id
			WHERE m.user_id = ? ORDER BY m.created_at, m.org_id`, user).Scan(&rows).Error
	})
	var out []account.Membership
	for _, r := range rows {
		out = append(out, account.Membership{Organization: r.Org.organization(), Role: tenant.Role(r.Role)})
	}
	return out, err
}

// InsertSession implements account.Store.
func (s *Store) InsertSession(ctx context.Context, n account.Session, hash account.Hash) error {
	return s.db.InSystem(ctx, session, func(tx *gorm.DB) error {
		return tx.Create(&sessionRow{
			ID: string(n.ID), TokenHash: hash[:], UserID: string(n.User), OrgID: string(n.Org), CreatedAt: n.CreatedAt,
			LastSeenAt: n.LastSeenAt, ExpiresAt: n.ExpiresAt, UserAgent: n.UserAgent, IP: n.IP,
		}).Error
	})
}

// found is a session with whom and what it stands for.
type found struct {
	Row                            sessionRow `gorm:"embedded"`
	Email, UserName, OrgName, Role string
	OrgTimeZone                    string
	OrgFiscalDay                   int
	UserCreatedAt, OrgCreatedAt    time.Time
}

const findSession = `SELECT s.id, s.user_id, s.org_id, s.created_at, s.last_seen_at, s.expires_at, s.user_agent, s.ip,
	u.email, u.name AS user_name, u.created_at AS user_created_at, o.name AS org_name, o.time_zone AS org_time_zone, o.fiscal_day AS org_fiscal_day,
	o.created_at AS org_created_at, m.role
	FROM sessions s JOIN users u ON u.id = s.user_id JOIN orgs o ON o.id = s.org_id
	JOIN members m ON m.org_id = s.org_id AND m.user_id = s.user_id WHERE `

// SessionByHash implements account.Store.
func (s *Store) SessionByHash(ctx context.Context, hash account.Hash) (account.Found, error) {
	return s.find(ctx, findSession+`s.token_hash = ?`, hash[:])
}

// SessionByID implements account.Store.
func (s *Store) SessionByID(ctx context.Context, sid id.Session) (account.Found, error) {
	return s.find(ctx, findSession+`s.id = ?`, string(sid))
}

func (s *Store) find(ctx context.Context, query string, arg any) (account.Found, error) {
	var rows []found
	err := s.db.InSystem(ctx, session, func(tx *gorm.DB) error { return tx.Raw(query, arg).Scan(&rows).Error })
	if err != nil {
		return account.Found{}, err
	}
	if len(rows) == 0 {
		return account.Found{}, account.ErrNoSession
	}
	r := rows[0]
	return account.Found{
		Session: r.Row.session(),
		User:    account.User{ID: id.User(r.Row.UserID), Email: r.Email, Name: r.UserName, CreatedAt: r.UserCreatedAt.UTC()},
		Organization: account.Organization{
			ID: id.Org(r.Row.OrgID), Name: r.OrgName, TimeZone: r.OrgTimeZone, FiscalDay: r.OrgFiscalDay, CreatedAt: r.OrgCreatedAt.UTC(),
		},
		Role: tenant.Role(r.Role),
	}, nil
}

// TouchSession implements account.Store.
func (s *Store) TouchSession(ctx context.Context, sid id.Session, at time.Time) error {
	return s.db.InSystem(ctx, session, func(tx *gorm.DB) error {
		return tx.Exec(`UPDATE sessions SET last_seen_at = ? WHERE id = ? AND last_seen_at < ?`, at, sid, at).Error
	})
}

// Sessions implements account.Store.
func (s *Store) Sessions(ctx context.Context, user id.User, now time.Time) ([]account.Session, error) {
	var rows []sessionRow
	err := s.db.InSystem(ctx, session, func(tx *gorm.DB) error {
		return tx.Where("user_id = ? AND expires_at > ? AND last_seen_at > ?", user, now, now.Add(-account.SessionIdle)).
			Order("created_at DESC, id DESC").Find(&rows).Error
	})
	var out []account.Session
	for _, r := range rows {
		out = append(out, r.session())
	}
	return out, err
}

// DeleteSession implements account.Store.
func (s *Store) DeleteSession(ctx context.Context, user id.User, sid id.Session) error {
	return s.db.InSystem(ctx, session, func(tx *gorm.DB) error {
		r := tx.Exec(`DELETE FROM sessions WHERE id = ? AND user_id = ?`, sid, user)
		if r.Error == nil && r.RowsAffected == 0 {
			return account.ErrNotSession
		}
		return r.Error
	})
}

// DeleteSessions implements account.Store.
func (s *Store) DeleteSessions(ctx context.Context, user id.User, except id.Session) error {
	return s.db.InSystem(ctx, session, func(tx *gorm.DB) error {
		return tx.Exec(`DELETE FROM sessions WHERE user_id = ? AND id <> ?`, user, except).Error
	})
}

// SweepSessions implements account.Store.
func (s *Store) SweepSessions(ctx context.Context, now time.Time) (int64, error) {
	var n int64
	err := s.db.InSystem(ctx, sweep, func(tx *gorm.DB) error {
		r := tx.Exec(`DELETE FROM sessions WHERE expires_at <= ? OR last_seen_at <= ?`, now, now.Add(-account.SessionIdle))
		n = r.RowsAffected
		return r.Error
	})
	return n, err
}

// PointSession implements account.Store. The foreign key on members refuses an organization that is not the user's.
func (s *Store) PointSession(ctx context.Context, user id.User, sid id.Session, org id.Org) error {
	err := s.db.InSystem(ctx, session, func(tx *gorm.DB) error {
		r := tx.Exec(`UPDATE sessions SET org_id = ? WHERE id = ? AND user_id = ?`, org, sid, user)
		if r.Error == nil && r.RowsAffected == 0 {
			return account.ErrNotSession
		}
		return r.Error
	})
	var ref *postgres.Reference
	if errors.As(err, &ref) {
		return account.ErrOrganization
	}
	return err
}

// TokenByHash implements account.Store.
func (s *Store) TokenByHash(ctx context.Context, hash account.Hash) (id.Org, account.Token, error) {
	var r tokenRow
	err := s.db.InSystem(ctx, token, func(tx *gorm.DB) error { return tx.Take(&r, "hash = ?", hash[:]).Error })
	return id.Org(r.OrgID), r.token(), missing(err, account.ErrToken)
}
