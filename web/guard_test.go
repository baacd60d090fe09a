package web

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tollgate/internal/account/accounthttp"
	"tollgate/internal/budget"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/tenant"
)

// TestABudgetLivesOnItsPages: added, raised, taken back, changed, archived and restored by forms alone.
func TestABudgetLivesOnItsPages(t *testing.T) {
	t.Parallel()
	h := build(t)
	roles := h.organization("a")
	owner, viewer := roles[tenant.Owner], roles[tenant.Viewer]
	owner.get("/budgets").want(t, http.StatusOK).holds(t, "No budgets yet", "Add budget")
	viewer.get("/budgets").want(t, http.StatusOK).holds(t, "An owner, admin or billing member can add one.")

	form := url.Values{"name": {"House"}, "limit_month": {"500"}, "limit_day": {"50"}, "mode": {"block"}, "do": {"save"}}
	made := owner.post("/budgets", form).want(t, http.StatusSeeOther)
	at := strings.TrimSuffix(made.header.Get("Location"), "?done=added")
	owner.get(made.header.Get("Location")).want(t, http.StatusOK).holds(t, "House", "Blocks", "$50 a day, $500 a month", "Budget added.")
	owner.get("/budgets").holds(t, at, "On track")
	owner.post("/budgets", form).want(t, http.StatusConflict).holds(t, `id="f-name-error"`)

	raised := owner.post(at+"/raises", url.Values{"period": {"month"}, "amount": {"100"}, "for": {"24h"}, "reason": {"Launch"}}).want(t, http.StatusSeeOther)
	shown := owner.get(raised.header.Get("Location")+"&period=month").want(t, http.StatusOK).holds(t, "Raised by $100 until", "Launch", "$600.00")
	undo := between(shown.body, `action="`+at+`/raises/`, `"`)
	owner.post(at+"/raises/"+undo, nil).want(t, http.StatusSeeOther)
	if again := owner.get(at); strings.Contains(again.body, "Raised by $100") {
		t.Error("a raise that was undone still stands above the figures")
	}

	form.Set("limit_month", "400")
	form.Set("revision", "1")
	owner.post(at+"/edit", form).want(t, http.StatusSeeOther)
	owner.post(at+"/edit", form).want(t, http.StatusPreconditionFailed).holds(t, "somebody changed this budget meanwhile")
	if body := viewer.get(at).want(t, http.StatusOK).body; strings.Contains(body, at+"/archive") || strings.Contains(body, at+"/raises") {
		t.Error("a viewer is offered what would be refused")
	}

	owner.post(at+"/archive", nil).want(t, http.StatusSeeOther)
	owner.get(at+"?done=archived").want(t, http.StatusOK).holds(t, "Archived.", at+"/restore", "Undo")
	owner.get("/budgets?show=archived").holds(t, "House")
	owner.post(at+"/restore", nil).want(t, http.StatusSeeOther)
	list, _, err := h.deps.Budgets.List(t.Context(), owner.scope, budget.Filter{}, "", 9)
	if err != nil || len(list) != 1 || list[0].Limits[1].Amount != 400_000_000_000 {
		t.Errorf("%+v, %v", list, err)
	}
}

// between is the first text behind one and before another.
func between(s, from, to string) string {
	_, rest, _ := strings.Cut(s, from)
	text, _, _ := strings.Cut(rest, to)
	return text
}

func TestALimitLivesOnItsPages(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	form := url.Values{"name": {"Fair use"}, "metric": {"requests"}, "amount": {"1,200"}, "per": {"minute"}, "watch": {"refuse"}, "each": {"end_user"}}
	owner.post("/limits", form).want(t, http.StatusSeeOther)
	owner.get("/limits").want(t, http.StatusOK).holds(t, "Fair use", "1,200", "requests a minute", "each end user", "Refuses with 429")
	list, _, err := h.deps.Limits.List(t.Context(), owner.scope, limit.Filter{}, "", 9)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d limits, %v", len(list), err)
	}
	at := "/limits/" + string(list[0].ID)
	form.Set("amount", "many")
	owner.post(at+"/edit", form).want(t, http.StatusBadRequest).holds(t, `id="f-amount-error"`)
	form.Set("amount", "60")
	owner.post(at+"/edit", form).want(t, http.StatusPreconditionFailed)
	form.Set("revision", "1")
	owner.post(at+"/edit", form).want(t, http.StatusSeeOther)
	owner.post(at+"/archive", nil).want(t, http.StatusSeeOther)
	owner.get("/limits").holds(t, "No limits yet")
	owner.post(at+"/restore", nil).want(t, http.StatusSeeOther)
	owner.get("/limits").holds(t, "60")
}

