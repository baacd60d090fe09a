package app

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/secret"
)

func TestAProxyStartsAndServesWhileItsDatabaseIsDown(t *testing.T) {
	t.Parallel()
	own := pgtest.OwnServer(t)
	if err := postgres.Migrate(t.Context(), own.URL()); err != nil {
		t.Fatal(err)
	}
	cfg := settings(t, own.URL())
	api := play(t, cfg, parts(API))
	answers(t, cfg.PublicURL+"/readyz")
	boot := api.bootstrap()
	proxy := play(t, cfg, parts(Proxy))
	proxy.known(boot.VirtualKey)
	if _, err := proxy.call(boot.VirtualKey); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first call in the log", func() error { return want(1, api.logged(boot.ManagementToken)) })
	proxy.stop()
	if err := proxy.ended(); err != nil {
		t.Fatalf("the proxy ended with %v", err)
	}

	own.Stop()
	start := time.Now()
	proxy = play(t, cfg, parts(Proxy))
	answers(t, cfg.GatewayURL+"/readyz")
	t.Logf("ready without a database after %s", time.Since(start))
	if status, _, _ := ask(t, http.MethodGet, cfg.PublicURL+"/readyz", "", nil); status != http.StatusServiceUnavailable {
		t.Errorf("the control plane calls itself ready: %d", status)
	}
	for range 5 {
		if _, err := proxy.call(boot.VirtualKey); err != nil {
			t.Errorf("while the database is down: %v", err)
		}
	}
	if status, _ := proxy.call(strings.Replace(boot.VirtualKey, "tg_live_", "tg_test_", 1)); status != http.StatusUnauthorized {
		t.Errorf("a wrong key while the database is down: %d", status)
	}

	// Some of them must survive another restart of the proxy before the database is back.
	proxy.stop()
	if err := proxy.ended(); err != nil {
		t.Fatalf("the proxy ended with %v", err)
	}
	proxy = play(t, cfg, parts(Proxy))
	answers(t, cfg.GatewayURL+"/readyz")
	if _, err := proxy.call(boot.VirtualKey); err != nil {
		t.Error(err)
	}
	own.Start()
	answers(t, cfg.PublicURL+"/readyz")
	eventually(t, "all calls in the log", func() error { return want(7, api.logged(boot.ManagementToken)) })
}

func want(n, got int) error {
	if got != n {
		return fmt.Errorf("%d, want %d", got, n)
	}
	return nil
}

var postgresPID = regexp.MustCompile(`embedded postgres is ready.* pid=(\d+)`)

func TestTheEmbeddedDatabaseIsStartedAgainWhenItIsKilled(t *testing.T) {
	t.Parallel()
	cfg := settings(t, "")
	cfg.DataDir = openDir(t)
	p := play(t, cfg, Everything)
	answers(t, cfg.PublicURL+"/readyz")
	if out := p.out.String(); !strings.Contains(out, cfg.PublicURL) || !strings.Contains(out, cfg.GatewayURL+"/v1") || !strings.Contains(out, "sign up") {
		t.Errorf("what a newcomer reads:\n%s", out)
	}
	boot := p.bootstrap()
	p.known(boot.VirtualKey)

	// Commands beside it use its database.
	t.Run("prices import --dry-run beside the process", func(t *testing.T) { importBeside(t, cfg) })
	if _, err := startOwnDatabase(t.Context(), cfg, p.logger()); err == nil || !strings.Contains(err.Error(), "--data-dir") || !strings.Contains(err.Error(), cfg.DataDir) {
		t.Errorf("a second process on the folder: %v", err)
	}

	calls := 0
	for kill := 1; kill <= 2; kill++ {
		found := postgresPID.FindAllStringSubmatch(p.log.String(), -1)
		if len(found) != kill {
			t.Fatalf("%d servers were started, want %d", len(found), kill)
		}
		pid, err := strconv.Atoi(found[kill-1][1])
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		every(t, 40*time.Millisecond, "another server, with calls served meanwhile", func() error {
			calls++
			if _, err := p.call(boot.VirtualKey); err != nil {
				t.Errorf("call %d: %v", calls, err)
			}
			return want(kill+1, len(postgresPID.FindAllString(p.log.String(), -1)))
		})
		answers(t, cfg.PublicURL+"/readyz")
	}
	t.Logf("%d calls were served meanwhile", calls)
	eventually(t, "every call in the log", func() error { return want(calls, p.logged(boot.ManagementToken)) })
	p.stop()
	if err := p.ended(); err != nil {
		t.Errorf("the process ended with %v", err)
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, urlFile)); !os.IsNotExist(err) {
		t.Errorf("the note of the database stayed: %v", err)
	}
}

func TestAKeyThatDoesNotFitIsOneSentenceAtStart(t *testing.T) {
	t.Parallel()
	cfg := settings(t, pgtest.URL(t))
	api := play(t, cfg, parts(API))
	answers(t, cfg.PublicURL+"/readyz")
	boot := api.bootstrap()
	must(t, http.MethodPost, cfg.PublicURL+"/api/v1/credentials", boot.ManagementToken, map[string]any{"provider": "openai", "secret": "sk-test-0123456789abcdef"})

	other := onFreePorts(t, cfg)
	other.KEK = secret.NewText("b3dvd293b3dvd293b3dvd293b3dvd293b3dvd293b3c=")
	if err := play(t, other, parts(API)).ended(); err == nil || !strings.Contains(err.Error(), "TOLLGATE_KEK") {
		t.Errorf("the control plane under another key: %v", err)
	}
	other.DataDir = t.TempDir()
	proxy := play(t, other, parts(Proxy))
	eventually(t, "the proxy's complaint", func() error {
		if !strings.Contains(proxy.log.String(), "sealed under") {
			return fmt.Errorf("not yet")
		}
		return nil
	})
}

func TestADatabaseWithoutMigrationsIsOneSentenceAtStart(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	cfg := settings(t, url)
	for name, part := range map[string]Part{"api": API, "worker": Worker} {
		if err := play(t, cfg, parts(part)).ended(); err == nil || !strings.Contains(err.Error(), "tollgate migrate") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range 2 { // once to do it, once to find it done
		if err := Migrate(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	play(t, cfg, parts(API))
	answers(t, cfg.PublicURL+"/readyz")
}
