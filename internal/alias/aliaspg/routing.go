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
	"tollgate/internal/tenant"
)

// routingRow is the line of the routing table, joined with what its version says.
type routingRow struct {
	Version         int
	Tasks, Auto     string // jsonb
	Source          string
	Author, Message string
	CreatedAt       time.Time
}

// fileRow is one line of the routing_versions table.
type fileRow struct {
	OrgID           string
	Number          int
	Document        string // jsonb
	Source          string
	Author, Message string
	CreatedAt       time.Time
}

// TableName is gorm's.
func (fileRow) TableName() string { return "routing_versions" }

// Routing implements alias.Store.
func (s *Store) Routing(ctx context.Context, in tenant.Scope) (alias.Routing, error) {
	var now alias.Routing
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) (err error) {
		if err := hold(tx, in, "_shared"); err != nil { // so that no change falls between the reads
			return err
		}
		now, err = stands(tx, "")
		return err
	})
	return now, err
}

// Change implements alias.Store.
func (s *Store) Change(ctx context.Context, in tenant.Scope, fn func(alias.Routing) (*alias.Revision, error)) error {
	return s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := hold(tx, in, ""); err != nil {
			return err
		}
		now, err := stands(tx, "FOR KEY SHARE")
		if err != nil {
			return err
		}
		r, err := fn(now)
		if err != nil || r == nil {
			return err
		}
		return write(tx, in, *r)
	})
}

// hold lets one change at a time into an organization's routing, also before that has a row which could be locked. What is read behind
// the wait is new.
func hold(tx *gorm.DB, in tenant.Scope, mode string) error {
	return tx.Exec(`SELECT pg_advisory_xact_lock`+mode+`(hashtextextended('routing ' || ?, 0))`, string(in.Org())).Error
}

// stands reads everything. lock is what keeps the credentials from being deleted while the transaction lasts.
func stands(tx *gorm.DB, lock string) (alias.Routing, error) {
	now := alias.Routing{
		Version: alias.FileVersion{File: alias.File{Tasks: map[string]string{}, Aliases: map[string]alias.Route{}}},
		Aliases: map[string]alias.Alias{}, Credentials: map[id.Credential]string{}, Prompts: map[id.Prompt]alias.Shelved{},
	}
	var credentials []struct{ ID, Provider string }
	if err := tx.Raw(`SELECT id, provider FROM credentials ORDER BY id ` + lock).Scan(&credentials).Error; err != nil {
		return now, err
	}
	for _, c := range credentials {
		now.Credentials[id.Credential(c.ID)] = c.Provider
	}
	if err := prompts(tx, now.Prompts); err != nil {
		return now, err
	}
	var aliases []current
	if err := withRoute(tx).Find(&aliases).Error; err != nil {
		return now, err
	}
	for _, row := range aliases {
		a, err := toAlias(row)
		if err != nil {
			return now, err
		}
		now.Aliases[a.Name], now.Version.File.Aliases[a.Name] = a, a.Route
	}
	return now, head(tx, &now.Version)
}

// prompts reads what routing needs to know of them.
func prompts(tx *gorm.DB, into map[id.Prompt]alias.Shelved) error {
	var rows []struct {
		ID, Name, Labels string
		Latest           int
		Archived         bool
	}
	err := tx.Raw(`SELECT p.id, p.name, p.latest, p.archived_at IS NOT NULL AS archived,
			coalesce((SELECT jsonb_object_agg(l.label, l.version) FROM prompt_labels l WHERE l.org_id = p.org_id AND l.prompt_id = p.id), '{}') AS labels
		FROM prompts p`).Scan(&rows).Error
	if err != nil {
		return err
	}
	for _, r := range rows {
		s := alias.Shelved{Name: r.Name, Latest: r.Latest, Archived: r.Archived}
		if err := json.Unmarshal([]byte(r.Labels), &s.Labels); err != nil {
			return fmt.Errorf("labels of %s: %w", r.ID, err)
		}
		into[id.Prompt(r.ID)] = s
	}
	return nil
}

// head reads what the routing row says: the current version, tasks and auto.
func head(tx *gorm.DB, v *alias.FileVersion) error {
	var rows []routingRow
	err := tx.Raw(`SELECT r.version, r.tasks, r.auto, v.source, v.author, v.message, v.created_at
		FROM routing r JOIN routing_versions v ON v.org_id = r.org_id AND v.number = r.version`).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	r := rows[0]
	v.Number, v.Text, v.Author, v.Message, v.CreatedAt = r.Version, r.Source, r.Author, r.Message, r.CreatedAt.UTC()
	if err := json.Unmarshal([]byte(r.Tasks), &v.File.Tasks); err != nil {
		return fmt.Errorf("tasks of routing version %d: %w", r.Version, err)
	}
	if err := json.Unmarshal([]byte(r.Auto), &v.File.Auto); err != nil {
		return fmt.Errorf("auto of routing version %d: %w", r.Version, err)
	}
	return nil
}

