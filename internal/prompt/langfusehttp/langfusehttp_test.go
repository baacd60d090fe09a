package langfusehttp_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/langfusehttp"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/prompt/template"
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

// house is the API over a database with two organizations: every role of the first, and the owner of the second.
type house struct {
	t       *testing.T
	api     http.Handler
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
	start := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { start = start.Add(time.Second); return start }
	prompts := prompt.NewService(promptpg.New(db), now)
	return &house{t: t, prompts: prompts, owner: known["owner"], api: langfusehttp.New(langfusehttp.Deps{
		Version: "test", Prompts: prompts, Tokens: known, Now: now, Logger: slog.New(slog.DiscardHandler),
	})}
}

type answer struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (h *house) ask(who, method, path, body string, header ...string) answer {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	if who != "" {
		r.SetBasicAuth("pk-lf-1", who)
	}
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
			h.t.Fatalf("%s %s: %v: %s", method, path, err, raw)
		}
	}
	return out
}

func (h *house) want(status int, who, method, path, body string, header ...string) answer {
	h.t.Helper()
	got := h.ask(who, method, path, body, header...)
	if got.status != status {
		h.t.Fatalf("%s %s as %s: %d %s, want %d", method, path, who, got.status, got.raw, status)
	}
	return got
}

const (
	at    = "/api/public/v2/prompts"
	first = `{"name":"support/greeting","prompt":"Hello {{name}}!","labels":["production"],"tags":["a"],"config":{"model":"fast","x":1},"commitMessage":"first"}`
)

