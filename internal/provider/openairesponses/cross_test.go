package openairesponses_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/openairesponses"
	"tollgate/internal/provider/providertest"
	"tollgate/internal/provider/sse"
)

var others = []providertest.Both{openaichat.Dialect{}, anthropic.Dialect{}}

// said is an answer reduced to what a user would miss.
type said struct {
	Text, Reasoning, Refusal string
	Calls                    []string
	In, Out, Cached          int64
	Finish                   chat.FinishReason
}

func saidOf(r chat.Response, to provider.Name) said {
	u := r.Usage.Units
	s := said{In: u.InputTotal(), Out: u.OutputTotal(), Cached: u[chat.CacheRead], Finish: r.Finish}
	switch r.Finish {
	case chat.FinishStopSeq, chat.FinishPause, chat.FinishOther:
		s.Finish = chat.FinishStop
	case chat.FinishContext:
		s.Finish = chat.FinishLength
	case chat.FinishRefusal:
		s.Finish = chat.FinishFilter
	default: // both have it
	}
	for _, p := range r.Parts {
		switch p.Kind {
		case chat.Text:
			s.Text += p.Text
		case chat.Thinking:
			s.Reasoning += p.Text
		case chat.Refusal:
			s.Refusal += p.Text
		case chat.ToolCall:
			var v any
			args := string(p.Args)
			if json.Unmarshal(p.Args, &v) == nil {
				b, _ := json.Marshal(v)
				args = string(b)
			} else if strings.TrimSpace(args) == "" {
				args = "{}"
			}
			s.Calls = append(s.Calls, p.ID+" "+p.Name+" "+args)
		default: // told by no other dialect
		}
	}
	if to == provider.AnthropicMessages && s.Refusal != "" { // which has no place for a refusal's words but the text
		s.Text, s.Refusal, s.Finish = s.Text+s.Refusal, "", chat.FinishFilter
	}
	return s
}

// What any provider answered is the same answer when it is written for a client of another dialect, whole and streamed.
func TestRecordedAnswersCross(t *testing.T) {
	t.Parallel()
	own := openairesponses.Dialect{}
	for _, other := range others {
		for _, pair := range [][2]providertest.Both{{own, other}, {other, own}} {
			from, to := pair[0], pair[1]
			passed, total := 0, 0
			for _, c := range providertest.Recorded(t, string(from.Name())) {
				if c.Status != 200 || c.Has("error-in-stream") || (c.Kind != "json" && c.Kind != "sse") {
					continue
				}
				total++
				if t.Run(string(to.Name())+"/"+c.Name, func(t *testing.T) { crosses(t, from, to, c) }) {
					passed++
				}
			}
			t.Logf("%s → %s: %d/%d", from.Name(), to.Name(), passed, total)
		}
	}
}

func crosses(t *testing.T, from, to providertest.Both, c providertest.Case) {
	var want, got chat.Response
	var err error
	if c.Kind == "json" {
		if want, err = from.ParseResponse(c.Response); err != nil {
			t.Fatal(err)
		}
		wire := to.AppendResponse(nil, want)
		if got, err = to.ParseResponse(wire); err != nil {
			t.Fatalf("%v in\n%s", err, wire)
		}
	} else {
		events, err := providertest.Read(from.NewReader(), c.Response)
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
		if to.Name() == provider.OpenAIResponses {
			if err := checkStream(wire); err != nil {
				t.Fatalf("%v in\n%s", err, wire)
			}
		}
		again, err := providertest.Read(to.NewReader(), wire)
		if err != nil {
			t.Fatalf("%v in\n%s", err, wire)
		}
		if got, err = providertest.Fold(again); err != nil {
			t.Fatalf("%v in\n%s", err, wire)
		}
	}
	if diff := cmp.Diff(saidOf(want, to.Name()), saidOf(got, to.Name())); diff != "" {
		t.Errorf("the answer changed (-want +got):\n%s", diff)
	}
}

// streamState is what a strict client knows of a stream so far.
type streamState struct {
	seq   int64
	items []json.RawMessage // done
	ids   []string          // of the items that began
	text  map[string]string // by item, index and kind: what the pieces came to
}

// checkStream holds a stream to what the API promises: numbers without gaps, items that begin before their pieces and end after
// them under one id, pieces that come to what their end says, and an answer at the end that has exactly the items that were done.
func checkStream(stream []byte) error {
	s := streamState{text: map[string]string{}}
	var last string
	for len(stream) > 0 {
		e, rest := sse.Next(stream)
		stream = rest
		if e.Data == nil {
			continue
		}
		var v map[string]json.RawMessage
		if err := json.Unmarshal(e.Data, &v); err != nil {
			return err
		}
		typ := text(v["type"])
		if typ != string(e.Name) {
			return fmt.Errorf("an event %q of type %q", e.Name, typ)
		}
		if string(v["sequence_number"]) != fmt.Sprint(s.seq) {
			return fmt.Errorf("%s has number %s, want %d", typ, v["sequence_number"], s.seq)
		}
		s.seq++
		if err := s.event(typ, v); err != nil {
			return fmt.Errorf("%s: %w", typ, err)
		}
		last = typ
	}
	if last != "response.completed" && last != "response.incomplete" {
		return fmt.Errorf("the last event is %q", last)
	}
	return nil
}

func text(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s) // "" for anything else
	return s
}

