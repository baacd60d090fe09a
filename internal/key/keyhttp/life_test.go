package keyhttp_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/key/keyhttp"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// life are the routes of a key's life, over the desk's database.
func life(s *key.Service, l *key.Leaks) []rest.Route {
	return []rest.Route{
		rest.POST("/keys/{id}/rotate", tenant.WriteKeys, keyhttp.Rotate(s, clock)),
		rest.POST("/keys/{id}/rotation/cancel", tenant.WriteKeys, keyhttp.CancelRotation(s, clock)),
		rest.DELETE("/keys/{id}/secrets/{secret}", tenant.WriteKeys, keyhttp.EndSecret(s, clock)),
		rest.POST("/keys/{id}/disable", tenant.WriteKeys, keyhttp.Disable(s, clock)),
		rest.POST("/keys/{id}/enable", tenant.WriteKeys, keyhttp.Enable(s, clock)),
		rest.GET("/keys/{id}/usage", tenant.ReadKeys, keyhttp.Usage(s)),
		rest.POST("/keys/bulk", tenant.WriteKeys, keyhttp.Bulk(s)),
		rest.GET("/keys/templates", tenant.ReadKeys, keyhttp.ListTemplates(s)),
		rest.POST("/keys/templates", tenant.GovernKeys, keyhttp.CreateTemplate(s)),
		rest.GET("/keys/templates/{id}", tenant.ReadKeys, keyhttp.ReadTemplate(s)),
		rest.PATCH("/keys/templates/{id}", tenant.GovernKeys, keyhttp.UpdateTemplate(s)),
		rest.DELETE("/keys/templates/{id}", tenant.GovernKeys, keyhttp.DeleteTemplate(s)),
		rest.POST("/keys/import", tenant.GovernKeys, keyhttp.Import(s)),
		rest.POST("/keys/report", tenant.ReadKeys, keyhttp.Report(l, clock)),
		rest.GET("/keys/settings", tenant.ReadKeys, keyhttp.ReadSettings(l)),
		rest.PUT("/keys/settings", tenant.GovernKeys, keyhttp.WriteSettings(l)),
	}
}

func quiet(context.Context, id.Org, key.Notice) error { return nil }

func leaksOf(s *key.Service, store key.LeakStore) *key.Leaks {
	return key.NewLeaks(s, store, quiet, slog.New(slog.DiscardHandler))
}

func TestAKeysLifeOverTheAPI(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, as(d.a, tenant.Owner))
	issued := c.Do("POST", "/keys", `{"team_id":"`+string(d.team)+`","name":"Triage","budget_status":429}`).Want(201)
	which, plain := issued.Field("id"), issued.Field("secret")
	rotated := c.Do("POST", "/keys/"+which+"/rotate", `{"overlap_seconds":3600}`).Want(200)
	fresh := rotated.Field("secret")
	var k keyhttp.Key
	c.Do("GET", "/keys/"+which, "").Want(200).Into(&k)
	if fresh == plain || len(k.Secrets) != 2 || !k.Secrets[0].Live || !k.Secrets[1].Live || k.Secrets[1].NotAfter == nil || k.BudgetStatus != 429 || k.State != "live" || k.Prefix != fresh[:12] {
		t.Errorf("%+v", k)
	}
	c.Do("POST", "/keys/"+which+"/rotate", "").WantCode(409, "key.rotating")
	c.Do("POST", "/keys/"+which+"/rotation/cancel", "").Want(200)
	c.Do("POST", "/keys/"+which+"/rotation/cancel", "").WantCode(409, "key.not_rotating")
	c.Do("DELETE", "/keys/"+which+"/secrets/"+k.Secrets[1].ID, "").WantCode(409, "key.last_secret")
	c.Do("DELETE", "/keys/"+which+"/secrets/sec_none", "").WantCode(404, "key.secret_not_found")
	c.Do("POST", "/keys/"+which+"/disable", `{"kill_streams":true}`).Want(200)
	if c.Do("GET", "/keys/"+which, "").Want(200).Into(&k); k.State != "disabled" || k.DisabledAt == nil {
		t.Errorf("%+v", k)
	}
	c.Do("POST", "/keys/"+which+"/enable", "").Want(200)
	c.Do("GET", "/keys/"+which+"/usage", "").Want(200)
	var done keyhttp.KeyEffects
	c.Do("POST", "/keys/bulk", `{"action":"rotate","ids":["`+which+`","key_none"],"overlap_seconds":0}`).Want(200).Into(&done)
	if done.Done != 1 || done.Failed != 1 || done.Effects[0].Secret == "" || done.Effects[1].Status != 404 {
		t.Errorf("%+v", done)
	}
	c.Do("POST", "/keys/bulk", `{"action":"revoke"}`).WantCode(400, "key.nothing_selected")
	var reported keyhttp.ReportedKey
	if c.Do("POST", "/keys/report", `{"secret":"`+done.Effects[0].Secret+`"}`).Want(200).Into(&reported); !reported.Known || !reported.Revoked || reported.Key.ID != which {
		t.Errorf("%+v", reported)
	}
	if c.Do("POST", "/keys/report", `{"secret":"tg_live_nobodys"}`).Want(200).Into(&reported); reported.Known {
		t.Errorf("%+v", reported)
	}
	c.Do("PUT", "/keys/settings", `{"on_leak":"notify"}`).Want(200)
	if got := c.Do("GET", "/keys/settings", "").Want(200).Field("on_leak"); got != "notify" {
		t.Errorf("on_leak is %q", got)
	}
}

