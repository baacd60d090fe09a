package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
)

// guarded is an installation in which the label production is protected, and somebody who may write prompts and not release them.
type guarded struct {
	t        *testing.T
	app      *harness.App
	database string
	owner    *harness.Tenant
	made     int
}

// hand is who tries: by a token, and by a session of the dashboard.
type hand struct {
	name    string
	tenant  *harness.Tenant
	session *http.Client
}

// answered is what came of a try: whether it was refused, and what was said.
type answered struct {
	status int
	said   string
}

func (a answered) refused() bool {
	return a.status == http.StatusForbidden || strings.Contains(a.said, "prompt.label_protected") || strings.Contains(a.said, "is protected")
}

// way is one way to move a protected label of a prompt, or to take it from under it.
type way struct {
	name string
	try  func(g *guarded, h hand, p target) answered
}

// target is the prompt whose label is tried: production stands on version 1 of 2.
type target struct{ id, name string }

func (g *guarded) fresh() target {
	g.made++
	p := target{name: fmt.Sprintf("guarded/prompt-%d", g.made)}
	p.id = g.owner.Prompt(p.name, "one", "production")
	g.owner.Publish(p.id, "two")
	return p
}

// labels is where a prompt's labels stand and all that moves them: what must stay as it was.
func (g *guarded) labels(p target) string {
	g.t.Helper()
	var out struct {
		Labels   map[string]int  `json:"labels"`
		Ramps    json.RawMessage `json:"ramps"`
		Archived json.RawMessage `json:"archived_at"`
	}
	g.owner.Do(http.MethodGet, "/prompts/"+p.id, nil).Want(http.StatusOK).Into(&out)
	moves := g.owner.Do(http.MethodGet, "/prompts/"+p.id+"/moves", nil).Want(http.StatusOK)
	requests := g.owner.Do(http.MethodGet, "/prompts/"+p.id+"/requests", nil).Want(http.StatusOK)
	rules := g.owner.Do(http.MethodGet, "/prompts/protected", nil).Want(http.StatusOK)
	environments := g.owner.Do(http.MethodGet, "/prompts/environments", nil).Want(http.StatusOK)
	return fmt.Sprintf("%v ramps %s archived %s\n%s\n%s\n%s\n%s", out.Labels, out.Ramps, out.Archived, moves.Body, requests.Body, rules.Body, environments.Body)
}

func api(method, path string, body any) func(*guarded, hand, target) answered {
	return func(_ *guarded, h hand, p target) answered {
		got := h.tenant.Do(method, strings.ReplaceAll(path, "{id}", p.id), body)
		return answered{got.Status, string(got.Body)}
	}
}

// langfuse calls the API that Langfuse's SDKs speak.
func langfuse(method, path string, body any) func(*guarded, hand, target) answered {
	return func(g *guarded, h hand, p target) answered {
		raw, err := json.Marshal(body)
		if err != nil {
			g.t.Fatal(err)
		}
		at := strings.ReplaceAll(path, "{name}", url.PathEscape(p.name))
		req, err := http.NewRequestWithContext(g.t.Context(), method, g.app.API+"/api/public/v2/prompts"+at, bytes.NewReader(bytes.ReplaceAll(raw, []byte("{name}"), []byte(p.name))))
		if err != nil {
			g.t.Fatal(err)
		}
		req.SetBasicAuth("pk-test", h.tenant.Token)
		req.Header.Set("Content-Type", "application/json")
		return g.do(http.DefaultClient, req)
	}
}

func (g *guarded) do(client *http.Client, req *http.Request) answered {
	g.t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return answered{resp.StatusCode, string(body)}
}

// toolCall calls a tool of the MCP server.
func toolCall(tool string, arguments map[string]any) func(*guarded, hand, target) answered {
	return func(g *guarded, h hand, p target) answered {
		args := map[string]any{}
		for k, v := range arguments {
			if s, ok := v.(string); ok {
				v = strings.NewReplacer("{id}", p.id, "{name}", p.name).Replace(s)
			}
			args[k] = v
		}
		raw, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{"name": tool, "arguments": args}})
		if err != nil {
			g.t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.app.API+"/mcp", bytes.NewReader(raw))
		if err != nil {
			g.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+h.tenant.Token)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		got := g.do(http.DefaultClient, req)
		if got.status == http.StatusOK && strings.Contains(got.said, `"isError":true`) {
			got.status = http.StatusUnprocessableEntity
		}
		return got
	}
}

