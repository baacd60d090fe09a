package app

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/internal/porttest"
	"tollgate/internal/postgres/pgtest"
)

func (p *running) logger() *slog.Logger { return slog.New(slog.NewTextHandler(p.log, nil)) }

func TestThreeProcessesOverOneDatabaseAreOneInstallation(t *testing.T) {
	t.Parallel()
	cfg := settings(t, pgtest.URL(t))
	proxyCfg, workerCfg := cfg, cfg
	proxyCfg.MetricsAddr = porttest.Addr(t)
	workerCfg.DataDir = t.TempDir()
	api := play(t, cfg, parts(API))
	proxy := play(t, proxyCfg, parts(Proxy))
	worker := play(t, workerCfg, parts(Worker))
	answers(t, cfg.PublicURL+"/readyz")
	boot := api.bootstrap()
	proxy.known(boot.VirtualKey)
	if _, err := proxy.call(boot.VirtualKey); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the call in costs", func() error {
		day := time.Now().UTC()
		status, got, err := ask(t, http.MethodGet, cfg.PublicURL+"/api/v1/costs?group_by=team&from="+day.AddDate(0, 0, -1).Format(time.DateOnly)+
			"&to="+day.AddDate(0, 0, 1).Format(time.DateOnly), boot.ManagementToken, nil)
		if err != nil || status != http.StatusOK || !bytes.Contains(got, []byte(boot.TeamID)) {
			return fmt.Errorf("%d %s %w", status, got, err)
		}
		return nil
	})
	status, figures, err := ask(t, http.MethodGet, "http://"+proxyCfg.MetricsAddr+"/metrics", "", nil)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d %v", status, err)
	}
	for _, line := range []string{
		"tollgate_records_shipped_total 1", "tollgate_records_aside_total 0", "tollgate_snapshot_keys 1", "tollgate_snapshot_stale 0",
		"tollgate_snapshot_refused 0", "tollgate_snapshot_bad_objects 0", "tollgate_spool_healthy 1", "tollgate_spool_quota_bytes 2.147483648e+09",
		`tollgate_calls_total{outcome="ok",provider="sandbox"} 1`, "go_goroutines ",
	} {
		if !strings.Contains(string(figures), line) {
			t.Errorf("no %q in the figures", line)
		}
	}
	if strings.Contains(string(figures), boot.OrganizationID) {
		t.Error("the figures name an organization")
	}
	for _, base := range []string{cfg.PublicURL, cfg.GatewayURL} {
		if status, body, _ := ask(t, http.MethodGet, base+"/metrics", "", nil); status == http.StatusOK && bytes.Contains(body, []byte("tollgate_spool")) {
			t.Errorf("%s shows figures to the public", base)
		}
	}
	for name, p := range map[string]*running{"api": api, "proxy": proxy, "worker": worker} {
		p.stop()
		if err := p.ended(); err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
	}
}

func TestBootstrapFillsAnEmptyInstallationOnly(t *testing.T) {
	t.Parallel()
	cfg := settings(t, pgtest.URL(t))
	p := play(t, cfg, parts(API))
	answers(t, cfg.PublicURL+"/readyz")
	got := p.bootstrap()
	if !strings.HasPrefix(got.OrganizationID, "org_") || !strings.HasPrefix(got.TeamID, "team_") || !strings.HasPrefix(got.ManagementToken, "tg_mgmt_") || !strings.HasPrefix(got.VirtualKey, "tg_live_") {
		t.Errorf("%+v", got)
	}
	again, err := bootstrap(t.Context(), cfg.PublicURL, first{"other@example.test", "correct horse battery", "Other", "Default"})
	if err == nil || again != (bootstrapped{}) {
		t.Errorf("a second time: %+v, %v", again, err)
	}
	status, _, _ := ask(t, http.MethodPost, cfg.PublicURL+"/api/v1/sessions", "", map[string]any{"email": "other@example.test", "password": "correct horse battery"})
	if status != http.StatusUnauthorized {
		t.Errorf("the second user was made: %d", status)
	}
	if _, err := bootstrap(t.Context(), "http://"+porttest.Addr(t), first{}); err == nil || !strings.Contains(err.Error(), "no running Tollgate") {
		t.Errorf("without a process: %v", err)
	}
}

// importBeside runs a dry run of a price import on the database of a running process.
func importBeside(t *testing.T, cfg Config) {
	path := filepath.Join(t.TempDir(), "prices.json")
	content := `{"gpt-test":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":1e-06,"output_cost_per_token":2e-06,"max_tokens":100}}`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a dry run leaves nothing: the second reports the same
		var out bytes.Buffer
		if err := importPrices(t.Context(), cfg, slog.New(slog.DiscardHandler), path, "litellm", true, true, &out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "gpt-test") {
			t.Errorf("report:\n%s", out.String())
		}
	}
}

