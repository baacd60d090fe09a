package credentialhttp_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/credential/credentialhttp"
	"tollgate/internal/credential/credentialpg"
	"tollgate/internal/credential/sign"
	"tollgate/internal/credential/vault"
	"tollgate/internal/egress"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

type desk struct {
	*resttest.Server
	a, b tenant.Scope
}

func open(t *testing.T) desk {
	t.Helper()
	db := pgtest.New(t)
	ring, err := secret.ParseKeyring(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	kms, err := vault.NewLocal(ring)
	if err != nil {
		t.Fatal(err)
	}
	loopback, err := egress.ParseOpen("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	policy, now := egress.New(loopback), func() time.Time { return noon }
	s := credential.NewService(credentialpg.New(db), vault.New(kms), catalog.Vendor, policy, credential.NewTester(policy.Client(), sign.New(t.Context(), sign.Config{Transport: policy.Client().Transport, Now: now}), now), now)
	d := desk{Server: resttest.New(t,
		rest.GET("/credentials", tenant.ReadCredentials, credentialhttp.List(s)),
		rest.POST("/credentials", tenant.WriteCredentials, credentialhttp.Connect(s)),
		rest.POST("/credentials/test", tenant.WriteCredentials, credentialhttp.Test(s)),
		rest.GET("/credentials/{id}", tenant.ReadCredentials, credentialhttp.Read(s)),
		rest.PATCH("/credentials/{id}", tenant.WriteCredentials, credentialhttp.Update(s)),
		rest.DELETE("/credentials/{id}", tenant.WriteCredentials, credentialhttp.Delete(s)),
		rest.POST("/credentials/{id}/test", tenant.WriteCredentials, credentialhttp.TestStored(s)),
	)}
	d.a, _ = pgtest.Org(t, db, "A")
	d.b, _ = pgtest.Org(t, db, "B")
	return d
}

const (
	plain = "sk-canary-0123456789abcdef"
	body  = `{"provider":"openai","name":"Main","secret":"` + plain + `"}`
)

func TestNoAnswerHoldsASecret(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	see := func(a resttest.Answer) resttest.Answer {
		t.Helper()
		if strings.Contains(a.Body, "canary") {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		return a
	}
	made := see(c.Do("POST", "/credentials", body, "Idempotency-Key", "1").Want(201))
	which := made.Field("id")
	see(c.Do("POST", "/credentials", body, "Idempotency-Key", "1").Want(201)) // a replay, not a second one
	see(c.Do("POST", "/credentials", body).WantCode(409, "credential.name_taken"))
	got := see(c.Do("GET", "/credentials/"+which, "").Want(200))
	if got.Field("hint") != "cdef" || !strings.Contains(got.Body, `"default":true`) {
		t.Errorf("%s", got.Body)
	}
	see(c.Do("GET", "/credentials", "").Want(200))
	tag := got.Header.Get("ETag")
	see(c.Do("PATCH", "/credentials/"+which, `{"base_url":"https://evil.example/v1"}`, "If-Match", tag).WantCode(400, "credential.reenter_secret"))
	see(c.Do("PATCH", "/credentials/"+which, `{"name":"x"}`).Want(428))
	moved := see(c.Do("PATCH", "/credentials/"+which, `{"base_url":"https://eu.example/v1/","secret":"sk-canary-another-9876543210"}`, "If-Match", tag).Want(200))
	if moved.Field("base_url") != "https://eu.example/v1" || moved.Field("hint") != "3210" {
		t.Errorf("%s", moved.Body)
	}
	see(c.Do("PATCH", "/credentials/"+which, `{"name":"x"}`, "If-Match", tag).Want(412))
	see(c.Do("POST", "/credentials", `{"provider":"openai","name":"bad","secret":"sk-canary 1"}`).Want(400))
	c.Do("DELETE", "/credentials/"+which, "").Want(204)
	c.Do("GET", "/credentials/"+which, "").WantCode(404, "credential.not_found")
}

func TestWhoMayNotAndWhatIsNotThere(t *testing.T) {
	t.Parallel()
	d := open(t)
	which := d.As(t, d.a).Do("POST", "/credentials", body).Want(201).Field("id")
	for _, call := range [][3]string{
		{"GET", "/credentials/" + which, ""},
		{"PATCH", "/credentials/" + which, `{"name":"y"}`},
		{"DELETE", "/credentials/" + which, ""},
		{"POST", "/credentials/" + which + "/test", ""},
	} {
		d.As(t, tenant.Scope{}).Do(call[0], call[1], call[2], "If-Match", "*").Want(401)
		d.As(t, d.b).Do(call[0], call[1], call[2], "If-Match", "*").WantCode(404, "credential.not_found")
		weak := tenant.Authenticated(d.a.Org(), d.a.Actor(), tenant.Billing)
		d.As(t, weak).Do(call[0], call[1], call[2], "If-Match", "*").WantCode(403, "role.forbidden")
	}
	developer := tenant.Authenticated(d.a.Org(), d.a.Actor(), tenant.Developer)
	d.As(t, developer).Do("POST", "/credentials", body).WantCode(403, "role.forbidden")
	d.As(t, developer).Do("POST", "/credentials/test", body).WantCode(403, "role.forbidden")
	if list := d.As(t, d.b).Do("GET", "/credentials", "").Want(200); strings.Contains(list.Body, which) {
		t.Errorf("%s", list.Body)
	}
}

func TestABadRequestNamesItsField(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	for field, body := range map[string]string{
		"provider":        `{"provider":"nobody","secret":"x"}`,
		"secret":          `{"provider":"openai"}`,
		"base_url":        `{"provider":"openai","secret":"sk-0123456789abcdef","base_url":"http://169.254.169.254/"}`,
		"settings.region": `{"provider":"openai","secret":"sk-0123456789abcdef","settings":{"region":"eu-west-1"}}`,
		"colour":          `{"provider":"openai","secret":"sk-0123456789abcdef","colour":1}`,
	} {
		for _, path := range []string{"/credentials", "/credentials/test"} {
			if p := c.Do("POST", path, body).Want(400).Problem(); p.Field != field {
				t.Errorf("%s %s: the problem names %q", path, field, p.Field)
			}
		}
	}
}

func TestATestIsAnAnswerWhateverTheProviderSays(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+plain {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, `{"data":[]}`)
	}))
	t.Cleanup(upstream.Close)
	ask := func(secret string) string {
		return `{"provider":"custom","name":"c","secret":"` + secret + `","base_url":"` + upstream.URL + `/v1"}`
	}
	if got := c.Do("POST", "/credentials/test", ask(plain)).Want(200).Field("verdict"); got != "ok" {
		t.Errorf("verdict %s", got)
	}
	if got := c.Do("POST", "/credentials/test", ask("sk-wrong")).Want(200).Field("verdict"); got != "rejected" {
		t.Errorf("verdict %s", got)
	}
	which := c.Do("POST", "/credentials", ask("sk-wrong")).Want(201).Field("id")
	if got := c.Do("POST", "/credentials/"+which+"/test", "").Want(200).Field("verdict"); got != "rejected" {
		t.Errorf("verdict %s", got)
	}
	if got := c.Do("GET", "/credentials/"+which, "").Want(200).Field("last_check"); got != "rejected" {
		t.Errorf("last check %s", got)
	}
}