func TestTemplatesOverTheAPI(t *testing.T) {
	t.Parallel()
	d := open(t)
	c, dev := d.As(t, as(d.a, tenant.Admin)), d.As(t, as(d.a, tenant.Developer))
	body := `{"name":"Team","team_id":"` + string(d.team) + `","standard":true,"bounding":true,"policy":{"environment":"staging","aliases":["fast"],"lifetime_seconds":86400,
		"networks":["10.0.0.0/8"],"budget":{"amount_usd":"5","period":"day"},"limits":{"rpm":60}}}`
	dev.Do("POST", "/keys/templates", body).Want(403)
	made := c.Do("POST", "/keys/templates", body).Want(201)
	which := made.Field("id")
	var got keyhttp.KeyTemplate
	read := c.Do("GET", "/keys/templates/"+which, "").Want(200)
	if read.Into(&got); got.Policy.Budget.AmountUSD != "5.00" || got.Policy.Limits.RPM != 60 || got.Policy.Lifetime != 86400 || got.Policy.Networks[0] != "10.0.0.0/8" || !got.Standard {
		t.Errorf("%s", read.Body)
	}
	dev.Do("POST", "/keys", `{"team_id":"`+string(d.team)+`","name":"wide","environment":"production"}`).WantCode(403, "key_template.beyond")
	key := dev.Do("POST", "/keys", `{"team_id":"`+string(d.team)+`","name":"k"}`).Want(201)
	if key.Field("environment") != "staging" || key.Field("template_id") != which {
		t.Errorf("%s", key.Body)
	}
	tag := read.Header.Get("ETag")
	c.Do("PATCH", "/keys/templates/"+which, `{"bounding":false}`, "If-Match", tag).Want(200)
	c.Do("PATCH", "/keys/templates/"+which, `{"bounding":true}`, "If-Match", tag).Want(412)
	c.Do("POST", "/keys/templates", `{"name":"Bad","policy":{"budget":{"amount_usd":"none","period":"day"}}}`).WantCode(400, "key.invalid")
	c.Do("DELETE", "/keys/templates/"+which, "").Want(204)
	c.Do("GET", "/keys/templates/"+which, "").WantCode(404, "key_template.not_found")
}

func TestAnImportOverTheAPI(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, as(d.a, tenant.Owner))
	row := `{"token":"` + strings.Repeat("ab", 32) + `","key_alias":"Bot","models":["fast"],"key_name":"sk-...abcd"}`
	ask := func(dry bool) keyhttp.ImportedKeys {
		t.Helper()
		var got keyhttp.ImportedKeys
		body, err := json.Marshal(map[string]any{"team_id": string(d.team), "dry_run": dry, "keys": json.RawMessage("[" + row + `,{"token":"x"}]`)})
		if err != nil {
			t.Fatal(err)
		}
		c.Do("POST", "/keys/import", string(body)).Want(200).Into(&got)
		return got
	}
	if got := ask(true); got.Taken != 1 || got.Failed != 1 || got.Rows[0].KeyID != "" || got.Rows[1].Code != "key.invalid" {
		t.Errorf("dry: %+v", got)
	}
	if got := ask(false); got.Taken != 1 || got.Rows[0].KeyID == "" {
		t.Errorf("%+v", got)
	}
	if got := ask(false); got.Taken != 0 || got.Rows[0].Status != 409 {
		t.Errorf("again: %+v", got)
	}
	c.Do("POST", "/keys/import", `{"team_id":"`+string(d.team)+`","keys":{"no":"keys"}}`).WantCode(400, "key.import_unreadable")
}
