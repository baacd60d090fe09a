package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
)

// The catalogue test: a table that stands outside the wall fails it, whoever added the table. What is allowed to
// stand outside is listed in testdata/global_tables.txt and testdata/security_definer.txt.

func TestEveryTableStandsBehindTheWall(t *testing.T) {
	t.Parallel()
	conn := owner(t)
	for _, b := range breaches(t, conn) {
		t.Error(b)
	}
}

func TestTheWallTestSeesEveryBreach(t *testing.T) {
	t.Parallel()
	conn := owner(t)
	mutations := map[string]string{
		"a table without the wall":          `CREATE TABLE loose (org_id text NOT NULL REFERENCES orgs (id), id text, PRIMARY KEY (org_id, id))`,
		"a table without an organization":   `CREATE TABLE loose (id text PRIMARY KEY); SELECT system_wall('loose')`,
		"a nullable organization":           `CREATE TABLE loose (org_id text REFERENCES orgs (id), id text); SELECT tenant_wall('loose')`,
		"an organization that need not be":  `CREATE TABLE loose (org_id text NOT NULL, id text, PRIMARY KEY (org_id, id)); SELECT tenant_wall('loose')`,
		"a key without the organization":    `CREATE TABLE loose (org_id text NOT NULL REFERENCES orgs (id), id text PRIMARY KEY); SELECT tenant_wall('loose')`,
		"a table without a key":             `CREATE TABLE loose (org_id text NOT NULL REFERENCES orgs (id), id text); SELECT tenant_wall('loose')`,
		"a unique name for everybody":       `ALTER TABLE teams ADD CONSTRAINT x UNIQUE (name)`,
		"a unique index for everybody":      `CREATE UNIQUE INDEX x ON teams (lower(name))`,
		"an exclusion for everybody":        `ALTER TABLE teams ADD CONSTRAINT x EXCLUDE USING btree (name WITH =)`,
		"a reference without organization":  `ALTER TABLE teams ADD UNIQUE (id); ALTER TABLE tokens ADD COLUMN team text REFERENCES teams (id)`,
		"a crossed reference":               `ALTER TABLE tokens ADD COLUMN other text, ADD COLUMN team text, ADD FOREIGN KEY (other, team) REFERENCES teams (org_id, id)`,
		"a plain view":                      `CREATE VIEW v AS SELECT * FROM teams`,
		"a materialized view":               `CREATE MATERIALIZED VIEW v AS SELECT * FROM teams`,
		"a function with its owner's right": `CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`,
		"a third policy":                    `CREATE POLICY more ON teams FOR SELECT USING (true)`,
		"a right for everybody":             `GRANT SELECT ON users TO PUBLIC`,
		"a column for everybody":            `GRANT SELECT (email) ON users TO tollgate_app`,
		"a revision that can be deleted":    `GRANT DELETE ON config_rev TO tollgate_app`,
		"users for the application":         `GRANT SELECT ON users TO tollgate_app`,
		"a right on a partition": `CREATE TABLE loose (org_id text NOT NULL REFERENCES orgs (id), id text, PRIMARY KEY (org_id, id)) PARTITION BY HASH (id);
			SELECT tenant_wall('loose'); CREATE TABLE loose_0 PARTITION OF loose FOR VALUES WITH (MODULUS 1, REMAINDER 0);
			GRANT SELECT ON loose_0 TO tollgate_app`,
	}
	for _, table := range []string{"orgs", "teams", "members", "tokens", "users", "sessions"} {
		mutations[table+" without its system policy"] = `DROP POLICY system ON ` + table
		mutations[table+" unforced"] = `ALTER TABLE ` + table + ` NO FORCE ROW LEVEL SECURITY`
		mutations[table+" without row security"] = `ALTER TABLE ` + table + ` DISABLE ROW LEVEL SECURITY`
	}
	for _, table := range []string{"orgs", "teams", "members", "tokens"} {
		mutations[table+" without its tenant policy"] = `DROP POLICY tenant ON ` + table
		mutations[table+" with a weak read"] = `ALTER POLICY tenant ON ` + table + ` USING (true)`
		mutations[table+" with a weak write"] = `ALTER POLICY tenant ON ` + table + ` WITH CHECK (true)`
		mutations[table+" with a policy for all roles"] = `ALTER POLICY tenant ON ` + table + ` TO PUBLIC`
	}
	before := breaches(t, conn)
	for name, sql := range mutations {
		undo(t, conn, func(tx pgx.Tx) {
			if _, err := tx.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := breaches(t, tx); slices.Equal(got, before) {
				t.Errorf("%s: not seen", name)
			}
		})
	}
	if after := breaches(t, conn); !slices.Equal(after, before) {
		t.Errorf("the mutations were not undone: %v", after)
	}
}

