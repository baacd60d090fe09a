package batchpg

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/batch"
	"tollgate/internal/calllog"
	"tollgate/internal/id"
)

// Input implements batch.Work.
func (s *Store) Input(ctx context.Context, b *batch.Batch) (io.ReadCloser, error) {
	return &input{ctx: ctx, store: s, org: string(b.Org), file: string(b.Input)}, nil
}

// input reads a file chunk by chunk; one that is gone is empty.
type input struct {
	ctx    context.Context //nolint:containedctx // a reader's life is one call of Input's user
	store  *Store
	org    string
	file   string
	number int
	rest   []byte
}

// Read implements io.Reader.
func (r *input) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		err := r.store.db.InSystemPgx(r.ctx, "batch: read an input file", func(tx pgx.Tx) error {
			return tx.QueryRow(r.ctx, `SELECT data FROM batch_chunks WHERE org_id = $1 AND file_id = $2 AND number = $3`, r.org, r.file, r.number).
				Scan(&r.rest)
		})
		if err != nil {
			return 0, absent(err, io.EOF)
		}
		r.number++
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Close implements io.Closer.
func (r *input) Close() error { return nil }

// AddLines implements batch.Work.
func (s *Store) AddLines(ctx context.Context, t batch.Taken, lines []batch.Line) error {
	return s.held(ctx, t, func(tx pgx.Tx) error { return addLines(ctx, tx, t.Batch.Org, t.Batch.ID, lines) })
}

// Start implements batch.Work.
func (s *Store) Start(ctx context.Context, t batch.Taken, problems []batch.Problem, now time.Time) error {
	return s.held(ctx, t, func(tx pgx.Tx) error {
		org, which := string(t.Batch.Org), string(t.Batch.ID)
		if len(problems) == 0 {
			_, err := tx.Exec(ctx, `UPDATE batches SET status = 'in_progress', started_at = $3
				WHERE org_id = $1 AND id = $2 AND status = 'validating'`, org, which, now)
			return err
		}
		list, err := json.Marshal(problems)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM batch_lines WHERE org_id = $1 AND batch_id = $2`, org, which); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE batches SET status = 'failed', ended_at = $3, problems = $4
			WHERE org_id = $1 AND id = $2 AND status = 'validating'`, org, which, now, list)
		return err
	})
}

const lineColumns = `l.batch_id, l.number, l.custom_id, l.call_id, l.body, l.state, l.sent, l.draft, b.org_id, b.team_id, b.key_id, b.endpoint, b.header`

func toLine(row pgx.CollectableRow) (batch.Line, error) {
	var l batch.Line
	var call [16]byte
	var draft []byte
	err := row.Scan(&l.Batch, &l.Number, &l.CustomID, &call, &l.Body, &l.State, &l.Sent, &draft, &l.Org, &l.Team, &l.Key, &l.Path, &l.Header)
	l.Call = call
	if err == nil && draft != nil {
		l.Draft = &batch.Draft{}
		err = json.Unmarshal(draft, l.Draft)
	}
	return l, err
}

// Waiting implements batch.Work.
func (s *Store) Waiting(ctx context.Context, t batch.Taken, most int) (lines []batch.Line, err error) {
	err = s.held(ctx, t, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `WITH page AS (
				SELECT number, sum(size) OVER (ORDER BY number) - size AS before
				FROM (SELECT number, octet_length(body) AS size FROM batch_lines
					WHERE org_id = $1 AND batch_id = $2 AND state = 'waiting' ORDER BY number LIMIT $3) first)
			SELECT `+lineColumns+` FROM page JOIN batch_lines l ON l.org_id = $1 AND l.batch_id = $2 AND l.number = page.number
			JOIN batches b ON b.org_id = l.org_id AND b.id = l.batch_id
			WHERE page.before < $4 ORDER BY l.number`,
			string(t.Batch.Org), string(t.Batch.ID), most, batch.PageBytesMax)
		if err != nil {
			return err
		}
		lines, err = pgx.CollectRows(rows, toLine)
		return err
	})
	return lines, err
}

