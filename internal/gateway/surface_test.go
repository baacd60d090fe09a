package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/key"
	"tollgate/internal/price"
)

// everyPath are the paths of model calls, each with the shape of its errors: "openai", "anthropic", "gemini" or "cohere".
var everyPath = map[string]string{
	"/v1/chat/completions": "openai", "/chat/completions": "openai", "/cursor/chat/completions": "openai", "/cursor/v1/chat/completions": "openai",
	"/v1/completions": "openai", "/v1/responses": "openai", "/v1/responses/input_tokens": "openai", "/v1/embeddings": "openai",
	"/v1/images/generations": "openai", "/v1/images/edits": "openai", "/v1/audio/speech": "openai",
	"/v1/audio/transcriptions": "openai", "/v1/audio/translations": "openai", "/v1/moderations": "openai", "/v1/files": "openai",
	"/v1/rerank": "cohere", "/v2/rerank": "cohere", "/rerank": "cohere",
	"/v1/messages": "anthropic", "/anthropic/v1/messages": "anthropic",
	"/v1/messages/count_tokens": "anthropic", "/anthropic/v1/messages/count_tokens": "anthropic",
	"/v1beta/models/m:generateContent": "gemini", "/gemini/v1beta/models/m:streamGenerateContent?alt=sse": "gemini",
	"/gemini/v1/models/a/b:streamGenerateContent": "gemini", "/v1/models/m:generateContent": "gemini",
	"/v1beta/models/m:countTokens": "gemini", "/v1beta/models/m:embedContent": "gemini", "/v1beta/models/m:batchEmbedContents": "gemini",
}

// said reports whether an error body has the shape of a dialect, and gives its message.
func said(shape, body string) (string, bool) {
	var b struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Error   struct {
			Message, Type, Status string
			Code                  any
		} `json:"error"`
	}
	if json.Unmarshal([]byte(body), &b) != nil {
		return "", false
	}
	code, isNumber := b.Error.Code.(float64)
	switch shape {
	case "openai":
		_, text := b.Error.Code.(string)
		return b.Error.Message, text && b.Error.Type != ""
	case "anthropic":
		return b.Error.Message, b.Type == "error" && b.Error.Type != ""
	case "gemini":
		return b.Error.Message, isNumber && code >= 400 && b.Error.Status != ""
	case "cohere":
		return b.Message, b.Message != ""
	}
	return "", false
}

func TestEveryPathRefusesAnUnknownKeyInItsDialectAndAWrongMethod(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	for path, shape := range everyPath {
		req := w.request(path, "{}")
		req.Header.Set("Authorization", "Bearer "+key.NewSecret("production").Reveal())
		a := w.send(req)
		message, ok := said(shape, a.body)
		if a.status != 401 || !ok || message == "" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		if id := a.header.Get("X-Tollgate-Call-Id"); id == "" || !strings.Contains(a.body, id) {
			t.Errorf("%s: the error does not say its call: %s", path, a.body)
		}
		put := w.request(path, "{}")
		put.Method = http.MethodPut
		if a := w.send(put); a.status != 405 {
			t.Errorf("PUT %s: %d %s", path, a.status, a.body)
		}
	}
	if w.log.intended() != 0 {
		t.Error("a provider was called")
	}
}

func TestEveryPathTakesTheKeyInEveryHeaderAndTheQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	for path := range everyPath {
		for _, header := range []string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", ""} {
			req := w.request(path, `{"model":"none"}`)
			req.Header.Del("Authorization")
			switch header {
			case "":
				q := req.URL.Query()
				q.Set("key", w.secret)
				req.URL.RawQuery = q.Encode()
			case "Authorization":
				req.Header.Set(header, "Bearer "+w.secret)
			default:
				req.Header.Set(header, w.secret)
			}
			if a := w.send(req); a.status == 401 {
				t.Errorf("%s with the key in %q: %d %s", path, header, a.status, a.body)
			}
		}
	}
}