func TestAPromptIsWrittenAndReadInLangfusesWords(t *testing.T) {
	t.Parallel()
	h := build(t)
	made := h.want(201, "developer", "POST", at, first)
	got := h.want(200, "viewer", "GET", at+"/support%2Fgreeting", "")
	if made.raw != got.raw {
		t.Errorf("made %s, got %s", made.raw, got.raw)
	}
	for field, want := range map[string]any{"name": "support/greeting", "version": 1.0, "type": "text", "prompt": "Hello {{name}}!", "commitMessage": "first", "resolutionGraph": nil} {
		if got.body[field] != want {
			t.Errorf("%s = %v, want %v", field, got.body[field], want)
		}
	}
	if s := got.raw; !strings.Contains(s, `"labels":["production","latest"]`) || !strings.Contains(s, `"tags":["a"]`) || !strings.Contains(s, `"config":{"model":"fast","x":1}`) {
		t.Error(s)
	}
	// A proxy in between may have read the slash.
	if same := h.want(200, "viewer", "GET", at+"/support/greeting?label=production", ""); same.raw != got.raw {
		t.Error(same.raw)
	}

	second := h.want(201, "developer", "POST", at, `{"type":"text","name":"support/greeting","prompt":"Hi {{name}}","labels":["staging","latest"],"tags":["b"]}`)
	if second.body["version"] != 2.0 || !strings.Contains(second.raw, `"tags":["b"]`) || !strings.Contains(second.raw, `"labels":["staging","latest"]`) {
		t.Error(second.raw)
	}
	if v := h.want(200, "viewer", "GET", at+"/support%2Fgreeting", "").body["version"]; v != 1.0 {
		t.Errorf("production stands on %v", v)
	}
	moved := h.want(200, "developer", "PATCH", at+"/support%2Fgreeting/versions/2", `{"newLabels":["production","tenant-1"]}`)
	if !strings.Contains(moved.raw, `"labels":["production","staging","tenant-1","latest"]`) {
		t.Error(moved.raw)
	}
	if v := h.want(200, "viewer", "GET", at+"/support%2Fgreeting", "").body["version"]; v != 2.0 {
		t.Errorf("production stands on %v", v)
	}
	h.want(409, "developer", "DELETE", at+"/support%2Fgreeting?version=1", "")
	h.want(204, "developer", "DELETE", at+"/support%2Fgreeting", "")
	h.want(404, "viewer", "GET", at+"/support%2Fgreeting", "")
	if again := h.want(201, "developer", "POST", at, first); again.body["version"] != 1.0 {
		t.Error(again.raw)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.want(201, "developer", "POST", at, first)
	for path, says := range map[string]string{
		"/support%2Fgreeting?label=gone":                 `\"gone\"`,
		"/support%2Fgreeting?version=9":                  "prompt.unknown_version",
		"/nothing":                                       "prompt.not_found",
		"/support%2Fgreeting?label=production&version=1": "label_and_version",
		"/support%2Fgreeting?version=x":                  "number from 1",
		"?page=0":                                        "page",
		"?limit=1000":                                    "limit",
		"?fromUpdatedAt=yesterday":                       "fromUpdatedAt",
		"?filter=[]":                                     "filter",
	} {
		got := h.ask("viewer", "GET", at+path, "")
		if got.status/100 != 4 || !strings.Contains(got.raw, says) || got.body["message"] == "" || got.body["error"] == "" {
			t.Errorf("%s: %d %s, want a refusal that says %s", path, got.status, got.raw, says)
		}
	}
	for body, says := range map[string]string{
		`{`:                              "JSON",
		`{"name":"x","prompt":"{{#a}}"}`: "{{#a}}",
		`{"name":"x","prompt":"y","labels":["BIG"]}`:                              "label",
		`{"name":"support/greeting","prompt":"y","tags":["Big"]}`:                 "tag",
		`{"name":"support/greeting","type":"chat","prompt":[]}`:                   "type",
		`{"name":"a|b","prompt":"y"}`:                                             "name",
		`{"name":"x","prompt":"@@@langfusePrompt:name=none|label=production@@@"}`: "none",
	} {
		if got := h.ask("developer", "POST", at, body); got.status != 400 || !strings.Contains(got.raw, says) {
			t.Errorf("%s: %d %s, want one that says %s", body, got.status, got.raw, says)
		}
	}
	if v := h.want(200, "developer", "GET", at+"/support%2Fgreeting?label=latest", "").body["version"]; v != 1.0 {
		t.Errorf("what was refused published version %v", v)
	}
	h.want(413, "developer", "POST", at, `{"name":"`+strings.Repeat("x", 1<<20)+`"}`)
	h.want(404, "developer", "POST", "/api/public/ingestion", `{}`)
	h.want(400, "developer", "PATCH", at+"/support%2Fgreeting/versions/1", `{"newLabels":["latest"]}`)
	h.want(404, "developer", "PATCH", at+"/support%2Fgreeting/versions/7", `{"newLabels":["x"]}`)
}

// The API lets in API tokens of those who may, by Basic authentication and nothing else.
func TestWhoMayCallIsAsked(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.want(201, "developer", "POST", at, first)
	reads := [][3]string{{"GET", at, ""}, {"GET", at + "/support%2Fgreeting", ""}, {"GET", "/api/public/projects", ""}}
	writes := [][3]string{
		{"POST", at, `{"name":"n","prompt":"x"}`},
		{"PATCH", at + "/support%2Fgreeting/versions/1", `{"newLabels":["x"]}`},
		{"DELETE", at + "/support%2Fgreeting", ""},
	}
	for _, c := range append(reads, writes...) {
		for _, header := range [][]string{{}, {"Authorization", "Bearer owner"}, {"Cookie", "tollgate=owner"}} {
			if got := h.want(401, "", c[0], c[1], c[2], header...); got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s does not say how to authenticate", c[0], c[1])
			}
		}
		h.want(401, "nobody", c[0], c[1], c[2])
	}
	for _, c := range writes {
		h.want(403, "viewer", c[0], c[1], c[2])
		h.want(403, "billing", c[0], c[1], c[2])
		h.want(403, "owner", c[0], c[1], c[2], "Sec-Fetch-Site", "cross-site")
	}
	h.want(200, "", "GET", "/api/public/health", "")
}