// TestManyKeysAreChangedOnlyAfterTheirEffectWasShown: the first answer tells what would be, and changes nothing.
func TestManyKeysAreChangedOnlyAfterTheirEffectWasShown(t *testing.T) {
	t.Parallel()
	h := build(t)
	roles := h.organization("a")
	owner := roles[tenant.Owner]
	a, b := fixtures()[0].make(owner), fixtures()[0].make(owner)
	live := func() int {
		list, _, err := h.deps.Keys.List(t.Context(), owner.scope, key.Filter{State: key.Usable}, "", 9)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	form := url.Values{"key": {a, b}, "action": {"disable"}}
	owner.post("/keys/bulk", form).want(t, http.StatusOK).holds(t, "Disable 2 keys", "No call used any of them in the last 24 hours.", `name="sure"`)
	if live() != 2 {
		t.Fatal("asking disabled keys")
	}
	form.Set("sure", "1")
	owner.post("/keys/bulk", form).want(t, http.StatusOK).holds(t, "2 of 2 keys changed.")
	if live() != 0 {
		t.Error("the keys were not disabled")
	}
	owner.get("/keys?show=disabled").holds(t, a, b)
	form.Set("action", "enable")
	owner.post("/keys/bulk", form).want(t, http.StatusOK)
	rotated := owner.post("/keys/bulk", url.Values{"key": {a, b}, "action": {"rotate"}, "overlap": {"1h"}, "sure": {"1"}}).want(t, http.StatusOK).holds(t, "shown once")
	if n := strings.Count(rotated.body, "TOLLGATE_KEY=tg_live_"); n < 2 {
		t.Errorf("%d new secrets are shown", n)
	}
	owner.get("/keys?show=rotating").holds(t, a, b, "Rotating")
	owner.post("/keys/bulk", url.Values{"action": {"disable"}}).want(t, http.StatusBadRequest)
	roles[tenant.Viewer].post("/keys/bulk", form).want(t, http.StatusForbidden)
}

func TestAKeyIsRotatedOnItsPages(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	at := "/keys/" + fixtures()[0].make(owner)
	owner.get(at+"/rotate").want(t, http.StatusOK).holds(t, "No call ever used this key.", "24 hours")
	owner.post(at+"/rotate", url.Values{"overlap": {"soon"}}).want(t, http.StatusBadRequest).holds(t, "Choose how long the old secret goes on.")
	secret := between(owner.post(at+"/rotate", url.Values{"overlap": {"24h"}}).want(t, http.StatusCreated).holds(t, "shown once", "ends in 24 h").body, "TOLLGATE_KEY=", `"`)
	page := owner.get(at).want(t, http.StatusOK).holds(t, "Take the rotation back", "End now")
	if secret == "" || strings.Contains(page.body, secret) {
		t.Errorf("the secret %q is shown again, or never was", secret[:min(len(secret), 12)])
	}
	owner.post(at+"/rotate/cancel", nil).want(t, http.StatusSeeOther)
	if strings.Contains(owner.get(at).body, "Take the rotation back") {
		t.Error("the rotation was not taken back")
	}
	owner.post(at+"/disable", nil).want(t, http.StatusSeeOther)
	owner.get(at+"?done=disabled").holds(t, "Disabled", at+"/enable", "Undo")
	owner.post(at+"/enable", nil).want(t, http.StatusSeeOther)
	owner.post(at+"/revoke", url.Values{"cut": {"on"}}).want(t, http.StatusSeeOther)
	owner.get(at+"/revoke").want(t, http.StatusSeeOther)
}

// TestAKeyIsMadeWithItsOwnBudgetAndLimits: one form, and all three are there; what a template says is filled in.
func TestAKeyIsMadeWithItsOwnBudgetAndLimits(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	form := url.Values{
		"name": {"triage"}, "team_id": {string(owner.team)}, "environment": {"production"}, "scope": {"any"}, "reach": {"any"}, "privacy": {"metadata"}, "kind": {"service"},
		"budget": {"$1,500"}, "budget_period": {"month"}, "rpm": {"600"}, "budget_status": {"429"},
	}
	owner.post("/keys", form).want(t, http.StatusCreated).holds(t, "answered with 429")
	owner.get("/keys").holds(t, "$1,500.00", "600 rpm")
	form.Set("name", "other")
	form.Set("rpm", "fast")
	owner.post("/keys", form).want(t, http.StatusBadRequest).holds(t, `id="f-rpm-error"`, `value="$1,500"`)

	tmpl := url.Values{"name": {"Small"}, "team_id": {""}, "environment": {"staging"}, "scope": {"any"}, "reach": {"any"}, "budget": {"5"}, "budget_period": {"day"}, "days": {"30"}, "budget_status": {"402"}}
	owner.post("/keys/templates", tmpl).want(t, http.StatusSeeOther)
	list, err := h.deps.Keys.Templates(t.Context(), owner.scope, "")
	if err != nil || len(list) != 1 || list[0].Policy.Budget == nil || list[0].Policy.Lifetime.Hours() != 720 {
		t.Fatalf("%+v, %v", list, err)
	}
	owner.get("/keys/templates").holds(t, "Small", "staging", "$5.00 by day")
	owner.get("/keys/new?template="+string(list[0].ID)).want(t, http.StatusOK).holds(t, `value="5.00"`, `value="staging" selected`, `value="2030-01-30"`)
	owner.post("/keys/templates/"+string(list[0].ID)+"/delete", nil).want(t, http.StatusSeeOther)
}

func TestKeysOfAnotherGatewayAreShownBeforeTheyAreTaken(t *testing.T) {
	t.Parallel()
	h := build(t)
	roles := h.organization("a")
	owner := roles[tenant.Owner]
	rows := `[{"token":"` + strings.Repeat("ab", 32) + `","key_alias":"bot","key_name":"sk-...wxyz","models":[],"metadata":{}},{"token":"zz","key_alias":"broken"}]`
	form := url.Values{"rows": {rows}, "team_id": {string(owner.team)}, "do": {"try"}}
	owner.post("/keys/import", form).want(t, http.StatusOK).holds(t, "1 of 2 keys can be taken over", "Can be taken over", "64 digits")
	count := func() int {
		list, _, err := h.deps.Keys.List(t.Context(), owner.scope, key.Filter{}, "", 9)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if count() != 0 {
		t.Fatal("trying took keys over")
	}
	form.Set("do", "import")
	owner.post("/keys/import", form).want(t, http.StatusOK).holds(t, "1 of 2 keys taken over", "bot")
	if count() != 1 {
		t.Error("no key was taken over")
	}
	owner.post("/keys/import", url.Values{"rows": {"no json"}}).want(t, http.StatusBadRequest).holds(t, `id="f-rows-error"`, "no json")
	roles[tenant.Developer].get("/keys/import").want(t, http.StatusForbidden)
}

func TestAFileOfKeysIsReadAsIfItWerePasted(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	file, err := w.CreateFormFile("file", "keys.json")
	must(t, file, err)
	_, err = file.Write([]byte(`[{"token":"` + strings.Repeat("cd", 32) + `","key_alias":"filed"}]`))
	must(t, 0, err)
	must(t, 0, w.WriteField("team_id", string(owner.team)))
	must(t, 0, w.WriteField("do", "import"))
	must(t, 0, w.Close())
	r := httptest.NewRequest(http.MethodPost, "/keys/import", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(&http.Cookie{Name: accounthttp.Cookie{}.Name(), Value: owner.cookie})
	got := httptest.NewRecorder()
	h.handler.ServeHTTP(got, r)
	answer{got.Code, got.Header(), got.Body.String()}.want(t, http.StatusOK).holds(t, "1 of 1 key taken over", "filed")
}

func TestALeakedSecretIsEndedAndNeverShown(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	k, secret, err := h.deps.Keys.Issue(t.Context(), owner.scope, key.New{Team: owner.team, Name: "leaky", Environment: "production"})
	if err != nil {
		t.Fatal(err)
	}
	owner.get("/keys/report").want(t, http.StatusOK).holds(t, "Report and end it")
	got := owner.post("/keys/report", url.Values{"secret": {secret.Reveal()}, "note": {"a gist"}}).want(t, http.StatusOK).holds(t, "leaky", "is revoked")
	if strings.Contains(got.body, secret.Reveal()) {
		t.Error("the page shows the secret")
	}
	if now, err := h.deps.Keys.Key(t.Context(), owner.scope, k.ID); err != nil || now.RevokedAt.IsZero() {
		t.Errorf("revoked at %v, %v", now.RevokedAt, err)
	}
	owner.post("/keys/report", url.Values{"secret": {"sk-nobody-has-this-secret-at-all-1234"}}).want(t, http.StatusUnprocessableEntity).holds(t, `id="f-secret-error"`)
	owner.post("/keys/report/policy", url.Values{"on_leak": {"notify"}}).want(t, http.StatusSeeOther)
	owner.get("/keys/report").holds(t, "The key goes on.")
}

func TestTheCalendarIsSetInSettings(t *testing.T) {
	t.Parallel()
	h := build(t)
	roles := h.organization("a")
	owner := roles[tenant.Owner]
	owner.get("/settings").holds(t, `value="UTC"`)
	form := url.Values{"was_zone": {"UTC"}, "was_day": {"1"}, "time_zone": {"Europe/Berlin"}, "fiscal_day": {"15"}}
	owner.post("/settings/calendar", form).want(t, http.StatusSeeOther)
	owner.post("/settings/calendar", form).want(t, http.StatusPreconditionFailed)
	form.Set("was_day", "15") // only the zone is another now
	owner.post("/settings/calendar", form).want(t, http.StatusPreconditionFailed)
	owner.get("/budgets").holds(t, "times in Europe/Berlin")
	form.Set("was_zone", "Europe/Berlin")
	form.Set("was_day", "15")
	form.Set("time_zone", "Mars/Olympus")
	owner.post("/settings/calendar", form).want(t, http.StatusBadRequest).holds(t, `f-time_zone-error"`, "Mars/Olympus")
	roles[tenant.Viewer].get("/settings").holds(t, "Europe/Berlin")
}
