package insert

import (
	"tollgate/internal/prompt"
	"tollgate/internal/provider/wire"
)

// openAIChat: https://platform.openai.com/docs/api-reference/chat/create
func (w *writer) openAIChat(messages []prompt.Rendered, c *prompt.Content) {
	var first [][]byte
	for i := range messages {
		if m := &messages[i]; m.Sent != nil && sentRole(m) == "" {
			w.refuse(m, "has no role.")
		}
		first = append(first, message(&messages[i]))
	}
	w.front("messages", first)
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
	return sized(m.Text).str("role", role(m)).str("content", m.Text).end()
}

// openAIResponses: https://platform.openai.com/docs/api-reference/responses/create. Instructions at the head of a prompt are the call's
// instructions, which the API does not carry over from one turn to the next (previous_response_id), where a call brings them anew;
// behind them stand the call's own. Input that is a text becomes a message.
func (w *writer) openAIResponses(messages []prompt.Rendered, c *prompt.Content) {
	lead := 0
	for lead < len(messages) && messages[lead].Sent == nil && instructing(&messages[lead]) {
		lead++
	}
	if lead == len(messages) && w.has["input"] == nil {
		lead = 0 // else there would be no input at all
	}
	instructions := ""
	for i := range messages[:lead] {
		instructions = join(instructions, messages[i].Text)
	}
	messages = messages[lead:]
	if instructions != "" {
		own, _ := wire.String(w.has["instructions"])
		w.set("instructions", wire.AppendString(nil, join(instructions, own)))
	}
	var first [][]byte
	for i := range messages {
		if m := &messages[i]; m.Sent != nil {
			first = append(first, w.sentResponses(m))
		} else {
			first = append(first, message(m))
		}
	}
	if text, ok := wire.String(w.has["input"]); ok && len(first) > 0 {
		if text != "" {
			first = append(first, object(nil).str("role", "user").str("content", text).end())
		}
		w.set("input", list(first, nil))
	} else if len(first) > 0 {
		w.front("input", first)
	}
	w.responsesSettings(c)
}

// join puts texts below each other.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}

func (w *writer) responsesSettings(c *prompt.Content) {
	for _, p := range parameters(c) {
		switch p.name {
		case "max_tokens", "max_completion_tokens":
			w.setting("max_output_tokens", p.value)
		case "reasoning_effort":
			w.fill("reasoning", object(nil).raw("effort", p.value).end())
		case "parallel_tool_calls", "tool_choice", "truncation":
			w.fill(p.name, p.value)
		case "temperature", "top_p", "store", "service_tier":
			w.setting(p.name, p.value)
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