func TestSettingsAreReadBackAndChangedWithTheSecret(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	for _, v := range catalog.Vendors() {
		if len(v.Fields) == 0 {
			continue
		}
		given := map[string]string{}
		for _, f := range v.Fields {
			given[f.Name] = "x1"
		}
		settings, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		post := `{"provider":"` + v.ID + `","name":"` + v.ID + `","secret":"` + plain + `","settings":` + string(settings) + `}`
		made := c.Do("POST", "/credentials", post).Want(201)
		got := c.Do("GET", "/credentials/"+made.Field("id"), "").Want(200)
		if !strings.Contains(got.Body, `"settings":`+string(settings)) {
			t.Errorf("%s: %s", v.ID, got.Body)
		}
		other := strings.ReplaceAll(string(settings), "x1", "x2")
		tag := got.Header.Get("ETag")
		c.Do("PATCH", "/credentials/"+made.Field("id"), `{"settings":`+other+`}`, "If-Match", tag).WantCode(400, "credential.reenter_secret")
		changed := c.Do("PATCH", "/credentials/"+made.Field("id"), `{"settings":`+other+`,"secret":"`+plain+`"}`, "If-Match", tag).Want(200)
		if !strings.Contains(changed.Body, `"settings":`+other) {
			t.Errorf("%s: %s", v.ID, changed.Body)
		}
	}
	made := c.Do("POST", "/credentials", body).Want(201)
	if !strings.Contains(made.Body, `"settings":{}`) {
		t.Errorf("none are written as %s", made.Body)
	}
}
