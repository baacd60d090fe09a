package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/condition"
	"tollgate/internal/calllog"
	"tollgate/internal/key"
	"tollgate/internal/snapshot"
)

// remembering is a world whose alias "fast" keeps answers for a minute; the provider numbers its answers.
func remembering(t *testing.T) (*world, *atomic.Int32) {
	w := newWorld(t)
	var asked atomic.Int32
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n := asked.Add(1)
		if strings.Contains(string(body), `"stream":true`) {
			streaming(roleChunk, strings.ReplaceAll(helloChunk, "Hello", fmt.Sprintf("Hello %d", n)), finishChunk, usageChunk, doneChunk)(rw, r)
			return
		}
		answering(200, strings.ReplaceAll(whole, "Hello", fmt.Sprintf("Hello %d", n)))(rw, r)
	})
	w.alias("fast", alias.Route{
		Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}},
		Cache:   alias.Cache{Mode: alias.CacheExact, TTL: time.Minute},
	})
	return w, &asked
}

func saying(text string, more ...string) string {
	return `{"model":"fast",` + strings.Join(append(more, ""), ",") + `"messages":[{"role":"user","content":"` + text + `"}]}`
}

func TestTheSameCallIsAnsweredFromMemory(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"", `"stream":true`} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			w, asked := remembering(t)
			w.start()
			body := saying("hi", `"temperature":0`)
			if stream != "" {
				body = saying("hi", stream)
			}
			first := w.chat(body)
			w.log.last(t)
			again := w.chat(strings.Replace(body, `"messages"`, `"user":"somebody else","messages"`, 1))
			if first.status != 200 || again.status != 200 || first.body != again.body || !strings.Contains(again.body, "Hello 1") || asked.Load() != 1 {
				t.Fatalf("%d %q\nthen %d %q; asked %d times", first.status, first.body, again.status, again.body, asked.Load())
			}
			for _, h := range []string{"Content-Type", "X-Tollgate-Alias"} {
				if first.header.Get(h) != again.header.Get(h) {
					t.Errorf("%s was %q, is %q", h, first.header.Get(h), again.header.Get(h))
				}
			}
			if first.header.Get("x-tollgate-cache") != "miss" || again.header.Get("x-tollgate-cache") != "hit" || again.header.Get("x-tollgate-attempts") != "0" {
				t.Errorf("headers %v, then %v", first.header, again.header)
			}
			r := w.log.last(t)
			if r.Outcome != calllog.OK || len(r.Attempts) != 0 || r.Cost != 0 || r.Price != calllog.NoCharge || r.EndUser != "somebody else" || r.Finish != "stop" {
				t.Errorf("recorded %+v", r)
			}
			if r.Decision == nil || len(r.Decision.Notes) != 1 || !strings.Contains(r.Decision.Notes[0], "openai/gpt-4o-mini") {
				t.Errorf("the trace says %+v", r.Decision)
			}
		})
	}
}

func TestAnotherCallIsNotAnsweredFromMemory(t *testing.T) {
	t.Parallel()
	base := saying("hi", `"temperature":0`)
	tests := []struct {
		name  string
		again func(w *world) answer
	}{
		{"another text", func(w *world) answer { return w.chat(saying("hello", `"temperature":0`)) }},
		{"another parameter", func(w *world) answer { return w.chat(saying("hi", `"temperature":1`)) }},
		{"a stream of it", func(w *world) answer { return w.chat(saying("hi", `"temperature":0`, `"stream":true`)) }},
		{"another endpoint", func(w *world) answer { return w.post("/v1/responses", `{"model":"fast","input":"hi"}`) }},
		{"a call that wants no memory", func(w *world) answer { return w.chat(base, "X-Tollgate-Cache", "no-store") }},
		{"a call that wants a fresh answer", func(w *world) answer { return w.chat(base, "X-Tollgate-Cache", "no-cache") }},
		{"the model by its own name", func(w *world) answer { return w.chat(strings.Replace(base, "fast", "gpt-4o-mini", 1)) }},
		{"another alias of the same model", func(w *world) answer { return w.chat(strings.Replace(base, "fast", "faster", 1)) }},
		{"a key of another team", func(w *world) answer { return w.chat(base, "Authorization", "Bearer "+w.other) }},
		{"a key of another organization", func(w *world) answer { return w.chat(base, "Authorization", "Bearer "+w.stranger) }},
		{"a key that lets unsupported fields go", func(w *world) answer { return w.chat(base, "Authorization", "Bearer "+w.loose) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, asked := remembering(t)
			w.alias("faster", w.org.Aliases["fast"].Route)
			w.strangers()
			w.start()
			if a := w.chat(base); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if a := tt.again(w); a.header.Get("x-tollgate-cache") == "hit" || asked.Load() < 2 {
				t.Errorf("%d %s, %d calls reached the provider", a.status, a.body, asked.Load())
			}
		})
	}
}

