package prompthttp_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/prompthttp"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/tenant"
)

// counting counts how often contents are read.
type counting struct {
	prompt.Store
	versions atomic.Int32
}

func (c *counting) Version(ctx context.Context, in tenant.Scope, which id.Prompt, number int) (prompt.Version, error) {
	c.versions.Add(1)
	return c.Store.Version(ctx, in, which, number)
}

// doors lets in whoever names a scope.
type doors map[string]tenant.Scope

func (d doors) Authenticate(_ context.Context, r *http.Request) (rest.Caller, error) {
	in, ok := d[r.Header.Get("Authorization")]
	if !ok {
		return rest.Caller{}, fault.New(fault.Unauthenticated, "auth.required", "Who are you?")
	}
	return rest.Caller{Scope: in}, nil
}

type house struct {
	t       *testing.T
	api     http.Handler
	store   *counting
	prompts *prompt.Service
	owner   tenant.Scope
}

func build(t *testing.T) *house {
	t.Helper()
	db := pgtest.New(t)
	a, _ := pgtest.Org(t, db, "A")
	b, _ := pgtest.Org(t, db, "B")
	now := func() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }
	h := &house{t: t, store: &counting{Store: promptpg.New(db)}, owner: a}
	h.prompts = prompt.NewService(h.store, now)
	s := rest.New(rest.Options{
		Title: "T", Version: "1", Authenticator: doors{"a": a, "b": b}, Once: &resttest.Memory{}, Now: now, Logger: slog.New(slog.DiscardHandler),
	})
	s.Mount(
		rest.GET("/prompts/resolve", tenant.ReadPrompts, prompthttp.Resolve(h.prompts)),
		rest.GET("/prompts/{id}", tenant.ReadPrompts, prompthttp.Read(h.prompts)),
		rest.PATCH("/prompts/{id}", tenant.WritePrompts, prompthttp.Update(h.prompts)),
		rest.GET("/prompts/{id}/versions", tenant.ReadPrompts, prompthttp.Versions(h.prompts)),
	)
	var err error
	if h.api, err = s.Handler(); err != nil {
		t.Fatal(err)
	}
	return h
}

type answer struct {
	status int
	header http.Header
	raw    string
	body   struct {
		ID, Code, Name string
		Version        *struct {
			Number  int
			Content struct{ Text string }
		}
	}
}

func (h *house) ask(who, method, path, body string, header ...string) answer {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, rest.Prefix+path, strings.NewReader(body))
	r.Header.Set("Authorization", who)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	out := answer{status: w.Code, header: w.Header(), raw: string(raw)}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &out.body); err != nil {
			h.t.Fatalf("%s: %v: %s", path, err, raw)
		}
	}
	return out
}

