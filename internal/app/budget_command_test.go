package app

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/budget/lease"
	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
)

func TestAnOperatorKeepsTheBooks(t *testing.T) {
	url := pgtest.URL(t)
	t.Setenv("DATABASE_URL", url)
	t.Setenv("TOLLGATE_DATA_DIR", t.TempDir())
	db := pgtest.Open(t, url, postgres.Options{})
	in, _ := pgtest.Org(t, db, "Acme")
	exec := func(sql string, args ...any) {
		t.Helper()
		if err := db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), sql, args...); return err }); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO budgets (org_id, id, name, mode, created_at, updated_at) VALUES ($1, 'bud_1', 'All', 'block', now(), now())`, in.Org())
	exec(`INSERT INTO budget_limits (org_id, budget_id, period, amount_nano) VALUES ($1, 'bud_1', 'total', 1000000000)`, in.Org())
	ask := lease.Ask{Org: in.Org(), Budget: "bud_1", Window: budget.Window{Period: budget.Total}, Need: 500_000_000, Want: 500_000_000}
	ask.Pot = budget.Pot(ask.Org, ask.Budget, "", ask.Window)
	holder := lease.Holder{ID: id.NewHolder(), Proxy: "prx_gone", Boot: "b"}
	if _, err := budgetpg.NewAuthority(db).Exchange(t.Context(), holder, []lease.Ask{ask}); err != nil {
		t.Fatal(err)
	}
	call := calllog.Record{
		ID: id.NewCall(), Org: in.Org(), Team: "team_1", Key: "key_1", Outcome: calllog.Interrupted,
		Charges: []calllog.Charge{{Budget: "bud_1", Pot: ask.Pot, Holder: holder.ID, Amount: 100_000_000}},
	}
	if _, err := calllogpg.New(db).Ingest(t.Context(), []calllog.Record{call}, calllog.Beat{}); err != nil {
		t.Fatal(err)
	}
	costs := filepath.Join(t.TempDir(), "costs.csv")
	if err := os.WriteFile(costs, []byte("call,cost_usd\n"+call.ID.String()+",0.03\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	budgetSays(t, 0, "1 pots, charges of 1 calls\nthe books are right\n", "verify")
	budgetSays(t, 0, "1 calls found, 1 charges corrected, by $-0.07 in all\n", "reconcile", costs)
	budgetSays(t, 0, "1 calls found, 0 charges corrected, by $0.00 in all\n", "reconcile", costs, "--org", string(in.Org()))
	budgetSays(t, 0, "silent proxies hold nothing\n", "release")
	budgetSays(t, 0, "holds $0.40\nnothing was changed", "release", "--silent", "0s")
	budgetSays(t, 0, "taken back from 1 proxies\n", "release", "--silent", "0s", "--yes")
	budgetSays(t, 0, "the books are right\n", "verify")
	exec(`UPDATE budget_pots SET committed = committed + 1`)
	budgetSays(t, 1, "committed: pot "+ask.Pot.String(), "verify")
}

// budgetSays runs `tollgate budget …` and expects an exit status and a part of what it says.
func budgetSays(t *testing.T, status int, part string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := budgetCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.ExecuteContext(t.Context())
	got, own := 0, (*exit)(nil)
	if errors.As(err, &own) {
		got = own.code
	} else if err != nil {
		t.Fatalf("budget %s: %v", strings.Join(args, " "), err)
	}
	if got != status || !strings.Contains(out.String(), part) {
		t.Errorf("budget %s ended with %d, want %d, and said:\n%s\nwant:\n%s", strings.Join(args, " "), got, status, out.String(), part)
	}
}
