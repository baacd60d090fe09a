package aliashttp_test

import (
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliashttp"
	"tollgate/internal/alias/aliaspg"
	"tollgate/internal/alias/condition"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/tenant"
)

type desk struct {
	*resttest.Server
	a, b tenant.Scope
}

func open(t *testing.T) desk {
	t.Helper()
	db := pgtest.New(t)
	s := alias.NewService(aliaspg.New(db), alias.Words{Vendors: catalog.Vendor, Condition: condition.Check}, func() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) })
	d := desk{Server: resttest.New(t,
		rest.GET("/aliases", tenant.ReadAliases, aliashttp.List(s)),
		rest.POST("/aliases", tenant.WriteAliases, aliashttp.Create(s)),
		rest.GET("/aliases/{id}", tenant.ReadAliases, aliashttp.Read(s)),
		rest.PATCH("/aliases/{id}", tenant.WriteAliases, aliashttp.Update(s)),
		rest.DELETE("/aliases/{id}", tenant.WriteAliases, aliashttp.Delete(s)),
		rest.GET("/aliases/{id}/versions", tenant.ReadAliases, aliashttp.Versions(s)),
		rest.POST("/aliases/{id}/restore", tenant.WriteAliases, aliashttp.Restore(s)),
		rest.GET("/routing", tenant.ReadAliases, aliashttp.ReadRouting(s)),
		rest.PUT("/routing", tenant.WriteAliases, aliashttp.ApplyRouting(s)),
		rest.GET("/routing/file", tenant.ReadAliases, aliashttp.ReadRoutingFile(s)),
		rest.GET("/routing/schema", tenant.ReadAliases, aliashttp.RoutingSchema()),
		rest.POST("/routing/check", tenant.ReadAliases, aliashttp.CheckRouting(s)),
		rest.GET("/routing/versions", tenant.ReadAliases, aliashttp.RoutingVersions(s)),
		rest.GET("/routing/versions/{id}", tenant.ReadAliases, aliashttp.ReadRoutingVersion(s)),
		rest.POST("/routing/restore", tenant.WriteAliases, aliashttp.RestoreRouting(s)),
	)}
	d.a, _ = pgtest.Org(t, db, "A")
	d.b, _ = pgtest.Org(t, db, "B")
	return d
}

const (
	first  = `{"name":"fast","route":{"targets":[{"provider":"anthropic","model":"claude-haiku-4-5"},{"provider":"openai","model":"gpt-4o-mini"}],"timeout_ms":30000,"attempts":3},"message":"one"}`
	second = `{"route":{"targets":[{"provider":"sandbox","model":"echo-mini"}],"first_byte_ms":1500,"on_disconnect":"abort","drop_unsupported":true},"message":"two"}`
)

