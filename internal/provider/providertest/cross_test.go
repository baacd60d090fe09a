package providertest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/golden"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

// Each hand-written request of one dialect as the other dialect's provider gets it. Read these files to see what translation does.
func TestRequestsAsTheOtherProviderGetsThem(t *testing.T) {
	t.Parallel()
	pairs := []struct {
		from, to providertest.Both
		dir      string
		models   []string
	}{
		{openaichat.Dialect{}, anthropic.Dialect{}, "openaichat", []string{"claude-sonnet-4-5", "claude-opus-4-8", "claude-3-5-haiku-latest"}},
		{anthropic.Dialect{}, openaichat.Dialect{}, "anthropic", []string{"gpt-5-mini", "gpt-4o"}},
	}
	for _, p := range pairs {
		files, err := filepath.Glob(filepath.Join("..", p.dir, "testdata", "*.request.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no requests of %s (%v)", p.dir, err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".request.json")
			t.Run(p.dir+"/"+name, func(t *testing.T) {
				t.Parallel()
				body, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				var out bytes.Buffer
				for _, model := range p.models {
					r, err := p.from.ParseRequest(body)
					if err != nil {
						t.Fatal(err)
					}
					r.Model = model
					built, err := p.to.BuildRequest(r)
					if err != nil {
						var f *fault.Error
						if !errors.As(err, &f) {
							t.Fatal(err)
						}
						out.WriteString(model + ": refused: " + f.Field + "\n")
						r.Encoding.DropUnsupported = true
						if built, err = p.to.BuildRequest(r); err != nil {
							t.Fatal(err)
						}
					}
					if p.to.Name() == provider.AnthropicMessages {
						checkAnthropicBody(t, built)
					} else {
						checkOpenAIBody(t, built)
					}
					if err := json.Indent(&out, built, "", "  "); err != nil {
						t.Fatal(err)
					}
					out.WriteByte('\n')
				}
				golden.Equal(t, "cross/"+p.dir+"-"+name+".golden", out.Bytes())
			})
		}
	}
}

// Each hand-written stream of one dialect as the other dialect's client gets it.
func TestStreamsAsTheOtherClientGetsThem(t *testing.T) {
	t.Parallel()
	for i, from := range dialects {
		to := dialects[1-i]
		dir := map[provider.Name]string{provider.OpenAIChat: "openaichat", provider.AnthropicMessages: "anthropic"}[from.Name()]
		files, err := filepath.Glob(filepath.Join("..", dir, "testdata", "*.sse"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no streams of %s (%v)", dir, err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".sse")
			if strings.HasPrefix(name, "cut-") || strings.HasPrefix(name, "failed-") {
				continue
			}
			t.Run(dir+"/"+name, func(t *testing.T) {
				t.Parallel()
				body, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				events, err := providertest.Read(from.NewReader(), body)
				if err != nil {
					t.Fatal(err)
				}
				w := to.NewWriter(true)
				var out []byte
				for _, e := range events {
					out = w.Append(out, e)
				}
				golden.Equal(t, "cross/"+dir+"-"+name+".sse.golden", out)
				again, err := providertest.Read(to.NewReader(), out)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := providertest.Fold(again); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestWhatTheTargetCannotSayIsRefusedByName(t *testing.T) {
	t.Parallel()
	const user = `"messages":[{"role":"user","content":"Hi"}]`
	tests := []struct {
		name  string
		from  providertest.Both
		body  string
		field string
	}{
		{"several choices", openaichat.Dialect{}, `{"model":"m","n":2,` + user + `}`, "n"},
		{"logprobs", openaichat.Dialect{}, `{"model":"m","logprobs":true,` + user + `}`, "logprobs"},
		{"logit_bias", openaichat.Dialect{}, `{"model":"m","logit_bias":{"50256":-100},` + user + `}`, "logit_bias"},
		{"a penalty", openaichat.Dialect{}, `{"model":"m","frequency_penalty":0.5,` + user + `}`, "frequency_penalty"},
		{"audio out", openaichat.Dialect{}, `{"model":"m","modalities":["text","audio"],` + user + `}`, "modalities"},
		{"audio in", openaichat.Dialect{}, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}]}]}`, "messages.0.content.1"},
		{"another provider's file", openaichat.Dialect{}, `{"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-abc"}}]}]}`, "messages.0.content.0"},
		{"an unknown content part", openaichat.Dialect{}, `{"model":"m","messages":[{"role":"user","content":[{"type":"video_url","video_url":{"url":"https://x"}}]}]}`, "messages.0.content.0"},
		{"a hosted tool", openaichat.Dialect{}, `{"model":"m","tools":[{"type":"web_search"}],` + user + `}`, "tools.0"},
		{"allowed tools", openaichat.Dialect{}, `{"model":"m","tool_choice":{"type":"allowed_tools","allowed_tools":{}},` + user + `}`, "tool_choice"},
		{"a blank stop sequence", openaichat.Dialect{}, `{"model":"m","stop":["\n"],` + user + `}`, "stop"},
		{"an unknown field", openaichat.Dialect{}, `{"model":"m","novelty":3,` + user + `}`, "novelty"},
		{"temperature beside thinking", openaichat.Dialect{}, `{"model":"m","temperature":0.2,"reasoning_effort":"low",` + user + `}`, "temperature"},
		{"top_k", anthropic.Dialect{}, `{"model":"m","max_tokens":9,"top_k":5,` + user + `}`, "top_k"},
		{"a server's tool", anthropic.Dialect{}, `{"model":"m","max_tokens":9,"tools":[{"type":"web_search_20250305","name":"web_search"}],` + user + `}`, "tools.0"},
		{"citations", anthropic.Dialect{}, `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","citations":{"enabled":true},"source":{"type":"text","media_type":"text/plain","data":"x"}}]}]}`, "messages.0.content.0"},
		{"a document by address", anthropic.Dialect{}, `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://x"}}]}]}`, "messages.0.content.0"},
		{"a container", anthropic.Dialect{}, `{"model":"m","max_tokens":9,"container":"c",` + user + `}`, "container"},
		{"MCP servers", anthropic.Dialect{}, `{"model":"m","max_tokens":9,"mcp_servers":[{}],` + user + `}`, "mcp_servers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := tt.from.ParseRequest([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			to := dialects[0]
			if tt.from.Name() == to.Name() {
				to = dialects[1]
			}
			_, err = to.BuildRequest(r)
			var f *fault.Error
			if !errors.Is(err, provider.ErrUnsupported) || !errors.As(err, &f) || f.Field != tt.field {
				t.Errorf("err = %v, want an unsupported %s", err, tt.field)
			}
			if _, err := tt.from.BuildRequest(r); err != nil {
				t.Errorf("its own dialect refuses it too: %v", err)
			}
			r.Encoding.DropUnsupported = true
			if _, err := to.BuildRequest(r); err != nil {
				t.Errorf("with drop_unsupported: %v", err)
			}
		})
	}
}

