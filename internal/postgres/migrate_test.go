package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
)

func TestEveryMigrationGoesUpDownAndUp(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	conn := connect(t, url)
	empty := schema(t, conn)
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	first := schema(t, conn)
	if err := postgres.MigrateDown(t.Context(), url, 0); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(empty, schema(t, conn)); diff != "" {
		t.Errorf("down leaves something (-empty +left):\n%s", diff)
	}
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, schema(t, conn)); diff != "" {
		t.Errorf("the second up differs (-first +second):\n%s", diff)
	}
}

func TestProcessesThatMigrateAtOnceDoItOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	var g errgroup.Group
	for range 4 {
		g.Go(func() error { return postgres.Migrate(t.Context(), url) })
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	again := texts(t, connect(t, url), `SELECT version_id::text FROM goose_db_version GROUP BY 1 HAVING count(*) > 1`)
	if len(again) > 0 {
		t.Errorf("applied more than once: %v", again)
	}
}

// TestDatabasesOfOneServerMigrateAtOnce is about the roles, which the databases of a server share: each migration may
// find that another has just made them, or is granting them.
func TestDatabasesOfOneServerMigrateAtOnce(t *testing.T) {
	t.Parallel()
	own := pgtest.OwnServer(t)
	names := []string{"a", "b", "c", "d", "e", "f"}
	conn := connect(t, own.URL())
	for _, name := range names {
		mustExec(t, conn, `CREATE DATABASE `+name)
	}
	all := func(do func(url string) error) {
		t.Helper()
		var g errgroup.Group
		for _, name := range names {
			g.Go(func() error { return do(in(t, own.URL(), name)) })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	up := func(url string) error { return postgres.Migrate(t.Context(), url) }
	down := func(url string) error { return postgres.MigrateDown(t.Context(), url, 0) }
	all(up)
	all(down) // at once, each may think that another still needs the roles
	all(up)
	for _, name := range names {
		if err := down(in(t, own.URL(), name)); err != nil {
			t.Fatal(err)
		}
	}
	if got := texts(t, conn, `SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'tollgate\_%'`); len(got) > 0 {
		t.Errorf("the last database left the roles %v", got)
	}
}

func TestALoginWithoutRightsIsToldWhatToAskFor(t *testing.T) {
	t.Parallel()
	own := pgtest.OwnServer(t) // of its own: elsewhere the roles exist
	conn := connect(t, own.URL())
	mustExec(t, conn, `CREATE ROLE poor LOGIN PASSWORD 'poor'`)
	mustExec(t, conn, `CREATE DATABASE poors`)
	poor := as(t, in(t, own.URL(), "poors"), "poor", "poor")
	mustExec(t, connect(t, in(t, own.URL(), "poors")), `GRANT CREATE ON SCHEMA public TO poor`)
	var pg *pgconn.PgError
	if err := postgres.Migrate(t.Context(), poor); !errors.As(err, &pg) || !strings.Contains(pg.Hint, "CREATE ROLE tollgate_app NOLOGIN") {
		t.Errorf("without the roles: %v", err)
	}
	mustExec(t, conn, `CREATE ROLE tollgate_app NOLOGIN; CREATE ROLE tollgate_system NOLOGIN`)
	if err := postgres.Migrate(t.Context(), poor); !errors.As(err, &pg) || !strings.Contains(pg.Hint, "GRANT tollgate_app TO poor WITH SET TRUE") {
		t.Errorf("without the grants: %v", err)
	}
	mustExec(t, conn, `GRANT tollgate_app, tollgate_system TO poor WITH SET TRUE, INHERIT FALSE`)
	if err := postgres.Migrate(t.Context(), poor); err != nil {
		t.Errorf("with both: %v", err)
	}
}

// schema lists what a database holds, in words that can be compared. Goose's own table is left out.
func schema(t *testing.T, q querier) []string {
	t.Helper()
	return texts(t, q, `
		SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
			|| CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
		WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'goose%'
		UNION ALL SELECT 'constraint ' || conrelid::regclass || '.' || conname || ' ' || pg_get_constraintdef(oid)
		FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'goose%'
		UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE 'goose%'
		UNION ALL SELECT 'policy ' || tablename || '.' || policyname || ' ' || cmd || ' ' || roles::text || ' ' || coalesce(qual, '') || ' ' || coalesce(with_check, '')
		FROM pg_policies WHERE schemaname = 'public'
		UNION ALL SELECT 'grants ' || relname || ' ' || coalesce(relacl::text, '') FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'goose%'
		UNION ALL SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p')
		UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
		UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
		ORDER BY 1`)
}
