package e2e

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/batch/batchtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// batchesSeen is what the script saw of two batches.
type batchesSeen struct {
	OpenAI struct {
		Completed int               `json:"completed"`
		Metadata  map[string]string `json:"metadata"`
		Listed    bool              `json:"listed"`
		Files     []string          `json:"files"`
		Deleted   bool              `json:"deleted"`
		Answers   map[string]bool   `json:"answers"`
		Missing   string            `json:"missing"`
	} `json:"openai"`
	Anthropic struct {
		Succeeded int             `json:"succeeded"`
		Listed    bool            `json:"listed"`
		Answers   map[string]bool `json:"answers"`
	} `json:"anthropic"`
}

// The official SDKs run batches as they run them at their own providers, over two providers at once.
func TestTheOfficialSDKsRunBatches(t *testing.T) {
	provider := &batchtest.Provider{Now: time.Now, Takes: time.Second}
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	app := harness.Start(t, harness.Config{})
	owner := app.Bootstrap()
	for _, v := range []string{"openai", "anthropic"} {
		owner.Connect(v, "a-secret-for-"+v, server.URL)
	}
	client := app.Client(owner.Key)
	harness.Eventually(t, 10*time.Second, func() error { // until the data plane knows the key
		got, err := client.Chat(t.Context(), replay.OpenAI, harness.Ask("sandbox/echo-mini", "warm-up", false))
		if err != nil {
			return err
		}
		return got.Failed()
	})
	sdk := sdkDir(t)
	command := append(interpreter(t, sdk, "python"), "batches.py", app.Gateway, owner.Key)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env = filepath.Join(sdk, "python"), quiet(t)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the SDKs for Python (test/setup.sh installs them): %v\n%s", err, stderr.String())
	}
	var got, want batchesSeen
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	want.OpenAI.Completed, want.OpenAI.Metadata, want.OpenAI.Listed, want.OpenAI.Deleted = 6, map[string]string{"job": "nightly"}, true, true
	want.OpenAI.Files, want.OpenAI.Missing = []string{"batch", "batch_output"}, "batch.not_found"
	want.OpenAI.Answers = map[string]bool{"line-0": true, "line-1": true, "line-2": true, "line-3": true, "line-4": true, "line-5": true}
	want.Anthropic.Succeeded, want.Anthropic.Listed = 4, true
	want.Anthropic.Answers = map[string]bool{"request-0": true, "request-1": true, "request-2": true, "request-3": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the SDKs saw:\n%s", diff)
	}
	billed := provider.Billed()
	calls := owner.Calls(url.Values{})
	for _, c := range calls {
		if c.Provider != "sandbox" && billed[c.ID] != 1 {
			t.Errorf("%s at %s was billed %d times", c.ID, c.Provider, billed[c.ID])
		}
	}
	if len(billed) != 10 {
		t.Errorf("%d lines were billed, want 10", len(billed))
	}
}
