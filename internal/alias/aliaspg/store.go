// Package aliaspg keeps aliases, the routing file and the versions of both in PostgreSQL.
package aliaspg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"tollgate/internal/alias"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// Store is alias.Store.
type Store struct{ db *postgres.DB }

var _ alias.Store = (*Store)(nil)

// New returns the store in a database.
func New(db *postgres.DB) *Store { return &Store{db: db} }

// row is one line of the aliases table.
type row struct {
	OrgID, ID, Name      string
	Version              int
	CreatedAt, UpdatedAt time.Time
}

// TableName is gorm's.
func (row) TableName() string { return "aliases" }

// current is an alias with the route of its current version.
type current struct {
	ID, Name             string
	Version              int
	CreatedAt, UpdatedAt time.Time
	Route                string
	PromptName           *string // what the route's prompt is called now; nil: there is none
}

// versionRow is one line of the alias_versions table.
type versionRow struct {
	OrgID, AliasID  string
	Number          int
	Route           string // jsonb
	Author, Message string
	CreatedAt       time.Time
}

// TableName is gorm's.
func (versionRow) TableName() string { return "alias_versions" }

// withRoute reads aliases with the route they point at.
func withRoute(tx *gorm.DB) *gorm.DB {
	return tx.Table("aliases").Select("aliases.*, v.route, (SELECT p.name FROM prompts p WHERE p.org_id = aliases.org_id AND p.id = v.route -> 'prompt' ->> 'id') AS prompt_name").
		Joins("JOIN alias_versions v ON v.org_id = aliases.org_id AND v.alias_id = aliases.id AND v.number = aliases.version")
}

// Alias implements alias.Store.
func (s *Store) Alias(ctx context.Context, in tenant.Scope, which id.Alias) (alias.Alias, error) {
	var r current
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error { return withRoute(tx).Take(&r, "aliases.id = ?", string(which)).Error })
	if err != nil {
		return alias.Alias{}, translate(err)
	}
	return toAlias(r)
}

// Aliases implements alias.Store.
func (s *Store) Aliases(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, error) {
	var rows []current
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		// strpos, not LIKE: _ is an ordinary character in names. Names compare by bytes, so that a cursor means the same everywhere.
		return withRoute(tx).Where(`strpos(aliases.name, lower(?)) > 0 AND aliases.name COLLATE "C" > ?`, text, after).
			Order(`aliases.name COLLATE "C"`).Limit(limit).Find(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	out := make([]alias.Alias, len(rows))
	for i, r := range rows {
		if out[i], err = toAlias(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Versions implements alias.Store.
func (s *Store) Versions(ctx context.Context, in tenant.Scope, which id.Alias, before, limit int) ([]alias.Version, error) {
	var rows []versionRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := tx.Take(&row{}, "id = ?", string(which)).Error; err != nil {
			return err
		}
		q := tx.Where("alias_id = ?", string(which))
		if before > 0 {
			q = q.Where("number < ?", before)
		}
		return q.Order("number DESC").Limit(limit).Find(&rows).Error
	})
	if err != nil {
		return nil, translate(err)
	}
	out := make([]alias.Version, len(rows))
	for i, r := range rows {
		if out[i], err = toVersion(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Version implements alias.Store.
func (s *Store) Version(ctx context.Context, in tenant.Scope, which id.Alias, number int) (alias.Version, error) {
	var r versionRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := tx.Take(&row{}, "id = ?", string(which)).Error; err != nil {
			return err
		}
		err := tx.Take(&r, "alias_id = ? AND number = ?", string(which), number).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return alias.ErrNoVersion
		}
		return err
	})
	if err != nil {
		return alias.Version{}, translate(err)
	}
	return toVersion(r)
}

func toAlias(r current) (alias.Alias, error) {
	a := alias.Alias{ID: id.Alias(r.ID), Name: r.Name, Version: r.Version, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC()}
	if err := json.Unmarshal([]byte(r.Route), &a.Route); err != nil {
		return a, fmt.Errorf("route of %s version %d: %w", r.ID, r.Version, err)
	}
	if a.Route.Prompt != nil && r.PromptName != nil {
		a.Route.Prompt.Name = *r.PromptName
	}
	return a, nil
}

func toVersion(r versionRow) (alias.Version, error) {
	v := alias.Version{Number: r.Number, Author: r.Author, Message: r.Message, CreatedAt: r.CreatedAt.UTC()}
	if err := json.Unmarshal([]byte(r.Route), &v.Route); err != nil {
		return v, fmt.Errorf("route of %s version %d: %w", r.AliasID, r.Number, err)
	}
	return v, nil
}

func translate(err error) error {
	if errors.Is(err, postgres.ErrNoRow) {
		return alias.ErrNotFound.Because(err)
	}
	return err
}
