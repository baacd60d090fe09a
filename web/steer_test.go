package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tollgate/internal/tenant"
)

func TestTheRoutingFileLivesOnItsPage(t *testing.T) {
	t.Parallel()
	h := build(t)
	roles := h.organization("a")
	b := roles[tenant.Developer]
	b.get("/routing").want(t, http.StatusOK).holds(t, "never saved", "No aliases yet")
	text := "# ours\ntasks:\n  classification: fast\naliases:\n  fast:\n    targets: [{model: sandbox/echo-mini}]\n"
	form := url.Values{"yaml": {strings.Replace(text, "sandbox/", "nowhere/", 1)}, "version": {"0"}, "do": {"apply"}}
	b.post("/routing", form).want(t, http.StatusUnprocessableEntity).holds(t, "Line 6, column", "nowhere", `class="bad"`)
	form.Set("yaml", text)
	form.Set("do", "check")
	b.post("/routing", form).want(t, http.StatusOK).holds(t, "Valid:", "edited, not applied", "task classification")
	form.Set("do", "rehearse")
	b.post("/routing", form).want(t, http.StatusOK).holds(t, "There was no call yesterday")
	form.Set("do", "apply")
	if to := location(t, b.post("/routing", form)); to != "/routing?done=applied" {
		t.Errorf("applied, and led to %s", to)
	}
	b.get("/routing").want(t, http.StatusOK).holds(t, "v1, live", "# ours", "classification", "sandbox/echo-mini")
	b.get("/aliases").want(t, http.StatusOK).holds(t, "fast", "task classification")
	b.post("/routing", form).want(t, http.StatusPreconditionFailed).holds(t, "version 1 came first")
	form.Set("version", "1")
	form.Set("yaml", strings.Replace(text, "echo-mini", "echo-large", 1))
	location(t, b.post("/routing", form))
	b.get("/routing/versions/2").want(t, http.StatusOK).holds(t, "Against version 1", `class="add"`, "echo-large")
	b.get("/routing/versions/3").want(t, http.StatusNotFound)
	location(t, b.post("/routing/restore", url.Values{"version": {"1"}, "current": {"2"}}))
	b.get("/routing").want(t, http.StatusOK).holds(t, "v3, live", "Went back to version 1", "# ours")
	viewer := roles[tenant.Viewer].in(t)
	if got := viewer.get("/routing").want(t, http.StatusOK); strings.Contains(got.body, `value="apply"`) || !strings.Contains(got.body, "readonly") {
		t.Error("a viewer is offered to change the file")
	}
	viewer.post("/routing", form).want(t, http.StatusForbidden)
}

func TestAnAliasIsEditedAsYAML(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.organization("a")[tenant.Developer]
	typed := url.Values{
		"name": {"fast"}, "by-0": {"sandbox"}, "model-0": {"echo-mini"}, "weight-0": {"3"}, "by-1": {"sandbox"}, "model-1": {"echo-large"}, "strategy": {"weighted"},
		"f.by-0": {"sandbox"}, "f.model-0": {"echo-mini"}, "f.on-0": {"rate_limit", "timeout"}, "r0.name": {"long"}, "r0.if": {"input_tokens > 'x'"}, "r0.by-0": {"sandbox"}, "r0.model-0": {"echo-large"}, "do": {"save"},
	}
	b.post("/aliases", typed).want(t, http.StatusBadRequest).holds(t, `id="f-r0.if-error"`)
	typed.Set("r0.if", "input_tokens > 60000")
	at := strings.TrimSuffix(location(t, b.post("/aliases", typed)), "?done=created")
	b.get(at).want(t, http.StatusOK).holds(t, "75%", "25%", "on rate limit, time-out", "input_tokens &gt; 60000", "Otherwise")
	b.get(at+"/yaml").want(t, http.StatusOK).holds(t, "sandbox/echo-mini, weight: 3", "on: [rate_limit, timeout]")
	yaml := url.Values{"version": {"1"}, "do": {"save"}, "yaml": {"aliases:\n  other:\n    targets: [sandbox/echo-mini]\n"}}
	b.post(at+"/yaml", yaml).want(t, http.StatusUnprocessableEntity).holds(t, "about fast alone")
	yaml.Set("yaml", "aliases:\n  fast:\n    targets: [sandbox/]\n")
	b.post(at+"/yaml", yaml).want(t, http.StatusUnprocessableEntity).holds(t, "Line 3, column")
	yaml.Set("yaml", "aliases:\n  fast:\n    targets: [sandbox/echo-large]\n")
	yaml.Set("do", "check")
	b.post(at+"/yaml", yaml).want(t, http.StatusOK).holds(t, "Valid", "What it changes")
	yaml.Set("do", "save")
	if to := location(t, b.post(at+"/yaml", yaml)); to != at+"?done=saved" {
		t.Errorf("saved, and led to %s", to)
	}
	b.post(at+"/yaml", yaml).want(t, http.StatusPreconditionFailed).holds(t, "version 2 came first")
}

