package prompthttp_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/prompt/prompthttp"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/tenant"
)

// release mounts the routes of releasing, for an owner, an admin and a developer.
func (h *house) release() *house {
	h.t.Helper()
	as := func(role tenant.Role) tenant.Scope {
		return tenant.Authenticated(h.owner.Org(), tenant.Actor{User: id.User(id.New("user"))}, role)
	}
	s := rest.New(rest.Options{
		Title: "T", Version: "1", Authenticator: doors{"owner": h.owner, "admin": as(tenant.Admin), "developer": as(tenant.Developer)}, Once: &resttest.Memory{},
		Now: func() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }, Logger: slog.New(slog.DiscardHandler),
	})
	p := h.prompts
	s.Mount(
		rest.GET("/prompts/protected", tenant.ReadPrompts, prompthttp.ReadProtected(p)),
		rest.PUT("/prompts/protected", tenant.ReleasePrompts, prompthttp.Protect(p)),
		rest.GET("/prompts/environments", tenant.ReadPrompts, prompthttp.ReadEnvironments(p)),
		rest.PUT("/prompts/environments", tenant.WritePrompts, prompthttp.SetEnvironments(p)),
		rest.GET("/prompts/folders", tenant.ReadPrompts, prompthttp.ListFolders(p)),
		rest.POST("/prompts/folders/move", tenant.WritePrompts, prompthttp.MoveFolder(p)),
		rest.GET("/prompts/requests", tenant.ReadPrompts, prompthttp.ListRequests(p)),
		rest.GET("/prompts/{id}", tenant.ReadPrompts, prompthttp.Read(p)),
		rest.PUT("/prompts/{id}/labels/{label}/ramp", tenant.WritePrompts, prompthttp.StartRamp(p)),
		rest.POST("/prompts/{id}/labels/{label}/ramp", tenant.WritePrompts, prompthttp.SteerRamp(p)),
		rest.DELETE("/prompts/{id}/labels/{label}/ramp", tenant.WritePrompts, prompthttp.StopRamp(p)),
		rest.GET("/prompts/{id}/moves", tenant.ReadPrompts, prompthttp.ListMoves(p)),
		rest.POST("/prompts/{id}/requests", tenant.WritePrompts, prompthttp.Ask(p)),
		rest.POST("/prompts/{id}/schedule", tenant.WritePrompts, prompthttp.Schedule(p)),
		rest.POST("/prompts/{id}/requests/{request}/approve", tenant.WritePrompts, prompthttp.Approve(p)),
		rest.POST("/prompts/{id}/requests/{request}/withdraw", tenant.WritePrompts, prompthttp.Withdraw(p)),
		rest.GET("/prompts/{id}/diff", tenant.ReadPrompts, prompthttp.ReadDiff(p)),
		rest.GET("/prompts/{id}/comments", tenant.ReadPrompts, prompthttp.ListComments(p)),
		rest.POST("/prompts/{id}/comments", tenant.WritePrompts, prompthttp.WriteComment(p)),
		rest.DELETE("/prompts/{id}/comments/{comment}", tenant.WritePrompts, prompthttp.DeleteComment(p)),
	)
	var err error
	if h.api, err = s.Handler(); err != nil {
		h.t.Fatal(err)
	}
	return h
}

// object asks, wants a status, and gives the answer's object.
func (h *house) object(status int, who, method, path, body string) map[string]any {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, rest.Prefix+path, strings.NewReader(body))
	r.Header.Set("Authorization", who)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	if w.Code != status {
		h.t.Fatalf("%s %s as %s: %d, want %d: %s", method, path, who, w.Code, status, w.Body)
	}
	out := map[string]any{}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			h.t.Fatal(err)
		}
	}
	return out
}

func TestAGradualMoveByTheAPI(t *testing.T) {
	t.Parallel()
	h := build(t).release()
	p := h.greeting()
	ramp := "/prompts/" + string(p.ID) + "/labels/production/ramp"
	one := func() map[string]any { return h.object(http.StatusOK, "owner", "GET", "/prompts/"+string(p.ID), "") }
	got := h.object(http.StatusOK, "developer", "PUT", ramp, `{"version":2,"why":"careful"}`)["ramps"].(map[string]any)["production"].(map[string]any)
	plan := got["plan"].(map[string]any)
	if got["version"] != 2.0 || got["share"] != 100.0 || fmt.Sprint(plan["shares"]) != "[100 500 1000 2500 5000 10000]" || plan["pause_seconds"] != 3600.0 || got["next_at"] != "2030-01-01T13:00:00Z" {
		t.Errorf("%v", got)
	}
	if got := h.ask("developer", "POST", ramp, `{"action":"step"}`, "If-Match", `"1"`); got.status != http.StatusPreconditionFailed {
		t.Errorf("an old state: %d %s", got.status, got.raw)
	}
	h.object(http.StatusOK, "developer", "POST", ramp, `{"action":"step"}`)
	h.object(http.StatusOK, "developer", "POST", ramp, `{"action":"hold"}`)
	held := one()["ramps"].(map[string]any)["production"].(map[string]any)
	if _, goes := held["next_at"]; goes || held["share"] != 500.0 {
		t.Errorf("held: %v", held)
	}
	h.object(http.StatusOK, "developer", "POST", ramp, `{"action":"resume"}`)
	h.object(http.StatusNoContent, "developer", "DELETE", ramp, "")
	h.object(http.StatusNoContent, "developer", "DELETE", ramp, "") // twice is once
	if p := one(); p["ramps"] != nil || p["labels"].(map[string]any)["production"] != 1.0 {
		t.Errorf("%v", p)
	}
	moves := h.object(http.StatusOK, "owner", "GET", "/prompts/"+string(p.ID)+"/moves", "")["items"].([]any)
	if first, last := moves[2].(map[string]any), moves[0].(map[string]any); first["share"] != 100.0 || first["why"] != "careful" || last["was"] != 1.0 || last["is"] != 1.0 {
		t.Errorf("%v", moves)
	}
}

