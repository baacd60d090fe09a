package insert_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tollgate/internal/prompt"
	"tollgate/internal/prompt/insert"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

var (
	said = []prompt.Rendered{{Role: "system", Text: "Be \"kind\"."}, {Sent: json.RawMessage(`{"role":"user","content":"before"}`)}, {Role: "assistant", Text: "Yes?"}}
	full = prompt.Content{
		Parameters: json.RawMessage(`{"temperature":0.20,"max_tokens":50,"stop":"END","seed":7}`),
		Tools:      json.RawMessage(`[{"type":"function","function":{"name":"look","description":"d","parameters":{"type":"object","b":1,"a":2}}}]`),
		Schema:     json.RawMessage(`{"type":"object"}`),
	}
)

func into(t *testing.T, d provider.Name, body string, messages []prompt.Rendered, c prompt.Content) (string, []string) {
	t.Helper()
	e, err := insert.Into(d, []byte(body), messages, &c)
	if err != nil {
		t.Fatal(err)
	}
	out := string(wire.Apply([]byte(body), e.In([]byte(body))))
	if !json.Valid([]byte(out)) {
		t.Fatalf("%s: no JSON: %s", d, out)
	}
	return out, e.Warnings
}

func TestAPromptStandsInFrontOfTheCall(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		d          provider.Name
		body, want string
	}{
		{
			provider.OpenAIChat, `{"model":"m","messages":[{"role":"user","content":"now"}]}`,
			`{"model":"m","messages":[{"role":"system","content":"Be \"kind\"."},{"role":"user","content":"before"},{"role":"assistant","content":"Yes?"},{"role":"user","content":"now"}]}`,
		},
		{
			provider.OpenAIChat, `{"model":"m"}`,
			`{"messages":[{"role":"system","content":"Be \"kind\"."},{"role":"user","content":"before"},{"role":"assistant","content":"Yes?"}],"model":"m"}`,
		},
		{
			provider.OpenAIResponses, `{"model":"m","input":"now"}`,
			`{"instructions":"Be \"kind\".","model":"m","input":[{"role":"user","content":"before"},{"role":"assistant","content":"Yes?"},{"role":"user","content":"now"}]}`,
		},
		{
			provider.OpenAICursor, `{"model":"m","instructions":"Own.","input":[{"role":"user","content":"now"}]}`,
			`{"model":"m","instructions":"Be \"kind\".\n\nOwn.","input":[{"role":"user","content":"before"},{"role":"assistant","content":"Yes?"},{"role":"user","content":"now"}]}`,
		},
		{
			provider.AnthropicMessages, `{"model":"m","messages":[ ]}`,
			`{"system":[{"type":"text","text":"Be \"kind\"."}],"model":"m","messages":[{"role":"user","content":"before"},{"role":"assistant","content":"Yes?"} ]}`,
		},
		{
			provider.AnthropicCount, `{"model":"m","system":[{"type":"text","text":"Own."}],"messages":[{"role":"user","content":"now"}]}`,
			`{"model":"m","system":[{"type":"text","text":"Be \"kind\"."},{"type":"text","text":"Own."}],"messages":[{"role":"user","content":"before"},{"role":"assistant","content":"Yes?"},{"role":"user","content":"now"}]}`,
		},
		{
			provider.GeminiCount, `{"generateContentRequest":{"model":"m","contents":[{"role":"user","parts":[{"text":"now"}]}]}}`,
			`{"generateContentRequest":{"systemInstruction":{"parts":[{"text":"Be \"kind\"."}]},"model":"m","contents":[{"role":"user","parts":[{"text":"before"}]},{"role":"model","parts":[{"text":"Yes?"}]},{"role":"user","parts":[{"text":"now"}]}]}}`,
		},
		{
			provider.AnthropicMessages, `{"model":"m","system":"Own.","messages":[{"role":"user","content":"now"}]}`,
			`{"model":"m","system":[{"type":"text","text":"Be \"kind\"."},{"type":"text","text":"Own."}],"messages":[{"role":"user","content":"before"},{"role":"assistant","content":"Yes?"},{"role":"user","content":"now"}]}`,
		},
		{
			provider.Gemini, `{"contents":[{"role":"user","parts":[{"text":"now"}]}],"system_instruction":{"parts":[{"text":"Own."}]}}`,
			`{"contents":[{"role":"user","parts":[{"text":"before"}]},{"role":"model","parts":[{"text":"Yes?"}]},{"role":"user","parts":[{"text":"now"}]}],"system_instruction":{"parts":[{"text":"Be \"kind\"."},{"text":"Own."}]}}`,
		},
		{provider.OpenAICompletions, `{"model":"m","prompt":"now"}`, `{"model":"m","prompt":"Be \"kind\".\n\n\n\nYes?\n\nnow"}`},
	} {
		if got, _ := into(t, tt.d, tt.body, said, prompt.Content{}); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.d, got, tt.want)
		}
	}
}

