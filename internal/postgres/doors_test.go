package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/tenant"
)

// orgsSeen reads which organizations own the teams that a query without any condition sees.
const orgsSeen = `SELECT org_id FROM teams`

func TestATenantSeesItsOwnRowsOnly(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	acme, team := pgtest.Org(t, db, "Acme")
	globex, _ := pgtest.Org(t, db, "Globex")

	var seen []string
	err := db.InTenant(t.Context(), globex, func(tx *gorm.DB) error {
		if err := tx.Raw(orgsSeen).Scan(&seen).Error; err != nil {
			return err
		}
		for sql, rows := range map[string]int64{
			`UPDATE teams SET name = 'mine' WHERE id = ?`: 0, `DELETE FROM teams WHERE id = ?`: 0,
			`UPDATE orgs SET name = 'mine' WHERE id <> ?`: 1, // its own
		} {
			if did := tx.Exec(sql, team); did.Error != nil || did.RowsAffected != rows {
				t.Errorf("%s: %d rows, error %v", sql, did.RowsAffected, did.Error)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 1 || seen[0] != string(globex.Org()) {
		t.Errorf("Globex sees the teams of %v", seen)
	}
	var name string
	err = db.InTenantPgx(t.Context(), acme, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT name FROM orgs`).Scan(&name)
	})
	if err != nil || name != "Acme" {
		t.Errorf("Acme's name is %q after Globex wrote (error %v)", name, err)
	}
}

func TestATenantWritesNoRowOfAnother(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	acme, team := pgtest.Org(t, db, "Acme")
	globex, _ := pgtest.Org(t, db, "Globex")
	for _, sql := range []string{
		`INSERT INTO teams (org_id, id, name) VALUES ($1, 'team_x', 'x')`,
		`UPDATE teams SET org_id = $1`,
	} {
		err := db.InTenantPgx(t.Context(), globex, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sql, acme.Org())
			return err
		})
		if err == nil {
			t.Errorf("%s was accepted", sql)
		}
	}
	// Also not by reference: a member of Globex cannot be given Acme's row.
	err := db.InSystem(t.Context(), "test", func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO sessions (id, token_hash, user_id, org_id, expires_at)
			SELECT 'sess_x', sha256('x'), user_id, ?, now() FROM members WHERE org_id = ?`, acme.Org(), globex.Org()).Error
	})
	var ref *postgres.Reference
	if !errors.As(err, &ref) || ref.Constraint != "sessions_member" {
		t.Errorf("a session of a stranger: %v (team %s)", err, team)
	}
}

func TestTheTenantRoleReachesNoGlobalTable(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	acme, _ := pgtest.Org(t, db, "Acme")
	for _, table := range []string{"users", "sessions", "goose_db_version"} {
		err := db.InTenant(t.Context(), acme, func(tx *gorm.DB) error { return tx.Exec(`SELECT FROM ` + table).Error })
		if err == nil {
			t.Errorf("the tenant role may read %s", table)
		}
	}
}

func TestTheDoorsRefuseWhatHasNoScopeOrReason(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	never := func(*gorm.DB) error { t.Error("ran"); return nil }
	neverPgx := func(pgx.Tx) error { t.Error("ran"); return nil }
	for name, err := range map[string]error{
		"gorm": db.InTenant(t.Context(), tenant.Scope{}, never),
		"pgx":  db.InTenantPgx(t.Context(), tenant.Scope{}, neverPgx),
	} {
		if !errors.Is(err, tenant.ErrNoScope) {
			t.Errorf("%s without a scope: %v", name, err)
		}
	}
	if db.InSystem(t.Context(), "", never) == nil || db.InSystemPgx(t.Context(), "", neverPgx) == nil {
		t.Error("a query across organizations without a reason was let in")
	}
}

func TestATransactionThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	acme, _ := pgtest.Org(t, db, "Acme")
	boom := fault.New(fault.Invalid, "test.boom", "Boom.")
	insert := `INSERT INTO teams (org_id, id, name) VALUES ('` + string(acme.Org()) + `', 'team_x', 'x')`
	err := db.InTenant(t.Context(), acme, func(tx *gorm.DB) error { return errors.Join(tx.Exec(insert).Error, boom) })
	if !errors.Is(err, boom) {
		t.Errorf("fn's own error came back as %v", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = db.InTenantPgx(t.Context(), acme, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), insert); err != nil {
				return err
			}
			panic("boom")
		})
	}()
	if got := teams(t, db, acme); len(got) != 1 {
		t.Errorf("teams after two failures: %v", got)
	}
}

