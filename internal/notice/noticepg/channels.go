package noticepg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/notice"
	"tollgate/internal/tenant"
)

const channelColumns = `id, name, kind, hint, sealed, kinds, off, off_reason, failures, sent_at, revision, created_at, created_by`

type sealedChannel struct {
	notice.Channel
	sealed []byte
}

func scanChannel(row pgx.CollectableRow) (c sealedChannel, err error) {
	var kinds []string
	var sent *time.Time
	err = row.Scan((*string)(&c.ID), &c.Name, (*string)(&c.Medium), &c.Hint, &c.sealed, &kinds, &c.Off, &c.OffReason, &c.Failures, &sent, &c.Revision, &c.CreatedAt, &c.CreatedBy)
	for _, k := range kinds {
		c.Kinds = append(c.Kinds, notice.Kind(k))
	}
	c.CreatedAt, c.SentAt = c.CreatedAt.UTC(), utc(sent)
	return c, err
}

func words(kinds []notice.Kind) []string {
	out := make([]string, len(kinds))
	for i, k := range kinds {
		out[i] = string(k)
	}
	return out
}

// Channels implements notice.Store.
func (s *Store) Channels(ctx context.Context, in tenant.Scope) (list []notice.Channel, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+channelColumns+` FROM notice_channels WHERE org_id = $1 ORDER BY name`, string(in.Org()))
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (notice.Channel, error) {
			c, err := scanChannel(row)
			return c.Channel, err
		})
		return err
	})
	return list, err
}

// Channel implements notice.Store.
func (s *Store) Channel(ctx context.Context, in tenant.Scope, which id.Channel) (notice.Channel, []byte, error) {
	var c sealedChannel
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) (err error) {
		c, err = oneChannel(ctx, tx, in, which, "")
		return err
	})
	return c.Channel, c.sealed, translate(err, notice.ErrNoChannel)
}

func oneChannel(ctx context.Context, tx pgx.Tx, in tenant.Scope, which id.Channel, lock string) (sealedChannel, error) {
	rows, err := tx.Query(ctx, `SELECT `+channelColumns+` FROM notice_channels WHERE org_id = $1 AND id = $2`+lock, string(in.Org()), string(which))
	if err != nil {
		return sealedChannel{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scanChannel)
}

// InsertChannel implements notice.Store.
func (s *Store) InsertChannel(ctx context.Context, in tenant.Scope, c notice.Channel, sealed []byte, most int) error {
	return translate(s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT 1 FROM orgs WHERE id = $1 FOR NO KEY UPDATE`, string(in.Org())); err != nil {
			return err
		}
		var have int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM notice_channels WHERE org_id = $1`, string(in.Org())).Scan(&have); err != nil {
			return err
		}
		if have >= most {
			return notice.ErrTooMany
		}
		_, err := tx.Exec(ctx, `INSERT INTO notice_channels (org_id, id, name, kind, hint, sealed, kinds, revision, created_at, created_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			string(in.Org()), string(c.ID), c.Name, string(c.Medium), c.Hint, sealed, words(c.Kinds), c.Revision, c.CreatedAt, c.CreatedBy)
		return err
	}), notice.ErrNoChannel)
}

// ChangeChannel implements notice.Store.
func (s *Store) ChangeChannel(ctx context.Context, in tenant.Scope, which id.Channel, fn func(notice.Channel, []byte) (notice.Channel, []byte, error)) (changed notice.Channel, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		was, err := oneChannel(ctx, tx, in, which, ` FOR UPDATE`)
		if err != nil {
			return err
		}
		c, sealed, err := fn(was.Channel, was.sealed)
		if err != nil {
			return err
		}
		changed = c
		_, err = tx.Exec(ctx, `UPDATE notice_channels SET name = $3, hint = $4, sealed = $5, kinds = $6, off = $7, off_reason = $8, failures = $9, revision = $10
			WHERE org_id = $1 AND id = $2`, string(in.Org()), string(which), c.Name, c.Hint, sealed, words(c.Kinds), c.Off, c.OffReason, c.Failures, c.Revision)
		return err
	})
	return changed, translate(err, notice.ErrNoChannel)
}

// DeleteChannel implements notice.Store.
func (s *Store) DeleteChannel(ctx context.Context, in tenant.Scope, which id.Channel) error {
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM notice_channels WHERE org_id = $1 AND id = $2`, string(in.Org()), string(which))
		if err == nil && tag.RowsAffected() == 0 {
			return notice.ErrNoChannel
		}
		return err
	})
}