func TestThePublicKeyIsTheTokensIdOrBeginsWithPk(t *testing.T) {
	t.Parallel()
	h := build(t)
	for user, status := range map[string]int{"pk-lf-anything": 200, "token_owner": 200, "token_admin": 401, "owner": 401, "": 401, "sk-lf-x": 401} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", at, http.NoBody)
		r.SetBasicAuth(user, "owner")
		w := httptest.NewRecorder()
		h.api.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("user %q: %d, want %d", user, w.Code, status)
		}
	}
}

// Another organization sees nothing, changes nothing, and is told what it would be told of what is not there.
func TestOtherOrganizationsAreNotThere(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.want(201, "developer", "POST", at, first)
	before := h.want(200, "owner", "GET", at+"/support%2Fgreeting", "")
	p, err := h.prompts.Named(t.Context(), h.owner, "support/greeting")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"support%2Fgreeting", string(p.ID)} {
		for _, c := range [][3]string{
			{"GET", "/" + name, ""}, {"GET", "/" + name + "?version=1", ""}, {"DELETE", "/" + name, ""}, {"PATCH", "/" + name + "/versions/1", `{"newLabels":["x"]}`},
		} {
			got := h.want(404, "stranger", c[0], at+c[1], c[2])
			missing := h.want(404, "stranger", c[0], at+strings.Replace(c[1], name, "nothing", 1), c[2])
			if got.raw != missing.raw {
				t.Errorf("%s %s: %s, and of nothing %s", c[0], c[1], got.raw, missing.raw)
			}
		}
	}
	if got := h.want(200, "stranger", "GET", at, ""); !strings.Contains(got.raw, `"data":[]`) {
		t.Error(got.raw)
	}
	h.want(400, "stranger", "POST", at, `{"name":"x","prompt":"@@@langfusePrompt:name=support/greeting|version=1@@@"}`)
	if after := h.want(200, "owner", "GET", at+"/support%2Fgreeting", ""); after.raw != before.raw {
		t.Errorf("a stranger changed %s to %s", before.raw, after.raw)
	}
}

// A protected label is moved by nobody who may not release, in whatever way Langfuse's API knows.
func TestProtectedLabelsAreRefused(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.want(201, "developer", "POST", at, first)
	h.want(201, "developer", "POST", at, `{"name":"support/greeting","prompt":"2"}`)
	if err := h.prompts.Protect(t.Context(), h.owner, []string{"production"}); err != nil {
		t.Fatal(err)
	}
	before := h.want(200, "owner", "GET", at, "")
	for _, c := range [][3]string{
		{"POST", at, `{"name":"new","prompt":"x","labels":["production"]}`},
		{"POST", at, `{"name":"new","prompt":"x","isActive":true}`},
		{"POST", at, `{"name":"support/greeting","prompt":"3","labels":["a","production"],"tags":["z"]}`},
		{"PATCH", at + "/support%2Fgreeting/versions/2", `{"newLabels":["production"]}`},
		{"PATCH", at + "/support%2Fgreeting/versions/2", `{"newLabels":["aaa","production"]}`},
		{"DELETE", at + "/support%2Fgreeting", ""},
	} {
		if got := h.want(403, "developer", c[0], c[1], c[2]); got.body["code"] != prompt.ErrProtected.Code {
			t.Errorf("%s %s: %s", c[0], c[1], got.raw)
		}
	}
	if after := h.want(200, "owner", "GET", at, ""); after.raw != before.raw {
		t.Errorf("what was refused changed %s to %s", before.raw, after.raw)
	}
	h.want(200, "admin", "PATCH", at+"/support%2Fgreeting/versions/2", `{"newLabels":["production"]}`)
}

