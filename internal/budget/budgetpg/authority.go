package budgetpg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
)

// Channel is notified with a pot, in 32 hexadecimal digits, when somebody comes up short and others have leases of it: five times a
// second for each pot at most. It is a hint; Reply.Recalled says the same.
const Channel = "tollgate_budget"

// Authority lends the money of pots, in Postgres. What it promises is in the functions of migration 17: they run under each pot's row
// lock, and their amounts only grow.
type Authority struct {
	db *postgres.DB
	at func() *time.Time // the authority's clock is the database's; tests set another
}

var _ lease.Authority = (*Authority)(nil)

// NewAuthority makes an Authority.
func NewAuthority(db *postgres.DB) *Authority {
	return &Authority{db: db, at: func() *time.Time { return nil }}
}

// exchangeSQL is answered out of order: n is the ask's place, from 1.
const exchangeSQL = `SELECT n, granted, limited, committed, posted, alive, verdict
	FROM budget_exchange($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

// recalledSQL are the pots that others lack and of which the holder has money that was not spent.
const recalledSQL = `SELECT p.id FROM budget_pots p
	JOIN budget_leases l ON l.org_id = p.org_id AND l.pot = p.id AND l.holder = $1
	LEFT JOIN budget_settlements s ON s.org_id = p.org_id AND s.pot = p.id AND s.holder = $1
	WHERE p.short_at > coalesce($2, clock_timestamp()) - interval '2 seconds' AND p.short_by <> $1
		AND l.granted - l.returned > coalesce(s.settled, 0)
	LIMIT 1000`

// Exchange implements lease.Authority. It is one round trip.
func (a *Authority) Exchange(ctx context.Context, h lease.Holder, asks []lease.Ask) (lease.Reply, error) {
	reply := lease.Reply{Grants: make([]lease.Grant, len(asks))}
	sent := columnsOf(asks, reply.Grants)
	at := a.at()
	b := &pgx.Batch{}
	b.Queue(exchangeSQL, sent.args(h, at)...).Query(func(rows pgx.Rows) error { return sent.read(rows, reply.Grants) })
	b.Queue(recalledSQL, h.ID, at).Query(func(rows pgx.Rows) (err error) {
		reply.Recalled, err = pgx.CollectRows(rows, pgx.RowTo[id.Pot])
		return err
	})
	var over bool
	b.Queue(`SELECT coalesce($1, clock_timestamp()), EXISTS (SELECT FROM budget_holders WHERE id = $2 AND ended_at IS NOT NULL)`, at, h.ID).
		QueryRow(func(row pgx.Row) error { return row.Scan(&reply.Now, &over) })
	if err := a.db.InSystemFlight(ctx, "budget: a proxy exchanges its leases", b); err != nil {
		return lease.Reply{}, err
	}
	if over { // also where it asked for nothing
		return lease.Reply{}, lease.ErrEnded
	}
	reply.Now = reply.Now.UTC()
	return reply, nil
}

// ended is the function's word for lease.ErrEnded.
const ended lease.Verdict = lease.Gone + 1

// exchanged is asks column by column, as the function takes them.
type exchanged struct {
	orgs, budgets, periods, subjects []string
	starts, ends                     []*time.Time
	pots                             [][16]byte
	gave, needs, wants               []int64
	place                            []int // of each in asks
}

// columnsOf leaves out asks whose pot is not what it says that it is, or whose amounts are none: they are Gone.
func columnsOf(asks []lease.Ask, grants []lease.Grant) *exchanged {
	var e exchanged
	for i := range asks {
		k := &asks[i]
		if k.Pot != budget.Pot(k.Org, k.Budget, k.Subject, k.Window) || k.Returned < 0 || k.Need < 0 || k.Want < 0 {
			grants[i].Verdict = lease.Gone
			continue
		}
		e.orgs = append(e.orgs, string(k.Org))
		e.budgets = append(e.budgets, string(k.Budget))
		e.periods = append(e.periods, string(k.Window.Period))
		e.subjects = append(e.subjects, k.Subject)
		e.starts = append(e.starts, instant(k.Window.From))
		e.ends = append(e.ends, instant(k.Window.To))
		e.pots = append(e.pots, k.Pot)
		e.gave = append(e.gave, int64(k.Returned))
		e.needs = append(e.needs, int64(k.Need))
		e.wants = append(e.wants, int64(k.Want))
		e.place = append(e.place, i)
	}
	return &e
}

// instant is NULL for the zero time: a total neither begins nor ends.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (e *exchanged) args(h lease.Holder, at *time.Time) []any {
	return []any{h.ID, h.Proxy, h.Boot, e.orgs, e.budgets, e.periods, e.subjects, e.starts, e.ends, e.pots, e.gave, e.needs, e.wants, at}
}

func (e *exchanged) read(rows pgx.Rows, grants []lease.Grant) error {
	var (
		n, alive                          int
		granted, limit, committed, posted money.NanoUSD
		verdict                           lease.Verdict
	)
	_, err := pgx.ForEachRow(rows, []any{&n, &granted, &limit, &committed, &posted, &alive, &verdict}, func() error {
		if verdict == ended {
			return lease.ErrEnded
		}
		grants[e.place[n-1]] = lease.Grant{
			Granted: granted, Limit: limit, Committed: committed, Posted: posted, Holders: alive, Verdict: verdict,
		}
		return nil
	})
	return err
}
