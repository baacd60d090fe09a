package providertest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

var dialects = []providertest.Both{openaichat.Dialect{}, anthropic.Dialect{}}

// recorded gives the recordings of a dialect. Mistral's and Writer's are listed under names of their own; we speak openai-chat to them.
func recorded(t *testing.T, d providertest.Both) []providertest.Case {
	t.Helper()
	cases := providertest.Recorded(t, string(d.Name()))
	if d.Name() == provider.OpenAIChat {
		cases = append(cases, providertest.Recorded(t, "mistral-chat")...)
		cases = append(cases, providertest.Recorded(t, "writer-chat")...)
	}
	return cases
}

// score counts passed cases by provider, for the table at the end.
type score map[string]*[2]int

func (s score) run(t *testing.T, c providertest.Case, check func(t *testing.T)) {
	n := s[c.Provider]
	if n == nil {
		n = &[2]int{}
		s[c.Provider] = n
	}
	n[1]++
	if t.Run(c.Name, check) {
		n[0]++
	}
}

func (s score) print(t *testing.T, what string) {
	t.Helper()
	var total [2]int
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, " %s %d/%d", p, s[p][0], s[p][1])
		total[0] += s[p][0]
		total[1] += s[p][1]
	}
	t.Logf("%s: %d/%d:%s", what, total[0], total[1], b.String())
}

func feed(r provider.Reader, body []byte, size int) ([]chat.Event, error) {
	var events []chat.Event
	emit := func(e chat.Event) { events = append(events, e) }
	for len(body) > 0 {
		n := min(size, len(body))
		if err := r.Feed(body[:n], emit); err != nil {
			return events, err
		}
		body = body[n:]
	}
	return events, r.Close(emit)
}

func tapped(d providertest.Both, h provider.Head, body []byte, size int) ([]byte, provider.Seen) {
	tap := d.NewTap(h)
	var out []byte
	for len(body) > 0 {
		n := min(size, len(body))
		out = append(out, tap.Feed(body[:n])...)
		body = body[n:]
	}
	out = append(out, tap.Close()...)
	return out, tap.Seen()
}

// errorAt is where the event that holds an error begins, found by looking at the recording as text.
func errorAt(stream []byte) int {
	at := len(stream)
	for _, mark := range []string{"\nevent: error", "\ndata: {\"error\"", "\"error\":{", "\"error\": {"} {
		if i := bytes.Index(stream, []byte(mark)); i >= 0 {
			at = min(at, i)
		}
	}
	return bytes.LastIndex(stream[:at+1], []byte("\n\n")) + 2
}

// A recorded stream passes byte for byte, whatever the chunks, and what the tap saw is what a plain decoding of the recording finds.
func TestTapForwardsRecordedStreamsUnchanged(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		s := score{}
		for _, c := range recorded(t, d) {
			if c.Kind != "sse" || c.Status != 200 {
				continue
			}
			s.run(t, c, func(t *testing.T) {
				h := provider.Head{Stream: true, IncludeUsage: true}
				for _, size := range []int{1 << 20, 700, 7, 1} {
					if size < 100 && len(c.Response) > 40<<10 {
						continue // a long stream is no other stream
					}
					out, seen := tapped(d, h, c.Response, size)
					want := c.Response
					if seen.Refusal != nil { // everything up to the error, which the gateway tells in its own words
						want = want[:errorAt(want)]
					}
					if !bytes.Equal(out, want) {
						t.Fatalf("chunks of %d: %d bytes of %d came out", size, len(out), len(want))
					}
					checkSeen(t, c, seen)
				}
			})
		}
		s.print(t, string(d.Name())+" tap")
	}
}

func checkSeen(t *testing.T, c providertest.Case, seen provider.Seen) {
	t.Helper()
	want, wantFound := plainUsage(c)
	if wantFound != (seen.Usage.Source == chat.Reported) {
		t.Fatalf("usage found: %v, want %v", seen.Usage.Source, wantFound)
	}
	if diff := cmp.Diff(want, totalsOf(seen.Usage.Units)); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	for i, n := range seen.Usage.Units {
		if n < 0 {
			t.Errorf("class %d is %d", i, n)
		}
	}
	failed := c.Has("error-in-stream")
	if failed != (seen.Refusal != nil) {
		t.Errorf("refusal = %v, want %v", seen.Refusal, failed)
	}
	if !failed && !seen.Ended {
		t.Errorf("a whole answer is not ended: %+v", seen)
	}
}