func TestListsArePagedAndFiltered(t *testing.T) {
	t.Parallel()
	h := build(t)
	for _, body := range []string{
		`{"name":"a","prompt":"1","labels":["production"]}`, `{"name":"a","prompt":"2","config":{"model":"m"}}`,
		`{"name":"b","prompt":"1","tags":["t"]}`, `{"name":"c","type":"chat","prompt":[{"role":"user","content":"x"}],"labels":["production"]}`,
	} {
		h.want(201, "developer", "POST", at, body)
	}
	tests := []struct{ query, names, has string }{
		{"", "a b c", `"totalItems":3`},
		{"?limit=2", "a b", `"totalPages":2`},
		{"?limit=2&page=2", "c", `"page":2`},
		{"?page=9", "", `"totalItems":3`},
		{"?label=production", "a c", `"versions":[1]`},
		{"?label=latest", "a b c", `"versions":[2]`},
		{"?tag=t", "b", `"tags":["t"]`},
		{"?name=a", "a", `"versions":[1,2],"labels":["production","latest"]`},
		{"?name=a", "a", `"lastConfig":{"model":"m"}`},
		{"?name=a&label=production", "a", `"lastConfig":{}`},
		{"?fromUpdatedAt=2031-01-01T00:00:00Z", "", ""},
		{"?toUpdatedAt=2031-01-01T00:00:00Z", "a b c", ""},
		{"?toUpdatedAt=2030-01-01T00:00:00%2B00:00", "", ""},
	}
	for _, tt := range tests {
		got := h.want(200, "viewer", "GET", at+tt.query, "")
		var names []string
		for _, one := range got.body["data"].([]any) {
			names = append(names, one.(map[string]any)["name"].(string))
		}
		if s := strings.Join(names, " "); s != tt.names || !strings.Contains(got.raw, tt.has) {
			t.Errorf("%s: %q, want %q and %s in %s", tt.query, s, tt.names, tt.has, got.raw)
		}
	}
}

func TestAnAnswerThatIsStillGoodIsNotSentAgain(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.want(201, "developer", "POST", at, first)
	tag := h.want(200, "viewer", "GET", at+"/support%2Fgreeting", "").header.Get("ETag")
	same := h.want(304, "viewer", "GET", at+"/support%2Fgreeting", "", "If-None-Match", tag)
	if tag == "" || same.raw != "" || same.header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("tag %q, then %q %v", tag, same.raw, same.header)
	}
	h.want(200, "developer", "PATCH", at+"/support%2Fgreeting/versions/1", `{"newLabels":["x"]}`)
	h.want(200, "viewer", "GET", at+"/support%2Fgreeting", "", "If-None-Match", tag)
}

// What the SDKs cannot compile is a refusal that says where it is rendered.
func TestAPromptWithLogicIsRenderedThroughTheGateway(t *testing.T) {
	t.Parallel()
	h := build(t)
	_, _, err := h.prompts.Create(t.Context(), h.owner, prompt.New{Name: "logic", Kind: prompt.Text, Labels: []string{"production"}, Content: prompt.Content{
		Text: "{{#if a}}x{{/if}}", Variables: []template.Variable{{Name: "a", Kind: template.String}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := h.want(409, "viewer", "GET", at+"/logic", "")
	if !strings.Contains(got.raw, "x-tollgate-prompt") || got.body["code"] != "prompt.needs_rendering" {
		t.Error(got.raw)
	}
	h.want(200, "viewer", "GET", at, "")
}

func TestOtherPromptsAreResolved(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.want(201, "developer", "POST", at, `{"name":"part","prompt":"[{{x}}]","labels":["production"]}`)
	tag := "@@@langfusePrompt:name=part|label=production@@@"
	made := h.want(201, "developer", "POST", at, `{"name":"whole","prompt":"A `+tag+` {{y}}","labels":["production"]}`)
	if made.body["prompt"] != "A [{{x}}] {{y}}" || made.body["resolutionGraph"] == nil {
		t.Error(made.raw)
	}
	if raw := h.want(200, "viewer", "GET", at+"/whole?resolve=false", ""); raw.body["prompt"] != "A "+tag+" {{y}}" || raw.body["resolutionGraph"] != nil {
		t.Error(raw.raw)
	}
	h.want(201, "developer", "POST", at, `{"name":"part","prompt":"<{{x}}>","labels":["production"]}`)
	if now := h.want(200, "viewer", "GET", at+"/whole", ""); now.body["prompt"] != "A <{{x}}> {{y}}" {
		t.Error(now.raw)
	}
}