func TestAPromptAloneIsInput(t *testing.T) {
	t.Parallel()
	got, _ := into(t, provider.OpenAIResponses, `{"model":"m"}`, said[:1], prompt.Content{})
	if want := `{"input":[{"role":"system","content":"Be \"kind\"."}],"model":"m"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSettingsFillInWhatTheCallLeavesOpen(t *testing.T) {
	t.Parallel()
	one := said[:1]
	for _, tt := range []struct {
		d     provider.Name
		body  string
		has   []string
		lacks []string
		warns string
	}{
		{provider.OpenAIChat, `{"model":"m","temperature":1}`, []string{`"temperature":1`, `"max_tokens":50`, `"stop":"END"`, `"seed":7`, `"tools":[{"type":"function","function":{"name":"look"`, `"response_format":{"type":"json_schema"`}, []string{"0.20"}, ""},
		{provider.OpenAIChat, `{"model":"m","max_completion_tokens":9,"tools":[]}`, []string{`"temperature":0.20`, `"tools":[]`}, []string{`"max_tokens"`}, ""},
		{provider.OpenAIResponses, `{"model":"m"}`, []string{`"max_output_tokens":50`, `"tools":[{"type":"function","name":"look"`, `"text":{"format":{"type":"json_schema"`}, []string{`"stop"`}, "stop seed"},
		{provider.AnthropicMessages, `{"model":"m","max_tokens":5}`, []string{`"max_tokens":5`, `"stop_sequences":["END"]`, `"input_schema":{"type":"object","b":1,"a":2}`, `"output_config":{"format"`}, []string{`50`}, "seed"},
		{provider.AnthropicCount, `{"model":"m"}`, []string{`"tools":[{"name":"look"`}, []string{"50", "0.20", "stop"}, ""},
		{provider.OpenAICount, `{"model":"m"}`, []string{`"tools":[{"type":"function"`}, []string{"50", "0.20"}, ""},
		{provider.GeminiCount, `{"contents":[]}`, []string{`"functionDeclarations"`}, []string{"50", "generationConfig"}, ""},
		{provider.Gemini, `{"contents":[],"generationConfig":{"temperature":1}}`, []string{`"generationConfig":{"temperature":1,"maxOutputTokens":50,"stopSequences":["END"],"seed":7`, `"functionDeclarations":[{"name":"look"`, `"responseMimeType":"application/json"`}, []string{"0.20"}, ""},
		{provider.OpenAICompletions, `{"model":"m"}`, []string{`"max_tokens":50`, `"seed":7`}, []string{"tools"}, "tools schema"},
	} {
		got, warnings := into(t, tt.d, tt.body, one, full)
		for _, part := range tt.has {
			if !strings.Contains(got, part) {
				t.Errorf("%s lacks %s: %s", tt.d, part, got)
			}
		}
		for _, part := range tt.lacks {
			if strings.Contains(got, part) {
				t.Errorf("%s has %s: %s", tt.d, part, got)
			}
		}
		for _, word := range strings.Fields(tt.warns) {
			if !strings.Contains(strings.Join(warnings, ";"), word) {
				t.Errorf("%s does not warn of %s: %q", tt.d, word, warnings)
			}
		}
		if tt.warns == "" && len(warnings) > 0 {
			t.Errorf("%s warns: %q", tt.d, warnings)
		}
	}
}

func TestOtherEndpointsHaveNoPlaceForAPrompt(t *testing.T) {
	t.Parallel()
	for _, d := range []provider.Name{provider.OpenAIEmbeddings, provider.OpenAIImages, provider.CohereRerank, provider.OpenAIModerations} {
		if _, err := insert.Into(d, []byte(`{}`), said, &prompt.Content{}); !errors.Is(err, insert.ErrSurface) {
			t.Errorf("%s: %v", d, err)
		}
	}
}
