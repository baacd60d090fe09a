package exchange

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/tenant"
)

// Kept is what a client sent in a call.
type Kept struct {
	Dialect string
	Body    []byte
	Cut     bool // it was longer than what is kept
}

// Why a call makes no prompt. Another organization's call is ErrCall.
var (
	ErrCall    = fault.New(fault.NotFound, "prompt.call_not_found", "There is no such call.").At("call_id")
	ErrNotKept = fault.New(fault.Conflict, "prompt.call_not_kept", "What was said in this call was not kept: its key, or its alias, keeps figures alone.").At("call_id")
	ErrNotChat = fault.New(fault.Conflict, "prompt.call_no_chat", "This call is no chat that a prompt can be made from.").At("call_id")
)

// Draft is a prompt that is not saved.
type Draft struct {
	Kind    prompt.Kind
	Content prompt.Content
	Notes   []string // what of the call has no place in it
}

// FromCall makes a draft of a logged call. The caller must be allowed to read calls. ErrNotKept, ErrNotChat.
func (s *Service) FromCall(ctx context.Context, in tenant.Scope, call id.Call) (Draft, error) {
	if err := in.Allow(tenant.ReadCalls); err != nil {
		return Draft{}, err
	}
	kept, err := s.calls.Kept(ctx, in, call)
	switch {
	case err != nil:
		return Draft{}, err
	case len(kept.Body) == 0:
		return Draft{}, ErrNotKept
	case kept.Cut:
		return Draft{}, ErrNotKept.Say("The call was longer than what is kept of one, and its end is missing.")
	}
	client, ok := catalog.Client(provider.Name(kept.Dialect))
	reader, reads := client.(provider.ChatClient)
	if !ok || !reads {
		return Draft{}, ErrNotChat
	}
	q, err := reader.ParseRequest(kept.Body)
	if err != nil {
		return Draft{}, ErrNotChat.Because(err)
	}
	return drafted(q)
}

// drafted is a call's request as a chat prompt.
func drafted(q chat.Request) (Draft, error) {
	f := &Found{}
	note := noting(f)
	d := Draft{Kind: prompt.Chat}
	say := func(role, text string) {
		if text != "" {
			d.Content.Messages = append(d.Content.Messages, prompt.Message{Role: role, Text: strings.ReplaceAll(text, "{{", `\{{`)})
		}
	}
	say("system", texts(q.System, "the instructions", note))
	for i, m := range q.Messages {
		say(string(m.Role), texts(m.Parts, "message "+strconv.Itoa(i+1), note))
	}
	if len(d.Content.Messages) == 0 {
		return Draft{}, ErrNotChat.Say("The call has no message with text.")
	}
	d.Content.Alias = q.Model
	err := requestSettings(q, &d.Content)
	d.Notes = f.Notes
	return d, err
}

// texts is the text of parts; what else there is is told.
func texts(parts []chat.Part, where string, note func(format string, args ...any)) string {
	var out []string
	for _, p := range parts {
		switch p.Kind {
		case chat.Text:
			out = append(out, p.Text)
		case chat.Image, chat.Document, chat.Audio:
			note("%s: an image, a document or a recording is left out", where)
		case chat.ToolCall, chat.ToolResult:
			note("%s: what was asked of a tool, and what it answered, is left out; a placeholder takes such messages", where)
		case chat.Thinking, chat.Redacted, chat.Refusal, chat.Opaque:
			note("%s: a part that is no text is left out", where)
		}
	}
	return strings.Join(out, "\n")
}

// requestSettings are a request's parameters, tools and schema.
func requestSettings(q chat.Request, c *prompt.Content) error {
	p := map[string]any{}
	for name, n := range map[string]json.Number{"temperature": q.Temperature, "top_p": q.TopP, "top_k": q.TopK, "seed": q.Seed} {
		if n != "" {
			p[name] = n
		}
	}
	if q.MaxTokens > 0 {
		p["max_tokens"] = q.MaxTokens
	}
	if len(q.Stop) > 0 {
		p["stop"] = q.Stop
	}
	if q.Reasoning != nil && q.Reasoning.Effort != "" {
		p["reasoning_effort"] = q.Reasoning.Effort
	}
	switch q.Choice.Mode {
	case "auto", "none", "required":
		p["tool_choice"] = q.Choice.Mode
	case "tool":
		p["tool_choice"] = map[string]any{"type": "function", "function": map[string]string{"name": q.Choice.Name}}
	}
	var err error
	if len(p) > 0 {
		if c.Parameters, err = encode(p); err != nil {
			return err
		}
	}
	if q.Format != nil && len(q.Format.Schema) > 0 {
		c.Schema = q.Format.Schema
	}
	var tools []map[string]any
	for _, t := range q.Tools {
		if len(t.Schema) == 0 && len(t.Extra) > 0 { // a tool that the provider runs itself
			continue
		}
		f := map[string]any{"name": t.Name}
		if t.Description != "" {
			f["description"] = t.Description
		}
		if len(t.Schema) > 0 {
			f["parameters"] = t.Schema
		}
		if t.Strict != nil {
			f["strict"] = *t.Strict
		}
		tools = append(tools, map[string]any{"type": "function", "function": f})
	}
	if len(tools) > 0 {
		c.Tools, err = encode(tools)
	}
	return err
}