// typed posts a page's form, as a browser without scripts does.
func typed(path string, fields url.Values) func(*guarded, hand, target) answered {
	return func(g *guarded, h hand, p target) answered {
		sent := url.Values{}
		for k, values := range fields {
			for _, v := range values {
				sent.Add(k, strings.NewReplacer("{id}", p.id, "{name}", p.name).Replace(v))
			}
		}
		req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.app.API+strings.ReplaceAll(path, "{id}", p.id), strings.NewReader(sent.Encode()))
		if err != nil {
			g.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return g.do(h.session, req)
	}
}

// files changes a pulled file and applies the folder by the command line.
func files(change func(text string) string, more ...string) func(*guarded, hand, target) answered {
	return func(g *guarded, h hand, p target) answered {
		dir := g.t.TempDir()
		if out, err := g.app.CLI("prompts", "pull", dir, "--folder", "guarded", "--api", g.app.API, "--token", h.tenant.Token); err != nil {
			g.t.Fatalf("%v: %s", err, out)
		}
		found := false
		err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.Contains(path, strings.TrimPrefix(p.name, "guarded/")+".") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found = true
			return os.WriteFile(path, []byte(change(string(text))), 0o600)
		})
		if err != nil || !found {
			g.t.Fatalf("no file of %s: %v", p.name, err)
		}
		args := append([]string{"prompts", "apply", dir, "--yes", "--folder", "guarded", "--api", g.app.API, "--token", h.tenant.Token}, more...)
		out, err := g.app.CLI(args...)
		if err != nil {
			return answered{http.StatusConflict, string(out)}
		}
		return answered{http.StatusOK, string(out)}
	}
}

var content = map[string]any{"text": "three"} //nolint:gochecknoglobals // a table

// ways are all ways to move a protected label.
func ways() []way {
	soon := time.Now().Add(time.Hour).UTC()
	return []way{
		{name: "API: move", try: api(http.MethodPut, "/prompts/{id}/labels/production", map[string]any{"version": 2})},
		{name: "API: take off", try: api(http.MethodDelete, "/prompts/{id}/labels/production", nil)},
		{name: "API: publish with it", try: api(http.MethodPost, "/prompts/{id}/versions", map[string]any{"content": content, "labels": []string{"production"}})},
		{name: "API: archive under it", try: api(http.MethodPost, "/prompts/{id}/archive", nil)},
		{name: "API: by and by", try: api(http.MethodPut, "/prompts/{id}/labels/production/ramp", map[string]any{"version": 2})},
		{name: "API: at a time", try: api(http.MethodPost, "/prompts/{id}/schedule", map[string]any{"label": "production", "version": 2, "at": soon})},
		{name: "API: another label for an environment", try: api(http.MethodPut, "/prompts/environments", map[string]any{"environments": map[string]string{"production": "staging"}})},
		{name: "API: no protection", try: api(http.MethodPut, "/prompts/protected", map[string]any{"labels": []string{}})},
		{name: "API: a new prompt with it", try: func(_ *guarded, h hand, p target) answered {
			got := h.tenant.Do(http.MethodPost, "/prompts", map[string]any{"name": p.name + "-new", "kind": "text", "content": content, "labels": []string{"production"}})
			return answered{got.Status, string(got.Body)}
		}},
		{name: "API: import over it", try: func(_ *guarded, h hand, p target) answered {
			got := h.tenant.Do(http.MethodPost, "/prompts/import", map[string]any{
				"source": "files", "labels": "all", "strict": true, "files": []map[string]any{{"path": p.name + ".prompt.yaml", "text": "text: three\nlabels: [production]\n"}},
			})
			return answered{got.Status, string(got.Body)}
		}},
		{name: "API: import, and put it on", try: func(_ *guarded, h hand, p target) answered {
			got := h.tenant.Do(http.MethodPost, "/prompts/import", map[string]any{
				"source": "files", "put": "production", "files": []map[string]any{{"path": p.name + ".prompt.yaml", "text": "text: three\n"}},
			})
			return answered{got.Status, string(got.Body)}
		}},
		{name: "Langfuse: move", try: langfuse(http.MethodPatch, "/{name}/versions/2", map[string]any{"newLabels": []string{"production"}})},
		{name: "Langfuse: create with it", try: langfuse(http.MethodPost, "", map[string]any{"name": "{name}", "type": "text", "prompt": "three", "labels": []string{"production"}})},
		{name: "Langfuse: create, active", try: langfuse(http.MethodPost, "", map[string]any{"name": "{name}", "type": "text", "prompt": "three", "isActive": true})},
		{name: "Langfuse: delete", try: langfuse(http.MethodDelete, "/{name}", nil)},
		{name: "MCP: move", try: toolCall("move_label", map[string]any{"prompt": "{id}", "label": "production", "version": 2})},
		{name: "MCP: publish with it", try: toolCall("publish_version", map[string]any{"prompt": "{name}", "content": content, "labels": []string{"production"}})},
		{name: "MCP: a new prompt with it", try: toolCall("create_prompt", map[string]any{"name": "{name}-new", "kind": "text", "content": content, "labels": []string{"production"}})},
		{name: "CLI: apply a file that moves it", try: files(func(text string) string { return strings.Replace(text, "two", "three", 1) }, "--label", "production")},
		{name: "page: move", try: typed("/prompts/{id}/move", url.Values{"label": {"production"}, "to": {"2"}, "standing": {"1"}, "how": {"now"}})},
		{name: "page: move by and by", try: typed("/prompts/{id}/move", url.Values{"label": {"production"}, "to": {"2"}, "standing": {"1"}, "how": {"ramp"}, "shares": {"10, 100"}, "pause": {"60"}, "stop_over": {"2"}})},
		{name: "page: move at a time", try: typed("/prompts/{id}/move", url.Values{"label": {"production"}, "to": {"2"}, "standing": {"1"}, "how": {"at"}, "when": {soon.Format("2006-01-02T15:04")}})},
		{name: "page: take off", try: typed("/prompts/{id}/move", url.Values{"label": {"production"}, "to": {"0"}, "standing": {"1"}, "how": {"off"}})},
		{name: "page: roll back", try: typed("/prompts/{id}/rollback", url.Values{"label": {"production"}, "at": {"1"}, "to": {"2"}})},
		{name: "page: save with it", try: typed("/prompts/{id}/edit", url.Values{"kind": {"text"}, "text": {"three"}, "label": {"production"}, "version": {"2"}, "do": {"save"}})},
		{name: "page: archive", try: typed("/prompts/{id}/archive", nil)},
	}
}

