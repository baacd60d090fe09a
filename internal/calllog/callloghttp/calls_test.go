package callloghttp_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"iter"
	"strings"
	"testing"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/callloghttp"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/tenant"
)

type world struct {
	server    *resttest.Server
	store     *calllogpg.Store
	in, other tenant.Scope
	team      id.Team
}

func newWorld(t *testing.T) world {
	t.Helper()
	db := pgtest.New(t)
	store := calllogpg.New(db)
	q := calllog.NewQueries(store)
	in, team := pgtest.Org(t, db, "Acme")
	other, _ := pgtest.Org(t, db, "Globex")
	return world{resttest.New(t,
		rest.GET("/calls", tenant.ReadCalls, callloghttp.List(q)),
		rest.GET("/calls/tail", tenant.ReadCalls, callloghttp.Tail(q)),
		rest.GET("/calls/{id}", tenant.ReadCalls, callloghttp.Read(q)),
	), store, in, other, team}
}

func (w world) deliver(t *testing.T, change func(r *calllog.Record)) calllog.Record {
	t.Helper()
	u := chat.Usage{Source: chat.Reported}
	u.Units[chat.Input] = 7
	r := calllog.Record{
		ID: id.NewCall(), Org: w.in.Org(), Team: w.team, Key: "key_x", Environment: "production", Workflow: "triage", Provider: "openai", Model: "gpt",
		Status: 200, Outcome: calllog.OK, Usage: u, Cost: 195_000, Price: calllog.Priced, Tags: map[string]string{"a": "b"},
		Attempts: []calllog.Attempt{{Number: 1, Provider: "openai", Model: "gpt", Usage: u, Cost: 195_000, Price: calllog.Priced, PriceID: "price_1"}},
	}
	if change != nil {
		change(&r)
	}
	if d, err := w.store.Ingest(t.Context(), []calllog.Record{r}, calllog.Beat{}); err != nil || len(d.Rejected) > 0 {
		t.Fatalf("%v %v", err, d.Rejected)
	}
	return r
}

func TestListPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := map[string]bool{}
	for range 5 {
		want[w.deliver(t, nil).ID.String()] = true
	}
	c := w.server.As(t, w.in)
	path := "/calls?limit=2"
	for pages := 1; ; pages++ {
		var got callloghttp.Calls
		c.Do("GET", path, "").Want(200).Into(&got)
		for _, call := range got.Items {
			if !want[call.ID] {
				t.Errorf("%s is unknown or came twice", call.ID)
			}
			delete(want, call.ID)
			if call.CostNanoUSD != "195000" || call.CostUSD != "0.000195" || call.Units["input"] != 7 {
				t.Errorf("call: %+v", call)
			}
		}
		if got.NextCursor == "" {
			if pages != 3 {
				t.Errorf("%d pages, want 3", pages)
			}
			break
		}
		path = "/calls?limit=2&cursor=" + got.NextCursor
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestListFiltersAndRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.deliver(t, func(r *calllog.Record) { r.Status, r.Outcome, r.Workflow = 404, calllog.Refused, "a,b" })
	w.deliver(t, nil)
	c := w.server.As(t, w.in)
	for _, query := range []string{
		"status=404", "status=4xx", "outcome=refused", "outcome=refused&outcome=failed", "workflow=a,b", "id=" + call.ID.String(),
		"tag=a%3Db&outcome=refused", "team=" + string(w.team) + "&outcome=refused", "outcome=refused&from=2020-01-01T00:00:00Z",
	} {
		var got callloghttp.Calls
		c.Do("GET", "/calls?"+query, "").Want(200).Into(&got)
		if len(got.Items) != 1 || got.Items[0].ID != call.ID.String() {
			t.Errorf("%s gives %d calls, want the refused one", query, len(got.Items))
		}
	}
	for query, code := range map[string]string{
		"status=9xx": "call.bad_filter", "status=abc": "call.bad_filter", "outcome=fine": "call.bad_filter", "tag=a": "call.bad_filter",
		"id=call_x": "call.bad_filter", "tag=a%3D1&tag=a%3D2": "call.bad_filter",
	} {
		c.Do("GET", "/calls?"+query, "").WantCode(400, code)
	}
	c.Do("GET", "/calls?cursor=%21", "").Want(400)
	c.Do("GET", "/calls?colour=red", "").Want(400)
	c.Do("GET", "/calls?limit=1000", "").Want(400)
}

