package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/porttest"
	"tollgate/internal/secret"
)

// heard is a log that a test can read while it is written.
type heard struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.String()
}

// running is one process of the program, inside the test's.
type running struct {
	t    *testing.T
	cfg  Config
	log  *heard
	out  *heard
	stop context.CancelFunc
	end  chan error
}

// play starts a process and waits until its listeners answer /livez.
func play(t *testing.T, cfg Config, run func(context.Context, Config, io.Writer, *slog.Logger) error) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := &running{t: t, cfg: cfg, log: &heard{}, out: &heard{}, stop: stop, end: make(chan error, 1)}
	log := slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	go func() { p.end <- run(ctx, cfg, p.out, log) }()
	t.Cleanup(func() {
		stop()
		p.ended()
		if t.Failed() {
			t.Logf("the log:\n%s", p.log)
		}
	})
	return p
}

// parts is a run of some parts over DATABASE_URL.
func parts(list ...Part) func(context.Context, Config, io.Writer, *slog.Logger) error {
	return func(ctx context.Context, cfg Config, out io.Writer, log *slog.Logger) error {
		return Run(ctx, cfg, out, log, list...)
	}
}

// ended waits for the process and gives how it ended. It may be asked again.
func (p *running) ended() error {
	select {
	case err := <-p.end:
		p.end <- err
		return err
	case <-time.After(60 * time.Second):
		p.t.Errorf("the process does not end; its log:\n%s", p.log)
		return fmt.Errorf("still running")
	}
}

// settings are those of an installation in folders of its own, on ports of its own.
func settings(t *testing.T, databaseURL string) Config {
	t.Helper()
	cfg, err := ReadConfig()
	if err != nil {
		t.Fatal(err)
	}
	cfg.DatabaseURL = secret.NewText(databaseURL)
	cfg.KEK, cfg.KEKFile = secret.NewText("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="), ""
	cfg.DataDir = t.TempDir()
	cfg.DatabaseConns = 6
	cfg.LogLevel = slog.LevelDebug
	return onFreePorts(t, cfg)
}

// onFreePorts moves an installation to other ports.
func onFreePorts(t *testing.T, cfg Config) Config {
	t.Helper()
	cfg.Addr, cfg.GatewayAddr, cfg.MetricsAddr = porttest.Addr(t), porttest.Addr(t), ""
	cfg.PublicURL, cfg.GatewayURL = "", ""
	if err := cfg.Check(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// openDir is a folder that the account of an embedded server can reach when the tests run as root; t.TempDir is not.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tollgate-app-") //nolint:usetesting // t.TempDir is closed to the account that the database runs as
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// eventually polls until check is nil.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	every(t, 10*time.Millisecond, what, check)
}

func every(t *testing.T, pause time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(pause)
	}
}

// answers waits for a 200.
func answers(t *testing.T, url string) {
	t.Helper()
	eventually(t, url, func() error {
		status, body, err := ask(t, http.MethodGet, url, "", nil)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("%d %s %w", status, body, err)
		}
		return nil
	})
}

// ask sends one request; bearer is a token or a virtual key.
func ask(t *testing.T, method, url, bearer string, body any) (int, []byte, error) {
	t.Helper()
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, in)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return res.StatusCode, got, err
}

// must is ask for JSON that has to work.
func must(t *testing.T, method, url, bearer string, body any) map[string]any {
	t.Helper()
	status, got, err := ask(t, method, url, bearer, body)
	if err != nil || status/100 != 2 {
		t.Fatalf("%s %s: %d %s %v", method, url, status, got, err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(got, &out); err != nil {
		t.Fatalf("%s %s: %s: %v", method, url, got, err)
	}
	return out
}

func chat(model, say string) map[string]any {
	return map[string]any{"model": model, "messages": []map[string]string{{"role": "user", "content": say}}}
}

// call makes one sandbox call and gives its status.
func (p *running) call(key string) (int, error) {
	p.t.Helper()
	status, body, err := ask(p.t, http.MethodPost, p.cfg.GatewayURL+"/v1/chat/completions", key, chat("sandbox/echo-mini", "hello"))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, body)
	}
	return status, err
}

// logged is the number of calls in the call log.
func (p *running) logged(token string) int {
	p.t.Helper()
	got := must(p.t, http.MethodGet, p.cfg.PublicURL+"/api/v1/calls?limit=200", token, nil)
	for _, name := range []string{"calls", "items", "data"} {
		if list, ok := got[name].([]any); ok {
			return len(list)
		}
	}
	p.t.Fatalf("no list of calls in %v", got)
	return 0
}

func (p *running) bootstrap() bootstrapped {
	p.t.Helper()
	got, err := bootstrap(p.t.Context(), p.cfg.PublicURL, first{"owner@example.test", "correct horse battery", "Acme", "Support"})
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

// known waits until the gateway knows a key.
func (p *running) known(key string) {
	p.t.Helper()
	eventually(p.t, "the key at the gateway", func() error {
		status, body, err := ask(p.t, http.MethodGet, p.cfg.GatewayURL+"/v1/models", key, nil)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%d %s", status, body)
		}
		return err
	})
}

func without(s string, secrets map[string]string) []string {
	var found []string
	for what, text := range secrets {
		if text == "" || strings.Contains(s, text) {
			found = append(found, what)
		}
	}
	return found
}