func TestInspectReadsRecordedAnswers(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		s := score{}
		for _, c := range recorded(t, d) {
			if c.Kind != "json" || c.Status != 200 {
				continue
			}
			s.run(t, c, func(t *testing.T) {
				seen := d.Inspect(c.Response)
				want, wantFound := plainUsage(c)
				if wantFound != (seen.Usage.Source == chat.Reported) {
					t.Fatalf("usage found: %v, want %v", seen.Usage.Source, wantFound)
				}
				if diff := cmp.Diff(want, totalsOf(seen.Usage.Units)); diff != "" {
					t.Errorf("usage (-want +got):\n%s", diff)
				}
				r, err := d.ParseResponse(c.Response)
				if err != nil {
					t.Fatal(err)
				}
				if r.ID != seen.ID || r.Usage != seen.Usage {
					t.Errorf("ParseResponse and Inspect differ: %+v, %+v", r, seen)
				}
				if len(r.Parts) == 0 && seen.OutputBytes > 0 {
					t.Error("no content was read")
				}
			})
		}
		s.print(t, string(d.Name())+" inspect")
	}
}

func TestReaderReadsRecordedStreams(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		s := score{}
		for _, c := range recorded(t, d) {
			if c.Kind != "sse" || c.Status != 200 {
				continue
			}
			s.run(t, c, func(t *testing.T) {
				events, err := feed(d.NewReader(), c.Response, 1<<20)
				if err != nil {
					t.Fatal(err)
				}
				again, err := feed(d.NewReader(), c.Response, 13)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(events, again, cmpErrors()); diff != "" {
					t.Fatalf("events depend on the chunks:\n%s", diff)
				}
				got, err := providertest.Fold(events)
				if c.Has("error-in-stream") {
					var refusal *provider.Refusal
					if !errors.As(err, &refusal) || refusal.Message == "" {
						t.Fatalf("err = %v, want the provider's refusal", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				checkText(t, c, got)
				_, seen := tapped(d, provider.Head{Stream: true}, c.Response, 1<<20)
				if got.Usage != seen.Usage {
					t.Errorf("usage = %+v, the tap saw %+v", got.Usage, seen.Usage)
				}
			})
		}
		s.print(t, string(d.Name())+" reader")
	}
}

func cmpErrors() cmp.Option {
	return cmp.Comparer(func(a, b *provider.Refusal) bool { return a.Error() == b.Error() && a.Class == b.Class })
}

// said is an answer reduced to what a user would miss.
type said struct {
	Text, Reasoning, Refusal string
	Calls                    []call
	Signatures               string
}

type call struct{ ID, Name, Args string }

func saidOf(r chat.Response) said {
	var s said
	for _, p := range r.Parts {
		switch p.Kind {
		case chat.Text:
			s.Text += p.Text
		case chat.Thinking:
			s.Reasoning += p.Text
			s.Signatures += p.Signature
		case chat.Redacted:
			s.Signatures += p.Data
		case chat.Refusal:
			s.Refusal += p.Text
		case chat.ToolCall:
			s.Calls = append(s.Calls, call{p.ID, p.Name, canonical(p.Args)})
		}
	}
	return s
}

func canonical(args []byte) string {
	var v any
	if json.Unmarshal(args, &v) != nil {
		if len(bytes.TrimSpace(args)) == 0 {
			return "{}"
		}
		return string(args)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// checkText compares text, reasoning and arguments with a plain concatenation of the recording's pieces.
func checkText(t *testing.T, c providertest.Case, got chat.Response) {
	t.Helper()
	var text, reasoning, args string
	for _, payload := range payloads(c) {
		var o struct {
			Choices []struct {
				Index int
				Delta struct {
					Content          any
					ReasoningContent string `json:"reasoning_content"`
					Reasoning        string
					ToolCalls        []struct {
						Function struct{ Arguments string }
					} `json:"tool_calls"`
				}
			}
			Block struct{ Text, Thinking string } `json:"content_block"`
			Delta struct {
				Text, Thinking string
				PartialJSON    string `json:"partial_json"`
			}
		}
		if json.Unmarshal(payload, &o) != nil {
			continue
		}
		text += o.Block.Text + o.Delta.Text
		reasoning += o.Block.Thinking + o.Delta.Thinking
		args += o.Delta.PartialJSON
		for _, ch := range o.Choices {
			if s, ok := ch.Delta.Content.(string); ok && ch.Index == 0 {
				text += s
			}
			parts, _ := ch.Delta.Content.([]any)
			for _, part := range parts { // Mistral
				o, _ := part.(map[string]any)
				if s, ok := o["text"].(string); ok {
					text += s
				}
				thoughts, _ := o["thinking"].([]any)
				for _, th := range thoughts {
					reasoning += fmt.Sprint(th.(map[string]any)["text"])
				}
			}
			if ch.Delta.ReasoningContent != "" {
				reasoning += ch.Delta.ReasoningContent
			} else {
				reasoning += ch.Delta.Reasoning
			}
			for _, tc := range ch.Delta.ToolCalls {
				if ch.Index > 0 {
					continue // other choices have no neutral form
				}
				args += tc.Function.Arguments
			}
		}
	}
	s := saidOf(got)
	var gotArgs string
	for _, p := range got.Parts {
		if p.Kind == chat.ToolCall || p.Kind == chat.Opaque {
			gotArgs += string(p.Args)
		}
	}
	if s.Text != text {
		t.Errorf("text = %q, want %q", s.Text, text)
	}
	if s.Reasoning != reasoning {
		t.Errorf("reasoning = %q, want %q", s.Reasoning, reasoning)
	}
	if gotArgs != args {
		t.Errorf("arguments = %q, want %q", gotArgs, args)
	}
}

// What any provider answered is the same answer when it is written in the other dialect and read by that dialect's own reader.
func TestRecordedAnswersCrossToTheOtherDialect(t *testing.T) {
	t.Parallel()
	for _, from := range dialects {
		for _, to := range dialects {
			s := score{}
			for _, c := range recorded(t, from) {
				if c.Status != 200 || c.Has("error-in-stream") || (c.Kind != "json" && c.Kind != "sse") {
					continue
				}
				s.run(t, c, func(t *testing.T) { crosses(t, from, to, c) })
			}
			s.print(t, string(from.Name())+" → "+string(to.Name()))
		}
	}
}

func crosses(t *testing.T, from, to providertest.Both, c providertest.Case) {
	var want, got chat.Response
	if c.Kind == "json" {
		var err error
		if want, err = from.ParseResponse(c.Response); err != nil {
			t.Fatal(err)
		}
		wire := to.AppendResponse(nil, want)
		if !json.Valid(wire) {
			t.Fatalf("not JSON: %s", wire)
		}
		if got, err = to.ParseResponse(wire); err != nil {
			t.Fatal(err)
		}
	} else {
		events, err := feed(from.NewReader(), c.Response, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if want, err = providertest.Fold(events); err != nil {
			t.Fatal(err)
		}
		w := to.NewWriter(true)
		var wire []byte
		for _, e := range events {
			wire = w.Append(wire, e)
		}
		again, err := feed(to.NewReader(), wire, 1<<20)
		if err != nil {
			t.Fatalf("%v in\n%s", err, wire)
		}
		if got, err = providertest.Fold(again); err != nil {
			t.Fatalf("%v in\n%s", err, wire)
		}
	}
	wantSaid, gotSaid := saidOf(want), saidOf(got)
	if to.Name() == provider.AnthropicMessages && wantSaid.Refusal != "" { // which has no place for a refusal's text but the text
		wantSaid.Text, wantSaid.Refusal = wantSaid.Text+wantSaid.Refusal, ""
		want.Finish = chat.FinishRefusal
	}
	if diff := cmp.Diff(wantSaid, gotSaid); diff != "" {
		t.Errorf("the answer changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(totalsOf(want.Usage.Units), totalsOf(got.Usage.Units)); diff != "" {
		t.Errorf("usage changed (-want +got):\n%s", diff)
	}
	if w, g := plainFinish(want.Finish), plainFinish(got.Finish); w != g && want.Finish != chat.FinishOther {
		t.Errorf("finish = %q, want %q", g, w)
	}
}

// plainFinish is a reason in the words that both dialects have.
func plainFinish(r chat.FinishReason) chat.FinishReason {
	switch r {
	case chat.FinishStopSeq, chat.FinishPause, chat.FinishOther:
		return chat.FinishStop
	case chat.FinishContext:
		return chat.FinishLength
	case chat.FinishRefusal:
		return chat.FinishFilter
	}
	return r
}

func TestRecordedRefusalsAreClassified(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		s := score{}
		for _, c := range recorded(t, d) {
			if c.Status < 400 {
				continue
			}
			s.run(t, c, func(t *testing.T) {
				r := d.ParseRefusal(c.Status, nil, c.Response)
				if r.Message == "" || r.Status != c.Status {
					t.Errorf("refusal = %+v", r)
				}
				if c.Status < 500 && r.Class == provider.ClassServer {
					t.Errorf("a %d is classified as the provider's failure: %s", c.Status, r.Message)
				}
				t.Logf("%d %s: %s", c.Status, r.Class, r.Message)
			})
		}
		s.print(t, string(d.Name())+" refusals")
	}
}
