// Package promptpg keeps prompts, their versions and labels in PostgreSQL.
package promptpg

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// Store is prompt.Store.
type Store struct{ db *postgres.DB }

var _ prompt.Store = (*Store)(nil)

// New returns the store in a database.
func New(db *postgres.DB) *Store { return &Store{db: db} }

// row is a prompt with its labels as one document.
type row struct {
	ID, Name, Kind, Description string
	Tags                        string // jsonb
	Labels                      string // jsonb
	Latest, Revision            int
	Ramps                       string // jsonb
	CreatedAt, UpdatedAt        time.Time
	UpdatedBy                   string
	ArchivedAt                  *time.Time
}

const heads = `SELECT p.id, p.name, p.kind, p.description, to_jsonb(p.tags) AS tags, p.latest, p.revision, p.created_at, p.updated_at, p.updated_by, p.archived_at,
	coalesce((SELECT jsonb_object_agg(r.label, jsonb_build_object('to', r.to_version, 'share', r.share, 'shares', r.shares, 'stop_over', r.stop_over,
		'pause', extract(epoch FROM r.pause)::bigint, 'next', r.next_at, 'stepped', r.stepped_at, 'started', r.started_at, 'by', r.started_by))
		FROM prompt_ramps r WHERE r.org_id = p.org_id AND r.prompt_id = p.id), '{}') AS ramps,
	coalesce((SELECT jsonb_object_agg(l.label, l.version) FROM prompt_labels l WHERE l.org_id = p.org_id AND l.prompt_id = p.id), '{}') AS labels
	FROM prompts p `

func (r *row) prompt() (prompt.Prompt, error) {
	p := prompt.Prompt{
		ID: id.Prompt(r.ID), Name: r.Name, Kind: prompt.Kind(r.Kind), Description: r.Description, Latest: r.Latest, Revision: r.Revision,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), UpdatedBy: r.UpdatedBy,
	}
	if r.ArchivedAt != nil {
		p.ArchivedAt = r.ArchivedAt.UTC()
	}
	if err := json.Unmarshal([]byte(r.Tags), &p.Tags); err != nil {
		return p, fmt.Errorf("tags of %s: %w", r.ID, err)
	}
	if err := json.Unmarshal([]byte(r.Labels), &p.Labels); err != nil {
		return p, fmt.Errorf("labels of %s: %w", r.ID, err)
	}
	return p, r.ramps(&p)
}

// one reads at most one prompt; false: there is none.
func one(tx *gorm.DB, where string, args ...any) (prompt.Prompt, bool, error) {
	var rows []row
	if err := tx.Raw(heads+where, args...).Scan(&rows).Error; err != nil || len(rows) == 0 {
		return prompt.Prompt{}, false, err
	}
	p, err := rows[0].prompt()
	return p, err == nil, err
}

// read finds one prompt or is ErrNotFound.
func (s *Store) read(ctx context.Context, in tenant.Scope, where string, args ...any) (p prompt.Prompt, err error) {
	err = s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		var ok bool
		if p, ok, err = one(tx, where, args...); err == nil && !ok {
			err = prompt.ErrNotFound
		}
		if err == nil {
			var r prompt.Rules
			r, err = rules(tx)
			p.Protected = r.Protected
		}
		return err
	})
	return p, err
}

// Prompt implements prompt.Store.
func (s *Store) Prompt(ctx context.Context, in tenant.Scope, which id.Prompt) (prompt.Prompt, error) {
	return s.read(ctx, in, `WHERE p.id = ?`, string(which))
}

// Named implements prompt.Store.
func (s *Store) Named(ctx context.Context, in tenant.Scope, name string) (prompt.Prompt, error) {
	return s.read(ctx, in, `WHERE p.name = ? AND p.archived_at IS NULL`, name)
}

