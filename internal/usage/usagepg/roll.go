// Package usagepg keeps hourly usage in Postgres and computes it from the call log.
package usagepg

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/usage"
)

// Store is usage in Postgres.
type Store struct {
	db   *postgres.DB
	fill string
	// step is called before each of the five steps of Recompute; tests stop there.
	step func(ctx context.Context, n int) error
}

var (
	_ usage.Bench = (*Store)(nil)
	_ usage.Store = (*Store)(nil)
)

// New makes a Store.
func New(db *postgres.DB) *Store {
	return &Store{db: db, fill: fill(), step: func(context.Context, int) error { return nil }}
}

// Dirty implements usage.Bench.
func (s *Store) Dirty(ctx context.Context, limit int) ([]usage.Hour, error) {
	var hours []usage.Hour
	err := s.db.InSystemPgx(ctx, "find hours to roll up", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT org_id, hour FROM usage_dirty GROUP BY 1, 2 ORDER BY min(seq) LIMIT $1`, limit)
		if err != nil {
			return err
		}
		hours, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (usage.Hour, error) {
			var h usage.Hour
			err := row.Scan((*string)(&h.Org), &h.At)
			h.At = h.At.UTC()
			return h, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find dirty hours: %w", err)
	}
	return hours, nil
}

// Recompute implements usage.Bench. The order of its steps is what makes it converge, whatever commits, crashes or runs beside it:
//
//  1. lock the bucket, or an older recompute could overwrite a newer one;
//  2. read its dirty rows;
//  3. compute it from calls, in a statement that begins after (2), so that it sees every call whose dirty row was read;
//  4. replace its figures;
//  5. delete the dirty rows read in (2) and no other: what was committed since stands in newer ones.
//
// Each statement sees what is committed when it begins (READ COMMITTED, which every connection here has).
func (s *Store) Recompute(ctx context.Context, h usage.Hour) error {
	err := s.db.InSystemPgx(ctx, "roll up usage", func(tx pgx.Tx) error { return s.recompute(ctx, tx, h) })
	if err != nil {
		return fmt.Errorf("roll up %s %s: %w", h.Org, h.At.Format(time.RFC3339), err)
	}
	return nil
}

func (s *Store) recompute(ctx context.Context, tx pgx.Tx, h usage.Hour) error {
	if err := s.step(ctx, 1); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || extract(epoch FROM $2::timestamptz), 7))`, string(h.Org), h.At); err != nil {
		return err
	}
	if err := s.step(ctx, 2); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT seq FROM usage_dirty WHERE org_id = $1 AND hour = $2`, string(h.Org), h.At)
	if err != nil {
		return err
	}
	dirty, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(dirty) == 0 { // another worker was faster
		return err
	}
	if err := s.step(ctx, 3); err != nil {
		return err
	}
	// The old figures go first, so that a new row finds its key free; readers see neither before the commit.
	if _, err := tx.Exec(ctx, `DELETE FROM usage_hourly WHERE org_id = $1 AND hour = $2`, string(h.Org), h.At); err != nil {
		return err
	}
	if err := s.step(ctx, 4); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, s.fill, string(h.Org), h.At, h.At.Add(time.Hour)); err != nil {
		return err
	}
	if err := s.step(ctx, 5); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM usage_dirty WHERE org_id = $1 AND hour = $2 AND seq = ANY ($3)`, string(h.Org), h.At, dirty)
	return err
}

// fill computes and inserts the figures of an hour. A call counts once, for its own provider and model. Its usage counts there too,
// unless the call is split: then each attempt's usage counts for the attempt's provider and model.
func fill() string {
	var names, own, attempts, sums []string
	for c := range chat.Classes {
		n := c.String()
		names = append(names, n)
		own = append(own, `CASE WHEN split THEN 0 ELSE `+n+` END AS `+n)
		attempts = append(attempts, `coalesce((a.units->>'`+n+`')::bigint, 0)`)
		sums = append(sums, bounded(n))
	}
	dims := `team_id, key_id, workflow, environment, alias, endpoint, task, experiment_id, arm, prompt_id, prompt_version`
	from := ` FROM calls c WHERE c.org_id = $1 AND c.started_at >= $2 AND c.started_at < $3`
	return `INSERT INTO usage_hourly (org_id, hour, ` + dims + `, provider, model, calls, errors, ` + strings.Join(names, ", ") + `, cost_nano, unpriced, estimated)
		SELECT $1, $2, ` + dims + `, provider, model, sum(calls), sum(errors), ` + strings.Join(sums, ", ") + `, ` + bounded("cost_nano") + `, sum(unpriced), sum(estimated)
		FROM (
			SELECT ` + dims + `, provider, model, 1 AS calls, (outcome IN ('refused', 'failed', 'broken', 'interrupted'))::int AS errors,
				` + strings.Join(own, ", ") + `, CASE WHEN split THEN 0 ELSE cost_nano END AS cost_nano,
				(NOT split AND price_state = 'unpriced')::int AS unpriced, estimated::int AS estimated
			` + from + `
			UNION ALL
			SELECT ` + dims + `, a.provider, a.model, 0, 0, ` + strings.Join(attempts, ", ") + `, a.cost, coalesce(a.blame, false)::int, 0
			FROM calls c CROSS JOIN LATERAL jsonb_to_recordset(c.attempts) AS a (provider text, model text, units jsonb, cost bigint, blame bool)
			WHERE c.split AND c.org_id = $1 AND c.started_at >= $2 AND c.started_at < $3 AND (a.units <> '{}' OR a.cost <> 0 OR a.blame)
		) AS used
		GROUP BY ` + dims + `, provider, model`
}

// bounded sums a column and stays at the largest value, as package money does: a sum that fails would hold its hour up for ever,
// and with it the retention of all calls.
func bounded(column string) string { return `least(sum(` + column + `), 9223372036854775807)::bigint` }

// beatFresh is how long a proxy that says nothing counts as one that may hold records; then it is taken for gone, and figures go on
// without it.
const beatFresh = 15 * time.Minute

// upTo is the shipping and the dirt of an organization; the proxies are read first, see UpTo.
type upTo struct{ shipped, dirty *time.Time }

func (u upTo) time() time.Time {
	switch {
	case u.shipped == nil:
		return time.Time{}
	case u.dirty != nil && u.dirty.Before(*u.shipped):
		return u.dirty.UTC()
	}
	return u.shipped.UTC()
}

func (s *Store) readUpTo(ctx context.Context, org id.Org) (time.Time, error) {
	var u upTo
	err := s.db.InSystemPgx(ctx, "freshness of usage", func(tx pgx.Tx) error {
		// In this order: what is shipped by then is clean, or its dirt is seen below.
		err := tx.QueryRow(ctx, `SELECT CASE WHEN bool_and(shipped_until IS NOT NULL) THEN min(shipped_until) END FROM proxies
			WHERE seen_at > (SELECT max(seen_at) FROM proxies) - $1::interval`, beatFresh).Scan(&u.shipped)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT min(ended_at) FROM usage_dirty WHERE org_id = $1`, string(org)).Scan(&u.dirty)
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("freshness: %w", err)
	}
	return u.time(), nil
}
