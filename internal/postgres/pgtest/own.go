package pgtest

import (
	"context"
	"os"
	"testing"
	"time"

	"tollgate/internal/postgres/embedded"
)

// Own is a server that one test has for itself, so that it may stop it. Its URL stays the same across a stop and a
// start.
type Own struct {
	t   testing.TB
	dir string
	srv *embedded.Server
}

// OwnServer starts a server for this test alone. It costs about two seconds: use New unless the server must fail.
func OwnServer(t testing.TB) *Own {
	t.Helper()
	// As root the tests run the server as another account.
	dir, err := os.MkdirTemp("", "tollgate-own-") //nolint:usetesting // the parents of t.TempDir are closed to that account
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	o := &Own{t: t, dir: dir}
	o.Start()
	t.Cleanup(func() {
		o.Stop()
		_ = os.RemoveAll(o.srv.Place())
		_ = os.RemoveAll(dir)
	})
	return o
}

// URL is the connection URL of the application's database. It is not migrated.
func (o *Own) URL() string { return o.srv.URL() }

// Start starts the server again after Stop.
func (o *Own) Start() {
	o.t.Helper()
	srv, err := embedded.Start(o.t.Context(), embedded.Config{
		DataDir:  o.dir,
		CacheDir: os.Getenv("TOLLGATE_CACHE_DIR"),
		Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB"},
	})
	if err != nil {
		o.t.Fatalf("start a server: %v", err)
	}
	o.srv = srv
}

// Stop shuts the server down and waits. Stopping a stopped server does nothing.
func (o *Own) Stop() {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := o.srv.Stop(ctx); err != nil {
		o.t.Errorf("stop the server: %v", err)
	}
}
