package app

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/postgres/pgtest"
)

// cli is somebody with the routing commands, a token and a folder.
type cli struct {
	t          *testing.T
	api, token string
	file       string
}

// run plays one command and gives what it said, what it complained of, and its status.
func (c *cli) run(name string, args ...string) (out, complaint string, status int) {
	c.t.Helper()
	for _, cmd := range routingCommands() {
		if cmd.Name() != name {
			continue
		}
		var o, e bytes.Buffer
		cmd.SetOut(&o)
		cmd.SetErr(&e)
		cmd.SetIn(strings.NewReader("y\n"))
		cmd.SetArgs(append([]string{c.file, "--api", c.api, "--token", c.token}, args...))
		err := cmd.ExecuteContext(c.t.Context())
		var code *exit
		if errors.As(err, &code) {
			status = code.code
		} else if err != nil {
			c.t.Fatalf("%s ends without a status: %v", name, err)
		}
		if err != nil {
			e.WriteString(err.Error())
		}
		if strings.Contains(o.String()+e.String(), c.token) {
			c.t.Errorf("%s shows the token", name)
		}
		return o.String(), e.String(), status
	}
	c.t.Fatalf("no command %s", name)
	return "", "", 0
}

func (c *cli) write(text string) {
	c.t.Helper()
	if err := os.WriteFile(c.file, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cli) text() string {
	c.t.Helper()
	b, err := os.ReadFile(c.file)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// expect compares a command's end; says has to be in what it said or complained of.
func (c *cli) expect(status int, says string, name string, args ...string) string {
	c.t.Helper()
	out, complaint, got := c.run(name, args...)
	if got != status || !strings.Contains(out+complaint, says) {
		c.t.Errorf("%s %v ends with %d, want %d saying %q:\n%s%s", name, args, got, status, says, out, complaint)
	}
	return out
}

func routingDesk(t *testing.T) *cli {
	t.Helper()
	cfg := settings(t, pgtest.URL(t))
	p := play(t, cfg, parts(API))
	answers(t, cfg.PublicURL+"/readyz")
	return &cli{t: t, api: cfg.PublicURL, token: p.bootstrap().ManagementToken, file: filepath.Join(t.TempDir(), "routing.yaml")}
}

const (
	firstRouting  = "# ours\ntasks: {classification: fast}\naliases:\n  fast:\n    targets: [{model: sandbox/echo-mini, weight: 70}, {model: sandbox/echo-large, weight: 30}]\n"
	secondRouting = "# ours\ntasks: {classification: fast}\naliases:\n  fast:\n    targets: [{model: sandbox/echo-mini, weight: 50}, {model: sandbox/echo-large, weight: 30}]\n"
)

func TestTheRoutingFileLivesInARepository(t *testing.T) {
	t.Parallel()
	c := routingDesk(t)
	c.expect(2, "there is no "+c.file, "diff")
	c.write(firstRouting)
	c.expect(1, "fast added: to sandbox/echo-mini + sandbox/echo-large", "diff")
	c.expect(1, "No calls were made on", "diff", "--effect")
	c.expect(0, "is valid, and would make 2 changes", "check")
	c.expect(2, "nobody is there to ask", "apply")
	c.expect(0, "version 1 stands", "apply", "--yes", "-m", "the first file")
	c.expect(0, "", "diff")
	if c.text() != firstRouting {
		t.Errorf("apply wrote into a file without a version:\n%s", c.text())
	}
	c.expect(0, "nothing to change: version 1 stands", "apply", "--yes")

	c.write(secondRouting)
	c.expect(2, "does not say which version it was made from", "apply", "--yes")
	c.expect(2, "has changes that are not applied", "pull")
	c.expect(0, "is version 1", "pull", "--force")
	if c.text() != "# version: 1\n"+firstRouting {
		t.Errorf("pulled:\n%s", c.text())
	}
	c.write("# version: 1\n" + secondRouting)
	out := c.expect(1, "fast changed: sandbox/echo-mini: weight 70 → 50", "diff")
	if !strings.Contains(out, "\n-      - {model: sandbox/echo-mini, weight: 70}\n+      - {model: sandbox/echo-mini, weight: 50}\n") || strings.Contains(out, "\x1b") {
		t.Errorf("%q", out)
	}
	c.expect(0, "version 2 stands", "apply", "--yes")
	if c.text() != "# version: 2\n"+secondRouting {
		t.Errorf("applied:\n%s", c.text())
	}
	c.write("# version: 2\n" + strings.Replace(secondRouting, "# ours", "# theirs", 1))
	c.expect(0, "", "diff")
	c.expect(0, "only the words", "apply", "--yes")
}

func TestNobodysChangeIsOverwrittenByAFile(t *testing.T) {
	t.Parallel()
	c := routingDesk(t)
	c.write(firstRouting)
	c.expect(0, "version 1 stands", "apply", "--yes")
	c.expect(0, "is version 1", "pull", "--force")
	other := &cli{t: t, api: c.api + "/api/v1/", token: c.token, file: filepath.Join(t.TempDir(), "routing.yaml")}
	other.expect(0, "is version 1", "pull")
	other.write("# version: 1\n" + secondRouting)
	other.expect(0, "version 2 stands", "apply", "--yes")

	mine := "# version: 1\n" + strings.Replace(firstRouting, "weight: 30", "weight: 35", 1)
	c.write(mine)
	c.expect(2, "was made from version 1, and version 2 stands", "apply", "--yes")
	c.expect(2, "has changes that are not applied", "pull")
	if c.text() != mine {
		t.Errorf("a refused command changed the file:\n%s", c.text())
	}
	c.write("# version: 1\n" + firstRouting) // nothing of one's own in it
	c.expect(0, "is version 2", "pull")
	c.write(mine)
	c.expect(0, "version 3 stands", "apply", "--yes", "--force")
}

func TestTheEffectOnYesterdayIsATable(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"/api/v1/routing/check": `{"valid":true,"version":1,"problems":[],"changes":[{"kind":"changed","alias":"fast","says":["target x added"]}],"diff":"+x\n"}`,
		"/api/v1/routing/rehearse": `{"day":"2030-03-01T00:00:00Z","calls":90,"looked_at":30,"moved":12,"refused":3,"freed":0,"before_nano_usd":"1500000000","after_nano_usd":"120000",
			"aliases":[{"alias":"fast","calls":60,"moved":12,"refused":3,"before_nano_usd":"1500000000","after_nano_usd":"120000","why_refused":"Not connected."}]}`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, answers[r.URL.Path]) }))
	t.Cleanup(s.Close)
	c := &cli{t: t, api: s.URL, token: "tg_mgmt_x", file: filepath.Join(t.TempDir(), "routing.yaml")}
	c.write(firstRouting)
	out := c.expect(1, "Of the 90 calls of 1 March (estimated from 30 of them), 12 would have moved and 3 been refused", "diff", "--effect")
	for _, want := range []string{"fast   60     12     3        $1.50        $0.00012\n", "all    90     12     3        $1.50        $0.00012\n", "fast: Not connected.\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestWhatIsWrongWithAFileIsToldLikeACompilerDoes(t *testing.T) {
	t.Parallel()
	c := routingDesk(t)
	c.write("# version: 0\naliases:\n  fast:\n    targets: [gpt-4o]\n    when: [{if: input_tokens > many, use: sandbox/echo-mini}]\n")
	for _, command := range []string{"check", "diff", "apply"} {
		_, complaint, status := c.run(command)
		want := c.file + ":4:15: aliases.fast.targets[0]: Write the model as provider/model, such as openai/gpt-4o.\n" +
			c.file + `:5:32: aliases.fast.when[0].if: There is no "many".`
		if status != 2 || !strings.HasPrefix(complaint, want) || !strings.HasSuffix(complaint, "is not valid: 2 problems") {
			t.Errorf("%s ends with %d: %s\nwant %s", command, status, complaint, want)
		}
	}
	c.write(" \n")
	c.expect(2, "is empty", "apply", "--yes")
	c.token = "tg_mgmt_nobody"
	c.write(firstRouting)
	c.expect(2, "token", "diff")
	c.api = "tollgate.example.com"
	c.expect(2, "is the address of the dashboard", "diff")
	c.api = "http://127.0.0.1:1"
	c.expect(2, "no Tollgate answers at", "diff")
}
