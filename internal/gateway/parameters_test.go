package gateway_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/alias"
)

func of[T any](v T) *T { return &v }

// The parameters of the tests.
var (
	capped   = alias.Parameters{Caps: alias.Settings{MaxTokens: of(int64(100)), Temperature: of(0.5)}}
	defaults = alias.Parameters{Defaults: alias.Settings{MaxTokens: of(int64(64)), Temperature: of(0.2), TopP: of(0.9), Effort: "high"}}
	forced   = alias.Parameters{Overrides: alias.Settings{MaxTokens: of(int64(32)), Temperature: of(0.0), Effort: "low"}}
)

func TestARoutesParametersChangeTheCallInItsOwnDialect(t *testing.T) {
	t.Parallel()
	const claude = `{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`
	const google = `{"candidates":[{"content":{"role":"model","parts":[{"text":"Hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2}}`
	tests := []struct {
		name, vendor, model, path string
		p                         alias.Parameters
		body, want                string
	}{
		{
			"a cap lowers, and bounds what is not said", "openai", "gpt-4o", "/v1/chat/completions", capped,
			`{"model":"x","temperature":0.9,"messages":[]}`, `{"max_completion_tokens":100,"model":"gpt-4o","temperature":0.5,"messages":[]}`,
		},
		{
			"a cap leaves what is below it", "openai", "gpt-4o", "/v1/chat/completions", capped,
			`{"model":"x","max_tokens":99,"temperature":0.1,"messages":[]}`, `{"model":"gpt-4o","max_tokens":99,"temperature":0.1,"messages":[]}`,
		},
		{
			"a cap holds under both names", "openai", "gpt-4o", "/v1/chat/completions", capped,
			`{"model":"x","max_tokens":500,"max_completion_tokens":600,"messages":[]}`, `{"model":"gpt-4o","max_tokens":100,"max_completion_tokens":100,"messages":[]}`,
		},
		{
			"defaults fill in", "openai", "gpt-5", "/v1/chat/completions", defaults,
			`{"model":"x","messages":[]}`, `{"max_completion_tokens":64,"reasoning_effort":"high","temperature":0.2,"top_p":0.9,"model":"gpt-5","messages":[]}`,
		},
		{
			"defaults yield", "openai", "gpt-5", "/v1/chat/completions", defaults,
			`{"model":"x","max_tokens":7,"temperature":1,"top_p":1,"reasoning_effort":"low","messages":[]}`, `{"model":"gpt-5","max_tokens":7,"temperature":1,"top_p":1,"reasoning_effort":"low","messages":[]}`,
		},
		{
			"overrides hold", "openai", "gpt-5", "/v1/chat/completions", forced,
			`{"model":"x","max_tokens":700,"temperature":1,"reasoning_effort":"high","messages":[]}`, `{"model":"gpt-5","max_tokens":32,"temperature":0,"reasoning_effort":"low","messages":[]}`,
		},
		{
			"a vendor that knows max_tokens only", "mistral", "small", "/v1/chat/completions", capped,
			`{"model":"x","messages":[]}`, `{"max_tokens":100,"model":"small","messages":[]}`,
		},
		{
			"responses", "openai", "gpt-5", "/v1/responses", forced,
			`{"model":"x","reasoning":{"summary":"auto","effort":"high"},"input":"a"}`, `{"max_output_tokens":32,"temperature":0,"model":"gpt-5","reasoning":{"summary":"auto","effort":"low"},"input":"a"}`,
		},
		{
			"responses, defaults", "openai", "gpt-5", "/v1/responses", defaults,
			`{"model":"x","input":"a"}`, `{"reasoning":{"effort":"high"},"max_output_tokens":64,"temperature":0.2,"top_p":0.9,"model":"gpt-5","input":"a"}`,
		},
		{
			"completions know no effort", "openai", "gpt-3.5-turbo-instruct", "/v1/completions", forced,
			`{"model":"x","prompt":"a"}`, `{"max_tokens":32,"temperature":0,"model":"gpt-3.5-turbo-instruct","prompt":"a"}`,
		},
		{
			"Anthropic, a new model", "anthropic", "claude-opus-4-7", "/v1/messages", forced,
			`{"model":"x","max_tokens":9000,"messages":[]}`, `{"output_config":{"effort":"low"},"temperature":0,"thinking":{"type":"adaptive"},"model":"claude-opus-4-7","max_tokens":32,"messages":[]}`,
		},
		{
			"Anthropic, a model that knows budgets", "anthropic", "claude-haiku-4-5", "/v1/messages",
			alias.Parameters{Defaults: alias.Settings{Effort: "high"}},
			`{"model":"x","max_tokens":9000,"messages":[]}`, `{"thinking":{"type":"enabled","budget_tokens":4500},"model":"claude-haiku-4-5","max_tokens":9000,"messages":[]}`,
		},
		{
			"Anthropic, no room for thinking", "anthropic", "claude-haiku-4-5", "/v1/messages",
			alias.Parameters{Defaults: alias.Settings{Effort: "high"}},
			`{"model":"x","max_tokens":900,"messages":[]}`, `{"model":"claude-haiku-4-5","max_tokens":900,"messages":[]}`,
		},
		{
			"Gemini", "google-gemini", "gemini-3-flash", "/v1beta/models/x:generateContent", forced,
			`{"contents":[],"generationConfig":{"maxOutputTokens":900,"topK":3}}`,
			`{"contents":[],"generationConfig":{"temperature":0,"thinkingConfig":{"thinkingLevel":"low"},"maxOutputTokens":32,"topK":3}}`,
		},
		{
			"Gemini, under its other names", "google-gemini", "gemini-2.5-flash", "/v1beta/models/x:generateContent", capped,
			`{"generation_config":{"max_output_tokens":900},"contents":[]}`, `{"generation_config":{"max_output_tokens":100},"contents":[]}`,
		},
		{
			"Gemini, a model that knows budgets", "google-gemini", "gemini-2.5-flash", "/v1beta/models/x:generateContent",
			alias.Parameters{Defaults: alias.Settings{Effort: "medium"}},
			`{"contents":[]}`, `{"generationConfig":{"thinkingConfig":{"thinkingBudget":8192}},"contents":[]}`,
		},
		{
			"across dialects", "anthropic", "claude-haiku-4-5", "/v1/chat/completions", capped,
			`{"model":"x","max_tokens":5000,"temperature":0.9,"messages":[{"role":"user","content":"a"}]}`,
			`{"model":"claude-haiku-4-5","messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"max_tokens":100,"temperature":0.5}`,
		},
		{
			"nothing to change", "openai", "gpt-4o", "/v1/chat/completions",
			alias.Parameters{Overrides: alias.Settings{MaxTokens: of(int64(5))}},
			`{"model":"x","max_tokens":5,"messages":[]}`, `{"model":"gpt-4o","max_tokens":5,"messages":[]}`,
		},
		{
			"what is no number is the provider's to refuse", "openai", "gpt-4o", "/v1/chat/completions", capped,
			`{"model":"x","max_tokens":5,"temperature":"hot","messages":[]}`, `{"model":"gpt-4o","max_tokens":5,"temperature":"hot","messages":[]}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var heard listener
			answer := whole
			switch tt.vendor {
			case "anthropic":
				answer = claude
			case "google-gemini":
				answer = google
			}
			w := newWorld(t)
			w.connect(tt.vendor, heard.answering(200, answer))
			w.alias("x", alias.Route{Targets: []alias.Target{{Provider: tt.vendor, Model: tt.model}}, Parameters: tt.p})
			w.start()
			w.post(tt.path, tt.body)
			if diff := cmp.Diff(indented(t, tt.want), indented(t, heard.heard())); diff != "" {
				t.Errorf("the provider got (-want +got):\n%s", diff)
			}
			if strings.Contains(tt.want, `"model":"gpt`) && tt.want != heard.heard() { // where bytes pass, they are the client's but for these
				t.Errorf("the provider got\n%s, want\n%s", heard.heard(), tt.want)
			}
		})
	}
}

func indented(t *testing.T, raw string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	return v
}
