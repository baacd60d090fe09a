package batchpg

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/batch"
	"tollgate/internal/id"
)

// Assign implements batch.Work.
func (s *Store) Assign(
	ctx context.Context, t batch.Taken, p batch.Place, lines []batch.Line, mostLines int, mostBytes int64, now, due time.Time,
) error {
	return s.held(ctx, t, func(tx pgx.Tx) error {
		g := &gathering{tx: tx, batch: t.Batch, place: p, mostLines: mostLines, mostBytes: mostBytes, now: now, due: due}
		for i := range lines {
			if err := g.add(ctx, &lines[i]); err != nil {
				return err
			}
		}
		return g.write(ctx)
	})
}

// gathering puts lines into one parcel after another.
type gathering struct {
	tx        pgx.Tx
	batch     *batch.Batch
	place     batch.Place
	mostLines int
	mostBytes int64
	now, due  time.Time

	parcel string // "": none is open
	lines  int
	bytes  int64
	join   []*batch.Line
}

// room is the batch whose parcels a line may join: jobs of an organization share theirs.
func (g *gathering) room() string {
	if g.batch.Shape == batch.Job {
		return ""
	}
	return string(g.batch.ID)
}

func (g *gathering) add(ctx context.Context, l *batch.Line) error {
	size := int64(len(l.Sent) + len(l.Body)/8)
	if l.Sent == nil {
		size = int64(len(l.Body)) // it is run as it came
	}
	if g.parcel == "" {
		if err := g.open(ctx); err != nil {
			return err
		}
	}
	if g.lines > 0 && (g.lines >= g.mostLines || g.bytes+size > g.mostBytes) {
		if err := g.write(ctx); err != nil {
			return err
		}
		if _, err := g.tx.Exec(ctx, `UPDATE batch_parcels SET status = 'planned', due_at = $3 WHERE org_id = $1 AND id = $2`,
			string(g.batch.Org), g.parcel, g.now); err != nil {
			return err
		}
		if err := g.begin(ctx); err != nil {
			return err
		}
	}
	g.join = append(g.join, l)
	g.lines, g.bytes = g.lines+1, g.bytes+size
	return nil
}

// open finds a parcel that still gathers, or makes one.
func (g *gathering) open(ctx context.Context) error {
	err := g.tx.QueryRow(ctx, `SELECT id, lines, bytes FROM batch_parcels
		WHERE org_id = $1 AND batch_id = $2 AND status = 'gathering' AND driver = $3 AND provider = $4 AND credential = $5 AND model = $6
			AND path = $7 AND dialect = $8 ORDER BY id DESC LIMIT 1 FOR UPDATE`,
		string(g.batch.Org), g.room(), g.place.Driver, g.place.Provider, string(g.place.Credential), g.place.Model, g.place.Path, g.place.Dialect).
		Scan(&g.parcel, &g.lines, &g.bytes)
	if errors.Is(err, pgx.ErrNoRows) {
		return g.begin(ctx)
	}
	return err
}

func (g *gathering) begin(ctx context.Context) error {
	g.parcel, g.lines, g.bytes, g.join = id.New("parcel"), 0, 0, nil
	_, err := g.tx.Exec(ctx, `INSERT INTO batch_parcels (org_id, id, batch_id, driver, provider, credential, model, path, dialect, status,
			created_at, expires_at, due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'gathering', $10, $11, $12)`,
		string(g.batch.Org), g.parcel, g.room(), g.place.Driver, g.place.Provider, string(g.place.Credential), g.place.Model, g.place.Path,
		g.place.Dialect, g.now, g.batch.ExpiresAt, g.due)
	return err
}

// write stores what has joined the open parcel.
func (g *gathering) write(ctx context.Context) error {
	if g.parcel == "" {
		return nil
	}
	b := &pgx.Batch{}
	b.Queue(`UPDATE batch_parcels SET lines = $3, bytes = $4 WHERE org_id = $1 AND id = $2`, string(g.batch.Org), g.parcel, g.lines, g.bytes)
	for _, l := range g.join {
		var draft []byte
		if l.Draft != nil {
			var err error
			if draft, err = json.Marshal(l.Draft); err != nil {
				return err
			}
		}
		b.Queue(`UPDATE batch_lines SET state = 'planned', parcel_id = $4, sent = $5, draft = $6
			WHERE org_id = $1 AND batch_id = $2 AND number = $3 AND state = 'waiting'`,
			string(g.batch.Org), string(g.batch.ID), l.Number, g.parcel, l.Sent, draft)
	}
	g.join = nil
	return g.tx.SendBatch(ctx, b).Close()
}
