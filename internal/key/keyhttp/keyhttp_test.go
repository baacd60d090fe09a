package keyhttp_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/key/keyhttp"
	"tollgate/internal/key/keypg"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

// alone makes keys without budgets and limits.
type alone struct{ *key.Service }

func (a alone) Issue(ctx context.Context, in tenant.Scope, n key.New) (key.Made, error) {
	k, s, err := a.Service.Issue(ctx, in, n)
	return key.Made{Key: k, Secret: s}, err
}

// desk is the API over a database with two organizations.
type desk struct {
	*resttest.Server
	a, b tenant.Scope
	team id.Team
}

func open(t *testing.T) desk {
	t.Helper()
	db := pgtest.New(t)
	ring, err := secret.ParseKeyring(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	s := key.NewService(keypg.New(db), key.NewHasher(ring), func() time.Time { return noon })
	d := desk{Server: resttest.New(t, append(life(s, leaksOf(s, keypg.New(db))),
		rest.GET("/keys", tenant.ReadKeys, keyhttp.List(s, clock)),
		rest.POST("/keys", tenant.WriteKeys, keyhttp.Issue(alone{s}, clock)),
		rest.GET("/keys/{id}", tenant.ReadKeys, keyhttp.Read(s, clock)),
		rest.PATCH("/keys/{id}", tenant.WriteKeys, keyhttp.Update(s, clock)),
		rest.POST("/keys/{id}/revoke", tenant.WriteKeys, keyhttp.Revoke(s, clock)),
	)...)}
	d.a, d.team = pgtest.Org(t, db, "A")
	d.b, _ = pgtest.Org(t, db, "B")
	return d
}

func as(in tenant.Scope, r tenant.Role) tenant.Scope {
	return tenant.Authenticated(in.Org(), in.Actor(), r)
}

func TestAKeyFromIssueToRevocation(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	body := `{"team_id":"` + string(d.team) + `","name":"Triage","environment":"staging","aliases":["fast"],"models":["openai/*"],"endpoints":["chat","embeddings","images","audio","moderations","files","rerank"],"drop_unsupported":true,
		"networks":["203.0.113.0/24","2001:db8::1"],"workflow":"triage","tags":{"cost":"4711"},"privacy":"full","expires_at":"2030-02-01T00:00:00Z"}`
	issued := c.Do("POST", "/keys", body, "Idempotency-Key", "1").Want(201)
	plain, which := issued.Field("secret"), issued.Field("id")
	if _, err := key.ParseSecret(plain); err != nil || !strings.HasPrefix(plain, "tg_test_") {
		t.Errorf("secret %q: %v", plain, err)
	}
	// The secret is shown once, also to a client that repeats its request.
	again := c.Do("POST", "/keys", body, "Idempotency-Key", "1")
	if again.Status != 409 || strings.Contains(again.Body, plain) {
		t.Errorf("a repeated request answers %d %s", again.Status, again.Body)
	}
	got := c.Do("GET", "/keys/"+which, "").Want(200)
	var k keyhttp.Key
	got.Into(&k)
	if strings.Contains(got.Body, plain[12:53]) || k.Prefix != plain[:12] || k.Last4 != plain[53:] || k.Name != "Triage" || k.Environment != "staging" ||
		len(k.Networks) != 2 || k.Networks[1] != "2001:db8::1/128" || k.Tags["cost"] != "4711" || k.Privacy != "full" || !k.Drop || len(k.Endpoints) != 7 || k.RevokedAt != nil || k.CreatedBy != string(d.a.Actor().User) ||
		k.ExpiresAt == nil || !k.ExpiresAt.Equal(time.Date(2030, 2, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%s", got.Body)
	}
	tag := got.Header.Get("ETag")
	c.Do("PATCH", "/keys/"+which, `{"name":"Renamed"}`).WantCode(428, "request.if_match_required")
	c.Do("PATCH", "/keys/"+which, `{"name":"Renamed"}`, "If-Match", `"999"`).Want(412)
	changed := c.Do("PATCH", "/keys/"+which, `{"name":"Renamed","expires_at":"0001-01-01T00:00:00Z","networks":[]}`, "If-Match", tag).Want(200)
	changed.Into(&k)
	if changed.Header.Get("ETag") == tag || changed.Field("name") != "Renamed" || strings.Contains(changed.Body, "expires_at") || !strings.Contains(changed.Body, `"networks":[]`) ||
		!strings.Contains(changed.Body, `"aliases":["fast"]`) || !k.Drop {
		t.Errorf("%s", changed.Body)
	}
	c.Do("PATCH", "/keys/"+which, `{"drop_unsupported":false}`, "If-Match", "*").Want(200).Into(&k)
	if k.Drop || len(k.Endpoints) != 7 {
		t.Errorf("%+v", k)
	}
	c.Do("PATCH", "/keys/"+which, `{"name":"Late"}`, "If-Match", tag).Want(412)
	if list := c.Do("GET", "/keys?state=live&text=ren", "").Want(200); !strings.Contains(list.Body, which) || strings.Contains(list.Body, plain[12:53]) {
		t.Errorf("%s", list.Body)
	}
	c.Do("POST", "/keys/"+which+"/revoke", "").Want(200).Field("revoked_at")
	c.Do("PATCH", "/keys/"+which, `{"name":"Dead"}`, "If-Match", "*").WantCode(409, "key.revoked_already")
	if list := c.Do("GET", "/keys?state=live", "").Want(200); strings.Contains(list.Body, which) {
		t.Errorf("%s", list.Body)
	}
}

func TestWhoMayNotAndWhatIsNotThere(t *testing.T) {
	t.Parallel()
	d := open(t)
	body := `{"team_id":"` + string(d.team) + `","name":"x"}`
	which := d.As(t, d.a).Do("POST", "/keys", body).Want(201).Field("id")
	for _, call := range [][3]string{
		{"GET", "/keys/" + which, ""}, {"PATCH", "/keys/" + which, `{"name":"y"}`}, {"POST", "/keys/" + which + "/revoke", ""},
	} {
		d.As(t, tenant.Scope{}).Do(call[0], call[1], call[2], "If-Match", "*").Want(401)
		d.As(t, d.b).Do(call[0], call[1], call[2], "If-Match", "*").WantCode(404, "key.not_found")
		if call[0] != "GET" {
			d.As(t, as(d.a, tenant.Viewer)).Do(call[0], call[1], call[2], "If-Match", "*").WantCode(403, "role.forbidden")
		}
	}
	d.As(t, as(d.a, tenant.Billing)).Do("POST", "/keys", body).WantCode(403, "role.forbidden")
	d.As(t, d.b).Do("POST", "/keys", body).WantCode(400, "key.unknown_team")
	if list := d.As(t, d.b).Do("GET", "/keys", "").Want(200); strings.Contains(list.Body, which) {
		t.Errorf("%s", list.Body)
	}
	d.As(t, as(d.a, tenant.Viewer)).Do("GET", "/keys/"+which, "").Want(200)
	d.As(t, d.a).Do("POST", "/keys", body).WantCode(409, "key.name_taken")
}

func TestABadRequestNamesItsField(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	with := func(member string) string { return `{"team_id":"` + string(d.team) + `","name":"x",` + member + `}` }
	for field, body := range map[string]string{
		"name":        `{"team_id":"` + string(d.team) + `","name":" "}`,
		"networks.1":  with(`"networks":["10.0.0.0/8","10.0.0.1/8"]`),
		"models.0":    with(`"models":["gpt-4o"]`),
		"aliases.0":   with(`"aliases":["A"]`),
		"endpoints.0": with(`"endpoints":["video"]`),
		"environment": with(`"environment":"Prod"`),
		"expires_at":  with(`"expires_at":"2029-01-01T00:00:00Z"`),
		"tags.k":      with(`"tags":{"k":"` + strings.Repeat("v", 257) + `"}`),
		"colour":      with(`"colour":"red"`),
	} {
		if p := c.Do("POST", "/keys", body).Want(400).Problem(); p.Field != field {
			t.Errorf("%s: the problem names %q: %+v", field, p.Field, p)
		}
	}
	c.Do("GET", "/keys?cursor=%21", "").Want(400)
	c.Do("GET", "/keys?state=sleeping", "").Want(400)
	c.Do("GET", "/keys?limit=201", "").Want(400)
}

func TestPagesGoThroughEveryKeyOnce(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		c.Do("POST", "/keys", `{"team_id":"`+string(d.team)+`","name":"`+name+`"}`).Want(201)
	}
	var names, cursor string
	for {
		var page rest.Page[keyhttp.Key]
		c.Do("GET", "/keys?limit=2&cursor="+cursor, "").Want(200).Into(&page)
		for _, k := range page.Items {
			names += k.Name
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if names != "edcba" {
		t.Errorf("pages gave %q", names)
	}
}
