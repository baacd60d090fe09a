package openaichat_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/openaichat"
)

// built is a client's request as a vendor with some quirks gets it.
func built(t *testing.T, body string, q chat.Quirks) (string, error) {
	t.Helper()
	var r chat.Request
	var err error
	if strings.Contains(body, `"max_tokens"`) { // an Anthropic body has to have it
		r, err = anthropic.Dialect{}.ParseRequest([]byte(body))
	} else {
		r, err = openaichat.Dialect{}.ParseRequest([]byte(body))
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := openaichat.Dialect{}.BuildRequest(r.Aimed("openai/gpt-oss-120b:cerebras", false, chat.Encoding{ReplayReasoning: true, Quirks: q}))
	if err == nil && !json.Valid(out) {
		t.Fatalf("not JSON: %s", out)
	}
	return string(out), err
}

func TestAQuirkChangesOneThing(t *testing.T) {
	t.Parallel()
	const (
		user  = `"messages":[{"role":"user","content":"Q"}]`
		tools = `"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object"}}}]`
		loop  = `"messages":[{"role":"user","content":"Q"},{"role":"assistant","reasoning_content":"Hm.","content":"Well.","tool_calls":[` +
			`{"id":"toolu_01ABC","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"toolu_01ABC","content":"ok"}]`
		marked = `{"model":"m","max_tokens":9,"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}],` +
			`"messages":[{"role":"user","content":[{"type":"text","text":"Q","cache_control":{"type":"ephemeral"}}]}]}`
	)
	tests := []struct {
		name, body   string
		quirks       chat.Quirks
		with         string // what the quirk brings
		without      string // what stands there otherwise
		refusedField string
	}{
		{"the seed has another name", `{"model":"m","seed":7,` + user + `}`, chat.Quirks{RandomSeed: true}, `"random_seed":7`, `"seed":7`, ""},
		{"store is false", `{"model":"m","store":true,` + user + `}`, chat.Quirks{StoreFalse: true}, `"store":false`, `"store":true`, ""},
		{"a temperature is capped", `{"model":"m","temperature":2,` + user + `}`, chat.Quirks{TemperatureMax: "1.99"}, `"temperature":1.99`, `"temperature":2}`, ""},
		{"a lower temperature stays", `{"model":"m","temperature":1.0,` + user + `}`, chat.Quirks{TemperatureMax: "1.99"}, `"temperature":1.0`, "", ""},
		{
			"texts are one text", `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"text","text":"B"}]}]}`,
			chat.Quirks{TextContent: true},
			`"content":"A\n\nB"`, `"type":"text"`, "",
		},
		{
			"a picture is no text", `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]}]}`,
			chat.Quirks{TextContent: true},
			"", `"image_url"`, "messages.0.content.0",
		},
		{"no strict tools", `{"model":"m",` + tools + `,` + user + `}`, chat.Quirks{NoStrict: true}, `"name":"f"`, `"strict"`, ""},
		{
			"no strict answers", `{"model":"m","response_format":{"type":"json_schema","json_schema":{"name":"r","strict":true,"schema":{}}},` + user + `}`,
			chat.Quirks{NoStrict: true},
			`"name":"r"`, `"strict"`, "",
		},
		{"parallel calls are not mentioned", `{"model":"m","parallel_tool_calls":true,` + tools + `,` + user + `}`, chat.Quirks{NoParallelTools: true}, `"tools"`, `"parallel_tool_calls"`, ""},
		{"one call at a time is refused", `{"model":"m","parallel_tool_calls":false,` + tools + `,` + user + `}`, chat.Quirks{NoParallelTools: true}, "", `"parallel_tool_calls":false`, "parallel_tool_calls"},
		{"ids are short, and a result finds its call", `{"model":"m",` + loop + `}`, chat.Quirks{ShortToolIDs: true}, `"tool_call_id":"uZ1GZlFlc"`, `"toolu_01ABC"`, ""},
		{"a short id stays", strings.ReplaceAll(`{"model":"m",`+loop+`}`, "toolu_01ABC", "g6fVbXS8K"), chat.Quirks{ShortToolIDs: true}, `"tool_call_id":"g6fVbXS8K"`, "", ""},
		{"reasoning is called reasoning", `{"model":"m",` + loop + `}`, chat.Quirks{ReasoningField: "reasoning"}, `"reasoning":"Hm."`, `"reasoning_content"`, ""},
		{"reasoning without its details", `{"model":"m",` + loop + `}`, chat.Quirks{ReasoningField: "reasoning_content"}, `"reasoning_content":"Hm."`, `"reasoning_details"`, ""},
		{
			"reasoning is content", `{"model":"m",` + loop + `}`,
			chat.Quirks{ReasoningField: "content"},
			`"content":[{"thinking":[{"text":"Hm.","type":"text"}],"type":"thinking"},{"text":"Well.","type":"text"}]`, `"reasoning_content"`, "",
		},
		{
			"an answer to go on with is a prefix", `{"model":"m","messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"{"}]}`,
			chat.Quirks{PrefixTurn: true},
			`"content":"{","prefix":true`, "", "",
		},
		{
			"a call that waits for its result is none", `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}]}`,
			chat.Quirks{PrefixTurn: true},
			`"name":"f","arguments":"{}"}}]}]`, "", "",
		},
		{"a model's provider stays with its name", `{"model":"m",` + user + `}`, chat.Quirks{}, `"model":"openai/gpt-oss-120b:cerebras"`, "", ""},
		{"top_k passes", `{"model":"m","max_tokens":9,"top_k":40,` + user + `}`, chat.Quirks{TopK: true}, `"top_k":40`, "", ""},
		{
			"cache marks pass", marked,
			chat.Quirks{CacheControl: true},
			`{"role":"system","content":[{"cache_control":{"type":"ephemeral"},"text":"S","type":"text"}]},{"role":"user","content":[{"cache_control":{"type":"ephemeral"},"text":"Q","type":"text"}]}`,
			`"content":"Q"`, "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := built(t, tt.body, tt.quirks)
			var f *fault.Error
			switch {
			case tt.refusedField != "":
				if !errors.As(err, &f) || f.Field != tt.refusedField {
					t.Errorf("err = %v, want %s refused", err, tt.refusedField)
				}
			case err != nil || !strings.Contains(got, tt.with) || (tt.without != "" && strings.Contains(got, tt.without)):
				t.Errorf("%v: no %s, or %s, in\n%s", err, tt.with, tt.without, got)
			}
			if plain, err := built(t, tt.body, chat.Quirks{}); err == nil && tt.without != "" && !strings.Contains(plain, tt.without) {
				t.Errorf("without the quirk: no %s in\n%s", tt.without, plain)
			}
		})
	}
}

