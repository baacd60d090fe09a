package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/batch/batchtest"
	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// seedFile is the routing file that the product's documentation shows.
const seedFile = `tasks:
  classification: fast-classifier
  complex-analysis: premium-analyst
  code-generation: coder
  batch-processing: bulk
aliases:
  fast-classifier:
    targets: [{model: anthropic/claude-haiku-4-5}]
    fallbacks: [{model: openai/gpt-4o-mini}]
    retry: {attempts: 2, on: [rate_limit, overloaded, timeout]}
  premium-analyst:
    targets: [{model: anthropic/claude-sonnet-4-5}]
  coder:
    targets: [{model: openai/gpt-4o}]
  bulk:
    targets: [{model: openai/gpt-4o-mini, via: batch}]
`

// fleet is an installation with several proxies over one database.
type fleet struct {
	apps     []*harness.App
	owner    *harness.Tenant
	provider *replay.Server
	batches  *batchtest.Provider
	file     string
}

func startFleet(t *testing.T, proxies int) *fleet {
	t.Helper()
	provider, err := replay.Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	f := &fleet{provider: provider, batches: &batchtest.Provider{Now: time.Now, Takes: 2 * time.Second}, file: filepath.Join(t.TempDir(), "routing.yaml")}
	database := pgtest.URL(t)
	kek := "TOLLGATE_KEK=" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	for range proxies {
		f.apps = append(f.apps, harness.Start(t, harness.Config{DatabaseURL: database, Env: []string{kek, "TOLLGATE_DATABASE_CONNS=8"}}))
	}
	f.owner = f.apps[0].Bootstrap()
	f.owner.Connect("anthropic", "a-secret-for-anthropic", provider.Base("anthropic"))
	f.owner.Connect("openai", "a-secret-for-openai", f.openai(t))
	return f
}

// openai is a provider with both of OpenAI's APIs under one address: calls, and batches.
func (f *fleet) openai(t *testing.T) string {
	t.Helper()
	calls, err := url.Parse(f.provider.URL)
	if err != nil {
		t.Fatal(err)
	}
	relay := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(calls) }}
	mux := http.NewServeMux()
	mux.Handle("/openai/v1/files", http.StripPrefix("/openai", f.batches))
	mux.Handle("/openai/v1/files/", http.StripPrefix("/openai", f.batches))
	mux.Handle("/openai/v1/batches", http.StripPrefix("/openai", f.batches))
	mux.Handle("/openai/v1/batches/", http.StripPrefix("/openai", f.batches))
	mux.Handle("/", relay)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL + "/openai/v1"
}

// bulk makes a call of the task whose model is asked through its batch API, and gives the job.
func (f *fleet) bulk(t *testing.T, c *harness.Client) string {
	t.Helper()
	if _, err := served(t, c, "task:batch-processing"); err == nil || !strings.Contains(strings.ToLower(err.Error()), "x-tollgate-defer") {
		t.Errorf("a call that cannot wait: %v", err)
	}
	got, err := c.Chat(t.Context(), replay.OpenAI, harness.Ask("task:batch-processing", "routing", false), "X-Tollgate-Defer", "1")
	if err != nil || got.Status != http.StatusAccepted {
		t.Fatalf("a call that can wait: %d %s %v", got.Status, got.Body, err)
	}
	return got.Header.Get("Location")
}

// job is what became of a deferred call.
type job struct {
	Status   string `json:"status"`
	CallID   string `json:"call_id"`
	Response struct {
		Status int             `json:"status_code"`
		Body   json.RawMessage `json:"body"`
	} `json:"response"`
}

// done waits for a job and finds its call in the log: one, at half the price.
func (f *fleet) done(t *testing.T, c *harness.Client, at string) {
	t.Helper()
	var j job
	harness.Eventually(t, 2*time.Minute, func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL+at, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+c.Key)
		got, err := c.Do(req)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(got.Body, &j); err != nil || j.Status != "completed" {
			return fmt.Errorf("%d %s %w", got.Status, got.Body, err)
		}
		return nil
	})
	if j.Response.Status != http.StatusOK || !strings.Contains(string(j.Response.Body), "chat.completion") {
		t.Errorf("the job brought %d %s", j.Response.Status, j.Response.Body)
	}
	if n := len(f.batches.Billed()); n != 1 {
		t.Errorf("the provider billed %d lines", n)
	}
	rate, _ := harness.Rates("gpt-4o-mini")
	whole := rate.Nano(replay.Usage{Input: batchtest.InputTokens, Output: batchtest.OutputTokens})
	harness.Eventually(t, 20*time.Second, func() error {
		got := f.owner.Do(http.MethodGet, "/calls/"+j.CallID, nil)
		for _, part := range []string{"gpt-4o-mini", "batch-processing", `"priced"`, fmt.Sprintf(`"cost_nano_usd":"%d"`, whole/2)} {
			if !strings.Contains(string(got.Body), part) {
				return fmt.Errorf("no %s in %d %s", part, got.Status, got.Body)
			}
		}
		return nil
	})
}

