package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/gateway"
)

func TestAStreamThatStandsStillIsGivenUp(t *testing.T) {
	t.Parallel()
	still := func(parts ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			streaming(parts...)(w, r)
			<-r.Context().Done()
		}
	}
	t.Run("before content another target answers", func(t *testing.T) {
		t.Parallel()
		w := pair(t, still(roleChunk), streaming(roleChunk, helloChunk, finishChunk, doneChunk), alias.Route{Idle: 200 * time.Millisecond}).start()
		if a := w.chat(fast(true)); a.status != 200 || a.header.Get("x-tollgate-provider") != "mistral" || !strings.Contains(a.body, "[DONE]") {
			t.Errorf("%d %s", a.status, a.body)
		}
		if r := w.log.last(t); r.Attempts[0].ErrorClass != "timeout" {
			t.Errorf("recorded %+v", r.Attempts)
		}
	})
	t.Run("after content it ends in the dialect's error", func(t *testing.T) {
		t.Parallel()
		w := pair(t, still(roleChunk, helloChunk), streaming(doneChunk), alias.Route{Idle: 200 * time.Millisecond}).start()
		began := time.Now()
		a := w.chat(fast(true))
		if a.status != 200 || !strings.Contains(a.body, "Hello") || !strings.Contains(a.body, "provider.timeout") || strings.Contains(a.body, "[DONE]") || time.Since(began) > 5*time.Second {
			t.Errorf("%d %s after %v", a.status, a.body, time.Since(began))
		}
		if r := w.log.last(t); r.Outcome != calllog.Broken || len(r.Attempts) != 1 || r.Attempts[0].ErrorClass != "timeout" || r.Usage.Units.InputTotal() == 0 {
			t.Errorf("recorded %+v", r)
		}
	})
	t.Run("one that moves is left alone", func(t *testing.T) {
		t.Parallel()
		parts := []string{roleChunk}
		for range 6 {
			parts = append(parts, pause, helloChunk)
		}
		w := pair(t, streaming(append(parts, finishChunk, doneChunk)...), answering(500, "{}"), alias.Route{Idle: 400 * time.Millisecond}).start()
		if a := w.chat(fast(true)); a.status != 200 || !strings.Contains(a.body, "[DONE]") {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

// What came of every kind of call is known to the board, and nothing is left under way.
func TestTheBoardHearsOfEveryAttempt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		first  http.HandlerFunc
		stream bool
		why    string // "": closed
		calls  int
	}{
		{"a good answer", answering(200, whole), false, "", 1},
		{"a good stream", streaming(roleChunk, helloChunk, finishChunk, doneChunk), true, "", 1},
		{"a refusal of the call", answering(400, `{"error":{"message":"bad","type":"invalid_request_error"}}`), false, "", 9},
		{"a long prompt", answering(400, `{"error":{"message":"long","code":"context_length_exceeded"}}`), false, "", 9},
		{"a rate limit", answering(429, limited), false, "the rate limit is reached", 1},
		{"an empty account", answering(429, `{"error":{"message":"quota","code":"insufficient_quota"}}`), false, "the account has no credit or quota left", 1},
		{"a refused credential", answering(401, `{"error":{"message":"who?","code":"invalid_api_key"}}`), false, "the credential was refused", 1},
		{"a forbidden model", answering(403, `{"error":{"message":"no access","type":"permission_error"}}`), false, "the credential may not use the model", 1},
		{"an unknown model", answering(404, `{"error":{"message":"no model","code":"model_not_found"}}`), false, "the model is not known there", 1},
		{"five failures", answering(500, "{}"), false, "5 of the last 5 calls failed", 5},
		{"errors in 200 streams", streaming(errorChunk), true, "5 of the last 5 calls failed", 5},
		{"streams that break off", resetting(roleChunk, helloChunk, pause), true, "5 of the last 5 calls failed", 5},
		{"three time-outs", hanging, false, "3 calls in a row without an answer", 3},
		{"three lost connections", resetting(), false, "3 calls in a row without an answer", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			second := answering(200, whole)
			if tt.stream {
				second = streaming(roleChunk, helloChunk, finishChunk, doneChunk)
			}
			w := pair(t, tt.first, second, alias.Route{FirstByte: 200 * time.Millisecond}).start()
			for n := range tt.calls {
				if st := w.health.List("org_1", time.Now()); n > 0 && st[len(st)-1].Open {
					t.Fatalf("open after %d calls: %+v", n, st)
				}
				w.chat(fast(tt.stream))
				w.log.last(t)
			}
			var found bool
			for _, s := range w.health.List("org_1", time.Now()) {
				if s.InFlight != 0 {
					t.Errorf("%s is taken to be under way: %+v", s.Provider, s)
				}
				if s.Provider != "openai" {
					continue
				}
				found = true
				if s.Why != tt.why {
					t.Errorf("%+v, want %q", s, tt.why)
				}
			}
			if !found {
				t.Error("the board has not heard of it")
			}
		})
	}
}