// Prompts implements prompt.Store.
func (s *Store) Prompts(ctx context.Context, in tenant.Scope, f prompt.Filter, after string, limit int) ([]prompt.Prompt, error) {
	// strpos and starts_with, not LIKE: _ and % are ordinary characters in names. Names compare by bytes, so that a cursor means the same
	// everywhere.
	where, args := `WHERE p.name COLLATE "C" > ? AND (p.archived_at IS NOT NULL) = ?`, []any{after, f.Archived}
	if f.Text != "" {
		where, args = where+` AND strpos(lower(p.name), lower(?)) > 0`, append(args, f.Text)
	}
	if f.Folder != "" {
		where, args = where+` AND starts_with(p.name, ?)`, append(args, strings.TrimSuffix(f.Folder, "/")+"/")
	}
	if f.Tag != "" {
		where, args = where+` AND ? = ANY (p.tags)`, append(args, f.Tag)
	}
	if f.Label != "" {
		where, args = where+` AND EXISTS (SELECT FROM prompt_labels l WHERE l.org_id = p.org_id AND l.prompt_id = p.id AND l.label = ?)`, append(args, f.Label)
	}
	var rows []row
	var out []prompt.Prompt
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := tx.Raw(heads+where+` ORDER BY p.name COLLATE "C", p.id LIMIT ?`, append(args, limit)...).Scan(&rows).Error; err != nil {
			return err
		}
		guarded, err := rules(tx)
		for i := range rows {
			p, bad := rows[i].prompt()
			err = errors.Join(err, bad)
			p.Protected = guarded.Protected
			out = append(out, p)
		}
		return err
	})
	return out, err
}

// versionRow is one line of the prompt_versions table.
type versionRow struct {
	OrgID, PromptID string
	Number          int
	Content         string // jsonb
	Hash            string
	Author, Message string
	CreatedAt       time.Time
}

// TableName is gorm's.
func (versionRow) TableName() string { return "prompt_versions" }

func (r *versionRow) version() (prompt.Version, error) {
	v := prompt.Version{Number: r.Number, Hash: r.Hash, Author: r.Author, Message: r.Message, CreatedAt: r.CreatedAt.UTC()}
	if err := json.Unmarshal([]byte(r.Content), &v.Content); err != nil {
		return v, fmt.Errorf("content of %s version %d: %w", r.PromptID, r.Number, err)
	}
	return v, nil
}

// Versions implements prompt.Store.
func (s *Store) Versions(ctx context.Context, in tenant.Scope, which id.Prompt, before, limit int) ([]prompt.Version, error) {
	var rows []versionRow
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if _, ok, err := one(tx, `WHERE p.id = ?`, string(which)); err != nil || !ok {
			return cmp.Or[error](err, prompt.ErrNotFound)
		}
		q := tx.Where("prompt_id = ?", string(which))
		if before > 0 {
			q = q.Where("number < ?", before)
		}
		return q.Order("number DESC").Limit(limit).Find(&rows).Error
	})
	if err != nil {
		return nil, err
	}
	out := make([]prompt.Version, len(rows))
	for i := range rows {
		if out[i], err = rows[i].version(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Version implements prompt.Store.
func (s *Store) Version(ctx context.Context, in tenant.Scope, which id.Prompt, number int) (v prompt.Version, err error) {
	err = s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if _, ok, err := one(tx, `WHERE p.id = ?`, string(which)); err != nil || !ok {
			return cmp.Or[error](err, prompt.ErrNotFound)
		}
		var rows []versionRow
		if err := tx.Where("prompt_id = ? AND number = ?", string(which), number).Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
			return cmp.Or[error](err, prompt.ErrVersion)
		}
		v, err = rows[0].version()
		return err
	})
	return v, err
}

// Moves implements prompt.Store.
func (s *Store) Moves(ctx context.Context, in tenant.Scope, which id.Prompt, limit int) ([]prompt.Move, error) {
	var rows []struct {
		Label, MovedBy, Why string
		Was, IsAt, Share    *int
		MovedAt             time.Time
	}
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if _, ok, err := one(tx, `WHERE p.id = ?`, string(which)); err != nil || !ok {
			return cmp.Or[error](err, prompt.ErrNotFound)
		}
		return tx.Raw(`SELECT label, moved_by, was, is_at, share, why, moved_at FROM prompt_moves WHERE prompt_id = ? ORDER BY seq DESC LIMIT ?`, string(which), limit).Scan(&rows).Error
	})
	out := make([]prompt.Move, len(rows))
	for i, r := range rows {
		out[i] = prompt.Move{Label: r.Label, Was: orZero(r.Was), Is: orZero(r.IsAt), Share: orZero(r.Share), At: r.MovedAt.UTC(), By: r.MovedBy, Why: r.Why}
	}
	return out, err
}

// Names implements prompt.Store.
func (s *Store) Names(ctx context.Context, in tenant.Scope) (names []string, err error) {
	err = s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		return tx.Raw(`SELECT name FROM prompts WHERE archived_at IS NULL ORDER BY name COLLATE "C"`).Scan(&names).Error
	})
	return names, err
}

func orZero(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func orNull(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func list(labels []string) string {
	raw, err := json.Marshal(append([]string{}, labels...))
	if err != nil {
		return "[]" // strings always have JSON
	}
	return string(raw)
}
