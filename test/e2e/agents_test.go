package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/test/actor"
)

// agent is one run of a coding agent, headless, with an empty home and a folder to work in.
type agent struct {
	home, work string
	env        []string
}

func newAgent(t *testing.T, env ...string) agent {
	t.Helper()
	a := agent{home: t.TempDir(), work: t.TempDir()}
	a.env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + a.home}, env...)
	if err := os.WriteFile(filepath.Join(a.work, "notes.txt"), []byte("the depot has 42 pieces"), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// run gives what the agent printed, and how it ended.
func (a agent) run(t *testing.T, program string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // an agent that waits for somebody at home hangs
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = a.work, a.env
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && (!errors.As(err, &ended) || ctx.Err() != nil) {
		t.Fatalf("%s (test/setup.sh installs it): %v\n%.2000s\n%.2000s", program, err, out.Bytes(), complaints.Bytes())
	}
	return out.String(), complaints.String(), cmd.ProcessState.ExitCode()
}

// binary finds an agent's program: its package ships one for each platform.
func binary(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(sdkDir(t), "cli", "node_modules", pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("no %s in test/sdk/cli; test/setup.sh installs it", pattern)
	}
	return found[0]
}

func claude(t *testing.T) string { return binary(t, "@anthropic-ai/claude-code-*/claude") }
func codex(t *testing.T) string  { return binary(t, "@openai/codex-*/vendor/*/bin/codex") }

// claudeEnv is what a user sets for Claude Code, and nothing that phones home.
func (s *scene) claudeEnv(key string) []string {
	return []string{
		"ANTHROPIC_BASE_URL=" + s.app.Gateway, "ANTHROPIC_AUTH_TOKEN=" + key, "CLAUDE_CODE_MAX_RETRIES=0",
		"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_AUTOUPDATER=1", "DISABLE_TELEMETRY=1", "DISABLE_ERROR_REPORTING=1",
	}
}

// claudeCode: the agent reads a file with its own tool because the model told it to, and reports what the model made of it.
func (s *scene) claudeCode(t *testing.T) {
	t.Helper()
	program := claude(t)
	for model, back := range backs() {
		a := newAgent(t, s.claudeEnv(s.key)...)
		ref := "claude-code." + model
		out, complaints, code := a.run(t, program, "-p", fmt.Sprintf(">> use=Read file_path=%s/notes.txt ref=%s", a.work, ref),
			"--model", model, "--output-format", "stream-json", "--include-partial-messages", "--verbose", "--allowedTools", "Read")
		var result struct {
			Type   string
			Failed bool `json:"is_error"`
			Result string
			Turns  int `json:"num_turns"`
			Usage  struct {
				Input  int64 `json:"input_tokens"`
				Cached int64 `json:"cache_read_input_tokens"`
				Output int64 `json:"output_tokens"`
			}
		}
		last := out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:]
		if err := json.Unmarshal([]byte(last), &result); err != nil || code != 0 || result.Failed || result.Type != "result" {
			t.Errorf("%s: ended with %d: %.1500s\n%.500s", model, code, last, complaints)
			continue
		}
		if !strings.HasPrefix(result.Result, "The tools said: ") || !strings.Contains(result.Result, "the depot has 42 pieces") || result.Turns != 2 {
			t.Errorf("%s: it says %q after %d turns", model, result.Result, result.Turns)
		}
		if n := strings.Count(out, `"input_json_delta"`); n < 3 && back.dialect != actor.Gemini { // which gives arguments whole
			t.Errorf("%s: the tool's arguments came in %d pieces", model, n)
		}
		var input, output int64
		var betas string
		for _, e := range s.actor.Book() {
			if e.Act.Ref != ref {
				continue
			}
			input, output = input+e.Act.Usage.InputTotal(), output+e.Act.Usage.OutputTotal()
			betas = e.Header.Get("Anthropic-Beta")
			if e.Dialect != back.dialect {
				t.Errorf("%s: the provider was asked in %s", model, e.Dialect)
			}
		}
		if u := result.Usage; u.Input+u.Cached != input || u.Output != output {
			t.Errorf("%s: it counts %d tokens in and %d out, the provider billed %d and %d", model, u.Input+u.Cached, u.Output, input, output)
		}
		if sent := strings.Contains(betas, "claude-code-"); sent != (back.dialect == actor.Messages) {
			t.Errorf("%s: the provider got anthropic-beta %q", model, betas)
		}
	}
	a := newAgent(t, s.claudeEnv("tg_live_nothing")...)
	out, _, code := a.run(t, program, "-p", "hello", "--model", "by-anthropic", "--output-format", "json")
	if code == 0 || !strings.Contains(out, "401") {
		t.Errorf("with a bad key it ends with %d: %.800s", code, out)
	}
}

// codexExec: the agent runs a command in its shell because the model told it to.
func (s *scene) codexExec(t *testing.T) {
	t.Helper()
	program := codex(t)
	for model, back := range backs() {
		a := newAgent(t, "TOLLGATE_KEY="+s.key)
		a.configureCodex(t, s.app.Gateway+"/v1", model)
		ref := "codex." + model
		out, complaints, code := a.run(t, program, "exec", "--skip-git-repo-check", "--json", "--dangerously-bypass-approvals-and-sandbox",
			fmt.Sprintf(`>> use=exec_command cmd="cat notes.txt" ref=%s`, ref))
		var said string
		var input, output int64
		for line := range strings.Lines(out) {
			var e struct {
				Type  string
				Item  struct{ Type, Text string }
				Usage struct {
					Input  int64 `json:"input_tokens"`
					Output int64 `json:"output_tokens"`
				}
			}
			if json.Unmarshal([]byte(line), &e) != nil {
				continue
			}
			if e.Type == "item.completed" && e.Item.Type == "agent_message" {
				said = e.Item.Text
			}
			input, output = input+e.Usage.Input, output+e.Usage.Output
		}
		if code != 0 || !strings.HasPrefix(said, "The tools said: ") || !strings.Contains(said, "the depot has 42 pieces") {
			t.Errorf("%s: ended with %d and said %q\n%.2000s\n%.500s", model, code, said, out, complaints)
			continue
		}
		var billedIn, billedOut int64
		for _, e := range s.actor.Book() {
			if e.Act.Ref == ref {
				billedIn, billedOut = billedIn+e.Act.Usage.InputTotal(), billedOut+e.Act.Usage.OutputTotal()
				if e.Dialect != back.spoken("responses") {
					t.Errorf("%s: the provider was asked in %s", model, e.Dialect)
				}
			}
		}
		if input != billedIn || output != billedOut {
			t.Errorf("%s: it counts %d tokens in and %d out, the provider billed %d and %d", model, input, output, billedIn, billedOut)
		}
	}
	a := newAgent(t, "TOLLGATE_KEY=tg_live_nothing")
	a.configureCodex(t, s.app.Gateway+"/v1", "by-openai")
	if out, _, code := a.run(t, program, "exec", "--skip-git-repo-check", "--json", "hello"); code == 0 || !strings.Contains(out, "401") {
		t.Errorf("with a bad key it ends with %d: %.800s", code, out)
	}
}

// configureCodex writes what a user writes.
func (a agent) configureCodex(t *testing.T, base, model string) {
	t.Helper()
	dir := filepath.Join(a.home, ".codex")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`model = %q
model_provider = "tollgate"

[analytics]
enabled = false

[model_providers.tollgate]
name = "Tollgate"
base_url = %q
env_key = "TOLLGATE_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
`, model, base)
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}
