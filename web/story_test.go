package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tollgate/internal/account/accounthttp"
	"tollgate/internal/tenant"
)

// cookieOf takes the session over that an answer sets.
func cookieOf(t *testing.T, a answer) string {
	t.Helper()
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == (accounthttp.Cookie{}).Name() && c.Value != "" {
			return c.Value
		}
	}
	t.Fatal("no session cookie was set")
	return ""
}

// location is where an answer leads.
func location(t *testing.T, a answer) string {
	t.Helper()
	a.want(t, http.StatusSeeOther)
	return a.header.Get("Location")
}

func find(t *testing.T, a answer, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(a.body)
	if m == nil {
		t.Fatalf("nothing fits %s in %.1500s", pattern, a.body[max(0, strings.Index(a.body, "<main")):])
	}
	return m[len(m)-1]
}

func TestANewcomerComesInByTheDoor(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := &browser{h: h}
	if got := location(t, b.get("/")); got != "/signup" {
		t.Errorf("/ leads the first visitor to %s", got)
	}
	b.get("/signup").want(t, http.StatusOK).holds(t, "Create your account", `autocomplete="new-password"`)

	typed := url.Values{"organization": {"Fern & hill"}, "email": {"ops@fernhill.example"}, "password": {"short"}}
	bad := b.post("/signup", typed).want(t, http.StatusBadRequest).holds(t, `value="Fern &amp; hill"`, `value="ops@fernhill.example"`, `aria-invalid="true"`, "8 to 128 characters")
	if strings.Contains(bad.body, `value="short"`) {
		t.Error("the password was sent back")
	}
	typed.Set("password", goodPassword)
	in := b.post("/signup", typed)
	if got := location(t, in); got != "/get-started" {
		t.Errorf("a sign-up leads to %s", got)
	}
	b.cookie = cookieOf(t, in)
	b.get("/get-started").want(t, http.StatusOK).holds(t, "Fern &amp; hill", "1 of 3", "https://gateway.example/v1", "Create key")
	if got := location(t, b.get("/login?next=/keys")); got != "/keys" {
		t.Errorf("a log-in of somebody who is in leads to %s", got)
	}

	b.post("/signup", typed).want(t, http.StatusConflict).holds(t, "log in")
	if got := location(t, b.post("/logout", nil)); got != "/login" {
		t.Errorf("a log-out leads to %s", got)
	}
	if got := location(t, b.get("/keys")); got != "/login?next=%2Fkeys" {
		t.Errorf("an ended session leads to %s", got)
	}
	b.cookie = ""
	if got := location(t, b.get("/")); got != "/login" {
		t.Errorf("/ leads a stranger to %s, where somebody has an account", got)
	}
	b.post("/login", url.Values{"email": {"ops@fernhill.example"}, "password": {"wrong horse"}, "next": {"/keys"}}).
		want(t, http.StatusUnauthorized).holds(t, "is wrong", `value="ops@fernhill.example"`, `name="next" value="/keys"`)
	back := b.post("/login", url.Values{"email": {"ops@fernhill.example"}, "password": {goodPassword}, "next": {"//evil.example"}})
	if got := location(t, back); got != "/" {
		t.Errorf("a log-in leads to %s", got)
	}
	b.cookie = cookieOf(t, back)
	b.get("/keys").want(t, http.StatusOK).holds(t, "No keys yet")
}

