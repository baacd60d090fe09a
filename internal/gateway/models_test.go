package gateway_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/alias"
)

func (w *world) get(path string, headers ...string) answer {
	w.t.Helper()
	r := w.request(path, "", headers...)
	r.Method, r.Body, r.ContentLength = http.MethodGet, nil, 0
	return w.send(r)
}

func ids(t *testing.T, a answer) []string {
	t.Helper()
	var list struct{ Data []struct{ ID string } }
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	out := []string{}
	for _, m := range list.Data {
		out = append(out, m.ID)
	}
	return out
}

func TestTheModelListIsWhatTheKeyMayCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connectURL("openai", "http://127.0.0.1:1")
	w.alias("slow", alias.Route{})
	w.alias("fast", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}})
	narrow, secret := w.addKey("staging")
	narrow.Aliases = []string{"fast"}
	w.start()
	// Anthropic is not connected, so its models are not in the list.
	if d := cmp.Diff([]string{"fast", "slow", "openai/gpt-4o-mini", "sandbox/echo-mini"}, ids(t, w.get("/v1/models"))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"fast"}, ids(t, w.get("/v1/models", "Authorization", "Bearer "+secret))); d != "" {
		t.Error(d)
	}
	if a := w.get("/v1/models/openai/gpt-4o-mini", "Authorization", "Bearer "+secret); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.get("/v1/models", "Authorization", "Bearer junk"); a.status != 401 {
		t.Errorf("%d", a.status)
	}
	var m struct {
		Object        string
		ContextWindow int64 `json:"context_window"`
		Pricing       map[string]string
	}
	a := w.get("/v1/models/fast")
	if err := json.Unmarshal([]byte(a.body), &m); err != nil || m.Object != "model" || m.ContextWindow != 128_000 || m.Pricing["input"] != "0.15" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.get("/v1/models/fats"); a.status != 404 || a.code() != "model.not_found" {
		t.Errorf("%d %s", a.status, a.body)
	}
	var list struct {
		Data []struct {
			Type, CreatedAt, Object string
		}
		HasMore *bool `json:"has_more"`
	}
	a = w.get("/v1/models", "Anthropic-Version", "2023-06-01")
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || list.HasMore == nil || list.Data[0].Type != "model" || list.Data[0].Object != "" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestHEADIsAnsweredLikeGET: load balancers probe with it.
func TestHEADIsAnsweredLikeGET(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/v1/models": 200, "/v1/chat/completions": 405} {
		r := w.request(path, "")
		r.Method = http.MethodHead
		if a := w.send(r); a.status != want || a.body != "" {
			t.Errorf("HEAD %s: %d %q", path, a.status, a.body)
		}
	}
}
