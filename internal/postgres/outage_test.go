package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
)

func TestAnOutageIsSaidAndEnds(t *testing.T) {
	t.Parallel()
	own := pgtest.OwnServer(t)
	if err := postgres.Migrate(t.Context(), own.URL()); err != nil {
		t.Fatal(err)
	}
	url := own.URL()
	db := pgtest.Open(t, url, postgres.Options{MaxConns: 4})
	acme, _ := pgtest.Org(t, db, "Acme")
	heard := make(chan string, 100)
	listening, stopListening := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return db.Listen(listening, "news", func(p string) { heard <- p }) })
	expect(t, heard, "")

	held := make(chan struct{})
	cut := make(chan error, 1)
	go func() {
		cut <- db.InTenant(t.Context(), acme, func(tx *gorm.DB) error {
			close(held)
			return tx.Exec(`SELECT pg_sleep(60)`).Error
		})
	}()
	<-held
	own.Stop()
	if err := <-cut; !errors.Is(err, postgres.ErrDown) {
		t.Errorf("a transaction that the shutdown cut: %v", err)
	}
	doors := map[string]func() error{
		"InTenant":    func() error { return db.InTenant(t.Context(), acme, func(*gorm.DB) error { return nil }) },
		"InSystem":    func() error { return db.InSystem(t.Context(), "test", func(*gorm.DB) error { return nil }) },
		"InTenantPgx": func() error { return db.InTenantPgx(t.Context(), acme, func(pgx.Tx) error { return nil }) },
		"Ping":        func() error { return db.Ping(t.Context()) },
		"Open":        func() error { _, err := postgres.Open(t.Context(), url, postgres.Options{}); return err },
		"Migrate":     func() error { return postgres.Migrate(t.Context(), url) },
	}
	for range 3 { // more often than there were connections to lose
		for name, door := range doors {
			if err := door(); !errors.Is(err, postgres.ErrDown) {
				t.Errorf("%s while the server is down: %v", name, err)
			}
		}
	}

	own.Start()
	if own.URL() != url {
		t.Error("the URL changed over a restart")
	}
	if got := teams(t, db, acme); len(got) != 1 {
		t.Errorf("teams after the outage: %v", got)
	}
	expect(t, heard, "")
	notify(t, url, "again")
	expect(t, heard, "again")
	stopListening()
	if err := g.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Listen ended with %v", err)
	}
}

func TestListenHearsEveryNoticeAndSurvivesItsConnection(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := pgtest.Open(t, url, postgres.Options{MaxConns: 2})
	heard := make(chan string, 100)
	listening, stop := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return db.Listen(listening, `odd "name"`, func(p string) { heard <- p }) })
	defer func() {
		stop()
		_ = g.Wait()
	}()
	expect(t, heard, "")
	conn := connect(t, url)
	for range 3 {
		for _, word := range []string{"one", "two"} {
			mustExec(t, conn, `NOTIFY "odd ""name""", '`+word+`'`)
			expect(t, heard, word)
		}
		mustExec(t, conn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
		expect(t, heard, "")
	}
}

func expect(t *testing.T, heard <-chan string, want string) {
	t.Helper()
	select {
	case got := <-heard:
		if got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("did not hear %q", want)
	}
}

func notify(t *testing.T, url, word string) {
	t.Helper()
	mustExec(t, connect(t, url), `NOTIFY news, '`+word+`'`)
}

func TestAURLThatCannotBeReadIsNotRepeated(t *testing.T) {
	t.Parallel()
	const bad = "postgres://user:hunter2@host:notaport/name"
	_, err := postgres.Open(t.Context(), bad, postgres.Options{})
	for _, err := range []error{err, postgres.Migrate(t.Context(), bad)} {
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error = %v", err)
		}
	}
}
