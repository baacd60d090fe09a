package providertest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

// unorderly are recorded requests that their provider refused or that only a lenient vendor takes: they need not translate.
func unorderly(c providertest.Case) bool { return c.Request == nil || c.Status >= 400 }

func TestRecordedRequestsSurviveTheirOwnDialect(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		s := score{}
		for _, c := range recorded(t, d) {
			if unorderly(c) {
				continue
			}
			s.run(t, c, func(t *testing.T) {
				want, err := d.ParseRequest(c.Request)
				if err != nil {
					t.Fatal(err)
				}
				body, err := d.BuildRequest(want)
				if err != nil {
					t.Fatal(err)
				}
				got, err := d.ParseRequest(body)
				if err != nil {
					t.Fatalf("%v in\n%s", err, body)
				}
				want.IncludeUsage = got.IncludeUsage
				ignore := cmp.Options{
					cmpopts.IgnoreFields(chat.Part{}, "Path", "Extra", "Cache"), cmpopts.IgnoreFields(chat.Tool{}, "Path", "Cache", "Extra"),
					cmpopts.IgnoreFields(chat.Request{}, "Reasoning", "System", "MaxTokens", "Temperature"), cmpopts.EquateEmpty(),
					cmp.FilterValues(func(a, b json.RawMessage) bool { return len(a) > 0 && len(b) > 0 },
						cmp.Comparer(func(a, b json.RawMessage) bool { return canonical(a) == canonical(b) })),
				}
				if d.Name() == provider.OpenAIChat { // parts of one text are joined
					ignore = append(ignore, cmpopts.IgnoreFields(chat.Request{}, "Messages"))
				}
				if diff := cmp.Diff(want, got, ignore); diff != "" {
					t.Errorf("the request changed (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(allText(want), allText(got)); diff != "" {
					t.Errorf("text changed (-want +got):\n%s", diff)
				}
			})
		}
		s.print(t, string(d.Name())+" requests")
	}
}

