package experimentpg

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Dirty implements experiment.Bench.
func (s *Store) Dirty(ctx context.Context, before time.Time, limit int) (hours []experiment.Hour, err error) {
	err = s.db.InSystemPgx(ctx, "find hours of experiments to sum up", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT org_id, hour FROM experiment_dirty WHERE hour < $1 GROUP BY 1, 2 ORDER BY min(seq) LIMIT $2`, before, limit)
		if err != nil {
			return err
		}
		hours, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (h experiment.Hour, err error) {
			err = row.Scan((*string)(&h.Org), &h.At)
			h.At = h.At.UTC()
			return h, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find dirty hours of experiments: %w", err)
	}
	return hours, nil
}

// Recompute implements experiment.Bench. Its steps stand in the order of usage's roll-up, for the same reasons: lock, read the marks, compute in
// a statement that begins behind that, delete the marks that were read and no other. A call that may be a repeat of one in the hour before
// has marked that hour too.
func (s *Store) Recompute(ctx context.Context, h experiment.Hour) error {
	err := s.db.InSystemPgx(ctx, "sum up experiments", func(tx pgx.Tx) error { return s.recompute(ctx, tx, h) })
	if err != nil {
		return fmt.Errorf("sum up experiments of %s %s: %w", h.Org, h.At.Format(time.RFC3339), err)
	}
	return nil
}

func (s *Store) recompute(ctx context.Context, tx pgx.Tx, h experiment.Hour) error {
	org := string(h.Org)
	var marks []int64
	for i, step := range []func() error{
		func() error {
			_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || extract(epoch FROM $2::timestamptz), 15))`, org, h.At)
			return err
		},
		func() error {
			rows, err := tx.Query(ctx, `SELECT seq FROM experiment_dirty WHERE org_id = $1 AND hour = $2`, org, h.At)
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
			_, err := tx.Exec(ctx, `DELETE FROM experiment_dirty WHERE org_id = $1 AND hour = $2 AND seq = ANY ($3)`, org, h.At, marks)
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
	if _, err := tx.Exec(ctx, `DELETE FROM experiment_units WHERE org_id = $1 AND hour = $2`, org, hour); err != nil {
		return err
	}
	// Planned anew each time: a plan kept from when there were few calls would read all of them for each.
	_, err := tx.Exec(ctx, fill, pgx.QueryExecModeExec, org, hour, hour.Add(time.Hour))
	return err
}

// fill computes what the units of an organization's hour ($1, from $2 to $3) did in the experiments that it has.
var fill = `INSERT INTO experiment_units (org_id, experiment_id, arm, unit, hour, ` + strings.Join(figures, ", ") + `)
	SELECT c.org_id, c.experiment_id, c.arm, c.unit, $2::timestamptz, ` + strings.Join(sums, ", ") + `
	FROM (` + told + ` WHERE c.org_id = $1 AND c.started_at >= $2 AND c.started_at < $3::timestamptz + interval '5 minutes' AND c.experiment_id <> '' AND c.unit <> 0) AS c
	JOIN experiments e ON e.org_id = c.org_id AND e.id = c.experiment_id ` + judged + `
	WHERE c.started_at < $3
	GROUP BY c.org_id, c.experiment_id, c.arm, c.unit`

// told reads of calls c what sums need. A call is repeated when its unit makes the same request again within five minutes: the calls that could
// say so have to be among those that are read.
const told = `SELECT c.org_id, c.call_id, c.started_at, c.team_id, c.workflow, c.environment, c.experiment_id, c.arm, c.arm_served, c.unit, c.end_user, c.alias,
		c.provider, c.model, c.outcome, c.signals, c.cost_nano, c.price_state, c.input, c.request_bytes, c.first_byte_us, c.duration_us,
		c.fingerprint <> 0 AND coalesce(lead(c.started_at) OVER (PARTITION BY c.experiment_id, c.unit, c.fingerprint ORDER BY c.started_at, c.call_id)
			< c.started_at + interval '5 minutes', false) AS repeated
	FROM calls c`

// timesMax is how many times of a unit are kept an hour: a unit that calls more often than that is no conversation, and its first ones tell enough.
const timesMax = `[1:200]`

