package promptpg

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// Change implements prompt.Store.
func (s *Store) Change(ctx context.Context, in tenant.Scope, fn func(prompt.Desk) error) error {
	err := s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := hold(tx, in); err != nil {
			return err
		}
		return fn(&desk{tx: tx, in: in})
	})
	var conflict *postgres.Conflict
	if errors.As(err, &conflict) && conflict.Constraint == "prompts_name_taken" {
		return prompt.ErrTaken.Because(err).At("name")
	}
	return err
}

// Read implements prompt.Store.
func (s *Store) Read(ctx context.Context, in tenant.Scope, fn func(prompt.Desk) error) error {
	return s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := tx.Exec(`SET TRANSACTION READ ONLY`).Error; err != nil {
			return err
		}
		return fn(&desk{tx: tx, in: in})
	})
}

// hold lets one change at a time into an organization's prompts: they name each other, and two changes could make a ring.
func hold(tx *gorm.DB, in tenant.Scope) error {
	return tx.Exec(`SELECT pg_advisory_xact_lock(hashtextextended('prompts ' || ?, 0))`, string(in.Org())).Error
}

// desk is prompt.Desk.
type desk struct {
	tx  *gorm.DB
	in  tenant.Scope
	err error
}

func (d *desk) Err() error { return d.err }

func (d *desk) one(where string, args ...any) (prompt.Prompt, bool) {
	if d.err != nil {
		return prompt.Prompt{}, false
	}
	p, ok, err := one(d.tx, where, args...)
	d.err = err
	return p, ok
}

// Named implements prompt.Library.
func (d *desk) Named(name string) (prompt.Prompt, bool) {
	return d.one(`WHERE p.name = ? AND p.archived_at IS NULL`, name)
}

// Prompt implements prompt.Library.
func (d *desk) Prompt(which id.Prompt) (prompt.Prompt, bool) {
	return d.one(`WHERE p.id = ?`, string(which))
}

// Content implements prompt.Library.
func (d *desk) Content(which id.Prompt, number int) (prompt.Content, bool) {
	var rows []versionRow
	if d.err != nil {
		return prompt.Content{}, false
	}
	if d.err = d.tx.Where("prompt_id = ? AND number = ?", string(which), number).Limit(1).Find(&rows).Error; d.err != nil || len(rows) == 0 {
		return prompt.Content{}, false
	}
	v, err := rows[0].version()
	d.err = err
	return v.Content, err == nil
}

// Count implements prompt.Desk.
func (d *desk) Count() (n int, err error) {
	err = d.tx.Raw(`SELECT count(*) FROM prompts WHERE archived_at IS NULL`).Scan(&n).Error
	return n, err
}

// Users implements prompt.Desk.
func (d *desk) Users(which id.Prompt) ([]prompt.Use, error) {
	return d.uses(which, `AND (v.number = p.latest
		OR EXISTS (SELECT FROM prompt_labels l WHERE l.org_id = v.org_id AND l.prompt_id = v.prompt_id AND l.version = v.number)
		OR EXISTS (SELECT FROM prompt_ramps r WHERE r.org_id = v.org_id AND r.prompt_id = v.prompt_id AND r.to_version = v.number))`)
}

// Pinned implements prompt.Desk.
func (d *desk) Pinned(which id.Prompt) ([]prompt.Use, error) { return d.uses(which, "") }

func (d *desk) uses(which id.Prompt, and string) (out []prompt.Use, err error) {
	var rows []struct {
		PromptID string
		Number   int
	}
	err = d.tx.Raw(`SELECT v.prompt_id, v.number FROM prompt_versions v JOIN prompts p ON p.org_id = v.org_id AND p.id = v.prompt_id
		WHERE EXISTS (SELECT FROM json_each(v.content -> 'refs') AS r (name, ref) WHERE r.ref ->> 'prompt' = ?)
			AND p.archived_at IS NULL `+and+` ORDER BY v.prompt_id, v.number`, string(which)).Scan(&rows).Error
	for _, r := range rows {
		out = append(out, prompt.Use{Prompt: id.Prompt(r.PromptID), Number: r.Number})
	}
	return out, err
}