// Lines implements batch.Work.
func (s *Store) Lines(ctx context.Context, t batch.Taken) (lines []batch.Line, err error) {
	err = s.held(ctx, t, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+lineColumns+` FROM batch_lines l JOIN batches b ON b.org_id = l.org_id AND b.id = l.batch_id
			WHERE l.org_id = $1 AND l.parcel_id = $2 AND l.state = 'planned' ORDER BY l.batch_id, l.number`,
			string(t.Parcel.Org), t.Parcel.ID)
		if err != nil {
			return err
		}
		lines, err = pgx.CollectRows(rows, toLine)
		return err
	})
	return lines, err
}

// Counts implements batch.Work.
func (s *Store) Counts(ctx context.Context, t batch.Taken) (c batch.Counts, unlogged int, err error) {
	err = s.held(ctx, t, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT n.*, (SELECT count(*) FROM batch_lines WHERE org_id = $1 AND batch_id = $2 AND record IS NOT NULL)
			FROM batches b`+counted+` WHERE b.org_id = $1 AND b.id = $2`, string(t.Batch.Org), string(t.Batch.ID)).
			Scan(&c.Total, &c.Done, &c.Failed, &c.Cancelled, &c.Expired, &unlogged)
	})
	return c, unlogged, err
}

// Unlogged implements batch.Work.
func (s *Store) Unlogged(ctx context.Context, t batch.Taken, most int) (records []calllog.Record, err error) {
	err = s.held(ctx, t, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT record FROM batch_lines WHERE org_id = $1 AND batch_id = $2 AND record IS NOT NULL
			ORDER BY number LIMIT $3`, string(t.Batch.Org), string(t.Batch.ID), most)
		if err != nil {
			return err
		}
		records, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r calllog.Record, err error) {
			var raw []byte
			if err = row.Scan(&raw); err == nil {
				err = json.Unmarshal(raw, &r)
			}
			return r, err
		})
		return err
	})
	return records, err
}

// Logged implements batch.Work. It needs no lease: what the log has, it has.
func (s *Store) Logged(ctx context.Context, org id.Org, calls []id.Call) error {
	ids := make([][16]byte, len(calls))
	for i, c := range calls {
		ids[i] = c
	}
	return s.db.InSystemPgx(ctx, "batch: records are in the call log", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE batch_lines SET record = NULL WHERE org_id = $1 AND call_id = ANY ($2)`, string(org), ids)
		return err
	})
}

// End implements batch.Work.
func (s *Store) End(ctx context.Context, t batch.Taken, lines []batch.Line) error {
	return s.held(ctx, t, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		for i := range lines {
			l := &lines[i]
			var record []byte
			if l.End.Record != nil {
				var err error
				if record, err = json.Marshal(l.End.Record); err != nil { //nolint:gosec // the id of a secret, not one
					return err
				}
			}
			b.Queue(`UPDATE batch_lines SET state = $4, status = $5, answer = $6, error = $7, message = $8, record = $9, sent = NULL, draft = NULL
				WHERE org_id = $1 AND batch_id = $2 AND number = $3 AND state IN ('waiting', 'planned')`,
				string(l.Org), string(l.Batch), l.Number, string(l.End.State), l.End.Status, l.End.Answer, l.End.Error, l.End.Message, record)
		}
		return tx.SendBatch(ctx, b).Close()
	})
}

// EndRest implements batch.Work.
func (s *Store) EndRest(ctx context.Context, t batch.Taken, code, message string) error {
	return s.held(ctx, t, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE batch_lines l SET sent = NULL, draft = NULL, error = $3, message = $4,
				state = CASE WHEN $3 <> '' THEN 'failed' WHEN b.status = 'cancelling' THEN 'cancelled' ELSE 'expired' END
			FROM batches b WHERE b.org_id = l.org_id AND b.id = l.batch_id
				AND l.org_id = $1 AND l.parcel_id = $2 AND l.state = 'planned'`,
			string(t.Parcel.Org), t.Parcel.ID, code, message)
		return err
	})
}