// A client that leaves says nothing of the provider.
func TestAClientThatLeavesIsNoFailure(t *testing.T) {
	t.Parallel()
	w := pair(t, hanging, answering(200, whole), alias.Route{OnDisconnect: alias.Abort}).start()
	for range 5 {
		req := w.request("/v1/chat/completions", fast(false))
		client := &http.Client{Timeout: 50 * time.Millisecond}
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
		}
		w.log.last(t)
	}
	for _, s := range w.health.List("org_1", time.Now()) {
		if s.Open || s.Failed != 0 || s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
	}
}

func TestTheTraceTellsOfBreakers(t *testing.T) {
	t.Parallel()
	w := pair(t, answering(429, limited, "Retry-After", "60"), answering(200, whole), alias.Route{}).start()
	w.chat(fast(false))
	first := w.log.last(t)
	w.chat(fast(false))
	second := w.log.last(t)
	notes := func(r calllog.Record) string {
		if r.Decision == nil {
			return ""
		}
		return strings.Join(r.Decision.Notes, "; ")
	}
	if !strings.Contains(notes(first), "openai/gpt-4o-mini was ejected: the rate limit is reached") {
		t.Errorf("first: %q", notes(first))
	}
	if len(second.Attempts) != 1 || second.Provider != "mistral" {
		t.Errorf("second: %+v", second.Attempts)
	}
}

func TestRepeatsHereAreNotRepeatedByAnSDK(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(500, `{"error":{"message":"boom"}}`, "X-Should-Retry", "true"))
	w.alias("once", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}, Attempts: 1})
	w.start()
	for body, want := range map[string]string{ask: "false", strings.Replace(ask, "gpt-4o-mini", "once", 1): "true"} {
		if a := w.chat(body); a.header.Get("x-should-retry") != want {
			t.Errorf("after %s attempts: x-should-retry %q", a.header.Get("x-tollgate-attempts"), a.header.Get("x-should-retry"))
		}
	}
}

func TestWhatIsTooMuchIsShedBeforeItsBodyIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	held := make(chan struct{})
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		<-held
		answering(200, whole)(rw, r)
	})
	w.cfg = gateway.Config{Proxy: "proxy-test", ConcurrencyMax: 2}
	w.start()
	var served sync.WaitGroup
	var good atomic.Int32
	served.Go(func() {
		if a := w.chat(ask); a.status == 200 {
			good.Add(1)
		}
	})
	for w.log.intended() == 0 {
		time.Sleep(time.Millisecond)
	}
	// A body that never comes: who waits for it waits for ever.
	req, _ := http.NewRequest(http.MethodPost, w.url+"/v1/messages", neverEnding{})
	req.Header.Set("Authorization", "Bearer "+w.secret)
	req.ContentLength = 1000
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	began := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	body := make([]byte, 4096)
	n, _ := resp.Body.Read(body)
	_ = resp.Body.Close()
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" || !strings.Contains(string(body[:n]), `"type":"error"`) || !strings.Contains(string(body[:n]), "gateway.overloaded") {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body[:n])
	}
	if took > 2*time.Second {
		t.Errorf("shed after %v", took)
	}
	close(held)
	served.Wait()
	if good.Load() != 1 {
		t.Error("the call that had its place was not served")
	}
	w.log.last(t)
	if a := w.chat(ask); a.status != 200 {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
	w.log.last(t)
	if n := len(w.log.finals); n != 2 {
		t.Errorf("%d calls are logged", n)
	}
}

