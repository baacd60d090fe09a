// Package promptstatpg keeps hourly figures of prompts in PostgreSQL and computes them from the call log and its scores.
package promptstatpg

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/tenant"
)

// Store is figures of prompts in PostgreSQL.
type Store struct {
	db *postgres.DB
	// step is called before each of the steps of Recompute; tests stop there.
	step func(ctx context.Context, n int) error
}

var _ promptstat.Store = (*Store)(nil)

// New makes a Store.
func New(db *postgres.DB) *Store {
	return &Store{db: db, step: func(context.Context, int) error { return nil }}
}

// Exists implements promptstat.Store.
func (s *Store) Exists(ctx context.Context, in tenant.Scope, which id.Prompt) (found bool, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM prompts WHERE org_id = $1 AND id = $2)`, string(in.Org()), string(which)).Scan(&found)
	})
	return found, err
}

// Hours implements promptstat.Store.
func (s *Store) Hours(ctx context.Context, in tenant.Scope, which id.Prompt, from, to time.Time, each func(promptstat.Hourly)) error {
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT hour, version, label, calls, errors, cost_nano, unpriced, input, output, cached, first_at, last_at,
				total_at, total_n, first_byte_at, first_byte_n, scores
			FROM prompt_hourly WHERE org_id = $1 AND prompt_id = $2 AND hour >= $3 AND hour < $4 ORDER BY hour`, string(in.Org()), string(which), from, to)
		if err != nil {
			return err
		}
		var h promptstat.Hourly
		var scores []byte
		_, err = pgx.ForEachRow(rows, []any{
			&h.Hour, &h.Version, &h.Label, &h.Calls, &h.Errors, (*int64)(&h.Cost), &h.Unpriced, &h.Input, &h.Output, &h.Cached, &h.FirstAt, &h.LastAt,
			&h.Ended.At, &h.Ended.N, &h.Began.At, &h.Began.N, &scores,
		}, func() error {
			h.Hour, h.FirstAt, h.LastAt = h.Hour.UTC(), h.FirstAt.UTC(), h.LastAt.UTC()
			h.Scores = nil
			if scores != nil {
				if err := json.Unmarshal(scores, &h.Scores); err != nil {
					return err
				}
			}
			each(h)
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("figures of a prompt: %w", err)
	}
	return nil
}

// unit of a call: that of its experiment, its end user, otherwise the call itself.
const unit = `CASE WHEN c.unit <> 0 THEN c.unit WHEN c.end_user <> '' THEN hashtextextended(c.end_user, 0) ELSE hashtextextended(c.call_id::text, 0) END`

// newest are the newest calls of a version ($4 or $5); $6 is how many.
func newest(version string) string {
	return `(SELECT c.call_id, c.team_id, c.prompt_version, c.experiment_id, ` + unit + ` AS unit, c.outcome, c.price_state, c.cost_nano, ` + input + ` AS input, ` + output + ` AS output,
			c.cache_read, c.duration_us, c.first_byte_us
		FROM calls c WHERE c.org_id = $1 AND c.prompt_id = $7 AND c.prompt_id <> '' AND c.prompt_version = ` + version + ` AND c.started_at >= $2 AND c.started_at < $3
		ORDER BY c.started_at DESC LIMIT $6)`
}

