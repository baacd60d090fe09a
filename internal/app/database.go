package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tollgate/internal/postgres"
	"tollgate/internal/postgres/embedded"
	"tollgate/internal/secret"
)

// lazyPatience is how long a process that serves without its database waits for a first sign of it.
const lazyPatience = time.Second

// openDatabase connects to DATABASE_URL. lazy: also when it does not answer, for processes that serve without it.
func openDatabase(ctx context.Context, cfg Config, log *slog.Logger, lazy bool) (*postgres.DB, func(), error) {
	if lazy {
		limited, cancel := context.WithTimeout(ctx, lazyPatience)
		defer cancel()
		ctx = limited
	}
	db, err := postgres.Open(ctx, cfg.DatabaseURL.Reveal(), postgres.Options{MaxConns: cfg.DatabaseConns, Logger: log, Lazy: lazy})
	if err != nil {
		return nil, nil, fmt.Errorf("database: %w", err)
	}
	return db, db.Close, nil
}

// Migrate brings the database up to date.
func Migrate(ctx context.Context, cfg Config) error {
	return postgres.Migrate(ctx, cfg.DatabaseURL.Reveal())
}

const (
	// stopLimit bounds the clean end of the embedded server.
	stopLimit = 20 * time.Second
	// restartPause lets an embedded server that died rest before it is started again.
	restartPause = time.Second
	// urlFile tells commands beside a running process where its embedded database is. It holds a password: mode 0600.
	urlFile = "database.url"
)

// ownDatabase is the embedded Postgres of a data folder, started again when it dies.
type ownDatabase struct {
	cfg    embedded.Config
	log    *slog.Logger
	url    string
	cancel context.CancelFunc
	ended  chan struct{}
	note   string
}

// startOwnDatabase starts the embedded Postgres of cfg's data folder. Stop ends it.
func startOwnDatabase(ctx context.Context, cfg Config, log *slog.Logger) (*ownDatabase, error) {
	d := &ownDatabase{
		cfg:   embedded.Config{DataDir: cfg.DataDir, CacheDir: cfg.CacheDir, Logger: log},
		log:   log,
		ended: make(chan struct{}),
		note:  filepath.Join(cfg.DataDir, urlFile),
	}
	srv, err := embedded.Start(ctx, d.cfg)
	if err != nil {
		return nil, cfg.inUse(fmt.Errorf("embedded postgres: %w", err))
	}
	d.url = srv.URL()
	if err := os.WriteFile(d.note, []byte(d.url), 0o600); err != nil {
		log.Warn("commands beside this process will not find its database", "error", err)
	}
	watch, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.cancel = cancel
	go d.keep(watch, srv)
	return d, nil
}

// keep holds the server up until ctx ends, then stops it.
func (d *ownDatabase) keep(ctx context.Context, srv *embedded.Server) {
	defer close(d.ended)
	for {
		select {
		case <-ctx.Done():
			d.halt(ctx, srv)
			return
		case <-srv.Done():
		}
		d.log.Error("the embedded postgres ended by itself; it is started again")
		d.halt(ctx, srv) // gives the data folder back
		for {
			if sleep(ctx, restartPause) != nil {
				return
			}
			next, err := embedded.Start(ctx, d.cfg)
			if err == nil {
				srv = next
				break
			}
			d.log.Error("the embedded postgres does not start", "error", err)
		}
	}
}

func (d *ownDatabase) halt(ctx context.Context, srv *embedded.Server) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	select {
	case <-srv.Done():
		_ = srv.Stop(limited) // it is dead already; this gives the folder back
	default:
		if err := srv.Stop(limited); err != nil {
			d.log.Error("the embedded postgres did not stop cleanly", "error", err)
		}
	}
}

// Stop ends the server and waits for it.
func (d *ownDatabase) Stop() {
	_ = os.Remove(d.note)
	d.cancel()
	<-d.ended
}

// withDatabase runs do on the installation's database: DATABASE_URL, else the embedded one, which is started for the time or
// shared with the process that runs it.
func withDatabase(ctx context.Context, cfg Config, log *slog.Logger, do func(*postgres.DB) error) error {
	if cfg.DatabaseURL.Empty() {
		own, err := startOwnDatabase(ctx, cfg, log)
		switch {
		case errors.Is(err, embedded.ErrInUse):
			url, readErr := os.ReadFile(filepath.Join(cfg.DataDir, urlFile))
			if readErr != nil {
				return errors.Join(err, readErr)
			}
			cfg.DatabaseURL = secret.NewText(string(url))
		case err != nil:
			return err
		default:
			defer own.Stop()
			cfg.DatabaseURL = secret.NewText(own.url)
			if err := Migrate(ctx, cfg); err != nil {
				return err
			}
		}
	}
	db, closeDB, err := openDatabase(ctx, cfg, log, false)
	if err != nil {
		return err
	}
	defer closeDB()
	return do(db)
}
