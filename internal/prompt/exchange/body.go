package exchange

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
)

// parameterWords are the members of a chat body that a version keeps as its parameters.
var parameterWords = []string{
	"temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "presence_penalty", "frequency_penalty", "seed", "stop",
	"reasoning_effort", "verbosity", "tool_choice", "parallel_tool_calls", "logit_bias", "logprobs", "top_logprobs",
}

// callOnly are members of a body that belong to a call, and say nothing of a prompt.
var callOnly = []string{"stream", "stream_options", "user", "metadata", "store", "n", "service_tier", "prompt_cache_key", "safety_identifier"}

// The bounds of what is told of one prompt.
const (
	notesMax     = 50
	noteBytesMax = 400
)

// noting collects notes, each once.
func noting(f *Found) func(format string, args ...any) {
	return func(format string, args ...any) {
		n := sprint(format, args...)
		if len(n) > noteBytesMax {
			n = strings.ToValidUTF8(n[:noteBytesMax], "") + "…"
		}
		if len(f.Notes) < notesMax && !slices.Contains(f.Notes, n) {
			f.Notes = append(f.Notes, n)
		}
	}
}

// body reads the parts of an OpenAI chat body: messages by translate, and settings.
func body(o object, translate func(string) (string, error), note func(format string, args ...any)) (prompt.Content, error) {
	var c prompt.Content
	for i, m := range o.objects("messages") {
		said, err := message(m, translate, note)
		if err != nil {
			return c, ErrSkipped.Say("message %d: %s", i+1, publicly(err))
		}
		c.Messages = append(c.Messages, said...)
	}
	if len(c.Messages) == 0 {
		return c, ErrSkipped.Say("there are no messages")
	}
	return c, settings(o, &c, note)
}

// message is one message of a body. Parts of its content become one text.
func message(m object, translate func(string) (string, error), note func(format string, args ...any)) ([]prompt.Message, error) {
	if m.text("type") == "placeholder" {
		return []prompt.Message{{Placeholder: m.text("name")}}, nil
	}
	role := strings.ToLower(m.text("role"))
	switch role {
	case "model":
		role = "assistant"
	case "":
		return nil, ErrSkipped.Say("it has no role")
	case "tool", "function":
		return nil, ErrSkipped.Say("what a tool answered cannot stand in a prompt: send it with the call, by a placeholder")
	}
	if m.has("tool_calls", "function_call") {
		return nil, ErrSkipped.Say("what a model asked of a tool cannot stand in a prompt: send it with the call, by a placeholder")
	}
	text, err := contentOf(m["content"], note)
	if err != nil {
		return nil, err
	}
	text, err = translate(text)
	return []prompt.Message{{Role: role, Text: text}}, err
}

// contentOf is the text of a content that is a string, or a list of parts.
func contentOf(raw json.RawMessage, note func(format string, args ...any)) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var parts []object
	if json.Unmarshal(raw, &parts) != nil {
		return "", ErrSkipped.Say("its content is neither a text nor a list of parts")
	}
	var texts []string
	for _, p := range parts {
		switch kind := p.text("type"); kind {
		case "text", "input_text", "output_text", "":
			texts = append(texts, p.text("text"))
		default:
			note("a part of kind %q is left out: a prompt has texts alone", fault.Clip(kind))
		}
	}
	return strings.Join(texts, "\n"), nil
}

// settings reads what a body says beside its messages.
func settings(o object, c *prompt.Content, note func(format string, args ...any)) error {
	if model := o.text("model"); model != "" && fault.OneLine(model, 256) {
		c.Alias = model
		note("calls that name no model use %q: see that an alias or a model is called so", model)
	}
	parameters := object{}
	for _, name := range parameterWords {
		if o.has(name) {
			parameters[name] = o[name]
		}
	}
	var err error
	if len(parameters) > 0 {
		c.Parameters, err = encode(parameters)
	}
	if len(o.objects("tools")) > 0 {
		c.Tools = o["tools"]
	}
	if format := o.object("response_format"); format != nil {
		if schema := format.object("json_schema"); schema.has("schema") {
			c.Schema = schema["schema"]
		} else if format.text("type") != "text" {
			note("response_format %s is left out: a prompt has a JSON Schema or none", fault.Clip(string(o["response_format"])))
		}
	}
	return err
}

// foreignParts reports messages in the form of an API rather than ours, whose messages have a text.
func foreignParts(o object) bool {
	return slices.ContainsFunc(o.objects("messages"), func(m object) bool { return m.has("content") })
}

// readBody reads a chat body that stands in a file. Its braces are read as Mustache.
func readBody(path string, o object) Found {
	name, _ := named(path, ".json", ".jsonl")
	if said := o.text("name"); said != "" {
		name = said
	}
	out, used, note := begun(path, name)
	out.Kind = prompt.Chat
	c, err := body(o, func(s string) (string, error) { return mustache(s, flavour{partial: partialName}, used, note) }, note)
	if err != nil {
		return out.refuse(err)
	}
	left(o, note, append([]string{"messages", "model", "tools", "response_format", "name"}, parameterWords...)...)
	out.version(0, c, used, "", nil)
	return *out
}

// left tells of members that nobody read.
func left(o object, note func(format string, args ...any), read ...string) {
	var rest []string
	for name := range o {
		if !slices.Contains(read, name) && !slices.Contains(callOnly, name) && o.has(name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	if len(rest) > 0 {
		note("left out: %s", strings.Join(rest, ", "))
	}
}

// partialName is the name of a prompt in the braces of a partial.
func partialName(ref string) (string, bool) {
	name := cleanName(ref)
	return name, name != "" && prompt.CheckName(name) == nil
}

// compact is JSON without its spaces; nil for what is empty.
func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil || slices.Contains([]string{"null", "{}", "[]", `""`}, b.String()) {
		return nil
	}
	return b.Bytes()
}

// encode is the JSON of a value, without escapes that JSON does not need.
func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
