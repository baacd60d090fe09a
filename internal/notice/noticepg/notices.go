// Package noticepg keeps notices, channels and deliveries in PostgreSQL.
package noticepg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/notice"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// Store is notice.Store, notice.Poster and notice.Outbox.
type Store struct{ db *postgres.DB }

var (
	_ notice.Store  = (*Store)(nil)
	_ notice.Poster = (*Store)(nil)
	_ notice.Outbox = (*Store)(nil)
)

// New returns the store in a database.
func New(db *postgres.DB) *Store { return &Store{db: db} }

// Channel of the database on which deliveries that are due are announced.
const Channel = "tollgate_notices"

// Post implements notice.Poster: the notice and its deliveries are there together or not at all.
func (s *Store) Post(ctx context.Context, org id.Org, n notice.New) (fresh bool, err error) {
	err = s.db.InSystemPgx(ctx, "post a notice", func(tx pgx.Tx) error {
		which, err := insert(ctx, tx, org, n)
		if err != nil || which == "" {
			return err
		}
		fresh = true
		rows, err := tx.Query(ctx, `SELECT id FROM notice_channels WHERE org_id = $1 AND NOT off
			AND ($2 = ANY (kinds) OR kinds = '{}' AND (kind = 'webhook' OR NOT $3))`, string(org), string(n.Kind), n.Kind.News())
		if err != nil {
			return err
		}
		channels, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, c := range channels {
			if _, err := dispatch(ctx, tx, org, which, id.Channel(c), n.At); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("post %s: %w", n.Kind, err)
	}
	return fresh, nil
}

// insert adds a notice and gives its id; "" where it was told before.
func insert(ctx context.Context, tx pgx.Tx, org id.Org, n notice.New) (id.Notice, error) {
	data, err := json.Marshal(orEmpty(n.Data))
	if err != nil {
		return "", fmt.Errorf("encode data: %w", err)
	}
	which := id.Notice(id.New("note"))
	tag, err := tx.Exec(ctx, `INSERT INTO notices (org_id, id, kind, about, once, title, body, path, data, at, read_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $11 THEN $10::timestamptz END) ON CONFLICT (org_id, kind, about, once) WHERE once <> '' DO NOTHING`,
		string(org), string(which), string(n.Kind), n.About, n.Once, n.Title, n.Text, n.Path, string(data), n.At, n.Kind.News())
	if err != nil || tag.RowsAffected() == 0 {
		return "", err
	}
	return which, nil
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// dispatch makes a delivery.
func dispatch(ctx context.Context, tx pgx.Tx, org id.Org, which id.Notice, to id.Channel, at time.Time) (id.Delivery, error) {
	d := id.Delivery(id.New("dlv"))
	_, err := tx.Exec(ctx, `INSERT INTO notice_deliveries (org_id, id, notice_id, channel_id, state, next_at, at) VALUES ($1, $2, $3, $4, 'pending', $5, $5)`,
		string(org), string(d), string(which), string(to), at)
	if err == nil {
		_, err = tx.Exec(ctx, `SELECT pg_notify($1, '')`, Channel)
	}
	return d, err
}

const noticeColumns = `n.id, n.kind, n.about, n.once, n.title, n.body, n.path, n.data, n.at, n.read_at, n.read_by`

func scanNotice(n *notice.Notice, data *[]byte, read **time.Time) []any {
	return []any{(*string)(&n.ID), (*string)(&n.Kind), &n.About, &n.Once, &n.Title, &n.Text, &n.Path, data, &n.At, read, &n.ReadBy}
}

func finish(n *notice.Notice, data []byte, read *time.Time) error {
	n.At, n.ReadAt = n.At.UTC(), utc(read)
	return json.Unmarshal(data, &n.Data)
}

// Notices implements notice.Store.
func (s *Store) Notices(ctx context.Context, in tenant.Scope, f notice.Filter, after id.Notice, limit int) (list []notice.Notice, err error) {
	where, args := []string{"n.kind <> 'test'"}, []any{limit}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args))))
	}
	if f.Unread {
		where = append(where, "n.read_at IS NULL")
	}
	if f.Kind != "" {
		add("n.kind = ?", string(f.Kind))
	}
	if after != "" {
		add(`n.id COLLATE "C" < ?`, string(after))
	}
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+noticeColumns+` FROM notices n WHERE `+strings.Join(where, " AND ")+` ORDER BY n.id COLLATE "C" DESC LIMIT $1`, args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (n notice.Notice, err error) {
			var data []byte
			var read *time.Time
			if err := row.Scan(scanNotice(&n, &data, &read)...); err != nil {
				return n, err
			}
			return n, finish(&n, data, read)
		})
		return err
	})
	return list, err
}

// Unread implements notice.Store.
func (s *Store) Unread(ctx context.Context, in tenant.Scope, most int) (n int, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM notices WHERE org_id = $1 AND read_at IS NULL AND kind <> 'test' LIMIT $2) AS few`, string(in.Org()), most).Scan(&n)
	})
	return n, err
}

// MarkRead implements notice.Store.
func (s *Store) MarkRead(ctx context.Context, in tenant.Scope, which []id.Notice, by string, at time.Time) (n int, err error) {
	ids := make([]string, len(which))
	for i, w := range which {
		ids[i] = string(w)
	}
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE notices SET read_at = $2, read_by = $3 WHERE org_id = $1 AND read_at IS NULL AND (cardinality($4::text[]) = 0 OR id = ANY ($4))`,
			string(in.Org()), at, by, ids)
		n = int(tag.RowsAffected())
		return err
	})
	return n, err
}

// Prune removes notices from before a time, and their deliveries.
func (s *Store) Prune(ctx context.Context, before time.Time) (removed int64, err error) {
	err = s.db.InSystemPgx(ctx, "remove old notices", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM notices WHERE at < $1`, before)
		removed = tag.RowsAffected()
		return err
	})
	return removed, err
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func null(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func translate(err error, missing error) error {
	var conflict *postgres.Conflict
	switch {
	case errors.Is(err, postgres.ErrNoRow), errors.Is(err, pgx.ErrNoRows):
		return missing
	case errors.As(err, &conflict) && conflict.Constraint == "notice_channels_name_taken":
		return notice.ErrTaken.Because(err).At("name")
	}
	return err
}