// neverEnding is a body of which nothing comes.
type neverEnding struct{}

func (neverEnding) Read([]byte) (int, error) {
	time.Sleep(5 * time.Second)
	return 0, fmt.Errorf("given up")
}

// An allowance is for calls in trouble, not for an outage.
func TestRepeatsOfACallHaveAnAllowance(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	w := newWorld(t)
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		if asked.Add(1)%2 == 1 { // each call's first attempt fails
			answering(503, `{"error":{"message":"busy"}}`, "Retry-After-Ms", "1")(rw, r)
			return
		}
		answering(200, whole)(rw, r)
	})
	stands := time.Now()
	w.moment = func() time.Time { return stands } // nothing trickles in
	w.start()
	for n := range 5 {
		if a := w.chat(ask); a.status != 200 {
			t.Fatalf("call %d: %d %s", n, a.status, a.body)
		}
	}
	w = newWorld(t)
	asked.Store(0)
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answering(503, `{"error":{"message":"busy"}}`, "Retry-After-Ms", "1")(rw, r)
	})
	w.moment = func() time.Time { return stands }
	w.start()
	for range 20 {
		w.chat(ask)
	}
	if n := asked.Load(); n < 30 || n > 34 { // ten to begin with, and a fifth of the calls
		t.Errorf("20 calls in an outage made %d requests", n)
	}
}

func TestATargetThatCannotSayTheCallIsNotUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("anthropic", answering(200, "{}"))
	w.connect("openai", answering(200, whole))
	w.alias("fast", alias.Route{Targets: []alias.Target{{Provider: "anthropic", Model: "claude-haiku-4-5"}, {Provider: "openai", Model: "gpt-4o-mini"}}})
	w.start()
	if a := w.chat(`{"model":"fast","logit_bias":{"1":5},"n":2,"messages":[{"role":"user","content":"hi"}]}`); a.status != 200 || a.header.Get("x-tollgate-provider") != "openai" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, s := range w.health.List("org_1", time.Now()) {
		if s.InFlight != 0 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// A target that was asked with the rest of another's time is not to blame for having had too little.
func TestWhoIsAskedLateIsNotBlamed(t *testing.T) {
	t.Parallel()
	w := pair(t, func(rw http.ResponseWriter, r *http.Request) {
		time.Sleep(700 * time.Millisecond)
		answering(500, "{}")(rw, r)
	}, hanging, alias.Route{Timeout: time.Second, Attempts: 2}).start()
	if a := w.chat(fast(false)); a.status != 504 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	w.log.last(t)
	for _, s := range w.health.List("org_1", time.Now()) {
		if want := map[string]int{"openai": 1, "mistral": 0}[s.Provider]; s.Failed != want {
			t.Errorf("%+v", s)
		}
	}
}

func TestAFileThatIsNotThereEjectsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(404, `{"error":{"message":"No such File object","type":"invalid_request_error"}}`))
	w.start()
	r := w.request("/v1/files/file-1", "")
	r.Method = http.MethodGet
	if a := w.send(r); a.status != 404 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	w.log.last(t)
	for _, s := range w.health.List("org_1", time.Now()) {
		if s.Open || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	}
}
