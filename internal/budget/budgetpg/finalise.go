package budgetpg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// When a window that has ended is finalised: as soon as every proxy has shipped all that it did in it, or after the long grace, whatever
// proxies say.
const (
	graceShort = 2 * time.Minute
	graceLong  = time.Hour
	graceBatch = 4 * 24 * time.Hour // while a batch holds money in the window
	closeMax   = 500                // pots in one transaction
)

// Finalise closes pots whose windows are over. What is still held then counts as spent: it belongs to calls whose end nobody knows. A call
// that settles later changes nothing, as it was held for; what its holder gives back later counts as spent no more. It reports how
// many pots were closed, and is to be called again while that is not 0.
func (l *Ledger) Finalise(ctx context.Context, now time.Time) (closed int, err error) {
	err = l.db.InSystemPgx(ctx, "budget: windows that are over are finalised", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, finaliseSQL, now, graceShort, graceLong, graceBatch, closeMax).Scan(&closed)
	})
	return closed, err
}

// finaliseSQL passes over pots that somebody works on: they come next time.
const finaliseSQL = `WITH over AS MATERIALIZED (
		SELECT p.org_id, p.id FROM budget_pots p
		WHERE p.closed_at IS NULL AND p.ends_at < $1::timestamptz - $2::interval
			AND (p.ends_at < $1::timestamptz - $3::interval OR NOT EXISTS (
				SELECT FROM proxies x WHERE x.seen_at > p.starts_at AND x.shipped_until IS DISTINCT FROM greatest(x.shipped_until, p.ends_at)))
			AND (p.ends_at < $1::timestamptz - $4::interval OR NOT EXISTS (
				SELECT FROM budget_leases l JOIN budget_holders h ON h.id = l.holder
				WHERE l.org_id = p.org_id AND l.pot = p.id AND h.proxy = '' AND h.ended_at IS NULL AND l.granted > l.returned))
		ORDER BY p.org_id, p.id LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED
	), entered AS (
		INSERT INTO budget_entries (org_id, pot, kind, amount, holder)
		SELECT l.org_id, l.pot, 'finalise', l.granted - l.returned - coalesce(s.settled, 0), l.holder
		FROM over o JOIN budget_leases l ON l.org_id = o.org_id AND l.pot = o.id
		LEFT JOIN budget_settlements s ON s.org_id = l.org_id AND s.pot = l.pot AND s.holder = l.holder
		WHERE l.granted - l.returned > coalesce(s.settled, 0)
	), done AS (
		UPDATE budget_pots p SET closed_at = $1 FROM over o WHERE p.org_id = o.org_id AND p.id = o.id RETURNING 1
	)
	SELECT count(*) FROM done`

// kept is how long the entries of a window stay after it was closed.
const kept = 400 * 24 * time.Hour

// Retire forgets how windows that were closed long ago came to stand as they do. What they came to stays in their pots.
func (l *Ledger) Retire(ctx context.Context, now time.Time) (entries int64, err error) {
	err = l.db.InSystemPgx(ctx, "budget: old entries are forgotten", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, retireSQL, now.Add(-kept), closeMax).Scan(&entries)
	})
	return entries, err
}

// retireSQL takes whole pots: as long as one has leases its entries must explain them.
const retireSQL = `WITH old AS MATERIALIZED (
		SELECT p.org_id, p.id FROM budget_pots p
		WHERE p.closed_at < $1 AND EXISTS (SELECT FROM budget_entries e WHERE e.org_id = p.org_id AND e.pot = p.id)
			AND NOT EXISTS (SELECT FROM budget_entries e WHERE e.org_id = p.org_id AND e.pot = p.id AND e.at >= $1)
		ORDER BY p.org_id, p.id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
	), leases AS (
		DELETE FROM budget_leases l USING old o WHERE l.org_id = o.org_id AND l.pot = o.id
	), settlements AS (
		DELETE FROM budget_settlements s USING old o WHERE s.org_id = o.org_id AND s.pot = o.id
	), entries AS (
		DELETE FROM budget_entries e USING old o WHERE e.org_id = o.org_id AND e.pot = o.id RETURNING 1
	)
	SELECT count(*) FROM entries`
