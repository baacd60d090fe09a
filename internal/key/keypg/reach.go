package keypg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/tenant"
)

// reachNames is how many workflows and clients are named.
const reachNames = 20

// Reach implements key.Store. It reads a day of the call log along its index by key.
func (s *Store) Reach(ctx context.Context, in tenant.Scope, keys []id.Key, now time.Time) (map[id.Key]key.Reach, error) {
	out := make(map[id.Key]key.Reach, len(keys))
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT key_id, count(*) FILTER (WHERE started_at > $2::timestamptz - interval '1 hour'), count(*),
				coalesce((array_agg(DISTINCT workflow) FILTER (WHERE workflow <> ''))[:$3], '{}'),
				count(DISTINCT end_user) FILTER (WHERE end_user <> ''),
				(array_agg(DISTINCT environment || ', ' || dialect))[:$3], max(started_at),
				(array_agg(environment || ', ' || dialect ORDER BY started_at DESC))[1]
			FROM calls WHERE key_id = ANY ($1) AND started_at > $2::timestamptz - interval '1 day' AND started_at <= $2::timestamptz + interval '1 hour'
			GROUP BY key_id`, texts(keys), now, reachNames)
		if err != nil {
			return err
		}
		var which string
		var r key.Reach
		_, err = pgx.ForEachRow(rows, []any{&which, &r.HourCalls, &r.DayCalls, &r.Workflows, &r.EndUsers, &r.Clients, &r.LastAt, &r.LastClient}, func() error {
			r.LastAt = r.LastAt.UTC()
			out[id.Key(which)] = r
			r.Workflows, r.Clients = nil, nil
			return nil
		})
		return err
	})
	return out, err
}
