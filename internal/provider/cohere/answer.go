package cohere

import (
	"encoding/json"
	"strconv"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

type wireContent struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Thinking string `json:"thinking"`
}

type wireCall struct {
	ID       string `json:"id"`
	Function struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"function"`
}

// planMark is in Part.Extra of a plan for tools, so that it can go back as one.
var planMark = json.RawMessage(`{"type":"tool_plan"}`)

type wireAnswer struct {
	ID      string `json:"id"`
	Message *struct {
		Content   json.RawMessage   `json:"content"`
		ToolPlan  string            `json:"tool_plan"`
		ToolCalls []wireCall        `json:"tool_calls"`
		Citations []json.RawMessage `json:"citations"`
	} `json:"message"`
	Finish    string          `json:"finish_reason"`
	Usage     json.RawMessage `json:"usage"`
	Error     string          `json:"error"`
	ErrorType string          `json:"error_type"`
}

// ParseResponse decodes a whole answer.
func (Chat) ParseResponse(body []byte) (chat.Response, error) {
	var a wireAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		return chat.Response{}, provider.ErrBadAnswer.Because(err)
	}
	reason, ok := finish(a.Finish, a.Message != nil && len(a.Message.ToolCalls) > 0)
	if !ok || (a.Message == nil && a.Error != "") {
		return chat.Response{}, failed(a.Finish, a.ErrorType, a.Error, body)
	}
	if a.Message == nil {
		return chat.Response{}, provider.ErrBadAnswer
	}
	out := chat.Response{ID: a.ID, Finish: reason, Usage: chatUsage(a.Usage)}
	parts, err := content(a.Message.Content)
	if err != nil {
		return out, err
	}
	cite(parts, a.Message.Citations)
	out.Parts = parts
	if a.Message.ToolPlan != "" {
		out.Parts = append(out.Parts, chat.Part{Kind: chat.Thinking, Text: a.Message.ToolPlan, Extra: extra(planMark)})
	}
	for i, c := range a.Message.ToolCalls {
		out.Parts = append(out.Parts, c.part(i))
	}
	return out, nil
}

func extra(raw json.RawMessage) map[string]json.RawMessage {
	return map[string]json.RawMessage{chatName: raw}
}

func content(raw json.RawMessage) ([]chat.Part, error) {
	if !wire.Present(raw) {
		return nil, nil
	}
	if s, ok := wire.String(raw); ok {
		return []chat.Part{{Kind: chat.Text, Text: s}}, nil
	}
	var list []wireContent
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, provider.ErrBadAnswer.Because(err)
	}
	parts := make([]chat.Part, 0, len(list))
	for _, c := range list {
		if c.Type == "thinking" {
			parts = append(parts, chat.Part{Kind: chat.Thinking, Text: c.Thinking})
			continue
		}
		parts = append(parts, chat.Part{Kind: chat.Text, Text: c.Text})
	}
	return parts, nil
}

// cite puts each citation to the part that it is about, the first text where it does not say.
func cite(parts []chat.Part, citations []json.RawMessage) {
	of := map[int][]json.RawMessage{}
	for _, raw := range citations {
		var c struct {
			At *int `json:"content_index"`
		}
		if json.Unmarshal(raw, &c) != nil {
			continue
		}
		at := -1
		if c.At != nil && *c.At >= 0 && *c.At < len(parts) && parts[*c.At].Kind == chat.Text {
			at = *c.At
		}
		for i := 0; at < 0 && i < len(parts); i++ {
			if parts[i].Kind == chat.Text {
				at = i
			}
		}
		if at >= 0 {
			of[at] = append(of[at], raw)
		}
	}
	for i, list := range of {
		parts[i].Extra = cited(wire.Marshal(list), list...)
	}
}

// cited is what a text says about its sources: own is Cohere's form, and pages are told in OpenAI's too, which clients of that show.
func cited(own json.RawMessage, citations ...json.RawMessage) map[string]json.RawMessage {
	out := extra(own)
	var notes []any
	for _, raw := range citations {
		notes = append(notes, annotations(raw)...)
	}
	if notes != nil {
		out[string(provider.OpenAIChat)] = wire.Marshal(notes)
	}
	return out
}

// annotations are the pages that a citation names.
func annotations(raw json.RawMessage) []any {
	type page struct {
		URL   string `json:"url"`
		Title string `json:"title"`
	}
	var c struct {
		Start   int `json:"start"`
		End     int `json:"end"`
		Sources []struct {
			Output   page `json:"tool_output"`
			Document page `json:"document"`
		} `json:"sources"`
	}
	if json.Unmarshal(raw, &c) != nil { // a source may hold anything under these names
		return nil
	}
	var notes []any
	for _, s := range c.Sources {
		at := s.Output
		if at.URL == "" {
			at = s.Document
		}
		if at.URL == "" {
			continue
		}
		notes = append(notes, map[string]any{"type": "url_citation", "url_citation": map[string]any{
			"url": at.URL, "title": at.Title, "start_index": c.Start, "end_index": c.End,
		}})
	}
	return notes
}

func (c wireCall) part(i int) chat.Part {
	p := chat.Part{Kind: chat.ToolCall, ID: c.ID, Name: c.Function.Name}
	args := c.Function.Arguments
	if s, ok := wire.String(args); ok {
		args = json.RawMessage(s)
	}
	if string(args) != "null" { // so a call without arguments is written at times
		p.Args = args
	}
	if p.ID == "" {
		p.ID = "call_" + strconv.Itoa(i)
	}
	return p
}

// Inspect reads what settling needs from a whole answer.
func (Chat) Inspect(body []byte) provider.Seen {
	var seen provider.Seen
	var reason, message, typ string
	var tools, answered bool
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		switch v := w.Value(); string(w.Key) {
		case "id":
			seen.ID, _ = wire.String(v)
		case "finish_reason":
			reason, _ = wire.String(v)
		case "usage":
			seen.Usage = chatUsage(v)
		case "error":
			message, _ = wire.String(v)
		case "error_type":
			typ, _ = wire.String(v)
		case "message":
			if v[0] == '{' {
				answered = true
				tools = measure(&seen, v)
			}
		}
	}
	if w.Err() != nil {
		return seen
	}
	ended, ok := finish(reason, tools)
	if !ok || (!answered && message != "") {
		seen.Refusal = failed(reason, typ, message, body)
		return seen
	}
	seen.Finish, seen.Ended = ended, answered
	return seen
}

// measure counts the bytes of a message and reports whether it calls tools.
func measure(seen *provider.Seen, message []byte) (tools bool) {
	m := wire.Walk(message)
	for m.Next() {
		size := 0
		switch v := m.Value(); string(m.Key) {
		case "content", "tool_calls":
			if (v[0] == '[' || v[0] == '"') && len(v) > 2 {
				size = len(v)
				tools = tools || string(m.Key) == "tool_calls"
			}
		case "tool_plan":
			size = len(v) - 2
		}
		if size > 0 {
			seen.Started = true
			seen.OutputBytes += int64(size)
		}
	}
	return tools
}
