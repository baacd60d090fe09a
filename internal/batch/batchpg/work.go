package batchpg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/batch"
)

// A thing that is taken is due again when its lease ends. Whoever wakes it meanwhile makes it due earlier, which is how giving it back
// tells: a wake that came while it was worked on is not forgotten. What a holder takes while it still holds it, it has forgotten: its
// process died and came back under the same name.

const takeBatches = `UPDATE batches b SET holder = $1, turn = turn + 1, until = $3, due_at = $3
	FROM (SELECT org_id, id FROM batches WHERE due_at <= $2 AND (holder = '' OR until <= $2) OR holder = $1 ORDER BY due_at LIMIT $4
		FOR UPDATE SKIP LOCKED) AS due
	WHERE b.org_id = due.org_id AND b.id = due.id
	RETURNING ` + batchColumns + `, b.turn`

const parcelColumns = `p.org_id, p.id, p.batch_id, p.driver, p.provider, p.credential, p.model, p.path, p.dialect, p.status, p.upstream,
	p.upstream_file, p.tried_at, p.strangers, p.polls, p.failures, p.cancel, p.stopped, p.lines, p.created_at, p.expires_at, p.turn`

const takeParcels = `UPDATE batch_parcels p SET holder = $1, turn = turn + 1, until = $3, due_at = $3,
		status = CASE WHEN status = 'gathering' THEN 'planned' ELSE status END
	FROM (SELECT org_id, id FROM batch_parcels WHERE due_at <= $2 AND (holder = '' OR until <= $2) OR holder = $1 ORDER BY due_at LIMIT $4
		FOR UPDATE SKIP LOCKED) AS due
	WHERE p.org_id = due.org_id AND p.id = due.id
	RETURNING ` + parcelColumns

func toParcel(row pgx.CollectableRow) (batch.Parcel, error) { return scanParcel(row) }

// scanParcel scans parcelColumns, and whatever follows them into more.
func scanParcel(row pgx.CollectableRow, more ...any) (batch.Parcel, error) {
	var p batch.Parcel
	var tried *time.Time
	err := row.Scan(append([]any{
		&p.Org, &p.ID, &p.Batch, &p.Driver, &p.Provider, &p.Credential, &p.Model, &p.Path, &p.Dialect, &p.Status, &p.Upstream,
		&p.File, &tried, &p.Strangers, &p.Polls, &p.Failures, &p.Cancel, &p.Stopped, &p.Lines, &p.CreatedAt, &p.ExpiresAt, &p.Lease.Turn,
	}, more...)...)
	p.TriedAt, p.CreatedAt, p.ExpiresAt = present(tried), p.CreatedAt.UTC(), p.ExpiresAt.UTC()
	return p, err
}

// Take implements batch.Work.
func (s *Store) Take(ctx context.Context, holder string, now, until time.Time, most int) (taken []batch.Taken, err error) {
	err = s.db.InSystemPgx(ctx, "batch: take work", func(tx pgx.Tx) error {
		taken = nil
		rows, err := tx.Query(ctx, takeParcels, holder, now, until, most)
		if err != nil {
			return err
		}
		parcels, err := pgx.CollectRows(rows, toParcel)
		if err != nil {
			return err
		}
		for _, p := range parcels {
			p.Lease.Holder = holder
			taken = append(taken, batch.Taken{Parcel: &p, Lease: p.Lease})
		}
		rows, err = tx.Query(ctx, takeBatches, holder, now, until, most)
		if err != nil {
			return err
		}
		_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
			lease := batch.Lease{Holder: holder}
			b, err := toBatch(row, &lease.Turn)
			taken = append(taken, batch.Taken{Batch: &b, Lease: lease})
			return struct{}{}, err
		})
		return err
	})
	return taken, err
}

// key names what is taken: its table, organization and id.
func key(t batch.Taken) (table, org, which string) {
	if t.Batch != nil {
		return "batches", string(t.Batch.Org), string(t.Batch.ID)
	}
	return "batch_parcels", string(t.Parcel.Org), t.Parcel.ID
}

// hold proves the lease, and keeps others from taking it until the transaction ends.
func hold(ctx context.Context, tx pgx.Tx, t batch.Taken) error {
	table, org, which := key(t)
	tag, err := tx.Exec(ctx, `SELECT FROM `+table+` WHERE org_id = $1 AND id = $2 AND holder = $3 AND turn = $4 FOR UPDATE`,
		org, which, t.Lease.Holder, t.Lease.Turn)
	if err == nil && tag.RowsAffected() == 0 {
		err = batch.ErrLost
	}
	return err
}

// held runs fn under the lease.
func (s *Store) held(ctx context.Context, t batch.Taken, fn func(tx pgx.Tx) error) error {
	return s.db.InSystemPgx(ctx, "batch: work under a lease", func(tx pgx.Tx) error {
		if err := hold(ctx, tx, t); err != nil {
			return err
		}
		return fn(tx)
	})
}

