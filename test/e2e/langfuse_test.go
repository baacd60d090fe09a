package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
)

// langfuseSaw is what Langfuse's SDK saw, whichever language it is in.
type langfuseSaw struct {
	Auth    bool `json:"auth"`
	Created struct {
		Version int            `json:"version"`
		Labels  []string       `json:"labels"`
		Tags    []string       `json:"tags"`
		Config  map[string]any `json:"config"`
		Message string         `json:"message"`
	} `json:"created"`
	Text            string              `json:"text"`
	Variables       []string            `json:"variables"`
	Chat            []map[string]string `json:"chat"`
	Requests        int                 `json:"requests"` // of three readings within the time that a prompt is kept
	ByLabel         int                 `json:"by label"`
	ByVersion       int                 `json:"by version"`
	Latest          int                 `json:"latest"`
	Stale           int                 `json:"stale"`
	Fresh           int                 `json:"fresh"`
	Moved           []string            `json:"moved"`
	After           int                 `json:"after"`
	List            []langfuseListed    `json:"list"`
	Total           int                 `json:"total"`
	Missing         langfuseRefusal     `json:"missing"`
	NoLabel         langfuseRefusal     `json:"no label"`
	ProtectedCreate langfuseRefusal     `json:"protected create"`
	ProtectedMove   langfuseRefusal     `json:"protected move"`
	Section         langfuseRefusal     `json:"section"`
	Logic           langfuseRefusal     `json:"logic"`
	BadKey          langfuseRefusal     `json:"bad key"`
	DownKept        int                 `json:"down kept"`
	DownFallback    []any               `json:"down fallback"`
	Deleted         langfuseRefusal     `json:"deleted"`
}

type langfuseListed struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Versions []int  `json:"versions"`
}

type langfuseRefusal struct {
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// meter stands before the control plane: it counts readings of single prompts, and can be shut.
func meter(t *testing.T, api string) string {
	t.Helper()
	target, err := url.Parse(api)
	if err != nil {
		t.Fatal(err)
	}
	var readings atomic.Int64
	var down atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(target)
	mux := http.NewServeMux()
	mux.HandleFunc("/proxy/requests", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strconv.FormatInt(readings.Load(), 10)))
	})
	mux.HandleFunc("/proxy/down", func(http.ResponseWriter, *http.Request) { down.Store(true) })
	mux.HandleFunc("/proxy/up", func(http.ResponseWriter, *http.Request) { down.Store(false) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/api/public/v2/prompts/") {
			readings.Add(1)
		}
		proxy.ServeHTTP(w, r)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

func runLangfuse(t *testing.T, folder, script, base, public, secret string) langfuseSaw {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	sdk := sdkDir(t)
	command := append(interpreter(t, sdk, folder), script, base, public, secret)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env = filepath.Join(sdk, folder), quiet(t, "LANGFUSE_TRACING_ENABLED=false")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s (test/setup.sh installs the SDK): %v\n%s", script, err, stderr.String())
	}
	var saw langfuseSaw
	if err := json.Unmarshal(out, &saw); err != nil {
		t.Fatalf("%s printed %q: %v", script, out, err)
	}
	return saw
}

func (saw *langfuseSaw) check(t *testing.T) {
	t.Helper()
	same := func(what string, got, want any) {
		t.Helper()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	same("the credentials", saw.Auth, true)
	same("created", saw.Created.Version, 1)
	same("labels", saw.Created.Labels, []string{"production", "latest"})
	same("tags", saw.Created.Tags, []string{"a"})
	same("config", saw.Created.Config, map[string]any{"model": "fast", "temperature": 0.2, "languages": []any{"de", "en"}})
	same("message", saw.Created.Message, "first")
	same("text", saw.Text, "Hello, <Ada> {{x}}!")
	same("variables", saw.Variables, []string{"greeting", "name"})
	same("chat", saw.Chat, []map[string]string{
		{"role": "system", "content": "You are a bot."},
		{"role": "user", "content": "Hi"},
		{"role": "assistant", "content": "Hello a bot"},
		{"role": "user", "content": "Why?"},
	})
	same("requests while a prompt is kept", saw.Requests, 1)
	same("by label, by version, latest", []int{saw.ByLabel, saw.ByVersion, saw.Latest}, []int{2, 1, 2})
	same("stale, then fresh", []int{saw.Stale, saw.Fresh}, []int{1, 2})
	same("after a label was moved", saw.Moved, []string{"production"})
	same("the roll-back", saw.After, 1)
	same("the total of the list", saw.Total, 3)
	same("the list", saw.List, []langfuseListed{{"logic", "text", []int{1}}, {"support/chat", "chat", []int{1}}, {"support/hello", "text", []int{1}}})
	for what, r := range map[string]struct {
		got    langfuseRefusal
		status int
		code   string
		says   string
	}{
		"a prompt that is not there":      {saw.Missing, 404, "prompt.not_found", "no such prompt"},
		"a label that is not there":       {saw.NoLabel, 404, "prompt.unknown_label", `"gone"`},
		"a protected label on creation":   {saw.ProtectedCreate, 403, "prompt.label_protected", `"live"`},
		"a protected label moved":         {saw.ProtectedMove, 403, "prompt.label_protected", `"live"`},
		"a template that is not theirs":   {saw.Section, 400, "prompt.langfuse_invalid", "{{#a}}"},
		"a prompt that they cannot write": {saw.Logic, 409, "prompt.needs_rendering", "x-tollgate-prompt"},
		"a bad key":                       {saw.BadKey, 401, "token.invalid", ""},
		"a deleted prompt":                {saw.Deleted, 404, "prompt.not_found", "no such prompt"},
	} {
		if r.got.Status != r.status || r.got.Code != r.code || !strings.Contains(r.got.Message, r.says) {
			t.Errorf("%s: %+v, want %d %s with %q", what, r.got, r.status, r.code, r.says)
		}
	}
	same("what is kept while the control plane is down", saw.DownKept, 1)
	same("the fallback", saw.DownFallback, []any{true, "Dear Ada"})
}

// The official Langfuse SDKs, unmodified, fetch, compile and keep prompts that live here, and write them as far as their token may.
func TestLangfusesSDKsReadAndWritePrompts(t *testing.T) {
	t.Parallel()
	app := harness.Start(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	owner := app.Bootstrap()
	for i, one := range []struct{ folder, script string }{{"python", "langfuse_prompts.py"}, {"node", "langfuse_prompts.mjs"}} {
		t.Run(one.folder, func(t *testing.T) { // one behind the other: two cores run them no faster
			org := owner
			if i > 0 {
				org = app.SignUp("second@example.test", "Second")
			}
			token := org.Do(http.MethodPost, "/tokens", map[string]any{"name": "langfuse", "role": "developer"}).Want(http.StatusCreated)
			org.Do(http.MethodPut, "/prompts/protected", map[string]any{"labels": []string{"live"}}).Want(http.StatusOK)
			org.Do(http.MethodPost, "/prompts", map[string]any{"name": "logic", "kind": "text", "labels": []string{"production"}, "content": map[string]any{
				"text": "{{#if vip}}Dear{{/if}}", "variables": []any{map[string]any{"name": "vip", "kind": "boolean"}},
			}}).Want(http.StatusCreated)
			saw := runLangfuse(t, one.folder, one.script, meter(t, app.API), "pk-"+one.folder, token.Text("secret"))
			saw.check(t)
		})
	}
}
