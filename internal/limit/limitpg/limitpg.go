// Package limitpg keeps limits in PostgreSQL.
package limitpg

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// Store is limit.Store.
type Store struct{ db *postgres.DB }

var _ limit.Store = (*Store)(nil)

// New returns the store in a database.
func New(db *postgres.DB) *Store { return &Store{db: db} }

// row is one line of the limits table.
type row struct {
	OrgID, ID, Name      string
	Selector             map[string]string `gorm:"serializer:json"`
	Each, Metric         string
	Amount               int64
	PerSeconds           int
	Watch, Off           bool
	Revision             int
	CreatedAt, UpdatedAt time.Time
	CreatedBy            string
	ArchivedAt           *time.Time // NULL: it stands
}

// TableName is gorm's.
func (row) TableName() string { return "limits" }

// Insert implements limit.Store. Of two at once the second waits, so that their number is exact.
func (s *Store) Insert(ctx context.Context, in tenant.Scope, l limit.Limit, most int) error {
	return translate(s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := tx.Exec(`SELECT 1 FROM orgs FOR NO KEY UPDATE`).Error; err != nil {
			return err
		}
		var have int64
		if err := tx.Model(&row{}).Where("archived_at IS NULL").Count(&have).Error; err != nil {
			return err
		}
		if have >= int64(most) {
			return limit.ErrTooMany
		}
		if err := known(tx, l); err != nil {
			return err
		}
		r := fromLimit(in, l)
		return tx.Create(&r).Error
	}))
}

// known refuses a selection of a team or a key that the organization does not have: it would hold for no call.
func known(tx *gorm.DB, l limit.Limit) error {
	for _, what := range []struct {
		name  dimension.Name
		query string
	}{
		{dimension.Team, `SELECT count(*) FROM teams WHERE id = ?`},
		{dimension.Key, `SELECT count(*) FROM keys WHERE id = ?`},
	} {
		value, ok := l.Selector.Of(what.name)
		if !ok {
			continue
		}
		var n int64
		if err := tx.Raw(what.query, value).Scan(&n).Error; err != nil {
			return err
		}
		if n == 0 {
			return limit.ErrInvalid.Say("There is no such %s.", what.name).At("selector")
		}
	}
	return nil
}

// Limit implements limit.Store.
func (s *Store) Limit(ctx context.Context, in tenant.Scope, which id.Limit) (limit.Limit, error) {
	var r row
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error { return tx.Take(&r, "id = ?", string(which)).Error })
	return toLimit(r), translate(err)
}

// Limits implements limit.Store.
func (s *Store) Limits(ctx context.Context, in tenant.Scope, f limit.Filter, after id.Limit, most int) ([]limit.Limit, error) {
	var rows []row
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		q := tx.Where("(archived_at IS NOT NULL) = ?", f.Archived)
		if after != "" {
			q = q.Where(`id COLLATE "C" < ?`, string(after))
		}
		if f.Text != "" {
			q = q.Where("strpos(lower(name), ?) > 0", strings.ToLower(f.Text))
		}
		if f.Metric != "" {
			q = q.Where("metric = ?", string(f.Metric))
		}
		return q.Order(`id COLLATE "C" DESC`).Limit(most).Find(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	out := make([]limit.Limit, len(rows))
	for i, r := range rows {
		out[i] = toLimit(r)
	}
	return out, nil
}

// Change implements limit.Store.
func (s *Store) Change(ctx context.Context, in tenant.Scope, which id.Limit, fn func(limit.Limit) (limit.Limit, error)) (limit.Limit, error) {
	var changed limit.Limit
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		var r row
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&r, "id = ?", string(which)).Error; err != nil {
			return err
		}
		l, err := fn(toLimit(r))
		if err != nil {
			return err
		}
		if err := known(tx, l); err != nil && l.ArchivedAt.IsZero() {
			return err
		}
		changed = l
		next := fromLimit(in, l)
		return tx.Model(&row{}).Where("id = ?", string(which)).
			Select("Name", "Selector", "Each", "Metric", "Amount", "PerSeconds", "Watch", "Off", "Revision", "UpdatedAt", "ArchivedAt").Updates(&next).Error
	})
	if err != nil {
		return limit.Limit{}, translate(err)
	}
	return changed, nil
}

func fromLimit(in tenant.Scope, l limit.Limit) row {
	r := row{
		OrgID: string(in.Org()), ID: string(l.ID), Name: l.Name, Selector: l.Selector.Object(), Each: string(l.Each), Metric: string(l.Metric), Amount: l.Amount,
		PerSeconds: int(l.Per / time.Second), Watch: l.Watch, Off: l.Off, Revision: l.Revision, CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt, CreatedBy: l.CreatedBy,
	}
	if !l.ArchivedAt.IsZero() {
		r.ArchivedAt = &l.ArchivedAt
	}
	return r
}

func toLimit(r row) limit.Limit {
	l := limit.Limit{
		ID: id.Limit(r.ID), Name: r.Name, Selector: dimension.FromObject(r.Selector), Each: dimension.Name(r.Each), Metric: limit.Metric(r.Metric), Amount: r.Amount,
		Per: time.Duration(r.PerSeconds) * time.Second, Watch: r.Watch, Off: r.Off, Revision: r.Revision, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		CreatedBy: r.CreatedBy,
	}
	if r.ArchivedAt != nil {
		l.ArchivedAt = r.ArchivedAt.UTC()
	}
	return l
}

func translate(err error) error {
	var conflict *postgres.Conflict
	switch {
	case errors.Is(err, postgres.ErrNoRow):
		return limit.ErrNotFound.Because(err)
	case errors.As(err, &conflict) && conflict.Constraint == "limits_name_taken":
		return limit.ErrTaken.Because(err).At("name")
	}
	return err
}
