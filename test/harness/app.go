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
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"tollgate/internal/porttest"
	"tollgate/test/replay"
)

var build = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // one build for all tests of a package
	if named := os.Getenv("TOLLGATE_TEST_BINARY"); named != "" {
		return named, nil
	}
	root, err := replay.Root()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "tollgate-build-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "tollgate")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/tollgate")
	cmd.Dir = root
	built = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	// Readable by the account that the embedded database runs as.
	return binary, os.Chmod(dir, 0o755)
})

// built is the folder that build made, if it was asked to.
var built string //nolint:gochecknoglobals // see build

// Binary is the program, built once for all tests of a package, or the one that TOLLGATE_TEST_BINARY names.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Main runs a package's tests and removes the program that they built.
func Main(m *testing.M) int {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
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

	t    testing.TB
	cfg  Config
	args []string
	log  *Log

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{}
	result error
}

// Start runs `tollgate run` and waits until both listeners are ready. It is stopped when the test ends.
func Start(t testing.TB, cfg Config) *App {
	t.Helper()
	if cfg.DataDir == "" {
		dir, err := os.MkdirTemp("", "tollgate-data-") //nolint:usetesting // t.TempDir is closed to the account that the database runs as
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		cfg.DataDir = dir
	}
	addrs := []string{porttest.Addr(t), porttest.Addr(t)}
	a := &App{t: t, cfg: cfg, API: "http://" + addrs[0], Gateway: "http://" + addrs[1], DataDir: cfg.DataDir, log: &Log{}}
	a.args = []string{"--addr", addrs[0], "--gateway-addr", addrs[1], "--data-dir", cfg.DataDir}
	Binary(t)
	a.Launch()
	t.Cleanup(func() {
		a.Kill()
		if t.Failed() {
			t.Logf("the program said:\n%s", a.log.tail(16<<10))
		}
	})
	a.WaitReady(60 * time.Second)
	return a
}

func (a *App) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, Binary(a.t), args...)
	for _, kv := range os.Environ() { // the tests' own database is not the program's
		if name, _, _ := bytes.Cut([]byte(kv), []byte("=")); string(name) != "DATABASE_URL" {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "TOLLGATE_EGRESS_ALLOW=127.0.0.0/8", "TOLLGATE_LOG_FORMAT=json")
	if a.cfg.DatabaseURL != "" {
		cmd.Env = append(cmd.Env, "DATABASE_URL="+a.cfg.DatabaseURL)
	}
	cmd.Env = append(cmd.Env, a.cfg.Env...)
	cmd.Dir = a.DataDir
	return cmd
}

// Launch starts the process and does not wait for it to be ready.
func (a *App) Launch() {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	cmd := a.command(context.WithoutCancel(a.t.Context()), append([]string{"run"}, a.args...)...)
	cmd.Stdout, cmd.Stderr = a.log, a.log
	if err := cmd.Start(); err != nil {
		a.t.Fatalf("start: %v", err)
	}
	ended := make(chan struct{})
	a.cmd, a.ended = cmd, ended
	go func() {
		err := cmd.Wait()
		a.mu.Lock()
		a.result = err
		a.mu.Unlock()
		close(ended)
	}()
}

func (a *App) process() (*os.Process, chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cmd.Process, a.ended
}

// PID is the running process.
func (a *App) PID() int {
	p, _ := a.process()
	return p.Pid
}

// Kill ends the process as a power cut would: SIGKILL.
func (a *App) Kill() {
	p, ended := a.process()
	_ = p.Kill()
	<-ended
}

// Terminate sends SIGTERM and does not wait.
func (a *App) Terminate() {
	p, _ := a.process()
	_ = p.Signal(syscall.SIGTERM)
}

// Wait waits for the process to end and returns how it did: nil for status 0.
func (a *App) Wait(limit time.Duration) error {
	_, ended := a.process()
	select {
	case <-ended:
	case <-time.After(limit):
		return fmt.Errorf("still running after %s", limit)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.result
}

// Log is everything that the program has written so far.
func (a *App) Log() []byte { return a.log.bytes() }

// WaitReady waits for /readyz of both listeners.
func (a *App) WaitReady(limit time.Duration) {
	a.t.Helper()
	deadline := time.Now().Add(limit)
	for _, url := range []string{a.API + "/readyz", a.Gateway + "/readyz"} {
		for !answers(a.t.Context(), url) {
			_, ended := a.process()
			select {
			case <-ended:
				a.t.Fatalf("the program ended: %v\n%s", a.Wait(0), a.log.tail(4<<10))
			default:
			}
			if time.Now().After(deadline) {
				a.t.Fatalf("%s is not ready after %s\n%s", url, limit, a.log.tail(4<<10))
			}
			time.Sleep(10 * time.Millisecond)
		}
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