func TestBadRequestsNameTheField(t *testing.T) {
	t.Parallel()
	tests := []struct {
		d           providertest.Both
		body, field string
	}{
		{openaichat.Dialect{}, `{"model":"m"}`, "messages"},
		{openaichat.Dialect{}, `{"model":"m","messages":[]}`, "messages"},
		{openaichat.Dialect{}, `{"model":"m","messages":{}}`, "messages"},
		{openaichat.Dialect{}, `{"model":"m","messages":[{"role":"wizard","content":"x"}]}`, "messages.0.role"},
		{openaichat.Dialect{}, `{"model":"m","messages":[{"role":"user","content":7}]}`, "messages.0.content"},
		{openaichat.Dialect{}, `{"model":"m","messages":[{"role":"user","content":[{}]}]}`, "messages.0.content.0"},
		{openaichat.Dialect{}, `{"model":"m","messages":[{"role":"tool","content":"x"}]}`, "messages.0.tool_call_id"},
		{openaichat.Dialect{}, `{"model":"m","temperature":"hot","messages":[{"role":"user","content":"x"}]}`, "temperature"},
		{openaichat.Dialect{}, `{"model":"m","tools":[7],"messages":[{"role":"user","content":"x"}]}`, "tools.0"},
		{openaichat.Dialect{}, `{"model":"m","tool_choice":"maybe","messages":[{"role":"user","content":"x"}]}`, "tool_choice"},
		{openaichat.Dialect{}, `{"model":"m","stop":7,"messages":[{"role":"user","content":"x"}]}`, "stop"},
		{openaichat.Dialect{}, `{"model":"m","response_format":{"type":"json_schema"},"messages":[{"role":"user","content":"x"}]}`, "response_format.json_schema"},
		{anthropic.Dialect{}, `{"model":"m","max_tokens":1}`, "messages"},
		{anthropic.Dialect{}, `{"model":"m","max_tokens":1,"messages":[{"role":"tool","content":"x"}]}`, "messages.0.role"},
		{anthropic.Dialect{}, `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"text":"x"}]}]}`, "messages.0.content.0"},
		{anthropic.Dialect{}, `{"model":"m","max_tokens":1,"system":7,"messages":[{"role":"user","content":"x"}]}`, "system"},
		{anthropic.Dialect{}, `{"model":"m","max_tokens":1,"tool_choice":{"type":"some"},"messages":[{"role":"user","content":"x"}]}`, "tool_choice.type"},
	}
	for _, tt := range tests {
		_, err := tt.d.ParseRequest([]byte(tt.body))
		var f *fault.Error
		if !errors.Is(err, provider.ErrBody) || !errors.As(err, &f) || f.Field != tt.field {
			t.Errorf("%s: err = %v, want the field %s", tt.body, err, tt.field)
		}
	}
}

// A client of OpenAI's dialect that sends back the assistant's message it got keeps the provider's signed reasoning, streamed or not.
func TestSignedReasoningComesBackThroughTheOpenAISurface(t *testing.T) {
	t.Parallel()
	answer := chat.Response{ID: "msg_1", Model: "claude", Finish: chat.FinishTools, Parts: []chat.Part{
		{Kind: chat.Thinking, Text: "Six times seven.", Signature: "c2ln"},
		{Kind: chat.Redacted, Data: "b3BhcXVl"},
		{Kind: chat.ToolCall, ID: "toolu_1", Name: "calc", Args: json.RawMessage(`{"a":6}`)},
	}}
	var got struct {
		Choices []struct{ Message json.RawMessage }
	}
	if err := json.Unmarshal(openaichat.Dialect{}.AppendResponse(nil, answer), &got); err != nil {
		t.Fatal(err)
	}
	body := `{"model":"claude-sonnet-4-5","max_tokens":9000,"reasoning_effort":"medium","tools":[{"type":"function","function":{"name":"calc"}}],"messages":[{"role":"user","content":"Q"},` +
		string(got.Choices[0].Message) + `,{"role":"tool","tool_call_id":"toolu_1","content":"42"}]}`
	r, err := openaichat.Dialect{}.ParseRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	sent, err := anthropic.Dialect{}.BuildRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"signature":"c2ln","thinking":"Six times seven.","type":"thinking"}`, `{"data":"b3BhcXVl","type":"redacted_thinking"}`, `"thinking":{"type":"enabled"`} {
		if !bytes.Contains(sent, []byte(want)) {
			t.Errorf("no %s in\n%s", want, sent)
		}
	}
}
