package experimentpg

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Units implements experiment.Store.
func (s *Store) Units(ctx context.Context, in tenant.Scope, which id.Experiment, from, to time.Time, each func(experiment.Tally) error) error {
	return s.stream(ctx, in, func(t experiment.Tally, _ string) error { return each(t) },
		`SELECT '', arm, unit, hour, `+strings.Join(figures, ", ")+` FROM experiment_units
			WHERE org_id = $1 AND experiment_id = $2 AND hour >= $3 AND hour < $4 ORDER BY arm, unit, hour`,
		string(in.Org()), string(which), from, to)
}

// stream runs a query whose columns are a segment, an arm, a unit, an hour (NULL: the whole unit) and figures.
func (s *Store) stream(ctx context.Context, in tenant.Scope, each func(t experiment.Tally, segment string) error, sql string, args ...any) error {
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, append([]any{pgx.QueryExecModeExec}, args...)...) // planned anew: tables grow fast
		if err != nil {
			return err
		}
		var t experiment.Tally
		var segment string
		var unit int64
		var hour *time.Time
		columns := append([]any{&segment, &t.Arm, &unit, &hour}, into(&t)...)
		_, err = pgx.ForEachRow(rows, columns, func() error {
			row := t // the next row has slices of its own
			t.FirstByte, t.Total = nil, nil
			row.Unit, row.Hour, row.FirstAt = uint64(unit), utc(hour), row.FirstAt.UTC()
			return each(row, segment)
		})
		return err
	})
}

// into are the places of figures.
func into(t *experiment.Tally) []any {
	return []any{
		&t.FirstAt, &t.FirstBytes, &t.Calls, &t.Errors, &t.Fallbacks, (*int64)(&t.Cost), &t.Unpriced, &t.Scored, &t.Score, &t.SchemaAsked, &t.SchemaValid,
		&t.ToolCalled, &t.ToolValid, &t.Refusals, &t.CutShort, &t.Repeated, &t.FirstByte, &t.Total,
	}
}

// segments are the expressions that calls c are told apart by; keys are those of experiment.Segmentations.
var segments = map[string]string{
	experiment.ByWorkflow:    `c.workflow`,
	experiment.ByEnvironment: `c.environment`,
	experiment.BySize:        `CASE WHEN c.input < 500 THEN 'short' WHEN c.input <= 3000 THEN 'medium' ELSE 'long' END`,
}

// segmentsMax is how many values a segmentation may have; calls of others are left out.
const segmentsMax = 50

// Segments implements experiment.Store. It reads calls, so it reaches as far back as they do.
func (s *Store) Segments(ctx context.Context, in tenant.Scope, which id.Experiment, by string, each func(string, experiment.Tally) error) error {
	expression, ok := segments[by]
	if !ok {
		return experiment.ErrInvalid.Say("Segments are by workflow, environment or size.").At("segment")
	}
	sql := `WITH made AS MATERIALIZED (` + told + ` WHERE c.org_id = $1 AND c.experiment_id = $2 AND c.unit <> 0),
			during AS (SELECT c.* FROM made c JOIN experiments e ON e.org_id = c.org_id AND e.id = c.experiment_id
				WHERE c.started_at >= e.started_at AND c.started_at < coalesce(e.ended_at, 'infinity')),
			most AS (SELECT ` + expression + ` AS segment FROM during c GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT $3)
		SELECT ` + expression + `, c.arm, c.unit, NULL::timestamptz, ` + strings.Join(sums, ", ") + `
		FROM during c JOIN experiments e ON e.org_id = c.org_id AND e.id = c.experiment_id ` + judged + `
		WHERE ` + expression + ` IN (SELECT segment FROM most)
		GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`
	return s.stream(ctx, in, func(t experiment.Tally, segment string) error { return each(segment, t) }, sql, string(in.Org()), string(which), segmentsMax)
}
