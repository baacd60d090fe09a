package promptstathttp_test

import (
	"log/slog"
	"testing"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/prompt/promptstat/promptstathttp"
	"tollgate/internal/prompt/promptstat/promptstatpg"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
)

// TestFiguresOverHTTP reads both routes as their own organization, and as one that has no such prompt.
func TestFiguresOverHTTP(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	noon := time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return noon.Add(time.Hour) }
	in, team := pgtest.Org(t, db, "A")
	other, _ := pgtest.Org(t, db, "B")
	store := promptstatpg.New(db)
	s := promptstat.NewService(store)
	server := resttest.New(t,
		rest.GET("/prompts/{id}/metrics", tenant.ReadPrompts, promptstathttp.Metrics(s, now)),
		rest.GET("/prompts/{id}/compare", tenant.ReadPrompts, promptstathttp.Compare(s, now)),
	)
	p, _, err := prompt.NewService(promptpg.New(db), now).Create(t.Context(), in, prompt.New{Name: "greeting", Kind: prompt.Text, Content: prompt.Content{Text: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	var calls []calllog.Record
	for i := range 90 {
		r := calllog.Record{
			ID: id.NewCall(), Org: in.Org(), Team: team, Key: "key_x", Outcome: calllog.OK, Cost: 3, Price: calllog.Priced, Duration: time.Second,
			Prompt: p.ID, PromptVersion: 6 + i%2, PromptLabel: "production",
		}
		at := noon.Add(time.Duration(i) * time.Second).UnixMilli()
		for j := range 6 {
			r.ID[j] = byte(at >> (8 * (5 - j)))
		}
		r.Usage.Units[chat.Input], r.Usage.Units[chat.CacheRead] = 75, 25
		calls = append(calls, r)
	}
	if _, err := calllogpg.New(db).Ingest(t.Context(), calls, calllog.Beat{}); err != nil {
		t.Fatal(err)
	}
	if err := usage.NewRoller(store, now, slog.New(slog.DiscardHandler)).Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := server.As(t, in)
	base := "/prompts/" + string(p.ID)
	var m promptstathttp.PromptMetrics
	c.Do("GET", base+"/metrics?by=label", "").Want(200).Into(&m)
	if len(m.Rows) != 1 || m.Rows[0].Label != "production" || len(m.Rows[0].Versions) != 2 || m.Rows[0].CostNanoUSD != "270" || m.Rows[0].CostPerCall != "3" ||
		m.Rows[0].CacheShare != 0.25 || m.Rows[0].Days[0].Day != "2030-01-02" || m.Total.Calls != 90 {
		t.Errorf("%+v", m)
	}
	c.Do("GET", base+"/metrics", "").Want(200).Into(&m)
	if len(m.Rows) != 2 || m.Rows[0].Version != 7 || m.By != "version" {
		t.Errorf("%+v", m)
	}
	var d promptstathttp.PromptComparison
	c.Do("GET", base+"/compare?a=6&b=7", "").Want(200).Into(&d)
	if d.A.Calls != 45 || d.Randomised || len(d.Differences) < 7 || d.Differences[0].Mean == nil || d.Differences[0].Verdict != "no_difference" {
		t.Errorf("%+v", d)
	}
	d = promptstathttp.PromptComparison{}
	c.Do("GET", base+"/compare?a=1&b=2", "").Want(200).Into(&d)
	if d.Differences[0].Verdict != "too_few" || d.Differences[0].Mean != nil {
		t.Errorf("nothing was compared, and there is a difference: %+v", d.Differences[0])
	}
	for _, wrong := range []string{"/compare?a=6&b=6", "/metrics?by=colour", "/metrics?from=2030-01-02T00:00:00Z&to=2030-01-01T00:00:00Z"} {
		c.Do("GET", base+wrong, "").Want(400)
	}
	stranger := server.As(t, other)
	for _, route := range []string{"/metrics", "/compare"} {
		stranger.Do("GET", base+route, "").Want(404)
	}
}
