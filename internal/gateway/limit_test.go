package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/limit"
)

// rule adds a limit to the organization.
func (w *world) rule(l limit.Limit) *limit.Limit {
	l.ID = id.Limit(id.New("lim"))
	w.org.Limits = append(w.org.Limits, l)
	return &w.org.Limits[len(w.org.Limits)-1]
}

func perMinute(m limit.Metric, n int64) limit.Limit {
	return limit.Limit{Name: "steady", Metric: m, Amount: n, Per: time.Minute}
}

func TestALimitRefusesWhatComesTooSoonAndSaysWhen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole, "X-Ratelimit-Remaining-Requests", "4711", "X-Ratelimit-Limit-Images", "9"))
	l := w.rule(perMinute(limit.Requests, 2))
	w.start()
	for i := range 2 {
		a := w.chat(ask)
		if a.status != 200 || a.header.Get("X-Ratelimit-Limit-Requests") != "2" || a.header.Get("X-Ratelimit-Remaining-Requests") != strconv.Itoa(1-i) {
			t.Fatalf("call %d: %d %v", i, a.status, a.header)
		}
		if d, err := time.ParseDuration(a.header.Get("X-Ratelimit-Reset-Requests")); err != nil || d <= 0 || d > 63*time.Second {
			t.Errorf("reset %q", a.header.Get("X-Ratelimit-Reset-Requests"))
		}
		if got := a.header.Get("X-Ratelimit-Limit-Images"); got != "" {
			t.Errorf("the provider's own limits are told beside ours: %q", got)
		}
		if r := w.log.last(t); len(r.Checks) > 0 {
			t.Errorf("checks of a call that passed: %+v", r.Checks)
		}
	}
	a := w.chat(ask)
	if a.status != 429 || a.code() != "limit.exceeded" || a.header.Get("X-Ratelimit-Remaining-Requests") != "0" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	after, err := strconv.Atoi(a.header.Get("Retry-After"))
	ms, err2 := strconv.Atoi(a.header.Get("Retry-After-Ms"))
	if err != nil || err2 != nil || after < 1 || after > 63 || ms > after*1000 || ms <= (after-1)*1000 {
		t.Errorf("Retry-After %q, in milliseconds %q", a.header.Get("Retry-After"), a.header.Get("Retry-After-Ms"))
	}
	for _, part := range []string{`"steady\"`, "2 requests a minute", "Try again in ", string(l.ID)} {
		if !strings.Contains(strings.ReplaceAll(a.body, `\"steady`, `"steady`), part) {
			t.Errorf("the message does not say %q: %s", part, a.body)
		}
	}
	r := w.log.last(t)
	if r.Outcome != calllog.Refused || len(r.Attempts) > 0 || len(r.Checks) != 1 || r.Checks[0].By != string(l.ID) || r.Checks[0].Did != calllog.DidRefuse {
		t.Errorf("%+v", r)
	}
}

func TestAnthropicIsToldInItsOwnWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("anthropic", answering(200, `{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":5}}`))
	w.rule(perMinute(limit.Requests, 1))
	w.rule(perMinute(limit.Output, 1000))
	w.start()
	body := `{"model":"anthropic/claude-haiku-4-5","max_tokens":600,"messages":[{"role":"user","content":"hi"}]}`
	a := w.post("/v1/messages", body)
	h := a.header
	if a.status != 200 || h.Get("Anthropic-Ratelimit-Requests-Limit") != "1" || h.Get("Anthropic-Ratelimit-Output-Tokens-Remaining") != "400" || h.Get("X-Ratelimit-Limit-Requests") != "" {
		t.Fatalf("%d %s %v", a.status, a.body, h)
	}
	if at, err := time.Parse(time.RFC3339, h.Get("Anthropic-Ratelimit-Requests-Reset")); err != nil || time.Until(at) <= 0 || time.Until(at) > 64*time.Second {
		t.Errorf("reset %q", h.Get("Anthropic-Ratelimit-Requests-Reset"))
	}
	a = w.post("/v1/messages", body)
	if a.status != 429 || !strings.Contains(a.body, "rate_limit_error") || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestTokensAreHeldAndThenCorrected: a call holds what it may take, and afterwards what it took.
