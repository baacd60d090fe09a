package budgetpg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget/lease"
	"tollgate/internal/id"
)

// Succeed implements lease.Authority. Earlier means registered earlier here, whatever the clocks of the runs said.
func (a *Authority) Succeed(ctx context.Context, h lease.Holder) error {
	if h.Proxy == "" || h.Boot == "" {
		return nil // nobody knows whether it is the same
	}
	return a.db.InSystemPgx(ctx, "budget: a proxy succeeds its earlier runs", func(tx pgx.Tx) error {
		if err := register(ctx, tx, h); err != nil {
			return err
		}
		before, err := holders(ctx, tx, `SELECT h.id FROM budget_holders h, budget_holders me WHERE me.id = $1 AND me.ended_at IS NULL
			AND h.proxy = me.proxy AND h.boot = me.boot AND h.run < me.run AND h.ended_at IS NULL ORDER BY h.run FOR UPDATE OF h`, h.ID)
		if err != nil {
			return err
		}
		return end(ctx, tx, before, "taken over by the next run of the proxy")
	})
}

// End takes back what a holder has in hand and did not spend; it is lent nothing any more. It is called when all that the holder did is in
// the call log: for a batch, when the records of all its lines are.
func (a *Authority) End(ctx context.Context, holder id.Holder) error {
	return a.db.InSystemPgx(ctx, "budget: a batch gives back what it did not spend", func(tx pgx.Tx) error {
		one, err := holders(ctx, tx, `SELECT id FROM budget_holders WHERE id = $1 AND ended_at IS NULL FOR UPDATE`, holder)
		if err != nil {
			return err
		}
		return end(ctx, tx, one, "given back at the end")
	})
}

// ReleaseOrphans takes back what silent holders have in hand and did not settle, on an operator's word: they are proxies that have not
// been heard of since before, and the operator vouches that none of them runs and that what they spooled is in the call log or was worth
// nothing. It reports how many there were. Batches are never released so.
func (a *Authority) ReleaseOrphans(ctx context.Context, before time.Time, note string) (int, error) {
	var ended int
	err := a.db.InSystemPgx(ctx, "budget: an operator releases what silent proxies hold", func(tx pgx.Tx) error {
		silent, err := holders(ctx, tx, `SELECT id FROM budget_holders WHERE proxy <> '' AND seen_at < $1 AND ended_at IS NULL ORDER BY run FOR UPDATE`, before)
		if err != nil {
			return err
		}
		ended = len(silent)
		return end(ctx, tx, silent, note)
	})
	return ended, err
}

// register makes the holder known, as an exchange does.
func register(ctx context.Context, tx pgx.Tx, h lease.Holder) error {
	_, err := tx.Exec(ctx, `INSERT INTO budget_holders (id, proxy, boot, started_at, seen_at)
		VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp()) ON CONFLICT (id) DO NOTHING`, h.ID, h.Proxy, h.Boot)
	return err
}

func holders(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]id.Holder, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[id.Holder])
}

// endSQL returns what is neither returned nor settled. A lease that has such money has overspent nothing, so that its pot's committed
// falls by exactly that.
const endSQL = `WITH idle AS (
		SELECT l.org_id, l.pot, l.holder, l.granted - l.returned - coalesce(s.settled, 0) AS amount
		FROM budget_leases l LEFT JOIN budget_settlements s USING (org_id, pot, holder)
		WHERE l.holder = ANY ($1) AND l.granted - l.returned > coalesce(s.settled, 0)
	), given AS (
		UPDATE budget_leases l SET returned = l.returned + i.amount
		FROM idle i WHERE l.org_id = i.org_id AND l.pot = i.pot AND l.holder = i.holder
	), entered AS (
		INSERT INTO budget_entries (org_id, pot, kind, amount, holder, note) SELECT org_id, pot, 'return', amount, holder, $2 FROM idle
	)
	UPDATE budget_pots p SET committed = p.committed - t.amount
	FROM (SELECT org_id, pot, sum(amount)::bigint AS amount FROM idle GROUP BY org_id, pot) AS t
	WHERE p.org_id = t.org_id AND p.id = t.pot`

// end ends holders whose rows are locked. Their pots are locked in the order that all keep to.
func end(ctx context.Context, tx pgx.Tx, holders []id.Holder, note string) error {
	if len(holders) == 0 {
		return nil
	}
	b := &pgx.Batch{}
	b.Queue(`SELECT FROM budget_pots p WHERE (p.org_id, p.id) IN (SELECT l.org_id, l.pot FROM budget_leases l WHERE l.holder = ANY ($1))
		ORDER BY p.org_id, p.id FOR NO KEY UPDATE OF p`, holders)
	b.Queue(endSQL, holders, note)
	b.Queue(`UPDATE budget_holders SET ended_at = clock_timestamp() WHERE id = ANY ($1)`, holders)
	return tx.SendBatch(ctx, b).Close()
}
