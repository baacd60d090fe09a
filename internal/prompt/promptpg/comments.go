package promptpg

import (
	"context"
	"time"

	"gorm.io/gorm"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// commentRow is one line of the prompt_comments table.
type commentRow struct {
	ID, PromptID             string
	Version                  *int
	Body, Author, ResolvedBy string
	CreatedAt                time.Time
	ResolvedAt               *time.Time
}

func comments(tx *gorm.DB, where string, args ...any) ([]prompt.Comment, error) {
	var rows []commentRow
	err := tx.Raw(`SELECT id, prompt_id, version, body, author, resolved_by, created_at, resolved_at FROM prompt_comments `+where, args...).Scan(&rows).Error
	out := make([]prompt.Comment, len(rows))
	for i, r := range rows {
		out[i] = prompt.Comment{
			ID: id.PromptComment(r.ID), Prompt: id.Prompt(r.PromptID), Version: orZero(r.Version), Text: r.Body, Author: r.Author,
			CreatedAt: r.CreatedAt.UTC(), ResolvedAt: utc(r.ResolvedAt), ResolvedBy: r.ResolvedBy,
		}
	}
	return out, err
}

// Comments implements prompt.Store.
func (s *Store) Comments(ctx context.Context, in tenant.Scope, which id.Prompt, before id.PromptComment, limit int) (out []prompt.Comment, err error) {
	err = s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if err := exists(tx, which); err != nil {
			return err
		}
		where, args := `WHERE prompt_id = ?`, []any{string(which)}
		if before != "" {
			where, args = where+` AND id COLLATE "C" < ?`, append(args, string(before))
		}
		out, err = comments(tx, where+` ORDER BY id COLLATE "C" DESC LIMIT ?`, append(args, limit)...)
		return err
	})
	return out, err
}

// Comment implements prompt.Desk.
func (d *desk) Comment(of id.Prompt, which id.PromptComment) (prompt.Comment, bool, error) {
	found, err := comments(d.tx, `WHERE prompt_id = ? AND id = ?`, string(of), string(which))
	if err != nil || len(found) == 0 {
		return prompt.Comment{}, false, err
	}
	return found[0], true, nil
}

// Said implements prompt.Desk.
func (d *desk) Said(of id.Prompt) (n int, err error) {
	err = d.tx.Raw(`SELECT count(*) FROM prompt_comments WHERE prompt_id = ?`, string(of)).Scan(&n).Error
	return n, err
}

// PutComment implements prompt.Desk.
func (d *desk) PutComment(c prompt.Comment) error {
	return d.tx.Exec(`INSERT INTO prompt_comments (org_id, id, prompt_id, version, body, author, created_at, resolved_at, resolved_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (org_id, id) DO UPDATE SET resolved_at = excluded.resolved_at, resolved_by = excluded.resolved_by`,
		string(d.in.Org()), string(c.ID), string(c.Prompt), orNull(c.Version), c.Text, c.Author, c.CreatedAt, null(c.ResolvedAt), c.ResolvedBy).Error
}

// DeleteComment implements prompt.Desk.
func (d *desk) DeleteComment(which id.PromptComment) error {
	return d.tx.Exec(`DELETE FROM prompt_comments WHERE id = ?`, string(which)).Error
}