// figures are the columns of what a unit did, in the order of sums and of into.
var figures = []string{
	"first_at", "first_bytes", "calls", "errors", "fallbacks", "cost_nano", "unpriced", "scored", "score", "schema_asked", "schema_valid", "tool_called",
	"tool_valid", "refusals", "cut_short", "repeated", "first_byte_ms", "total_ms",
}

// sums compute figures from calls c, as told, with their quality q. Bits are those of calllog.Signals.
var sums = []string{
	`min(c.started_at)`,
	`(array_agg(c.request_bytes ORDER BY c.started_at, c.call_id))[1]`,
	`count(*)`,
	`count(*) FILTER (WHERE c.outcome IN ('refused', 'failed', 'broken', 'interrupted'))`,
	`count(*) FILTER (WHERE c.arm_served <> c.arm AND c.outcome IN ('ok', 'broken', 'client_gone'))`,
	`least(sum(c.cost_nano), 9223372036854775807)::bigint`,
	`count(*) FILTER (WHERE c.price_state = 'unpriced')`,
	`count(q.score)`,
	`coalesce(sum(q.score), 0)`,
	`count(*) FILTER (WHERE c.signals & 1 <> 0)`,
	`count(*) FILTER (WHERE c.signals & 3 = 3)`,
	`count(*) FILTER (WHERE c.signals & 8 <> 0)`,
	`count(*) FILTER (WHERE c.signals & 24 = 24)`,
	`count(*) FILTER (WHERE c.signals & 32 <> 0)`,
	`count(*) FILTER (WHERE c.signals & 64 <> 0)`,
	`count(*) FILTER (WHERE c.repeated)`,
	`coalesce((array_agg(ceil(c.first_byte_us / 1000.0)::int ORDER BY c.started_at, c.call_id) FILTER (WHERE c.first_byte_us > 0 AND c.outcome IN ('ok', 'broken')))` + timesMax + `, '{}')`,
	`coalesce((array_agg(ceil(c.duration_us / 1000.0)::int ORDER BY c.started_at, c.call_id) FILTER (WHERE c.outcome = 'ok'))` + timesMax + `, '{}')`,
}

// judged is the quality of a call by the scores of experiment e's plan: their mean, on a scale of 0 to 1; NULL without one.
const judged = ` LEFT JOIN LATERAL (
		SELECT avg(least(greatest((s.value - p.low) / (p.high - p.low), 0), 1)) AS score
		FROM scores s, (SELECT coalesce((e.plan->>'score_low')::float8, 0) AS low,
			CASE e.plan->>'quality' WHEN 'scores' THEN coalesce((e.plan->>'score_high')::float8, 0) ELSE 1 END AS high,
			CASE e.plan->>'quality' WHEN 'judge' THEN 'judge' ELSE e.plan->>'score_name' END AS name) AS p
		WHERE s.org_id = c.org_id AND s.call_id = c.call_id AND s.team_id IN ('', c.team_id) AND s.name = p.name AND s.value IS NOT NULL
			AND p.high > p.low AND (e.plan->>'quality' = 'scores' OR e.plan->>'quality' = 'judge' AND s.source = 'judge')
	) AS q ON true`

// Tended implements experiment.Bench. The worker goes on in the name of who set the experiment going: that request was authenticated
// for the organization whose row this is.
func (s *Store) Tended(ctx context.Context) (list []experiment.Standing, err error) {
	err = s.db.InSystemPgx(ctx, "find experiments to look after", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT org_id, id, acted_by, coalesce((ramp->'release'->>'protected')::bool, false) FROM experiments WHERE status = 'running' OR status = 'promoted' AND NOT coalesce((ramp->>'over')::bool, false)
			ORDER BY org_id, id`)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (st experiment.Standing, err error) {
			var org id.Org
			var by string
			var release bool
			err = row.Scan((*string)(&org), (*string)(&st.ID), &by, &release)
			role := tenant.Developer
			if release { // who promoted was allowed to move the protected label, which is looked at before the promotion is stored
				role = tenant.Admin
			}
			st.In = tenant.Authenticated(org, actor(by), role) //nolint:forbidigo // the request that set it going was authenticated
			return st, err
		})
		return err
	})
	return list, err
}

// actor is who an id of a record's author belongs to.
func actor(by string) tenant.Actor {
	if strings.HasPrefix(by, "tok_") {
		return tenant.Actor{Token: id.Token(by)}
	}
	return tenant.Actor{User: id.User(by)}
}