func TestAnExperimentLivesOnItsPages(t *testing.T) {
	t.Parallel()
	h := build(t)
	roles := h.organization("a")
	b := roles[tenant.Developer]
	alias := fixtures()[1].make(b)
	b.get("/experiments").want(t, http.StatusOK).holds(t, "No experiments yet", "/experiments/sample")
	b.get("/experiments/sample").want(t, http.StatusOK).holds(t, "This is a sample.", "64.8%")
	b.get("/experiments/new?alias="+alias).want(t, http.StatusOK).holds(t, "What to expect", "In words")
	form := url.Values{
		"alias": {alias}, "name": {"Large"}, "goal": {"cheaper"}, "margin": {"2"}, "quality": {"none"}, "days": {"7"}, "share": {"100"},
		"arm-0": {"control"}, "arm-1": {"b"}, "by-1": {"sandbox"}, "model-1": {"echo large"}, "do": {"draft"},
	}
	b.post("/experiments", form).want(t, http.StatusBadRequest).holds(t, `id="f-model-1-error"`, `value="echo large"`)
	form.Set("model-1", "echo-large")
	at := strings.TrimSuffix(location(t, b.post("/experiments", form)), "/edit?done=saved")
	b.get(at+"/edit").want(t, http.StatusOK).holds(t, "Draft", `value="Large"`, `value="echo-large"`)
	form.Set("revision", "7")
	b.post(at+"/edit", form).want(t, http.StatusConflict).holds(t, "somebody changed this draft")
	form.Set("revision", "1")
	form.Set("do", "start")
	if to := location(t, b.post(at+"/edit", form)); to != at+"?done=started" {
		t.Errorf("started, and led to %s", to)
	}
	b.get(at).want(t, http.StatusOK).holds(t, "Collecting", "first look at the next full hour", "Stop…")
	b.get("/aliases/"+alias).want(t, http.StatusOK).holds(t, "Experiment: Large", `<span class="nav-count">1</span>`)
	b.post("/experiments", form).want(t, http.StatusConflict).holds(t, "Another experiment runs on this alias")
	b.post(at+"/promote", url.Values{"arm": {"control"}}).want(t, http.StatusBadRequest).holds(t, "is the control")
	roles[tenant.Viewer].in(t).post(at+"/stop", nil).want(t, http.StatusForbidden)
	b.get(at+"/stop").want(t, http.StatusOK).holds(t, "there is no verdict yet")
	location(t, b.post(at+"/stop", nil))
	b.get(at).want(t, http.StatusOK).holds(t, "Stopped")
	b.post(at+"/stop", nil).want(t, http.StatusConflict).holds(t, "does not run")
	location(t, b.post(at+"/promote", url.Values{"arm": {"b"}, "pace": {"now"}}))
	b.get("/aliases/"+alias).want(t, http.StatusOK).holds(t, "v2, live", "sandbox/echo-large")
	b.get(at+"/rollback").want(t, http.StatusOK).holds(t, "version 1")
	location(t, b.post(at+"/rollback", nil))
	b.get("/aliases/"+alias).want(t, http.StatusOK).holds(t, "v3, live")
	b.get("/experiments?status=finished").want(t, http.StatusOK).holds(t, "Rolled back")
}