func TestAKeyLivesOnItsPages(t *testing.T) {
	t.Parallel()
	h := build(t)
	roles := h.organization("a")
	b := roles[tenant.Developer]
	form := b.get("/keys/new?alias=fast-classifier").want(t, http.StatusOK).holds(t, `value="fast-classifier"`, "In words")
	team := find(t, form, `value="(team_[a-z0-9]+)"`)
	typed := url.Values{
		"name": {"support-triage-prod"}, "team_id": {team}, "environment": {"production"}, "workflow": {"triage"}, "tags": {"service=mail, region=eu"},
		"scope": {"chosen"}, "aliases": {"fast-classifier"}, "models": {"sandbox/*"}, "reach": {"chosen"}, "endpoint": {"chat", "models"}, "privacy": {"metadata"}, "networks": {"10.0.0.1/8"},
	}
	b.post("/keys", typed).want(t, http.StatusBadRequest).holds(t, "Did you mean 10.0.0.0/8?", `value="support-triage-prod"`, `value="10.0.0.1/8"`, `value="service=mail, region=eu"`)
	typed.Set("networks", "10.0.0.0/8")
	b.post("/keys/words", typed).want(t, http.StatusOK).holds(t, "support-triage-prod may call 1 alias and 1 model pattern from 1 network", "workflow triage")

	created := b.post("/keys", typed).want(t, http.StatusCreated).holds(t, "shown once", "Copy secret", "https://gateway.example/v1/chat/completions")
	secret := find(t, created, `<code id="secret">(tg_live_[A-Za-z0-9]+)</code>`)
	at := find(t, created, `href="(/keys/key_[a-z0-9]+)"`)
	for _, page := range []string{at, at + "/edit", "/keys"} {
		if got := b.get(page).want(t, http.StatusOK).holds(t, "support-triage-prod"); strings.Contains(got.body, secret) {
			t.Errorf("%s shows the secret again", page)
		}
	}
	b.post("/keys", typed).want(t, http.StatusConflict).holds(t, "Another key has this name.", `id="f-name-error"`)

	typed.Set("revision", find(t, b.get(at+"/edit"), `name="revision" value="(\d+)"`))
	typed.Set("name", "support-triage")
	if got := location(t, b.post(at+"/edit", typed)); got != at+"?done=saved" {
		t.Errorf("saving leads to %s", got)
	}
	b.get(at+"?done=saved").want(t, http.StatusOK).holds(t, "Key saved.", "support-triage", "service=mail", "10.0.0.0/8")
	typed.Set("name", "too late")
	b.post(at+"/edit", typed).want(t, http.StatusPreconditionFailed).holds(t, "somebody changed this key meanwhile", `value="too late"`)

	roles[tenant.Viewer].in(t).get(at).want(t, http.StatusOK)
	roles[tenant.Viewer].post(at+"/revoke", nil).want(t, http.StatusForbidden)
	b.get(at+"/revoke").want(t, http.StatusOK).holds(t, "No call ever used this key.")
	location(t, b.post(at+"/revoke", nil))
	b.get(at).want(t, http.StatusOK).holds(t, "Revoked")
	if got := b.get("/keys").want(t, http.StatusOK); strings.Contains(got.body, "support-triage") {
		t.Error("a revoked key is listed among the live ones")
	}
	b.get("/keys?show=revoked").want(t, http.StatusOK).holds(t, "support-triage")
}

func TestAnAliasLivesOnItsPages(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.organization("a")[tenant.Developer]
	b.get("/aliases").want(t, http.StatusOK).holds(t, "No aliases yet")
	fresh := b.get("/aliases/new").want(t, http.StatusOK).holds(t, `<option value="echo-mini" label="Sandbox">`)
	if strings.Contains(fresh.body, `label="OpenAI"`) {
		t.Error("models of a provider that is not connected are suggested")
	}
	typed := url.Values{"name": {"fast-classifier"}, "by-0": {"anthropic"}, "model-0": {"claude-haiku-4-5"}, "on_disconnect": {"drain"}, "do": {"add"}}
	b.post("/aliases", typed).want(t, http.StatusOK).holds(t, `name="model-1"`, `value="claude-haiku-4-5"`)
	typed.Set("by-1", "openai")
	typed.Set("model-1", "gpt 4o")
	typed.Set("do", "save")
	b.post("/aliases", typed).want(t, http.StatusBadRequest).holds(t, `id="f-model-1-error"`, `value="gpt 4o"`)
	typed.Set("model-1", "gpt-4o-mini")
	typed.Set("timeout", "20")
	at := strings.TrimSuffix(location(t, b.post("/aliases", typed)), "?done=created")
	b.get(at).want(t, http.StatusOK).holds(t, "anthropic/claude-haiku-4-5", "openai/gpt-4o-mini", "deadline 20 s", "Live")

	typed.Set("version", "1")
	typed.Set("do", "up-1")
	swapped := b.post(at+"/edit", typed).want(t, http.StatusOK)
	if first := find(t, swapped, `name="model-0"[^>]*value="([^"]*)"`); first != "gpt-4o-mini" {
		t.Errorf("after moving the second target up the first is %q", first)
	}
	typed.Set("do", "save")
	if got := location(t, b.post(at+"/edit", typed)); got != at+"?done=same" {
		t.Errorf("saving the same route leads to %s", got)
	}
	typed.Del("by-1")
	typed.Del("model-1")
	if got := location(t, b.post(at+"/edit", typed)); got != at+"?done=saved" {
		t.Errorf("saving leads to %s", got)
	}
	b.post(at+"/edit", typed).want(t, http.StatusPreconditionFailed).holds(t, "version 2 came first")
	b.get(at+"/versions/2").want(t, http.StatusOK).holds(t, "Against version 1", `class="del"`, "target openai/gpt-4o-mini")
	b.get(at+"/versions/1").want(t, http.StatusOK).holds(t, "The first version")
	b.get(at+"/versions/3").want(t, http.StatusNotFound)
	b.post(at+"/restore", url.Values{"version": {"1"}, "current": {"1"}}).want(t, http.StatusPreconditionFailed).holds(t, "version 2 came first")
	location(t, b.post(at+"/restore", url.Values{"version": {"1"}, "current": {"2"}}))
	b.get(at).want(t, http.StatusOK).holds(t, "v3", "Restored version 1", "openai/gpt-4o-mini")
	b.get(at+"/delete").want(t, http.StatusOK).holds(t, "Delete alias")
	location(t, b.post(at+"/delete", nil))
	b.get(at).want(t, http.StatusNotFound)
}

