package budgetpg

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

const raiseColumns = `r.id, r.budget_id, r.period, r.amount_nano, r.from_at, r.to_at, r.reason, r.created_at, r.created_by, r.ended_at`

func scanRaise(row pgx.CollectableRow) (budget.Raise, error) {
	var r budget.Raise
	var ended *time.Time
	err := row.Scan((*string)(&r.ID), (*string)(&r.Budget), (*string)(&r.Period), (*int64)(&r.Amount), &r.From, &r.To, &r.Reason, &r.CreatedAt, &r.CreatedBy, &ended)
	r.From, r.To, r.CreatedAt, r.EndedAt = r.From.UTC(), r.To.UTC(), r.CreatedAt.UTC(), utc(ended)
	return r, err
}

// InsertRaise implements budget.Store.
func (s *Store) InsertRaise(ctx context.Context, in tenant.Scope, r budget.Raise) error {
	return translate(s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO budget_raises (org_id, id, budget_id, period, amount_nano, from_at, to_at, reason, created_at, created_by)
			SELECT org_id, $2, id, $3, $4, $5, $6, $7, $8, $9 FROM budgets WHERE id = $1`,
			string(r.Budget), string(r.ID), string(r.Period), int64(r.Amount), r.From, r.To, r.Reason, r.CreatedAt, r.CreatedBy)
		if err == nil && tag.RowsAffected() == 0 {
			return budget.ErrNotFound
		}
		return err
	}))
}

// Raises implements budget.Store.
func (s *Store) Raises(ctx context.Context, in tenant.Scope, which id.Budget, limit int) ([]budget.Raise, error) {
	return s.raises(ctx, in, `budget_id = $1 ORDER BY r.created_at DESC, r.id DESC LIMIT $2`, string(which), limit)
}

// Lifts implements budget.Store.
func (s *Store) Lifts(ctx context.Context, in tenant.Scope, which id.Budget, now time.Time) ([]budget.Raise, error) {
	return s.raises(ctx, in, `($1 = '' OR budget_id = $1) AND from_at <= $2 AND to_at > $2 AND (ended_at IS NULL OR ended_at > $2)`, string(which), now)
}

func (s *Store) raises(ctx context.Context, in tenant.Scope, where string, args ...any) (list []budget.Raise, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+raiseColumns+` FROM budget_raises r WHERE `+where, args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, scanRaise)
		return err
	})
	return list, err
}

// EndRaise implements budget.Store.
func (s *Store) EndRaise(ctx context.Context, in tenant.Scope, which id.Budget, raise id.Raise, now time.Time) (r budget.Raise, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `UPDATE budget_raises r SET ended_at = $3, ended_by = $4
			WHERE budget_id = $1 AND id = $2 AND ended_at IS NULL AND to_at > $3 RETURNING `+raiseColumns,
			string(which), string(raise), now, in.Actor().ID())
		if err != nil {
			return err
		}
		r, err = pgx.CollectExactlyOneRow(rows, scanRaise)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return r, budget.ErrNoRaise
	}
	return r, err
}