// asks are one question on each chat surface, whole and streamed.
func asks(model string) map[string][2]string {
	return map[string][2]string{
		"/v1/chat/completions": {
			`{"model":"` + model + `","messages":[{"role":"user","content":"hi"}]}`,
			`{"model":"` + model + `","stream":true,"messages":[{"role":"user","content":"hi"}]}`,
		},
		"/v1/completions": {`{"model":"` + model + `","prompt":"hi"}`, `{"model":"` + model + `","prompt":"hi","stream":true}`},
		"/v1/responses":   {`{"model":"` + model + `","input":"hi"}`, `{"model":"` + model + `","input":"hi","stream":true}`},
		"/v1/messages": {
			`{"model":"` + model + `","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`,
			`{"model":"` + model + `","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}`,
		},
		"/v1beta/models/" + model: {`{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`, `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`},
	}
}

func TestEveryChatSurfaceReachesAProviderOfAnotherDialect(t *testing.T) {
	t.Parallel()
	for path, bodies := range asks("gpt-4o-mini") {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/responses" || r.URL.Path == "/completions" {
					http.Error(rw, `{"error":{"message":"translate, please"}}`, http.StatusTeapot)
					return
				}
				var q struct{ Stream bool }
				_ = json.NewDecoder(r.Body).Decode(&q)
				if q.Stream {
					streaming(roleChunk, helloChunk, finishChunk, usageChunk, doneChunk)(rw, r)
					return
				}
				answering(200, whole)(rw, r)
			})
			w.start()
			if path == "/v1/responses" || path == "/v1/completions" { // OpenAI speaks these itself: bytes pass
				if a := w.post(path, bodies[0]); a.status != http.StatusTeapot {
					t.Fatalf("%d %s", a.status, a.body)
				}
				return
			}
			wholePath, streamPath := path, path
			if strings.HasPrefix(path, "/v1beta/") {
				wholePath, streamPath = path+":generateContent", path+":streamGenerateContent?alt=sse"
			}
			a := w.post(wholePath, bodies[0])
			if a.status != 200 || !strings.Contains(a.body, "Hello.") {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if r := w.log.last(t); r.Outcome != calllog.OK || r.Usage.Units[chat.CacheRead] != 200 || r.Cost == 0 {
				t.Errorf("%+v", r)
			}
			a = w.post(streamPath, bodies[1])
			if a.status != 200 || !strings.Contains(a.body, "Hello") || !strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream") {
				t.Fatalf("%d %s %s", a.status, a.header.Get("Content-Type"), a.body)
			}
			if r := w.log.last(t); r.Outcome != calllog.OK || r.Usage.Units[chat.Input] != 1000 || !r.Stream {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestGeminiWithoutEventsIsOneArray(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", streaming(roleChunk, helloChunk, finishChunk, usageChunk, doneChunk))
	w.start()
	a := w.post("/v1beta/models/gpt-4o-mini:streamGenerateContent", `{"contents":[{"parts":[{"text":"hi"}]}]}`)
	var list []map[string]any
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list) == 0 || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
		t.Fatalf("%d %s %v %s", a.status, a.header.Get("Content-Type"), err, a.body)
	}
}

func TestAResponsesBodyOnTheChatSurfaceIsAnsweredAsChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.start()
	a := w.chat(`{"model":"gpt-4o-mini","input":[{"role":"user","content":"hi"}],"instructions":"be brief"}`)
	if a.status != 200 || !strings.Contains(a.body, `"choices"`) || !strings.Contains(a.body, "Hello.") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if r := w.log.last(t); r.Dialect != "openai-cursor" {
		t.Errorf("recorded as %s", r.Dialect)
	}
}

func TestTokensAreCountedHereWhereTheProviderCannot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("groq", answering(500, `{}`))
	w.start()
	a := w.post("/v1/messages/count_tokens", `{"model":"groq/llama-3.1-8b-instant","messages":[{"role":"user","content":"`+strings.Repeat("word ", 100)+`"}]}`)
	var got struct {
		Input int64 `json:"input_tokens"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 || got.Input < 100 || got.Input > 300 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if warning := a.header.Get("X-Tollgate-Warning"); !strings.Contains(warning, "estimated") {
		t.Errorf("the estimate does not say so: %q", warning)
	}
	r := w.log.last(t)
	if w.log.intended() != 0 || r.Cost != 0 || r.Outcome != calllog.OK || len(r.Warnings) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestWhatATargetCannotSayIsRefusedByNameOrDroppedWithAWarning(t *testing.T) {
	t.Parallel()
	const body = `{"model":"anthropic/claude-haiku-4-5","logit_bias":{"1":5},"messages":[{"role":"user","content":"hi"}]}`
	const message = `{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":2}}`
	w := newWorld(t)
	w.connect("anthropic", answering(200, message))
	w.start()
	a := w.chat(body)
	if a.status != 400 || a.code() != "request.unsupported_field" || !strings.Contains(a.body, "logit_bias") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	lax := newWorld(t)
	lax.connect("anthropic", answering(200, message))
	lax.key.DropUnsupported = true
	lax.start()
	a = lax.chat(body)
	if a.status != 200 || !strings.Contains(a.header.Get("X-Tollgate-Warning"), "logit_bias") {
		t.Fatalf("%d %s %q", a.status, a.body, a.header.Get("X-Tollgate-Warning"))
	}
	if r := lax.log.last(t); len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "logit_bias") {
		t.Errorf("recorded %q", r.Warnings)
	}
}

