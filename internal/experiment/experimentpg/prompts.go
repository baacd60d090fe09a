package experimentpg

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// labelsSample is how many of an alias's newest calls tell by which labels they use a prompt.
const labelsSample = 2000

// PromptCalls implements experiment.Store.
func (s *Store) PromptCalls(ctx context.Context, in tenant.Scope, aliasName string, which id.Prompt, from, to time.Time) (n int64, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT coalesce(sum(calls), 0)::bigint FROM usage_hourly
			WHERE org_id = $1 AND alias = $2 AND prompt_id = $3 AND hour >= date_trunc('hour', $4::timestamptz, 'UTC') AND hour < $5`,
			string(in.Org()), aliasName, string(which), from, to).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("calls of %s with a prompt: %w", aliasName, err)
	}
	return n, nil
}

// PromptLabels implements experiment.Store.
func (s *Store) PromptLabels(ctx context.Context, in tenant.Scope, aliasName string, which id.Prompt, since time.Time) (labels []string, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT prompt_label FROM (SELECT prompt_label FROM calls
				WHERE org_id = $1 AND alias = $2 AND prompt_id = $3 AND prompt_id <> '' AND prompt_label <> '' AND started_at >= $4
				ORDER BY started_at DESC LIMIT $5) AS c
			GROUP BY 1 ORDER BY count(*) DESC, 1`, string(in.Org()), aliasName, string(which), since, labelsSample)
		if err != nil {
			return err
		}
		labels, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("labels of %s: %w", aliasName, err)
	}
	return labels, nil
}

// PromptAliases implements experiment.Store.
func (s *Store) PromptAliases(ctx context.Context, in tenant.Scope, which id.Prompt, from, to time.Time) (names []string, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT DISTINCT alias FROM usage_hourly
			WHERE org_id = $1 AND prompt_id = $2 AND alias <> '' AND hour >= date_trunc('hour', $3::timestamptz, 'UTC') AND hour < $4 ORDER BY 1`,
			string(in.Org()), string(which), from, to)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("aliases of a prompt: %w", err)
	}
	return names, nil
}