// apply saves the file by the command line, as a pipeline would.
func (f *fleet) apply(t *testing.T, yaml string) {
	t.Helper()
	if err := os.WriteFile(f.file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := f.apps[0].CLI("apply", f.file, "--yes", "--force", "--api", f.apps[0].API, "--token", f.owner.Token)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// served is the model that answers a call of a name through one proxy.
func served(t *testing.T, c *harness.Client, name string, header ...string) (string, error) {
	t.Helper()
	got, err := c.Chat(t.Context(), replay.OpenAI, harness.Ask(name, "routing", false), header...)
	if err != nil {
		return "", err
	}
	return got.Header.Get("X-Tollgate-Provider") + "/" + got.Header.Get("X-Tollgate-Model"), got.Failed()
}

// The task types of the file lead to their models, by the model's name and by a header, and one changed line moves the next call on
// every proxy within a second, while applications send what they always sent.
func TestTheRoutingFileDecides(t *testing.T) {
	f := startFleet(t, 3)
	f.apply(t, seedFile)
	clients := make([]*harness.Client, len(f.apps))
	for i, app := range f.apps {
		clients[i] = app.Client(f.owner.Key)
	}
	want := map[string]string{
		"classification": "anthropic/claude-haiku-4-5", "complex-analysis": "anthropic/claude-sonnet-4-5", "code-generation": "openai/gpt-4o",
	}
	for _, c := range clients {
		for task, model := range want {
			harness.Eventually(t, 10*time.Second, func() error {
				got, err := served(t, c, "task:"+task)
				if err == nil && got != model {
					err = fmt.Errorf("task %s is served by %s", task, got)
				}
				return err
			})
			if got, err := served(t, c, "gpt-4o", "X-Tollgate-Task", task); err != nil || got != model {
				t.Errorf("the header %s: %s, %v", task, got, err)
			}
		}
	}
	waiting := f.bulk(t, clients[0])
	if _, err := served(t, clients[0], "task:unheard-of"); err == nil || !strings.Contains(err.Error(), "classification") {
		t.Errorf("an unknown task: %v", err)
	}
	f.moves(t, clients)
	f.rollsBack(t, clients)
	f.done(t, clients[1], waiting) // any proxy answers for it
}

// moves changes one line again and again and measures when each proxy follows.
func (f *fleet) moves(t *testing.T, clients []*harness.Client) {
	t.Helper()
	const changes = 40
	models := []string{"openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"}
	var took []time.Duration
	for n := range changes {
		model := models[n%2]
		yaml := strings.Replace(seedFile, "targets: [{model: anthropic/claude-haiku-4-5}]", "targets: [{model: "+model+"}]", 1)
		if n%2 == 0 { // the fallback may not stand in the list twice
			yaml = strings.Replace(yaml, "fallbacks: [{model: openai/gpt-4o-mini}]", "fallbacks: [{model: anthropic/claude-haiku-4-5}]", 1)
		}
		f.owner.Do(http.MethodPut, "/routing", map[string]any{"yaml": yaml, "message": fmt.Sprintf("change %d", n)}, "If-Match", "*").Want(http.StatusOK)
		saved := time.Now()
		results := make(chan time.Duration, len(clients))
		for _, c := range clients {
			go func() {
				for time.Since(saved) < 10*time.Second {
					if got, err := served(t, c, "task:classification"); err == nil && got == model {
						break
					}
					time.Sleep(2 * time.Millisecond)
				}
				results <- time.Since(saved)
			}()
		}
		for range clients {
			took = append(took, <-results)
		}
	}
	slices.Sort(took)
	p50, p99 := took[len(took)/2], took[len(took)*99/100]
	t.Logf("a change reaches a proxy: p50 %s, p99 %s, slowest %s of %d", p50, p99, took[len(took)-1], len(took))
	if p99 > time.Second {
		t.Errorf("p99 is %s, more than a second", p99)
	}
}

// rollsBack goes back to the first version and finds it served.
func (f *fleet) rollsBack(t *testing.T, clients []*harness.Client) {
	t.Helper()
	f.apply(t, strings.Replace(seedFile, "openai/gpt-4o}", "anthropic/claude-sonnet-4-5}", 1))
	harness.Eventually(t, 5*time.Second, func() error {
		if got, err := served(t, clients[1], "task:code-generation"); err != nil || got != "anthropic/claude-sonnet-4-5" {
			return fmt.Errorf("%s, %w", got, err)
		}
		return nil
	})
	f.owner.Do(http.MethodPost, "/routing/restore", map[string]any{"version": 1}, "If-Match", "*").Want(http.StatusOK)
	for _, c := range clients {
		harness.Eventually(t, 5*time.Second, func() error {
			if got, err := served(t, c, "task:code-generation"); err != nil || got != "openai/gpt-4o" {
				return fmt.Errorf("%s, %w", got, err)
			}
			return nil
		})
	}
}
