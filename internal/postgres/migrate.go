package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"tollgate/migrations"
)

// Migrate applies the migrations that the database lacks. Processes that start together wait for one of them to do
// it. The login needs the right to make tables; see migrations/00001_roles.sql for roles.
func Migrate(ctx context.Context, url string) error {
	return migrate(url, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// MigrateDown undoes every migration above version: all data in them is lost. It is for tests and for an operator who
// goes back a release.
func MigrateDown(ctx context.Context, url string, version int64) error {
	return migrate(url, func(p *goose.Provider) error {
		_, err := p.DownTo(ctx, version)
		return err
	})
}

func migrate(url string, do func(*goose.Provider) error) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return errURL
	}
	db := stdlib.OpenDB(*cfg)
	defer func() { _ = db.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS, goose.WithSessionLocker(turn{}))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if err := do(provider); err != nil {
		return fmt.Errorf("migrate: %w", translate(err))
	}
	return nil
}

// turn makes processes migrate one after the other. Unlike goose's own locker, which looks every few seconds, it waits
// in the server's queue, so that the second of two processes starts as soon as the first is done.
type turn struct{}

// turnKey is the advisory lock's number; any constant will do.
const turnKey = 7_016_996_765_293_437_281

func (turn) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(turnKey))
	return err
}

func (turn) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, int64(turnKey))
	return err
}
