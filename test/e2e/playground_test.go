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

	"tollgate/internal/playground/code"
	"tollgate/test/harness"
)

// What the playground writes down as code runs as it stands, with the official libraries, and does what the column did.
func TestThePlaygroundsCodeRuns(t *testing.T) {
	t.Parallel()
	app := harness.Start(t, harness.Config{})
	owner := app.Bootstrap()
	_, secret := owner.IssueKey("code", nil)
	made := owner.Do("POST", "/prompts", map[string]any{
		"name": "greeter", "kind": "text", "labels": []string{"production"},
		"content": map[string]any{"text": "Greet {{name}}.", "variables": []any{map[string]any{"name": "name", "kind": "string", "required": true}}},
	}).Want(201)
	var prompt struct {
		Prompt struct {
			ID string `json:"id"`
		} `json:"prompt"`
	}
	made.Into(&prompt)
	const message = "It's a \"quoted\" $HOME `word` – ü"
	body, err := json.Marshal(map[string]any{
		"model": "sandbox/echo-mini", "messages": []any{map[string]any{"role": "user", "content": message}}, "max_tokens": 100,
		"tollgate": map[string]any{"prompt": map[string]any{"id": prompt.Prompt.ID, "version": 1}, "variables": map[string]any{"name": "Zoë"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, 5*time.Second, func() error { // the prompt has reached the proxy
		reply, err := app.Client(secret).Chat(t.Context(), "openai-chat", body)
		if err != nil {
			return err
		}
		return reply.Failed()
	})
	sdk := sdkDir(t)
	for _, s := range code.Snippets(code.Call{Body: body, Gateway: app.Gateway}) {
		t.Run(s.Client, func(t *testing.T) {
			var command []string
			dir := t.TempDir()
			switch s.Language {
			case code.Python:
				command, dir = append(interpreter(t, sdk, "python"), "-c", s.Text), filepath.Join(sdk, "python")
			case code.JavaScript:
				command, dir = append(interpreter(t, sdk, "node"), "--input-type=module", "-e", s.Text), filepath.Join(sdk, "node")
			case code.Shell:
				command = []string{"sh", "-c", s.Text}
			case code.Go:
				if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(s.Text), 0o600); err != nil {
					t.Fatal(err)
				}
				command = []string{"go", "run", "main.go"}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, command[0], command[1:]...)
			cmd.Dir, cmd.Env = dir, slices.Concat(quiet(t), []string{"TOLLGATE_KEY=" + secret})
			out, err := cmd.CombinedOutput()
			said := string(out)
			if s.Language == code.Shell || s.Language == code.Go { // they print the whole answer
				var answer struct {
					Choices []struct {
						Message struct {
							Content string `json:"content"`
						} `json:"message"`
					} `json:"choices"`
				}
				if i := strings.IndexByte(said, '{'); i >= 0 {
					if err := json.NewDecoder(strings.NewReader(said[i:])).Decode(&answer); err == nil && len(answer.Choices) > 0 {
						said = answer.Choices[0].Message.Content
					}
				}
			}
			if err != nil || !strings.Contains(said, "You said: "+message) {
				t.Errorf("%v\n%s\n%s", err, out, s.Text)
			}
		})
	}
}
