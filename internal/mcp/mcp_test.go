package mcp_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tollgate/internal/account"
	"tollgate/internal/id"
	"tollgate/internal/mcp"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/prompt/promptstat/promptstatpg"
	"tollgate/internal/tenant"
)

// tokens are those that there are.
type tokens map[string]tenant.Scope

func (t tokens) ManagementToken(_ context.Context, text string) (tenant.Scope, error) {
	if in, ok := t[text]; ok {
		return in, nil
	}
	return tenant.Scope{}, account.ErrToken
}

// house is the server over a database with two organizations: every role of the first, and the owner of the second.
type house struct {
	t       *testing.T
	url     string
	prompts *prompt.Service
	owner   tenant.Scope
}

func build(t *testing.T) *house {
	t.Helper()
	db := pgtest.New(t)
	a, _ := pgtest.Org(t, db, "A")
	b, _ := pgtest.Org(t, db, "B")
	known := tokens{"stranger": tenant.Authenticated(b.Org(), tenant.Actor{Token: "token_stranger"}, tenant.Owner)}
	for _, r := range tenant.Roles {
		known[string(r)] = tenant.Authenticated(a.Org(), tenant.Actor{Token: id.Token("token_" + r)}, r)
	}
	now := func() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }
	h := &house{t: t, prompts: prompt.NewService(promptpg.New(db), now), owner: known["owner"]}
	deps := mcp.Deps{Version: "test", Prompts: h.prompts, Metrics: promptstat.NewService(promptstatpg.New(db)), Tokens: known, Now: now, Logger: slog.New(slog.DiscardHandler)}
	// Two processes take turns: what one would remember, the other would not know.
	processes := []http.Handler{mcp.New(deps), mcp.New(deps)}
	var turn atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		processes[turn.Add(1)%2].ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	h.url = srv.URL + mcp.Path
	return h
}

// bearer sends a token with every request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

func (h *house) as(who string) *sdk.ClientSession {
	h.t.Helper()
	c := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	session, err := c.Connect(h.t.Context(), &sdk.StreamableClientTransport{Endpoint: h.url, HTTPClient: &http.Client{Transport: bearer(who)}, MaxRetries: -1}, nil)
	if err != nil {
		h.t.Fatalf("connecting as %s: %v", who, err)
	}
	h.t.Cleanup(func() { _ = session.Close() })
	return session
}

// call gives a tool's answer as JSON, and whether it failed.
func call(t *testing.T, s *sdk.ClientSession, tool string, arguments string) (string, bool) {
	t.Helper()
	res, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: json.RawMessage(arguments)})
	if err != nil {
		t.Fatalf("%s %s: %v", tool, arguments, err)
	}
	var raw strings.Builder
	e := json.NewEncoder(&raw)
	e.SetEscapeHTML(false)
	if err := e.Encode(res.StructuredContent); err != nil {
		t.Fatal(err)
	}
	if len(res.Content) != 1 || res.Content[0].(*sdk.TextContent).Text == "" {
		t.Errorf("%s has no text for clients that know no structure", tool)
	}
	return raw.String(), res.IsError
}

func want(t *testing.T, s *sdk.ClientSession, tool, arguments string, has ...string) string {
	t.Helper()
	got, failed := call(t, s, tool, arguments)
	if failed {
		t.Fatalf("%s %s: %s", tool, arguments, got)
	}
	for _, part := range has {
		if !strings.Contains(got, part) {
			t.Errorf("%s %s: %s has no %s", tool, arguments, got, part)
		}
	}
	return got
}

func refused(t *testing.T, s *sdk.ClientSession, tool, arguments string, has ...string) {
	t.Helper()
	got, failed := call(t, s, tool, arguments)
	for _, part := range append(has, `"code"`, `"message"`) {
		if !failed || !strings.Contains(got, part) {
			t.Errorf("%s %s: failed %v with %s, want a refusal with %s", tool, arguments, failed, got, part)
		}
	}
}