// TestAnUnpricedCallHasNoCost: not known is not zero, neither in JSON nor in a table.
func TestAnUnpricedCallHasNoCost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.deliver(t, func(r *calllog.Record) {
		r.Cost, r.Price = 0, calllog.Unpriced
		r.Attempts[0].Cost, r.Attempts[0].Price = 0, calllog.Unpriced
	})
	c := w.server.As(t, w.in)
	for _, path := range []string{"/calls", "/calls/" + call.ID.String()} {
		if a := c.Do("GET", path, "").Want(200); strings.Contains(a.Body, `"cost_`) || !strings.Contains(a.Body, `"price_state":"unpriced"`) {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(c.Do("GET", "/calls?format=csv", "").Want(200).Body)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v %v", rows, err)
	}
	for i, name := range rows[0] {
		if strings.HasPrefix(name, "cost_") && rows[1][i] != "" {
			t.Errorf("%s is %q", name, rows[1][i])
		}
	}
}

// TestWhatTheProviderSaidStandsBesideOurs: silence is null and zero is zero.
func TestWhatTheProviderSaidStandsBesideOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	said := money.NanoUSD(190_001)
	call := w.deliver(t, func(r *calllog.Record) {
		r.Endpoint, r.ProviderCost, r.Attempts[0].ProviderCost, r.Warnings = "images", &said, &said, []string{"=seed was dropped", "b"}
		r.Usage.Units[chat.Images], r.Attempts[0].Usage.Units[chat.Images] = 2, 2
	})
	silent := w.deliver(t, nil)
	c := w.server.As(t, w.in)
	var got, other callloghttp.CallDetail
	c.Do("GET", "/calls/"+call.ID.String(), "").Want(200).Into(&got)
	if got.ProviderCost == nil || *got.ProviderCost != "190001" || got.Attempts[0].ProviderCost == nil || len(got.Warnings) != 2 || got.Units["image"] != 2 {
		t.Errorf("%+v", got)
	}
	a := c.Do("GET", "/calls/"+silent.ID.String(), "").Want(200)
	a.Into(&other)
	if other.ProviderCost != nil || !strings.Contains(a.Body, `"provider_cost_nano_usd":null`) || !strings.Contains(a.Body, `"warnings":[]`) {
		t.Errorf("%s", a.Body)
	}
	cells := func(query string) map[string]string {
		t.Helper()
		rows, err := csv.NewReader(strings.NewReader(c.Do("GET", "/calls?format=csv&"+query, "").Want(200).Body)).ReadAll()
		if err != nil || len(rows) < 2 {
			t.Fatalf("%v %v", rows, err)
		}
		out := map[string]string{}
		for i, name := range rows[0] {
			out[name] = rows[1][i]
		}
		return out
	}
	row := cells("endpoint=images")
	if row["provider_cost_nano_usd"] != "190001" || row["image"] != "2" || row["warnings"] != "'=seed was dropped; b" || row["endpoint"] != "images" {
		t.Errorf("%v", row)
	}
	plain := cells("id=" + silent.ID.String())
	if _, wide := plain["image"]; wide || plain["web_search"] != "0" || plain["provider_cost_nano_usd"] != "" {
		t.Errorf("a table of chat has columns for images: %v", plain)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.deliver(t, func(r *calllog.Record) { r.Payload = &calllog.Payload{Request: []byte("{}"), Response: []byte("ok")} })
	paths := []string{"/calls", "/calls/" + call.ID.String(), "/calls/tail"}
	for _, path := range paths {
		w.server.As(t, tenant.Scope{}).Do("GET", path, "").Want(401)
		w.server.As(t, tenant.Authenticated(w.in.Org(), tenant.Actor{User: "user_b"}, tenant.Billing)).Do("GET", path, "").Want(403)
	}
	var detail callloghttp.CallDetail
	w.server.As(t, w.in).Do("GET", paths[1], "").Want(200).Into(&detail)
	if len(detail.Attempts) != 1 || detail.Attempts[0].PriceID != "price_1" || detail.Payload == nil || detail.Payload.Response != "ok" {
		t.Errorf("detail: %+v", detail)
	}
	missing := w.server.As(t, w.in).Do("GET", "/calls/"+id.NewCall().String(), "").WantCode(404, "call.not_found")
	foreign := w.server.As(t, w.other).Do("GET", paths[1], "").WantCode(404, "call.not_found")
	if a, b := missing.Problem(), foreign.Problem(); a.Detail != b.Detail || a.Title != b.Title {
		t.Errorf("another's call answers otherwise than a missing one: %+v, %+v", a, b)
	}
	w.server.As(t, w.in).Do("GET", "/calls/nonsense", "").WantCode(404, "call.not_found")
	var got callloghttp.Calls
	w.server.As(t, w.other).Do("GET", "/calls?team="+string(w.team), "").Want(200).Into(&got)
	if len(got.Items) != 0 {
		t.Errorf("another organization sees %d calls", len(got.Items))
	}
}

