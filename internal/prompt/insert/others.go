package insert

import (
	"tollgate/internal/prompt"
	"tollgate/internal/provider/wire"
)

// anthropic: https://docs.claude.com/en/api/messages. Instructions stand in system, whatever their place among the messages.
func (w *writer) anthropic(messages []prompt.Rendered, c *prompt.Content) {
	var system, first [][]byte
	for i := range messages {
		m := &messages[i]
		switch {
		case m.Sent != nil:
			first = append(first, w.sentAnthropic(m))
		case instructing(m):
			if m.Text != "" { // the API takes no empty text
				system = append(system, sized(m.Text).str("type", "text").str("text", m.Text).end())
			}
		default:
			first = append(first, message(m))
		}
	}
	if len(system) > 0 {
		if text, ok := wire.String(w.has["system"]); ok {
			if text != "" {
				system = append(system, object(nil).str("type", "text").str("text", text).end())
			}
			w.set("system", list(system, nil))
		} else {
			w.front("system", system)
		}
	}
	w.front("messages", first)
	w.anthropicSettings(c)
}

func (w *writer) anthropicSettings(c *prompt.Content) {
	for _, p := range parameters(c) {
		switch p.name {
		case "max_tokens", "max_completion_tokens":
			w.setting("max_tokens", p.value)
		case "thinking":
			w.fill(p.name, p.value)
		case "temperature", "top_p", "top_k", "service_tier":
			w.setting(p.name, p.value)
		case "stop":
			w.setting("stop_sequences", many(p.value))
		default:
			w.warn(p.name)
		}
	}
	var tools [][]byte
	for _, f := range functions(c) {
		tools = append(tools, f.as("input_schema"))
	}
	if len(tools) > 0 {
		w.fill("tools", list(tools, nil))
	}
	if len(c.Schema) > 0 {
		format := object(nil).str("type", "json_schema").raw("schema", c.Schema).end()
		w.fill("output_config", object(nil).raw("format", format).end(), "output_format")
	}
}

// many is a list of one, or the list that it is.
func many(raw []byte) []byte {
	if len(raw) > 0 && raw[0] == '[' {
		return raw
	}
	return list(nil, raw)
}

// gemini: https://ai.google.dev/api/generate-content. The assistant is called model there.
func (w *writer) gemini(messages []prompt.Rendered, c *prompt.Content) {
	var system, first [][]byte
	for i := range messages {
		m := &messages[i]
		part := sized(m.Text).str("text", m.Text).end()
		switch {
		case m.Sent != nil:
			first = append(first, w.sentGemini(m))
		case instructing(m):
			system = append(system, part)
		default:
			who := "user"
			if m.Role == "assistant" {
				who = "model"
			}
			first = append(first, object(nil).str("role", who).raw("parts", list([][]byte{part}, nil)).end())
		}
	}
	if len(system) > 0 {
		name := w.spelt("systemInstruction", "system_instruction")
		w.set(name, object(nil).raw("parts", list(system, parts(w.has[name]))).end())
	}
	w.front("contents", first)
	if !w.counts {
		w.geminiSettings(c)
	}
	w.geminiTools(c)
}

// geminiCount is a call whose tokens are counted: as it is, or wrapped.
func (w *writer) geminiCount(messages []prompt.Rendered, c *prompt.Content) {
	w.counts = true
	name := w.spelt("generateContentRequest", "generate_content_request")
	inner := w.has[name]
	if len(inner) == 0 || inner[0] != '{' {
		w.gemini(messages, c)
		return
	}
	in := newWriter(inner)
	in.counts = true
	in.gemini(messages, c)
	w.err = in.err
	w.set(name, wire.Apply(inner, in.out.In(inner)))
}

// spelt is the name that the call uses for a member; the first where it has none.
func (w *writer) spelt(name, other string) string {
	if w.has[other] != nil {
		return other
	}
	return name
}

// parts are those of a content.
func parts(content []byte) []byte {
	if text, ok := wire.String(content); ok {
		return object(nil).str("text", text).end()
	}
	for w := wire.Walk(content); w.Next() && w.IsObject(); {
		if string(w.Key) == "parts" {
			return w.Value()
		}
	}
	return nil
}

var geminiNames = map[string]string{
	"temperature": "temperature", "top_p": "topP", "top_k": "topK", "max_tokens": "maxOutputTokens", "max_completion_tokens": "maxOutputTokens",
	"stop": "stopSequences", "seed": "seed", "presence_penalty": "presencePenalty", "frequency_penalty": "frequencyPenalty",
}

func (w *writer) geminiSettings(c *prompt.Content) {
	name := w.spelt("generationConfig", "generation_config")
	config := object(nil)
	said := map[string]bool{}
	for in := wire.Walk(w.has[name]); in.Next() && in.IsObject(); {
		config = config.raw(string(in.Key), in.Value())
		said[string(in.Key)] = true
	}
	before := len(config)
	add := func(name string, value []byte) {
		if !said[name] {
			config, said[name] = config.raw(name, value), true
		}
	}
	for _, p := range parameters(c) {
		theirs, ok := geminiNames[p.name]
		switch {
		case !ok:
			w.warn(p.name)
		case p.name == "stop":
			add(theirs, many(p.value))
		default:
			add(theirs, p.value)
		}
	}
	if len(c.Schema) > 0 && !said["responseSchema"] {
		add("responseMimeType", []byte(`"application/json"`))
		add("responseJsonSchema", c.Schema)
	}
	if len(config) > before {
		w.set(name, config.end())
	}
}

func (w *writer) geminiTools(c *prompt.Content) {
	var tools [][]byte
	for _, f := range functions(c) {
		tools = append(tools, f.as("parameters"))
	}
	if len(tools) > 0 {
		w.fill("tools", list([][]byte{object(nil).raw("functionDeclarations", list(tools, nil)).end()}, nil))
	}
}