func TestAnAgentDoesAPromptsWholeLife(t *testing.T) {
	t.Parallel()
	h := build(t)
	s := h.as("developer")
	if in := s.InitializeResult(); in.ServerInfo.Name != "tollgate" || !strings.Contains(in.Instructions, "move_label") {
		t.Errorf("%+v", in)
	}
	want(t, s, "create_prompt", `{"name":"support/greeting","kind":"text","content":{"text":"Hello {{name}}","variables":[{"name":"name","kind":"string","required":true}]},"labels":["production"],"message":"first"}`,
		`"number":1`, `"production":1`)
	want(t, s, "list_prompts", `{"folder":"support"}`, `"name":"support/greeting"`)
	want(t, s, "check_prompt", `{"prompt":"support/greeting","content":{"text":"{{nobody}}"}}`, `"sound":false`, `nobody`, `"line":1`)
	want(t, s, "check_prompt", `{"kind":"text","content":{"text":"fine","cases":[{"name":"c","assert":[{"kind":"contains","value":"bad"}]}]}}`, `"sound":false`, `"failed"`)
	want(t, s, "check_prompt", `{"kind":"text","content":{"text":"fine"}}`, `"sound":true`)
	want(t, s, "publish_version", `{"prompt":"support/greeting","expected_latest":1,"content":{"text":"Hi {{name}}","variables":[{"name":"name","kind":"string","required":true}],"parameters":{"temperature":0.70}}}`,
		`"number":2`, `"production":1`)
	want(t, s, "get_prompt", `{"prompt":"support/greeting"}`, `"text":"Hello {{name}}"`)
	want(t, s, "get_prompt", `{"prompt":"support/greeting","label":"latest"}`, `"text":"Hi {{name}}"`)
	want(t, s, "get_prompt", `{"prompt":"support/greeting","version":2}`, `"temperature":0.7`)
	want(t, s, "diff_versions", `{"prompt":"support/greeting","from":1,"to":2}`, `-Hello {{name}}\n+Hi {{name}}`, `parameters.temperature`)
	want(t, s, "render_prompt", `{"prompt":"support/greeting","version":2,"variables":{"name":"<Ada>"}}`, `"text":"Hi <Ada>"`, `"version":2`)
	want(t, s, "move_label", `{"prompt":"support/greeting","label":"production","version":2,"expected_version":1}`, `"production":2`)
	want(t, s, "list_moves", `{"prompt":"support/greeting","limit":1}`, `"is":2`, `"was":1`, `"by":"token_developer"`)
	want(t, s, "move_label", `{"prompt":"support/greeting","label":"production","version":1}`, `"production":1`)
	want(t, s, "prompt_metrics", `{"prompt":"support/greeting"}`, `"by":"version"`, `"from":"2029-12-25T12:00:00Z"`)
	want(t, s, "ask_for_move", `{"prompt":"support/greeting","label":"production","version":2,"why":"shorter"}`, `"state":"waiting"`, `"to":2`)
}

