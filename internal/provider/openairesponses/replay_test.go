package openairesponses_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/openairesponses"
	"tollgate/internal/provider/providertest"
)

const reasoned = `{"id":"resp_1","status":"completed","model":"gpt-5","output":[{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"gAAA"},` +
	`{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"gBBB"},{"type":"function_call","call_id":"call_1","name":"f","arguments":"{}"}]}`

// replayed are a client's next turns with an answer as it got it, whole or streamed.
func replayed(t *testing.T, client providertest.Both, answer chat.Response, streamed bool) []byte {
	t.Helper()
	body := client.AppendResponse(nil, answer)
	if streamed { // what an SDK puts together is the same answer: our own reader stands for it
		w := client.NewWriter(true)
		var wire []byte
		for _, e := range unfold(answer) {
			wire = w.Append(wire, e)
		}
		if client.Name() == provider.OpenAIResponses {
			body = finalAnswer(t, wire)
		} else {
			events, err := providertest.Read(client.NewReader(), wire)
			if err != nil {
				t.Fatal(err)
			}
			again, err := providertest.Fold(events)
			if err != nil {
				t.Fatal(err)
			}
			body = client.AppendResponse(nil, again)
		}
	}
	var v struct {
		Choices []struct{ Message json.RawMessage }
		Content json.RawMessage
		Output  []json.RawMessage
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	switch client.Name() {
	case provider.OpenAIChat:
		return []byte(`{"model":"m","messages":[{"role":"user","content":"Q"},` + string(v.Choices[0].Message) + `,{"role":"tool","tool_call_id":"call_1","content":"ok"}]}`)
	case provider.AnthropicMessages:
		return []byte(`{"model":"m","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":2000},"tools":[{"name":"f","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":` +
			string(v.Content) + `},{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"ok"}]}]}`)
	default:
		items := []json.RawMessage{json.RawMessage(`{"role":"user","content":"Q"}`)}
		items = append(items, v.Output...)
		items = append(items, json.RawMessage(`{"type":"function_call_output","call_id":"call_1","output":"ok"}`))
		raw, err := json.Marshal(items)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(`{"model":"m","tools":[{"type":"function","name":"f","parameters":{"type":"object"}}],"reasoning":{"effort":"high"},"input":` + string(raw) + `}`)
	}
}

// finalAnswer is the answer in a stream's last event, which is what clients of this dialect keep.
func finalAnswer(t *testing.T, wire []byte) []byte {
	t.Helper()
	if err := checkStream(wire); err != nil {
		t.Fatal(err)
	}
	_, last, ok := bytes.Cut(wire, []byte("event: response.completed\ndata: "))
	var v struct{ Response json.RawMessage }
	if !ok || json.Unmarshal(last, &v) != nil {
		t.Fatalf("no answer in %s", wire)
	}
	return v.Response
}

// unfold makes the stream that an answer would have been.
func unfold(r chat.Response) []chat.Event {
	events := []chat.Event{{Kind: chat.Start, ID: r.ID, Model: r.Model}}
	for i, p := range r.Parts {
		start := p
		start.Text, start.Args = "", nil
		if p.Kind != chat.ToolCall {
			start.Signature = ""
		}
		events = append(events, chat.Event{Kind: chat.BlockStart, Index: i, Part: start})
		if p.Text != "" {
			events = append(events, chat.Event{Kind: chat.TextDelta, Index: i, Text: p.Text})
		}
		if len(p.Args) > 0 {
			events = append(events, chat.Event{Kind: chat.ArgsDelta, Index: i, Text: string(p.Args)})
		}
		if p.Kind != chat.ToolCall && p.Signature != "" {
			events = append(events, chat.Event{Kind: chat.SignDelta, Index: i, Text: p.Signature})
		}
		events = append(events, chat.Event{Kind: chat.BlockStop, Index: i})
	}
	return append(events, chat.Event{Kind: chat.Finish, Reason: r.Finish}, chat.Event{Kind: chat.End})
}

// What this API encrypted comes back to it through clients of any dialect, and to nobody else.
func TestOwnReasoningComesBackThroughEveryClient(t *testing.T) {
	t.Parallel()
	own := openairesponses.Dialect{}
	answer, err := own.ParseResponse([]byte(reasoned))
	if err != nil {
		t.Fatal(err)
	}
	for _, client := range append([]providertest.Both{own}, others...) {
		for _, streamed := range []bool{false, true} {
			r, err := client.ParseRequest(replayed(t, client, answer, streamed))
			if err != nil {
				t.Fatal(err)
			}
			r.Model = "gpt-5"
			out, err := own.BuildRequest(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{`"encrypted_content":"gAAA"`, `"encrypted_content":"gBBB"`, `"id":"rs_1"`, `"id":"rs_2"`, `"text":"Hm."`} {
				if !bytes.Contains(out, []byte(want)) {
					t.Errorf("%s, streamed %v: no %s in %s", client.Name(), streamed, want, out)
				}
			}
			for _, to := range others {
				r.Encoding.ReplayReasoning = true
				if out, err := to.BuildRequest(r); err != nil || bytes.Contains(out, []byte("gAAA")) || bytes.Contains(out, []byte("gBBB")) {
					t.Errorf("%s, streamed %v: to %s goes %s (%v)", client.Name(), streamed, to.Name(), out, err)
				}
			}
		}
	}
}

// What another provider signed comes back to it through clients of this dialect, and this API never gets it.
func TestForeignReasoningComesBackThroughThisDialectsClients(t *testing.T) {
	t.Parallel()
	own := openairesponses.Dialect{}
	answer := chat.Response{ID: "msg_1", Model: "claude", Finish: chat.FinishTools, Parts: []chat.Part{
		{Kind: chat.Thinking, Text: "Six times seven.", Signature: "c2ln"},
		{Kind: chat.Redacted, Data: "b3BhcXVl"},
		{Kind: chat.Redacted, Data: "gemini:next:Zw", Extra: map[string]json.RawMessage{"gemini": json.RawMessage(`{"a":1}`)}},
		{Kind: chat.ToolCall, ID: "call_1", Name: "f", Args: json.RawMessage(`{"a":6}`), Signature: "of-the-call"},
	}}
	for _, streamed := range []bool{false, true} {
		body := replayed(t, own, answer, streamed)
		r, err := own.ParseRequest(body)
		if err != nil {
			t.Fatal(err)
		}
		got := r.Messages[1].Parts
		for i := range got {
			got[i].Path = ""
		}
		if diff := cmp.Diff(answer.Parts, got); diff != "" {
			t.Errorf("streamed %v (-want +got):\n%s", streamed, diff)
		}
		r.Model = "claude-sonnet-4-5"
		out, err := anthropic.Dialect{}.BuildRequest(r)
		if err != nil || !bytes.Contains(out, []byte(`"signature":"c2ln"`)) || !bytes.Contains(out, []byte(`"data":"b3BhcXVl"`)) || bytes.Contains(out, []byte("gemini")) {
			t.Errorf("streamed %v: %s, %v", streamed, out, err)
		}

		h, err := own.Probe(body, provider.Line{})
		if err != nil {
			t.Fatal(err)
		}
		sent := provider.ApplyEdits(body, own.Edits(body, h, "gpt-5"))
		var v struct {
			Model string
			Input []map[string]any
		}
		if err := json.Unmarshal(sent, &v); err != nil {
			t.Fatalf("%v in %s", err, sent)
		}
		if bytes.Contains(sent, []byte("tollgate:")) || v.Model != "gpt-5" || len(v.Input) != 3 {
			t.Errorf("streamed %v: to this API goes %s", streamed, sent)
		}
	}
}

func TestForeignItemsAreCutOutWhereverTheyStand(t *testing.T) {
	t.Parallel()
	own := openairesponses.Dialect{}
	const n, k = `{"type":"reasoning","summary":[],"encrypted_content":"tollgate:note:e30"}`, `{"role":"user","content":"\"encrypted_content\":\"tollgate:note:\""}`
	for in, want := range map[string]string{
		`[` + n + `]`:                                       `[]`,
		`[` + n + `,` + k + `]`:                             `[` + k + `]`,
		`[` + k + `,` + n + `]`:                             `[` + k + `]`,
		`[` + n + ` , ` + n + ` , ` + k + `]`:               `[` + k + `]`,
		`[ ` + k + ` , ` + n + ` , ` + n + ` , ` + k + ` ]`: `[ ` + k + `   , ` + k + ` ]`,
		`[` + n + `,` + k + `,` + n + `]`:                   `[` + k + `]`,
		`"tollgate:note:"`:                                  `"tollgate:note:"`,
		`[` + k + `]`:                                       `[` + k + `]`,
	} {
		body := []byte(`{"input":` + in + `,"model":"m","tollgate":{}}`)
		h, err := own.Probe(body, provider.Line{})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(provider.ApplyEdits(body, own.Edits(body, h, "x"))); got != `{"input":`+want+`,"model":"x"}` {
			t.Errorf("%s became %s", in, got)
		}
	}
}

// Citations of pages arrive in each dialect's own form.
func TestCitationsCross(t *testing.T) {
	t.Parallel()
	own := openairesponses.Dialect{}
	r, err := own.ParseResponse([]byte(`{"id":"r","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Hi","annotations":[{"type":"url_citation","url":"https://x","title":"T","start_index":0,"end_index":2}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if out := string(openaichat.Dialect{}.AppendResponse(nil, r)); !strings.Contains(out, `"annotations":[{"type":"url_citation","url_citation":{"end_index":2,"start_index":0,"title":"T","url":"https://x"}}]`) {
		t.Errorf("%s", out)
	}
	cited := chat.Response{Parts: []chat.Part{{Kind: chat.Text, Text: "Hé", Extra: map[string]json.RawMessage{
		string(provider.AnthropicMessages): json.RawMessage(`[{"type":"web_search_result_location","url":"https://y","title":"Y","encrypted_index":"e"}]`),
	}}}}
	if out := string(own.AppendResponse(nil, cited)); !strings.Contains(out, `{"end_index":2,"start_index":0,"title":"Y","type":"url_citation","url":"https://y"}`) {
		t.Errorf("%s", out)
	}
}