func TestAnOptInFlagGoesToItsMakerAndNotToAnotherCloud(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got http.Header
	w.connect("anthropic", func(rw http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		answering(200, `{"id":"m","type":"message","role":"assistant","content":[],"model":"c","stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`)(rw, r)
	})
	w.start()
	a := w.post("/v1/messages", `{"model":"claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`, "Anthropic-Beta", "brand-new-2099-01-01, context-1m-2025-08-07")
	if a.status != 200 || !strings.Contains(got.Get("Anthropic-Beta"), "brand-new-2099-01-01") || a.header.Get("X-Tollgate-Warning") != "" {
		t.Errorf("%d, the maker got %q, warned %q", a.status, got.Get("Anthropic-Beta"), a.header.Get("X-Tollgate-Warning"))
	}
}

func TestTheProvidersOwnFigureIsKeptBesideOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openrouter", answering(200, strings.Replace(whole, `"total_tokens":1010`, `"total_tokens":1010,"cost":0.0000123456789`, 1)))
	w.priced(price.Record{Provider: "openrouter", Model: "x/y", Rates: price.Rates{}.Set(chat.Input, 1_000_000).Set(chat.Output, 1_000_000).Set(chat.CacheRead, 0)})
	w.start()
	if a := w.chat(`{"model":"openrouter/x/y","messages":[{"role":"user","content":"hi"}]}`); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	r := w.log.last(t)
	if r.ProviderCost == nil || *r.ProviderCost != 12346 || r.Cost != 810_000 {
		t.Errorf("provider says %v, we say %d", r.ProviderCost, r.Cost)
	}
}

func TestTheModelListHasEveryClientsShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.start()
	get := func(path string, headers ...string) string {
		r := w.request(path, "", headers...)
		r.Method = http.MethodGet
		a := w.send(r)
		if a.status != 200 {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		return a.body
	}
	for path, want := range map[string]string{
		"/v1/models": `"object":"list"`, "/v1/models/gpt-4o-mini": `"object":"model"`, "/v1beta/models": `"models":[`,
		"/gemini/v1beta/models": `"name":"models/openai/gpt-4o-mini"`, "/v1beta/models/gpt-4o-mini": `"name":"models/gpt-4o-mini"`,
		"/anthropic/v1/models": `"has_more":false`, "/anthropic/v1/models/openai/gpt-4o-mini": `"type":"model"`,
	} {
		if body := get(path); !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
	}
	body := get("/v1/models", "Anthropic-Version", "2023-06-01")
	if !strings.Contains(body, `"has_more"`) || !strings.Contains(body, `"id":"claude/openai/gpt-4o-mini"`) || strings.Contains(body, `claude/anthropic`) {
		t.Error(body)
	}
	if a := w.post("/v1/messages", `{"model":"claude/openai/gpt-4o-mini","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`); a.status != 200 {
		t.Errorf("a twin leads nowhere: %d %s", a.status, a.body)
	}
}

func TestGooglesClientsGetTheirListAtEveryPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.start()
	for _, path := range []string{"/v1/models", "/v1/models/gpt-4o-mini"} {
		r := w.request(path, "")
		r.Method = http.MethodGet
		r.Header.Del("Authorization")
		r.Header.Set("X-Goog-Api-Key", w.secret)
		if a := w.send(r); a.status != 200 || !strings.Contains(a.body, `gpt-4o-mini","displayName"`) || !strings.Contains(a.body, `"generateContent"`) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}
