package openairesponses_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/openairesponses"
	"tollgate/internal/provider/providertest"
)

func TestCount(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.ExerciseWhole[chat.Request, chat.Count](t, openairesponses.Count{}, "count")
}

func TestACountIsNeverStreamed(t *testing.T) {
	t.Parallel()
	h, err := openairesponses.Count{}.Probe([]byte(`{"model":"m","input":"Q","stream":true}`), provider.Line{})
	if err != nil || h.Stream || (openairesponses.Count{}).Streams("text/event-stream") {
		t.Errorf("%+v, %v", h, err)
	}
}

// Why an answer ended is told by its status, the reason beside it, and its calls.
func TestTheStatusSaysWhyAnAnswerEnded(t *testing.T) {
	t.Parallel()
	const call = `{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}`
	for _, tt := range []struct {
		head string
		want chat.FinishReason
	}{
		{`"status":"completed","output":[]`, chat.FinishStop},
		{`"output":[]`, chat.FinishStop},
		{`"status":"completed","output":[` + call + `]`, chat.FinishTools},
		{`"status":"incomplete","output":[]`, chat.FinishLength},
		{`"status":"incomplete","output":[],"incomplete_details":{"reason":"max_output_tokens"}`, chat.FinishLength},
		{`"status":"incomplete","output":[` + call + `],"incomplete_details":{"reason":"content_filter"}`, chat.FinishFilter},
		{`"status":"incomplete","output":[],"incomplete_details":{"reason":"new"}`, chat.FinishOther},
		{`"status":"queued","output":[]`, chat.FinishOther},
	} {
		body := []byte(`{"id":"r",` + tt.head + `}`)
		r, err := openairesponses.Dialect{}.ParseResponse(body)
		seen := openairesponses.Dialect{}.Inspect(body)
		if err != nil || r.Finish != tt.want || seen.Finish != tt.want || !seen.Ended {
			t.Errorf("%s: %s and %s (%v), want %s", tt.head, r.Finish, seen.Finish, err, tt.want)
		}
	}
}

