package postgres_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
)

func TestAFlightIsOneTransactionThatSeesEveryOrganization(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t, pgtest.URL(t), postgres.Options{MaxConns: 1})
	acme, _ := pgtest.Org(t, db, "Acme")
	pgtest.Org(t, db, "Globex")

	var teams int
	b := &pgx.Batch{}
	b.Queue(`UPDATE teams SET name = 'Same'`)
	b.Queue(`SELECT count(*) FROM teams WHERE name = 'Same'`).QueryRow(func(row pgx.Row) error { return row.Scan(&teams) })
	if err := db.InSystemFlight(t.Context(), "test", b); err != nil || teams != 2 {
		t.Fatalf("%d teams, error %v", teams, err)
	}

	b = &pgx.Batch{}
	b.Queue(`UPDATE teams SET name = 'Undone'`)
	b.Queue(`INSERT INTO teams (org_id, id, name) VALUES ($1, 'team_x', 'Undone')`, acme.Org())
	var taken *postgres.Conflict
	if err := db.InSystemFlight(t.Context(), "test", b); !errors.As(err, &taken) {
		t.Fatalf("a taken name: %v", err)
	}
	if err := db.InTenantPgx(t.Context(), acme, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT count(*) FROM teams WHERE name = 'Same'`).Scan(&teams)
	}); err != nil || teams != 1 {
		t.Errorf("after the failure %d teams (error %v) on the same connection: it is not rolled back, or the role has stayed", teams, err)
	}
	if err := db.InSystemFlight(t.Context(), "", b); err == nil {
		t.Error("a flight without a reason was let in")
	}
}