func TestAnApprovalByTheAPI(t *testing.T) {
	t.Parallel()
	h := build(t).release()
	p := h.greeting()
	at := "/prompts/" + string(p.ID)
	protected := h.object(http.StatusOK, "owner", "PUT", "/prompts/protected", `{"labels":["production"],"approval":true}`)
	if protected["approval"] != true {
		t.Errorf("%v", protected)
	}
	if got := h.ask("owner", "PUT", "/prompts/protected", `{"labels":[]}`, "If-Match", `"0"`); got.status != http.StatusPreconditionFailed {
		t.Errorf("an old state: %d %s", got.status, got.raw)
	}
	if kept := h.object(http.StatusOK, "owner", "PUT", "/prompts/protected", `{"labels":["production"]}`); kept["approval"] != true {
		t.Errorf("what a request leaves out was changed: %v", kept)
	}
	if got := h.ask("owner", "POST", at+"/schedule", `{"label":"production","version":2,"at":"2030-01-02T08:00:00+01:00"}`); got.body.Code != "prompt.approval_needed" {
		t.Errorf("%d %s", got.status, got.raw)
	}
	r := h.object(http.StatusCreated, "developer", "POST", at+"/requests", `{"label":"production","version":2,"why":"shorter","at":"2030-01-02T08:00:00+01:00"}`)
	if r["state"] != "waiting" || r["from"] != 1.0 || r["to"] != 2.0 || r["at"] != "2030-01-02T07:00:00Z" || r["name"] != p.Name {
		t.Errorf("%v", r)
	}
	answer := at + "/requests/" + r["id"].(string)
	if got := h.ask("developer", "POST", answer+"/approve", `{}`); got.body.Code != "prompt.label_protected" {
		t.Errorf("%d %s", got.status, got.raw)
	}
	if got := h.object(http.StatusOK, "admin", "POST", answer+"/approve", `{"answer":"go"}`); got["state"] != "planned" || got["answer"] != "go" {
		t.Errorf("%v", got)
	}
	open := h.object(http.StatusOK, "owner", "GET", "/prompts/requests?open=true", "")["items"].([]any)
	if len(open) != 1 {
		t.Errorf("%v", open)
	}
	if got := h.object(http.StatusOK, "developer", "POST", answer+"/withdraw", ""); got["state"] != "withdrawn" {
		t.Errorf("%v", got)
	}
	if got := h.ask("b", "GET", at+"/diff", ""); got.status != http.StatusUnauthorized {
		t.Errorf("%d %s", got.status, got.raw)
	}
}

func TestEnvironmentsFoldersCommentsAndDiffsByTheAPI(t *testing.T) {
	t.Parallel()
	h := build(t).release()
	p := h.greeting()
	at := "/prompts/" + string(p.ID)
	h.object(http.StatusOK, "developer", "PUT", "/prompts/environments", `{"environments":{"staging":"staging","development":"latest"}}`)
	if got := h.object(http.StatusOK, "developer", "GET", "/prompts/environments", "")["environments"]; fmt.Sprint(got) != "map[development:latest staging:staging]" {
		t.Errorf("%v", got)
	}
	if got := h.ask("developer", "PUT", "/prompts/environments", `{"environments":{"Staging!":"staging"}}`); got.body.Code != "prompt.invalid" {
		t.Errorf("%d %s", got.status, got.raw)
	}
	h.object(http.StatusOK, "owner", "PUT", "/prompts/protected", `{"labels":["production"]}`)
	if got := h.ask("developer", "PUT", "/prompts/environments", `{"environments":{}}`); got.body.Code != "prompt.label_protected" {
		t.Errorf("back to a protected label: %d %s", got.status, got.raw)
	}
	if got := h.ask("developer", "POST", "/prompts/folders/move", `{"from":"support","to":"help"}`); got.body.Code != "prompt.label_protected" {
		t.Errorf("%d %s", got.status, got.raw)
	}
	if got := h.object(http.StatusOK, "owner", "POST", "/prompts/folders/move", `{"from":"support","to":"help"}`); got["renamed"] != 1.0 {
		t.Errorf("%v", got)
	}
	if got := h.object(http.StatusOK, "developer", "GET", "/prompts/folders", "")["items"]; fmt.Sprint(got) != "[map[name:help prompts:1]]" {
		t.Errorf("%v", got)
	}
	d := h.object(http.StatusOK, "developer", "GET", at+"/diff", "")
	words := d["parts"].([]any)[0].(map[string]any)["lines"].([]any)[1].(map[string]any)["words"]
	if d["from"] != 1.0 || d["to"] != 2.0 || d["same"] != false || fmt.Sprint(words) != "[map[kind:added text:two]]" {
		t.Errorf("%v", d)
	}
	if got := h.object(http.StatusOK, "developer", "GET", at+"/diff?from=2&to=2", ""); got["same"] != true {
		t.Errorf("%v", got)
	}
	c := h.object(http.StatusCreated, "developer", "POST", at+"/comments", `{"version":2,"text":"why?"}`)
	if got := h.ask("developer", "DELETE", at+"/comments/"+c["id"].(string), ""); got.status != http.StatusNoContent {
		t.Errorf("%d %s", got.status, got.raw)
	}
	if got := h.object(http.StatusOK, "developer", "GET", at+"/comments", "")["items"].([]any); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
