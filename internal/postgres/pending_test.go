package postgres_test

import (
	"errors"
	"testing"

	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
)

func TestADatabaseThatLacksMigrationsSaysSo(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	db := pgtest.Open(t, url, postgres.Options{MaxConns: 2})
	if err := db.UpToDate(t.Context()); !errors.Is(err, postgres.ErrBehind) {
		t.Errorf("an empty database: %v", err)
	}
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if err := db.UpToDate(t.Context()); err != nil {
		t.Errorf("after the migration: %v", err)
	}
	if err := postgres.MigrateDown(t.Context(), url, 5); err != nil {
		t.Fatal(err)
	}
	if err := db.UpToDate(t.Context()); !errors.Is(err, postgres.ErrBehind) {
		t.Errorf("half way: %v", err)
	}
}
