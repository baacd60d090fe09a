package replay

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Answer is what an answer means, whichever dialect and form it came in.
type Answer struct {
	ID        string
	Model     string
	Text      string // text blocks joined
	Refusal   string
	Reasoning string
	Signs     []string // signatures and opaque reasoning, in order
	Tools     []Tool
	Finish    string // the dialect's own word
	Why       string // the same in one word for all: stop, length, tools, filter, other; "" when it is not said
	Usage     Usage
	Told      string // what the provider says that it cost, in dollars
	Error     string // message of an error instead of an answer, or inside a stream
	Done      bool   // the stream ended as its dialect demands
	Content   bool   // anything of it is content

	searched bool
}

// Tool is a call of one of the client's tools.
type Tool struct {
	ID   string
	Name string
	Args string // JSON text
}

// Read works out what a body means.
func Read(dialect string, stream bool, body []byte) Answer {
	var a Answer
	switch Wire(dialect) {
	case OpenAI:
		a = either(stream, body, openAIStream, openAIWhole)
	case Anthropic:
		if dialect == Invoke && stream {
			body = unwrapInvoke(body)
		}
		a = either(stream, body, anthropicStream, anthropicWhole)
	case Responses:
		a = either(stream, body, responsesStream, responsesWhole)
	case Gemini:
		a = either(stream, body, geminiStream, geminiWhole)
	case Converse:
		a = either(stream, body, converseStream, converseWhole)
	case Cohere:
		a = either(stream, body, cohereStream, cohereWhole)
	case Ollama:
		a = either(stream, body, ollamaStream, ollamaWhole)
	}
	a.Content = a.Text+a.Refusal+a.Reasoning != "" || len(a.Tools)+len(a.Signs) > 0
	a.Why = why(a)
	if a.Told == "" {
		a.Told = told(stream, body)
	}
	return a
}

func either(stream bool, body []byte, streamed, whole func([]byte) Answer) Answer {
	if stream {
		return streamed(body)
	}
	return whole(body)
}

// why says a finish reason in one word for all dialects. A call of a tool is one, whatever the vendor says of it.
func why(a Answer) string {
	var reason string
	switch strings.ToLower(a.Finish) {
	case "":
		return ""
	case "stop", "end_turn", "stop_sequence", "completed", "complete", "eos", "stop_sequences", "load":
		reason = "stop"
	case "length", "max_tokens", "model_context_window_exceeded", "max_output_tokens":
		reason = "length"
	case "tool_calls", "tool_call", "tool_use", "function_call":
		reason = "tools"
	case "content_filter", "refusal", "guardrail_intervened", "content_filtered", "safety", "recitation", "blocklist",
		"prohibited_content", "spii", "image_safety", "error_toxic", "language":
		reason = "filter"
	default:
		reason = "other"
	}
	if len(a.Tools) > 0 && (reason == "stop" || reason == "other") {
		return "tools"
	}
	if reason == "stop" && a.Refusal != "" {
		return "filter"
	}
	return reason
}

// Event is one server-sent event and its bytes, the blank line included.
type Event struct {
	Name string
	Data string
	Raw  []byte
}

// Events splits a stream. Comments are part of the event that they stand before, or events without data on their own.
func Events(body []byte) []Event {
	var events []Event
	var e Event
	var data []string
	flush := func() {
		if len(e.Raw) > 0 {
			e.Data = strings.Join(data, "\n")
			events = append(events, e)
		}
		e, data = Event{}, nil
	}
	for line := range bytes.Lines(body) {
		e.Raw = append(e.Raw, line...)
		text := strings.TrimRight(string(line), "\r\n")
		switch {
		case text == "":
			flush()
		case strings.HasPrefix(text, "data:"):
			data = append(data, strings.TrimPrefix(strings.TrimPrefix(text, "data:"), " "))
		case strings.HasPrefix(text, "event:"):
			e.Name = strings.TrimSpace(strings.TrimPrefix(text, "event:"))
		}
	}
	flush()
	return events
}

