package budgethttp_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/budget"
	"tollgate/internal/budget/budgethttp"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagepg"
)

type desk struct {
	*resttest.Server
	a, b tenant.Scope
	team id.Team
}

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// berlin is every organization's calendar.
type berlin struct{}

func (berlin) Organization(context.Context, tenant.Scope) (account.Organization, error) {
	return account.Organization{TimeZone: "Europe/Berlin", FiscalDay: 1}, nil
}

func open(t *testing.T) desk {
	t.Helper()
	db := pgtest.New(t)
	s := budget.NewService(budget.Deps{
		Store: budgetpg.NewStore(db), Organizations: berlin{}, Costs: usage.NewService(usagepg.New(db)), Vendors: catalog.Vendor,
		Books: budgetpg.NewLedger(db, slog.New(slog.DiscardHandler)), Now: func() time.Time { return noon },
	})
	d := desk{Server: resttest.New(t,
		rest.GET("/budgets", tenant.ReadBudgets, budgethttp.List(s)),
		rest.POST("/budgets", tenant.WriteBudgets, budgethttp.Create(s)),
		rest.GET("/budgets/tree", tenant.ReadBudgets, budgethttp.Tree(s)),
		rest.GET("/budgets/suggestions", tenant.ReadBudgets, budgethttp.Suggest(s)),
		rest.POST("/budgets/simulate", tenant.ReadBudgets, budgethttp.Simulate(s)),
		rest.GET("/budgets/verify", tenant.ReadBudgets, budgethttp.Checked(s)),
		rest.POST("/budgets/verify", tenant.ReadBudgets, budgethttp.Verify(s)),
		rest.POST("/budgets/reconcile", tenant.WriteBudgets, budgethttp.Reconcile(s)),
		rest.GET("/budgets/{id}", tenant.ReadBudgets, budgethttp.Read(s)),
		rest.PATCH("/budgets/{id}", tenant.WriteBudgets, budgethttp.Update(s)),
		rest.POST("/budgets/{id}/archive", tenant.WriteBudgets, budgethttp.Archive(s)),
		rest.POST("/budgets/{id}/restore", tenant.WriteBudgets, budgethttp.Restore(s)),
		rest.GET("/budgets/{id}/standing", tenant.ReadBudgets, budgethttp.Stand(s)),
		rest.GET("/budgets/{id}/subjects", tenant.ReadBudgets, budgethttp.Subjects(s)),
		rest.GET("/budgets/{id}/burn", tenant.ReadBudgets, budgethttp.BurnDown(s)),
		rest.GET("/budgets/{id}/blocked", tenant.ReadCalls, budgethttp.ListBlocked(s)),
		rest.GET("/budgets/{id}/raises", tenant.ReadBudgets, budgethttp.ListRaises(s)),
		rest.POST("/budgets/{id}/raises", tenant.WriteBudgets, budgethttp.CreateRaise(s)),
		rest.DELETE("/budgets/{id}/raises/{raise}", tenant.WriteBudgets, budgethttp.EndRaise(s)),
	)}
	d.a, d.team = pgtest.Org(t, db, "A")
	d.b, _ = pgtest.Org(t, db, "B")
	return d
}

const first = `{"name":"Support","selector":{"environment":"prod"},"limits":[{"period":"month","amount_usd":"500"},{"period":"day","amount_nano_usd":"50000000000"}],
	"mode":"block","action":"clamp","wait_ms":-1,"offline":"standby","standby_usd":"10.5","alert_at":[80,100]}`