func TestACredentialLivesOnItsPages(t *testing.T) {
	t.Parallel()
	h := build(t)
	roles := h.organization("a")
	b := roles[tenant.Admin]
	b.get("/providers?q=anthr").want(t, http.StatusOK).holds(t, "Always on", "Anthropic-compatible")
	b.get("/providers/connect?provider=nobody").want(t, http.StatusNotFound)
	b.get("/providers/connect?provider=anthropic").want(t, http.StatusOK).holds(t, "Connect Anthropic", "sk-ant-…")
	typed := url.Values{"provider": {"anthropic"}, "name": {"main"}, "secret": {""}, "base_url": {"http://127.0.0.1:1"}}
	b.post("/providers/connect", typed).want(t, http.StatusBadRequest).holds(t, `id="f-secret-error"`, `value="main"`)
	typed.Set("secret", "sk-ant-0123456789abcdef")
	typed.Set("do", "test")
	tested := b.post("/providers/connect", typed).want(t, http.StatusOK).holds(t, "did not answer")
	part := b.post("/providers/connect", typed, "HX-Request", "true").want(t, http.StatusOK).holds(t, "did not answer")
	if strings.Contains(part.body, "<html") {
		t.Error("htmx was sent a whole page")
	}
	if got := b.get("/providers").want(t, http.StatusOK); strings.Contains(got.body, "••••") {
		t.Error("a test stored the credential")
	}
	typed.Set("do", "connect")
	typed.Set("tested", find(t, part, `name="tested" value="([^"]+)"`))
	location(t, b.post("/providers/connect", typed))
	list := b.get("/providers").want(t, http.StatusOK).holds(t, "••••cdef", "main", "Unreachable")
	at := find(t, list, `href="(/providers/cred_[a-z0-9]+)"`)
	change := url.Values{"name": {"main"}, "base_url": {"http://127.0.0.2:1"}, "revision": {find(t, b.get(at), `name="revision" value="(\d+)"`)}}
	b.post(at, change).want(t, http.StatusBadRequest).holds(t, "enter the secret again", `id="f-secret-error"`)
	change.Set("secret", "sk-ant-zzzzzzzzzzzzzzz")
	if got := location(t, b.post(at, change)); got != at+"?done=saved" {
		t.Errorf("saving leads to %s", got)
	}
	after := b.get(at).want(t, http.StatusOK).holds(t, "••••zzzz", "http://127.0.0.2:1")
	for _, a := range []answer{tested, part, list, after} {
		if strings.Contains(a.body, "sk-ant-0123456789abcdef") || strings.Contains(a.body, "sk-ant-zzzzzzzzzzzzzzz") {
			t.Error("a page shows the secret")
		}
	}
	roles[tenant.Developer].get(at).want(t, http.StatusOK)
	roles[tenant.Developer].post(at+"/delete", nil).want(t, http.StatusForbidden)
	b.get(at+"/delete").want(t, http.StatusOK)
	if got := location(t, b.post(at+"/delete", nil)); got != "/providers?done=deleted" {
		t.Errorf("deleting leads to %s", got)
	}
	b.get(at).want(t, http.StatusNotFound)
}

