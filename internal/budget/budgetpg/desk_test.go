package budgetpg_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/budget/lease"
	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/tenant"
)

// desk is an organization with its books, and how a test acts on them.
type desk struct {
	testing.TB
	db        *postgres.DB
	authority *budgetpg.Authority
	ledger    *budgetpg.Ledger
	in        tenant.Scope
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "Acme")
	return &desk{t, db, budgetpg.NewAuthority(db), budgetpg.NewLedger(db, slog.New(slog.DiscardHandler)), in}
}

// budget makes a budget with one limit; mode is "block" unless it is given.
func (d *desk) budget(period budget.Period, limit money.NanoUSD, mode ...budget.Mode) id.Budget {
	d.Helper()
	b := id.Budget(id.New("bud"))
	m := append(mode, budget.Block)[0]
	d.exec(`INSERT INTO budgets (org_id, id, name, mode, created_at, updated_at) VALUES ($1, $2, $2, $3, now(), now())`, d.in.Org(), b, m)
	d.exec(`INSERT INTO budget_limits (org_id, budget_id, period, amount_nano) VALUES ($1, $2, $3, $4)`, d.in.Org(), b, period, limit)
	return b
}

// exec runs a statement on all organizations.
func (d *desk) exec(sql string, args ...any) {
	d.Helper()
	if err := d.db.InSystemPgx(d.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(d.Context(), sql, args...)
		return err
	}); err != nil {
		d.Fatalf("%s: %v", sql, err)
	}
}

// number reads one figure.
func (d *desk) number(sql string, args ...any) (n int64) {
	d.Helper()
	if err := d.db.InSystemPgx(d.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(d.Context(), sql, args...).Scan(&n)
	}); err != nil {
		d.Fatalf("%s: %v", sql, err)
	}
	return n
}

// ask is a wish for a total of the desk's organization.
func (d *desk) ask(b id.Budget, need, want money.NanoUSD) lease.Ask {
	return d.askIn(b, budget.Window{Period: budget.Total}, need, want)
}

func (d *desk) askIn(b id.Budget, w budget.Window, need, want money.NanoUSD) lease.Ask {
	return lease.Ask{Org: d.in.Org(), Budget: b, Window: w, Pot: budget.Pot(d.in.Org(), b, "", w), Need: need, Want: want}
}

// exchange sends asks and expects an answer.
func (d *desk) exchange(h lease.Holder, asks ...lease.Ask) lease.Reply {
	d.Helper()
	r, err := d.authority.Exchange(d.Context(), h, asks)
	if err != nil {
		d.Fatalf("exchange: %v", err)
	}
	return r
}

// charged is a charge of a call that is new in the log.
type charged struct {
	Org  id.Org
	Call id.Call
	calllog.Charge
}

// settled settles charges as an ingest does, and gives by how much hard budgets were overrun.
func (d *desk) settled(charges []charged) (over money.NanoUSD, err error) {
	n := len(charges)
	orgs, budgets, pots, holders, amounts := make([]string, n), make([]string, n), make([][16]byte, n), make([][16]byte, n), make([]int64, n)
	for i, c := range charges {
		orgs[i], budgets[i], pots[i], holders[i], amounts[i] = string(c.Org), string(c.Budget), c.Pot, c.Holder, int64(c.Amount)
	}
	err = d.db.InSystemPgx(d.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(d.Context(), `SELECT budget_settle($1, $2, $3, $4, $5)`, orgs, budgets, pots, holders, amounts).Scan(&over)
	})
	return over, err
}

// settle settles charges and gives the overrun.
func (d *desk) settle(charges ...charged) money.NanoUSD {
	d.Helper()
	over, err := d.settled(charges)
	if err != nil {
		d.Fatalf("settle: %v", err)
	}
	return over
}

func (d *desk) charge(k lease.Ask, h lease.Holder, amount money.NanoUSD) charged {
	return charged{Org: k.Org, Call: id.NewCall(), Charge: calllog.Charge{Budget: k.Budget, Pot: k.Pot, Holder: h.ID, Amount: amount}}
}

// standing is what the view says of a pot.
type standing struct{ committed, spent, held int64 }

func (d *desk) standing(k lease.Ask) (s standing) {
	d.Helper()
	if err := d.db.InSystemPgx(d.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(d.Context(), `SELECT committed, spent, held FROM budget_standings WHERE org_id = $1 AND pot = $2`, k.Org, k.Pot).
			Scan(&s.committed, &s.spent, &s.held)
	}); err != nil {
		d.Fatalf("standing: %v", err)
	}
	return s
}

// verified expects that the books are right.
func (d *desk) verified() {
	d.Helper()
	audit, err := d.ledger.Verify(d.Context(), d.in)
	if err != nil {
		d.Fatalf("verify: %v", err)
	}
	for _, diff := range audit.Differences {
		if diff.Rule != budget.RuleCharged { // these settlements come from no calls
			d.Errorf("the books are wrong: %s", diff.Text())
		}
	}
}

func holder(proxy string) lease.Holder {
	return lease.Holder{ID: id.NewHolder(), Proxy: proxy, Boot: "boot"}
}

// days is the window of one day, some days from today.
func days(from int) budget.Window {
	start := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, from)
	return budget.Window{Period: budget.Day, From: start, To: start.AddDate(0, 0, 1)}
}

func budgetAmount(n int64) money.NanoUSD { return money.NanoUSD(n) }
