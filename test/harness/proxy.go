package harness

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tollgate/internal/porttest"
)

// Big reports whether the fault tests run in their full size (TOLLGATE_FAULT=big, as `make fault` sets it) and not in the one that every
// change must pass.
func Big() bool { return os.Getenv("TOLLGATE_FAULT") == "big" }

// Size chooses between the sizes of a test.
func Size[T any](small, big T) T {
	if Big() {
		return big
	}
	return small
}

// ProxyConfig says how a further proxy is started. The zero ProxyConfig is one that is well.
type ProxyConfig struct {
	DatabaseURL string        // empty: that of the installation; else another way to the same database
	Shift       time.Duration // by how much its clock is wrong
	Env         []string      // NAME=value
}

// Proxy is a data plane that is a process of its own, beside those of the installation. It may be killed and started again on the same
// address and data.
type Proxy struct {
	Gateway string // URL of the data plane
	Metrics string // URL of its figures
	DataDir string

	process
}

// Proxies starts n proxies alike and waits until all of them are ready.
func (a *App) Proxies(t testing.TB, n int, cfg ProxyConfig) []*Proxy {
	t.Helper()
	var all []*Proxy
	for range n {
		all = append(all, a.Proxy(t, cfg))
	}
	AllReady(t, all)
	return all
}

// AllReady waits until all proxies are ready.
func AllReady(t testing.TB, all []*Proxy) {
	t.Helper()
	for _, p := range all {
		if err := p.Ready(60 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
}

// Proxy starts a proxy of the installation, whose database must be one that others can reach, and does not wait for it to be ready. It
// is stopped when the test ends.
func (a *App) Proxy(t testing.TB, cfg ProxyConfig) *Proxy {
	t.Helper()
	own := a.cfg
	if cfg.DatabaseURL != "" {
		own.DatabaseURL = cfg.DatabaseURL
	}
	if own.DatabaseURL == "" {
		t.Fatal("a proxy beside `tollgate run` needs Config.DatabaseURL: the embedded database is its own")
	}
	addr, figures, dir := porttest.Addr(t), porttest.Addr(t), folder(t)
	env := append(own.environment(), cfg.Env...)
	env = append(env, "TOLLGATE_KEK_FILE="+filepath.Join(a.DataDir, "kek"), "TOLLGATE_DATA_DIR="+dir, "TOLLGATE_GATEWAY_ADDR="+addr,
		"TOLLGATE_METRICS_ADDR="+figures, "TEST_CLOCK_SHIFT="+cfg.Shift.String())
	main := "cmd/proxy"
	if cfg.Shift != 0 {
		main = "test/harness/skewed"
	}
	file := programs.program(t, main)
	p := &Proxy{Gateway: "http://" + addr, Metrics: "http://" + figures + "/metrics", DataDir: dir}
	p.process = process{t: t, log: &Log{}, run: func() *exec.Cmd {
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), file)
		cmd.Env, cmd.Dir = env, dir
		return cmd
	}}
	p.Launch()
	p.cleanup()
	return p
}

// Ready waits until the proxy takes calls. Unlike WaitReady it may be used beside the test's own goroutine.
func (p *Proxy) Ready(limit time.Duration) error { return p.ready(limit, p.Gateway+"/readyz") }

// Client makes an application that calls this proxy.
func (p *Proxy) Client(key string) *Client { return newClient(p.Gateway, key) }

func newClient(url, key string) *Client {
	return &Client{URL: url, Key: key, http: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 512, DisableCompression: true, IdleConnTimeout: time.Minute,
	}}}
}