func TestTopKIsRefusedWhereItIsUnknown(t *testing.T) {
	t.Parallel()
	_, err := built(t, `{"model":"m","max_tokens":9,"top_k":40,"messages":[{"role":"user","content":"Q"}]}`, chat.Quirks{})
	var f *fault.Error
	if !errors.As(err, &f) || f.Field != "top_k" {
		t.Errorf("err = %v", err)
	}
}

func TestShortIDsAreDistinct(t *testing.T) {
	t.Parallel()
	var calls, results []string
	for _, id := range []string{"call_1", "call_2", "call_3", "toolu_1", "123456789x", "12345678", "12345678-", "abc DEF12"} {
		raw, _ := json.Marshal(id)
		calls = append(calls, `{"id":`+string(raw)+`,"type":"function","function":{"name":"f","arguments":"{}"}}`)
		results = append(results, `{"role":"tool","tool_call_id":`+string(raw)+`,"content":"ok"}`)
	}
	got, err := built(t, `{"model":"m","messages":[{"role":"user","content":"Q"},{"role":"assistant","tool_calls":[`+strings.Join(calls, ",")+`]},`+strings.Join(results, ",")+`]}`,
		chat.Quirks{ShortToolIDs: true})
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Messages []struct {
			Calls  []struct{ ID string } `json:"tool_calls"`
			Answer string                `json:"tool_call_id"`
		}
	}
	if err := json.Unmarshal([]byte(got), &body); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, c := range body.Messages[1].Calls {
		if len(c.ID) != 9 || seen[c.ID] || body.Messages[2+i].Answer != c.ID {
			t.Errorf("call %d is %q, its result %q", i, c.ID, body.Messages[2+i].Answer)
		}
		seen[c.ID] = true
	}
}

func TestAListOfFaultsIsTold(t *testing.T) {
	t.Parallel()
	tests := []struct{ body, message, field string }{
		{`{"detail":"Invalid API Key"}`, "Invalid API Key", ""},
		{
			`{"detail":[{"type":"missing","loc":["body","messages",0,"content"],"msg":"Field required","input":{}},{"loc":["body","x"],"msg":"Extra inputs are not permitted"}]}`,
			"messages.0.content: Field required; x: Extra inputs are not permitted", "messages.0.content",
		},
		{
			`{"object":"error","message":{"detail":[{"loc":["body","model"],"msg":"Field required"}]},"type":"invalid_request_error","param":null,"code":null}`,
			"model: Field required", "model",
		},
		{`{"detail":[]}`, "[]", ""},
		{`{"message":{"detail":"No."}}`, `{"detail":"No."}`, ""},
	}
	for _, tt := range tests {
		r := openaichat.Dialect{}.ParseRefusal(422, nil, []byte(tt.body))
		if r.Message != tt.message || r.Param != tt.field {
			t.Errorf("%s: %q, %q", tt.body, r.Message, r.Param)
		}
	}
}

func TestUsageInMistralsAndWritersWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		usage string
		want  chat.Units
	}{
		{`{"completion_tokens":39,"num_cached_tokens":174,"prompt_tokens":175,"total_tokens":214}`, chat.Units{chat.Input: 1, chat.CacheRead: 174, chat.Output: 39}},
		{
			`{"prompt_tokens":40,"completion_tokens":30,"total_tokens":70,"prompt_token_details":{"cached_tokens":10},"completion_token_details":{"reasoning_tokens":20}}`,
			chat.Units{chat.Input: 30, chat.CacheRead: 10, chat.Output: 10, chat.Reasoning: 20},
		},
		{`{"prompt_audio_seconds":7,"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}`, chat.Units{chat.Input: 5, chat.Output: 1, chat.AudioMS: 7000}},
		{
			`{"prompt_tokens":50,"completion_tokens":30,"total_tokens":80,"prompt_tokens_details":{"image_tokens":40,"cached_tokens":5},"completion_tokens_details":{"image_tokens":25}}`,
			chat.Units{chat.Input: 5, chat.CacheRead: 5, chat.InputImage: 40, chat.Output: 5, chat.OutputImage: 25},
		},
	}
	for _, tt := range tests {
		body := `{"id":"x","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"}],"usage":` + tt.usage + `}`
		if got := (openaichat.Dialect{}).Inspect([]byte(body)).Usage.Units; got != tt.want {
			t.Errorf("%s: %v, want %v", tt.usage, got, tt.want)
		}
	}
}

// Writer sends every piece twice, as message and as delta.
func TestAPieceThatIsSentTwiceIsCountedOnce(t *testing.T) {
	t.Parallel()
	body := `{"id":"x","choices":[{"index":0,"message":{"content":"four"},"delta":{"content":"four"},"finish_reason":"stop"}],"created":"1715361795"}`
	if seen := (openaichat.Dialect{}).Inspect([]byte(body)); seen.OutputBytes != 4 {
		t.Errorf("%d bytes", seen.OutputBytes)
	}
	r, err := openaichat.Dialect{}.ParseResponse([]byte(body))
	if err != nil || r.Created != 1715361795 || len(r.Parts) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A body that passes as it is still reaches a vendor that knows the old name of the limit.
func TestTheLimitOfAPassingBodyHasTheNameThatTheVendorKnows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, want string
		old              bool
	}{
		{"renamed", `{"model":"m","max_completion_tokens" : 7,"x":1}`, `{"model":"m","max_tokens" : 7,"x":1}`, true},
		{"at the front, with an object of ours", `{"max_completion_tokens":7,"tollgate":{},"model":"m"}`, `{"max_tokens":7,"model":"m"}`, true},
		{"not where the vendor knows the new one", `{"model":"m","max_completion_tokens":7}`, `{"model":"m","max_completion_tokens":7}`, false},
		{"not twice", `{"model":"m","max_tokens":5,"max_completion_tokens":7}`, `{"model":"m","max_tokens":5,"max_completion_tokens":7}`, true},
		{"nothing to rename", `{"model":"m","max_tokens":5}`, `{"model":"m","max_tokens":5}`, true},
	}
	for _, tt := range tests {
		h, err := openaichat.Dialect{}.Probe([]byte(tt.body), provider.Line{})
		if err != nil {
			t.Fatal(err)
		}
		h.OldMaxTokens = tt.old
		if got := string(provider.ApplyEdits([]byte(tt.body), openaichat.Dialect{}.Edits([]byte(tt.body), h, "m"))); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// What Mistral answers in lists of content goes back to it as it was, and to another provider as what that can read.
func TestMistralsOwnContentComesBack(t *testing.T) {
	t.Parallel()
	const body = `{"model":"m","random_seed":7,"messages":[{"role":"user","content":"Q"},{"role":"assistant","prefix":false,"content":[` +
		`{"type":"thinking","thinking":[{"type":"text","text":"Hm."}],"closed":true},{"type":"text","text":"It is so"},` +
		`{"type":"reference","reference_ids":[1,2]},{"type":"text","text":"."}]},{"role":"user","content":"Why?"}]}`
	r, err := openaichat.Dialect{}.ParseRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	own, err := openaichat.Dialect{}.BuildRequest(r.Aimed("m", false, chat.Encoding{Quirks: chat.Quirks{RandomSeed: true}}))
	for _, want := range []string{`{"type":"thinking","thinking":[{"type":"text","text":"Hm."}],"closed":true}`, `{"type":"reference","reference_ids":[1,2]}`, `"random_seed":7`} {
		if err != nil || !strings.Contains(string(own), want) {
			t.Errorf("%v: no %s in %s", err, want, own)
		}
	}
	other, err := anthropic.Dialect{}.BuildRequest(r.Aimed("m", false, chat.Encoding{}))
	if err != nil || strings.Contains(string(other), "reference") || strings.Contains(string(other), "Hm.") || !strings.Contains(string(other), "It is so") {
		t.Errorf("%v: %s", err, other)
	}
	answer := `{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":[{"type":"text","text":"It is so"},{"type":"reference","reference_ids":[1]},{"type":"text","text":"."}]},"finish_reason":"stop"}]}`
	if a, err := (openaichat.Dialect{}).ParseResponse([]byte(answer)); err != nil || len(a.Parts) != 1 || a.Parts[0].Text != "It is so." {
		t.Errorf("%+v, %v", a, err)
	}
}
