package accountpg

import (
	"context"
	"time"

	"gorm.io/gorm"

	"tollgate/internal/account"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Organization implements account.Store.
func (s *Store) Organization(ctx context.Context, in tenant.Scope) (account.Organization, error) {
	var r orgRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error { return tx.Take(&r, "id = ?", in.Org()).Error })
	return r.organization(), missing(err, account.ErrOrganization)
}

// RenameOrganization implements account.Store.
func (s *Store) RenameOrganization(ctx context.Context, in tenant.Scope, was, name string) error {
	return s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		return changed(tx.Exec(`UPDATE orgs SET name = ? WHERE id = ? AND name = ?`, name, in.Org(), was))
	})
}

// UpdateOrganization implements account.Store.
func (s *Store) UpdateOrganization(ctx context.Context, in tenant.Scope, was, is account.Organization) error {
	return s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		return changed(tx.Exec(`UPDATE orgs SET name = ?, time_zone = ?, fiscal_day = ? WHERE id = ? AND name = ? AND time_zone = ? AND fiscal_day = ?`,
			is.Name, is.TimeZone, is.FiscalDay, in.Org(), was.Name, was.TimeZone, was.FiscalDay))
	})
}

// changed is ErrChanged when the statement that compared the old value hit no row.
func changed(r *gorm.DB) error {
	if r.Error == nil && r.RowsAffected == 0 {
		return account.ErrChanged
	}
	return r.Error
}

// Teams implements account.Store.
func (s *Store) Teams(ctx context.Context, in tenant.Scope, after string, limit int) ([]account.Team, error) {
	var rows []teamRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		return tx.Where("id > ?", after).Order("id").Limit(limit).Find(&rows).Error
	})
	var out []account.Team
	for _, r := range rows {
		out = append(out, r.team())
	}
	return out, err
}

// Team implements account.Store.
func (s *Store) Team(ctx context.Context, in tenant.Scope, team id.Team) (account.Team, error) {
	var r teamRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error { return tx.Take(&r, "id = ?", team).Error })
	return r.team(), missing(err, account.ErrTeam)
}

// colorSteps is the length of the chart palette.
const colorSteps = 8

// InsertTeam implements account.Store. A team without a colour gets the next one of the palette.
func (s *Store) InsertTeam(ctx context.Context, in tenant.Scope, t account.Team) error {
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		step := t.ColorStep
		if step < 0 {
			var have int64
			if err := tx.Model(&teamRow{}).Count(&have).Error; err != nil {
				return err
			}
			step = int(have % colorSteps)
		}
		return tx.Create(&teamRow{OrgID: string(in.Org()), ID: string(t.ID), Name: t.Name, ColorStep: &step, CreatedAt: t.CreatedAt}).Error
	})
	return taken(err, "teams_name_taken", account.ErrTeamTaken)
}

// RenameTeam implements account.Store.
func (s *Store) RenameTeam(ctx context.Context, in tenant.Scope, team id.Team, was, name string) error {
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		var r teamRow
		if err := tx.Take(&r, "id = ?", team).Error; err != nil {
			return err
		}
		return changed(tx.Exec(`UPDATE teams SET name = ? WHERE id = ? AND name = ?`, name, team, was))
	})
	return missing(taken(err, "teams_name_taken", account.ErrTeamTaken), account.ErrTeam)
}

// Members implements account.Store. Who is a member is read behind the wall; then only those people's names are.
func (s *Store) Members(ctx context.Context, in tenant.Scope, after string, limit int) ([]account.Member, error) {
	var rows []memberRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		return tx.Where("user_id > ?", after).Order("user_id").Limit(limit).Find(&rows).Error
	})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return s.named(ctx, rows)
}

// Member implements account.Store.
func (s *Store) Member(ctx context.Context, in tenant.Scope, user id.User) (account.Member, error) {
	var r memberRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error { return tx.Take(&r, "user_id = ?", user).Error })
	if err != nil {
		return account.Member{}, missing(err, account.ErrMember)
	}
	got, err := s.named(ctx, []memberRow{r})
	if err != nil {
		return account.Member{}, err
	}
	return got[0], nil
}