// message is an openai-chat message or delta in the words of all vendors.
type message struct {
	Content          json.RawMessage `json:"content"`
	Refusal          string          `json:"refusal"`
	ReasoningContent json.RawMessage `json:"reasoning_content"`
	Reasoning        json.RawMessage `json:"reasoning"`
	Details          []struct {
		Type      string `json:"type"`
		Text      string `json:"text"`
		Summary   string `json:"summary"`
		Data      string `json:"data"`
		Signature string `json:"signature"`
	} `json:"reasoning_details"`
	ToolCalls []struct {
		Index    *int   `json:"index"`
		ID       string `json:"id"`
		Function struct {
			Name      string          `json:"name"`
			Arguments json.RawMessage `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
	FunctionCall *struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function_call"`
}

type completion struct {
	ID      string `json:"id"`
	Model   string `json:"model"`
	Choices []struct {
		Index   int      `json:"index"`
		Message *message `json:"message"`
		Delta   *message `json:"delta"`
		Finish  string   `json:"finish_reason"`
	} `json:"choices"`
	Usage json.RawMessage `json:"usage"`
	Groq  struct {
		Usage json.RawMessage `json:"usage"`
	} `json:"x_groq"`
	Error  json.RawMessage `json:"error"`
	Detail string          `json:"detail"` // Mistral's errors
}

func text(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

// content reads text, or a list of text and thinking parts.
func content(raw json.RawMessage) (said, thought string) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, ""
	}
	var parts []struct {
		Type     string          `json:"type"`
		Text     string          `json:"text"`
		Thinking json.RawMessage `json:"thinking"`
	}
	_ = json.Unmarshal(raw, &parts)
	for _, p := range parts {
		if p.Type == "thinking" {
			inner, _ := content(p.Thinking)
			thought += inner
			continue
		}
		said += p.Text
	}
	return said, thought
}

// take adds a message or a delta of the first choice.
func (a *Answer) take(m *message, calls map[int]int) {
	said, thought := content(m.Content)
	a.Text += said
	a.Refusal += m.Refusal
	plain := text(m.ReasoningContent)
	if plain == "" {
		plain = text(m.Reasoning)
	}
	var detail string
	for _, d := range m.Details {
		detail += d.Text + d.Summary
		if d.Signature != "" {
			a.Signs = append(a.Signs, d.Signature)
		}
		if d.Data != "" {
			a.Signs = append(a.Signs, d.Data)
		}
	}
	switch {
	case detail != "":
		a.Reasoning += detail
	case plain != "":
		a.Reasoning += plain
	default:
		a.Reasoning += thought
	}
	for i, c := range m.ToolCalls {
		index := i
		if c.Index != nil {
			index = *c.Index
		} else if len(calls) > 0 && c.ID != "" {
			index = len(calls)
		}
		args := text(c.Function.Arguments)
		if args == "" && len(c.Function.Arguments) > 0 && c.Function.Arguments[0] == '{' {
			args = string(c.Function.Arguments)
		}
		at, known := calls[index]
		if known && c.ID != "" && a.Tools[at].ID != "" && c.ID != a.Tools[at].ID { // an index that a vendor uses twice
			known = false
		}
		if !known {
			at = len(a.Tools)
			calls[index] = at
			a.Tools = append(a.Tools, Tool{})
		}
		t := &a.Tools[at]
		if t.ID == "" {
			t.ID = c.ID
		}
		if t.Name == "" {
			t.Name = c.Function.Name
		}
		t.Args += args
	}
	if f := m.FunctionCall; f != nil && f.Name+f.Arguments != "" {
		if len(a.Tools) == 0 {
			a.Tools = append(a.Tools, Tool{})
		}
		a.Tools[0].Name += f.Name
		a.Tools[0].Args += f.Arguments
	}
}

func openAIWhole(body []byte) Answer {
	var a Answer
	var c completion
	if json.Unmarshal(body, &c) != nil {
		a.Error = "no JSON"
		return a
	}
	a.ID, a.Model = c.ID, c.Model
	if present(c.Error) {
		a.Error = problem(c.Error)
		return a
	}
	if a.Error = c.Detail; a.Error != "" {
		return a
	}
	a.Usage = OpenAIUsage(c.Usage)
	for _, choice := range c.Choices[:min(1, len(c.Choices))] {
		a.Finish = choice.Finish
		if choice.Message != nil {
			a.take(choice.Message, map[int]int{})
		}
	}
	a.Done = true
	return a
}

func openAIStream(body []byte) Answer {
	var a Answer
	calls := map[int]int{}
	for _, e := range Events(body) {
		if strings.TrimSpace(e.Data) == "[DONE]" {
			a.Done = true
			continue
		}
		var c completion
		if e.Data == "" || json.Unmarshal([]byte(e.Data), &c) != nil {
			continue
		}
		if present(c.Error) {
			a.Error = problem(c.Error)
			continue
		}
		if a.ID == "" {
			a.ID = c.ID
		}
		if a.Model == "" {
			a.Model = c.Model
		}
		for _, raw := range [...]json.RawMessage{c.Groq.Usage, c.Usage} {
			if u := OpenAIUsage(raw); u.Known {
				a.Usage = u
			}
		}
		for _, choice := range c.Choices {
			if choice.Index != 0 {
				continue
			}
			if choice.Finish != "" {
				a.Finish = choice.Finish
			}
			m := choice.Delta
			if m == nil {
				m = choice.Message
			}
			if m != nil {
				a.take(m, calls)
			}
		}
	}
	return a
}

type block struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	Thinking  string          `json:"thinking"`
	Signature string          `json:"signature"`
	Data      string          `json:"data"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
}

func anthropicWhole(body []byte) Answer {
	var a Answer
	var m struct {
		Type    string          `json:"type"`
		ID      string          `json:"id"`
		Model   string          `json:"model"`
		Content []block         `json:"content"`
		Stop    string          `json:"stop_reason"`
		Usage   json.RawMessage `json:"usage"`
		Error   json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &m) != nil {
		a.Error = "no JSON"
		return a
	}
	if m.Type == "error" {
		a.Error = problem(m.Error)
		return a
	}
	a.ID, a.Model, a.Finish, a.Usage, a.Done = m.ID, m.Model, m.Stop, AnthropicUsage(m.Usage), true
	for _, b := range m.Content {
		a.open(b)
		if b.Type == "tool_use" {
			a.Tools[len(a.Tools)-1].Args = string(b.Input)
		}
		a.sign(b.Signature)
	}
	return a
}

func (a *Answer) open(b block) {
	switch b.Type {
	case "text":
		a.Text += b.Text
	case "thinking":
		a.Reasoning += b.Thinking
	case "redacted_thinking":
		a.sign(b.Data)
	case "tool_use":
		a.Tools = append(a.Tools, Tool{ID: b.ID, Name: b.Name})
	}
}

func (a *Answer) sign(s string) {
	if s != "" {
		a.Signs = append(a.Signs, s)
	}
}

func anthropicStream(body []byte) Answer {
	var a Answer
	var usages []json.RawMessage
	kinds, signs := map[int]string{}, map[int]string{}
	for _, ev := range Events(body) {
		var e struct {
			Type    string `json:"type"`
			Index   int    `json:"index"`
			Message struct {
				ID    string          `json:"id"`
				Model string          `json:"model"`
				Usage json.RawMessage `json:"usage"`
			} `json:"message"`
			Block block `json:"content_block"`
			Delta struct {
				Type      string `json:"type"`
				Text      string `json:"text"`
				Thinking  string `json:"thinking"`
				Signature string `json:"signature"`
				JSON      string `json:"partial_json"`
				Stop      string `json:"stop_reason"`
			} `json:"delta"`
			Usage json.RawMessage `json:"usage"`
			Error json.RawMessage `json:"error"`
		}
		if ev.Data == "" || json.Unmarshal([]byte(ev.Data), &e) != nil {
			continue
		}
		switch e.Type {
		case "message_start":
			a.ID, a.Model = e.Message.ID, e.Message.Model
			usages = append(usages, e.Message.Usage)
		case "content_block_start":
			kinds[e.Index] = e.Block.Type
			a.open(e.Block)
			signs[e.Index] = e.Block.Signature
		case "content_block_delta":
			a.Text += e.Delta.Text
			a.Reasoning += e.Delta.Thinking
			signs[e.Index] += e.Delta.Signature
			if kinds[e.Index] == "tool_use" && len(a.Tools) > 0 {
				a.Tools[len(a.Tools)-1].Args += e.Delta.JSON
			}
		case "content_block_stop":
			a.sign(signs[e.Index])
		case "message_delta":
			a.Finish = e.Delta.Stop
			usages = append(usages, e.Usage)
		case "message_stop":
			a.Done = true
		case "error":
			a.Error = problem(e.Error)
		}
	}
	a.Usage = AnthropicUsage(usages...)
	return a
}

func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// problem gives the message of an error object, or its text.
func problem(raw json.RawMessage) string {
	var e struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &e) == nil && e.Message != "" {
		return e.Message
	}
	return string(raw)
}