func TestAWalledPartitionedTableIsNoBreach(t *testing.T) {
	t.Parallel()
	conn := owner(t)
	before := breaches(t, conn)
	undo(t, conn, func(tx pgx.Tx) {
		_, err := tx.Exec(t.Context(), `
			CREATE TABLE loose (org_id text NOT NULL REFERENCES orgs (id), id text, at timestamptz, PRIMARY KEY (org_id, id, at)) PARTITION BY RANGE (at);
			SELECT tenant_wall('loose');
			CREATE TABLE loose_rest PARTITION OF loose DEFAULT`, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
		if after := breaches(t, tx); !slices.Equal(after, before) {
			t.Errorf("breaches: %v; before: %v", after, before)
		}
	})
}

func TestWithoutAnOrganizationEveryTableIsEmpty(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := pgtest.Open(t, url, postgres.Options{MaxConns: 2})
	pgtest.Org(t, db, "Acme")
	pgtest.Org(t, db, "Globex")
	conn := connect(t, url)
	roles := []string{"tollgate_app"}
	if texts(t, conn, `SELECT current_setting('is_superuser')`)[0] == "off" {
		roles = append(roles, "none") // the login itself
	}
	for _, as := range roles {
		for _, table := range walledTables(t, conn) {
			undo(t, conn, func(tx pgx.Tx) {
				if _, err := tx.Exec(t.Context(), `SELECT set_config('role', $1, true)`, as); err != nil {
					t.Fatal(err)
				}
				var n int
				if err := tx.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil || n != 0 {
					t.Errorf("role %s sees %d rows of %s (error %v)", as, n, table, err)
				}
			})
		}
	}
}

// querier is a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// owner connects to a fresh database as the login that migrated it.
func owner(t *testing.T) *pgx.Conn {
	t.Helper()
	return connect(t, pgtest.URL(t))
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// undo runs fn in a transaction that is rolled back.
func undo(t *testing.T, conn *pgx.Conn, fn func(tx pgx.Tx)) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tx.Rollback(t.Context()); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
			t.Error(err)
		}
	}()
	fn(tx)
}

// list reads a file of testdata: a word a line, what follows it as the value, # for comments.
func list(t *testing.T, name string) map[string]string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	got := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if word, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), " "); word != "" && word != "#" {
			got[word] = strings.TrimSpace(rest)
		}
	}
	return got
}

// walledTables lists the tables on which one of the two roles has rights.
func walledTables(t *testing.T, q querier) []string {
	t.Helper()
	return texts(t, q, `SELECT c.relname FROM pg_class c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND has_table_privilege('tollgate_app', c.oid, 'SELECT')
		AND c.relrowsecurity ORDER BY 1`)
}

func texts(t *testing.T, q querier, sql string, args ...any) []string {
	t.Helper()
	rows, err := q.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// breaches reports every way in which the schema departs from the wall.
func breaches(t *testing.T, q querier) []string {
	t.Helper()
	global := list(t, "global_tables.txt")
	names, allowed, system := []string{}, []string{}, []string{}
	for name, access := range global {
		names, allowed = append(names, name), append(allowed, access)
		if access == "system" {
			system = append(system, name)
		}
	}
	definers := make([]string, 0)
	for name := range list(t, "security_definer.txt") {
		definers = append(definers, name)
	}
	var got []string
	for _, rule := range rules {
		sql := strings.ReplaceAll(rule.sql, "{tenant}", tenantTables)
		args := pgx.NamedArgs{"global": names, "allowed": allowed, "system": system, "definers": definers}
		for _, at := range texts(t, q, sql, args) {
			got = append(got, fmt.Sprintf("%s: %s", at, rule.says))
		}
	}
	slices.Sort(got)
	return got
}
