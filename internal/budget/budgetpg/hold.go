package budgetpg

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget/lease"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// errShort undoes a transaction in which not everything was granted.
var errShort = errors.New("not all of it was granted")

// Hold lends a holder that is no proxy what it needs, of all pots or of none: work that runs for hours elsewhere. Need is how much the
// holder shall have in hand, returned money not counted; so Hold may be repeated. Want is ignored. Where a verdict of the reply is not
// Granted nothing was lent. The money is the holder's until End: nobody succeeds it. h.Proxy and h.Boot are ignored.
func (a *Authority) Hold(ctx context.Context, h lease.Holder, asks []lease.Ask) (lease.Reply, error) {
	h.Proxy, h.Boot = "", ""
	var reply lease.Reply
	err := a.db.InSystemPgx(ctx, "budget: a batch holds money", func(tx pgx.Tx) error {
		reply = lease.Reply{Grants: make([]lease.Grant, len(asks))}
		had, err := inHand(ctx, tx, h)
		if err != nil {
			return err
		}
		level := make([]lease.Ask, len(asks))
		for i, k := range asks {
			k.Need = max(k.Need-had[k.Pot], 0)
			k.Want, k.Returned = k.Need, 0
			level[i] = k
		}
		sent, at := columnsOf(level, reply.Grants), a.at()
		b := &pgx.Batch{}
		b.Queue(exchangeSQL, sent.args(h, at)...).Query(func(rows pgx.Rows) error { return sent.read(rows, reply.Grants) })
		b.Queue(`SELECT coalesce($1, clock_timestamp())`, at).QueryRow(func(row pgx.Row) error { return row.Scan(&reply.Now) })
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		for i := range reply.Grants {
			if reply.Grants[i].Verdict != lease.Granted {
				return errShort
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errShort) {
		return lease.Reply{}, err
	}
	return reply, nil
}

// inHand is what the holder has of pots: granted and not returned. The holder's row stays locked, so that no two Holds of one holder
// both find that they lack the same money.
func inHand(ctx context.Context, tx pgx.Tx, h lease.Holder) (map[id.Pot]money.NanoUSD, error) {
	have := map[id.Pot]money.NanoUSD{}
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO budget_holders (id, proxy, boot, started_at, seen_at) VALUES ($1, '', '', clock_timestamp(), clock_timestamp())
		ON CONFLICT (id) DO NOTHING`, h.ID)
	b.Queue(`SELECT FROM budget_holders WHERE id = $1 FOR UPDATE`, h.ID)
	b.Queue(`SELECT pot, granted - returned FROM budget_leases WHERE holder = $1`, h.ID).Query(func(rows pgx.Rows) error {
		var pot id.Pot
		var amount money.NanoUSD
		_, err := pgx.ForEachRow(rows, []any{&pot, &amount}, func() error { have[pot] = amount; return nil })
		return err
	})
	return have, tx.SendBatch(ctx, b).Close()
}