// LastMove implements prompt.Desk.
func (d *desk) LastMove(which id.Prompt, label string) (prompt.Move, bool, error) {
	var rows []struct{ Was, IsAt *int }
	err := d.tx.Raw(`SELECT was, is_at FROM prompt_moves WHERE prompt_id = ? AND label = ? AND share IS NULL AND was IS DISTINCT FROM is_at
		ORDER BY seq DESC LIMIT 1`, string(which), label).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return prompt.Move{}, false, err
	}
	return prompt.Move{Label: label, Was: orZero(rows[0].Was), Is: orZero(rows[0].IsAt)}, true, nil
}

// Below implements prompt.Desk.
func (d *desk) Below(folder string) (out []prompt.Prompt, err error) {
	var rows []row
	if err := d.tx.Raw(heads+`WHERE p.archived_at IS NULL AND starts_with(p.name, ?) ORDER BY p.name COLLATE "C"`, folder+"/").Scan(&rows).Error; err != nil {
		return nil, err
	}
	for i := range rows {
		p, err := rows[i].prompt()
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Put implements prompt.Desk.
func (d *desk) Put(p prompt.Prompt, moves []prompt.Move) error {
	var archived any
	if !p.ArchivedAt.IsZero() {
		archived = p.ArchivedAt
	}
	err := d.tx.Exec(`INSERT INTO prompts (org_id, id, name, kind, description, tags, latest, revision, created_at, updated_at, updated_by, archived_at)
		SELECT ?, ?, ?, ?, ?, ARRAY(SELECT jsonb_array_elements_text(?::jsonb)), ?, ?, ?, ?, ?, ?
		ON CONFLICT (org_id, id) DO UPDATE SET name = excluded.name, description = excluded.description, tags = excluded.tags, latest = excluded.latest,
			revision = excluded.revision, updated_at = excluded.updated_at, updated_by = excluded.updated_by, archived_at = excluded.archived_at`,
		string(d.in.Org()), string(p.ID), p.Name, string(p.Kind), p.Description, list(p.Tags), p.Latest, p.Revision, p.CreatedAt, p.UpdatedAt, p.UpdatedBy, archived).Error
	if err != nil {
		return err
	}
	for _, m := range moves {
		if err := d.move(p.ID, m); err != nil {
			return err
		}
	}
	return d.ramp(p)
}

func (d *desk) move(which id.Prompt, m prompt.Move) error {
	org := string(d.in.Org())
	var err error
	switch {
	case m.Share > 0: // the label stays where it is
	case m.Is == 0:
		err = d.tx.Exec(`DELETE FROM prompt_labels WHERE prompt_id = ? AND label = ?`, string(which), m.Label).Error
	default:
		err = d.tx.Exec(`INSERT INTO prompt_labels (org_id, prompt_id, label, version, moved_at, moved_by) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (org_id, prompt_id, label) DO UPDATE SET version = excluded.version, moved_at = excluded.moved_at, moved_by = excluded.moved_by`,
			org, string(which), m.Label, m.Is, m.At, m.By).Error
	}
	if err != nil {
		return err
	}
	return d.tx.Exec(`INSERT INTO prompt_moves (org_id, prompt_id, label, was, is_at, share, why, moved_at, moved_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		org, string(which), m.Label, orNull(m.Was), orNull(m.Is), orNull(m.Share), m.Why, m.At, m.By).Error
}

// Add implements prompt.Desk.
func (d *desk) Add(which id.Prompt, v prompt.Version) error {
	raw, err := prompt.Encode(v.Content)
	if err != nil {
		return err
	}
	return d.tx.Create(&versionRow{
		OrgID: string(d.in.Org()), PromptID: string(which), Number: v.Number, Content: string(raw), Hash: v.Hash, Author: v.Author, Message: v.Message,
		CreatedAt: v.CreatedAt,
	}).Error
}

// Delete implements prompt.Desk.
func (d *desk) Delete(which id.Prompt) error {
	return d.tx.Exec(`DELETE FROM prompts WHERE id = ?`, string(which)).Error
}
