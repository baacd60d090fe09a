package gateway_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/id"
)

// pair makes an alias "fast" of two openai-dialect providers.
func pair(t *testing.T, first, second http.HandlerFunc, route alias.Route) *world {
	w := newWorld(t)
	w.connect("openai", first)
	w.connect("mistral", second)
	route.Targets = []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}, {Provider: "mistral", Model: "mistral-small"}}
	w.alias("fast", route)
	return w
}

func fast(stream bool) string {
	if stream {
		return `{"model":"fast","stream":true,"messages":[{"role":"user","content":"hi"}]}`
	}
	return `{"model":"fast","messages":[{"role":"user","content":"hi"}]}`
}

func hanging(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestBeforeContentAnotherTargetAnswers(t *testing.T) {
	t.Parallel()
	serverError := `{"error":{"message":"boom","type":"server_error"}}`
	tests := []struct {
		name   string
		first  http.HandlerFunc
		stream bool
		class  string
	}{
		{"429", answering(429, limited), false, "rate_limited"},
		{"429 of a stream", answering(429, limited), true, "rate_limited"},
		{"500", answering(500, serverError), false, "server_error"},
		{"503", answering(503, serverError), false, "overloaded"},
		{"529", answering(529, serverError), true, "overloaded"},
		{"a page from a CDN", answering(502, "<html>bad gateway</html>", "Content-Type", "text/html"), false, "server_error"},
		{"an unknown model", answering(404, `{"error":{"message":"no model","code":"model_not_found"}}`), false, "model_not_found"},
		{"a refused credential", answering(401, `{"error":{"message":"who?","code":"invalid_api_key"}}`), true, "credential_rejected"},
		{"a forbidden credential", answering(403, `{"error":{"message":"no access","type":"permission_error"}}`), false, "credential_rejected"},
		{"no money at the provider", answering(429, `{"error":{"message":"quota","type":"insufficient_quota","code":"insufficient_quota"}}`), false, "quota_exhausted"},
		{"a reset before the answer", resetting(), false, "connection"},
		{"a truncated answer", answering(200, whole[:80], "Content-Length", "600"), false, "connection"},
		{"garbage in a 200", answering(200, "banana"), false, "server_error"},
		{"half a body in a 200", answering(200, whole[:150]), false, "server_error"},
		{"another thing in a 200", answering(200, `{"status":"fine"}`), false, "server_error"},
		{"an error in a 200", answering(200, serverError), false, "server_error"},
		{"a page in a 200", answering(200, "<html>", "Content-Type", "text/html"), true, "server_error"},
		{"an error body instead of a stream", answering(200, serverError), true, "server_error"},
		{"an error as first event", streaming(errorChunk), true, "overloaded"},
		{"an error after the role", streaming(roleChunk, errorChunk), true, "overloaded"},
		{"a reset before content", resetting(roleChunk), true, "connection"},
		{"an end before content", streaming(roleChunk), true, "connection"},
		{"an empty stream", streaming(), true, "connection"},
		{"no content in time", hanging, true, "timeout"},
		{"no answer in time", hanging, false, "timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			second := answering(200, whole)
			if tt.stream {
				second = streaming(roleChunk, helloChunk, finishChunk, doneChunk)
			}
			w := pair(t, tt.first, second, alias.Route{FirstByte: 300 * time.Millisecond}).start()
			a := w.chat(fast(tt.stream))
			want := whole
			if tt.stream {
				want = roleChunk + helloChunk + finishChunk + doneChunk
			}
			if a.status != 200 || a.body != want {
				t.Fatalf("%d %q", a.status, a.body)
			}
			if a.header.Get("x-tollgate-attempts") != "2" || a.header.Get("x-tollgate-provider") != "mistral" || a.header.Get("x-tollgate-alias") != "fast" {
				t.Errorf("headers %v", a.header)
			}
			r := w.log.last(t)
			if len(r.Attempts) != 2 || r.Attempts[0].ErrorClass != tt.class || r.Attempts[1].ErrorClass != "" {
				t.Errorf("attempts %+v", r.Attempts)
			}
			if r.Outcome != calllog.OK || r.Provider != "mistral" || r.Alias != "fast" || r.AliasVersion != 3 || w.log.intended() != 1 {
				t.Errorf("recorded %+v", r)
			}
		})
	}
}

