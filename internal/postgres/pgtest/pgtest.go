// Package pgtest gives a test a PostgreSQL database of its own: migrated, empty, gone afterwards.
//
// One server serves every test process of a machine (see server.go); TOLLGATE_TEST_DATABASE_URL or DATABASE_URL names
// another. A database is a copy of a template that is migrated once for each state of the migrations. The login is
// the kind that an installation has: it owns its databases and is no superuser. A missing server fails the test.
package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
	"tollgate/migrations"
)

// New returns a fresh, migrated database.
func New(t testing.TB) *postgres.DB {
	t.Helper()
	return Open(t, URL(t), postgres.Options{MaxConns: 10})
}

// Open opens the database at url and closes it when the test ends.
func Open(t testing.TB, url string, opts postgres.Options) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, opts)
	if err != nil {
		t.Fatalf("open the test database: %v", err)
	}
	t.Cleanup(db.Close)
	return db
}

// URL returns the connection URL of a fresh, migrated database.
func URL(t testing.TB) string {
	t.Helper()
	s := serve(t)
	template, err := s.template(t.Context())
	if err != nil {
		t.Fatalf("migrate the template database: %v", err)
	}
	return s.database(t, template)
}

// Empty returns the connection URL of a fresh database without any migration.
func Empty(t testing.TB) string {
	t.Helper()
	return serve(t).database(t, "template1")
}

// Org makes an organization with an owner and a first team, and returns the owner's scope.
func Org(t testing.TB, db *postgres.DB, name string) (tenant.Scope, id.Team) {
	t.Helper()
	org, user, team := id.Org(id.New("org")), id.User(id.New("user")), id.Team(id.New("team"))
	err := db.InSystem(t.Context(), "test data", func(tx *gorm.DB) error {
		return tx.Exec(`WITH
			o AS (INSERT INTO orgs (id, name) VALUES (@org, @name)),
			u AS (INSERT INTO users (id, email, password_hash, name) VALUES (@user, @user || '@example.test', 'none', @name)),
			m AS (INSERT INTO members (org_id, user_id, role) VALUES (@org, @user, 'owner'))
			INSERT INTO teams (org_id, id, name) VALUES (@org, @team, 'First team')`,
			map[string]any{"org": string(org), "user": string(user), "team": string(team), "name": name}).Error
	})
	if err != nil {
		t.Fatalf("make organization %s: %v", name, err)
	}
	return tenant.Authenticated(org, tenant.Actor{User: user}, tenant.Owner), team
}

// serve attaches to the server and keeps it alive for as long as the test runs.
func serve(t testing.TB) server {
	t.Helper()
	s, err := attach(t.Context())
	if err != nil {
		t.Fatalf("no PostgreSQL for tests: %v", err)
	}
	over := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(leaseEvery)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				_ = s.touch() // a lease that is gone shows as a lost connection
			}
		}
	}()
	t.Cleanup(func() {
		close(over)
		<-ended
	})
	return s
}

// database copies the template and drops the copy when the test ends.
func (s server) database(t testing.TB, template string) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	if err := s.exec(t.Context(), `CREATE DATABASE `+quote(name)+` TEMPLATE `+quote(template)); err != nil {
		t.Fatalf("make the test database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		// The session of another login cannot be ended by ours; one that a test has just closed may need a moment to be gone.
		for {
			err := s.exec(ctx, `DROP DATABASE `+quote(name)+` WITH (FORCE)`)
			if err == nil {
				return
			}
			select {
			case <-ctx.Done():
				t.Errorf("drop the test database: %v", err)
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return s.at(name)
}

// at is the URL of another database on the server.
func (s server) at(database string) string {
	u, err := url.Parse(s.url)
	if err != nil {
		return s.url
	}
	u.Path = "/" + database
	return u.String()
}

func (s server) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// templateTurn is the advisory lock that lets one process at a time make templates.
const templateTurn = 7_016_996_765_293_437_282

// template returns the name of the database that has today's migrations, made when missing: beside its name, then
// renamed, so that a failed or killed migration leaves none.
func (s server) template(ctx context.Context) (string, error) {
	sum, err := fingerprint()
	if err != nil {
		return "", err
	}
	name := "template_" + sum
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if have, err := exists(ctx, conn, name); have || err != nil {
		return name, err
	}
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(templateTurn)); err != nil { // closing gives it back
		return "", err
	}
	if have, err := exists(ctx, conn, name); have || err != nil {
		return name, err
	}
	work := name + "_new"
	if _, err := conn.Exec(ctx, `DROP DATABASE IF EXISTS `+quote(work)+` WITH (FORCE)`); err != nil {
		return "", err
	}
	if _, err := conn.Exec(ctx, `CREATE DATABASE `+quote(work)); err != nil {
		return "", err
	}
	if err := postgres.Migrate(ctx, s.at(work)); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, `ALTER DATABASE `+quote(work)+` RENAME TO `+quote(name))
	return name, err
}

func exists(ctx context.Context, conn *pgx.Conn, database string) (have bool, err error) {
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, database).Scan(&have)
	return have, err
}

// fingerprint is the state of the migrations.
func fingerprint() (string, error) {
	h := sha256.New()
	err := fs.WalkDir(migrations.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(migrations.FS, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:16], err
}
