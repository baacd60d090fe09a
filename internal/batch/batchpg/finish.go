package batchpg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/batch"
	"tollgate/internal/id"
)

// Finish implements batch.Work. What is no longer needed goes: the bodies that were sent, and, where files hold them, the answers.
func (s *Store) Finish(ctx context.Context, t batch.Taken, as batch.Status, now time.Time) error {
	b := t.Batch
	return s.held(ctx, t, func(tx pgx.Tx) error {
		var output, errors string
		if b.Shape == batch.OpenAI {
			var err error
			if output, errors, err = writeFiles(ctx, tx, b, now); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `UPDATE batches SET status = $3, output_file = $4, error_file = $5, ended_at = $6,
				finalizing_at = coalesce(finalizing_at, $6) WHERE org_id = $1 AND id = $2`,
			string(b.Org), string(b.ID), string(as), output, errors, now)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE batch_lines SET body = '', sent = NULL, draft = NULL, answer = CASE WHEN $3 THEN NULL ELSE answer END
			WHERE org_id = $1 AND batch_id = $2`, string(b.Org), string(b.ID), b.Shape == batch.OpenAI)
		return err
	})
}

// writeFiles writes the file of answers and the file of errors; one without lines is not made.
func writeFiles(ctx context.Context, tx pgx.Tx, b *batch.Batch, now time.Time) (output, errors string, err error) {
	good := &writing{tx: tx, batch: b, name: string(b.ID) + "_output.jsonl", now: now}
	bad := &writing{tx: tx, batch: b, name: string(b.ID) + "_error.jsonl", now: now}
	var buf []byte
	for last := 0; ; {
		lines, err := results(ctx, tx, b.Org, b.ID, last)
		if err != nil {
			return "", "", err
		}
		for i := range lines {
			var fine bool
			buf, fine = batch.AppendOutput(buf[:0], &lines[i])
			to := bad
			if fine {
				to = good
			}
			if err := to.write(ctx, buf); err != nil {
				return "", "", err
			}
			last = lines[i].Number
		}
		if len(lines) < resultsPage {
			break
		}
	}
	if err := good.close(ctx); err != nil {
		return "", "", err
	}
	return good.id, bad.id, bad.close(ctx)
}

// writing is a file that is being written.
type writing struct {
	tx     pgx.Tx
	batch  *batch.Batch
	name   string
	now    time.Time
	id     string // "" until there is a line
	number int
	bytes  int64
	buf    []byte
}

func (w *writing) write(ctx context.Context, line []byte) error {
	if w.id == "" {
		w.id = id.New("file")
		_, err := w.tx.Exec(ctx, `INSERT INTO batch_files (org_id, id, team_id, key_id, purpose, name, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, string(w.batch.Org), w.id, string(w.batch.Team), string(w.batch.Key),
			batch.PurposeOutput, w.name, w.now, w.now.Add(batch.FileKept))
		if err != nil {
			return err
		}
	}
	w.buf = append(w.buf, line...)
	for len(w.buf) >= batch.ChunkBytes {
		if err := w.chunk(ctx, w.buf[:batch.ChunkBytes]); err != nil {
			return err
		}
		w.buf = append(w.buf[:0], w.buf[batch.ChunkBytes:]...)
	}
	return nil
}

func (w *writing) chunk(ctx context.Context, b []byte) error {
	_, err := w.tx.Exec(ctx, `INSERT INTO batch_chunks (org_id, file_id, number, data) VALUES ($1, $2, $3, $4)`,
		string(w.batch.Org), w.id, w.number, b)
	w.number++
	w.bytes += int64(len(b))
	return err
}

func (w *writing) close(ctx context.Context) error {
	if w.id == "" {
		return nil
	}
	if len(w.buf) > 0 {
		if err := w.chunk(ctx, w.buf); err != nil {
			return err
		}
	}
	_, err := w.tx.Exec(ctx, `UPDATE batch_files SET whole = true, bytes = $3 WHERE org_id = $1 AND id = $2`,
		string(w.batch.Org), w.id, w.bytes)
	return err
}

// Sweep removes files whose time has ended, uploads that broke off, and batches that ended before a time. It returns how many.
func (s *Store) Sweep(ctx context.Context, now time.Time) (n int64, err error) {
	err = s.db.InSystemPgx(ctx, "batch: remove what has expired", func(tx pgx.Tx) error {
		n = 0
		for _, statement := range []string{
			`DELETE FROM batch_files WHERE expires_at <= $1 OR NOT whole AND created_at <= $1::timestamptz - interval '1 day'`,
			`DELETE FROM batch_parcels WHERE status = 'done' AND created_at <= $1::timestamptz - interval '30 days'`,
			`DELETE FROM batches WHERE ended_at <= $1::timestamptz - interval '30 days'`,
		} {
			tag, err := tx.Exec(ctx, statement, now)
			if err != nil {
				return err
			}
			n += tag.RowsAffected()
		}
		return nil
	})
	return n, err
}
