package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/internal/gateway"
	"tollgate/internal/key"
)

// The key of a playground is used from inside; its secret, whoever had it, opens nothing.
func TestAPlaygroundsKeyIsOfNoUseFromOutside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.key.Kind = key.PlaygroundKey
	w.start()
	for _, path := range []string{"/v1/chat/completions", "/v1/messages", "/v1/embeddings"} {
		if a := w.post(path, `{"model":"sandbox/echo-mini","max_tokens":5,"messages":[{"role":"user","content":"hi"}],"input":"x"}`); a.status != http.StatusForbidden || !strings.Contains(a.body, "key.inside_only") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/v1/models", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.secret)
	if a := w.send(r); a.status != http.StatusForbidden {
		t.Errorf("models: %d %s", a.status, a.body)
	}
	in := gateway.Inside{Org: w.org.ID, Key: w.key.ID, Path: "/v1/chat/completions", Body: []byte(`{"model":"sandbox/echo-mini","messages":[{"role":"user","content":"hi"}]}`)}
	if a, err := w.gw.Do(t.Context(), in); err != nil || a.Status != http.StatusOK {
		t.Errorf("from inside: %d %v", a.Status, err)
	}
}

// Who listens to a call from inside ends it with its context, whatever the route says of clients that leave.
func TestTheListenersEndEndsTheProvidersCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone := make(chan struct{})
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		_, _ = rw.Write([]byte(roleChunk + helloChunk))
		rw.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			close(gone)
		case <-time.After(20 * time.Second):
		}
	})
	w.start()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	heard := &hearing{ResponseRecorder: httptest.NewRecorder(), leave: leave}
	in := gateway.Inside{Org: w.org.ID, Key: w.key.ID, Path: "/v1/chat/completions", Body: []byte(`{"model":"openai/gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}`), To: heard}
	if _, err := w.gw.Do(ctx, in); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Fatal("the provider went on")
	}
	if !strings.Contains(heard.Body.String(), "Hello") {
		t.Errorf("heard %q", heard.Body.String())
	}
	if r := w.log.last(t); r.Key != w.key.ID {
		t.Errorf("record = %+v", r)
	}
}

// hearing leaves once it has heard the first word.
type hearing struct {
	*httptest.ResponseRecorder
	leave context.CancelFunc
}

func (h *hearing) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "Hello") {
		h.leave()
	}
	return h.ResponseRecorder.Write(p)
}
