package snapshotpg_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"tollgate/internal/account"
	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/snapshot"
	"tollgate/internal/tenant"
)

type nowhere struct{}

func (nowhere) Organization(context.Context, tenant.Scope) (account.Organization, error) {
	return account.Organization{}, nil
}

func TestBudgetsAndTheCalendarArrive(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, team := pgtest.Org(t, h.db, "A")
	quiet, _ := pgtest.Org(t, h.db, "Quiet")
	now := time.Now
	s := budget.NewService(budget.Deps{Store: budgetpg.NewStore(h.db), Organizations: nowhere{}, Vendors: vendors, Now: now})
	f, _ := h.follow(h.deps(h.source()))
	await(t, f, "the organizations", func(s *snapshot.Snapshot) bool { return s.Orgs() == 2 })
	untouched, _ := f.Snapshot().Org(quiet.Org())
	org := func(s *snapshot.Snapshot) *snapshot.Org { o, _ := s.Org(in.Org()); return o }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const dollar = money.NanoUSD(1_000_000_000)
	narrow, err := s.Create(t.Context(), in, budget.Budget{
		Name: "narrow", Selector: dimension.Selector{{Dimension: dimension.Team, Value: string(team)}, {Dimension: dimension.Environment, Value: "prod"}},
		Each: dimension.EndUser, Limits: []budget.Limit{{Period: budget.Month, Amount: 9 * dollar}, {Period: budget.Hour, Amount: 2 * dollar}},
		Mode: budget.Block, Action: budget.Clamp, Floor: 99, Wait: 1500 * time.Millisecond, Offline: budget.Standby, Standby: dollar, AlertAt: []int{80},
	})
	must(err)
	wide, err := s.Create(t.Context(), in, budget.Budget{Name: "wide", Limits: []budget.Limit{{Period: budget.Total, Amount: 5 * dollar}}})
	must(err)
	await(t, f, "both, widest first", func(s *snapshot.Snapshot) bool {
		b := org(s).Budgets
		return len(b) == 2 && b[0].ID == wide.ID && b[1].ID == narrow.ID
	})
	held := org(f.Snapshot()).Budgets[1]
	ignore := cmpopts.IgnoreFields(budget.Budget{}, "Revision", "CreatedAt", "CreatedBy", "UpdatedAt")
	if diff := cmp.Diff(narrow, held, ignore); diff != "" {
		t.Errorf("(-made +held):\n%s", diff)
	}

	narrow.Limits = []budget.Limit{{Period: budget.Month, Amount: 7 * dollar}}
	_, err = s.Update(t.Context(), in, narrow.ID, narrow, nil)
	must(err)
	await(t, f, "another limit", func(s *snapshot.Snapshot) bool {
		b := org(s).Budgets[1]
		return len(b.Limits) == 1 && b.Limits[0].Amount == 7*dollar
	})
	before := f.Snapshot().Rev
	_, err = s.Raise(t.Context(), in, narrow.ID, budget.NewRaise{Amount: dollar, Reason: "r"})
	must(err)
	rev, err := h.source().Rev(t.Context())
	if err != nil || rev != before {
		t.Errorf("a raise made revision %d of %d: proxies need not know it (%v)", rev, before, err)
	}
	wide.Off = true
	_, err = s.Update(t.Context(), in, wide.ID, wide, nil)
	must(err)
	await(t, f, "a budget that is off", func(s *snapshot.Snapshot) bool { return len(org(s).Budgets) == 1 })
	_, err = s.Archive(t.Context(), in, narrow.ID, nil)
	must(err)
	await(t, f, "an archived budget", func(s *snapshot.Snapshot) bool { return len(org(s).Budgets) == 0 })
	_, err = s.Restore(t.Context(), in, narrow.ID, nil)
	must(err)
	await(t, f, "a restored budget", func(s *snapshot.Snapshot) bool { return len(org(s).Budgets) == 1 })

	must(h.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE orgs SET time_zone = 'Asia/Kolkata', fiscal_day = 7 WHERE id = $1`, string(in.Org()))
		return err
	}))
	await(t, f, "a calendar", func(s *snapshot.Snapshot) bool {
		return org(s).Calendar.Location().String() == "Asia/Kolkata" && org(s).Calendar.FiscalDay == 7
	})
	if now, _ := f.Snapshot().Org(quiet.Org()); now != untouched {
		t.Error("an organization that did not change was loaded again")
	}
	if o, _ := f.Snapshot().Org(quiet.Org()); o.Calendar.Location() != time.UTC || o.Calendar.FiscalDay != 1 {
		t.Errorf("%+v", o.Calendar)
	}
}

func TestABudgetThatCannotBeReadGoesOnToHold(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, _ := pgtest.Org(t, h.db, "A")
	s := budget.NewService(budget.Deps{Store: budgetpg.NewStore(h.db), Organizations: nowhere{}, Vendors: vendors, Now: time.Now})
	b, err := s.Create(t.Context(), in, budget.Budget{Name: "hard", Mode: budget.Block, Limits: []budget.Limit{{Period: budget.Total, Amount: 5}}})
	if err != nil {
		t.Fatal(err)
	}
	f, _ := h.follow(h.deps(h.source()))
	have := func(s *snapshot.Snapshot) []budget.Budget {
		o, ok := s.Org(in.Org())
		if !ok {
			return nil
		}
		return o.Budgets
	}
	await(t, f, "the budget", func(s *snapshot.Snapshot) bool { return len(have(s)) == 1 })
	// Behind the service's back: a selector whose value is no text.
	if err := h.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE budgets SET selector = '{"team": 5}' WHERE id = $1`, string(b.ID))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	await(t, f, "the report", func(*snapshot.Snapshot) bool { return len(f.Status().Bad) == 1 })
	if got := have(f.Snapshot()); len(got) != 1 || got[0].ID != b.ID || got[0].Mode != budget.Block {
		t.Errorf("%+v", got)
	}
	if bad := f.Status().Bad[0]; bad.Kind != "budget" || id.Budget(bad.ID) != b.ID {
		t.Errorf("%+v", bad)
	}
}