func TestABudgetGoesThroughItsLife(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	made := c.Do("POST", "/budgets", first).Want(201)
	which, tag := made.Field("id"), made.Header.Get("ETag")
	var b budgethttp.Budget
	made.Into(&b)
	if b.Limits[0] != (budgethttp.BudgetLimit{Period: "day", AmountUSD: "50.00", AmountNanoUSD: "50000000000"}) || b.FloorTokens != 256 || b.WaitMS != -1 ||
		b.StandbyUSD != "10.50" || b.Selector["environment"] != "prod" || b.Revision != 1 || len(b.AlertAt) != 2 {
		t.Errorf("%s", made.Body)
	}
	c.Do("PATCH", "/budgets/"+which, `{"name":"x"}`).Want(428)
	changed := c.Do("PATCH", "/budgets/"+which, `{"limits":[{"period":"month","amount_usd":"700"}],"wait_ms":1500}`, "If-Match", tag).Want(200)
	changed.Into(&b)
	if len(b.Limits) != 1 || b.Limits[0].AmountUSD != "700.00" || b.WaitMS != 1500 || b.Name != "Support" || b.Action != "clamp" || b.StandbyUSD != "10.50" || b.Revision != 2 {
		t.Errorf("what was left out did not stay: %s", changed.Body)
	}
	c.Do("PATCH", "/budgets/"+which, `{"name":"x"}`, "If-Match", tag).Want(412)
	var watches budgethttp.Budget
	c.Do("PATCH", "/budgets/"+which, `{"mode":"watch"}`, "If-Match", "*").Want(200).Into(&watches)
	if b = watches; b.Mode != "watch" || b.Action != "refuse" || b.Offline != "deny" || b.StandbyUSD != "" {
		t.Errorf("a budget that only watches does nothing: %+v", b)
	}
	raise := c.Do("POST", "/budgets/"+which+"/raises", `{"amount_usd":"100","hours":2,"reason":"launch"}`).Want(201)
	if raise.Field("period") != "month" || raise.Field("to") != "2030-01-01T14:00:00Z" || raise.Field("created_by") != string(d.a.Actor().User) {
		t.Errorf("%s", raise.Body)
	}
	var st budgethttp.BudgetStanding
	standing := c.Do("GET", "/budgets/"+which+"/standing", "").Want(200)
	standing.Into(&st)
	if p := st.Periods[0]; p.LimitUSD != "800.00" || p.RaisedNanoUSD != "100000000000" || p.LeftUSD != "800.00" || p.SpentNanoUSD != "0" || p.HeldNanoUSD != "0" ||
		p.To.Format(time.RFC3339) != "2030-01-31T23:00:00Z" || st.TimeZone != "Europe/Berlin" {
		t.Errorf("%s", standing.Body)
	}
	c.Do("DELETE", "/budgets/"+which+"/raises/"+raise.Field("id"), "").Want(204)
	c.Do("DELETE", "/budgets/"+which+"/raises/"+raise.Field("id"), "").WantCode(404, "budget.raise_not_found")
	if list := c.Do("GET", "/budgets/"+which+"/raises", "").Want(200); !strings.Contains(list.Body, `"ended_at"`) {
		t.Errorf("%s", list.Body)
	}
	c.Do("POST", "/budgets/"+which+"/archive", "").Want(200)
	c.Do("PATCH", "/budgets/"+which, `{"name":"x"}`, "If-Match", "*").WantCode(409, "budget.archived")
	if list := c.Do("GET", "/budgets", "").Want(200); strings.Contains(list.Body, which) {
		t.Errorf("%s", list.Body)
	}
	if list := c.Do("GET", "/budgets?archived=true&text=SUPP", "").Want(200); !strings.Contains(list.Body, which) {
		t.Errorf("%s", list.Body)
	}
	c.Do("POST", "/budgets/"+which+"/restore", "").Want(200)
	c.Do("GET", "/budgets/"+which, "").Want(200)
}

func TestEveryFindingAnswers(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	which := c.Do("POST", "/budgets", first).Want(201).Field("id")
	for path, want := range map[string]string{
		"/budgets/tree":                        `"depth":0`,
		"/budgets/suggestions":                 `"items":[]`,
		"/budgets/verify":                      `"balance":false`, // not yet
		"/budgets/" + which + "/subjects":      `"items":[]`,
		"/budgets/" + which + "/burn?by=model": `"driven_by":"model"`,
		"/budgets/" + which + "/blocked":       `"refused_calls":0`,
	} {
		if got := c.Do("GET", path, "").Want(200); !strings.Contains(got.Body, want) {
			t.Errorf("%s: %s", path, got.Body)
		}
	}
	if got := c.Do("POST", "/budgets/simulate", first).Want(200); !strings.Contains(got.Body, `"blocked_calls":0`) || !strings.Contains(got.Body, `"from":"2029-11-30T23:00:00Z"`) {
		t.Errorf("%s", got.Body)
	}
	if got := c.Do("POST", "/budgets/verify", "").Want(200); !strings.Contains(got.Body, `"balance":true`) {
		t.Errorf("%s", got.Body)
	}
	got := c.Do("POST", "/budgets/reconcile", `{"evidence":[{"call_id":"call_00000000000000000000000000","cost_usd":"0.5"}]}`).Want(200)
	if !strings.Contains(got.Body, `"adjusted":0`) || !strings.Contains(got.Body, `"line":1`) {
		t.Errorf("%s", got.Body)
	}
	c.Do("GET", "/budgets/"+which+"/burn?period=week", "").WantCode(404, "budget.no_such_limit")
}

