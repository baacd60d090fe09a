package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tollgate/internal/account/accounthttp"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

func TestACommandLineLogsInRefreshesAndLogsOut(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.organization("a")
	c := &client{t: t, h: h}
	c.do("POST", "/sessions", `{"email":"owner@a.example.com","password":"wrong horse"}`).want(t, 401)
	in := c.do("POST", "/sessions", `{"email":"Owner@a.example.com","password":"correct horse"}`).want(t, 201)
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }

	c.do("GET", "/organization", "", bearer(in.field(t, "token"))...).want(t, 200)
	next := c.do("POST", "/sessions/refresh", `{"refresh_token":"`+in.field(t, "refresh_token")+`"}`).want(t, 200).field(t, "token")
	c.do("GET", "/organization", "", bearer(next)...).want(t, 200)
	list := c.do("GET", "/sessions", "", bearer(next)...).want(t, 200)
	if n := strings.Count(list.body, `"current":true`); n != 1 {
		t.Errorf("%d sessions are the current one: %s", n, list.body)
	}
	c.do("DELETE", "/sessions/current", "", bearer(next)...).want(t, 204)
	for what, token := range map[string]string{"the refreshed token": next, "the first token": in.field(t, "token")} {
		if got := c.do("GET", "/organization", "", bearer(token)...); got.status != 401 || got.code() != "session.ended" {
			t.Errorf("%s after log-out: %d %s", what, got.status, got.body)
		}
	}
	if got := c.do("POST", "/sessions/refresh", `{"refresh_token":"`+in.field(t, "refresh_token")+`"}`); got.status != 401 {
		t.Errorf("refreshing after log-out: %d %s", got.status, got.body)
	}
}

func TestAWrongHeaderIsNotForgivenBecauseOfACookie(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	owner.do("GET", "/teams", "").want(t, 200)
	for _, header := range []string{"Bearer x", "Bearer " + secret.NewToken(secret.Management).Reveal(), "Basic b3duZXI6eA==", "Bearer", ""} {
		owner.do("GET", "/teams", "", "Authorization", header).want(t, 401)
	}
}

func TestAManagementTokenOpensTheAPIWithItsRole(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	token := owner.do("POST", "/tokens", `{"name":"ci","role":"developer"}`).want(t, 201)
	c := &client{t: t, h: h}
	as := []string{"Authorization", "Bearer " + token.field(t, "secret")}
	c.do("GET", "/teams", "", as...).want(t, 200)
	c.do("POST", "/teams", `{"name":"x"}`, as...).want(t, 403)
	if got := c.do("GET", "/sessions", "", as...); got.status != 403 || got.code() != "session.user_only" {
		t.Errorf("a token's sessions: %d %s", got.status, got.body)
	}
	if list := owner.do("GET", "/tokens", ""); strings.Contains(list.body, token.field(t, "secret")) || strings.Contains(list.body, "hash") {
		t.Errorf("the list shows the secret: %s", list.body)
	}
	owner.do("DELETE", "/tokens/"+token.field(t, "id"), "").want(t, 204)
	c.do("GET", "/teams", "", as...).want(t, 401)
}

// W3: a changed role and a removed member count at the next request.
func TestARoleChangeCountsAtOnce(t *testing.T) {
	t.Parallel()
	h := build(t)
	clients := h.organization("a")
	admin := string(h.members[tenant.Admin].User.ID)
	clients[tenant.Admin].do("POST", "/teams", `{"name":"x"}`).want(t, 201)
	tag := clients[tenant.Owner].do("GET", "/members/"+admin, "").want(t, 200).header.Get("ETag")
	clients[tenant.Owner].do("PATCH", "/members/"+admin, `{"role":"viewer"}`, "If-Match", tag).want(t, 200)
	clients[tenant.Admin].do("POST", "/teams", `{"name":"y"}`).want(t, 403)
	clients[tenant.Owner].do("PATCH", "/members/"+admin, `{"role":"admin"}`, "If-Match", tag).want(t, 412)
	clients[tenant.Owner].do("DELETE", "/members/"+admin, "").want(t, 204)
	clients[tenant.Admin].do("GET", "/teams", "").want(t, 401)
}

func TestTwoRenamesDoNotOverwriteEachOther(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	tag := owner.do("GET", "/organization", "").want(t, 200).header.Get("ETag")
	if got := owner.do("PATCH", "/organization", `{"name":"First"}`, "If-Match", tag).want(t, 200); got.header.Get("ETag") == tag {
		t.Error("the ETag did not change with the name")
	}
	owner.do("PATCH", "/organization", `{"name":"Second"}`, "If-Match", tag).want(t, 412)
	if got := owner.do("GET", "/organization", "").field(t, "name"); got != "First" {
		t.Errorf("name = %q", got)
	}
}

func TestTheCookieIsOutOfReachOfScriptsAndOtherSites(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{true, false} {
		w := httptest.NewRecorder()
		jar := accounthttp.Cookie{Secure: secure}
		jar.Set(w, secret.NewText("value"))
		c := w.Result().Cookies()[0]
		if c.Value != "value" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure != secure ||
			strings.HasPrefix(c.Name, "__Host-") != secure {
			t.Errorf("secure = %v: %+v", secure, c)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(c)
		if jar.Value(r) != "value" {
			t.Error("the cookie is not read back")
		}
		r.AddCookie(&http.Cookie{Name: c.Name, Value: "planted"})
		if got := jar.Value(r); got != "" {
			t.Errorf("of two cookies of the name %q was taken", got)
		}
	}
}