// Renew implements batch.Work.
func (s *Store) Renew(ctx context.Context, t batch.Taken, until time.Time) error {
	table, org, which := key(t)
	return s.held(ctx, t, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE `+table+` SET until = $3, due_at = CASE WHEN due_at < until THEN due_at ELSE $3 END
			WHERE org_id = $1 AND id = $2`, org, which, until)
		return err
	})
}

// Release implements batch.Work.
func (s *Store) Release(ctx context.Context, t batch.Taken, due time.Time, failed bool, trouble string) error {
	table, org, which := key(t)
	return s.held(ctx, t, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE `+table+` SET holder = '', until = NULL, due_at = CASE WHEN due_at < until THEN due_at ELSE $3 END
			WHERE org_id = $1 AND id = $2`, org, which, optional(due))
		if err != nil || t.Parcel == nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE batch_parcels SET failures = CASE WHEN $3 THEN failures + 1 ELSE 0 END, trouble = $4,
				polls = CASE WHEN status = 'sent' THEN polls + 1 ELSE 0 END
			WHERE org_id = $1 AND id = $2`, org, which, failed, trouble)
		return err
	})
}

// Close implements batch.Work.
func (s *Store) Close(ctx context.Context, t batch.Taken, now time.Time) error {
	return s.held(ctx, t, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE batch_parcels SET status = 'planned', due_at = $3
			WHERE org_id = $1 AND batch_id = $2 AND status = 'gathering'`, string(t.Batch.Org), string(t.Batch.ID), now)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, wake)
		return err
	})
}

// Stop implements batch.Work.
func (s *Store) Stop(ctx context.Context, t batch.Taken, now time.Time) error {
	end := batch.LineExpired
	if t.Batch.Status == batch.Cancelling {
		end = batch.LineCancelled
	}
	return s.held(ctx, t, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE batch_lines SET state = $3, sent = NULL WHERE org_id = $1 AND batch_id = $2 AND state = 'waiting'`,
			string(t.Batch.Org), string(t.Batch.ID), string(end))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE batch_parcels SET cancel = true, due_at = least(due_at, $3),
				status = CASE WHEN status = 'gathering' THEN 'planned' ELSE status END
			WHERE org_id = $1 AND batch_id = $2 AND batch_id <> '' AND status <> 'done' AND NOT cancel`,
			string(t.Batch.Org), string(t.Batch.ID), now)
		return err
	})
}

// Others implements batch.Work.
func (s *Store) Others(ctx context.Context, t batch.Taken) (names []string, err error) {
	err = s.held(ctx, t, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT upstream FROM batch_parcels WHERE org_id = $1 AND provider = $2 AND credential = $3 AND upstream <> ''`,
			string(t.Parcel.Org), t.Parcel.Provider, string(t.Parcel.Credential))
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return names, err
}

// Trying implements batch.Work.
func (s *Store) Trying(ctx context.Context, t batch.Taken, now time.Time) error {
	return s.setParcel(ctx, t, `tried_at = $3`, now)
}

// Sent implements batch.Work.
func (s *Store) Sent(ctx context.Context, t batch.Taken, u batch.Upstream) error {
	return s.setParcel(ctx, t, `status = 'sent', polls = 0, upstream = $3, upstream_file = $4`, u.ID, u.File)
}

// Stopped implements batch.Work.
func (s *Store) Stopped(ctx context.Context, t batch.Taken) error {
	return s.setParcel(ctx, t, `stopped = true, polls = 0`)
}

// Estrange implements batch.Work.
func (s *Store) Estrange(ctx context.Context, t batch.Taken) error {
	return s.setParcel(ctx, t, `status = 'planned', strangers = strangers || upstream, upstream = ''`)
}

// Reroute implements batch.Work.
func (s *Store) Reroute(ctx context.Context, t batch.Taken, driver string) error {
	return s.setParcel(ctx, t, `status = 'planned', driver = $3, tried_at = NULL`, driver)
}

func (s *Store) setParcel(ctx context.Context, t batch.Taken, set string, args ...any) error {
	return s.held(ctx, t, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE batch_parcels SET `+set+` WHERE org_id = $1 AND id = $2`,
			append([]any{string(t.Parcel.Org), t.Parcel.ID}, args...)...)
		return err
	})
}

// Arrived implements batch.Work. It locks batches before the parcel, as all do that lock both.
func (s *Store) Arrived(ctx context.Context, t batch.Taken, now time.Time) error {
	return s.db.InSystemPgx(ctx, "batch: a parcel has arrived", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE batches b SET due_at = least(b.due_at, $3)
			FROM (SELECT k.org_id, k.id FROM batches k WHERE k.org_id = $1 AND k.id IN (
				SELECT batch_id FROM batch_lines WHERE org_id = $1 AND parcel_id = $2) ORDER BY k.id FOR UPDATE) AS locked
			WHERE b.org_id = locked.org_id AND b.id = locked.id`, string(t.Parcel.Org), t.Parcel.ID, now)
		if err != nil {
			return err
		}
		if err := hold(ctx, tx, t); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE batch_parcels SET status = 'done' WHERE org_id = $1 AND id = $2`, string(t.Parcel.Org), t.Parcel.ID)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, wake)
		return err
	})
}
