package pgtest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/postgres/embedded"
)

// Test packages are processes that come and go, so the server belongs to none of them: the first one starts it
// detached, the others find it, and a watchdog ends it some minutes after the last test touched its lease.
//
// <base>/current names the folder of the live server; that folder holds url and lease.

//go:embed watchdog.sh
var watchdog string

// leaseEvery is how often a running test touches the lease; the watchdog's patience is many times that.
const leaseEvery = 20 * time.Second

// server is a server that tests may make databases on.
type server struct {
	url   string // of the database to give commands in
	lease string // file to touch; empty when the server is not ours
}

// attach finds or starts the server.
func attach(ctx context.Context) (server, error) {
	for _, name := range []string{"TOLLGATE_TEST_DATABASE_URL", "DATABASE_URL"} {
		if url := os.Getenv(name); url != "" {
			return server{url: url}, nil
		}
	}
	base, err := baseDir()
	if err != nil {
		return server{}, err
	}
	lock, err := embedded.Lock(filepath.Join(base, "lock"))
	if err != nil {
		return server{}, err
	}
	defer func() { _ = lock.Close() }()
	if s, ok := find(ctx, base); ok {
		return s, nil
	}
	return launch(ctx, base)
}

// baseDir is this user's folder for test servers. Others can look into it (the server's account is not ours) and not
// write.
func baseDir() (string, error) {
	base := filepath.Join(os.TempDir(), "tollgate-pgtest-"+strconv.Itoa(os.Getuid()))
	if err := os.Mkdir(base, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	var st syscall.Stat_t
	if err := syscall.Lstat(base, &st); err != nil {
		return "", err
	}
	if int(st.Uid) != os.Getuid() || st.Mode&syscall.S_IFMT != syscall.S_IFDIR || st.Mode&0o022 != 0 {
		return "", fmt.Errorf("%s is not a folder that only we may write", base)
	}
	return base, nil
}

// find returns the live server. The order matters: touch, ask, look again; the watchdog takes the lease away before
// it looks for the last time, so a server that passes is not about to end.
func find(ctx context.Context, base string) (server, bool) {
	dir, err := os.ReadFile(filepath.Join(base, "current"))
	if err != nil {
		return server{}, false
	}
	url, err := os.ReadFile(filepath.Join(string(dir), "url"))
	if err != nil {
		return server{}, false
	}
	s := server{url: string(url), lease: filepath.Join(string(dir), "lease")}
	if s.touch() != nil || s.ping(ctx) != nil {
		return server{}, false
	}
	_, err = os.Stat(s.lease)
	return s, err == nil
}

func (s server) touch() error {
	if s.lease == "" {
		return nil
	}
	now := time.Now()
	return os.Chtimes(s.lease, now, now)
}

func (s server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// launch starts a server that outlives this process, and its watchdog. Durability is off: nothing here is worth it.
func launch(ctx context.Context, base string) (server, error) {
	dir, err := os.MkdirTemp(base, "server-")
	if err != nil {
		return server{}, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return server{}, err
	}
	srv, err := embedded.StartDetached(ctx, embedded.Config{
		DataDir:  dir,
		CacheDir: os.Getenv("TOLLGATE_CACHE_DIR"),
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Settings: map[string]string{
			"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal",
			"max_wal_senders": "0", "max_connections": "200", "shared_buffers": "64MB", "autovacuum_naptime": "1d",
			"checkpoint_timeout": "1h", "max_wal_size": "4GB",
		},
	})
	if err != nil {
		return server{}, errors.Join(err, os.RemoveAll(dir))
	}
	s := server{url: srv.URL(), lease: filepath.Join(dir, "lease")}
	return s, errors.Join(
		os.WriteFile(s.lease, nil, 0o600),
		os.WriteFile(filepath.Join(dir, "url"), []byte(s.url), 0o600),
		watch(dir, srv.Place(), srv.PID()),
		os.WriteFile(filepath.Join(base, "current"), []byte(dir), 0o600),
	)
}

// watch starts the watchdog in a session of its own, with no tie to this process's output: go test waits for those
// that hold it.
func watch(dir, place string, pid int) error {
	cmd := exec.Command("/bin/sh", "-c", watchdog, "watchdog", dir, place, strconv.Itoa(pid)) // no context: it outlives us
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the watchdog: %w", err)
	}
	return cmd.Process.Release()
}

// quote writes an SQL identifier.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
