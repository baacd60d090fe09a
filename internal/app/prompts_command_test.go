package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt/exchange"
)

// promptDesk is somebody with the commands on prompts, a token and a folder.
type promptDesk struct {
	t                 *testing.T
	api, token, coder string
	dir               string
}

func newPromptDesk(t *testing.T) *promptDesk {
	t.Helper()
	cfg := settings(t, pgtest.URL(t))
	p := play(t, cfg, parts(API))
	answers(t, cfg.PublicURL+"/readyz")
	d := &promptDesk{t: t, api: cfg.PublicURL, token: p.bootstrap().ManagementToken, dir: filepath.Join(t.TempDir(), "prompts")}
	var made struct{ Secret string }
	d.ask(http.MethodPost, "/tokens", `{"name":"coder","role":"developer"}`, &made)
	if d.coder = made.Secret; d.coder == "" {
		t.Fatal("no token of a developer")
	}
	return d
}

// ask calls the API itself.
func (d *promptDesk) ask(method, path, body string, into any) {
	d.t.Helper()
	c, err := newRoutingClient(d.api, d.token)
	if err != nil {
		d.t.Fatal(err)
	}
	var send any
	if body != "" {
		send = json.RawMessage(body)
	}
	if err := c.do(d.t.Context(), method, path, "", send, into); err != nil {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
}

// run plays one command with a token, and expects its status and something that it says.
func (d *promptDesk) run(token string, status int, says, name string, args ...string) string {
	d.t.Helper()
	var o, e bytes.Buffer
	cmd := promptsCommand()
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	cmd.SetIn(strings.NewReader("y\n"))
	if name != "import" && name != "export" {
		args = append([]string{d.dir}, args...)
	}
	cmd.SetArgs(append(append([]string{name}, args...), "--api", d.api, "--token", token))
	err := cmd.ExecuteContext(d.t.Context())
	got, own := 0, (*exit)(nil)
	if errors.As(err, &own) {
		got = own.code
	} else if err != nil {
		d.t.Fatalf("%s ends without a status: %v", name, err)
	}
	said := o.String() + e.String()
	if err != nil {
		said += err.Error()
	}
	if got != status || !strings.Contains(said, says) {
		d.t.Errorf("%s %v ends with %d, want %d saying %q:\n%s", name, args, got, status, says, said)
	}
	if strings.Contains(said, token) {
		d.t.Errorf("%s shows the token", name)
	}
	return said
}

func (d *promptDesk) write(path, text string) {
	d.t.Helper()
	full := filepath.Join(d.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *promptDesk) read(path string) string {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join(d.dir, path))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(b)
}

func TestPromptsLiveInARepository(t *testing.T) {
	t.Parallel()
	d := newPromptDesk(t)
	d.run(d.token, 2, "there is no folder", "diff")
	d.run(d.token, 0, "no prompt in "+d.dir, "pull")
	d.write("support/greet.prompt.yaml", "labels: [production]\nvariables: [name]\ntext: |\n  Hello {{name}}!\n  {{> tone}}\n")
	d.write("tone.prompt.yaml", "labels: [production]\ntext: be kind\n")
	d.write("README.md", "# not a prompt {{nobody}}\n")
	d.run(d.token, 1, "support/greet: new, label production on version 1", "diff")
	d.run(d.token, 2, "nobody is there to ask", "apply")
	d.run(d.token, 0, "2 changes would be made", "apply", "--dry-run")
	d.run(d.token, 1, "tone: new", "diff")
	d.run(d.token, 0, "2 changes made", "apply", "--yes", "-m", "the first ones")
	d.run(d.token, 0, "", "diff")
	d.run(d.token, 0, "nothing to change", "apply", "--yes")
	if text := d.read("tone.prompt.yaml"); exchange.StampOf(text).Version != 1 || exchange.Edited(text) || !strings.HasSuffix(text, "\ntext: be kind\n") {
		t.Errorf("applied, the file is\n%s", text)
	}
	d.run(d.token, 0, "2 prompts in", "pull")

	d.write("support/greet.prompt.yaml", strings.Replace(d.read("support/greet.prompt.yaml"), "Hello", "Good day", 1))
	out := d.run(d.token, 1, "support/greet: version 2, label production from version 1 to 2", "diff")
	if !strings.Contains(out, "-  Hello {{name}}!\n  +  Good day {{name}}!\n") && !strings.Contains(out, "-   Hello {{name}}!") || strings.Contains(out, "\x1b") {
		t.Errorf("the difference is\n%s", out)
	}
	d.run(d.token, 2, "1 file changed here and not applied: support/greet.prompt.yaml", "pull")
	d.run(d.token, 0, "1 change made", "apply", "--yes")
	d.run(d.token, 0, "0 written", "pull")
	d.run(d.token, 0, "1 prompt in "+d.dir+", 0 written", "pull", "--label", "production", "--folder", "support")
	d.run(d.token, 0, "no prompt in", "pull", "--label", "nowhere")
}

func TestAnApplyDoesNotUndoWhatOthersDid(t *testing.T) {
	t.Parallel()
	d := newPromptDesk(t)
	d.write("a.prompt.yaml", "text: one\n")
	d.write("b.prompt.yaml", "text: b\n")
	d.run(d.token, 0, "2 changes made", "apply", "--yes")
	d.run(d.token, 0, "2 prompts", "pull")
	mine := strings.Replace(d.read("a.prompt.yaml"), "one", "mine", 1)
	other := &promptDesk{t: t, api: d.api, token: d.token, dir: filepath.Join(t.TempDir(), "other")}
	other.run(d.token, 0, "2 written", "pull")
	other.write("a.prompt.yaml", strings.Replace(other.read("a.prompt.yaml"), "one", "theirs", 1))
	other.run(d.token, 0, "1 change made", "apply", "--yes")

	d.write("a.prompt.yaml", mine)
	d.write("b.prompt.yaml", strings.Replace(d.read("b.prompt.yaml"), "text: |-\n  b", "text: |-\n  bb", 1))
	d.run(d.token, 2, "a: refused: The prompt \"a\" was changed since it was read", "diff")
	out := d.run(d.token, 2, "nothing was applied", "apply", "--yes")
	if !strings.Contains(out, "theirs") || !strings.Contains(out, "mine") {
		t.Errorf("the conflict is not shown:\n%s", out)
	}
	other.run(d.token, 0, "0 written", "pull")
	d.run(d.token, 0, "2 changes made", "apply", "--yes", "--force")
	other.run(d.token, 0, "2 written", "pull")

	if err := os.Remove(filepath.Join(d.dir, "b.prompt.yaml")); err != nil {
		t.Fatal(err)
	}
	d.run(d.token, 0, "b: has no file, and stays", "diff")
	d.run(d.token, 1, "b: archived", "diff", "--prune")
	d.run(d.token, 0, "1 change made", "apply", "--yes", "--prune")
	other.run(d.token, 0, "b.prompt.yaml: not on the server", "pull")
	other.run(d.token, 0, "b.prompt.yaml: removed", "pull", "--prune")
}

func TestTheCommandLineCannotMoveAProtectedLabel(t *testing.T) {
	t.Parallel()
	d := newPromptDesk(t)
	d.write("a.prompt.yaml", "labels: [production]\ntext: one\n")
	d.run(d.token, 0, "1 change made", "apply", "--yes")
	d.ask(http.MethodPut, "/prompts/protected", `{"labels":["production"]}`, nil)
	d.write("a.prompt.yaml", strings.Replace(d.read("a.prompt.yaml"), "one", "two", 1))
	for _, args := range [][]string{{"--yes"}, {"--yes", "--force"}, {"--yes", "--label", "production"}} {
		d.run(d.coder, 2, `The label "production" is protected`, "apply", args...)
	}
	d.run(d.coder, 0, "label production not moved to version 2", "import", filepath.Join(d.dir, "a.prompt.yaml"), "--labels", "all", "--dry-run")
	d.run(d.token, 2, "nobody is there to ask", "apply") // it has not moved: there is something to apply
	d.run(d.coder, 0, "1 change made", "apply", "--yes", "--label", "staging")
	var p struct {
		Items []struct{ Labels map[string]int }
	}
	d.ask(http.MethodGet, "/prompts", "", &p)
	if len(p.Items) != 1 || p.Items[0].Labels["production"] != 1 || p.Items[0].Labels["staging"] != 2 {
		t.Errorf("%+v", p.Items)
	}
}

func TestPromptsComeFromLangfuseAndLeaveAsAZip(t *testing.T) {
	d := newPromptDesk(t)
	lf := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret != "sk-lf-0" {
			w.WriteHeader(http.StatusUnauthorized)
		} else if strings.HasSuffix(r.URL.Path, "/prompts") {
			_, _ = w.Write([]byte(`{"data":[{"name":"greet","versions":[1],"labels":["production"]}],"meta":{"totalPages":1}}`))
		} else {
			_, _ = w.Write([]byte(`{"name":"greet","version":1,"type":"text","prompt":"Hello {{name}}","config":{"team":"x"},"labels":["production"],"tags":[]}`))
		}
	}))
	defer lf.Close()
	d.run(d.token, 2, "set LANGFUSE_PUBLIC_KEY", "import", "--langfuse-url", lf.URL)
	t.Setenv("LANGFUSE_PUBLIC_KEY", "pk")
	t.Setenv("LANGFUSE_SECRET_KEY", "sk-lf-wrong")
	if said := d.run(d.token, 2, "Langfuse refuses these keys", "import", "--langfuse-url", lf.URL); strings.Contains(said, "sk-lf-wrong") {
		t.Error("the key is shown")
	}
	t.Setenv("LANGFUSE_SECRET_KEY", "sk-lf-0")
	d.run(d.token, 0, "would be done: 1 created", "import", "--langfuse-url", lf.URL, "--dry-run", "--folder", "old")
	d.run(d.token, 0, "old/greet: new, label production on version 1", "import", "--langfuse-url", lf.URL, "--folder", "old")
	d.run(d.token, 0, "1 unchanged", "import", "--langfuse-url", lf.URL, "--folder", "old")
	packed := filepath.Join(t.TempDir(), "out.zip")
	d.run(d.token, 0, "1 file", "export", packed, "--versions", "all")
	d.run(d.token, 0, "1 unchanged", "import", packed)
	d.run(d.token, 0, "copy/old/greet: new", "import", packed, "--folder", "copy")
	d.run(d.token, 1, "1 refused", "import", filepath.Join(writeFile(t, "a.prompt.yaml", "text: '{{x}}'\n")))
	d.run(d.token, 2, "no such file", "import", "nowhere.json")
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
