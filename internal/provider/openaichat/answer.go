package openaichat

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// wireAnswer is what a message and a delta have in common.
type wireAnswer struct {
	Content     json.RawMessage `json:"content"`
	Refusal     json.RawMessage `json:"refusal"`
	ToolCalls   json.RawMessage `json:"tool_calls"`
	Function    *wireOldCall    `json:"function_call"`
	Annotations json.RawMessage `json:"annotations"`
	Audio       json.RawMessage `json:"audio"`

	reasoning
}

type wireOldCall struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

type wireChoice struct {
	Index   int             `json:"index"`
	Message json.RawMessage `json:"message"`
	Delta   json.RawMessage `json:"delta"`
	Finish  json.RawMessage `json:"finish_reason"`
	Text    json.RawMessage `json:"text"` // completions, which had neither message nor delta
}

// said is what a choice says: its delta or message, or the text of a completion in the form of a message.
func (c wireChoice) said(first, second json.RawMessage) json.RawMessage {
	switch {
	case wire.Present(first):
		return first
	case wire.Present(second):
		return second
	case wire.Present(c.Text):
		return append(append([]byte(`{"content":`), c.Text...), '}')
	}
	return nil
}

// ParseResponse decodes a whole answer: its first choice.
func (Dialect) ParseResponse(body []byte) (chat.Response, error) {
	var top struct {
		ID          json.RawMessage `json:"id"`
		Object      json.RawMessage `json:"object"`
		Model       json.RawMessage `json:"model"`
		Created     json.RawMessage `json:"created"`
		ServiceTier json.RawMessage `json:"service_tier"`
		Choices     json.RawMessage `json:"choices"`
		Usage       json.RawMessage `json:"usage"`
		Error       json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(body, &top); err != nil {
		return chat.Response{}, provider.ErrBadAnswer.Because(err)
	}
	if wire.Present(top.Error) {
		if r := parseErrorValue(top.Error); r != nil {
			return chat.Response{}, inStream(r, body)
		}
	}
	choices := list[wireChoice](top.Choices)
	if len(choices) == 0 && word(top.Object) == "error" {
		if r := parseError(body); r != nil {
			return chat.Response{}, inStream(r, body)
		}
	}
	if len(choices) == 0 {
		return chat.Response{}, provider.ErrBadAnswer
	}
	out := chat.Response{ID: word(top.ID), Model: word(top.Model), ServiceTier: word(top.ServiceTier)}
	out.Created = seconds(top.Created)
	out.Usage, _ = parseUsage(top.Usage)
	out.Reported = Cost(top.Usage)
	said := choices[0].said(choices[0].Message, choices[0].Delta)
	var m wireAnswer
	if wire.Present(said) {
		if err := json.Unmarshal(said, &m); err != nil {
			return chat.Response{}, provider.ErrBadAnswer.Because(err)
		}
	}
	out.Parts = m.answerParts()
	out.Finish = settle(finish(word(choices[0].Finish)), callsTool(out.Parts))
	return out, nil
}

// seconds reads a time, which Writer has sent as a text.
func seconds(raw json.RawMessage) int64 {
	if s, ok := wire.String(raw); ok {
		raw = json.RawMessage(s)
	}
	n, _ := wire.Int(raw)
	return max(n, 0)
}

func word(raw json.RawMessage) string {
	s, _ := wire.String(raw)
	return s
}

// settle mends the reasons of vendors that call a tool and say "stop", or nothing. It is for whole answers.
func settle(r chat.FinishReason, tools bool) chat.FinishReason {
	switch {
	case tools && (r == chat.FinishStop || r == chat.FinishNotGiven || r == chat.FinishOther):
		return chat.FinishTools
	case r == chat.FinishNotGiven:
		return chat.FinishStop
	}
	return r
}

func callsTool(parts []chat.Part) bool {
	return slices.ContainsFunc(parts, func(p chat.Part) bool { return p.Kind == chat.ToolCall })
}

// answerParts gives an answer's content in its order: reasoning, text, refusal, tool calls.
func (m wireAnswer) answerParts() []chat.Part {
	parts := m.parts("")
	text, thoughts := contentParts(m.Content)
	if len(parts) == 0 {
		parts = thoughts
	}
	if text != "" {
		p := chat.Part{Kind: chat.Text, Text: text}
		if len(list[json.RawMessage](m.Annotations)) > 0 {
			p.Extra = extra(m.Annotations)
		}
		parts = append(parts, p)
	}
	if s := word(m.Refusal); s != "" {
		parts = append(parts, chat.Part{Kind: chat.Refusal, Text: s})
	}
	if wire.Present(m.Audio) {
		parts = append(parts, chat.Part{Kind: chat.Opaque, Extra: extra(m.Audio)})
	}
	for i, c := range list[wireCall](m.ToolCalls) {
		parts = append(parts, c.part(i))
	}
	if m.Function != nil && m.Function.Name != "" {
		parts = append(parts, chat.Part{Kind: chat.ToolCall, ID: oldCallID(m.Function.Name, 1), Name: m.Function.Name, Args: arguments(m.Function.Arguments)})
	}
	return parts
}

func (c wireCall) part(i int) chat.Part {
	p := chat.Part{Kind: chat.ToolCall, ID: c.ID, Name: c.Function.Name, Args: arguments(c.Function.Arguments)}
	if c.Custom != nil && p.Name == "" { // a free-form tool: its text is one argument
		p.Name, p.Args = c.Custom.Name, wire.Marshal(map[string]string{"input": c.Custom.Input})
	}
	if p.ID == "" {
		p.ID = "call_" + strconv.Itoa(i)
	}
	return p
}

// contentParts reads content that is text, or Mistral's list of text and thinking parts.
func contentParts(raw json.RawMessage) (text string, thoughts []chat.Part) {
	if s, ok := wire.String(raw); ok {
		return s, nil
	}
	type item struct {
		Type     string          `json:"type"`
		Text     string          `json:"text"`
		Thinking json.RawMessage `json:"thinking"`
	}
	var b strings.Builder
	for _, it := range list[item](raw) {
		if it.Type != "thinking" {
			b.WriteString(it.Text)
			continue
		}
		var thought strings.Builder
		if s, ok := wire.String(it.Thinking); ok {
			thought.WriteString(s)
		}
		for _, t := range list[item](it.Thinking) {
			thought.WriteString(t.Text)
		}
		if thought.Len() > 0 {
			thoughts = append(thoughts, chat.Part{Kind: chat.Thinking, Text: thought.String()})
		}
	}
	return b.String(), thoughts
}

// answerID gives an id in OpenAI's form that still shows the provider's own.
func answerID(id string) string {
	if rest, ok := strings.CutPrefix(id, "msg_"); ok {
		return "chatcmpl-" + rest
	}
	if id == "" {
		return "chatcmpl-unknown"
	}
	return id
}

// AppendResponse writes a whole answer.
func (Dialect) AppendResponse(dst []byte, r chat.Response) []byte {
	dst = append(dst, `{"id":`...)
	dst = wire.AppendString(dst, answerID(r.ID))
	dst = append(dst, `,"object":"chat.completion","created":`...)
	dst = appendInt(dst, r.Created)
	dst = append(dst, `,"model":`...)
	dst = wire.AppendString(dst, r.Model)
	dst = append(dst, `,"choices":[{"index":0,"message":`...)
	dst = append(dst, wire.Marshal(toAnswer(r.Parts))...)
	dst = append(dst, `,"logprobs":null,"finish_reason":"`...)
	dst = append(dst, finishWord(r.Finish)...)
	dst = append(dst, `"}]`...)
	if r.Usage.Source != chat.Unknown {
		dst = append(dst, `,"usage":`...)
		dst = AppendUsage(dst, r.Usage.Units, r.Cost)
	}
	if r.ServiceTier != "" {
		dst = append(dst, `,"service_tier":`...)
		dst = wire.AppendString(dst, r.ServiceTier)
	}
	return append(dst, '}')
}

type answer struct {
	Role        string            `json:"role"`
	Content     *string           `json:"content"`
	Refusal     *string           `json:"refusal"`
	Reasoning   string            `json:"reasoning_content,omitempty"`
	Details     []wireDetail      `json:"reasoning_details,omitempty"`
	ToolCalls   []outCall         `json:"tool_calls,omitempty"`
	Annotations []any             `json:"annotations,omitempty"`
	Citations   []json.RawMessage `json:"citations,omitempty"`
}

func toAnswer(parts []chat.Part) answer {
	a := answer{Role: "assistant"}
	var text, refusal *strings.Builder // nil: there is none, which is not an empty one
	runes := 0                         // of text
	for _, p := range parts {
		switch p.Kind {
		case chat.Text:
			end := runes + utf8.RuneCountInString(p.Text)
			a.cite(p, runes, end)
			runes = end
			text = more(text, p.Text)
		case chat.Refusal:
			refusal = more(refusal, p.Text)
		case chat.ToolCall:
			a.ToolCalls = append(a.ToolCalls, outCall{ID: p.ID, Type: "function", Function: outFunction{Name: p.Name, Arguments: argsText(p.Args)}})
		case chat.Image, chat.Document, chat.Audio, chat.ToolResult, chat.Thinking, chat.Redacted, chat.Opaque:
			// reasoning follows; a provider's own tool blocks have no place here
		}
	}
	if text != nil {
		content := text.String()
		a.Content = &content
	}
	if refusal != nil {
		said := refusal.String()
		a.Refusal = &said
	}
	a.Reasoning, a.Details = details(parts)
	if a.Content == nil && a.ToolCalls == nil && a.Refusal == nil {
		a.Content = new(string)
	}
	return a
}

// more adds text to what there is.
func more(b *strings.Builder, text string) *strings.Builder {
	if b == nil {
		b = new(strings.Builder)
	}
	b.WriteString(text)
	return b
}

// cite keeps what a text cites: annotations as they are, and of a text block of Anthropic web pages as OpenAI's annotations, and
// everything as it came. start and end are where the text stands in the content, in runes.
func (a *answer) cite(p chat.Part, start, end int) {
	for _, raw := range list[json.RawMessage](p.Extra[dialectName]) {
		a.Annotations = append(a.Annotations, raw)
	}
	for _, raw := range list[json.RawMessage](p.Extra[string(provider.AnthropicMessages)]) {
		a.Citations = append(a.Citations, raw)
		var c struct {
			URL   string `json:"url"`
			Title string `json:"title"`
		}
		if json.Unmarshal(raw, &c) == nil && c.URL != "" {
			a.Annotations = append(a.Annotations, map[string]any{"type": "url_citation", "url_citation": map[string]any{
				"url": c.URL, "title": c.Title, "start_index": start, "end_index": end,
			}})
		}
	}
}
