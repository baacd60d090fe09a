package code_test

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/playground/code"
)

// nasty holds what quoting in four languages can go wrong with.
const nasty = "it's \"quoted\" \\ back`tick` $HOME ${x} %s \n JSON\nüñ 😀 </script> \u2028"

func sample(t *testing.T) code.Call {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"model": "fast", "messages": []any{map[string]any{"role": "system", "content": nasty}, map[string]any{"role": "user", "content": nasty}}, "temperature": 0.2, "max_tokens": 20,
		"stream": true, "tollgate": map[string]any{"prompt": map[string]any{"id": "prompt_x", "version": 7}, "variables": map[string]any{"name": nasty, "on": true, "none": nil}},
		"tools": []any{map[string]any{"type": "function", "function": map[string]any{"name": "look", "parameters": map[string]any{"type": "object"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return code.Call{Body: body, Gateway: "https://gateway.example/", Site: "https://site.example", Prompt: "greeter", Version: 7}
}

func TestEveryClientHasItsSnippet(t *testing.T) {
	t.Parallel()
	var got []string
	for _, s := range code.Snippets(sample(t)) {
		got = append(got, s.Client)
		if !strings.Contains(s.Text, "https://gateway.example") || strings.Contains(s.Text, "example//") || strings.Contains(s.Text, `"stream"`) {
			t.Errorf("%s:\n%s", s.Client, s.Text)
		}
	}
	want := "Python, curl, JavaScript, Go, Anthropic Python, Anthropic JavaScript, Vercel AI SDK, Langfuse"
	if strings.Join(got, ", ") != want {
		t.Errorf("clients = %v", got)
	}
}

func TestSnippetsAreProgramsOfTheirLanguages(t *testing.T) {
	t.Parallel()
	python, node := tool(t, "python3"), tool(t, "node")
	for _, s := range code.Snippets(sample(t)) {
		file := filepath.Join(t.TempDir(), "snippet")
		var cmd *exec.Cmd
		switch s.Language {
		case code.Go:
			if _, err := parser.ParseFile(token.NewFileSet(), "main.go", s.Text, 0); err != nil {
				t.Errorf("%s: %v\n%s", s.Client, err, s.Text)
			}
			continue
		case code.Python:
			if python == "" {
				continue
			}
			cmd = exec.CommandContext(t.Context(), python, "-c", "import ast,sys; ast.parse(open(sys.argv[1]).read())", file)
		case code.JavaScript:
			if node == "" {
				continue
			}
			file += ".mjs"
			cmd = exec.CommandContext(t.Context(), node, "--check", file)
		case code.Shell:
			cmd = exec.CommandContext(t.Context(), "sh", "-n", file)
		}
		if err := os.WriteFile(file, []byte(s.Text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", s.Client, err, out, s.Text)
		}
	}
}

// What curl is told to send is the body: the shell reads nothing in it.
func TestTheShellReadsNothingInABody(t *testing.T) {
	t.Parallel()
	call := sample(t)
	var text string
	for _, s := range code.Snippets(call) {
		if s.Client == "curl" {
			text = s.Text
		}
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "curl"), []byte("#!/bin/sh\ncat\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", text)
	cmd.Env = []string{"PATH=" + folder + ":/usr/bin:/bin", "HOME=/wrong"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var sent, want map[string]any
	if err := json.Unmarshal(out, &sent); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := json.Unmarshal(call.Body, &want); err != nil {
		t.Fatal(err)
	}
	delete(want, "stream")
	a, _ := json.Marshal(sent)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Errorf("sent %s\nwant %s", a, b)
	}
}

// tool finds a program; "" where the machine has none.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Logf("%s is not here", name)
	}
	return path
}
