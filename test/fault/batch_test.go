package fault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tollgate/internal/batch/batchtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// ask asks the gateway with the key; the process may be away.
func ask(t *testing.T, s *harness.App, key, method, path, contentType string, body []byte) ([]byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.Gateway+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, got)
	}
	return got, err
}

// The batch: a thousand lines over two providers, and the process with its worker dies three times.
func TestABatchOfAThousandLinesOutlivesThreeKills(t *testing.T) {
	provider := &batchtest.Provider{Now: time.Now, Takes: 4 * time.Second}
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	app := harness.Start(t, harness.Config{})
	owner := app.Bootstrap()
	for _, v := range []string{"openai", "anthropic"} {
		owner.Connect(v, "a-secret-for-"+v, server.URL)
	}
	const n = 1000
	var lines strings.Builder
	for i := range n {
		model := []string{"openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"}[i%2]
		fmt.Fprintf(&lines, `{"custom_id":"line-%d","method":"POST","url":"/v1/chat/completions","body":{"model":%q,"max_tokens":9,"messages":[{"role":"user","content":"%d"}]}}`+"\n", i, model, i)
	}
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	_ = m.WriteField("purpose", "batch")
	part, _ := m.CreateFormFile("file", "in.jsonl")
	_, _ = io.WriteString(part, lines.String())
	_ = m.Close()
	var file, b struct {
		ID     string
		Status string
		Output string                                 `json:"output_file_id"`
		Counts struct{ Total, Completed, Failed int } `json:"request_counts"`
	}
	harness.Eventually(t, 10*time.Second, func() error { // the key takes a moment to be known
		got, err := ask(t, app, owner.Key, http.MethodPost, "/v1/files", m.FormDataContentType(), form.Bytes())
		if err != nil {
			return err
		}
		return json.Unmarshal(got, &file)
	})
	got, err := ask(t, app, owner.Key, http.MethodPost, "/v1/batches", "application/json",
		fmt.Appendf(nil, `{"input_file_id":%q,"endpoint":"/v1/chat/completions","completion_window":"24h"}`, file.ID))
	if err != nil || json.Unmarshal(got, &b) != nil {
		t.Fatalf("%s, %v", got, err)
	}
	for _, alive := range []time.Duration{700 * time.Millisecond, 1500 * time.Millisecond, 5 * time.Second} { // planning, sending, collecting
		time.Sleep(alive)
		app.Kill()
		app.Launch()
		app.WaitReady(30 * time.Second)
	}
	harness.Eventually(t, 90*time.Second, func() error {
		got, err := ask(t, app, owner.Key, http.MethodGet, "/v1/batches/"+b.ID, "", nil)
		if err == nil {
			err = json.Unmarshal(got, &b)
		}
		if err == nil && b.Status != "completed" {
			err = fmt.Errorf("%w: %s", harness.ErrNotYet, got)
		}
		return err
	})
	if b.Counts.Total != n || b.Counts.Completed != n {
		t.Errorf("%+v", b)
	}
	out, err := ask(t, app, owner.Key, http.MethodGet, "/v1/files/"+b.Output+"/content", "", nil)
	if err != nil || bytes.Count(out, []byte(`"status_code":200`)) != n {
		t.Errorf("%d answers, %v", bytes.Count(out, []byte("\n")), err)
	}
	checkBatchBill(t, owner.Calls(url.Values{"batch": {b.ID}}), provider.Billed(), n)
}

// checkBatchBill holds the call log against the provider's ledger: every line once in both, at half the list price.
func checkBatchBill(t *testing.T, calls []harness.Call, billed map[string]int, n int) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range calls {
		rate, ok := harness.Rates(c.Model)
		want := (rate.Nano(replay.Usage{Input: batchtest.InputTokens, Output: batchtest.OutputTokens}) + 1) / 2
		switch {
		case seen[c.ID]:
			t.Errorf("%s is in the log twice", c.ID)
		case billed[c.ID] != 1:
			t.Errorf("%s was billed %d times by the provider", c.ID, billed[c.ID])
		case c.Outcome != "ok" || c.PriceState != "priced" || !ok || c.Cost() != want:
			t.Errorf("%s: %s %s, cost %d, want %d", c.ID, c.Outcome, c.PriceState, c.Cost(), want)
		}
		seen[c.ID] = true
	}
	if len(seen) != n || len(billed) != n {
		t.Errorf("the log has %d calls, the provider billed %d lines, of %d", len(seen), len(billed), n)
	}
}