func TestWhoMayNotAndWhatIsNotThere(t *testing.T) {
	t.Parallel()
	d := open(t)
	which := d.As(t, d.a).Do("POST", "/budgets", first).Want(201).Field("id")
	viewer := tenant.Authenticated(d.a.Org(), d.a.Actor(), tenant.Viewer)
	billing := tenant.Authenticated(d.a.Org(), d.a.Actor(), tenant.Billing)
	raise := `{"amount_usd":"1","reason":"r","period":"day"}`
	for _, call := range [][3]string{
		{"GET", "", ""},
		{"GET", "/standing", ""},
		{"GET", "/subjects", ""},
		{"GET", "/burn", ""},
		{"GET", "/blocked", ""},
		{"GET", "/raises", ""},
		{"PATCH", "", `{"name":"x"}`},
		{"POST", "/raises", raise},
		{"POST", "/archive", ""},
		{"POST", "/restore", ""},
	} {
		path := "/budgets/" + which + call[1]
		d.As(t, tenant.Scope{}).Do(call[0], path, call[2], "If-Match", "*").Want(401)
		d.As(t, d.b).Do(call[0], path, call[2], "If-Match", "*").WantCode(404, "budget.not_found")
		if call[0] != "GET" {
			d.As(t, viewer).Do(call[0], path, call[2], "If-Match", "*").WantCode(403, "role.forbidden")
		}
	}
	d.As(t, billing).Do("POST", "/budgets/"+which+"/raises", raise).Want(201)
	d.As(t, viewer).Do("POST", "/budgets", first).WantCode(403, "role.forbidden")
	d.As(t, d.a).Do("POST", "/budgets", first).WantCode(409, "budget.name_taken")
	d.As(t, d.b).Do("POST", "/budgets", first).Want(201)
}

func TestABadRequestNamesItsField(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	month := `"limits":[{"period":"month","amount_usd":"5"}]`
	for field, body := range map[string]string{
		"name":                     `{"name":" ",` + month + `}`,
		"selector.0":               `{"name":"b","selector":{"team":"team_none"},` + month + `}`,
		"selector.1":               `{"name":"b","selector":{"environment":"x","model":"gpt"},` + month + `}`,
		"each":                     `{"name":"b","each":"organization",` + month + `}`,
		"limits":                   `{"name":"b","limits":[]}`,
		"limits.0.amount_usd":      `{"name":"b","limits":[{"period":"month"}]}`,
		"limits.0.amount_nano_usd": `{"name":"b","limits":[{"period":"month","amount_nano_usd":"1.5"}]}`,
		"limits.1.period":          `{"name":"b","limits":[{"period":"month","amount_usd":"1"},{"period":"month","amount_usd":"1"}]}`,
		"limits.0.amount":          `{"name":"b","limits":[{"period":"month","amount_usd":"-1"}]}`,
		"move_to":                  `{"name":"b","mode":"block","action":"move",` + month + `}`,
		"floor":                    `{"name":"b","mode":"block","action":"clamp","floor_tokens":-1,` + month + `}`,
		"standby":                  `{"name":"b","mode":"block","offline":"standby","standby_usd":"3",` + month + `}`,
		"alert_at":                 `{"name":"b","alert_at":[90,80],` + month + `}`,
	} {
		if p := c.Do("POST", "/budgets", body).Want(400).Problem(); p.Field != field {
			t.Errorf("%s: the problem names %q: %+v", field, p.Field, p)
		}
	}
	which := c.Do("POST", "/budgets", `{"name":"b",`+month+`}`).Want(201).Field("id")
	for field, body := range map[string]string{
		"amount_usd": `{"reason":"r"}`,
		"amount":     `{"amount_usd":"0","reason":"r"}`,
		"reason":     `{"amount_usd":"1","reason":" "}`,
		"from":       `{"amount_usd":"1","reason":"r","from":"2031-01-01T00:00:00Z"}`,
		"hours":      `{"amount_usd":"1","reason":"r","hours":169}`,
	} {
		if p := c.Do("POST", "/budgets/"+which+"/raises", body).Want(400).Problem(); p.Field != field {
			t.Errorf("%s: the problem names %q: %+v", field, p.Field, p)
		}
	}
	c.Do("POST", "/budgets/"+which+"/raises", `{"amount_usd":"1","reason":"r","period":"day"}`).WantCode(404, "budget.no_such_limit")
	c.Do("POST", "/budgets", `{"name":"c","limits":[{"period":"month","amount_usd":"1","amount_nano_usd":"2"}]}`).WantCode(400, "budget.bad_amount")
}
