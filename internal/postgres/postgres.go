// Package postgres is the way to the database: one pool, two doors and no other.
//
// InTenant runs a transaction that sees one organization's rows; InSystem runs one that sees all, for what happens
// before the tenant is known or across tenants. Both take on a role for the length of the transaction, and the row
// policies in the schema hold for that role. The login itself has no policy: a query outside the doors finds nothing.
//
// Invariants:
//   - No handle leaves this package but a transaction's, and none outlives its transaction.
//   - Role and organization are set by the transaction (SET LOCAL), so a connection goes back to the pool with
//     neither, whether the transaction was committed, rolled back, cancelled or cut off.
//   - Statements and values are never logged.
//   - A door inside a door takes a second connection and can wait for ever on a full pool: do not nest them.
package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	driver "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"tollgate/internal/tenant"
)

// Options tune a DB. The zero Options are sound.
type Options struct {
	MaxConns int          // most connections at once; 0 means the driver's choice (4, or the number of processors)
	Logger   *slog.Logger // nil means silence
	Lazy     bool         // do not ask the server for a sign of life: it may be down, and every use says so
}

// DB is the pool behind the doors. Make one with Open.
type DB struct {
	pool *pgxpool.Pool
	sql  *sql.DB  // a face of the same pool, for gorm
	gorm *gorm.DB // speaks through sql
	log  *slog.Logger
}

// Open connects and fails with ErrDown when the server does not answer, unless opts say Lazy.
func Open(ctx context.Context, url string, opts Options) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errURL // the driver's text may quote the URL and its password
	}
	if !strings.Contains(url, "connect_timeout") {
		cfg.ConnConfig.ConnectTimeout = connectPatience
	}
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC" // hours and days are cut in UTC on every server
	if opts.MaxConns > 0 {
		cfg.MaxConns = int32(min(opts.MaxConns, 10_000))
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, translate(err)
	}
	if err := inspect(ctx, pool, opts.Logger); err != nil && !opts.Lazy {
		pool.Close()
		return nil, translate(err)
	}
	face := stdlib.OpenDBFromPool(pool)
	handle, err := gorm.Open(driver.New(driver.Config{Conn: face}), &gorm.Config{
		// pgx keeps prepared statements per connection already; a second layer would only add locks.
		PrepareStmt:            false,
		SkipDefaultTransaction: true, // every statement is in one of ours
		TranslateError:         false,
		Logger:                 logger.Discard, // gorm's logger prints values
		DisableAutomaticPing:   true,
	})
	if err != nil {
		_ = face.Close()
		pool.Close()
		return nil, fmt.Errorf("open gorm: %w", err)
	}
	return &DB{pool: pool, sql: face, gorm: handle, log: opts.Logger}, nil
}

// connectPatience bounds one attempt to connect, where the URL does not.
const connectPatience = 5 * time.Second

// inspect proves that the server answers, and warns of a login that needs no door: the doors hold for it too, but a
// query outside them would see everything.
func inspect(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	var unbound bool
	err := pool.QueryRow(ctx, `SELECT current_setting('is_superuser') = 'on' OR EXISTS (
		SELECT FROM pg_roles WHERE rolname IN ($1, $2) AND pg_has_role(current_user, oid, 'USAGE'))`,
		string(appRole), string(systemRole)).Scan(&unbound)
	if unbound {
		log.Warn("the database login is a superuser or inherits the application's roles; " +
			"use one that is no superuser and was granted them WITH INHERIT FALSE")
	}
	return err
}

// Close waits for running transactions and closes every connection.
func (db *DB) Close() {
	_ = db.sql.Close() // holds no connection of its own
	db.pool.Close()
}

// Ping asks the server for a sign of life; ErrDown when there is none.
func (db *DB) Ping(ctx context.Context) error { return translate(db.pool.Ping(ctx)) }

// role is what a transaction takes on. Both are made by the first migration.
type role string

const (
	appRole    role = "tollgate_app"
	systemRole role = "tollgate_system"
)

// enter is one round trip: the role and the organization, both until the transaction ends.
const enter = `SELECT set_config('role', $1, true), set_config('app.org_id', $2, true)`

// InTenant runs fn in one transaction that can see and write one organization's rows only. It commits when fn returns
// nil. An error of fn comes back translated: see ErrNoRow, Conflict, Reference, ErrDown, ErrBusy.
func (db *DB) InTenant(ctx context.Context, in tenant.Scope, fn func(tx *gorm.DB) error) error {
	if err := in.Check(); err != nil {
		return err
	}
	return db.transact(ctx, appRole, string(in.Org()), fn)
}

// InSystem runs fn in one transaction that sees every organization. reason is a short constant that says why the
// tenant wall is passed; the callers and their reasons are listed in testdata/system_callers.txt.
func (db *DB) InSystem(ctx context.Context, reason string, fn func(tx *gorm.DB) error) error {
	if reason == "" {
		return errNoReason
	}
	return db.transact(ctx, systemRole, "", fn)
}

func (db *DB) transact(ctx context.Context, as role, org string, fn func(tx *gorm.DB) error) error {
	return translate(db.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec(enter, string(as), org).Error; err != nil {
			return err
		}
		return fn(tx)
	}))
}

// InTenantPgx is InTenant for hot SQL.
func (db *DB) InTenantPgx(ctx context.Context, in tenant.Scope, fn func(tx pgx.Tx) error) error {
	if err := in.Check(); err != nil {
		return err
	}
	return db.transactPgx(ctx, appRole, string(in.Org()), fn)
}

// InSystemPgx is InSystem for hot SQL.
func (db *DB) InSystemPgx(ctx context.Context, reason string, fn func(tx pgx.Tx) error) error {
	if reason == "" {
		return errNoReason
	}
	return db.transactPgx(ctx, systemRole, "", fn)
}

func (db *DB) transactPgx(ctx context.Context, as role, org string, fn func(tx pgx.Tx) error) error {
	return translate(pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, enter, string(as), org); err != nil {
			return err
		}
		return fn(tx)
	}))
}
