package web

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/tenant"
)

// A vendor that asks for more than a secret is connected, and moved, on its pages, without scripts.
func TestSettingsOfACredentialAreTypedOnItsPages(t *testing.T) {
	t.Parallel()
	vendors := catalog.Vendors()
	asks := slices.IndexFunc(vendors, func(v provider.Vendor) bool {
		return len(v.Fields) > 0 && v.Fields[0].Required && v.Fields[0].Default == "" && v.BaseURL != ""
	})
	if asks < 0 {
		t.Fatal("no vendor of the catalogue asks for a setting")
	}
	v := vendors[asks]
	first := "settings." + v.Fields[0].Name
	b := build(t).organization("a")[tenant.Admin]
	b.get("/providers/connect?provider="+v.ID).want(t, http.StatusOK).holds(t, `name="`+first+`"`, v.Fields[0].Label)

	typed := url.Values{"provider": {v.ID}, "name": {"mine"}, "secret": {"key-0123456789abcdef"}}
	for _, f := range v.Fields[1:] {
		typed.Set("settings."+f.Name, "x1")
	}
	b.post("/providers/connect", typed).want(t, http.StatusBadRequest).holds(t, `id="f-`+first+`-error"`, `value="mine"`)
	typed.Set(first, "evil.com/#")
	b.post("/providers/connect", typed).want(t, http.StatusBadRequest).holds(t, `id="f-`+first+`-error"`, `value="evil.com/#"`)
	typed.Set(first, "acme-1")
	location(t, b.post("/providers/connect", typed))

	at := find(t, b.get("/providers").want(t, http.StatusOK), `href="(/providers/cred_[a-z0-9]+)"`)
	page := b.get(at).want(t, http.StatusOK).holds(t, `value="acme-1"`, "<code>acme-1</code>")
	change := url.Values{"name": {"renamed"}, "base_url": {""}, "revision": {find(t, page, `name="revision" value="(\d+)"`)}}
	for _, f := range v.Fields {
		change.Set("settings."+f.Name, typed.Get("settings."+f.Name))
	}
	location(t, b.post(at, change)) // another name needs no secret
	change.Set("revision", find(t, b.get(at).want(t, http.StatusOK).holds(t, "renamed"), `name="revision" value="(\d+)"`))
	change.Set(first, "acme-2")
	b.post(at, change).want(t, http.StatusBadRequest).holds(t, "enter the secret again", `id="f-secret-error"`, `value="acme-2"`)
	change.Set("secret", "key-zzzzzzzzzzzzzzzz")
	location(t, b.post(at, change))
	b.get(at).want(t, http.StatusOK).holds(t, `value="acme-2"`, "••••zzzz")
}
