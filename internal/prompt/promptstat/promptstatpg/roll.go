package promptstatpg

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/usage"
)

var _ usage.Bench = (*Store)(nil)

// Dirty implements usage.Bench.
func (s *Store) Dirty(ctx context.Context, limit int) (hours []usage.Hour, err error) {
	err = s.db.InSystemPgx(ctx, "find hours of prompts to sum up", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT org_id, hour FROM prompt_dirty GROUP BY 1, 2 ORDER BY min(seq) LIMIT $1`, limit)
		if err != nil {
			return err
		}
		hours, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (h usage.Hour, err error) {
			err = row.Scan((*string)(&h.Org), &h.At)
			h.At = h.At.UTC()
			return h, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find dirty hours of prompts: %w", err)
	}
	return hours, nil
}

// Recompute implements usage.Bench. Its steps stand in the order of usage's roll-up, for the same reasons: lock, read the marks, compute in
// statements that begin behind that, delete the marks that were read and no other.
func (s *Store) Recompute(ctx context.Context, h usage.Hour) error {
	err := s.db.InSystemPgx(ctx, "sum up prompts", func(tx pgx.Tx) error { return s.recompute(ctx, tx, h) })
	if err != nil {
		return fmt.Errorf("sum up prompts of %s %s: %w", h.Org, h.At.Format(time.RFC3339), err)
	}
	return nil
}

func (s *Store) recompute(ctx context.Context, tx pgx.Tx, h usage.Hour) error {
	org := string(h.Org)
	var marks []int64
	for i, step := range []func() error{
		func() error {
			_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || extract(epoch FROM $2::timestamptz), 25))`, org, h.At)
			return err
		},
		func() error {
			rows, err := tx.Query(ctx, `SELECT seq FROM prompt_dirty WHERE org_id = $1 AND hour = $2`, org, h.At)
			if err != nil {
				return err
			}
			marks, err = pgx.CollectRows(rows, pgx.RowTo[int64])
			return err
		},
		func() error {
			if len(marks) == 0 { // another worker was faster
				return nil
			}
			return replace(ctx, tx, org, h.At)
		},
		func() error {
			_, err := tx.Exec(ctx, `DELETE FROM prompt_dirty WHERE org_id = $1 AND hour = $2 AND seq = ANY ($3)`, org, h.At, marks)
			return err
		},
	} {
		if err := s.step(ctx, i+1); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// replace computes an hour. One whose calls have ended their retention stays as it is: computed without its calls it would be empty.
func replace(ctx context.Context, tx pgx.Tx, org string, hour time.Time) error {
	var gone bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM calls_kept WHERE since > $1)`, hour).Scan(&gone); err != nil || gone {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM prompt_hourly WHERE org_id = $1 AND hour = $2`, org, hour); err != nil {
		return err
	}
	// Planned anew each time: a plan kept from when there were few calls would read all of them for each.
	_, err := tx.Exec(ctx, fill, pgx.QueryExecModeExec, org, hour, hour.Add(time.Hour))
	return err
}

// input and output are sums of classes, as chat.Units has them.
const (
	input  = `(c.input + c.cache_read + c.cache_write_5m + c.cache_write_1h + c.input_audio + c.input_image)`
	output = `(c.output + c.reasoning + c.output_audio + c.output_image)`
)

// bucket is stat.Bucket of microseconds.
func bucket(us string) string {
	return `CASE WHEN ` + us + ` <= 1000 THEN 0 ELSE least(ceil(ln(` + us + `::float8 / 1000) / ln(1.05::float8) - 1e-9), 332)::int END`
}

// scoresMax is how many names of scores are kept of an hour, those with the most judgements.
const scoresMax = `32`

// fill computes and inserts an organization's hour ($1, from $2 to $3).
var fill = `WITH c AS MATERIALIZED (
		SELECT c.call_id, c.team_id, c.started_at, c.prompt_id, c.prompt_version AS version, c.prompt_label AS label, c.outcome, c.price_state, c.cost_nano,
			` + input + ` AS input, ` + output + ` AS output, c.cache_read,
			CASE WHEN c.outcome = 'ok' THEN ` + bucket("c.duration_us") + ` END AS total,
			CASE WHEN c.first_byte_us > 0 AND c.outcome IN ('ok', 'broken') THEN ` + bucket("c.first_byte_us") + ` END AS first_byte
		FROM calls c WHERE c.org_id = $1 AND c.started_at >= $2 AND c.started_at < $3 AND c.prompt_id <> ''
	), sums AS (
		SELECT prompt_id, version, label, count(*) AS calls, count(*) FILTER (WHERE outcome IN ('refused', 'failed', 'broken', 'interrupted')) AS errors,
			least(coalesce(sum(cost_nano) FILTER (WHERE price_state <> 'unpriced'), 0), 9223372036854775807)::bigint AS cost, count(*) FILTER (WHERE price_state = 'unpriced') AS unpriced,
			least(sum(input), 9223372036854775807)::bigint AS input, least(sum(output), 9223372036854775807)::bigint AS output,
			least(sum(cache_read), 9223372036854775807)::bigint AS cached, min(started_at) AS first_at, max(started_at) AS last_at
		FROM c GROUP BY 1, 2, 3
	), totals AS (
		SELECT prompt_id, version, label, array_agg(total ORDER BY total) AS at, array_agg(n ORDER BY total) AS n
		FROM (SELECT prompt_id, version, label, total, count(*) AS n FROM c WHERE total IS NOT NULL GROUP BY 1, 2, 3, 4) AS t GROUP BY 1, 2, 3
	), begins AS (
		SELECT prompt_id, version, label, array_agg(first_byte ORDER BY first_byte) AS at, array_agg(n ORDER BY first_byte) AS n
		FROM (SELECT prompt_id, version, label, first_byte, count(*) AS n FROM c WHERE first_byte IS NOT NULL GROUP BY 1, 2, 3, 4) AS t GROUP BY 1, 2, 3
	), judged AS (
		SELECT prompt_id, version, label, name, count(*) AS n, sum(value) AS total,
			row_number() OVER (PARTITION BY prompt_id, version, label ORDER BY count(*) DESC, name) AS place
		FROM (SELECT c.prompt_id, c.version, c.label, c.call_id, s.name, avg(s.value) AS value FROM c JOIN scores s ON s.org_id = $1 AND s.call_id = c.call_id
			WHERE s.value IS NOT NULL AND s.team_id IN ('', c.team_id) GROUP BY 1, 2, 3, 4, 5) AS j GROUP BY 1, 2, 3, 4
	), scored AS (
		SELECT prompt_id, version, label, jsonb_object_agg(name, jsonb_build_object('n', n, 'sum', total)) AS scores FROM judged WHERE place <= ` + scoresMax + ` GROUP BY 1, 2, 3
	)
	INSERT INTO prompt_hourly (org_id, prompt_id, hour, version, label, calls, errors, cost_nano, unpriced, input, output, cached, first_at, last_at,
		total_at, total_n, first_byte_at, first_byte_n, scores)
	SELECT $1, prompt_id, $2, version, label, s.calls, s.errors, s.cost, s.unpriced, s.input, s.output, s.cached, s.first_at, s.last_at,
		coalesce(t.at, '{}'), coalesce(t.n, '{}'), coalesce(b.at, '{}'), coalesce(b.n, '{}'), scored.scores
	FROM sums s LEFT JOIN totals t USING (prompt_id, version, label) LEFT JOIN begins b USING (prompt_id, version, label) LEFT JOIN scored USING (prompt_id, version, label)`
