// Package e2e tells the product's story from the outside: a browser, the official SDKs, and a provider's ledger.
package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// sight is what an application saw of one answer.
type sight struct {
	Text   string `json:"text"`
	Finish string `json:"finish"`
	Input  int64  `json:"input"`
	Output int64  `json:"output"`
}

// seen is what one run of the SDKs' script printed.
type seen struct {
	OpenAI          sight             `json:"openai"`
	OpenAIStream    sight             `json:"openai-stream"`
	Anthropic       sight             `json:"anthropic"`
	AnthropicStream sight             `json:"anthropic-stream"`
	Headers         map[string]string `json:"headers"`
	Models          []string          `json:"models"`
	BadKey          struct {
		Status  int    `json:"status"`
		Code    string `json:"code"`
		Request bool   `json:"request"`
	} `json:"bad key"`
	BadModel struct {
		Status int    `json:"status"`
		Type   string `json:"type"`
	} `json:"bad model"`
}

// callsOfOneRun is how many model calls reach a provider in one run of a script.
const callsOfOneRun = 5

// sdks runs the script of one language against the gateway.
func sdks(t *testing.T, language, gateway, key, model string) seen {
	t.Helper()
	sdk, script := sdkDir(t), "calls.py"
	if language == "node" {
		script = "calls.mjs"
	}
	command := append(interpreter(t, sdk, language), script, gateway, key, model)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env = filepath.Join(sdk, language), quiet(t)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s SDKs (test/setup.sh installs them): %v\n%s", language, err, stderr.String())
	}
	var got seen
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%s printed %q: %v", language, out, err)
	}
	return got
}

// check compares what the SDKs saw with the provider's ledger: the newest calls, in their order.
func (got seen) check(t *testing.T, who string, ledger []replay.Call, wantModel, alias string) {
	t.Helper()
	good := slices.DeleteFunc(slices.Clone(ledger), func(c replay.Call) bool { return c.Status != 200 })
	if len(good) != callsOfOneRun {
		t.Errorf("%s: %d good answers by the provider, want %d", who, len(good), callsOfOneRun)
		return
	}
	for i, s := range []struct {
		name   string
		sight  sight
		finish string
		call   replay.Call
	}{
		{"openai", got.OpenAI, "stop", good[0]},
		{"openai streamed", got.OpenAIStream, "stop", good[1]},
		{"anthropic", got.Anthropic, "end_turn", good[3]},
		{"anthropic streamed", got.AnthropicStream, "end_turn", good[4]},
	} {
		u := s.call.Billed
		if s.sight.Text == "" || s.sight.Finish != s.finish || s.sight.Input != u.InputTotal() || s.sight.Output != u.OutputTotal() || s.call.Model != wantModel {
			t.Errorf("%s, %s (call %d): saw %+v, the provider answered as %s with %+v", who, s.name, i, s.sight, s.call.Model, u)
		}
	}
	if got.Headers["x-tollgate-alias"] != alias || got.Headers["x-tollgate-call-id"] == "" || got.Headers["x-tollgate-cost-usd"] == "" {
		t.Errorf("%s: our headers are %v", who, got.Headers)
	}
	if !slices.Contains(got.Models, alias) {
		t.Errorf("%s: the alias is not among the models %v", who, got.Models)
	}
	if got.BadKey.Status != 401 || !got.BadKey.Request || got.BadModel.Status != 404 || got.BadModel.Type != "not_found_error" {
		t.Errorf("%s: errors are %+v %+v", who, got.BadKey, got.BadModel)
	}
}
