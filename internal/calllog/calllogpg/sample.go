package calllogpg

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/calllog"
	"tollgate/internal/tenant"
)

// Sample gives at most most calls that started in [from, to), evenly from all of them and oldest first, and how many there are.
func (s *Store) Sample(ctx context.Context, in tenant.Scope, from, to time.Time, most int) ([]calllog.Entry, int, error) {
	var total int
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FROM calls WHERE org_id = $1 AND started_at >= $2 AND started_at < $3`, string(in.Org()), from, to).Scan(&total)
	})
	if err != nil || total == 0 || most < 1 {
		return nil, total, err
	}
	step := (total + most - 1) / most
	sql := s.read() + ` WHERE c.org_id = $1 AND c.started_at >= $2 AND c.started_at < $3 AND ($4 = 1 OR (c.started_at, c.call_id) IN (
		SELECT started_at, call_id FROM (
			SELECT started_at, call_id, row_number() OVER (ORDER BY started_at, call_id) AS place
			FROM calls WHERE org_id = $1 AND started_at >= $2 AND started_at < $3) day
		WHERE place % $4 = 0)) ORDER BY c.started_at, c.call_id`
	got, err := s.entries(ctx, in, sql, []any{string(in.Org()), from, to, step})
	if err != nil {
		return nil, 0, fmt.Errorf("sample of calls: %w", err)
	}
	return got, total, nil
}