// units sums up what units did with each version.
var units = `WITH c AS MATERIALIZED (` + newest("$4") + ` UNION ALL ` + newest("$5") + `),
	judged AS (SELECT prompt_version, unit, jsonb_object_agg(name, jsonb_build_object('n', n, 'sum', total)) AS scores FROM (
			SELECT prompt_version, unit, name, count(*) AS n, sum(value) AS total FROM (
				SELECT c.prompt_version, c.unit, c.call_id, s.name, avg(s.value) AS value FROM c JOIN scores s ON s.org_id = $1 AND s.call_id = c.call_id
				WHERE s.value IS NOT NULL AND s.team_id IN ('', c.team_id) GROUP BY 1, 2, 3, 4) AS calls GROUP BY 1, 2, 3) AS names GROUP BY 1, 2),
	done AS (SELECT prompt_version, unit, CASE WHEN min(experiment_id) = max(experiment_id) THEN min(experiment_id) ELSE '' END AS experiment,
			count(*) AS calls, count(*) FILTER (WHERE outcome IN ('refused', 'failed', 'broken', 'interrupted')) AS errors,
			count(*) FILTER (WHERE price_state <> 'unpriced') AS priced, least(sum(cost_nano) FILTER (WHERE price_state <> 'unpriced'), 9223372036854775807)::bigint AS cost,
			least(sum(input), 9223372036854775807)::bigint AS input, least(sum(output), 9223372036854775807)::bigint AS output,
			least(sum(cache_read), 9223372036854775807)::bigint AS cached,
			count(*) FILTER (WHERE outcome = 'ok') AS ended, coalesce(sum(duration_us) FILTER (WHERE outcome = 'ok'), 0)::float8 / 1000 AS total_ms,
			count(*) FILTER (WHERE first_byte_us > 0 AND outcome IN ('ok', 'broken')) AS began,
			coalesce(sum(first_byte_us) FILTER (WHERE first_byte_us > 0 AND outcome IN ('ok', 'broken')), 0)::float8 / 1000 AS first_ms
		FROM c GROUP BY 1, 2)
	SELECT prompt_version, experiment, calls, errors, priced, coalesce(cost, 0), input, output, cached, ended, total_ms, began, first_ms, scores
	FROM done LEFT JOIN judged USING (prompt_version, unit)`

// Units implements promptstat.Store.
func (s *Store) Units(ctx context.Context, in tenant.Scope, q promptstat.Pair, sample int, each func(promptstat.Unit)) error {
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, units, string(in.Org()), q.From, q.To, int32(q.A), int32(q.B), sample, string(q.Prompt))
		if err != nil {
			return err
		}
		var u promptstat.Unit
		var scores []byte
		_, err = pgx.ForEachRow(rows, []any{
			&u.Version, (*string)(&u.Experiment), &u.Calls, &u.Errors, &u.Priced, (*int64)(&u.Cost), &u.Input, &u.Output, &u.Cached, &u.Ended, &u.TotalMS,
			&u.Began, &u.FirstMS, &scores,
		}, func() error {
			u.Scores = nil
			if scores != nil {
				if err := json.Unmarshal(scores, &u.Scores); err != nil {
					return err
				}
			}
			each(u)
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("units of two versions: %w", err)
	}
	return nil
}

// Failures implements promptstat.Store.
func (s *Store) Failures(ctx context.Context, in tenant.Scope, which id.Prompt, since time.Time, versions []int) (map[int]prompt.Vital, error) {
	out := make(map[int]prompt.Vital, len(versions))
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT prompt_version, count(*), count(*) FILTER (WHERE outcome IN ('failed', 'broken', 'interrupted'))
			FROM calls WHERE org_id = $1 AND prompt_id = $2 AND prompt_id <> '' AND prompt_version = ANY ($3) AND started_at >= $4 GROUP BY 1`,
			string(in.Org()), string(which), versions, since)
		if err != nil {
			return err
		}
		var version int
		var v prompt.Vital
		_, err = pgx.ForEachRow(rows, []any{&version, &v.Calls, &v.Failed}, func() error { out[version] = v; return nil })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("failures of a prompt's versions: %w", err)
	}
	return out, nil
}

// Scores implements promptstat.Store.
func (s *Store) Scores(ctx context.Context, in tenant.Scope, from, to time.Time) (map[id.Prompt]map[string]promptstat.Score, error) {
	out := map[id.Prompt]map[string]promptstat.Score{}
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT prompt_id, name, sum((one->>'n')::bigint)::bigint, sum((one->>'sum')::float8)
			FROM prompt_hourly, jsonb_each(scores) AS s (name, one) WHERE org_id = $1 AND hour >= $2 AND hour < $3 AND scores IS NOT NULL GROUP BY 1, 2`,
			string(in.Org()), from, to)
		if err != nil {
			return err
		}
		var which id.Prompt
		var name string
		var one promptstat.Score
		_, err = pgx.ForEachRow(rows, []any{(*string)(&which), &name, &one.N, &one.Sum}, func() error {
			if out[which] == nil {
				out[which] = map[string]promptstat.Score{}
			}
			out[which][name] = one
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("scores of prompts: %w", err)
	}
	return out, nil
}
