package bedrock_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/aws"
	"tollgate/internal/provider/bedrock"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

// plainUsage is what a recording says about tokens, found without our reader.
type plainUsage struct {
	In, Out, Read, Written int64
}

func usageIn(t *testing.T, body []byte) plainUsage {
	t.Helper()
	var o struct {
		Usage *struct {
			Input  int64 `json:"inputTokens"`
			Output int64 `json:"outputTokens"`
			Total  int64 `json:"totalTokens"`
			Read   int64 `json:"cacheReadInputTokens"`
			Write  int64 `json:"cacheWriteInputTokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal(body, &o); err != nil || o.Usage == nil {
		t.Fatalf("no usage: %v", err)
	}
	u := o.Usage
	if u.Total != u.Input+u.Output+u.Read+u.Write {
		t.Errorf("a total of %d is not the sum of %+v: the classes are not disjoint", u.Total, u)
	}
	return plainUsage{u.Input, u.Output, u.Read, u.Write}
}

func usageOf(u chat.Units) plainUsage {
	return plainUsage{u[chat.Input], u[chat.Output], u[chat.CacheRead], u[chat.CacheWrite5m] + u[chat.CacheWrite1h]}
}

// frames cuts a recording without our reader.
func frames(t *testing.T, body []byte) (payloads [][]byte, names []string) {
	t.Helper()
	for at := 0; at < len(body); {
		total, headers := int(binary.BigEndian.Uint32(body[at:])), int(binary.BigEndian.Uint32(body[at+4:]))
		head := body[at+12 : at+12+headers]
		i := bytes.Index(head, []byte(":event-type")) + len(":event-type") + 1
		n := int(binary.BigEndian.Uint16(head[i:]))
		names = append(names, string(head[i+2:i+2+n]))
		payloads = append(payloads, body[at+12+headers:at+total-4])
		at += total
	}
	return payloads, names
}

func converse(t *testing.T) []providertest.Case {
	return providertest.Recorded(t, "bedrock-converse")
}

func TestRecordedAnswersOfConverse(t *testing.T) {
	t.Parallel()
	for _, c := range converse(t) {
		if c.Kind != "json" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Status != http.StatusOK {
				r := bedrock.Converse{}.ParseRefusal(c.Status, nil, c.Response)
				if r.Message == "" || r.Class == provider.ClassServer {
					t.Errorf("%+v", r)
				}
				t.Logf("%d %s: %s", c.Status, r.Class, r.Message)
				return
			}
			r := providertest.AgreeWhole(t, bedrock.Converse{}, c.Response)
			if diff := cmp.Diff(usageIn(t, c.Response), usageOf(r.Usage.Units)); diff != "" {
				t.Errorf("usage (-want +got):\n%s", diff)
			}
			checkSaid(t, c, r)
			crosses(t, r)
		})
	}
}

// checkSaid compares text and calls with what stands in the recording.
func checkSaid(t *testing.T, c providertest.Case, r chat.Response) {
	t.Helper()
	var o struct {
		Output struct {
			Message struct {
				Content []struct {
					Text      string
					ToolUse   *struct{ Name, Type string } `json:"toolUse"`
					Reasoning *struct {
						Text struct{ Text, Signature string } `json:"reasoningText"`
					} `json:"reasoningContent"`
				}
			}
		}
		StopReason string `json:"stopReason"`
	}
	if err := json.Unmarshal(c.Response, &o); err != nil {
		t.Fatal(err)
	}
	var want, got said
	for _, b := range o.Output.Message.Content {
		want.Text += b.Text
		if b.ToolUse != nil && b.ToolUse.Type == "" {
			want.Calls = append(want.Calls, b.ToolUse.Name)
		}
		if b.Reasoning != nil {
			want.Reasoning += b.Reasoning.Text.Text
			want.Signature += b.Reasoning.Text.Signature
		}
	}
	got = saidOf(r)
	got.Redacted = ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Finish == chat.FinishOther || r.Finish == chat.FinishNotGiven {
		t.Errorf("finish %q of %q", r.Finish, o.StopReason)
	}
}

type said struct {
	Text, Reasoning, Signature, Redacted string
	Calls                                []string
}

func saidOf(r chat.Response) (s said) {
	for _, p := range r.Parts {
		switch p.Kind {
		case chat.Text:
			s.Text += p.Text
		case chat.Thinking:
			s.Reasoning += p.Text
			s.Signature += p.Signature
		case chat.Redacted:
			s.Redacted += p.Data
		case chat.ToolCall:
			s.Calls = append(s.Calls, p.Name)
		}
	}
	return s
}

// crosses writes an answer for the clients of other dialects: nothing that they would miss is lost.
func crosses(t *testing.T, r chat.Response) {
	t.Helper()
	for _, d := range []providertest.Both{openaichat.Dialect{}, anthropic.Dialect{}} {
		again, err := d.ParseResponse(d.AppendResponse(nil, r))
		if err != nil {
			t.Fatal(err)
		}
		want, got := saidOf(r), saidOf(again)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", d.Name(), diff)
		}
		if r.Usage.Units.InputTotal() != again.Usage.Units.InputTotal() || r.Usage.Units.OutputTotal() != again.Usage.Units.OutputTotal() {
			t.Errorf("%s: usage %+v became %+v", d.Name(), r.Usage, again.Usage)
		}
	}
}

func TestRecordedStreamsOfConverse(t *testing.T) {
	t.Parallel()
	n := 0
	for _, c := range converse(t) {
		if c.Kind != "bin" {
			continue
		}
		n++
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r := providertest.AgreeStream(t, bedrock.Converse{}, c.Response)
			for _, size := range []int{1, 7, 100, 4096} {
				events := providertest.InChunks(t, bedrock.Converse{}, c.Response, size)
				again, err := providertest.Fold(events)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(r, again); diff != "" {
					t.Fatalf("pieces of %d:\n%s", size, diff)
				}
			}
			var want said
			payloads, names := frames(t, c.Response)
			for i, p := range payloads {
				var o struct {
					Start struct {
						ToolUse *struct{ Name, Type string } `json:"toolUse"`
					}
					Delta struct {
						Text      string
						Reasoning struct{ Text, Signature string } `json:"reasoningContent"`
					}
				}
				if err := json.Unmarshal(p, &o); err != nil {
					t.Fatal(err)
				}
				want.Text += o.Delta.Text
				want.Reasoning += o.Delta.Reasoning.Text
				want.Signature += o.Delta.Reasoning.Signature
				if o.Start.ToolUse != nil && o.Start.ToolUse.Type == "" {
					want.Calls = append(want.Calls, o.Start.ToolUse.Name)
				}
				if names[i] == "metadata" {
					if diff := cmp.Diff(usageIn(t, p), usageOf(r.Usage.Units)); diff != "" {
						t.Errorf("usage (-want +got):\n%s", diff)
					}
				}
			}
			got := saidOf(r)
			if bytes.Contains(c.Response, []byte("redactedContent")) != (got.Redacted != "") {
				t.Errorf("opaque reasoning: %q", got.Redacted)
			}
			got.Redacted = ""
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			streamCrosses(t, c.Response)
		})
	}
	t.Logf("%d streams", n)
}

// streamCrosses is crosses for a stream.
func streamCrosses(t *testing.T, body []byte) {
	t.Helper()
	events, err := providertest.Read(bedrock.Converse{}.NewReader(), body)
	if err != nil {
		t.Fatal(err)
	}
	want, err := providertest.Fold(events)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []providertest.Both{openaichat.Dialect{}, anthropic.Dialect{}} {
		var out []byte
		w := d.NewWriter(true)
		for _, e := range events {
			out = w.Append(out, e)
		}
		again, err := providertest.Read(d.NewReader(), out)
		if err != nil {
			t.Fatal(err)
		}
		got, err := providertest.Fold(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(saidOf(want), saidOf(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", d.Name(), diff)
		}
		if want.Usage.Units.InputTotal() != got.Usage.Units.InputTotal() || want.Usage.Units.OutputTotal() != got.Usage.Units.OutputTotal() {
			t.Errorf("%s: usage %+v became %+v", d.Name(), want.Usage, got.Usage)
		}
	}
}

// What clients of Converse sent, said by clients of other dialects, is built again: what the recordings hold of these members is in
// what we would send.
func TestRecordedRequestsOfConverseCanBeSaid(t *testing.T) {
	t.Parallel()
	for _, c := range converse(t) {
		if c.Request == nil {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			var in map[string]any
			if err := json.Unmarshal(c.Request, &in); err != nil {
				t.Fatal(err)
			}
			r, ok := neutral(t, in)
			if !ok {
				t.Logf("holds what no other dialect can say")
				return
			}
			built, err := bedrock.Converse{}.BuildRequest(r)
			if err != nil {
				t.Fatal(err)
			}
			var out map[string]any
			if err := json.Unmarshal(built, &out); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"messages", "system"} {
				if diff := cmp.Diff(tidy(in[name]), tidy(out[name])); diff != "" {
					t.Errorf("%s (-recorded +built):\n%s", name, diff)
				}
			}
		})
	}
}

// neutral turns a recorded body into the neutral request that it stands for; false where it has blocks that are Converse's alone.
func neutral(t *testing.T, in map[string]any) (chat.Request, bool) {
	r := chat.Request{Model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0"}
	ok := true
	parts := func(list any) (out []chat.Part) {
		blocks, _ := list.([]any)
		for _, b := range blocks {
			p, known := neutralPart(t, b.(map[string]any))
			if _, point := b.(map[string]any)["cachePoint"]; point && len(out) > 0 {
				out[len(out)-1].Cache = json.RawMessage(`{"type":"ephemeral"}`)
				continue
			}
			ok = ok && known
			out = append(out, p)
		}
		return out
	}
	r.System = parts(in["system"])
	for _, m := range in["messages"].([]any) {
		o := m.(map[string]any)
		r.Messages = append(r.Messages, chat.Message{Role: chat.Role(o["role"].(string)), Parts: parts(o["content"])})
	}
	return r, ok
}

func neutralPart(t *testing.T, b map[string]any) (chat.Part, bool) {
	t.Helper()
	text := func(o any, name string) string { s, _ := o.(map[string]any)[name].(string); return s }
	if s, ok := b["text"].(string); ok {
		return chat.Part{Kind: chat.Text, Text: s}, true
	}
	if o, ok := b["reasoningContent"].(map[string]any); ok && o["reasoningText"] != nil {
		return chat.Part{Kind: chat.Thinking, Text: text(o["reasoningText"], "text"), Signature: text(o["reasoningText"], "signature")}, true
	}
	if o, ok := b["toolUse"].(map[string]any); ok {
		args, err := json.Marshal(o["input"])
		return chat.Part{Kind: chat.ToolCall, ID: text(o, "toolUseId"), Name: text(o, "name"), Args: args}, err == nil
	}
	if o, ok := b["toolResult"].(map[string]any); ok {
		p := chat.Part{Kind: chat.ToolResult, ID: text(o, "toolUseId"), IsError: text(o, "status") == "error"}
		for _, inner := range o["content"].([]any) {
			in, known := neutralPart(t, inner.(map[string]any))
			if !known {
				return p, false
			}
			p.Parts = append(p.Parts, in)
		}
		return p, true
	}
	if o, ok := b["image"].(map[string]any); ok {
		return media(chat.Image, "image/", o)
	}
	if o, ok := b["document"].(map[string]any); ok && text(o, "format") == "pdf" {
		p, ok := media(chat.Document, "application/", o)
		p.Name = text(o, "name")
		return p, ok
	}
	return chat.Part{}, false
}

func media(kind chat.PartKind, prefix string, o map[string]any) (chat.Part, bool) {
	p := chat.Part{Kind: kind, MediaType: prefix + o["format"].(string)}
	source := o["source"].(map[string]any)
	p.Data, _ = source["bytes"].(string)
	if at, ok := source["s3Location"].(map[string]any); ok {
		p.URL, _ = at["uri"].(string)
	}
	return p, p.Data != "" || p.URL != ""
}

// tidy leaves out what means nothing: a result's word that all went well, and a list of nothing.
func tidy(v any) any {
	switch x := v.(type) {
	case map[string]any:
		if x["status"] == "success" {
			delete(x, "status")
		}
		for k, in := range x {
			x[k] = tidy(in)
		}
	case []any:
		if len(x) == 0 {
			return nil
		}
		for i, in := range x {
			x[i] = tidy(in)
		}
		x = slices.DeleteFunc(x, func(v any) bool { o, ok := v.(map[string]any); return ok && o["cachePoint"] != nil && len(o) == 0 })
		return x
	}
	return v
}

func TestRecordedCountsAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range providertest.Recorded(t, "bedrock-count-tokens") {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Status != http.StatusOK {
				if r := (bedrock.Count{}).ParseRefusal(c.Status, nil, c.Response); r.Message == "" || r.Class == provider.ClassServer {
					t.Errorf("%+v", r)
				}
				return
			}
			n, err := bedrock.Count{}.ParseResponse(c.Response)
			if err != nil || n.Input == 0 || !bytes.Contains(c.Response, []byte(`"inputTokens"`)) {
				t.Errorf("%+v, %v", n, err)
			}
		})
	}
}

// The checksums of real frames are right, and ours is the reader that says so.
func TestRecordedFramesAreWhole(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"bedrock-converse", "bedrock-invoke"} {
		for _, c := range providertest.Recorded(t, dialect) {
			if c.Kind != "bin" {
				continue
			}
			payloads, names := frames(t, c.Response)
			var s aws.Frames
			i := 0
			err := s.Feed(c.Response, func(f aws.Frame) error {
				if f.Failed() || f.Name != names[i] || !bytes.Equal(f.Payload, payloads[i]) {
					t.Errorf("%s: frame %d is %s", c.Name, i, f.Name)
				}
				i++
				return nil
			})
			if err != nil || s.Partial() || i != len(names) {
				t.Errorf("%s: %d of %d frames, %v", c.Name, i, len(names), err)
			}
		}
	}
}

func TestRecordedEmbeddingsAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range providertest.Recorded(t, "bedrock-invoke") {
		if !strings.Contains(c.Name, "embed") {
			continue
		}
		a, err := bedrock.Titan{}.ParseResponse(c.Response)
		if err != nil || len(a.Vectors) != 1 {
			t.Errorf("%s: %d vectors, %v", c.Name, len(a.Vectors), err)
		}
		if seen := (bedrock.Titan{}).Inspect(c.Response); !seen.Ended || seen.Usage != a.Usage {
			t.Errorf("%s: saw %+v", c.Name, seen)
		}
	}
}
