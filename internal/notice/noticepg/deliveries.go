package noticepg

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/notice"
	"tollgate/internal/tenant"
)

const deliveryColumns = `d.id, d.channel_id, c.name, c.kind, d.state, d.attempts, d.next_at, d.status, d.error, d.at, d.ended_at, ` + noticeColumns

const deliveryTables = ` FROM notice_deliveries d JOIN notices n ON n.org_id = d.org_id AND n.id = d.notice_id
	JOIN notice_channels c ON c.org_id = d.org_id AND c.id = d.channel_id `

// scanDelivery reads deliveryColumns, and more behind them.
func scanDelivery(row pgx.CollectableRow, more ...any) (d notice.Delivery, err error) {
	var data []byte
	var read, ended *time.Time
	into := []any{
		(*string)(&d.ID), (*string)(&d.Channel), &d.Name, (*string)(&d.Medium), (*string)(&d.State), &d.Attempts, &d.NextAt, &d.Status, &d.Error, &d.At, &ended,
	}
	if err := row.Scan(append(append(into, scanNotice(&d.Notice, &data, &read)...), more...)...); err != nil {
		return d, err
	}
	d.NextAt, d.At, d.EndedAt = d.NextAt.UTC(), d.At.UTC(), utc(ended)
	return d, finish(&d.Notice, data, read)
}

// Deliveries implements notice.Store.
func (s *Store) Deliveries(ctx context.Context, in tenant.Scope, of id.Channel, state notice.State, after id.Delivery, limit int) (list []notice.Delivery, err error) {
	where, args := []string{"d.org_id = $2"}, []any{limit, string(in.Org())}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args))))
	}
	if of != "" {
		add("d.channel_id = ?", string(of))
	}
	if state != "" {
		add("d.state = ?", string(state))
	}
	if after != "" {
		add(`d.id COLLATE "C" < ?`, string(after))
	}
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+deliveryColumns+deliveryTables+`WHERE `+strings.Join(where, " AND ")+` ORDER BY d.id COLLATE "C" DESC LIMIT $1`, args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (notice.Delivery, error) { return scanDelivery(row) })
		return err
	})
	return list, err
}

func oneDelivery(ctx context.Context, tx pgx.Tx, in tenant.Scope, which id.Delivery) (notice.Delivery, error) {
	rows, err := tx.Query(ctx, `SELECT `+deliveryColumns+deliveryTables+`WHERE d.org_id = $1 AND d.id = $2`, string(in.Org()), string(which))
	if err != nil {
		return notice.Delivery{}, err
	}
	return pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (notice.Delivery, error) { return scanDelivery(row) })
}

// Resend implements notice.Store.
func (s *Store) Resend(ctx context.Context, in tenant.Scope, which id.Delivery, at time.Time) (d notice.Delivery, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE notice_deliveries SET state = 'pending', attempts = 0, next_at = $3, ended_at = NULL WHERE org_id = $1 AND id = $2`,
			string(in.Org()), string(which), at)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT pg_notify($1, '')`, Channel); err != nil {
			return err
		}
		d, err = oneDelivery(ctx, tx, in, which)
		return err
	})
	return d, translate(err, notice.ErrNoDelivery)
}

// Send implements notice.Store.
func (s *Store) Send(ctx context.Context, in tenant.Scope, to id.Channel, n notice.New, since time.Time) (d notice.Delivery, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		if _, err := oneChannel(ctx, tx, in, to, ` FOR UPDATE`); err != nil { // of two at once the second waits, and sees the first
			return err
		}
		var soon bool
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM notice_deliveries d JOIN notices n ON n.org_id = d.org_id AND n.id = d.notice_id
			WHERE d.org_id = $1 AND d.channel_id = $2 AND n.kind = $3 AND d.at > $4)`, string(in.Org()), string(to), string(n.Kind), since).Scan(&soon)
		if err != nil {
			return err
		}
		if soon {
			return notice.ErrTooSoon
		}
		which, err := insert(ctx, tx, in.Org(), n)
		if err != nil {
			return err
		}
		made, err := dispatch(ctx, tx, in.Org(), which, to, n.At)
		if err != nil {
			return err
		}
		d, err = oneDelivery(ctx, tx, in, made)
		return err
	})
	return d, translate(err, notice.ErrNoChannel)
}

// Due implements notice.Outbox.
func (s *Store) Due(ctx context.Context, now, until time.Time, most int) (list []notice.Parcel, err error) {
	err = s.db.InSystemPgx(ctx, "take notices to be sent", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `WITH due AS (
				SELECT org_id, id FROM notice_deliveries WHERE state = 'pending' AND next_at <= $1 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED
			), taken AS (
				UPDATE notice_deliveries d SET next_at = $2, attempts = d.attempts + 1 FROM due WHERE d.org_id = due.org_id AND d.id = due.id RETURNING d.*
			)
			SELECT `+deliveryColumns+`, d.org_id, o.name, c.sealed FROM taken d JOIN notices n ON n.org_id = d.org_id AND n.id = d.notice_id
			JOIN notice_channels c ON c.org_id = d.org_id AND c.id = d.channel_id JOIN orgs o ON o.id = d.org_id ORDER BY d.id COLLATE "C"`, now, until, most)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p notice.Parcel, err error) {
			p.Delivery, err = scanDelivery(row, (*string)(&p.Org), &p.OrgName, &p.Sealed)
			return p, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("take notices to be sent: %w", err)
	}
	return list, nil
}

// Done implements notice.Outbox. A delivery that somebody sent anew meanwhile stays as it then is.
func (s *Store) Done(ctx context.Context, p notice.Parcel, r notice.Result, now time.Time) (turnedOff bool, err error) {
	err = s.db.InSystemPgx(ctx, "note how a notice was sent", func(tx pgx.Tx) error {
		next, ended := r.NextAt, now
		if r.State == notice.Pending {
			ended = time.Time{}
		} else {
			next = now
		}
		tag, err := tx.Exec(ctx, `UPDATE notice_deliveries SET state = $3, status = $4, error = left($5, 500), next_at = $6, ended_at = $7
			WHERE org_id = $1 AND id = $2 AND state = 'pending' AND attempts = $8`,
			string(p.Org), string(p.ID), string(r.State), r.Status, r.Error, next, null(ended), p.Attempts)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		switch r.State {
		case notice.Sent, notice.Kept:
			_, err = tx.Exec(ctx, `UPDATE notice_channels SET failures = 0, sent_at = $3 WHERE org_id = $1 AND id = $2`, string(p.Org), string(p.Channel), now)
		case notice.Failed:
			tag, err = tx.Exec(ctx, `UPDATE notice_channels SET failures = failures + 1, off = off OR $3 <> '' OR failures + 1 >= $4,
				off_reason = CASE WHEN off THEN off_reason WHEN $3 <> '' THEN $3 WHEN failures + 1 >= $4 THEN $5 ELSE '' END
				WHERE org_id = $1 AND id = $2 AND NOT off`, string(p.Org), string(p.Channel), r.Off, notice.FailuresMax, r.Error)
			if err == nil && tag.RowsAffected() == 1 {
				err = tx.QueryRow(ctx, `SELECT off FROM notice_channels WHERE org_id = $1 AND id = $2`, string(p.Org), string(p.Channel)).Scan(&turnedOff)
			}
		case notice.Pending:
		}
		return err
	})
	return turnedOff, err
}