// write stores a revision.
func write(tx *gorm.DB, in tenant.Scope, r alias.Revision) error {
	if len(r.Gone) > 0 {
		if err := tx.Where("id IN ?", r.Gone).Delete(&row{}).Error; err != nil {
			return err
		}
	}
	made := make([]row, len(r.Made))
	for i, a := range r.Made {
		made[i] = row{OrgID: string(in.Org()), ID: string(a.ID), Name: a.Name, Version: a.Version, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}
	}
	if err := create(tx, made); err != nil {
		return err
	}
	for _, a := range r.Changed {
		err := tx.Model(&row{}).Where("id = ?", string(a.ID)).UpdateColumns(map[string]any{"version": a.Version, "updated_at": a.UpdatedAt}).Error
		if err != nil {
			return err
		}
	}
	versions := make([]versionRow, 0, len(r.Made)+len(r.Changed))
	for _, a := range append(r.Made, r.Changed...) {
		v, err := toRow(in, a, r)
		if err != nil {
			return err
		}
		versions = append(versions, v)
	}
	if err := create(tx, versions); err != nil {
		return err
	}
	return save(tx, in, r.Version)
}

// create inserts rows, a hundred at a time.
func create[T any](tx *gorm.DB, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.CreateInBatches(rows, 100).Error
}

// toRow is the version that an alias is at.
func toRow(in tenant.Scope, a alias.Alias, r alias.Revision) (versionRow, error) {
	route, err := json.Marshal(a.Route)
	if err != nil {
		return versionRow{}, fmt.Errorf("encode route: %w", err)
	}
	return versionRow{
		OrgID: string(in.Org()), AliasID: string(a.ID), Number: a.Version, Route: string(route),
		Author: r.Version.Author, Message: r.AliasMessage, CreatedAt: r.Version.CreatedAt,
	}, nil
}

// save stores a version of the file and makes it the current one.
func save(tx *gorm.DB, in tenant.Scope, v alias.FileVersion) error {
	document, err := json.Marshal(v.File)
	if err != nil {
		return fmt.Errorf("encode routing file: %w", err)
	}
	tasks, err := json.Marshal(v.File.Tasks)
	if err != nil {
		return fmt.Errorf("encode tasks: %w", err)
	}
	auto, err := json.Marshal(v.File.Auto)
	if err != nil {
		return fmt.Errorf("encode auto: %w", err)
	}
	err = tx.Create(&fileRow{
		OrgID: string(in.Org()), Number: v.Number, Document: string(document), Source: v.Text, Author: v.Author, Message: v.Message, CreatedAt: v.CreatedAt,
	}).Error
	if err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO routing (org_id, version, tasks, auto, updated_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (org_id) DO UPDATE SET version = excluded.version, tasks = excluded.tasks, auto = excluded.auto, updated_at = excluded.updated_at`,
		string(in.Org()), v.Number, string(tasks), string(auto), v.CreatedAt).Error
}

// FileVersions implements alias.Store.
func (s *Store) FileVersions(ctx context.Context, in tenant.Scope, before, limit int) ([]alias.FileVersion, error) {
	var rows []fileRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		q := tx.Select("number, author, message, created_at")
		if before > 0 {
			q = q.Where("number < ?", before)
		}
		return q.Order("number DESC").Limit(limit).Find(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	out := make([]alias.FileVersion, len(rows))
	for i, r := range rows {
		out[i] = alias.FileVersion{Number: r.Number, Author: r.Author, Message: r.Message, CreatedAt: r.CreatedAt.UTC()}
	}
	return out, nil
}

// FileVersion implements alias.Store.
func (s *Store) FileVersion(ctx context.Context, in tenant.Scope, number int) (alias.FileVersion, error) {
	var r fileRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		err := tx.Take(&r, "number = ?", number).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return alias.ErrNoFileVersion
		}
		return err
	})
	if err != nil {
		return alias.FileVersion{}, err
	}
	v := alias.FileVersion{Number: r.Number, Text: r.Source, Author: r.Author, Message: r.Message, CreatedAt: r.CreatedAt.UTC()}
	if err := json.Unmarshal([]byte(r.Document), &v.File); err != nil {
		return v, fmt.Errorf("routing version %d: %w", r.Number, err)
	}
	v.File = v.File.Normal()
	return v, nil
}