func TestCSVHoldsTheSameRowsAndNoFormulas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, func(r *calllog.Record) { r.Workflow = "=HYPERLINK(\"x\")" })
	a := w.server.As(t, w.in).Do("GET", "/calls?format=csv", "").Want(200)
	lines, err := csv.NewReader(strings.NewReader(a.Body)).ReadAll()
	if err != nil || len(lines) != 2 || len(lines[0]) != len(lines[1]) {
		t.Fatalf("%v %v", lines, err)
	}
	if !strings.Contains(a.Body, "'=HYPERLINK") || !strings.Contains(a.Body, "0.000195") {
		t.Errorf("table: %s", a.Body)
	}
}

// tailing is a Queries whose Follow tells what a test gives it.
type tailing struct {
	callloghttp.Queries
	steps chan calllog.Tailed
	after calllog.Tail
}

func (q *tailing) Follow(_ context.Context, _ tenant.Scope, _ calllog.Filter, after calllog.Tail) iter.Seq2[calllog.Tailed, error] {
	q.after = after
	return func(yield func(calllog.Tailed, error) bool) {
		for step := range q.steps {
			if !yield(step, nil) {
				return
			}
		}
	}
}

func TestTailSendsCallsWithAPlaceToGoOn(t *testing.T) {
	t.Parallel()
	in := tenant.Authenticated("org_a", tenant.Actor{User: "user_a"}, tenant.Viewer)
	q := &tailing{steps: make(chan calllog.Tailed, 3)}
	a, b := calllog.Entry{Record: calllog.Record{ID: id.NewCall()}}, calllog.Entry{Record: calllog.Record{ID: id.NewCall()}}
	q.steps <- calllog.Tailed{Next: 7}
	q.steps <- calllog.Tailed{Calls: []calllog.Entry{a, b}, Next: 9}
	close(q.steps)
	c := resttest.New(t, rest.GET("/calls/tail", tenant.ReadCalls, callloghttp.Tail(q))).As(t, in)
	body := c.Do("GET", "/calls/tail?after="+calllog.Tail(3).String(), "", "Last-Event-ID", calllog.Tail(5).String()).Want(200).Body
	if q.after != 5 {
		t.Errorf("goes on after %d, want 5: the last event wins", q.after)
	}
	events := strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n")
	if len(events) != 3 || !strings.Contains(events[0], "id: "+calllog.Tail(7).String()) || strings.Contains(events[1], "id: ") || !strings.Contains(events[2], "id: "+calllog.Tail(9).String()) {
		t.Fatalf("events: %q", events)
	}
	scan := bufio.NewScanner(strings.NewReader(events[2]))
	for scan.Scan() {
		if data, ok := strings.CutPrefix(scan.Text(), "data: "); ok {
			var call callloghttp.Call
			if err := json.Unmarshal([]byte(data), &call); err != nil || call.ID != b.ID.String() {
				t.Errorf("%v %+v", err, call)
			}
		}
	}
	c.Do("GET", "/calls/tail?after=%25", "").WantCode(400, "call.bad_cursor")
}

