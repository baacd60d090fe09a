package insert

import (
	"tollgate/internal/prompt"
	"tollgate/internal/provider/wire"
)

// openAIChat: https://platform.openai.com/docs/api-reference/chat/create
func (w *writer) openAIChat(messages []prompt.Rendered, c *prompt.Content) {
	var first [][]byte
	for i := range messages {
		first = append(first, message(&messages[i]))
	}
	w.set("messages", list(first, w.has["messages"]))
	for _, p := range parameters(c) {
		w.fill(p.name, p.value, synonyms[p.name]...)
	}
	w.fill("tools", c.Tools)
	if len(c.Schema) > 0 {
		schema := object(nil).str("name", "answer").raw("schema", c.Schema).raw("strict", []byte("true")).end()
		w.fill("response_format", object(nil).str("type", "json_schema").raw("json_schema", schema).end())
	}
}

// synonyms are other names under which a call may have said the same.
var synonyms = map[string][]string{
	"max_tokens": {"max_completion_tokens"}, "max_completion_tokens": {"max_tokens"}, "reasoning_effort": {"reasoning"},
}

// message is one in the form of OpenAI's chat; those that were sent for a placeholder pass as they are.
func message(m *prompt.Rendered) []byte {
	if m.Sent != nil {
		return m.Sent
	}
	return object(nil).str("role", role(m)).str("content", m.Text).end()
}

// openAIResponses: https://platform.openai.com/docs/api-reference/responses/create. Input that is a text becomes a message.
func (w *writer) openAIResponses(messages []prompt.Rendered, c *prompt.Content) {
	var first [][]byte
	for i := range messages {
		first = append(first, message(&messages[i]))
	}
	input := w.has["input"]
	if text, ok := wire.String(input); ok {
		input = object(nil).str("role", "user").str("content", text).end()
	}
	w.set("input", list(first, input))
	for _, p := range parameters(c) {
		switch p.name {
		case "max_tokens", "max_completion_tokens":
			w.fill("max_output_tokens", p.value)
		case "reasoning_effort":
			w.fill("reasoning", object(nil).raw("effort", p.value).end())
		case "temperature", "top_p", "parallel_tool_calls", "tool_choice", "store", "truncation", "service_tier":
			w.fill(p.name, p.value)
		default:
			w.warn(p.name)
		}
	}
	if tools := functions(c); len(tools) > 0 {
		var out [][]byte
		for _, f := range tools {
			out = append(out, f.flat())
		}
		w.fill("tools", list(out, nil))
	}
	if len(c.Schema) > 0 {
		format := object(nil).str("type", "json_schema").str("name", "answer").raw("schema", c.Schema).raw("strict", []byte("true")).end()
		w.fill("text", object(nil).raw("format", format).end())
	}
}

// completions is OpenAI's oldest endpoint, which has a text and no messages.
func (w *writer) completions(messages []prompt.Rendered, c *prompt.Content) {
	text := ""
	for i := range messages {
		if i > 0 {
			text += "\n\n"
		}
		text += messages[i].Text
		if messages[i].Sent != nil {
			w.warn("messages")
		}
	}
	if said, ok := wire.String(w.has["prompt"]); ok && said != "" {
		text += "\n\n" + said
	}
	w.set("prompt", wire.AppendString(nil, text))
	for _, p := range parameters(c) {
		switch p.name {
		case "max_completion_tokens":
			w.fill("max_tokens", p.value)
		case "temperature", "top_p", "max_tokens", "stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias":
			w.fill(p.name, p.value)
		default:
			w.warn(p.name)
		}
	}
	if len(c.Tools) > 0 {
		w.warn("tools")
	}
	if len(c.Schema) > 0 {
		w.warn("schema")
	}
}
