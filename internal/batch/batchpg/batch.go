package batchpg

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/batch"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// NewBatch implements batch.Store.
func (s *Store) NewBatch(ctx context.Context, in tenant.Scope, b batch.Batch, lines []batch.Line) error {
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO batches (org_id, id, team_id, key_id, shape, endpoint, input_file, status, metadata, header,
				created_at, expires_at, started_at, due_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $11)`,
			string(in.Org()), string(b.ID), string(b.Team), string(b.Key), string(b.Shape), b.Endpoint, string(b.Input), string(b.Status),
			document(b.Metadata), document(b.Header), b.CreatedAt, b.ExpiresAt, optional(b.StartedAt))
		if err != nil {
			return err
		}
		if err := addLines(ctx, tx, in.Org(), b.ID, lines); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, wake)
		return err
	})
}

// document is a map as JSON, never null.
func document(m map[string]string) []byte {
	if len(m) == 0 {
		return []byte("{}")
	}
	b, err := json.Marshal(m)
	if err != nil { // a map of strings always can be
		return []byte("{}")
	}
	return b
}

func addLines(ctx context.Context, tx pgx.Tx, org id.Org, b id.Batch, lines []batch.Line) error {
	if len(lines) == 0 {
		return nil
	}
	numbers, custom := make([]int32, len(lines)), make([]string, len(lines))
	calls, bodies := make([][16]byte, len(lines)), make([][]byte, len(lines))
	for i, l := range lines {
		numbers[i], custom[i], calls[i], bodies[i] = int32(l.Number), l.CustomID, l.Call, l.Body
	}
	_, err := tx.Exec(ctx, `INSERT INTO batch_lines (org_id, batch_id, number, custom_id, call_id, body)
		SELECT $1, $2, * FROM unnest($3::int[], $4::text[], $5::uuid[], $6::bytea[]) ON CONFLICT DO NOTHING`,
		string(org), string(b), numbers, custom, calls, bodies)
	return err
}

const batchColumns = `b.org_id, b.id, b.team_id, b.key_id, b.shape, b.endpoint, b.input_file, b.output_file, b.error_file, b.status,
	b.metadata, b.problems, b.header, b.created_at, b.expires_at, b.started_at, b.finalizing_at, b.cancelling_at, b.ended_at`

// toBatch scans batchColumns, and whatever follows them into more.
func toBatch(row pgx.CollectableRow, more ...any) (batch.Batch, error) {
	var b batch.Batch
	var started, finalizing, cancelling, ended *time.Time
	err := row.Scan(append([]any{
		&b.Org, &b.ID, &b.Team, &b.Key, &b.Shape, &b.Endpoint, &b.Input, &b.Output, &b.Errors, &b.Status,
		&b.Metadata, &b.Problems, &b.Header, &b.CreatedAt, &b.ExpiresAt, &started, &finalizing, &cancelling, &ended,
	}, more...)...)
	b.CreatedAt, b.ExpiresAt = b.CreatedAt.UTC(), b.ExpiresAt.UTC()
	b.StartedAt, b.FinalizingAt, b.CancellingAt, b.EndedAt = present(started), present(finalizing), present(cancelling), present(ended)
	return b, err
}

const lineCounts = `(SELECT count(*), count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'failed'),
	count(*) FILTER (WHERE state = 'cancelled'), count(*) FILTER (WHERE state = 'expired')
	FROM batch_lines l WHERE l.org_id = b.org_id AND l.batch_id = b.id)`

const countedColumns = batchColumns + `, n.*`

const counted = ` CROSS JOIN LATERAL ` + lineCounts + ` AS n`

func toCounted(row pgx.CollectableRow) (batch.Batch, error) {
	var c batch.Counts
	b, err := toBatch(row, &c.Total, &c.Done, &c.Failed, &c.Cancelled, &c.Expired)
	b.Counts = c
	return b, err
}

// Batch implements batch.Store.
func (s *Store) Batch(ctx context.Context, in tenant.Scope, which id.Batch) (b batch.Batch, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+countedColumns+` FROM batches b`+counted+` WHERE b.id = $1`, string(which))
		if err != nil {
			return err
		}
		b, err = pgx.CollectExactlyOneRow(rows, toCounted)
		return err
	})
	return b, absent(err, batch.ErrNotFound)
}

// Batches implements batch.Store.
func (s *Store) Batches(
	ctx context.Context, in tenant.Scope, team id.Team, shape batch.Shape, after id.Batch, limit int,
) (list []batch.Batch, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		// Ids of both shapes sort by time within their prefix only; a page of all shapes goes by the time of creation.
		rows, err := tx.Query(ctx, `SELECT `+countedColumns+` FROM (
				SELECT * FROM batches WHERE shape <> 'job' AND ($1 = '' OR team_id = $1) AND ($2 = '' OR shape = $2)
					AND ($3 = '' OR (created_at, id) < (SELECT a.created_at, a.id FROM batches a WHERE a.id = $3))
				ORDER BY created_at DESC, id DESC LIMIT $4) AS b`+counted+` ORDER BY b.created_at DESC, b.id DESC`,
			string(team), string(shape), string(after), limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, toCounted)
		return err
	})
	return list, err
}

// Cancel implements batch.Store.
func (s *Store) Cancel(ctx context.Context, in tenant.Scope, which id.Batch, now time.Time) error {
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE batches SET status = 'cancelling', cancelling_at = $2, due_at = $2
			WHERE id = $1 AND status IN ('validating', 'in_progress', 'finalizing')`, string(which), now)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, wake)
		return err
	})
}

// Parcels implements batch.Store.
func (s *Store) Parcels(ctx context.Context, in tenant.Scope, which id.Batch) (list []batch.Parcel, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+parcelColumns+`, p.trouble FROM batch_parcels p
			WHERE p.batch_id = $1 OR p.id IN (SELECT parcel_id FROM batch_lines WHERE batch_id = $1) ORDER BY p.id LIMIT 1000`, string(which))
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (batch.Parcel, error) {
			var trouble string
			p, err := scanParcel(row, &trouble)
			p.Trouble = trouble
			return p, err
		})
		return err
	})
	return list, err
}

// resultsPage is how many lines are read at a time.
const resultsPage = 200

// Results implements batch.Store.
func (s *Store) Results(ctx context.Context, in tenant.Scope, which id.Batch, give func(batch.Line) error) error {
	for last := 0; ; {
		var page []batch.Line
		err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) (err error) {
			page, err = results(ctx, tx, in.Org(), which, last)
			return err
		})
		if err != nil {
			return err
		}
		for _, l := range page {
			if err := give(l); err != nil {
				return err
			}
			last = l.Number
		}
		if len(page) < resultsPage {
			return nil
		}
	}
}

func results(ctx context.Context, tx pgx.Tx, org id.Org, which id.Batch, after int) ([]batch.Line, error) {
	rows, err := tx.Query(ctx, `SELECT number, custom_id, call_id, state, status, answer, error, message FROM batch_lines
		WHERE org_id = $1 AND batch_id = $2 AND number > $3 ORDER BY number LIMIT $4`, string(org), string(which), after, resultsPage)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l batch.Line, err error) {
		var call [16]byte
		err = row.Scan(&l.Number, &l.CustomID, &call, &l.State, &l.End.Status, &l.End.Answer, &l.End.Error, &l.End.Message)
		l.Batch, l.Call, l.End.State = which, call, l.State
		return l, err
	})
}
