package budgetpg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// orphansMax is how many leases a list of orphans has.
const orphansMax = 1000

// Orphans lists what proxies that have not been heard of since hold of an organization's open windows, the most first.
func (l *Ledger) Orphans(ctx context.Context, in tenant.Scope, since time.Time) ([]budget.HeldBy, error) {
	if err := in.Check(); err != nil {
		return nil, err
	}
	return l.orphans(ctx, in.Org(), since)
}

// AllOrphans is Orphans of every organization.
func (l *Ledger) AllOrphans(ctx context.Context, since time.Time) ([]budget.HeldBy, error) {
	return l.orphans(ctx, "", since)
}

func (l *Ledger) orphans(ctx context.Context, org id.Org, since time.Time) (held []budget.HeldBy, err error) {
	err = l.db.InSystemPgx(ctx, "budget: list what silent proxies hold", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT h.id, h.proxy, h.seen_at, p.org_id, p.budget_id, p.period, p.starts_at, p.id, l.granted - l.returned - coalesce(s.settled, 0) AS amount
			FROM budget_holders h JOIN budget_leases l ON l.holder = h.id
			JOIN budget_pots p ON p.org_id = l.org_id AND p.id = l.pot
			LEFT JOIN budget_settlements s ON s.org_id = l.org_id AND s.pot = l.pot AND s.holder = l.holder
			WHERE h.proxy <> '' AND h.ended_at IS NULL AND h.seen_at < $1 AND $2 IN ('', p.org_id) AND p.closed_at IS NULL
				AND l.granted - l.returned > coalesce(s.settled, 0)
			ORDER BY amount DESC, p.id, h.id LIMIT $3`, since, string(org), orphansMax)
		if err != nil {
			return err
		}
		held, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (budget.HeldBy, error) {
			var b budget.HeldBy
			var from *time.Time
			err := row.Scan(&b.Holder, &b.Proxy, &b.SeenAt, &b.Org, &b.Budget, &b.Period, &from, &b.Pot, &b.Amount)
			if b.SeenAt = b.SeenAt.UTC(); from != nil {
				b.From = from.UTC()
			}
			return b, err
		})
		return err
	})
	return held, err
}

// Organizations lists those that have budgets.
func (l *Ledger) Organizations(ctx context.Context) (orgs []id.Org, err error) {
	err = l.db.InSystemPgx(ctx, "budget: list organizations with budgets", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT DISTINCT org_id FROM budgets ORDER BY org_id`)
		if err != nil {
			return err
		}
		orgs, err = pgx.CollectRows(rows, pgx.RowTo[id.Org])
		return err
	})
	return orgs, err
}