// Whoever may not release a protected label cannot move it: in no way that there is. Whoever may, can in each of them, so that every way is one.
func TestAProtectedLabelIsMovedInNoWayWithoutTheRight(t *testing.T) {
	g := &guarded{t: t, database: pgtest.URL(t)}
	g.app = harness.Start(t, harness.Config{DatabaseURL: g.database})
	g.owner = g.app.Bootstrap()
	g.owner.Do(http.MethodPut, "/prompts/protected", map[string]any{"labels": []string{"production"}}).Want(http.StatusOK)
	token := g.owner.Do(http.MethodPost, "/tokens", map[string]any{"name": "developer", "role": "developer"}).Want(http.StatusCreated).Text("secret")
	session := logIn(t, g.app, "owner@example.test", "correct horse battery")
	developer := hand{"developer", g.app.Tenant(token), session}
	owner := hand{"owner", g.owner, session}
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			g.t = t
			p := g.fresh()
			was := g.labels(p)
			g.become("developer")
			got := w.try(g, developer, p)
			if !got.refused() {
				t.Errorf("answered with %d %.600s, want a refusal that says why", got.status, got.said)
			}
			if is := g.labels(p); is != was {
				t.Errorf("it was refused, and something moved:\nwas %s\nis  %s", was, is)
			}
			if found := g.owner.Do(http.MethodGet, "/prompts/resolve?name="+url.QueryEscape(p.name+"-new"), nil); found.Status != http.StatusNotFound {
				t.Errorf("the new prompt is there: %s", found.Body)
			}
			g.become("owner")
			if got := w.try(g, owner, p); got.status >= 400 {
				t.Errorf("an owner is answered with %d %.600s", got.status, got.said)
			}
			if is := g.labels(p); is == was && !strings.Contains(w.name, "new prompt") {
				t.Error("nothing moved for an owner either: this is no way")
			}
			g.owner.Do(http.MethodPut, "/prompts/protected", map[string]any{"labels": []string{"production"}}).Want(http.StatusOK)
			g.owner.Do(http.MethodPut, "/prompts/environments", map[string]any{"environments": map[string]string{}}).Want(http.StatusOK)
		})
	}
}

// become gives the session's user a role.
func (g *guarded) become(role string) {
	g.t.Helper()
	ctx := context.WithoutCancel(g.t.Context())
	c, err := pgx.Connect(ctx, g.database)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, `SELECT set_config('role', 'tollgate_app', false), set_config('app.org_id', $1, false)`, g.owner.OrganizationID); err != nil {
		g.t.Fatal(err)
	}
	if done, err := c.Exec(ctx, `UPDATE members SET role = $1`, role); err != nil || done.RowsAffected() != 1 {
		g.t.Fatal(done, err)
	}
}