func TestAnAliasGoesThroughVersionsAndBack(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	made := c.Do("POST", "/aliases", first).Want(201)
	which, tag := made.Field("id"), made.Header.Get("ETag")
	var a aliashttp.Alias
	made.Into(&a)
	if a.Version != 1 || a.Route.TimeoutMS != 30000 || a.Route.Attempts != 3 || a.Route.OnDisconnect != "drain" || a.Route.DropUnsupported || len(a.Route.Targets) != 2 {
		t.Errorf("%s", made.Body)
	}
	c.Do("PATCH", "/aliases/"+which, second).Want(428)
	changed := c.Do("PATCH", "/aliases/"+which, second, "If-Match", tag).Want(200)
	changed.Into(&a)
	if a.Version != 2 || a.Route.FirstByteMS != 1500 || a.Route.OnDisconnect != "abort" || !a.Route.DropUnsupported || changed.Header.Get("ETag") == tag {
		t.Errorf("%s", changed.Body)
	}
	c.Do("PATCH", "/aliases/"+which, second, "If-Match", tag).Want(412)
	c.Do("POST", "/aliases/"+which+"/restore", `{"version":1,"expected_version":1}`).WantCode(412, "alias.stale")
	c.Do("POST", "/aliases/"+which+"/restore", `{"version":1,"expected_version":2}`).Want(200).Into(&a)
	if a.Version != 3 || len(a.Route.Targets) != 2 {
		t.Errorf("%+v", a)
	}
	c.Do("POST", "/aliases/"+which+"/restore", `{"version":7}`).WantCode(404, "alias.version_not_found")
	var told []string
	for cursor := ""; ; {
		var page rest.Page[aliashttp.Version]
		c.Do("GET", "/aliases/"+which+"/versions?limit=2&cursor="+cursor, "").Want(200).Into(&page)
		for _, v := range page.Items {
			told = append(told, v.Message)
			if v.Author != string(d.a.Actor().User) {
				t.Errorf("%+v", v)
			}
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if got := strings.Join(told, ","); got != "Restored version 1,two,one" {
		t.Errorf("versions %s", got)
	}
	if list := c.Do("GET", "/aliases?text=AS", "").Want(200); !strings.Contains(list.Body, which) {
		t.Errorf("%s", list.Body)
	}
	c.Do("DELETE", "/aliases/"+which, "").Want(204)
	c.Do("GET", "/aliases/"+which, "").WantCode(404, "alias.not_found")
}

func TestWhoMayNotAndWhatIsNotThere(t *testing.T) {
	t.Parallel()
	d := open(t)
	which := d.As(t, d.a).Do("POST", "/aliases", first).Want(201).Field("id")
	viewer := tenant.Authenticated(d.a.Org(), d.a.Actor(), tenant.Viewer)
	for _, call := range [][3]string{
		{"GET", "", ""}, {"GET", "/versions", ""}, {"PATCH", "", second}, {"POST", "/restore", `{"version":1}`}, {"DELETE", "", ""},
	} {
		path := "/aliases/" + which + call[1]
		d.As(t, tenant.Scope{}).Do(call[0], path, call[2], "If-Match", "*").Want(401)
		d.As(t, d.b).Do(call[0], path, call[2], "If-Match", "*").WantCode(404, "alias.not_found")
		if call[0] != "GET" {
			d.As(t, viewer).Do(call[0], path, call[2], "If-Match", "*").WantCode(403, "role.forbidden")
		}
	}
	d.As(t, viewer).Do("GET", "/aliases/"+which, "").Want(200)
	d.As(t, viewer).Do("POST", "/aliases", first).WantCode(403, "role.forbidden")
	d.As(t, d.a).Do("POST", "/aliases", first).WantCode(409, "alias.name_taken")
	d.As(t, d.b).Do("POST", "/aliases", first).Want(201)
}

func TestABadRequestNamesItsField(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	target := `{"provider":"openai","model":"gpt-4o"}`
	for field, body := range map[string]string{
		"name":                       `{"name":"a/b","route":{"targets":[` + target + `]}}`,
		"route.targets":              `{"name":"a","route":{"targets":[]}}`,
		"route.targets.1.provider":   `{"name":"a","route":{"targets":[` + target + `,{"provider":"nobody","model":"x"}]}}`,
		"route.targets.0.model":      `{"name":"a","route":{"targets":[{"provider":"openai","model":""}]}}`,
		"route.targets.0.credential": `{"name":"a","route":{"targets":[{"provider":"openai","model":"x","credential":"cred_none"}]}}`,
		"route.timeout_ms":           `{"name":"a","route":{"targets":[` + target + `],"timeout_ms":9000000000000000000}}`,
		"route.first_byte_ms":        `{"name":"a","route":{"targets":[` + target + `],"first_byte_ms":-1}}`,
		"route.attempts":             `{"name":"a","route":{"targets":[` + target + `],"attempts":11}}`,
		"route.on_disconnect":        `{"name":"a","route":{"targets":[` + target + `],"on_disconnect":"x"}}`,
	} {
		if p := c.Do("POST", "/aliases", body).Want(400).Problem(); p.Field != field {
			t.Errorf("%s: the problem names %q: %+v", field, p.Field, p)
		}
	}
}
