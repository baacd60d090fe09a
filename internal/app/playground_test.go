package app

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"tollgate/internal/postgres/pgtest"
)

// TestTheDashboardAloneMakesThePlaygroundsCalls: with no proxy and no worker beside it, the process that answers the dashboard asks a
// model, and the call is in the log.
func TestTheDashboardAloneMakesThePlaygroundsCalls(t *testing.T) {
	t.Parallel()
	cfg := settings(t, pgtest.URL(t))
	api := play(t, cfg, parts(API))
	answers(t, cfg.PublicURL+"/readyz")
	boot := api.bootstrap()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	person := &http.Client{Jar: jar}
	post := func(path string, form url.Values) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, cfg.PublicURL+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		resp, err := person.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v: %.500s", path, resp.StatusCode, err, body)
		}
		return string(body)
	}
	post("/login", url.Values{"email": {"owner@example.test"}, "password": {"correct horse battery"}})
	asked := url.Values{"column": {"0"}, "model-0": {"sandbox/echo-mini"}, "message": {"Is somebody there?"}}
	eventually(t, "an answer", func() error { // once the process has heard of the key that the first call makes
		if got := post("/playground/stream", asked); !strings.Contains(got, "You said: Is somebody there?") {
			return fmt.Errorf("%.800s", got)
		}
		return nil
	})
	eventually(t, "the call in the log", func() error {
		status, got, err := ask(t, http.MethodGet, cfg.PublicURL+"/api/v1/calls?environment=playground", boot.ManagementToken, nil)
		if err != nil || status != http.StatusOK || !bytes.Contains(got, []byte("echo-mini")) {
			return fmt.Errorf("%d %s %w", status, got, err)
		}
		return nil
	})
}
