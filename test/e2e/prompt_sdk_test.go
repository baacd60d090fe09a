package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// promptStep is what an application saw of one call that names a prompt.
type promptStep struct {
	Status  int    `json:"status"`
	Prompt  string `json:"prompt"` // header of the answer: name and version
	Label   string `json:"label"`
	Message string `json:"message"`
}

// Official SDKs use prompts of the gateway in their own ways: OpenAI's Responses by its prompt parameter, chat and messages by header or
// body. The provider is not OpenAI: it receives the text.
func TestOfficialSDKsUsePrompts(t *testing.T) {
	t.Parallel()
	provider, err := replay.Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	app := harness.Start(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	owner := app.Bootstrap()
	owner.Connect("anthropic", "a-secret", provider.Base("anthropic"))
	var made struct{ Prompt struct{ ID string } }
	said := func(text string) map[string]any {
		return map[string]any{"text": text, "variables": []any{map[string]any{"name": "name", "kind": "string", "required": true}}}
	}
	owner.Do(http.MethodPost, "/prompts", map[string]any{"name": "support/answer", "kind": "text", "labels": []string{"production"}, "content": said("First, {{name}}.")}).
		Want(http.StatusCreated).Into(&made)
	owner.Do(http.MethodPost, "/prompts/"+made.Prompt.ID+"/versions", map[string]any{"labels": []string{"staging"}, "content": said("Second, {{name}}.")}).Want(http.StatusCreated)
	const model = "anthropic/claude-haiku-4-5"
	harness.Eventually(t, 10*time.Second, func() error { // the key and the prompt have reached the proxy
		got, err := app.Client(owner.Key).Chat(t.Context(), replay.OpenAI, harness.Ask(model, "warm", false),
			"x-tollgate-prompt", "support/answer:staging", "x-tollgate-prompt-variables", `{"name":"Ada"}`)
		if err != nil {
			return err
		}
		return got.Failed()
	})
	for _, one := range []struct{ folder, script string }{{"python", "prompts.py"}, {"node", "prompts.mjs"}} {
		before := provider.Ledger.Len()
		saw := runPrompts(t, one.folder, one.script, app.Gateway, owner.Key, model)
		checkPrompts(t, one.folder, saw, provider.Ledger.Calls()[before:])
	}
}

func checkPrompts(t *testing.T, folder string, saw map[string]promptStep, received []replay.Call) {
	t.Helper()
	good := []struct{ step, prompt, label, text string }{
		{"responses, version", "support/answer@1", "", "First, Ada."},
		{"responses, label", "support/answer@1", "production", "First, Ada."},
		{"chat, header", "support/answer@2", "staging", "Second, Ada."},
		{"chat, body", "support/answer@1", "", "First, Ada."},
		{"messages, header", "support/answer@2", "staging", "Second, Ada."},
		{"messages, body", "support/answer@1", "", "First, Ada."},
	}
	if len(received) != len(good) {
		t.Fatalf("%s: the provider received %d calls, want %d: %+v", folder, len(received), len(good), saw)
	}
	for i, want := range good {
		if got := saw[want.step]; got.Status != 200 || got.Prompt != want.prompt || got.Label != want.label {
			t.Errorf("%s, %s: %+v, want %+v", folder, want.step, got, want)
		}
		if body := string(received[i].Body); !strings.Contains(body, want.text) || !strings.Contains(body, "Is it late?") || strings.Contains(body, "support/answer") || strings.Contains(body, "tollgate") {
			t.Errorf("%s, %s: the provider received %s", folder, want.step, body)
		}
	}
	for step, says := range map[string]string{"responses, no variable": `"name"`, "responses, no prompt": "support/none"} {
		if got := saw[step]; got.Status/100 != 4 || !strings.Contains(strings.ReplaceAll(got.Message, `\"`, `"`), says) {
			t.Errorf("%s, %s: %+v, want a refusal that names %s", folder, step, got, says)
		}
	}
}

func runPrompts(t *testing.T, folder, script, base, key, model string) map[string]promptStep {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	sdk := sdkDir(t)
	command := append(interpreter(t, sdk, folder), script, base, key, model)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env = filepath.Join(sdk, folder), quiet(t)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s (test/setup.sh installs the SDK): %v\n%s", script, err, stderr.String())
	}
	var saw map[string]promptStep
	if err := json.Unmarshal(out, &saw); err != nil {
		t.Fatalf("%s printed %q: %v", script, out, err)
	}
	return saw
}
