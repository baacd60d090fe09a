package budgetpg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// blockings are the checks of calls that refused, or would have. A call's checks are few; calls that have any are found by an index.
const blockings = `calls c, jsonb_to_recordset(c.checks) AS k (by text, did text, "of" text, per text, lack bigint)
	WHERE c.checks IS NOT NULL AND k.did IN ('refused', 'would_refuse')`

// Refusals implements budget.Store.
func (s *Store) Refusals(ctx context.Context, in tenant.Scope, since map[id.Budget]time.Time) (map[id.Budget]budget.Refusals, error) {
	out := make(map[id.Budget]budget.Refusals, len(since))
	ids, from := make([]string, 0, len(since)), make([]time.Time, 0, len(since))
	var oldest time.Time
	for which, at := range since {
		ids, from = append(ids, string(which)), append(from, at)
		if oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	if len(ids) == 0 {
		return out, nil
	}
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		// A call that lacks room in two periods of a budget is one call.
		rows, err := tx.Query(ctx, `SELECT by, count(*) FILTER (WHERE refused), count(*) FILTER (WHERE NOT refused), least(sum(lack), 9223372036854775807)::bigint, max(started_at)
			FROM (SELECT k.by, c.call_id, c.started_at, bool_or(k.did = 'refused') AS refused, max(coalesce(k.lack, 0)) AS lack
				FROM `+blockings+` AND c.started_at >= $1 AND k.by = ANY ($2) GROUP BY 1, 2, 3) AS calls
			JOIN unnest($2::text[], $3::timestamptz[]) AS w (which, since) ON w.which = by AND started_at >= w.since
			GROUP BY by`, oldest, ids, from)
		if err != nil {
			return err
		}
		var which string
		var r budget.Refusals
		_, err = pgx.ForEachRow(rows, []any{&which, &r.Refused, &r.WouldRefuse, (*int64)(&r.Short), &r.LastAt}, func() error {
			r.LastAt = r.LastAt.UTC()
			out[id.Budget(which)] = r
			return nil
		})
		return err
	})
	return out, err
}

// BlockedByHour implements budget.Store.
func (s *Store) BlockedByHour(ctx context.Context, in tenant.Scope, which id.Budget, from, to time.Time) (list []budget.BlockedHour, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT date_trunc('hour', started_at, 'UTC') AS hour, count(*) FILTER (WHERE refused), count(*) FILTER (WHERE NOT refused)
			FROM (SELECT c.call_id, c.started_at, bool_or(k.did = 'refused') AS refused
				FROM `+blockings+` AND c.started_at >= $1 AND c.started_at < $2 AND k.by = $3 GROUP BY 1, 2) AS calls
			GROUP BY hour ORDER BY hour`, from, to, string(which))
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (h budget.BlockedHour, err error) {
			err = row.Scan(&h.At, &h.Refused, &h.WouldRefuse)
			h.At = h.At.UTC()
			return h, err
		})
		return err
	})
	return list, err
}

// Blocked implements budget.Store.
func (s *Store) Blocked(ctx context.Context, in tenant.Scope, q budget.BlockedQuery, before *budget.CallPlace, limit int) (list []budget.BlockedCall, err error) {
	args := []any{q.From, q.To, string(q.Budget), limit, q.Subject}
	behind := ""
	if before != nil {
		behind = ` AND (c.started_at, c.call_id) < ($6, $7)`
		args = append(args, before.At, [16]byte(before.Call))
	}
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT x.call_id, x.started_at, x.team_id, x.key_id, coalesce(n.name, ''), x.alias, x.requested, x.did, x.subject, x.per, x.lack
			FROM (SELECT DISTINCT ON (c.started_at, c.call_id) c.org_id, c.call_id, c.started_at, c.team_id, c.key_id, c.alias, c.requested,
					k.did, coalesce(k."of", '') AS subject, coalesce(k.per, '') AS per, coalesce(k.lack, 0) AS lack
				FROM `+blockings+` AND c.started_at >= $1 AND c.started_at < $2 AND k.by = $3 AND ($5 = '' OR k."of" = $5)`+behind+`
				ORDER BY c.started_at DESC, c.call_id DESC, k.did, k.lack DESC LIMIT $4) AS x
			LEFT JOIN keys n ON n.org_id = x.org_id AND n.id = x.key_id
			ORDER BY x.started_at DESC, x.call_id DESC`, args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (b budget.BlockedCall, err error) {
			err = row.Scan((*[16]byte)(&b.Call), &b.At, (*string)(&b.Team), (*string)(&b.Key), &b.KeyName, &b.Alias, &b.Model, &b.Did, &b.Subject,
				(*string)(&b.Period), (*int64)(&b.Short))
			b.At = b.At.UTC()
			return b, err
		})
		return err
	})
	return list, err
}