func (s *streamState) event(typ string, v map[string]json.RawMessage) error {
	key := func(kind string) string {
		return kind + " " + text(v["item_id"]) + " " + string(v["content_index"]) + string(v["summary_index"])
	}
	if id := text(v["item_id"]); id != "" && (len(s.ids) == 0 || s.ids[len(s.ids)-1] != id || string(v["output_index"]) != fmt.Sprint(len(s.ids)-1)) {
		return fmt.Errorf("about %s at %s, after the items %v", id, v["output_index"], s.ids)
	}
	switch kind, what, _ := strings.Cut(strings.TrimPrefix(typ, "response."), "."); what {
	case "delta":
		s.text[key(kind)] += text(v["delta"])
	case "done":
		for _, name := range []string{"text", "refusal", "arguments", "input"} {
			if raw, ok := v[name]; ok && text(raw) != s.text[key(kind)] {
				return fmt.Errorf("%s is %s, the pieces came to %q", name, raw, s.text[key(kind)])
			}
		}
	}
	switch typ {
	case "response.output_item.added":
		if len(s.ids) != len(s.items) {
			return errors.New("an item begins within another")
		}
		s.ids = append(s.ids, id(v["item"]))
	case "response.output_item.done":
		if len(s.ids) == 0 || s.ids[len(s.ids)-1] != id(v["item"]) || len(s.items) != len(s.ids)-1 {
			return fmt.Errorf("the item %s ends, after %v", v["item"], s.ids)
		}
		s.items = append(s.items, v["item"])
	case "response.completed", "response.incomplete":
		var r struct {
			Status string            `json:"status"`
			Output []json.RawMessage `json:"output"`
		}
		if err := json.Unmarshal(v["response"], &r); err != nil {
			return err
		}
		if "response."+r.Status != typ || cmp.Diff(r.Output, s.items) != "" && len(s.items) > 0 {
			return fmt.Errorf("the answer is %s, with other items than were done", r.Status)
		}
	}
	return nil
}

func id(item json.RawMessage) string {
	var v struct{ ID string }
	_ = json.Unmarshal(item, &v) // "" for anything else
	return v.ID
}

// A recorded request crosses to the other dialect with all its words, or is refused by the name of a field; with losses allowed it
// always crosses, but for what stands at the provider.
func TestRecordedRequestsCross(t *testing.T) {
	t.Parallel()
	own := openairesponses.Dialect{}
	models := map[provider.Name]string{provider.OpenAIResponses: "gpt-5-mini", provider.OpenAIChat: "gpt-5-mini", provider.AnthropicMessages: "claude-sonnet-4-5"}
	for _, other := range others {
		for _, pair := range [][2]providertest.Both{{own, other}, {other, own}} {
			from, to := pair[0], pair[1]
			crossed, refused := 0, 0
			for _, c := range providertest.Recorded(t, string(from.Name())) {
				if c.Request == nil || c.Status >= 400 || !bytes.Contains(c.Request, []byte(`"model"`)) {
					continue
				}
				t.Run(string(to.Name())+"/"+c.Name, func(t *testing.T) {
					r, err := from.ParseRequest(c.Request)
					if err != nil {
						t.Fatal(err)
					}
					r.Model = models[to.Name()]
					if _, err := to.BuildRequest(r); err != nil {
						if !errors.Is(err, provider.ErrUnsupported) {
							t.Fatal(err)
						}
						t.Logf("refused: %v", err)
						refused++
					} else {
						crossed++
					}
					r.Encoding.DropUnsupported = true
					built, err := to.BuildRequest(r)
					if err != nil {
						if r.Unmapped["previous_response_id"] == nil && r.Unmapped["conversation"] == nil && r.Unmapped["prompt"] == nil {
							t.Fatal(err)
						}
						return
					}
					again, err := to.ParseRequest(built)
					if err != nil {
						t.Fatalf("%v in\n%s", err, built)
					}
					if diff := cmp.Diff(spoken(r), spoken(again)); diff != "" {
						t.Errorf("the words changed (-want +got):\n%s", diff)
					}
				})
			}
			t.Logf("%s → %s: %d crossed, %d refused by name", from.Name(), to.Name(), crossed, refused)
		}
	}
}

// conversation is what is said in a request, without reasoning, which belongs to one provider, and files. Texts join and split on
// their way, and instructions move to the front: so their characters are counted.
type conversation struct {
	Characters map[rune]int
	Calls      []string // number, name and arguments
	Results    []int    // numbers of the calls
}

func spoken(r chat.Request) conversation {
	c := conversation{Characters: map[rune]int{}}
	numbers := map[string]int{}
	number := func(id string) int {
		if _, ok := numbers[id]; !ok {
			numbers[id] = len(numbers)
		}
		return numbers[id]
	}
	walk := func(parts []chat.Part) {
		for _, p := range parts {
			switch p.Kind {
			case chat.Text, chat.Refusal:
				for _, char := range strings.Join(strings.Fields(p.Text), "") {
					c.Characters[char]++
				}
			case chat.ToolCall:
				var v any
				_ = json.Unmarshal(p.Args, &v) // nil: no arguments, or none that can be read
				c.Calls = append(c.Calls, fmt.Sprint(number(p.ID), p.Name, v))
			case chat.ToolResult:
				c.Results = append(c.Results, number(p.ID))
			default: // said by nobody
			}
		}
	}
	walk(r.System)
	for _, m := range r.Messages {
		walk(m.Parts)
	}
	return c
}