func TestATakenPortIsNamedWithItsSetting(t *testing.T) {
	t.Parallel()
	cfg := settings(t, pgtest.URL(t))
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", cfg.GatewayAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = play(t, cfg, parts(API, Proxy)).ended()
	if err == nil || !strings.Contains(err.Error(), cfg.GatewayAddr) || !strings.Contains(err.Error(), "TOLLGATE_GATEWAY_ADDR") {
		t.Errorf("%v", err)
	}
	// What was opened before is given back: the same process may try again.
	_ = taken.Close()
	play(t, cfg, parts(API, Proxy))
	answers(t, cfg.PublicURL+"/readyz")
	answers(t, cfg.GatewayURL+"/readyz")

	second := onFreePorts(t, cfg)
	if err := play(t, second, parts(Proxy)).ended(); err == nil || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("a second proxy on the folder: %v", err)
	}
}

// model is a provider that answers when it is told to.
func model(t *testing.T) (base string, arrived chan struct{}, answer chan struct{}) {
	t.Helper()
	arrived, answer = make(chan struct{}, 10), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		select {
		case <-answer:
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"x","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant",`+
			`"content":"swordfish-answer"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}`)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, arrived, answer
}

const providerSecret = "sk-provider-5ecret-0123456789"

func (p *running) connect(token, base string) {
	p.t.Helper()
	must(p.t, http.MethodPost, p.cfg.PublicURL+"/api/v1/credentials", token, map[string]any{"provider": "openai", "name": "local", "secret": providerSecret, "base_url": base + "/v1", "default": true})
}

func TestATerminationLetsCallsFinishAndTakesNoNewOnes(t *testing.T) {
	t.Parallel()
	cfg := settings(t, pgtest.URL(t))
	cfg.EgressAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	at, arrived, answer := model(t)
	p := play(t, cfg, parts(API, Proxy, Worker))
	answers(t, cfg.PublicURL+"/readyz")
	boot := p.bootstrap()
	p.connect(boot.ManagementToken, at)
	var status int
	var body []byte
	done := make(chan error, 1)
	eventually(t, "the credential at the gateway", func() error {
		status, got, err := ask(t, http.MethodGet, cfg.GatewayURL+"/v1/models", boot.VirtualKey, nil)
		if err != nil || !bytes.Contains(got, []byte("openai/")) {
			return fmt.Errorf("%d %.200s %w", status, got, err)
		}
		return nil
	})
	go func() {
		var err error
		status, body, err = ask(t, http.MethodPost, cfg.GatewayURL+"/v1/chat/completions", boot.VirtualKey, chat("openai/gpt-4o-mini", "hello"))
		done <- err
	}()
	select {
	case <-arrived:
	case err := <-done:
		t.Fatalf("%d %s %v", status, body, err)
	}
	p.stop()
	eventually(t, "no new connections", func() error {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", cfg.GatewayAddr)
		if err != nil {
			return nil //nolint:nilerr // refused: that is it
		}
		_ = c.Close()
		return fmt.Errorf("still listening")
	})
	close(answer)
	if err := <-done; err != nil || status != http.StatusOK || !bytes.Contains(body, []byte("swordfish")) {
		t.Errorf("the call under way: %d %s %v", status, body, err)
	}
	if err := p.ended(); err != nil {
		t.Errorf("the process ended with %v", err)
	}
	again := play(t, onFreePorts(t, cfg), parts(API))
	answers(t, again.cfg.PublicURL+"/readyz")
	eventually(t, "the call in the log", func() error { return want(1, again.logged(boot.ManagementToken)) })
}

func TestOpenPagesAndIdleConnectionsDoNotHoldUpATermination(t *testing.T) {
	t.Parallel()
	cfg := settings(t, pgtest.URL(t))
	p := play(t, cfg, parts(API, Proxy, Worker))
	answers(t, cfg.PublicURL+"/readyz")
	answers(t, cfg.GatewayURL+"/readyz")
	boot := p.bootstrap()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.PublicURL+"/api/v1/calls/tail", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+boot.ManagementToken)
	tail, err := http.DefaultClient.Do(req)
	if err != nil || tail.StatusCode != http.StatusOK || !strings.HasPrefix(tail.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("%+v %v", tail, err)
	}
	defer tail.Body.Close()
	for _, addr := range []string{cfg.Addr, cfg.GatewayAddr} { // one that was used and is kept, one that was only opened
		used, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer used.Close()
		if _, err := io.WriteString(used, "GET /livez HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(used), nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%v %v", res, err)
		}
		_ = res.Body.Close()
		opened, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
	}
	start := time.Now()
	p.stop()
	if err := p.ended(); err != nil {
		t.Errorf("the process ended with %v", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the process took %s to end", took)
	} else {
		t.Logf("ended after %s", took)
	}
}

// logIn gives the session cookie of a user.
func (p *running) logIn(email, password string) string {
	p.t.Helper()
	form := url.Values{"email": {email}, "password": {password}}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.cfg.PublicURL+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		if len(c.Value) > 20 {
			return c.Value
		}
	}
	p.t.Fatalf("log-in: %s, cookies %v", res.Status, res.Cookies())
	return ""
}

func TestNoSecretAndNoBodyIsLogged(t *testing.T) {
	t.Parallel()
	cfg := settings(t, pgtest.URL(t))
	cfg.EgressAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	at, _, answer := model(t)
	close(answer)
	p := play(t, cfg, parts(API, Proxy, Worker))
	answers(t, cfg.PublicURL+"/readyz")
	api := cfg.PublicURL + "/api/v1"
	boot := p.bootstrap()
	secrets := map[string]string{
		"password": "correct horse battery", "management token": boot.ManagementToken, "virtual key": boot.VirtualKey, "provider secret": providerSecret,
		"prompt": "xylophone-prompt", "answer": "swordfish-answer", "root key": cfg.KEK.Reveal(), "wrong password": "incorrect horse battery",
		"database URL": cfg.DatabaseURL.Reveal(), "sign-up password": "another long password",
	}
	// A person: at the dashboard with a cookie, at the API with tokens.
	secrets["session cookie"] = p.logIn("owner@example.test", "correct horse battery")
	for name, value := range must(t, http.MethodPost, api+"/sessions", "", map[string]any{"email": "owner@example.test", "password": "correct horse battery"}) {
		if text, ok := value.(string); ok && strings.Contains(name, "token") {
			secrets[name+" of the session"] = text
		}
	}
	if len(secrets) < 12 {
		t.Errorf("no user token among %d secrets", len(secrets))
	}
	_, _, _ = ask(t, http.MethodPost, api+"/sessions", "", map[string]any{"email": "owner@example.test", "password": "incorrect horse battery"})
	_, _, _ = ask(t, http.MethodPost, api+"/organization", "", map[string]any{"email": "owner@example.test", "password": "another long password", "organization": "Again"})

	p.connect(boot.ManagementToken, at)
	issued := must(t, http.MethodPost, api+"/keys", boot.ManagementToken, map[string]any{"name": "full", "team_id": boot.TeamID, "environment": "production", "privacy": "full"})
	secrets["second key"], _ = issued["secret"].(string)
	p.known(secrets["second key"])
	eventually(t, "a call with everything kept", func() error {
		status, body, err := ask(t, http.MethodPost, cfg.GatewayURL+"/v1/chat/completions", secrets["second key"], chat("openai/gpt-4o-mini", "xylophone-prompt"))
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("%d %s %w", status, body, err)
		}
		return nil
	})
	// What is refused carries secrets too: another organization's, a broken body, a key in the wrong place.
	for _, bad := range []struct{ url, bearer string }{
		{cfg.GatewayURL + "/v1/chat/completions", boot.ManagementToken},
		{api + "/keys", boot.VirtualKey},
		{api + "/calls/" + boot.VirtualKey, boot.ManagementToken},
		{cfg.GatewayURL + "/v1/chat/completions", boot.VirtualKey + "x"},
		{cfg.GatewayURL + "/v1/nowhere", boot.VirtualKey},
	} {
		_, _, _ = ask(t, http.MethodPost, bad.url, bad.bearer, "xylophone-prompt")
	}
	eventually(t, "the call in the log", func() error {
		if n := p.logged(boot.ManagementToken); n == 0 {
			return fmt.Errorf("none")
		}
		return nil
	})
	p.stop()
	if err := p.ended(); err != nil {
		t.Errorf("the process ended with %v", err)
	}
	said := p.log.String() + p.out.String()
	if !strings.Contains(said, "level=DEBUG") || !strings.Contains(said, "TOLLGATE_KEK") {
		t.Error("the log is not at its most talkative: this test proves nothing")
	}
	for _, what := range without(said, secrets) {
		t.Errorf("the log holds the %s", what)
	}
}