func TestTokensAreHeldAndThenCorrected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := make(chan struct{})
	going := make(chan struct{})
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-going
		answering(200, whole)(rw, r) // 1000 in, 10 out
	})
	w.rule(limit.Limit{Name: "tpm", Metric: limit.Tokens, Amount: 6000, Per: 24 * time.Hour})
	w.start()
	capped := `{"model":"gpt-4o-mini","max_tokens":5000,"messages":[{"role":"user","content":"hi"}]}`
	first := make(chan answer)
	go func() { first <- w.chat(capped) }()
	<-asked
	a := w.chat(capped)
	if a.status != 429 || a.code() != "limit.exceeded" || !strings.Contains(a.body, "5,000 out by its own cap") {
		t.Fatalf("while the first may take 5,000: %d %s", a.status, a.body)
	}
	close(going)
	if a := <-first; a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	go func() { <-asked }()
	a = w.chat(`{"model":"gpt-4o-mini","max_tokens":4900,"messages":[{"role":"user","content":"hi"}]}`)
	if a.status != 200 {
		t.Errorf("when it has taken 1,010: %d %s", a.status, a.body)
	}
	a = w.chat(`{"model":"gpt-4o-mini","max_tokens":7000,"messages":[{"role":"user","content":"hi"}]}`)
	if a.status != 429 || a.code() != "limit.too_large" || a.header.Get("X-Should-Retry") != "false" || a.header.Get("Retry-After") != "" {
		t.Errorf("more than the limit ever allows: %d %v %s", a.status, a.header, a.body)
	}
}

// TestAPictureIsNoText: its bytes are not taken for tokens of a prompt.
func TestAPictureIsNoText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.rule(perMinute(limit.Tokens, 10_000))
	w.start()
	body := `{"model":"gpt-4o-mini","max_tokens":10,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` +
		strings.Repeat("iVBORw0KGgo", 30_000) + `"}}]}]}`
	if a := w.chat(body); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestAPlaceIsGivenBackHoweverTheCallEnds.
func TestAPlaceIsGivenBackHoweverTheCallEnds(t *testing.T) {
	t.Parallel()
	for name, provider := range map[string]http.HandlerFunc{
		"an answer": answering(200, whole), "a stream": streaming(roleChunk, helloChunk, finishChunk, usageChunk, doneChunk),
		"a refusal": answering(400, `{"error":{"message":"no"}}`), "a failure": answering(500, `{}`), "a stream that breaks": resetting(roleChunk, helloChunk),
		"an answer that breaks": resetting(`{"id":`), "an error inside a stream": streaming(errorChunk),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.connect("openai", provider)
			w.rule(limit.Limit{Name: "one at a time", Metric: limit.Concurrency, Amount: 1})
			w.rule(limit.Limit{Name: "one at a time there", Metric: limit.Concurrency, Amount: 1, Each: dimension.Provider})
			w.start()
			for range 3 {
				body := ask
				if strings.Contains(name, "stream") {
					body = askStream
				}
				if a := w.chat(body); a.status == 429 {
					t.Fatalf("the place is still taken: %s", a.body)
				}
				w.log.last(t)
			}
		})
	}
}

func TestAClientThatLeavesGivesItsPlaceBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", streaming(roleChunk, helloChunk, pause, pause, pause, finishChunk, usageChunk, doneChunk))
	w.rule(limit.Limit{Name: "one at a time", Metric: limit.Concurrency, Amount: 1})
	w.start()
	ctx, leave := context.WithCancel(t.Context())
	r := w.request("/v1/chat/completions", askStream).WithContext(ctx)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if a := w.chat(ask); a.status != 429 || !strings.Contains(a.body, "under way") {
		t.Fatalf("two at once: %d %s", a.status, a.body)
	}
	w.log.last(t)
	leave()
	_ = resp.Body.Close()
	w.log.last(t)
	if a := w.chat(askStream); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestALimitOnAModelSendsTheCallToTheNext, and refuses it where there is none.
func TestALimitOnAModelSendsTheCallToTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.alias("fast", alias.Route{
		Targets:   []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}},
		Fallbacks: []alias.Fallback{{Target: alias.Target{Provider: "sandbox", Model: "echo-mini"}}},
	})
	l := w.rule(limit.Limit{
		Name: "mini", Metric: limit.Requests, Amount: 1, Per: time.Minute,
		Selector: dimension.Selector{{Dimension: dimension.Model, Value: "openai/gpt-4o-mini"}},
	})
	w.start()
	body := `{"model":"fast","messages":[{"role":"user","content":"hi"}]}`
	for i, want := range []string{"openai", "sandbox", "sandbox"} {
		a := w.chat(body)
		if a.status != 200 || a.header.Get("X-Tollgate-Provider") != want {
			t.Fatalf("call %d: %d from %s: %s", i, a.status, a.header.Get("X-Tollgate-Provider"), a.body)
		}
		r := w.log.last(t)
		if i > 0 && (len(r.Checks) != 1 || r.Checks[0].By != string(l.ID) || r.Checks[0].Did != calllog.DidMove) {
			t.Errorf("%+v", r.Checks)
		}
	}
	a := w.chat(`{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}`)
	if a.status != 429 || a.code() != "limit.exceeded" || a.header.Get("Retry-After") == "" {
		t.Errorf("with nowhere else to go: %d %s", a.status, a.body)
	}
	if r := w.log.last(t); len(r.Checks) != 1 || r.Checks[0].Did != calllog.DidRefuse {
		t.Errorf("%+v", r.Checks)
	}
}

func TestALimitThatWatchesOnlySays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	l := perMinute(limit.Requests, 1)
	l.Watch = true
	w.rule(l)
	w.start()
	for i := range 3 {
		if a := w.chat(ask); a.status != 200 || a.header.Get("X-Ratelimit-Limit-Requests") != "" {
			t.Fatalf("%d %v", a.status, a.header)
		}
		r := w.log.last(t)
		if want := min(i, 1); len(r.Checks) != want || want == 1 && r.Checks[0].Did != calllog.WouldRefuse {
			t.Errorf("call %d: %+v", i, r.Checks)
		}
	}
}

// TestEachEndUserHasTheAmount, and is not named in the log where the key keeps nothing.
func TestEachEndUserHasTheAmount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.key.Privacy = keyPrivacy("none")
	w.connect("openai", answering(200, whole))
	l := perMinute(limit.Requests, 1)
	l.Each = dimension.EndUser
	w.rule(l)
	w.start()
	as := func(user string) answer {
		return w.chat(fmt.Sprintf(`{"model":"gpt-4o-mini","user":%q,"messages":[{"role":"user","content":"hi"}]}`, user))
	}
	for _, user := range []string{"ada", "bob"} {
		if a := as(user); a.status != 200 {
			t.Fatalf("%s: %d %s", user, a.status, a.body)
		}
		w.log.last(t)
	}
	if a := as("ada"); a.status != 429 {
		t.Errorf("ada again: %d", a.status)
	}
	if r := w.log.last(t); len(r.Checks) != 1 || r.Checks[0].Subject != "" {
		t.Errorf("%+v", r.Checks)
	}
}

// TestTokensOfAModelAreCorrectedToo: what an attempt has used stays counted on its model's limit.
func TestTokensOfAModelAreCorrectedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole)) // 1000 in, 10 out
	w.rule(limit.Limit{Name: "mini tpd", Metric: limit.Tokens, Amount: 2000, Per: 24 * time.Hour, Each: dimension.Model})
	w.start()
	for _, tt := range []struct {
		tokens, status int
	}{{1900, 200}, {1500, 429}, {900, 200}} {
		a := w.chat(fmt.Sprintf(`{"model":"gpt-4o-mini","max_tokens":%d,"messages":[{"role":"user","content":"hi"}]}`, tt.tokens))
		if a.status != tt.status {
			t.Errorf("a call of %d tokens: %d %s", tt.tokens, a.status, a.body)
		}
	}
}