func (s *Store) named(ctx context.Context, rows []memberRow) ([]account.Member, error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.UserID
	}
	var users []userRow
	err := s.db.InSystem(ctx, names, func(tx *gorm.DB) error {
		return tx.Select("id", "email", "name", "created_at").Where("id IN ?", ids).Find(&users).Error
	})
	if err != nil {
		return nil, err
	}
	byID := make(map[string]account.User, len(users))
	for _, u := range users {
		byID[u.ID] = u.user()
	}
	out := make([]account.Member, len(rows))
	for i, r := range rows {
		out[i] = account.Member{User: byID[r.UserID], Role: tenant.Role(r.Role), JoinedAt: r.CreatedAt.UTC()}
	}
	return out, nil
}

// lockOwners makes changes of owners wait for one another, and tells the owners there are.
func lockOwners(tx *gorm.DB) ([]string, error) {
	var owners []string
	err := tx.Raw(`SELECT user_id FROM members WHERE role = 'owner' ORDER BY user_id FOR UPDATE`).Scan(&owners).Error
	return owners, err
}

// SetRole implements account.Store.
func (s *Store) SetRole(ctx context.Context, in tenant.Scope, user id.User, was, role tenant.Role) error {
	return s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		owners, err := lockOwners(tx)
		if err != nil {
			return err
		}
		if was == tenant.Owner && role != tenant.Owner && len(owners) == 1 && owners[0] == string(user) {
			return account.ErrLastOwner
		}
		return changed(tx.Exec(`UPDATE members SET role = ? WHERE user_id = ? AND role = ?`, role, user, was))
	})
}

// RemoveMember implements account.Store. The foreign key takes the member's sessions in this organization along.
func (s *Store) RemoveMember(ctx context.Context, in tenant.Scope, user id.User) error {
	return s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		owners, err := lockOwners(tx)
		if err != nil {
			return err
		}
		if len(owners) == 1 && owners[0] == string(user) {
			return account.ErrLastOwner
		}
		r := tx.Exec(`DELETE FROM members WHERE user_id = ?`, user)
		if r.Error == nil && r.RowsAffected == 0 {
			return account.ErrMember
		}
		return r.Error
	})
}

// Tokens implements account.Store.
func (s *Store) Tokens(ctx context.Context, in tenant.Scope, after string, limit int) ([]account.Token, error) {
	var rows []tokenRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		return tx.Omit("hash").Where("id > ?", after).Order("id").Limit(limit).Find(&rows).Error
	})
	var out []account.Token
	for _, r := range rows {
		out = append(out, r.token())
	}
	return out, err
}

// Token implements account.Store.
func (s *Store) Token(ctx context.Context, in tenant.Scope, token id.Token) (account.Token, error) {
	var r tokenRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error { return tx.Omit("hash").Take(&r, "id = ?", token).Error })
	return r.token(), missing(err, account.ErrTokenNotFound)
}

// InsertToken implements account.Store.
func (s *Store) InsertToken(ctx context.Context, in tenant.Scope, t account.Token, hash account.Hash) error {
	r := tokenRow{
		OrgID: string(in.Org()), ID: string(t.ID), Name: t.Name, Role: string(t.Role), Prefix: t.Prefix, Last4: t.Last4, Hash: hash[:],
		CreatedAt: t.CreatedAt, ExpiresAt: nullable(t.ExpiresAt),
	}
	if t.CreatedBy != "" {
		by := string(t.CreatedBy)
		r.CreatedBy = &by
	}
	return s.db.InTenant(ctx, in, func(tx *gorm.DB) error { return tx.Create(&r).Error })
}

// RevokeToken implements account.Store. The first revocation's time stays.
func (s *Store) RevokeToken(ctx context.Context, in tenant.Scope, token id.Token, at time.Time) error {
	return s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		return tx.Exec(`UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`, at, token).Error
	})
}

// TouchToken implements account.Store.
func (s *Store) TouchToken(ctx context.Context, in tenant.Scope, token id.Token, at time.Time) error {
	return s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		return tx.Exec(`UPDATE tokens SET last_used_at = ? WHERE id = ?`, at, token).Error
	})
}
