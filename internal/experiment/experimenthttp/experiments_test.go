package experimenthttp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliaspg"
	"tollgate/internal/alias/condition"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/experiment/experimenthttp"
	"tollgate/internal/experiment/experimentpg"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/price"
	"tollgate/internal/price/pricepg"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/tenant"
)

// nobody has no credentials and no keys.
type nobody struct{}

func (nobody) List(context.Context, tenant.Scope) ([]credential.Credential, error) { return nil, nil }

func (nobody) Key(context.Context, tenant.Scope, id.Key) (key.Key, error) {
	return key.Key{}, key.ErrNotFound
}

type desk struct {
	*resttest.Server
	a, b  tenant.Scope
	alias id.Alias
}

func open(t *testing.T) desk {
	t.Helper()
	db := pgtest.New(t)
	now := func() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }
	aliases := alias.NewService(aliaspg.New(db), alias.Words{Vendors: catalog.Vendor, Condition: condition.Check}, now)
	s := experiment.NewService(experiment.Deps{
		Store: experimentpg.New(db), Aliases: aliases, Credentials: nobody{}, Keys: nobody{}, Prompts: prompt.NewService(promptpg.New(db), now), Vendors: catalog.Vendor, Now: now,
		Prices: experiment.PriceList{Service: price.NewService(pricepg.New(db), nil, now), Now: now},
	})
	d := desk{Server: resttest.New(t,
		rest.GET("/experiments", tenant.ReadExperiments, experimenthttp.List(s)),
		rest.POST("/experiments", tenant.WriteExperiments, experimenthttp.Create(s)),
		rest.POST("/experiments/forecast", tenant.ReadExperiments, experimenthttp.Foresee(s)),
		rest.POST("/experiments/replay", tenant.ReadExperiments, experimenthttp.Replay(s)),
		rest.GET("/experiments/{id}", tenant.ReadExperiments, experimenthttp.Read(s)),
		rest.PATCH("/experiments/{id}", tenant.WriteExperiments, experimenthttp.Update(s)),
		rest.DELETE("/experiments/{id}", tenant.WriteExperiments, experimenthttp.Delete(s)),
		rest.POST("/experiments/{id}/start", tenant.WriteExperiments, experimenthttp.Start(s)),
		rest.POST("/experiments/{id}/stop", tenant.WriteExperiments, experimenthttp.Stop(s)),
		rest.POST("/experiments/{id}/promote", tenant.WriteExperiments, experimenthttp.Promote(s)),
		rest.POST("/experiments/{id}/rollback", tenant.WriteExperiments, experimenthttp.Rollback(s)),
		rest.GET("/experiments/{id}/readings", tenant.ReadExperiments, experimenthttp.Readings(s)),
		rest.GET("/experiments/{id}/units", tenant.ReadExperiments, experimenthttp.Segments(s)),
		rest.GET("/experiments/{id}/pairs", tenant.ReadCalls, experimenthttp.Pairs(s)),
	)}
	d.a, _ = pgtest.Org(t, db, "A")
	d.b, _ = pgtest.Org(t, db, "B")
	a, err := aliases.Create(t.Context(), d.a, "fast", alias.Route{Targets: []alias.Target{{Provider: "sandbox", Model: "echo-large"}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	d.alias = a.ID
	return d
}

// plan is a good plan with other members on top.
func (d desk) plan(more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"alias":%q,"name":"Mini","goal":"cheaper","quality":"scores","variants":[{"name":"control"},{"name":"mini","target":{"provider":"sandbox","model":"echo-mini"},
		"parameters":{"overrides":{"temperature":0.2}}}],"guardrails":{"error_rate":0.01,"spend_nano_usd":"5000000000"}%s}`, d.alias, more)
}

func TestAnExperimentGoesFromDraftToPromotionAndBack(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	made := c.Do("POST", "/experiments", d.plan("")).Want(201)
	which, tag := made.Field("id"), made.Header.Get("ETag")
	var e experimenthttp.Experiment
	made.Into(&e)
	if e.Status != "draft" || e.Days != 7 || e.Margin != 0.02 || e.Variants[0].Weight != 50 || e.ScoreName != "quality" || e.Guardrails.SpendNanoUSD != "5000000000" ||
		*e.Variants[1].Parameters.Overrides.Temperature != 0.2 || e.StartedAt != nil {
		t.Errorf("%s", made.Body)
	}
	c.Do("PATCH", "/experiments/"+which, d.plan(`"days":14`)).Want(428)
	c.Do("PATCH", "/experiments/"+which, d.plan(`"days":14`), "If-Match", tag).Want(200).Into(&e)
	c.Do("PATCH", "/experiments/"+which, d.plan(`"days":14`), "If-Match", tag).Want(412)
	c.Do("POST", "/experiments/"+which+"/start", "").Want(200).Into(&e)
	if e.Status != "running" || e.Days != 14 || e.StartedAt == nil || e.EndsAt.Sub(*e.StartedAt) != 14*24*time.Hour || e.AliasVersion != 1 {
		t.Errorf("%+v", e)
	}
	c.Do("PATCH", "/experiments/"+which, d.plan(""), "If-Match", "*").WantCode(409, "experiment.not_draft")
	c.Do("DELETE", "/experiments/"+which, "").WantCode(409, "experiment.not_draft")
	c.Do("POST", "/experiments/"+which+"/promote", `{"arm":"control"}`).WantCode(400, "experiment.unknown_arm")
	c.Do("POST", "/experiments/"+which+"/promote", `{"arm":"mini","immediately":true}`).Want(200).Into(&e)
	if e.Status != "promoted" || e.Winner != "mini" || e.Ramp == nil || e.Ramp.Stage != 100 || e.Ramp.ToVersion != 2 {
		t.Errorf("%+v", e)
	}
	c.Do("POST", "/experiments/"+which+"/rollback", "").Want(200).Into(&e)
	if e.Status != "reverted" || !e.Ramp.Over {
		t.Errorf("%+v", e)
	}
	c.Do("POST", "/experiments/"+which+"/stop", "").WantCode(409, "experiment.not_running")
	for _, path := range []string{"/readings", "/units?segment=size", "/pairs"} {
		if got := c.Do("GET", "/experiments/"+which+path, "").Want(200); !strings.Contains(got.Body, `"items":[]`) {
			t.Errorf("%s: %s", path, got.Body)
		}
	}
	if list := c.Do("GET", "/experiments?status=reverted&alias="+string(d.alias), "").Want(200); !strings.Contains(list.Body, which) {
		t.Errorf("%s", list.Body)
	}
	if list := c.Do("GET", "/experiments?status=draft", "").Want(200); strings.Contains(list.Body, which) {
		t.Errorf("%s", list.Body)
	}
	second := c.Do("POST", "/experiments", d.plan("")).Want(201).Field("id")
	c.Do("DELETE", "/experiments/"+second, "").Want(204)
	c.Do("GET", "/experiments/"+second, "").WantCode(404, "experiment.not_found")
}

func TestWhoMayNotAndWhatIsNotThere(t *testing.T) {
	t.Parallel()
	d := open(t)
	which := d.As(t, d.a).Do("POST", "/experiments", d.plan("")).Want(201).Field("id")
	viewer := tenant.Authenticated(d.a.Org(), d.a.Actor(), tenant.Viewer)
	for _, call := range [][3]string{
		{"GET", "", ""},
		{"GET", "/readings", ""},
		{"GET", "/units", ""},
		{"GET", "/pairs", ""},
		{"PATCH", "", d.plan("")},
		{"POST", "/start", ""},
		{"POST", "/stop", ""},
		{"POST", "/promote", `{"arm":"mini"}`},
		{"POST", "/rollback", ""},
		{"DELETE", "", ""},
	} {
		path := "/experiments/" + which + call[1]
		d.As(t, tenant.Scope{}).Do(call[0], path, call[2], "If-Match", "*").Want(401)
		d.As(t, d.b).Do(call[0], path, call[2], "If-Match", "*").WantCode(404, "experiment.not_found")
		if call[0] != "GET" {
			d.As(t, viewer).Do(call[0], path, call[2], "If-Match", "*").WantCode(403, "role.forbidden")
		}
	}
	d.As(t, viewer).Do("GET", "/experiments/"+which, "").Want(200)
	if p := d.As(t, d.b).Do("POST", "/experiments", d.plan("")).Want(400).Problem(); p.Field != "alias" {
		t.Errorf("another organization's alias: %+v", p)
	}
}

func TestABadRequestNamesItsField(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	good := d.plan("")
	for field, change := range map[string][2]string{
		"name":                       {`"name":"Mini"`, `"name":" "`},
		"goal":                       {`"cheaper"`, `"nicer"`},
		"quality":                    {`"scores"`, `"vibes"`},
		"variants.0.name":            {`"control"`, `"The control"`},
		"variants.1.target.provider": {`"sandbox"`, `"nobody"`},
		"variants.1.target.model":    {`"echo-mini"`, `""`},
		"guardrails.error_rate":      {`0.01`, `2`},
		"guardrails.spend_nano_usd":  {`"5000000000"`, `"5 dollars"`},
		"variants.1.parameters.overrides.temperature": {`0.2`, `3`},
	} {
		if p := c.Do("POST", "/experiments", strings.Replace(good, change[0], change[1], 1)).Want(400).Problem(); p.Field != field {
			t.Errorf("%s: the problem names %q: %+v", field, p.Field, p)
		}
	}
	for field, more := range map[string]string{
		"days": `"days":10`, "share": `"share":101`, "margin": `"margin":-1`, "score_high": `"score_low":5,"score_high":1`,
	} {
		if p := c.Do("POST", "/experiments", d.plan(more)).Want(400).Problem(); p.Field != field {
			t.Errorf("%s: the problem names %q: %+v", field, p.Field, p)
		}
	}
	c.Do("POST", "/experiments", strings.Replace(good, `{"name":"control"}`, `{"name":"control","prompt":"v5"}`, 1)).Want(400)
	f := c.Do("POST", "/experiments/forecast", good).Want(200)
	if !strings.Contains(f.Body, `"refusal":"fast had no calls`) || !strings.Contains(f.Body, `"saving_nano_usd_a_month":null`) {
		t.Errorf("%s", f.Body)
	}
}