// What goes wrong is told as the JSON API tells it, so that an agent can mend it.
func TestAFailureNamesItsCodeAndWhatToDo(t *testing.T) {
	t.Parallel()
	h := build(t)
	s := h.as("developer")
	want(t, s, "create_prompt", `{"name":"p","kind":"text","content":{"text":"Hello {{name}}","variables":[{"name":"name","kind":"string","required":true}]},"labels":["production"]}`)
	refused(t, s, "get_prompt", `{"prompt":"none"}`, prompt.ErrNotFound.Code)
	refused(t, s, "get_prompt", `{"prompt":"p","label":"gone"}`, prompt.ErrLabel.Code, `\"gone\"`)
	refused(t, s, "get_prompt", `{"prompt":"p","version":9}`, prompt.ErrVersion.Code)
	refused(t, s, "get_prompt", `{"prompt":"p","version":1,"label":"production"}`, prompt.ErrBoth.Code)
	refused(t, s, "get_prompt", `{}`, "Say which prompt", `"field":"prompt"`)
	refused(t, s, "get_prompt", `{"promt":"p"}`, "request.invalid", `\"promt\"`)
	refused(t, s, "get_prompt", `{"prompt":7}`, `"field":"prompt"`)
	refused(t, s, "render_prompt", `{"prompt":"p"}`, "prompt.variable_missing", `"field":"variables.name"`)
	refused(t, s, "create_prompt", `{"name":"p","kind":"text","content":{"text":"x"}}`, prompt.ErrTaken.Code)
	refused(t, s, "create_prompt", `{"name":"q","kind":"text","content":{"text":"{{x}}"}}`, prompt.ErrInvalid.Code, "Line 1")
	refused(t, s, "publish_version", `{"prompt":"p","content":{"text":"x"},"expected_latest":4}`, prompt.ErrStale.Code)
	refused(t, s, "move_label", `{"prompt":"p","label":"production","version":1,"expected_version":2}`, prompt.ErrStale.Code)
	refused(t, s, "move_label", `{"prompt":"p","label":"production"}`, `"field":"version"`)
	refused(t, s, "move_label", `{"prompt":"p","label":"latest","version":1}`, prompt.ErrInvalid.Code)
	refused(t, s, "list_prompts", `{"limit":1000}`, `"field":"limit"`)
	refused(t, s, "list_prompts", `{"cursor":"x"}`, "invalid_cursor")
	refused(t, s, "prompt_metrics", `{"prompt":"p","by":"colour"}`, "message")
}

// Each role is shown the tools that it may use, and no others.
func TestToolsFollowTheRole(t *testing.T) {
	t.Parallel()
	h := build(t)
	reading := []string{"check_prompt", "diff_versions", "get_prompt", "list_moves", "list_prompts", "prompt_metrics", "render_prompt"}
	all := slices.Sorted(slices.Values(append([]string{"ask_for_move", "create_prompt", "move_label", "publish_version"}, reading...)))
	for _, r := range tenant.Roles {
		want := reading
		if r.Can(tenant.WritePrompts) {
			want = all
		}
		s := h.as(string(r))
		listed, err := s.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, tool := range listed.Tools {
			got = append(got, tool.Name)
			if tool.Description == "" || tool.Annotations == nil || tool.Annotations.ReadOnlyHint != slices.Contains(reading, tool.Name) {
				t.Errorf("%s says nothing of itself: %+v", tool.Name, tool.Annotations)
			}
		}
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", r, d)
		}
		if r.Can(tenant.WritePrompts) {
			continue
		}
		_, err = s.CallTool(t.Context(), &sdk.CallToolParams{Name: "create_prompt", Arguments: json.RawMessage(`{"name":"x","kind":"text","content":{"text":"x"}}`)})
		if err == nil {
			t.Errorf("%s may call a tool that it is not shown", r)
		}
	}
	if found, _, err := h.prompts.List(t.Context(), h.owner, prompt.Filter{}, "", 10); err != nil || len(found) > 0 {
		t.Errorf("%v %v", found, err)
	}
}

// Another organization's prompt is not there, by id or by name, for any tool; and nothing of it changes.
func TestOtherOrganizationsAreNotThere(t *testing.T) {
	t.Parallel()
	h := build(t)
	s := h.as("owner")
	want(t, s, "create_prompt", `{"name":"secret/plan","kind":"text","content":{"text":"x"},"labels":["production"]}`)
	p, err := h.prompts.Named(t.Context(), h.owner, "secret/plan")
	if err != nil {
		t.Fatal(err)
	}
	stranger := h.as("stranger")
	for _, name := range []string{"secret/plan", string(p.ID)} {
		for tool, arguments := range map[string]string{
			"get_prompt": `{"prompt":"P"}`, "render_prompt": `{"prompt":"P"}`, "check_prompt": `{"prompt":"P","content":{"text":"x"}}`,
			"diff_versions": `{"prompt":"P","from":1,"to":1}`, "list_moves": `{"prompt":"P"}`, "prompt_metrics": `{"prompt":"P"}`,
			"publish_version": `{"prompt":"P","content":{"text":"y"}}`, "move_label": `{"prompt":"P","label":"production","version":1}`,
			"ask_for_move": `{"prompt":"P","label":"production","version":1,"why":"x"}`,
		} {
			refused(t, stranger, tool, strings.ReplaceAll(arguments, "P", name), prompt.ErrNotFound.Code)
		}
	}
	refused(t, stranger, "create_prompt", `{"name":"mine","kind":"text","content":{"text":"{{> secret/plan}}"}}`, "secret/plan")
	refused(t, stranger, "create_prompt", `{"name":"mine","kind":"text","content":{"text":"{{> secret/plan}}","refs":{"secret/plan":{"prompt":"`+string(p.ID)+`","label":"production"}}}}`, prompt.ErrInvalid.Code)
	want(t, stranger, "list_prompts", `{}`, `"items":[]`)
	after, err := h.prompts.Prompt(t.Context(), h.owner, p.ID)
	if d := cmp.Diff(p, after); d != "" || err != nil {
		t.Error(d, err)
	}
}