func teams(t *testing.T, db *postgres.DB, in tenant.Scope) (got []string) {
	t.Helper()
	if err := db.InTenant(t.Context(), in, func(tx *gorm.DB) error { return tx.Raw(orgsSeen).Scan(&got).Error }); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestNoReadCrossesTenantsOnASharedConnection throws tenants, the system role, cancelled and failing transactions at
// two connections: whatever one leaves behind, the next one must not see.
func TestNoReadCrossesTenantsOnASharedConnection(t *testing.T) {
	t.Parallel()
	const workers, rounds, tenants = 50, 20, 5
	db := pgtest.Open(t, pgtest.URL(t), postgres.Options{MaxConns: 2})
	var scopes [tenants]tenant.Scope
	for i := range scopes {
		scopes[i], _ = pgtest.Org(t, db, fmt.Sprintf("Org %d", i))
	}
	var g errgroup.Group
	for w := range workers {
		g.Go(func() error {
			r := rand.New(rand.NewPCG(7, uint64(w)))
			for range rounds {
				if err := crossing(t.Context(), db, scopes[r.IntN(tenants)], r, tenants); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// crossing runs one random transaction and reports what it should not have seen.
func crossing(ctx context.Context, db *postgres.DB, in tenant.Scope, r *rand.Rand, tenants int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	mood := r.IntN(8)
	if mood == 0 { // the caller leaves at some moment, perhaps before it begins
		after := time.AfterFunc(time.Duration(r.IntN(3000))*time.Microsecond, cancel)
		defer after.Stop()
	}
	errFn := errors.New("fn fails")
	check := func(seen []string) error {
		if len(seen) != 1 || seen[0] != string(in.Org()) {
			return fmt.Errorf("crossed: %s sees %v", in.Org(), seen)
		}
		if mood == 1 {
			return errFn
		}
		return nil
	}
	var err error
	switch r.IntN(3) {
	case 0:
		err = db.InTenant(ctx, in, func(tx *gorm.DB) error {
			var seen []string
			if err := tx.Raw(orgsSeen).Scan(&seen).Error; err != nil {
				return err
			}
			if mood == 2 {
				cancel()
			}
			return check(seen)
		})
	case 1:
		err = db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, orgsSeen)
			if err != nil {
				return err
			}
			seen, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				return err
			}
			if mood == 2 {
				cancel()
			}
			return check(seen)
		})
	default:
		err = db.InSystem(ctx, "test", func(tx *gorm.DB) error {
			var n int64
			if err := tx.Raw(`SELECT count(DISTINCT org_id) FROM teams`).Scan(&n).Error; err != nil {
				return err
			}
			if int(n) != tenants {
				return fmt.Errorf("crossed: the system sees %d organizations", n)
			}
			return nil
		})
	}
	if err == nil || errors.Is(err, errFn) || ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, postgres.ErrDown)) {
		return nil
	}
	return fmt.Errorf("mood %d: %w", mood, err)
}

func TestALoginThatIsAPlainMemberPassesTheDoorsAndNothingElse(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	conn := connect(t, url)
	name := "plain_" + id.New("x")
	mustExec(t, conn, `CREATE ROLE `+name+` LOGIN NOINHERIT PASSWORD 'plain'`)
	atEnd(t, url, `DROP ROLE `+name)
	mustExec(t, conn, `GRANT tollgate_app, tollgate_system TO `+name)

	plain := as(t, url, name, "plain")
	db := pgtest.Open(t, plain, postgres.Options{MaxConns: 2})
	acme, _ := pgtest.Org(t, db, "Acme")
	pgtest.Org(t, db, "Globex")
	if got := teams(t, db, acme); len(got) != 1 {
		t.Errorf("a tenant through a plain login sees %v", got)
	}
	if _, err := connect(t, plain).Exec(t.Context(), orgsSeen); err == nil {
		t.Error("the plain login reads a tenant's table without a door")
	}
}
