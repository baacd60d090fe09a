package gateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
)

const (
	claudeWhole = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1000,"output_tokens":10}}`

	claudeStart = "event: message_start\ndata: " + `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1000,"output_tokens":1}}}` + "\n\n" +
		"event: content_block_start\ndata: " + `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n"
	claudeHello = "event: content_block_delta\ndata: " + `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello."}}` + "\n\n"
	claudeEnd   = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n" +
		"event: message_delta\ndata: " + `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":10}}` + "\n\n" +
		"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
	claudeOverloaded = "event: error\ndata: " + `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}` + "\n\n"
)

// mixed makes an alias whose first target is Anthropic and whose fallback is OpenAI.
func mixed(t *testing.T, first, second http.HandlerFunc) *world {
	w := newWorld(t)
	w.connect("anthropic", first)
	w.connect("openai", second)
	w.alias("fast", alias.Route{Targets: []alias.Target{
		{Provider: "anthropic", Model: "claude-haiku-4-5"}, {Provider: "openai", Model: "gpt-4o-mini"},
	}})
	return w
}

func TestAnOpenAIClientIsAnsweredByAnthropicWithTheCostInTheBody(t *testing.T) {
	t.Parallel()
	var sent string
	w := mixed(t, func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		sent = r.URL.Path + " " + string(b)
		answering(200, claudeWhole)(rw, r)
	}, answering(500, "{}")).start()
	a := w.chat(fast(false))
	var got struct {
		Object  string
		Choices []struct {
			Message      struct{ Content string }
			FinishReason string `json:"finish_reason"`
		}
		Usage struct {
			Prompt int         `json:"prompt_tokens"`
			Cost   json.Number `json:"cost"`
		}
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	if got.Object != "chat.completion" || got.Choices[0].Message.Content != "Hello." || got.Choices[0].FinishReason != "stop" ||
		got.Usage.Prompt != 1000 || got.Usage.Cost != "0.00105" {
		t.Errorf("%+v", got)
	}
	if !strings.HasPrefix(sent, "/messages ") || !strings.Contains(sent, `"claude-haiku-4-5"`) {
		t.Errorf("sent %s", sent)
	}
	if r := w.log.last(t); r.Cost != 1_050_000 || a.header.Get("x-tollgate-cost-usd") != "0.00105" {
		t.Errorf("recorded %d, header %s", r.Cost, a.header.Get("x-tollgate-cost-usd"))
	}
}

func TestATranslatedStreamEndsLikeOneOfTheClientsDialect(t *testing.T) {
	t.Parallel()
	w := mixed(t, streaming(claudeStart, claudeHello, pause, claudeEnd), answering(500, "{}")).start()
	a := w.chat(`{"model":"fast","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}`)
	if a.status != 200 || !strings.Contains(a.body, `"content":"Hello."`) || !strings.HasSuffix(a.body, "data: [DONE]\n\n") || !strings.Contains(a.body, `"cost":0.00105`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if r := w.log.last(t); r.Cost != 1_050_000 || r.Outcome != calllog.OK || r.Finish != "stop" || r.Attempts[0].UpstreamID != "msg_1" {
		t.Errorf("recorded %+v", r)
	}
}

func TestFallbackCrossesDialects(t *testing.T) {
	t.Parallel()
	overloaded := `{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`
	for name, first := range map[string]http.HandlerFunc{
		"429":                  answering(429, overloaded),
		"an error first event": streaming(claudeOverloaded),
		"an error after start": streaming(claudeStart, claudeOverloaded),
		"a cut before content": streaming(claudeStart),
		"garbage":              streaming("banana\n\nbanana\n\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := mixed(t, first, streaming(roleChunk, helloChunk, finishChunk, usageChunk, doneChunk)).start()
			a := w.chat(fast(true))
			if a.status != 200 || a.body != roleChunk+helloChunk+finishChunk+doneChunk || a.header.Get("x-tollgate-provider") != "openai" {
				t.Errorf("%d %s", a.status, a.body)
			}
			if r := w.log.last(t); len(r.Attempts) != 2 || r.Outcome != calllog.OK {
				t.Errorf("recorded %+v", r)
			}
		})
	}
}

func TestATranslatedStreamThatBreaksTellsSoInTheClientsDialect(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]http.HandlerFunc{
		"error event": streaming(claudeStart, claudeHello, pause, claudeOverloaded),
		"cut":         streaming(claudeStart, claudeHello, pause),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := mixed(t, first, answering(500, "{}")).start()
			a := w.chat(fast(true))
			if !strings.Contains(a.body, `"content":"Hello."`) || strings.Count(a.body, `data: {"error":`) != 1 || strings.Contains(a.body, "[DONE]") {
				t.Errorf("%s", a.body)
			}
			if r := w.log.last(t); r.Outcome != calllog.Broken || !r.Estimated || r.Usage.Units.InputTotal() != 1000 {
				t.Errorf("recorded %+v", r)
			}
		})
	}
}

func TestAFailureOfAnotherDialectIsToldInTheClients(t *testing.T) {
	t.Parallel()
	w := mixed(t, answering(400, `{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens is too big"}}`), answering(200, whole)).start()
	a := w.chat(fast(false))
	if a.status != 400 || a.code() != "provider.invalid_request" || !strings.Contains(a.body, "max_tokens is too big") ||
		!strings.Contains(a.body, `"provider":"anthropic"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestWhatATargetCannotExpressIsSaidOrPassedOver(t *testing.T) {
	t.Parallel()
	w := mixed(t, answering(200, claudeWhole), answering(200, whole))
	w.alias("claude", alias.Route{Targets: []alias.Target{{Provider: "anthropic", Model: "claude-haiku-4-5"}}})
	w.start()
	body := `{"model":"claude","n":3,"messages":[{"role":"user","content":"hi"}]}`
	if a := w.chat(body); a.status != 400 || a.code() != "request.unsupported_field" || !strings.Contains(a.body, `"param":"n"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if r := w.log.last(t); r.Outcome != calllog.Refused || w.log.intended() != 0 {
		t.Errorf("recorded %+v", r)
	}
	// The fallback can say it.
	if a := w.chat(strings.Replace(body, "claude", "fast", 1)); a.status != 200 || a.header.Get("x-tollgate-provider") != "openai" {
		t.Errorf("%d %s", a.status, a.body)
	}
}