func TestSettingsAreChangedSectionBySection(t *testing.T) {
	t.Parallel()
	h := build(t)
	roles := h.organization("a")
	b := roles[tenant.Owner]
	page := b.get("/settings").want(t, http.StatusOK).holds(t, "developer@a.example.com", "This one", "Default")
	location(t, b.post("/settings/organization", url.Values{"was": {"a"}, "name": {"Fernhill"}}))
	b.post("/settings/organization", url.Values{"was": {"a"}, "name": {"Other"}}).want(t, http.StatusPreconditionFailed).holds(t, "changed since you read it", `value="Other"`)
	location(t, b.post("/settings/teams", url.Values{"new": {"Support"}}))
	b.post("/settings/teams", url.Values{"new": {"Support"}}).want(t, http.StatusConflict).holds(t, `id="f-new-error"`, "already is a team")
	team := find(t, page, `/settings/teams/(team_[a-z0-9]+)`)
	location(t, b.post("/settings/teams/"+team, url.Values{"was": {"Default"}, "name": {"Search"}}))
	b.get("/settings?done=team").want(t, http.StatusOK).holds(t, "Fernhill", "Search", "Support", "Team created.")

	viewer := roles[tenant.Viewer]
	location(t, b.post("/settings/members/"+string(viewer.user), url.Values{"was": {"viewer"}, "role": {"developer"}}))
	viewer.get("/keys/new").want(t, http.StatusOK)
	b.post("/settings/members/"+string(b.user), url.Values{"was": {"owner"}, "role": {"viewer"}}).want(t, http.StatusConflict).holds(t, "needs an owner")
	roles[tenant.Admin].post("/settings/members/"+string(b.user), url.Values{"was": {"owner"}, "role": {"viewer"}}).want(t, http.StatusForbidden).holds(t, "above your own")
	b.get("/settings/members/"+string(viewer.user)+"/remove").want(t, http.StatusOK).holds(t, "loses access at once")
	location(t, b.post("/settings/members/"+string(viewer.user)+"/remove", nil))
	if got := location(t, viewer.get("/keys")); !strings.HasPrefix(got, "/login") {
		t.Errorf("a removed member is led to %s", got)
	}

	made := b.post("/settings/tokens", url.Values{"name": {"terraform"}, "role": {"developer"}}).want(t, http.StatusCreated).holds(t, "shown once")
	token := find(t, made, `<code id="secret">(tg_mgmt_[A-Za-z0-9]+)</code>`)
	b.post("/settings/tokens", url.Values{"name": {"terraform"}, "role": {"developer"}, "expires_at": {"2001-01-01"}}).want(t, http.StatusBadRequest).holds(t, `id="token-f-expires_at-error"`)
	list := b.get("/settings").want(t, http.StatusOK).holds(t, "terraform")
	if strings.Contains(list.body, token) {
		t.Error("the settings show a token's secret again")
	}
	location(t, b.post("/settings/tokens/"+find(t, list, `/settings/tokens/(tok_[a-z0-9]+)/revoke`)+"/revoke", nil))
	b.get("/settings").want(t, http.StatusOK).holds(t, "Revoked")
	if got := viewerPage(t, roles[tenant.Billing]); strings.Contains(got, "Management tokens") || strings.Contains(got, "Create team") {
		t.Error("a billing member sees forms that would be refused")
	}

	other := &browser{h: h}
	other.cookie = cookieOf(t, other.post("/login", url.Values{"email": {"owner@a.example.com"}, "password": {goodPassword}}))
	location(t, b.post("/settings/sessions/end-others", nil))
	if got := location(t, other.get("/keys")); !strings.HasPrefix(got, "/login") {
		t.Errorf("an ended session is led to %s", got)
	}
	b.get("/settings").want(t, http.StatusOK)
}

func viewerPage(t *testing.T, b *browser) string {
	t.Helper()
	return b.get("/settings").want(t, http.StatusOK).body
}

func TestAPersonGoesFromOneOrganizationToAnother(t *testing.T) {
	t.Parallel()
	h := build(t)
	a, b := h.organization("alder")[tenant.Viewer], h.organization("birch")[tenant.Owner]
	if got := a.get("/keys").want(t, http.StatusOK); strings.Contains(got.body, `action="/enter"`) {
		t.Error("who has one organization is offered a switch")
	}
	h.exec(`INSERT INTO members (org_id, user_id, role) VALUES ($1, $2, 'developer')`, b.scope.Org(), a.user)
	a.get("/keys").want(t, http.StatusOK).holds(t, `action="/enter"`, "Organization: alder", `value="`+string(b.scope.Org())+`"`)
	if got := location(t, a.post("/enter", url.Values{"organization": {string(b.scope.Org())}})); got != "/overview" {
		t.Errorf("entering leads to %s", got)
	}
	a.get("/settings").want(t, http.StatusOK).holds(t, "Organization: birch", "Your role is developer.")

	c := h.organization("cedar")[tenant.Owner]
	a.post("/enter", url.Values{"organization": {string(c.scope.Org())}}).want(t, http.StatusNotFound)
	a.post("/enter", nil).want(t, http.StatusNotFound)
	a.get("/settings").want(t, http.StatusOK).holds(t, "Organization: birch")
}

func TestThePaletteLeadsToTheOrganizationsOwnKeysAndAliases(t *testing.T) {
	t.Parallel()
	h := build(t)
	a, b := h.organization("alder")[tenant.Owner], h.organization("birch")[tenant.Owner]
	for _, f := range fixtures()[:2] {
		f.make(a)
	}
	mine := a.get("/palette").want(t, http.StatusOK).holds(t, `href="/keys/key_`, `href="/aliases/alias_`, "fixture")
	if strings.Contains(mine.body, "<html") {
		t.Error("the palette gets a whole page")
	}
	if other := b.get("/palette").want(t, http.StatusOK); strings.Contains(other.body, "fixture") {
		t.Error("the palette shows another organization's things")
	}
}
