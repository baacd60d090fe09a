package experimentpg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

var _ experiment.JudgeStore = (*Store)(nil)

// Unjudged implements experiment.JudgeStore.
func (s *Store) Unjudged(ctx context.Context, in tenant.Scope, which id.Experiment, percent, limit int) (list []experiment.KeptCall, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT c.call_id, c.arm, b.request, b.response
			FROM calls c JOIN call_payloads b ON b.org_id = c.org_id AND b.started_at = c.started_at AND b.call_id = c.call_id
			WHERE c.org_id = $1 AND c.experiment_id = $2 AND c.has_payload AND c.outcome = 'ok'
				AND (hashtextextended(c.call_id::text, 11) % 100 + 100) % 100 < $3
				AND NOT EXISTS (SELECT FROM experiment_judgements j WHERE j.org_id = $1 AND j.experiment_id = $2 AND j.call_id = c.call_id)
			ORDER BY c.started_at, c.call_id LIMIT $4`, pgx.QueryExecModeExec, string(in.Org()), string(which), percent, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (k experiment.KeptCall, err error) {
			err = row.Scan((*[16]byte)(&k.Call), &k.Arm, &k.Request, &k.Response)
			return k, err
		})
		return err
	})
	return list, err
}

// Claim implements experiment.JudgeStore. The experiment's row is the lock on its budget.
func (s *Store) Claim(ctx context.Context, in tenant.Scope, which id.Experiment, call id.Call, cost, budget money.NanoUSD, at time.Time) (mine bool, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT FROM experiments WHERE id = $1 FOR UPDATE`, string(which)); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `INSERT INTO experiment_judgements (org_id, experiment_id, call_id, started_at, state, cost_nano, at)
			SELECT $1, $2, $3, $4, 'asked', $5, $7
			WHERE (SELECT coalesce(sum(cost_nano), 0) FROM experiment_judgements WHERE org_id = $1 AND experiment_id = $2) + $5::bigint <= $6::bigint
			ON CONFLICT DO NOTHING`,
			string(in.Org()), string(which), [16]byte(call), call.Time(), int64(cost), int64(budget), at)
		mine = tag.RowsAffected() == 1
		return err
	})
	return mine, err
}

// Judged implements experiment.JudgeStore.
func (s *Store) Judged(ctx context.Context, in tenant.Scope, which id.Experiment, call id.Call, scored bool, cost money.NanoUSD, note string) error {
	state := "failed"
	if scored {
		state = "scored"
	}
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE experiment_judgements SET state = $3, cost_nano = $4, note = $5 WHERE experiment_id = $1 AND call_id = $2`,
			string(which), [16]byte(call), state, int64(cost), note)
		return err
	})
}

// Spent implements experiment.Store.
func (s *Store) Spent(ctx context.Context, in tenant.Scope, which id.Experiment) (scored int64, cost money.NanoUSD, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE state = 'scored'), coalesce(sum(cost_nano), 0)::bigint FROM experiment_judgements
			WHERE org_id = $1 AND experiment_id = $2`, string(in.Org()), string(which)).Scan(&scored, (*int64)(&cost))
	})
	return scored, cost, err
}
