package calllogpg

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// daysAhead is how far ahead partitions are made; a worker that is down for less leaves no gap.
const daysAhead = 14

// MakeDays makes the partitions that are missing, from yesterday to daysAhead days after now.
func (s *Store) MakeDays(ctx context.Context, now time.Time) (made int, err error) {
	err = s.db.InSystemPgx(ctx, "make partitions", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT calls_make_days(($1::timestamptz AT TIME ZONE 'UTC')::date - 1, $2)`, now, daysAhead+2).Scan(&made)
	})
	if err != nil {
		return 0, fmt.Errorf("make partitions: %w", err)
	}
	return made, nil
}

// Astray counts the calls outside of every day. It should be 0: a clock is wrong, or partitions were not made in time.
func (s *Store) Astray(ctx context.Context) (n int, err error) {
	err = s.db.InSystemPgx(ctx, "count calls outside partitions", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FROM calls WHERE tableoid = 'calls_rest'::regclass`).Scan(&n)
	})
	return n, err
}

// Retire drops the days of calls, with their payloads, that ended before calls, and the payloads of days before payloads. Days with
// hours that wait for the rollup stay until it has run. It fails with postgres.ErrBusy, changing nothing, when a query holds a day.
func (s *Store) Retire(ctx context.Context, calls, payloads time.Time) (dropped int, err error) {
	err = s.db.InSystemPgx(ctx, "drop partitions", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT calls_retire(($1::timestamptz AT TIME ZONE 'UTC')::date, ($2::timestamptz AT TIME ZONE 'UTC')::date)`,
			calls, payloads).Scan(&dropped)
	})
	if err != nil {
		return 0, fmt.Errorf("drop partitions: %w", err)
	}
	return dropped, nil
}
