package limitpg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/limit"
)

var _ limit.Reaches = (*Store)(nil)

// Reached implements limit.Reaches. Each limit looks at its own organization's calls, of which those that a limit or a budget did
// something to have an index by time.
func (s *Store) Reached(ctx context.Context, from, to time.Time, most int) (list []limit.Reach, err error) {
	err = s.db.InSystemPgx(ctx, "find limits that were reached", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT l.org_id, l.id, l.name, l.each, l.metric, l.amount, l.per_seconds, l.watch, r.calls, r.subjects, r.last_at
			FROM limits l CROSS JOIN LATERAL (
				SELECT count(DISTINCT c.call_id) AS calls, count(DISTINCT k."of") AS subjects, max(c.started_at) AS last_at
				FROM calls c, jsonb_to_recordset(c.checks) AS k (by text, did text, "of" text)
				WHERE c.org_id = l.org_id AND c.checks IS NOT NULL AND c.started_at >= $1 AND c.started_at < $2
					AND k.by = l.id AND k.did IN ('refused', 'would_refuse', 'moved')) AS r
			WHERE l.archived_at IS NULL AND NOT l.off AND r.calls > 0
			ORDER BY l.org_id, l.id LIMIT $3`, from, to, most)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (limit.Reach, error) {
			var r limit.Reach
			var org, which, each, metric string
			var seconds int64
			err := row.Scan(&org, &which, &r.Limit.Name, &each, &metric, &r.Limit.Amount, &seconds, &r.Limit.Watch, &r.Refused, &r.Subjects, &r.LastAt)
			r.Org, r.Limit.ID, r.LastAt = id.Org(org), id.Limit(which), r.LastAt.UTC()
			r.Limit.Each, r.Limit.Metric, r.Limit.Per = dimension.Name(each), limit.Metric(metric), time.Duration(seconds)*time.Second
			return r, err
		})
		return err
	})
	return list, err
}
