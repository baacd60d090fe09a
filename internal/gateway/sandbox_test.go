package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/internal/provider/sandbox"
)

func sandboxOf() http.RoundTripper {
	return sandbox.New(time.Now, func(context.Context, time.Duration) error { return nil })
}

func TestTheSandboxAnswersWithoutACredentialInEveryDialect(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	const messages = `"messages":[{"role":"user","content":"Say hello."}]}`
	a := w.chat(`{"model":"sandbox/echo-mini",` + messages)
	if a.status != 200 || !strings.Contains(a.body, `"chat.completion"`) || a.header.Get("x-tollgate-cost-usd") == "" {
		t.Errorf("%d %v %s", a.status, a.header, a.body)
	}
	a = w.chat(`{"model":"echo-mini","stream":true,` + messages)
	if a.status != 200 || !strings.HasSuffix(a.body, "data: [DONE]\n\n") {
		t.Errorf("%d %s", a.status, a.body)
	}
	a = w.post("/v1/messages", `{"model":"sandbox/echo-mini","max_tokens":100,`+messages)
	if a.status != 200 || !strings.Contains(a.body, `"type":"message"`) || !strings.Contains(a.body, `"cost":`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	a = w.post("/v1/messages", `{"model":"sandbox/echo-mini","stream":true,"max_tokens":100,`+messages)
	if a.status != 200 || !strings.Contains(a.body, "event: message_start") || !strings.HasSuffix(a.body, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n") {
		t.Errorf("%d %s", a.status, a.body)
	}
	for range 4 {
		if r := w.log.last(t); r.Provider != "sandbox" || r.Price != "priced" || r.Cost == 0 {
			t.Errorf("recorded %+v", r)
		}
	}
}

func TestAPanicFailsItsOwnCallAndIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sandbox = broken{}
	w.connect("openai", answering(200, whole))
	w.start()
	a := w.chat(`{"model":"sandbox/echo-mini","messages":[]}`)
	r := w.log.last(t)
	if a.status != 500 || a.code() != "internal" || a.header.Get("x-tollgate-call-id") != r.ID.String() || strings.Contains(a.body, "the sandbox broke") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if r.Outcome != "failed" || r.Status != 500 || w.log.intended() != 1 {
		t.Errorf("recorded %+v", r)
	}
	if a := w.chat(ask); a.status != 200 {
		t.Errorf("the next call: %d %s", a.status, a.body)
	}
}

// broken is a provider in the process that has a fault.
type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) { panic("the sandbox broke") }