func FuzzParseTail(f *testing.F) {
	f.Add(calllog.Tail(12345).String())
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := calllog.ParseTail(s)
		if err != nil {
			return
		}
		again, err := calllog.ParseTail(got.String())
		if err != nil || again != got {
			t.Errorf("%q: %v, again %v (%v)", s, got, again, err)
		}
	})
}

// TestARoutedCallTellsWhy: in words and as data, and it is found by what decided.
func TestARoutedCallTellsWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.deliver(t, func(r *calllog.Record) {
		r.Task, r.TaskBy, r.Alias, r.AliasVersion = "classification", calllog.TaskHeader, "fast", 2
		r.Experiment, r.Arm, r.ArmServed, r.UnitBy, r.Batch = "exp_1", "haiku", "control", "session", "batch_1"
		r.Prompt, r.PromptVersion, r.PromptLabel = "prompt_1", 7, "production"
		r.Signals = calllog.SchemaAsked | calllog.CutShort
		r.Decision = &calllog.Decision{Strategy: "ordered", Candidates: []calllog.Candidate{{Provider: "openai", Model: "gpt", Credential: "cred_1", Place: 1, Why: "first"}}}
	})
	plain := w.deliver(t, nil)
	c := w.server.As(t, w.in)
	var got callloghttp.CallDetail
	c.Do("GET", "/calls/"+call.ID.String(), "").Want(200).Into(&got)
	if got.Task != "classification" || got.ExperimentID != "exp_1" || got.ArmServed != "control" || got.BatchID != "batch_1" || got.PromptID != "prompt_1" || got.PromptVersion != 7 || got.PromptLabel != "production" || len(got.Why) < 4 ||
		got.Decision == nil || got.Decision.Candidates[0].CredentialID != "cred_1" || strings.Join(got.Signals, " ") != "schema_asked cut_short" {
		t.Errorf("%+v", got)
	}
	if a := c.Do("GET", "/calls/"+plain.ID.String(), "").Want(200); strings.Contains(a.Body, `"decision"`) || strings.Contains(a.Body, `"task"`) {
		t.Errorf("a call of no task has one: %s", a.Body)
	}
	for _, query := range []string{"task=classification", "experiment=exp_1", "arm=haiku", "batch=batch_1", "prompt=prompt_1", "prompt_version=prompt_1@7", "prompt_version=prompt_1@7&prompt_version=prompt_1@8", "experiment=exp_1&experiment=(none)&task=classification"} {
		var list callloghttp.Calls
		c.Do("GET", "/calls?"+query, "").Want(200).Into(&list)
		if len(list.Items) != 1 || list.Items[0].ID != call.ID.String() {
			t.Errorf("%s gives %d calls", query, len(list.Items))
		}
	}
	for _, query := range []string{"prompt=prompt_2", "prompt_version=prompt_1@8", "prompt_version=prompt_2@7"} {
		var list callloghttp.Calls
		c.Do("GET", "/calls?"+query, "").Want(200).Into(&list)
		if len(list.Items) != 0 {
			t.Errorf("%s gives %d calls", query, len(list.Items))
		}
	}
	for _, wrong := range []string{"prompt_1", "prompt_1@0", "prompt_1@x", "@7", "prompt_1@99999999999"} {
		c.Do("GET", "/calls?prompt_version="+wrong, "").Want(400)
	}
	var none callloghttp.Calls
	c.Do("GET", "/calls?experiment=(none)&batch=(none)&prompt=(none)&prompt_version=(none)", "").Want(200).Into(&none)
	if len(none.Items) != 1 || none.Items[0].ID != plain.ID.String() {
		t.Errorf("calls of no experiment: %+v", none.Items)
	}
	rows, err := csv.NewReader(strings.NewReader(c.Do("GET", "/calls?format=csv&task=classification", "").Want(200).Body)).ReadAll()
	if err != nil || len(rows) != 2 || !strings.HasSuffix(strings.Join(rows[1], ","), "classification,header,exp_1,haiku,control,batch_1,prompt_1,,7,production") {
		t.Errorf("%v %v", rows, err)
	}
}
