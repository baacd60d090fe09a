package promptpg

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// Channel of the database on which news and plans are announced.
const Channel = "tollgate_prompts"

var _ prompt.Bench = (*Store)(nil)

// newsDoc is a piece of news in its document.
type newsDoc struct {
	Kind  string         `json:"kind"`
	About string         `json:"about"`
	Title string         `json:"title"`
	Text  string         `json:"text"`
	Path  string         `json:"path"`
	Data  map[string]any `json:"data"`
}

// Tell implements prompt.Desk. It is in the change's transaction: what is rolled back is not told.
func (d *desk) Tell(n prompt.News) error {
	raw, err := json.Marshal(newsDoc{n.Kind, string(n.About), n.Title, n.Text, n.Path, n.Data})
	if err != nil {
		return fmt.Errorf("encode news: %w", err)
	}
	if err := d.tx.Exec(`INSERT INTO prompt_news (org_id, notice, at) VALUES (?, ?::jsonb, ?)`, string(d.in.Org()), string(raw), n.At).Error; err != nil {
		return err
	}
	return d.tx.Exec(`SELECT pg_notify(?, '')`, Channel).Error
}

// News implements prompt.Bench.
func (s *Store) News(ctx context.Context, limit int) (list []prompt.Untold, err error) {
	err = s.db.InSystemPgx(ctx, "prompts: find what is to be told", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT org_id, seq, notice, at FROM prompt_news ORDER BY seq LIMIT $1`, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (u prompt.Untold, err error) {
			var raw []byte
			if err := row.Scan((*string)(&u.Org), &u.Seq, &raw, &u.At); err != nil {
				return u, err
			}
			var d newsDoc
			if err := json.Unmarshal(raw, &d); err != nil {
				return u, fmt.Errorf("decode news: %w", err)
			}
			u.News = prompt.News{Kind: d.Kind, About: id.Prompt(d.About), Title: d.Title, Text: d.Text, Path: d.Path, Data: d.Data, At: u.At.UTC()}
			return u, nil
		})
		return err
	})
	return list, err
}

// Told implements prompt.Bench.
func (s *Store) Told(ctx context.Context, u prompt.Untold) error {
	return s.db.InSystemPgx(ctx, "prompts: forget what was told", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM prompt_news WHERE org_id = $1 AND seq = $2`, string(u.Org), u.Seq)
		return err
	})
}

// Due implements prompt.Bench. The worker goes on in the name of who approved, planned or started: that request was authenticated for the
// organization whose row this is. The role is the one that this member or token has now.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (list []prompt.Due, err error) {
	err = s.db.InSystemPgx(ctx, "prompts: find moves that are due", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT x.org_id, x.prompt_id, x.request, x.label, x.actor,
				coalesce((SELECT m.role FROM members m WHERE m.org_id = x.org_id AND m.user_id = x.actor),
					(SELECT t.role FROM tokens t WHERE t.org_id = x.org_id AND t.id = x.actor AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $1)), '')
			FROM (SELECT org_id, prompt_id, id AS request, '' AS label, coalesce(nullif(answered_by, ''), asked_by) AS actor, at AS due
					FROM prompt_requests WHERE state = 'planned' AND at <= $1
				UNION ALL SELECT org_id, prompt_id, '', label, started_by, coalesce(next_at, stepped_at)
					FROM prompt_ramps WHERE next_at <= $1 OR stop_over > 0) AS x
			ORDER BY x.request = '', x.due, x.org_id, x.prompt_id LIMIT $2`, now, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (x prompt.Due, err error) {
			var org id.Org
			var by, role string
			err = row.Scan((*string)(&org), (*string)(&x.Prompt), (*string)(&x.Request), &x.Label, &by, &role)
			x.In = tenant.Authenticated(org, actor(by), tenant.Role(role)) //nolint:forbidigo // the request that set it going was authenticated
			return x, err
		})
		return err
	})
	return list, err
}

// actor is who an id of a record's author belongs to.
func actor(by string) tenant.Actor {
	if strings.HasPrefix(by, "tok_") {
		return tenant.Actor{Token: id.Token(by)}
	}
	return tenant.Actor{User: id.User(by)}
}
