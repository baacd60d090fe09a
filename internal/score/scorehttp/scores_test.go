package scorehttp_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/score"
	"tollgate/internal/score/scorehttp"
	"tollgate/internal/score/scorepg"
	"tollgate/internal/tenant"
)

type world struct {
	server    *resttest.Server
	calls     *calllogpg.Store
	in, other tenant.Scope
	team      id.Team
}

func newWorld(t *testing.T) world {
	t.Helper()
	db := pgtest.New(t)
	s := score.NewService(scorepg.New(db), time.Now)
	in, team := pgtest.Org(t, db, "Acme")
	other, _ := pgtest.Org(t, db, "Globex")
	return world{resttest.New(t,
		rest.GET("/calls/{id}/scores", tenant.ReadCalls, scorehttp.List(s)),
		rest.POST("/calls/{id}/scores", tenant.WriteScores, scorehttp.Create(s)),
		rest.DELETE("/calls/{id}/scores/{score}", tenant.WriteScores, scorehttp.Delete(s)),
		rest.POST("/scores", tenant.WriteScores, scorehttp.CreateMany(s)),
	), calllogpg.New(db), in, other, team}
}

func (w world) deliver(t *testing.T, call id.Call) id.Call {
	t.Helper()
	r := calllog.Record{ID: call, Org: w.in.Org(), Team: w.team, Key: "key_x", Outcome: calllog.OK, Status: 200}
	if d, err := w.calls.Ingest(t.Context(), []calllog.Record{r}, calllog.Beat{}); err != nil || len(d.Rejected) > 0 {
		t.Fatalf("%v %v", err, d.Rejected)
	}
	return call
}

func TestEveryFormOfAJudgement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/calls/" + w.deliver(t, id.NewCall()).String() + "/scores"
	c := w.server.As(t, w.in)
	for _, tt := range []struct{ body, name, kind, value, comment string }{
		{`{"value":0.25}`, "quality", "numeric", "0.25", ""},
		{`{"score":-3,"comment":"slow"}`, "quality", "numeric", "-3", "slow"},
		{`{"value":true}`, "quality", "boolean", "true", ""},
		{`{"thumb":"down","name":"tone"}`, "tone", "boolean", "false", ""},
		{`{"value":"refund","name":"intent"}`, "intent", "category", "refund", ""},
		{`{"category":"refund","name":"intent","source":"heuristic"}`, "intent", "category", "refund", ""},
		{`{"comment":"<b>fine</b>"}`, "comment", "comment", "<b>fine</b>", ""},
	} {
		var got scorehttp.Score
		c.Do("POST", path, tt.body).Want(200).Into(&got)
		if got.Name != tt.name || got.Kind != tt.kind || fmt.Sprint(got.Value) != tt.value || got.Comment != tt.comment || got.Pending || !strings.HasPrefix(got.ID, "score_") {
			t.Errorf("%s: %+v", tt.body, got)
		}
	}
	var list scorehttp.Scores
	c.Do("GET", path, "").Want(200).Into(&list)
	if len(list.Items) != 5 { // quality, tone, intent by a person and by a rule, comment
		t.Errorf("%d scores: a newer one takes the older one's place: %+v", len(list.Items), list.Items)
	}
	for body, field := range map[string]string{
		`{}`: "value", `{"value":1,"thumb":"up"}`: "value", `{"value":1e10}`: "value", `{"thumb":"sideways"}`: "thumb", `{"value":[1]}`: "value",
		`{"value":1,"name":"Not A Name"}`: "name", `{"category":"a\u0000"}`: "comment",
	} {
		if p := c.Do("POST", path, body).WantCode(400, "score.invalid").Problem(); !strings.HasSuffix(p.Field, field) {
			t.Errorf("%s: %+v", body, p)
		}
	}
	for _, body := range []string{`{"source":"feedback","value":1}`, `{"value":1,"colour":"red"}`, `{"comment":"` + strings.Repeat("x", 4097) + `"}`} {
		c.Do("POST", path, body).Want(400)
	}
}

func TestScoresStayInTheirOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/calls/" + w.deliver(t, id.NewCall()).String() + "/scores"
	mine, theirs := w.server.As(t, w.in), w.server.As(t, w.other)
	which := mine.Do("POST", path, `{"value":1}`).Want(200).Field("id")
	theirs.Do("POST", path, `{"value":1}`).WantCode(404, "score.call_not_found")
	theirs.Do("GET", path, "").WantCode(404, "score.call_not_found")
	theirs.Do("DELETE", path+"/"+which, "").WantCode(404, "score.not_found")
	mine.Do("DELETE", path+"/score_none", "").WantCode(404, "score.not_found")
	mine.Do("DELETE", path+"/"+which, "").Want(204)
	var list scorehttp.Scores
	mine.Do("GET", path, "").Want(200).Into(&list)
	if list.Items == nil || len(list.Items) != 0 {
		t.Errorf("%+v", list)
	}
	mine.Do("POST", "/calls/call_nonsense/scores", `{"value":1}`).WantCode(404, "score.call_not_found")
}

func TestManyAreJudgedOneByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.deliver(t, id.NewCall()).String()
	c := w.server.As(t, w.in)
	young := id.NewCall().String()
	var got scorehttp.ScoreResults
	c.Do("POST", "/scores", `{"scores":[
		{"call_id":"`+call+`","value":0.5},
		{"call_id":"call_x","value":1},
		{"call_id":"`+call+`"},
		{"call_id":"`+call+`","category":"good","comment":"both"},
		{"call_id":"`+young+`","thumb":"up"},
		{"call_id":"call_00000000000000000000000000","value":1}]}`).Want(200).Into(&got)
	if len(got.Items) != 6 {
		t.Fatalf("%+v", got)
	}
	for i, code := range []string{"", "score.call_not_found", "score.invalid", "", "", "score.invalid"} {
		item := got.Items[i]
		if (item.Error == nil) != (code == "") || item.Error != nil && item.Error.Code != code || (item.Score == nil) == (item.Error == nil) {
			t.Errorf("%d: %+v", i, item)
		}
	}
	if !got.Items[4].Score.Pending || got.Items[0].Score.Pending {
		t.Error("a call that is not here yet was judged as if it were, or one that is here was not")
	}
	c.Do("POST", "/scores", `{"scores":[]}`).Want(400)
	c.Do("POST", "/scores", `{"scores":[`+strings.Repeat(`{"call_id":"x"},`, 1000)+`{"call_id":"x"}]}`).Want(400)
}
