package gateway_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"tollgate/internal/gateway"
	"tollgate/internal/id"
	"tollgate/internal/score"
	"tollgate/internal/tenant"
)

// shelf takes judgements of the calls that it knows.
type shelf struct {
	known id.Call
	put   []score.New
	in    []tenant.Scope
}

func (s *shelf) Put(_ context.Context, in tenant.Scope, list []score.New) ([]score.Result, error) {
	s.put, s.in = append(s.put, list...), append(s.in, in)
	out := make([]score.Result, len(list))
	for i, n := range list {
		out[i].Score = score.Score{ID: "score_1", Call: n.Call, Name: n.Name}
		if n.Call != s.known {
			out[i].Err = score.ErrNoCall
		}
	}
	return out, nil
}

func TestAnApplicationJudgesItsCalls(t *testing.T) {
	t.Parallel()
	s := &shelf{known: id.NewCall()}
	w := newWorld(t)
	w.key.Scope = w.key.Key.Scope(w.org.ID)
	w.keyed = gateway.Keyed{Feedback: gateway.Feedback(s)}
	w.start()
	call := s.known.String()
	for _, path := range []string{"/v1/feedback", "/feedback"} {
		a := w.post(path, `{"call_id":"`+call+`","thumb":"up","comment":"quick"}`)
		var got struct {
			Object, ID, Name string
			Call             string `json:"call_id"`
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 || got.Object != "tollgate.feedback" || got.Call != call || got.ID == "" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	n := s.put[0]
	if n.Call != s.known || n.Kind != score.Boolean || n.Value != 1 || n.Text != "quick" || n.Source != score.Feedback || n.Team != "team_1" {
		t.Errorf("%+v", n)
	}
	if s.in[0].Org() != w.org.ID || s.in[0].Actor().Key != w.key.ID {
		t.Errorf("scope of %s, by %s", s.in[0].Org(), s.in[0].Actor().ID())
	}
}

func TestFeedbackThatIsNoneIsRefusedInWords(t *testing.T) {
	t.Parallel()
	s := &shelf{known: id.NewCall()}
	w := newWorld(t)
	w.keyed = gateway.Keyed{Feedback: gateway.Feedback(s)}
	w.start()
	call := s.known.String()
	for _, tt := range []struct {
		body   string
		status int
		code   string
	}{
		{``, 400, "feedback.invalid"},
		{`[]`, 400, "feedback.invalid"},
		{`{"call_id":"` + call + `","thumb":"up"}{}`, 400, "feedback.invalid"},
		{`{"call_id":"` + call + `","thumb":"up"}]`, 400, "feedback.invalid"},
		{`{"thumb":"up"}`, 400, "feedback.invalid"},
		{`{"call_id":"` + call + `","colour":"red"}`, 400, "feedback.invalid"},
		{`{"call_id":"` + call + `","score":"high"}`, 400, "feedback.invalid"},
		{`{"call_id":"` + call + `"}`, 400, "score.invalid"},
		{`{"call_id":"chatcmpl-1","thumb":"up"}`, 404, "score.call_not_found"},
		{`{"call_id":"` + id.NewCall().String() + `","thumb":"up"}`, 404, "score.call_not_found"},
		{`{"call_id":"` + call + `","comment":"` + strings.Repeat("x", 40_000) + `"}`, 413, "request.too_large"},
	} {
		if a := w.post("/v1/feedback", tt.body); a.status != tt.status || a.code() != tt.code || a.header.Get("X-Tollgate-Call-Id") == "" {
			t.Errorf("%.80s: %d %s", tt.body, a.status, a.body)
		}
	}
	r := w.request("/v1/feedback", `{"call_id":"`+call+`","thumb":"up"}`)
	r.Header.Set("Authorization", "Bearer tg-none")
	if a := w.send(r); a.status != 401 {
		t.Errorf("without a key: %d %s", a.status, a.body)
	}
}