// allText is every word of a request: text, calls, results.
func allText(r chat.Request) string {
	var b strings.Builder
	var walk func(parts []chat.Part)
	walk = func(parts []chat.Part) {
		for _, p := range parts {
			switch p.Kind {
			case chat.Text, chat.Refusal:
				b.WriteString(strings.TrimSpace(p.Text))
			case chat.ToolCall:
				fmt.Fprintf(&b, "\n[call %s %s %s]", p.ID, p.Name, canonical(p.Args))
			case chat.ToolResult:
				fmt.Fprintf(&b, "\n[result %s]", p.ID)
				walk(p.Parts)
			}
		}
	}
	walk(r.System)
	for _, m := range r.Messages {
		walk(m.Parts)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestRecordedRequestsCrossToTheOtherDialect(t *testing.T) {
	t.Parallel()
	pairs := []struct {
		from, to providertest.Both
		model    string
		check    func(t *testing.T, body []byte)
	}{
		{openaichat.Dialect{}, anthropic.Dialect{}, "claude-sonnet-4-5", checkAnthropicBody},
		{openaichat.Dialect{}, anthropic.Dialect{}, "claude-opus-4-8", checkAnthropicBody},
		{anthropic.Dialect{}, openaichat.Dialect{}, "gpt-5-mini", checkOpenAIBody},
	}
	for _, p := range pairs {
		s := score{}
		for _, c := range recorded(t, p.from) {
			if unorderly(c) {
				continue
			}
			s.run(t, c, func(t *testing.T) {
				want, err := p.from.ParseRequest(c.Request)
				if err != nil {
					t.Fatal(err)
				}
				want.Model = p.model
				if _, err := p.to.BuildRequest(want); err != nil {
					if !errors.Is(err, provider.ErrUnsupported) {
						t.Fatalf("err = %v, want none or an unsupported field", err)
					}
					t.Logf("refused: %v", err)
				}
				want.Encoding.DropUnsupported = true
				body, err := p.to.BuildRequest(want)
				if err != nil {
					t.Fatal(err)
				}
				if !orphans(want) { // one recording answers a call that nobody made, and its provider took it
					p.check(t, body)
				}
				got, err := p.to.ParseRequest(body)
				if err != nil {
					t.Fatalf("%v in\n%s", err, body)
				}
				for _, piece := range pieces(want) {
					if !strings.Contains(flatText(got), piece) {
						t.Errorf("lost: %q", piece)
					}
				}
			})
		}
		s.print(t, fmt.Sprintf("%s → %s (%s) requests", p.from.Name(), p.to.Name(), p.model))
	}
}

// orphans reports whether a result of a tool answers no call.
func orphans(r chat.Request) bool {
	calls := map[string]bool{}
	for _, m := range r.Messages {
		for _, p := range m.Parts {
			if p.Kind == chat.ToolCall {
				calls[p.ID] = true
			}
			if p.Kind == chat.ToolResult && !calls[p.ID] {
				return true
			}
		}
	}
	return false
}

// pieces are the words, names and arguments that must arrive.
func pieces(r chat.Request) []string {
	var out []string
	var walk func(parts []chat.Part)
	walk = func(parts []chat.Part) {
		for _, p := range parts {
			switch p.Kind {
			case chat.Text, chat.Refusal:
				if p.Text != "" {
					out = append(out, p.Text)
				}
			case chat.ToolCall:
				out = append(out, p.Name)
				if json.Valid(p.Args) {
					out = append(out, canonical(p.Args))
				}
			case chat.ToolResult:
				walk(p.Parts)
			}
		}
	}
	walk(r.System)
	for _, m := range r.Messages {
		walk(m.Parts)
	}
	return out
}

func flatText(r chat.Request) string { return strings.Join(pieces(r), "\n") }

// checkAnthropicBody holds a body against the rules of the Messages API, written down independently of the encoder.
func checkAnthropicBody(t *testing.T, body []byte) {
	t.Helper()
	type block struct {
		Type      string
		Text      string
		ID        string
		Name      string
		Input     map[string]any
		ToolUseID string `json:"tool_use_id"`
		Content   any
		Signature string
		Source    map[string]any
	}
	var b struct {
		Model     string
		MaxTokens int64 `json:"max_tokens"`
		System    []block
		Messages  []struct {
			Role    string
			Content []block
		}
		Tools []struct {
			Name   string
			Schema map[string]any `json:"input_schema"`
		}
		Choice *struct{ Type, Name string } `json:"tool_choice"`
		Think  *struct {
			Type   string
			Budget int64 `json:"budget_tokens"`
		} `json:"thinking"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	if b.MaxTokens < 1 {
		t.Error("no max_tokens")
	}
	if b.Think != nil && b.Think.Type == "enabled" && (b.Think.Budget < 1024 || b.Think.Budget >= b.MaxTokens) {
		t.Errorf("a budget of %d in %d tokens", b.Think.Budget, b.MaxTokens)
	}
	if len(b.Messages) == 0 {
		t.Error("no messages")
	}
	if b.Choice != nil && len(b.Tools) == 0 {
		t.Error("a tool choice without tools")
	}
	for _, tool := range b.Tools {
		if tool.Name == "" || tool.Schema["type"] != "object" {
			t.Errorf("tool %q has the schema %v", tool.Name, tool.Schema)
		}
	}
	var open []string
	last := ""
	for i, m := range b.Messages {
		if m.Role == last || (m.Role != "user" && m.Role != "assistant") || len(m.Content) == 0 {
			t.Errorf("message %d: role %q after %q with %d blocks", i, m.Role, last, len(m.Content))
		}
		last = m.Role
		var answered []string
		for j, bl := range m.Content {
			switch bl.Type {
			case "text":
				if strings.TrimSpace(bl.Text) == "" && bl.Text == "" {
					t.Errorf("message %d: an empty text", i)
				}
			case "tool_result":
				if j > 0 && m.Content[j-1].Type != "tool_result" {
					t.Errorf("message %d: a result stands behind %s", i, m.Content[j-1].Type)
				}
				answered = append(answered, bl.ToolUseID)
			case "tool_use":
				if bl.Input == nil || bl.ID == "" || bl.Name == "" {
					t.Errorf("message %d: tool_use %+v", i, bl)
				}
			case "thinking":
				if bl.Signature == "" {
					t.Errorf("message %d: unsigned thinking", i)
				}
			case "image", "document":
				if bl.Source == nil {
					t.Errorf("message %d: %s without source", i, bl.Type)
				}
			}
		}
		if m.Role == "user" && len(open) > 0 {
			slices.Sort(open)
			slices.Sort(answered)
			if !slices.Equal(open, answered) {
				t.Errorf("message %d answers %v, called were %v", i, answered, open)
			}
		}
		open = nil
		if m.Role == "assistant" {
			for _, bl := range m.Content {
				if bl.Type == "tool_use" {
					open = append(open, bl.ID)
				}
			}
		}
	}
}

// checkOpenAIBody holds a body against the rules of chat completions.
func checkOpenAIBody(t *testing.T, body []byte) {
	t.Helper()
	var b struct {
		Messages []struct {
			Role       string
			Content    json.RawMessage
			ToolCallID string `json:"tool_call_id"`
			ToolCalls  []struct {
				ID, Type string
				Function struct{ Name, Arguments string }
			} `json:"tool_calls"`
		}
		Tools []struct {
			Type     string
			Function struct{ Name string }
		}
		Stream        bool
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	if b.Stream && !b.StreamOptions.IncludeUsage {
		t.Error("a stream without usage")
	}
	for _, tool := range b.Tools {
		if tool.Type != "function" || tool.Function.Name == "" {
			t.Errorf("tool %+v", tool)
		}
	}
	var open []string
	for i, m := range b.Messages {
		if m.Role != "tool" && len(open) > 0 {
			t.Errorf("message %d: %s, while the calls %v have no answer", i, m.Role, open)
		}
		switch m.Role {
		case "tool":
			j := slices.Index(open, m.ToolCallID)
			if j < 0 {
				t.Errorf("message %d answers %q, which nobody called", i, m.ToolCallID)
				continue
			}
			open = slices.Delete(open, j, j+1)
		case "assistant":
			for _, c := range m.ToolCalls {
				if c.ID == "" || c.Type != "function" || !json.Valid([]byte(c.Function.Arguments)) {
					t.Errorf("message %d: call %+v", i, c)
				}
				open = append(open, c.ID)
			}
		case "user", "system":
			if len(m.Content) < 2 || string(m.Content) == "null" || string(m.Content) == "[]" {
				t.Errorf("message %d: content %s", i, m.Content)
			}
		default:
			t.Errorf("message %d: role %q", i, m.Role)
		}
	}
}

func TestProbeFindsWhatADecoderFinds(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		s := score{}
		for _, c := range recorded(t, d) {
			if c.Request == nil {
				continue
			}
			s.run(t, c, func(t *testing.T) {
				h, err := d.Probe(c.Request, provider.Line{})
				if err != nil {
					t.Fatal(err)
				}
				providertest.CheckSplice(t, d, c.Request, h)
			})
		}
		s.print(t, string(d.Name())+" probe")
	}
}