func (h *house) greeting() prompt.Prompt {
	h.t.Helper()
	p, _, err := h.prompts.Create(h.t.Context(), h.owner, prompt.New{
		Name: "support/greeting", Kind: prompt.Text, Content: prompt.Content{Text: "one"}, Labels: []string{"production"},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if p, _, err = h.prompts.Publish(h.t.Context(), h.owner, p.ID, prompt.Content{Text: "two"}, "", []string{"staging"}, nil); err != nil {
		h.t.Fatal(err)
	}
	return p
}

func TestAPromptIsReadByNameAndLabel(t *testing.T) {
	t.Parallel()
	h := build(t)
	p := h.greeting()
	for path, want := range map[string]string{
		"/support%2Fgreeting?label=production": "one",
		"/support%2Fgreeting?label=staging":    "two",
		"/support%2Fgreeting?label=latest":     "two",
		"/support%2Fgreeting?version=1":        "one",
		"/" + string(p.ID) + "?label=staging":  "two",
		"/resolve?name=support%2Fgreeting":     "one",
		"/resolve?name=" + string(p.ID):        "one",
		"/support%2Fgreeting":                  "",
		"/" + string(p.ID):                     "",
	} {
		got := h.ask("a", "GET", "/prompts"+path, "")
		if got.status != 200 || (got.body.Version == nil) != (want == "") || want != "" && got.body.Version.Content.Text != want {
			t.Errorf("%s: %d %s, want %q", path, got.status, got.raw, want)
		}
		if kept := strings.Contains(got.header.Get("Cache-Control"), "stale-while-revalidate"); kept != (want != "") || got.header.Get("ETag") == "" {
			t.Errorf("%s: headers %v", path, got.header)
		}
	}
	if _, _, err := h.prompts.Create(t.Context(), h.owner, prompt.New{Name: "prompt_library", Kind: prompt.Text, Content: prompt.Content{Text: "x"}}); err != nil {
		t.Fatal(err)
	}
	if got := h.ask("a", "GET", "/prompts/prompt_library?label=latest", ""); got.status != 200 {
		t.Errorf("a name that looks like an id: %d %s", got.status, got.raw)
	}
	for path, code := range map[string]string{
		"/support%2Fgreeting?label=gone":              prompt.ErrLabel.Code,
		"/support%2Fgreeting?version=3":               prompt.ErrVersion.Code,
		"/support%2Fgreeting?version=1&label=staging": prompt.ErrBoth.Code,
		"/support%2Fgoodbye?label=production":         prompt.ErrNotFound.Code,
		"/support/greeting":                           rest.ErrNoRoute.Code,
	} {
		if got := h.ask("a", "GET", "/prompts"+path, ""); got.body.Code != code {
			t.Errorf("%s: %s, want %s", path, got.raw, code)
		}
	}
	if got := h.ask("a", "GET", "/prompts/support%2Fgreeting?label=gone", ""); !strings.Contains(got.raw, `\"gone\"`) {
		t.Errorf("the label is not named: %s", got.raw)
	}
}

// Nobody else's prompt is there, by id or by name, whatever version they have.
func TestAnotherOrganizationsPromptIsNotThere(t *testing.T) {
	t.Parallel()
	h := build(t)
	p := h.greeting()
	tag := h.ask("a", "GET", "/prompts/"+string(p.ID), "").header.Get("ETag")
	for _, path := range []string{"/" + string(p.ID), "/" + string(p.ID) + "?label=production", "/support%2Fgreeting", "/resolve?name=support%2Fgreeting", "/resolve?name=" + string(p.ID)} {
		if got := h.ask("b", "GET", "/prompts"+path, "", "If-None-Match", tag); got.status != 404 || got.body.Code != prompt.ErrNotFound.Code {
			t.Errorf("%s: %d %s", path, got.status, got.raw)
		}
	}
}

// A reader that has the answer gets 304, for which no content is read; a move of a label is another answer.
func TestWhatTheReaderHasIsNotReadAgain(t *testing.T) {
	t.Parallel()
	h := build(t)
	p := h.greeting()
	for _, path := range []string{"/prompts/support%2Fgreeting?label=production", "/prompts/resolve?name=support%2Fgreeting&label=production"} {
		tag := h.ask("a", "GET", path, "").header.Get("ETag")
		read := h.store.versions.Load()
		got := h.ask("a", "GET", path, "", "If-None-Match", `"x", `+tag)
		if got.status != 304 || got.raw != "" || got.header.Get("ETag") != tag || !strings.Contains(got.header.Get("Cache-Control"), "max-age") {
			t.Errorf("%s: %d %q %v", path, got.status, got.raw, got.header)
		}
		if n := h.store.versions.Load() - read; n != 0 {
			t.Errorf("%s: 304 read %d contents", path, n)
		}
		if missing := h.ask("a", "GET", strings.Replace(path, "=production", "=gone", 1), "", "If-None-Match", "*"); missing.status == 304 {
			t.Errorf("%s: a label that is not there is still good", path)
		}
		if missing := h.ask("a", "GET", "/prompts/"+string(p.ID)+"?version=3", "", "If-None-Match", tag); missing.status != 404 {
			t.Errorf("a version that is not there: %d", missing.status)
		}
		number := 2
		if strings.Contains(path, "resolve") {
			number = 1
		}
		if _, err := h.prompts.SetLabel(t.Context(), h.owner, p.ID, "production", number, nil); err != nil {
			t.Fatal(err)
		}
		if moved := h.ask("a", "GET", path, "", "If-None-Match", tag); moved.status != 200 || moved.header.Get("ETag") == tag {
			t.Errorf("%s after the label moved: %d %v", path, moved.status, moved.header)
		}
	}
}

// The tag of a reading is what a change is made against.
func TestATagThatWasReadByLabelAllowsAChange(t *testing.T) {
	t.Parallel()
	h := build(t)
	p := h.greeting()
	tag := h.ask("a", "GET", "/prompts/support%2Fgreeting?label=production", "").header.Get("ETag")
	if got := h.ask("a", "PATCH", "/prompts/"+string(p.ID), `{"name":"support/hello"}`, "If-Match", tag); got.status != 200 {
		t.Errorf("%d %s", got.status, got.raw)
	}
	if got := h.ask("a", "PATCH", "/prompts/"+string(p.ID), `{"name":"support/again"}`, "If-Match", tag); got.status != 412 {
		t.Errorf("an old tag: %d %s", got.status, got.raw)
	}
}