// A protected label is moved by nobody who may not release, whichever tool would.
func TestProtectedLabelsAreRefused(t *testing.T) {
	t.Parallel()
	h := build(t)
	s := h.as("developer")
	want(t, s, "create_prompt", `{"name":"p","kind":"text","content":{"text":"1"},"labels":["production"]}`)
	want(t, s, "publish_version", `{"prompt":"p","content":{"text":"2"}}`)
	if err := h.prompts.Protect(t.Context(), h.owner, []string{"production"}); err != nil {
		t.Fatal(err)
	}
	before := want(t, s, "list_prompts", `{}`)
	refused(t, s, "move_label", `{"prompt":"p","label":"production","version":2}`, prompt.ErrProtected.Code)
	refused(t, s, "publish_version", `{"prompt":"p","content":{"text":"3"},"labels":["aaa","production"]}`, prompt.ErrProtected.Code)
	refused(t, s, "create_prompt", `{"name":"q","kind":"text","content":{"text":"x"},"labels":["production"]}`, prompt.ErrProtected.Code)
	if after := want(t, s, "list_prompts", `{}`); after != before {
		t.Errorf("what was refused changed %s to %s", before, after)
	}
	want(t, s, "ask_for_move", `{"prompt":"p","label":"production","version":2,"why":"shorter"}`, `"state":"waiting"`)
	want(t, h.as("admin"), "move_label", `{"prompt":"p","label":"production","version":2}`, `"production":2`)
}

// The door: an API token in the header, no page of another site, no body without bound.
func TestWhoMayCallIsAsked(t *testing.T) {
	t.Parallel()
	h := build(t)
	const hello = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	ask := func(body string, header ...string) (int, string, http.Header) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(raw), res.Header
	}
	for name, header := range map[string][]string{
		"nothing":      {},
		"a cookie":     {"Cookie", "tollgate=owner"},
		"a password":   {"Authorization", "Basic owner"},
		"a wrong one":  {"Authorization", "Bearer nobody"},
		"two of them":  {"Authorization", "Bearer owner", "Authorization", "Bearer stranger"},
		"no scheme":    {"Authorization", "owner"},
		"a session id": {"Mcp-Session-Id", "1"},
	} {
		if status, body, h := ask(hello, header...); status != http.StatusUnauthorized || h.Get("WWW-Authenticate") == "" || !strings.Contains(body, `"jsonrpc":"2.0"`) {
			t.Errorf("with %s: %d %s", name, status, body)
		}
	}
	if status, body, _ := ask(hello, "Authorization", "Bearer owner", "Origin", "https://evil.example"); status != http.StatusForbidden {
		t.Errorf("from another site: %d %s", status, body)
	}
	if status, body, _ := ask(hello, "Authorization", "Bearer owner", "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("from another site: %d %s", status, body)
	}
	if status, body, _ := ask(hello, "Authorization", "Bearer owner"); status != http.StatusOK || !strings.Contains(body, "list_prompts") {
		t.Errorf("an owner: %d %s", status, body)
	}
	if status, _, _ := ask(`{"jsonrpc":"2.0","id":1,"method":"`+strings.Repeat("x", 1<<20)+`"}`, "Authorization", "Bearer owner"); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of more than 1 MiB: %d", status)
	}
}