func TestRecordedCountsAreRead(t *testing.T) {
	t.Parallel()
	d := openairesponses.Count{}
	for _, c := range providertest.Recorded(t, "openai-responses-input-tokens") {
		h, err := d.Probe(c.Request, provider.Line{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.ParseRequest(c.Request)
		if err != nil || r.Model != h.Model {
			t.Fatal(err)
		}
		if _, err := d.BuildRequest(r); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		n, err := d.ParseResponse(c.Response)
		if err != nil || n.Input <= 0 {
			t.Errorf("%s: %d, %v", c.Name, n.Input, err)
		}
	}
}

// request decodes a body of this dialect.
func request(t *testing.T, body string) chat.Request {
	t.Helper()
	r, err := openairesponses.Dialect{}.ParseRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What stands at the provider is refused elsewhere, whatever the call may lose, and the client is told what to send instead.
func TestWhatOneProviderKeepsIsRefusedByOthers(t *testing.T) {
	t.Parallel()
	for body, field := range map[string]string{
		`{"model":"m","previous_response_id":"resp_1","input":"More."}`:                                "previous_response_id",
		`{"model":"m","conversation":{"id":"conv_1"},"input":"More."}`:                                 "conversation",
		`{"model":"m","background":true,"input":"Q"}`:                                                  "background",
		`{"model":"m","prompt":{"id":"pmpt_1"}}`:                                                       "prompt",
		`{"model":"m","input":[{"type":"item_reference","id":"msg_1"},{"role":"user","content":"Q"}]}`: "item_reference",
	} {
		for _, to := range others {
			r := request(t, body)
			r.Encoding.DropUnsupported = true
			_, err := to.BuildRequest(r)
			var f *fault.Error
			if !errors.As(err, &f) || !errors.Is(err, provider.ErrUnsupported) || f.Field != field || !strings.Contains(f.Message, "send") {
				t.Errorf("%s to %s: %v, want a refusal of %s", body, to.Name(), err, field)
			}
		}
		if _, err := (openairesponses.Dialect{}).BuildRequest(request(t, body)); err != nil {
			t.Errorf("%s: its own dialect refuses it: %v", body, err)
		}
	}
}

func TestFieldsWithoutAFormElsewhereAreRefusedByName(t *testing.T) {
	t.Parallel()
	const tail = `"model":"m","input":"Q"}`
	for body, field := range map[string]string{
		`{"tools":[{"type":"web_search"}],` + tail:                                           "tools.0",
		`{"tools":[{"type":"custom","name":"` + strings.Repeat("x", 60) + `"}],` + tail:      "tools.0",
		`{"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[]},` + tail:           "tool_choice",
		`{"top_logprobs":3,` + tail:                                                          "top_logprobs",
		`{"include":["message.output_text.logprobs"],` + tail:                                "message.output_text.logprobs",
		`{"reasoning":{"effort":"low","new":1},` + tail:                                      "reasoning.new",
		`{"model":"m","input":[{"type":"computer_call","id":"c"}]}`:                          "input.0",
		`{"model":"m","input":[{"role":"user","content":[{"type":"input_video","x":"y"}]}]}`: "input.0.content.0",
	} {
		_, err := openaichat.Dialect{}.BuildRequest(request(t, body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Field != field {
			t.Errorf("%s: %v, want a refusal of %s", body, err, field)
		}
	}
	for _, body := range []string{
		`{"store":true,"truncation":"auto","include":["reasoning.encrypted_content"],"prompt_cache_key":"k","safety_identifier":"s","metadata":{"a":"b"},` +
			`"max_tool_calls":3,"text":{"verbosity":"low"},"reasoning":{"effort":"low","summary":"auto"},"top_logprobs":0,"background":false,"previous_response_id":null,` + tail,
		`{"model":"m","input":[{"role":"user","content":"Q"},{"type":"web_search_call","id":"ws"},{"role":"assistant","content":"A"},{"role":"user","content":"R"}]}`,
	} {
		for _, to := range others {
			if _, err := to.BuildRequest(request(t, body)); err != nil {
				t.Errorf("%s to %s: %v", body, to.Name(), err)
			}
		}
	}
}

// What Codex sends in every call reaches every provider: its namespaces and free-form tools are functions there, and are called
// again as what they were.
func TestToolsOfOtherKindsAreFunctionsElsewhere(t *testing.T) {
	t.Parallel()
	const tools = `"tools":[{"type":"function","name":"shell","parameters":{"type":"object"}},` +
		`{"type":"namespace","name":"agents","description":"d","tools":[{"type":"function","name":"spawn","description":"s","parameters":{"type":"object"}},{"type":"function","name":"wait"}]},` +
		`{"type":"custom","name":"apply_patch","description":"Edits.","format":{"type":"grammar","syntax":"lark","definition":"start: x"}},{"type":"web_search","external_web_access":true}]`
	body := `{"model":"m","store":false,"include":["reasoning.encrypted_content"],"client_metadata":{"a":"b"},"reasoning":{"summary":"auto"},` + tools + `,"input":[{"role":"user","content":"Q"},` +
		`{"type":"function_call","call_id":"c1","namespace":"agents","name":"spawn","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"ok"},` +
		`{"type":"custom_tool_call","call_id":"c2","name":"apply_patch","input":"*** Begin"},{"type":"custom_tool_call_output","call_id":"c2","output":"done"}]}`
	r := request(t, body)
	var dropped []string
	r.Encoding.Dropped = &dropped
	for _, to := range others {
		out, err := to.BuildRequest(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`agents--ns--spawn`, `agents--ns--wait`, `apply_patch--free`, `lark grammar`, `*** Begin`} {
			if !bytes.Contains(out, []byte(want)) {
				t.Errorf("to %s: no %s in %s", to.Name(), want, out)
			}
		}
	}
	if len(dropped) != 1 || dropped[0] != "tools.web_search" {
		t.Errorf("dropped %v", dropped)
	}
	back, err := openairesponses.Dialect{}.BuildRequest(r)
	if err != nil || !bytes.Contains(back, []byte(tools[strings.Index(tools, `{"type":"namespace"`):])) || bytes.Contains(back, []byte("--")) {
		t.Errorf("in its own dialect: %s, %v", back, err)
	}

	answer := chat.Response{ID: "msg_1", Model: "claude", Finish: chat.FinishTools, Parts: []chat.Part{
		{Kind: chat.ToolCall, ID: "t1", Name: "agents--ns--spawn", Args: json.RawMessage(`{"a":1}`)},
		{Kind: chat.ToolCall, ID: "t2", Name: "apply_patch--free", Args: json.RawMessage(`{"input":"*** \"x\"\n"}`)},
	}}
	var stream []byte
	w := openairesponses.Dialect{}.NewWriter(true)
	for _, e := range unfold(answer) {
		stream = w.Append(stream, e)
	}
	for _, whole := range [][]byte{openairesponses.Dialect{}.AppendResponse(nil, answer), finalAnswer(t, stream)} {
		for _, want := range []string{
			`"arguments":"{\"a\":1}","call_id":"t1","name":"spawn","namespace":"agents"`,
			`"type":"custom_tool_call","status":"completed","call_id":"t2","name":"apply_patch","input":"*** \"x\"\n"`,
		} {
			if !bytes.Contains(whole, []byte(want)) {
				t.Errorf("no %s in %s", want, whole)
			}
		}
	}
	if out := (openairesponses.Cursor{}).AppendResponse(nil, answer); bytes.Contains(out, []byte("--")) || !bytes.Contains(out, []byte(`"name":"apply_patch"`)) {
		t.Errorf("%s", out)
	}
}

func TestBadRequestsNameTheField(t *testing.T) {
	t.Parallel()
	for body, field := range map[string]string{
		`{"model":"m"}`:             "input",
		`{"model":"m","input":7}`:   "input",
		`{"model":"m","input":[7]}`: "input.0",
		`{"model":"m","input":[{"role":"wizard","content":"x"}]}`:                          "input.0.role",
		`{"model":"m","input":[{"role":"user","content":7}]}`:                              "input.0.content",
		`{"model":"m","input":[{"role":"user","content":[{}]}]}`:                           "input.0.content.0",
		`{"model":"m","input":[{"role":"user","content":[{"type":"input_image"}]}]}`:       "input.0.content.0",
		`{"model":"m","input":[{"type":"function_call_output","output":"x"}]}`:             "input.0.call_id",
		`{"model":"m","input":[{"type":"function_call_output","call_id":"c","output":7}]}`: "input.0.output",
		`{"model":"m","input":"Q","temperature":"hot"}`:                                    "temperature",
		`{"model":"m","input":"Q","tools":[7]}`:                                            "tools.0",
		`{"model":"m","input":"Q","tool_choice":"maybe"}`:                                  "tool_choice",
		`{"model":"m","input":"Q","text":{"format":{"type":"json_schema"}}}`:               "text.format.schema",
		`{"model":"m","input":"Q","reasoning":{"effort":7}}`:                               "reasoning.effort",
		`{"model":"m","input":"Q","include":"x"}`:                                          "include",
		`{"input":"Q"}`: "model",
	} {
		_, err := openairesponses.Dialect{}.ParseRequest([]byte(body))
		var f *fault.Error
		if !errors.Is(err, provider.ErrBody) || !errors.As(err, &f) || f.Field != field {
			t.Errorf("%s: err = %v, want the field %s", body, err, field)
		}
	}
}

// The end of a call that another dialect's client makes: not stored, not strict, with its reasoning to come back.
func TestAForeignCallIsNotStored(t *testing.T) {
	t.Parallel()
	r, err := anthropic.Dialect{}.ParseRequest([]byte(`{"model":"m","max_tokens":9000,"system":"S","thinking":{"type":"enabled","budget_tokens":8192},` +
		`"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"},"messages":[{"role":"user","content":[{"type":"text","text":"Q"},` +
		`{"type":"document","source":{"type":"url","url":"https://x/y.pdf"}}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Model = "gpt-5"
	out, err := openairesponses.Dialect{}.BuildRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"store":false`, `"include":["reasoning.encrypted_content"]`, `"reasoning":{"effort":"medium","summary":"auto"}`, `"strict":false`, `"instructions":"S"`,
		`"max_output_tokens":9000`, `"tool_choice":"required"`, `"file_url":"https://x/y.pdf"`,
	} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	r.Model = "gpt-4o"
	if out, _ = (openairesponses.Dialect{}).BuildRequest(r); bytes.Contains(out, []byte(`"reasoning`)) {
		t.Errorf("a model that does not think is asked to: %s", out)
	}
}

func TestAChatClientKeepsWhatBothAPIsOfOpenAIHave(t *testing.T) {
	t.Parallel()
	r, err := openaichat.Dialect{}.ParseRequest([]byte(`{"model":"gpt-5","verbosity":"low","metadata":{"a":"b"},"store":true,"prompt_cache_key":"k","reasoning_effort":"minimal",` +
		`"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}},"messages":[{"role":"user","content":"Q"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	out, err := openairesponses.Dialect{}.BuildRequest(r)
	want := `{"model":"gpt-5","input":[{"content":"Q","role":"user"}],"text":{"format":{"name":"n","schema":{"type":"object"},"strict":true,"type":"json_schema"},"verbosity":"low"},` +
		`"reasoning":{"effort":"minimal"},"include":["reasoning.encrypted_content"],"metadata":{"a":"b"},"prompt_cache_key":"k","store":true}`
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}

func TestACallIDThatIsTooLongFindsItsResult(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 80)
	r := request(t, `{"model":"m","input":[{"type":"function_call","call_id":"`+long+`","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"`+long+`","output":"ok"}]}`)
	out, err := openairesponses.Dialect{}.BuildRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Input []struct {
			CallID string `json:"call_id"`
		}
	}
	if err := json.Unmarshal(out, &body); err != nil || len(body.Input) != 2 || len(body.Input[0].CallID) > 64 || body.Input[0].CallID != body.Input[1].CallID {
		t.Errorf("%s", out)
	}
}

// The failure is told where the SDKs look (an event with an error) and where Codex looks (response.failed).
func TestAFailureInAStreamIsToldInAllForms(t *testing.T) {
	t.Parallel()
	out := openairesponses.Dialect{}.AppendStreamError(nil, provider.Problem{Status: 502, Code: "provider.failed", Message: "It broke.", CallID: "call_1"})
	for _, want := range []string{"event: error\ndata: {\"type\":\"error\"", "event: response.failed\ndata: {\"type\":\"response.failed\""} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	var events []map[string]json.RawMessage
	for _, line := range strings.Split(string(out), "\n") {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var v map[string]json.RawMessage
			if err := json.Unmarshal([]byte(data), &v); err != nil {
				t.Fatal(err)
			}
			events = append(events, v)
		}
	}
	if len(events) != 2 || text(events[0]["type"]) != "error" || text(events[0]["message"]) != "It broke." || !bytes.Contains(events[0]["error"], []byte(`"request_id":"call_1"`)) {
		t.Fatalf("%s", out)
	}
	var r struct {
		Status string
		Error  struct{ Code, Message string }
	}
	if err := json.Unmarshal(events[1]["response"], &r); err != nil || text(events[1]["type"]) != "response.failed" || r.Status != "failed" || r.Error.Code != "server_error" {
		t.Errorf("%s", events[1]["response"])
	}
}

func TestTheEndUserIsFoundUnderBothNames(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"model":"m","safety_identifier":"new"}`:              "new",
		`{"model":"m","user":"old"}`:                           "old",
		`{"model":"m","safety_identifier":"new","user":"old"}`: "old",
		`{"model":"m","user":"old","safety_identifier":"new"}`: "old",
	} {
		for _, d := range []provider.Client{openairesponses.Dialect{}, openairesponses.Cursor{}, openairesponses.Count{}, openaichat.Dialect{}} {
			if h, err := d.Probe([]byte(body), provider.Line{}); err != nil || h.User != want {
				t.Errorf("%s %s: %q, %v", d.Name(), body, h.User, err)
			}
		}
	}
}

func TestCursorsMixtureIsKnownByItsInput(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"model":"m","input":[{"role":"user","content":"Q"}],"stream":true}`:                      true,
		`{"model":"m","messages":[{"role":"user","content":"Q"}]}`:                                 false,
		`{"model":"m","input":"x","messages":[]}`:                                                  false,
		`{"model":"m","messages":[{"role":"user","content":"\"input\""}],"tools":[{"input":"x"}]}`: false,
		`{"model":"m","tools":[{"input":1}]}`:                                                      false,
		`{"model":"m","input":"say \"messages\"","tools":[{"properties":{"messages":{}}}]}`:        true,
		`[]`: false, ``: false, `{`: false,
	} {
		if got := openairesponses.IsCursor([]byte(body)); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
}

func TestCursorsMixtureIsReadAndAnsweredAsChat(t *testing.T) {
	t.Parallel()
	body := []byte(`{"model":"m","user":"u","input":[{"role":"system","content":"S"},{"role":"user","content":[{"type":"input_text","text":"Q"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},` +
		`{"type":"function_call_output","call_id":"c","output":"ok"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}},{"type":"function","name":"g","parameters":{"type":"object"}}],` +
		`"max_tokens":100,"reasoning_effort":"low","stream":true,"stream_options":{"include_usage":true},"tollgate":{},"text":{"verbosity":"low"},"include":["reasoning.encrypted_content"],"store":false}`)
	d := openairesponses.Cursor{}
	h, err := d.Probe(body, provider.Line{})
	if err != nil || h.Model != "m" || !h.Stream || !h.IncludeUsage || h.MaxTokens != 100 || h.User != "u" || h.Tollgate == nil {
		t.Fatalf("%+v, %v", h, err)
	}
	r, err := d.ParseRequest(body)
	if err != nil || r.MaxTokens != 100 || !r.IncludeUsage {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, to := range append([]providertest.Both{openairesponses.Dialect{}}, others...) {
		out, err := to.BuildRequest(r)
		if err != nil || !json.Valid(out) || bytes.Contains(out, []byte("stream_options\":{\"include_usage\":true},\"include")) {
			t.Errorf("%s: %s, %v", to.Name(), out, err)
		}
		again, err := to.ParseRequest(out)
		if err != nil || len(again.Tools) != 2 || again.Tools[0].Name != "f" || again.Tools[1].Name != "g" {
			t.Errorf("%s: %s, %v", to.Name(), out, err)
		}
	}
	answer := d.AppendResponse(nil, chat.Response{ID: "resp_1", Model: "m", Parts: []chat.Part{{Kind: chat.Text, Text: "A"}}, Finish: chat.FinishStop})
	if !bytes.Contains(answer, []byte(`"object":"chat.completion"`)) {
		t.Errorf("%s", answer)
	}
	if out := d.NewWriter(true).Append(nil, chat.Event{Kind: chat.Start, ID: "resp_1"}); !bytes.Contains(out, []byte("chat.completion.chunk")) {
		t.Errorf("%s", out)
	}
}
