//go:build unix

// Package embedded runs a PostgreSQL 17 server of our own for installations that have none.
//
// The model: an installation has one place (a folder) that holds the cluster, its passwords and its log, and at most
// one process owns a place at a time, proven by a file lock. The server is a child of the owner and listens on the
// loopback address only. PostgreSQL refuses to run as root, so a root owner starts it under an unprivileged account;
// that account must be able to reach the files, which decides where place and binaries lie (see place.go).
//
// Invariants:
//   - Data survives every restart, also after kill -9 of the owner, of the server, or of both.
//   - A cluster appears whole or not at all: it is made beside its final name and renamed.
//   - Programs run only when the archive they came from has the checksum in checksums.txt.
//   - The login in URL is no superuser; row-level security binds it.
package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"tollgate/internal/fault"
)

// Config says where the server lives. The zero Config is not usable: DataDir is needed.
type Config struct {
	DataDir  string            // the installation's data folder; made when missing
	CacheDir string            // where the server's programs are kept; empty means DefaultCacheDir
	Logger   *slog.Logger      // empty means silence
	Settings map[string]string // PostgreSQL settings on top of our own ("fsync": "off")
}

// ErrInUse means that another live process owns the data folder.
var ErrInUse = fault.New(fault.Conflict, "database.in_use", "Another process uses this data folder.")

// Server is a running server. Make one with Start.
type Server struct {
	place   string
	port    int
	login   password
	process *process
	lock    *os.File
	log     *slog.Logger
}

// Start returns a server that accepts connections. The server ends with this process, at the latest when it dies.
// The first start fetches the server's programs (about 15 MB) and makes the cluster.
func Start(ctx context.Context, cfg Config) (*Server, error) { return start(ctx, cfg, attached) }

// StartDetached is Start for a server that outlives this process: the owner of such a server is whoever holds the
// means to stop it. PID names it.
func StartDetached(ctx context.Context, cfg Config) (*Server, error) {
	return start(ctx, cfg, detached)
}

func start(ctx context.Context, cfg Config, life lifetime) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	who, err := chooseAccount(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	place, err := who.place(ctx, cfg.DataDir)
	if err != nil {
		return nil, err
	}
	lock, err := lockPlace(place)
	if err != nil {
		return nil, err
	}
	srv, err := startLocked(ctx, cfg, who, place, life)
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	srv.lock, srv.log = lock, cfg.Logger
	return srv, nil
}

// startLocked does the work of start while this process owns the place.
func startLocked(ctx context.Context, cfg Config, who account, place string, life lifetime) (*Server, error) {
	bin, err := who.programs(ctx, cfg.CacheDir, cfg.Logger)
	if err != nil {
		return nil, err
	}
	c := cluster{place: place, bin: bin, who: who}
	if err := endPredecessor(ctx, c.data(), cfg.Logger); err != nil {
		return nil, err
	}
	secrets, err := c.ensure(ctx, cfg.Logger)
	if err != nil {
		return nil, err
	}
	proc, port, err := c.run(ctx, cfg.Settings, secrets, life)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, port, secrets); err != nil {
		_ = proc.stop(context.WithoutCancel(ctx), killAfter)
		return nil, fmt.Errorf("prepare the database: %w", err)
	}
	cfg.Logger.Info("embedded postgres is ready", "place", place, "port", port, "pid", proc.pid())
	return &Server{place: place, port: port, login: secrets.Login, process: proc}, nil
}

// URL is the connection URL of the application's login. It holds the password: do not log it.
func (s *Server) URL() string { return loginURL(loginName, s.login, s.port, databaseName) }

// Place is the folder that holds the cluster.
func (s *Server) Place() string { return s.place }

// PID is the process id of the server.
func (s *Server) PID() int { return s.process.pid() }

// Done is closed when the server has ended, whoever ended it.
func (s *Server) Done() <-chan struct{} { return s.process.done }

// killAfter is how long a server that was told to stop at once may take.
const killAfter = 5 * time.Second

// Stop shuts the server down: open transactions are rolled back, data is flushed, and Stop waits for the end. When
// ctx ends first, the server is stopped hard (the next start recovers from its log) and the error says so.
func (s *Server) Stop(ctx context.Context) error {
	err := s.process.stop(ctx, killAfter)
	_ = s.lock.Close()
	return err
}

// loginURL writes a connection URL for the loopback server.
func loginURL(user string, pass password, port int, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(user, string(pass)),
		Host:     fmt.Sprintf("127.0.0.1:%d", port),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// lockPlace proves that this process alone owns the place. The kernel drops the lock when the process dies, however
// it dies; the server does not inherit it.
func lockPlace(place string) (*os.File, error) {
	path := filepath.Join(place, "lock")
	f, err := tryLock(path)
	if err != nil {
		holder, _ := os.ReadFile(path) //nolint:gosec // our own file
		return nil, ErrInUse.Say("Another process (pid %s) uses the data folder %s.", holder, place).Because(err)
	}
	if err := f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "%d", os.Getpid())
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("write %s: %w", path, err)
		}
	}
	return f, nil
}
