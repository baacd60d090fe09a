package cohere_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/cohere"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

func TestChat(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.ExerciseTarget(t, cohere.Chat{}, "chat", ".sse",
		providertest.Source{Suffix: ".openai.json", Reads: openaichat.Dialect{}, How: chat.Encoding{ReplayReasoning: true}},
		providertest.Source{Suffix: ".anthropic.json", Reads: anthropic.Dialect{}})
}

// said is what a plain look at a recording finds.
type said struct {
	text, thinking, args string
	calls                int
}

func plainly(t *testing.T, c providertest.Case) (s said, failed bool) {
	t.Helper()
	type content struct{ Text, Thinking string }
	type call struct{ Function struct{ Arguments string } }
	if c.Kind == "json" {
		var o struct {
			Message struct {
				Content   []content
				ToolPlan  string `json:"tool_plan"`
				ToolCalls []call `json:"tool_calls"`
			}
		}
		if err := json.Unmarshal(c.Response, &o); err != nil {
			t.Fatal(err)
		}
		for _, p := range o.Message.Content {
			s.text += p.Text
			s.thinking += p.Thinking
		}
		s.thinking += o.Message.ToolPlan
		for _, tc := range o.Message.ToolCalls {
			s.args += strings.TrimPrefix(tc.Function.Arguments, "null")
			s.calls++
		}
		return s, false
	}
	for line := range bytes.Lines(c.Response) {
		data, ok := bytes.CutPrefix(line, []byte("data:"))
		var o struct {
			Type  string
			Delta struct {
				Finish  string `json:"finish_reason"`
				Message struct {
					Content   json.RawMessage
					ToolPlan  string          `json:"tool_plan"`
					ToolCalls json.RawMessage `json:"tool_calls"`
				}
			}
		}
		if !ok || json.Unmarshal(data, &o) != nil {
			continue
		}
		var p content
		var tc call
		_ = json.Unmarshal(o.Delta.Message.Content, &p)
		_ = json.Unmarshal(o.Delta.Message.ToolCalls, &tc)
		s.text += p.Text
		s.thinking += p.Thinking + o.Delta.Message.ToolPlan
		s.args += tc.Function.Arguments
		if o.Type == "tool-call-start" {
			s.calls++
		}
		failed = failed || o.Delta.Finish == "ERROR"
	}
	return s, failed
}

func TestRecordedChats(t *testing.T) {
	t.Parallel()
	d := cohere.Chat{}
	for _, c := range providertest.Recorded(t, "cohere-chat-v2") {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Status != 200 {
				if r := d.ParseRefusal(c.Status, nil, c.Response); r.Class != provider.ClassContext || r.Type != "TOO_MANY_TOKENS" {
					t.Errorf("%+v", r)
				}
				return
			}
			want, failed := plainly(t, c)
			if failed {
				events, err := providertest.Read(d.NewReader(), c.Response)
				var refusal *provider.Refusal
				if err != nil || !errors.As(events[len(events)-1].Err, &refusal) || !refusal.Class.Retryable() {
					t.Errorf("%v, %+v", err, refusal)
				}
				return
			}
			var got chat.Response
			if c.Kind == "json" {
				got = providertest.AgreeWhole(t, d, c.Response)
			} else {
				got = providertest.AgreeStream(t, d, c.Response)
				providertest.InChunks(t, d, c.Response, 7)
			}
			var s said
			for _, p := range got.Parts {
				switch p.Kind {
				case chat.Text:
					s.text += p.Text
				case chat.Thinking:
					s.thinking += p.Text
				case chat.ToolCall:
					s.args += string(p.Args)
					s.calls++
					if p.ID == "" || p.Name == "" {
						t.Errorf("a call without a name: %+v", p)
					}
				}
			}
			if s != want {
				t.Errorf("read %+v, want %+v", s, want)
			}
			if got.ID == "" || got.Usage.Units.InputTotal() == 0 || got.Usage.Units.OutputTotal() == 0 {
				t.Errorf("%+v", got)
			}
			if (s.calls > 0) != (got.Finish == chat.FinishTools) {
				t.Errorf("%d calls, finish %s", s.calls, got.Finish)
			}
		})
	}
}

// Whatever bytes come, nothing falls over, and a stream ends in one way only.
func FuzzChat(f *testing.F) {
	f.Add([]byte("event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\",\"usage\":{}}}\n\n"))
	f.Add([]byte("data: {\"type\":\"tool-call-start\",\"index\":1,\"delta\":{\"message\":{\"tool_calls\":{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"n\"}}}}}\n\n"))
	f.Add([]byte(`{"id":"x","message":{"content":[{"type":"text","text":"a"}],"citations":[{"content_index":9}]},"finish_reason":"COMPLETE"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := cohere.Chat{}
		for c, n := range d.Inspect(body).Usage.Units {
			if n < 0 {
				t.Fatalf("class %d is %d", c, n)
			}
		}
		_, _ = d.ParseResponse(body)
		providertest.Followed(d, body)
		events, err := providertest.Read(d.NewReader(), body)
		if err != nil {
			return
		}
		if last := events[len(events)-1].Kind; last != chat.End && last != chat.Failure {
			t.Fatalf("the last event is of kind %d", last)
		}
		if _, err := providertest.Fold(events); err != nil && events[len(events)-1].Kind == chat.End {
			t.Fatal(err)
		}
	})
}

func TestCoheresOwnStatusesHaveTheirClass(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]provider.Class{498: provider.ClassContent, 501: provider.ClassInvalid, 499: provider.ClassInvalid, 503: provider.ClassOverloaded} {
		r := cohere.Chat{}.ParseRefusal(status, nil, []byte(`{"id":"x","message":"No.","error_type":"BLOCKED"}`))
		if r.Class != want || r.Type != "BLOCKED" || r.Message != "No." {
			t.Errorf("%d: %+v, want %s", status, r, want)
		}
	}
}
