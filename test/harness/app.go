// Package harness runs the real program as a child process and talks to it as its users do: the command line, the JSON API, the
// gateway's URL. Tests that use it know nothing of what is inside.
package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"tollgate/internal/porttest"
)

// Binary is the program, built once for all tests of a package, or the one that TOLLGATE_TEST_BINARY names.
func Binary(t testing.TB) string {
	t.Helper()
	if named := os.Getenv("TOLLGATE_TEST_BINARY"); named != "" {
		return named
	}
	return programs.program(t, "cmd/tollgate")
}

// Main runs a package's tests and removes the programs that they built.
func Main(m *testing.M) int {
	code := m.Run()
	programs.remove()
	return code
}

// Config says how the program is started. The zero Config is an embedded database in a folder of its own.
type Config struct {
	DatabaseURL string   // empty: embedded
	DataDir     string   // empty: a temporary one
	Env         []string // NAME=value
}

// App is one installation; its process may be killed and started again on the same addresses and data.
type App struct {
	API     string // URL of dashboard and JSON API
	Gateway string // URL of the data plane
	DataDir string

	process
	cfg  Config
	args []string
}

// Start runs `tollgate run` and waits until both listeners are ready. It is stopped when the test ends.
func Start(t testing.TB, cfg Config) *App {
	t.Helper()
	if cfg.DataDir == "" {
		cfg.DataDir = folder(t)
	}
	addrs := []string{porttest.Addr(t), porttest.Addr(t)}
	a := &App{cfg: cfg, API: "http://" + addrs[0], Gateway: "http://" + addrs[1], DataDir: cfg.DataDir}
	a.args = []string{"--addr", addrs[0], "--gateway-addr", addrs[1], "--data-dir", cfg.DataDir}
	a.process = process{t: t, log: &Log{}, run: func() *exec.Cmd {
		return a.command(context.WithoutCancel(t.Context()), append([]string{"run"}, a.args...)...)
	}}
	Binary(t)
	a.Launch()
	a.cleanup()
	a.WaitReady(60 * time.Second)
	return a
}

// folder is a folder that is gone after the test, and open to the account that the embedded database runs as; t.TempDir is not.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tollgate-data-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (a *App) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, Binary(a.t), args...)
	cmd.Env = a.cfg.environment()
	cmd.Dir = a.DataDir
	return cmd
}

// environment is that of a program of the installation.
func (c *Config) environment() []string {
	var env []string
	for _, kv := range os.Environ() { // the tests' own database is not the program's
		if name, _, _ := bytes.Cut([]byte(kv), []byte("=")); string(name) != "DATABASE_URL" {
			env = append(env, kv)
		}
	}
	env = append(env, "TOLLGATE_EGRESS_ALLOW=127.0.0.0/8", "TOLLGATE_LOG_FORMAT=json")
	if c.DatabaseURL != "" {
		env = append(env, "DATABASE_URL="+c.DatabaseURL)
	}
	return append(env, c.Env...)
}

// DatabaseURL is that of Config.
func (a *App) DatabaseURL() string { return a.cfg.DatabaseURL }

// WaitReady waits for /readyz of both listeners.
func (a *App) WaitReady(limit time.Duration) {
	a.t.Helper()
	if err := a.ready(limit, a.API+"/readyz", a.Gateway+"/readyz"); err != nil {
		a.t.Fatal(err)
	}
}

func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode == http.StatusOK
}

// Command runs another command of the program against this installation and returns its standard output.
func (a *App) Command(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(a.t.Context(), time.Minute)
	defer cancel()
	cmd := a.command(ctx, append(args, a.args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("tollgate %v: %w\n%s", args, err, stderr.Bytes())
	}
	return out, nil
}

// CLI runs a command of the program that talks to a running installation over its API, and returns all that it printed.
func (a *App) CLI(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(a.t.Context(), time.Minute)
	defer cancel()
	return a.command(ctx, args...).CombinedOutput()
}

// Eventually waits until try returns nil.
func Eventually(t testing.TB, limit time.Duration, try func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %v", limit, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// ErrNotYet is for Eventually.
var ErrNotYet = errors.New("not yet")

// Log keeps a process's output.
type Log struct {
	mu  sync.Mutex
	buf []byte
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, p...)
	return len(p), nil
}

func (l *Log) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.buf)
}

func (l *Log) tail(n int) []byte {
	b := l.bytes()
	return b[max(0, len(b)-n):]
}
