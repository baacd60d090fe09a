package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// InSystemFlight is InSystemPgx for statements that are known beforehand: it sends them together and waits once. Statements sent
// together are one transaction (PostgreSQL's manual, "Pipelining"): either all of them happen, or the first that fails undoes all.
// A connection that has not seen a statement yet asks for its plan first, which is one more round trip.
func (db *DB) InSystemFlight(ctx context.Context, reason string, b *pgx.Batch) error {
	if reason == "" {
		return errNoReason
	}
	all := &pgx.Batch{}
	all.Queue(enter, string(systemRole), "")
	all.QueuedQueries = append(all.QueuedQueries, b.QueuedQueries...)
	return translate(db.pool.SendBatch(ctx, all).Close())
}