// strangers adds keys that share nothing of what was kept for the first: of another team, of another organization with the same
// alias, model and provider, and one with other rules.
func (w *world) strangers() {
	var k *snapshot.Key
	k, w.other = w.addKey(key.Production)
	k.Team = "team_2"
	k, w.loose = w.addKey(key.Production)
	k.DropUnsupported = true
	k, w.stranger = w.addKey(key.Production)
	twin := *w.org
	twin.ID = "org_2"
	k.Org = &twin
	w.also = append(w.also, &twin)
}

func TestWhatMustNotBeGivenAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		first  http.HandlerFunc
		stream bool
	}{
		{"an error", answering(500, `{"error":{"message":"boom"}}`), false},
		{"a refusal of the call", answering(400, `{"error":{"message":"bad","type":"invalid_request_error"}}`), false},
		{"a stream that broke off", resetting(roleChunk, helloChunk, pause), true},
		{"a stream that erred", streaming(roleChunk, helloChunk, pause, errorChunk), true},
		{"an answer of more than a megabyte", answering(200, strings.Replace(whole, "Hello", strings.Repeat("word ", 250_000), 1)), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var asked atomic.Int32
			w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				tt.first(rw, r)
			})
			w.alias("fast", alias.Route{
				Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}, Attempts: 1,
				Cache: alias.Cache{Mode: alias.CacheExact, TTL: time.Minute},
			})
			w.start()
			body := saying("hi")
			if tt.stream {
				body = saying("hi", `"stream":true`)
			}
			for range 2 {
				if a := w.chat(body); a.header.Get("x-tollgate-cache") == "hit" {
					t.Errorf("%d %.200s", a.status, a.body)
				}
			}
			if asked.Load() != 2 {
				t.Errorf("the provider was asked %d times", asked.Load())
			}
		})
	}
}

func TestAKeptAnswerGrowsOld(t *testing.T) {
	t.Parallel()
	w, asked := remembering(t)
	var ahead atomic.Int64
	w.moment = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	w.start()
	for i, want := range []int32{1, 1, 2} {
		if i == 2 {
			ahead.Store(int64(time.Minute))
		}
		w.chat(saying("hi"))
		if asked.Load() != want {
			t.Errorf("call %d: the provider was asked %d times, want %d", i+1, asked.Load(), want)
		}
	}
}

func TestANewVersionOfAnAliasAnswersAnew(t *testing.T) {
	t.Parallel()
	w, asked := remembering(t)
	w.start()
	w.chat(saying("hi"))
	w.org.Aliases["fast"].Version++
	if a := w.chat(saying("hi")); a.header.Get("x-tollgate-cache") != "miss" || asked.Load() != 2 {
		t.Errorf("%v, the provider was asked %d times", a.header, asked.Load())
	}
}

func TestAnAliasThatKeepsNothingSaysNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.start()
	if a := w.chat(ask); a.header["X-Tollgate-Cache"] != nil {
		t.Errorf("headers %v", a.header)
	}
}

// A rule may give one key of a team a better model than another one.
func TestAKeyForWhichAnotherRuleHoldsIsNotAnsweredFromMemory(t *testing.T) {
	t.Parallel()
	w, asked := remembering(t)
	rule, err := condition.Compile(`environment == "staging"`)
	if err != nil {
		t.Fatal(err)
	}
	a := w.org.Aliases["fast"]
	a.Route.Rules = []alias.Rule{{If: `environment == "staging"`, Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o"}}}}
	a.Rules = []*condition.Program{rule}
	k, staging := w.addKey("staging")
	k.Team = w.key.Team
	w.start()
	w.chat(saying("hi"))
	if got := w.chat(saying("hi"), "Authorization", "Bearer "+staging); got.header.Get("x-tollgate-cache") != "miss" || got.header.Get("x-tollgate-model") != "gpt-4o" || asked.Load() != 2 {
		t.Errorf("%d %v, the provider was asked %d times", got.status, got.header, asked.Load())
	}
}
