package playground

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"strconv"

	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// Request is a column's call, in the form of OpenAI's chat completions.
type Request struct {
	Model    string // an alias, or "provider/model"
	Body     []byte // as the gateway is sent it
	Chosen   Chosen
	Rendered []prompt.Rendered // what the prompt says, filled in
	Most     int               // tokens of output that are asked for at most; 0: no bound is set
}

// wireBody is the body, its members in the order in which people read them.
type wireBody struct {
	Model          string            `json:"model"`
	Messages       []json.RawMessage `json:"messages"`
	Temperature    *float64          `json:"temperature,omitempty"`
	TopP           *float64          `json:"top_p,omitempty"`
	MaxTokens      int               `json:"max_tokens,omitempty"`
	Tools          json.RawMessage   `json:"tools,omitempty"`
	ResponseFormat json.RawMessage   `json:"response_format,omitempty"`
	Stream         bool              `json:"stream,omitempty"`
	StreamOptions  json.RawMessage   `json:"stream_options,omitempty"`
	Tollgate       *wireTollgate     `json:"tollgate,omitempty"`
}

type wireTollgate struct {
	Prompt    wirePrompt                 `json:"prompt"`
	Variables map[string]json.RawMessage `json:"variables,omitempty"`
}

type wirePrompt struct {
	ID      string `json:"id"`
	Version int    `json:"version,omitempty"`
	Label   string `json:"label,omitempty"`
}

type wireMessage struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

// Request makes the call of a column. A saved version is filled in by the gateway, and recorded with the call; a draft is filled in here.
// ErrInvalid at the field; the failures of the prompt and its variables.
func (s *Service) Request(ctx context.Context, in tenant.Scope, set *Setup, c *Column, stream bool) (Request, error) {
	if err := set.check(); err != nil {
		return Request{}, err
	}
	ch, err := s.Choose(ctx, in, c)
	if err != nil {
		return Request{}, err
	}
	out := Request{Model: cmp.Or(c.Model, ch.Content.Alias), Chosen: ch}
	if out.Model == "" {
		return Request{}, invalid("model", "Choose a model or an alias.")
	}
	if out.Rendered, err = s.render(ctx, in, &ch, set.Variables); err != nil {
		return Request{}, err
	}
	if set.Message == "" && len(set.Images) == 0 && len(out.Rendered) == 0 {
		return Request{}, invalid("message", "Write a message, or choose a prompt.")
	}
	body := wireBody{
		Model: out.Model, Temperature: c.Temperature, TopP: c.TopP, MaxTokens: c.MaxTokens, Tools: set.Tools, ResponseFormat: format(set.Schema),
		Messages: []json.RawMessage{}, Stream: stream,
	}
	if stream {
		body.StreamOptions = json.RawMessage(`{"include_usage":true}`)
	}
	if ch.Edited {
		body.Messages = spoken(out.Rendered)
	} else if !ch.None() {
		body.Tollgate = &wireTollgate{Prompt: named(&ch), Variables: set.Variables}
	}
	if set.Message != "" || len(set.Images) > 0 {
		body.Messages = append(body.Messages, message(set))
	}
	if out.Most = c.MaxTokens; out.Most == 0 {
		out.Most = capOf(ch.Content.Parameters)
	}
	if out.Body, err = encode(body); err != nil {
		return Request{}, err
	}
	if ch.Edited {
		out.Body, err = fill(out.Body, &ch.Content)
	}
	return out, err
}

// named is how the call names a version.
func named(ch *Chosen) wirePrompt {
	if ch.Label != "" {
		return wirePrompt{ID: string(ch.Prompt.ID), Label: ch.Label}
	}
	return wirePrompt{ID: string(ch.Prompt.ID), Version: ch.Number}
}

// encode is json.Marshal that leaves <, > and & as they are: the body is shown to people.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// must encodes what cannot fail: texts.
func must(v any) json.RawMessage {
	raw, err := encode(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}

// spoken is rendered messages in the form of chat completions. A text prompt is an instruction.
func spoken(list []prompt.Rendered) []json.RawMessage {
	out := make([]json.RawMessage, len(list))
	for i, m := range list {
		if out[i] = m.Sent; m.Sent == nil {
			out[i] = must(wireMessage{cmp.Or(m.Role, "system"), m.Text})
		}
	}
	return out
}

// message is the user's.
func message(set *Setup) json.RawMessage {
	if len(set.Images) == 0 {
		return must(wireMessage{"user", set.Message})
	}
	type part struct {
		Type  string            `json:"type"`
		Text  string            `json:"text,omitempty"`
		Image map[string]string `json:"image_url,omitempty"`
	}
	var parts []part
	if set.Message != "" {
		parts = append(parts, part{Type: "text", Text: set.Message})
	}
	for _, u := range set.Images {
		parts = append(parts, part{Type: "image_url", Image: map[string]string{"url": u}})
	}
	return must(wireMessage{"user", parts})
}

// format asks for an answer that a schema accepts.
func format(schema json.RawMessage) json.RawMessage {
	if len(schema) == 0 {
		return nil
	}
	return must(map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": "answer", "schema": schema}})
}

// fill adds to a body the settings of a draft that the body leaves open, as the gateway does for a saved version.
func fill(body []byte, c *prompt.Content) ([]byte, error) {
	var has, more map[string]json.RawMessage
	if err := json.Unmarshal(body, &has); err != nil {
		return nil, err
	}
	if len(c.Parameters) > 0 {
		if err := json.Unmarshal(c.Parameters, &more); err != nil {
			return nil, invalid("draft", "The parameters of the prompt are no JSON object.")
		}
	}
	if len(c.Tools) > 0 {
		more = with(more, "tools", c.Tools)
	}
	if len(c.Schema) > 0 {
		more = with(more, "response_format", format(c.Schema))
	}
	for name, value := range more {
		if _, said := has[name]; !said {
			has[name] = value
		}
	}
	return encode(has)
}

func with(m map[string]json.RawMessage, name string, value json.RawMessage) map[string]json.RawMessage {
	if m == nil {
		m = map[string]json.RawMessage{}
	}
	m[name] = value
	return m
}

// capOf reads the output cap out of a prompt's parameters; 0: there is none.
func capOf(parameters json.RawMessage) int {
	var p struct {
		MaxTokens           json.Number `json:"max_tokens"`
		MaxCompletionTokens json.Number `json:"max_completion_tokens"`
	}
	if len(parameters) == 0 || json.Unmarshal(parameters, &p) != nil {
		return 0
	}
	n, err := strconv.Atoi(string(cmp.Or(p.MaxCompletionTokens, p.MaxTokens)))
	if err != nil || n < 0 {
		return 0
	}
	return n
}