// TestAnAttemptGivenUpByOurClockIsNotFree: the provider has the prompt and bills it, unless it was never reached.
func TestAnAttemptGivenUpByOurClockIsNotFree(t *testing.T) {
	t.Parallel()
	w := pair(t, hanging, answering(200, whole), alias.Route{FirstByte: 300 * time.Millisecond}).start()
	if a := w.chat(fast(false)); a.status != 200 {
		t.Fatalf("%d %q", a.status, a.body)
	}
	r := w.log.last(t)
	given := r.Attempts[0]
	if given.Usage.Source != chat.Estimated || given.Usage.Units[chat.Input] == 0 || given.Usage.Units.OutputTotal() != 0 {
		t.Errorf("recorded %+v", given)
	}
	if !r.Estimated {
		t.Error("the call says that all of its usage is exact")
	}
}

// TestAnUnusableAnswerIsPaidForAllTheSame: the client gets nothing of it, but the provider has done the work.
func TestAnUnusableAnswerIsPaidForAllTheSame(t *testing.T) {
	t.Parallel()
	cut := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(whole)+10))
			_, _ = io.WriteString(w, body)
		}
	}
	tests := []struct {
		name   string
		first  http.HandlerFunc
		stream bool
		source chat.Source
		input  int64 // 0: by the rule of thumb
	}{
		{"a whole answer instead of a stream", answering(200, whole), true, chat.Reported, 800},
		{"an answer that breaks off behind its usage", cut(whole), false, chat.Estimated, 800},
		{"an answer that breaks off in its text", cut(whole[:150]), false, chat.Estimated, 0},
		{"an answer instead of a stream that breaks off", cut(whole[:150]), true, chat.Estimated, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := pair(t, tt.first, answering(500, `{"error":{"message":"boom","type":"server_error"}}`), alias.Route{Attempts: 2}).start()
			if a := w.chat(fast(tt.stream)); a.status < 500 {
				t.Fatalf("%d %q", a.status, a.body)
			}
			r := w.log.last(t)
			u := r.Attempts[0].Usage
			if u.Source != tt.source || u.Units.InputTotal() == 0 || u.Units.OutputTotal() == 0 || (tt.input != 0 && u.Units[chat.Input] != tt.input) {
				t.Errorf("usage %+v", u)
			}
			if r.Cost == 0 || r.Attempts[0].Cost != r.Cost || r.Price != calllog.Priced || r.Estimated != (tt.source == chat.Estimated) {
				t.Errorf("recorded %+v", r)
			}
		})
	}
}

func TestWhatWouldFailElsewhereTooIsNotTriedElsewhere(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		status         int
		body           string
		wantStatus     int
		code           string // "" when the provider's body is relayed
		mustMention    string
		mustNotMention string
	}{
		{"a bad request", 400, `{"error":{"message":"bad field","type":"invalid_request_error","param":"x","code":null}}`, 400, "", "bad field", "tollgate"},
		{"a long prompt", 400, `{"error":{"message":"long","code":"context_length_exceeded"}}`, 400, "", "long", "tollgate"},
		{"content that is against the rules", 400, `{"error":{"message":"flagged","code":"content_policy_violation"}}`, 400, "", "flagged", "tollgate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var second atomic.Int32
			w := pair(t, answering(tt.status, tt.body), func(rw http.ResponseWriter, r *http.Request) {
				second.Add(1)
				answering(200, whole)(rw, r)
			}, alias.Route{}).start()
			a := w.chat(fast(false))
			if a.status != tt.wantStatus || second.Load() != 0 {
				t.Errorf("%d %s; second target called %d times", a.status, a.body, second.Load())
			}
			if tt.code == "" && a.body != tt.body {
				t.Errorf("the provider's body was changed: %s", a.body)
			}
			if tt.code != "" && a.code() != tt.code {
				t.Errorf("code %s, want %s", a.code(), tt.code)
			}
			if !strings.Contains(a.body, tt.mustMention) || strings.Contains(a.body, tt.mustNotMention) {
				t.Errorf("message: %s", a.body)
			}
			if r := w.log.last(t); r.Outcome != calllog.Failed || r.Status != tt.wantStatus || len(r.Attempts) != 1 || r.Attempts[0].Status != tt.status {
				t.Errorf("recorded %+v", r)
			}
		})
	}
}

func TestTheClientIsToldWhichCredentialWasRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		status         int
		body           string
		mustMention    string
		mustNotMention string
	}{
		{"unknown", 401, `{"error":{"message":"Incorrect API key provided: sk-provider-secret","code":"invalid_api_key"}}`, "main openai", "sk-provider"},
		{"forbidden", 403, `{"error":{"message":"no access","type":"permission_error"}}`, "virtual key is fine", "no access"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var calls atomic.Int32
			w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				answering(tt.status, tt.body)(rw, r)
			})
			w.start()
			a := w.chat(ask)
			if a.status != 502 || a.code() != "provider.credential_rejected" || calls.Load() != 1 {
				t.Errorf("%d %s after %d calls", a.status, a.body, calls.Load())
			}
			if !strings.Contains(a.body, tt.mustMention) || strings.Contains(a.body, tt.mustNotMention) {
				t.Errorf("message: %s", a.body)
			}
			if r := w.log.last(t); r.Outcome != calllog.Failed || r.Status != 502 || r.Attempts[0].Status != tt.status {
				t.Errorf("recorded %+v", r)
			}
		})
	}
}

func TestWhenAllTargetsFailTheLastRefusalIsRelayed(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	count := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { calls.Add(1); h(w, r) }
	}
	w := pair(t, count(answering(500, `{"error":{"message":"boom"}}`)),
		count(answering(429, limited, "Retry-After", "30", "X-Request-Id", "req_1")), alias.Route{Attempts: 3})
	w.cfg.RetryWaitMax = time.Second
	w.start()
	a := w.chat(fast(false))
	// Third attempt: the first target, whose wait is shortest.
	if calls.Load() != 3 || a.header.Get("x-tollgate-attempts") != "3" {
		t.Errorf("%d calls, header %s", calls.Load(), a.header.Get("x-tollgate-attempts"))
	}
	if a.status != 500 || a.body != `{"error":{"message":"boom"}}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	w2 := pair(t, answering(500, "{}"), answering(429, limited, "Retry-After", "30", "X-Request-Id", "req_1"), alias.Route{Attempts: 2}).start()
	a = w2.chat(fast(false))
	if a.status != 429 || a.body != limited || a.header.Get("Retry-After") != "30" || a.header.Get("X-Request-Id") != "req_1" {
		t.Errorf("%d %s %v", a.status, a.body, a.header)
	}
	if r := w2.log.last(t); r.Outcome != calllog.Failed || r.Price != calllog.NoCharge || r.Cost != 0 || r.ErrorCode != "provider.rate_limited" {
		t.Errorf("recorded %+v", r)
	}
}

func TestRetryAfterIsHonouredWhenItFitsAndNotWaitedForWhenItDoesNot(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after  string
		calls  int32
		status int
	}{"fits": {"1", 2, 200}, "does not": {"60", 1, 429}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			var first time.Time
			var gap atomic.Int64
			w := newWorld(t)
			w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
				if calls.Add(1) == 1 {
					first = time.Now()
					answering(429, limited, "Retry-After", tt.after)(rw, r)
					return
				}
				gap.Store(int64(time.Since(first)))
				answering(200, whole)(rw, r)
			})
			w.start()
			a := w.chat(ask)
			if a.status != tt.status || calls.Load() != tt.calls {
				t.Errorf("%d after %d calls", a.status, calls.Load())
			}
			if tt.calls == 2 && time.Duration(gap.Load()) < 990*time.Millisecond {
				t.Errorf("asked again after %v", time.Duration(gap.Load()))
			}
		})
	}
}

func TestOneDeadlineHoldsForAllAttempts(t *testing.T) {
	t.Parallel()
	w := pair(t, hanging, hanging, alias.Route{Timeout: 300 * time.Millisecond, Attempts: 5}).start()
	start := time.Now()
	a := w.chat(fast(false))
	if a.status != 504 || a.code() != "provider.timeout" || time.Since(start) > 5*time.Second {
		t.Errorf("%d %s after %v", a.status, a.body, time.Since(start))
	}
}

func TestARefusedConnectionIsABadGatewayThatNamesTheProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connectURL("openai", "http://127.0.0.1:1/v1")
	w.start()
	a := w.chat(ask)
	if a.status != 502 || a.code() != "provider.connection" || !strings.Contains(a.body, "OpenAI") {
		t.Errorf("%d %s", a.status, a.body)
	}
	w = newWorld(t)
	w.connectURL("openai", "http://10.1.2.3/v1")
	w.start()
	if a := w.chat(ask); a.status != 502 || !strings.Contains(a.body, "TOLLGATE_EGRESS_ALLOW") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAProviderSeesTheClientsBytesTheModelAndItsOwnCredential(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body string
	w := newWorld(t)
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r.Clone(r.Context()), string(b)
		answering(200, whole)(rw, r)
	})
	w.alias("fast", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}})
	w.start()
	w.chat(`{ "x_unknown": [1,2.50],  "model":"fast", "messages":[]}`, "X-Secret-Thing", "7", "Cookie", "c=1", "X-Forwarded-For", "1.2.3.4")
	if body != `{ "x_unknown": [1,2.50],  "model":"gpt-4o-mini", "messages":[]}` {
		t.Errorf("body %s", body)
	}
	if got.URL.Path != "/chat/completions" || got.Header.Get("Authorization") != "Bearer sk-provider-secret" {
		t.Errorf("%s %v", got.URL, got.Header)
	}
	for _, h := range []string{"X-Secret-Thing", "Cookie", "X-Forwarded-For", "Accept-Encoding"} {
		if got.Header.Get(h) != "" {
			t.Errorf("%s reached the provider", h)
		}
	}
}

func TestAnAnthropicClientIsServedWithItsHeaders(t *testing.T) {
	t.Parallel()
	const reply = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1000,"output_tokens":10}}`
	var got http.Header
	w := newWorld(t)
	w.connect("anthropic", func(rw http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		answering(200, reply, "Request-Id", "req_7")(rw, r)
	})
	w.start()
	for _, path := range []string{"/v1/messages", "/anthropic/v1/messages?beta=true"} {
		a := w.post(path, `{"model":"claude-haiku-4-5","max_tokens":9,"messages":[],"metadata":{"user_id":"u1"}}`, "Anthropic-Beta", "tools-1", "Anthropic-Version", "2023-06-01")
		if a.status != 200 || a.body != reply || a.header.Get("Request-Id") != "req_7" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		r := w.log.last(t)
		if r.EndUser != "u1" || len(r.Tags) != 0 || r.Dialect != "anthropic-messages" || r.Cost != 1_050_000 {
			t.Errorf("recorded %+v", r)
		}
		if got.Get("X-Api-Key") != "sk-provider-secret" || got.Get("Authorization") != "" || got.Get("Anthropic-Beta") != "tools-1" {
			t.Errorf("provider got %v", got)
		}
	}
	if a := w.post("/v1/messages", `{"model":"claude-nope","max_tokens":9,"messages":[]}`); a.status != 404 || !strings.Contains(a.body, `"type":"not_found_error"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAFullLogRefusesCallsBeforeAnyProviderIsAsked(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	w := newWorld(t)
	w.connect("openai", func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	w.log.sick = io.ErrShortWrite
	w.start()
	a := w.chat(ask)
	if a.status != 503 || a.code() != "log.unavailable" || a.header.Get("Retry-After") == "" || calls.Load() != 0 {
		t.Errorf("%d %s, %d calls", a.status, a.body, calls.Load())
	}
}

func TestAModelWithoutAPriceIsUnpricedAndNotFree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.start()
	a := w.chat(`{"model":"openai/brand-new","messages":[]}`)
	r := w.log.last(t)
	if a.status != 200 || a.header.Get("x-tollgate-cost-usd") != "" || r.Price != calllog.Unpriced || r.Usage.Units.InputTotal() != 1000 {
		t.Errorf("%d, cost %q, recorded %+v", a.status, a.header.Get("x-tollgate-cost-usd"), r)
	}
}

func TestATargetWhoseCredentialIsGoneIsPassedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.alias("fast", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "a", Credential: id.Credential("cred_gone")}, {Provider: "openai", Model: "gpt-4o-mini"}}})
	w.start()
	if a := w.chat(fast(false)); a.status != 200 || a.header.Get("x-tollgate-model") != "gpt-4o-mini" {
		t.Errorf("%d %s", a.status, a.body)
	}
}
