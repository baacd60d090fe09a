package openaichat

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

type wireCall struct {
	Index    *int   `json:"index,omitempty"`
	ID       string `json:"id,omitempty"`
	Type     string `json:"type,omitempty"`
	Function struct {
		Name      string          `json:"name,omitempty"`
		Arguments json.RawMessage `json:"arguments"` // a string; some vendors send the object itself
	} `json:"function"`
	Custom *struct {
		Name  string `json:"name"`
		Input string `json:"input"`
	} `json:"custom,omitempty"`
	Cache json.RawMessage `json:"cache_control,omitempty"`
}

type wireMessage struct {
	Role       string          `json:"role"`
	Name       string          `json:"name"`
	Content    json.RawMessage `json:"content"`
	Refusal    string          `json:"refusal"`
	ToolCalls  []wireCall      `json:"tool_calls"`
	ToolCallID string          `json:"tool_call_id"`
	Function   *struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"function_call"`
	Cache json.RawMessage `json:"cache_control"`

	reasoning
}

// messageParser turns messages into turns: leading instructions become the system text, tool answers parts of a user turn.
type messageParser struct {
	f     *provider.Fields
	r     *chat.Request
	calls int // old function calls have no ids: they are numbered
}

func parseMessages(f *provider.Fields, r *chat.Request) {
	if !f.Has("messages") {
		f.Refuse("messages", "a list of messages")
		return
	}
	p := messageParser{f: f, r: r}
	for i, raw := range f.List("messages") {
		p.message("messages."+strconv.Itoa(i), raw)
		if f.Err != nil {
			return
		}
	}
	if len(r.Messages) == 0 && len(r.System) == 0 {
		f.Refuse("messages", "a list with at least one message")
	}
}

func (p *messageParser) message(path string, raw json.RawMessage) {
	var m wireMessage
	if json.Unmarshal(raw, &m) != nil {
		p.f.Refuse(path, "a message")
		return
	}
	parts, ok := p.content(path, m.Content)
	if !ok {
		return
	}
	if c := present(m.Cache); c != nil && len(parts) > 0 {
		parts[len(parts)-1].Cache = c
	}
	switch m.Role {
	case "system", "developer":
		if len(p.r.Messages) == 0 {
			p.r.System = append(p.r.System, parts...)
			return
		}
		p.add(chat.System, m.Name, parts)
	case "user":
		p.add(chat.User, m.Name, parts)
	case "assistant":
		p.add(chat.Assistant, m.Name, p.assistant(path, m, parts))
	case "tool":
		p.result(path, m.ToolCallID, parts)
	case "function":
		p.result(path, oldCallID(m.Name, p.lastCall(m.Name)), parts)
	default:
		p.f.Refuse(path+".role", "system, developer, user, assistant or tool")
	}
}

func (p *messageParser) add(role chat.Role, name string, parts []chat.Part) {
	p.r.Messages = append(p.r.Messages, chat.Message{Role: role, Name: name, Parts: parts})
}

// result adds a tool's answer to the turn of the answers before it, so that parallel calls are answered in one turn.
func (p *messageParser) result(path, id string, parts []chat.Part) {
	if id == "" {
		p.f.Refuse(path+".tool_call_id", "the id of a tool call")
		return
	}
	part := chat.Part{Kind: chat.ToolResult, Path: path, ID: id, Parts: parts}
	for i := range parts { // a mark on the text of a result is a mark on the result
		if parts[i].Cache != nil {
			part.Cache, parts[i].Cache = parts[i].Cache, nil
		}
	}
	if n := len(p.r.Messages); n > 0 {
		last := &p.r.Messages[n-1]
		if last.Role == chat.User && len(last.Parts) > 0 && last.Parts[len(last.Parts)-1].Kind == chat.ToolResult {
			last.Parts = append(last.Parts, part)
			return
		}
	}
	p.add(chat.User, "", []chat.Part{part})
}

func (p *messageParser) assistant(path string, m wireMessage, content []chat.Part) []chat.Part {
	parts := append(m.parts(path), content...)
	if m.Refusal != "" {
		parts = append(parts, chat.Part{Kind: chat.Refusal, Path: path, Text: m.Refusal})
	}
	for i, c := range m.ToolCalls {
		if c.Custom != nil {
			parts = append(parts, chat.Part{Kind: chat.Opaque, Path: path + ".tool_calls." + strconv.Itoa(i), Extra: extra(wire.Marshal(c))})
			continue
		}
		parts = append(parts, chat.Part{
			Kind: chat.ToolCall, Path: path + ".tool_calls." + strconv.Itoa(i), ID: c.ID, Name: c.Function.Name,
			Args: arguments(c.Function.Arguments), Cache: present(c.Cache),
		})
	}
	if m.Function != nil && m.Function.Name != "" {
		p.calls++
		parts = append(parts, chat.Part{
			Kind: chat.ToolCall, Path: path + ".function_call", ID: oldCallID(m.Function.Name, p.calls),
			Name: m.Function.Name, Args: arguments(m.Function.Arguments),
		})
	}
	return parts
}

// lastCall finds the number of the newest old-style call of a function.
func (p *messageParser) lastCall(name string) int {
	for n := p.calls; n > 0; n-- {
		id := oldCallID(name, n)
		for _, m := range p.r.Messages {
			for _, part := range m.Parts {
				if part.Kind == chat.ToolCall && part.ID == id {
					return n
				}
			}
		}
	}
	return p.calls
}

func oldCallID(name string, n int) string { return "call_" + strconv.Itoa(n) + "_" + name }

// arguments gives the text of a call's arguments, which stand on the wire as a string or, at some vendors, as the object.
func arguments(raw json.RawMessage) json.RawMessage {
	if s, ok := wire.String(raw); ok {
		return json.RawMessage(s)
	}
	return present(raw)
}

// content reads a string or a list of parts. Null is no part.
func (p *messageParser) content(path string, raw json.RawMessage) ([]chat.Part, bool) {
	if !wire.Present(raw) {
		return nil, true
	}
	if s, ok := wire.String(raw); ok {
		return []chat.Part{{Kind: chat.Text, Path: path, Text: s}}, true
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		p.f.Refuse(path+".content", "a string or a list of parts")
		return nil, false
	}
	parts := make([]chat.Part, 0, len(list))
	for i, item := range list {
		at := path + ".content." + strconv.Itoa(i)
		part, ok := toPart(at, item)
		if !ok {
			p.f.Refuse(at, "a content part")
			return nil, false
		}
		parts = append(parts, part)
	}
	return parts, true
}

type wirePart struct {
	Type    string          `json:"type"`
	Text    string          `json:"text"`
	Refusal string          `json:"refusal"`
	Image   json.RawMessage `json:"image_url"` // an object, or at some vendors the URL itself
	Audio   *struct {
		Data   string `json:"data"`
		Format string `json:"format"`
	} `json:"input_audio"`
	File *struct {
		Data string `json:"file_data"`
		Name string `json:"filename"`
		ID   string `json:"file_id"`
	} `json:"file"`
	Cache json.RawMessage `json:"cache_control"`
}

func toPart(path string, raw json.RawMessage) (chat.Part, bool) {
	if s, ok := wire.String(raw); ok {
		return chat.Part{Kind: chat.Text, Path: path, Text: s}, true
	}
	var w wirePart
	if json.Unmarshal(raw, &w) != nil || w.Type == "" {
		return chat.Part{}, false
	}
	p := chat.Part{Path: path, Cache: present(w.Cache)}
	switch {
	case w.Type == "text" || w.Type == "input_text" || w.Type == "output_text":
		p.Kind, p.Text = chat.Text, w.Text
	case w.Type == "thinking": // Mistral
		_, thoughts := contentParts(append(append([]byte{'['}, raw...), ']'))
		if len(thoughts) != 1 {
			p.Kind, p.Extra = chat.Opaque, extra(raw)
			break
		}
		p.Kind, p.Text, p.Extra = chat.Thinking, thoughts[0].Text, extra(raw)
	case w.Type == "reference": // Mistral: a mark in its own answers, which says nothing to another model
		p.Kind, p.Extra = chat.Text, extra(raw)
	case w.Type == "refusal":
		p.Kind, p.Text = chat.Refusal, w.Refusal
	case w.Type == "image_url" && wire.Present(w.Image):
		var o struct {
			URL    string `json:"url"`
			Detail string `json:"detail"`
		}
		if s, ok := wire.String(w.Image); ok {
			o.URL = s
		} else if json.Unmarshal(w.Image, &o) != nil {
			return p, false
		}
		p.Kind, p.Detail = chat.Image, o.Detail
		source(&p, o.URL)
	case w.Type == "input_audio" && w.Audio != nil:
		p.Kind, p.Data, p.MediaType = chat.Audio, w.Audio.Data, "audio/"+w.Audio.Format
	case w.Type == "file" && w.File != nil:
		p.Kind, p.Name, p.FileID = chat.Document, w.File.Name, w.File.ID
		if w.File.Data != "" {
			source(&p, w.File.Data)
		}
	default:
		p.Kind, p.Extra = chat.Opaque, extra(raw)
	}
	return p, true
}

// source sets what a URL says: an address, or data. Bare base64 is data of no stated type.
func source(p *chat.Part, url string) {
	if mediaType, data, ok := splitDataURL(url); ok {
		p.MediaType, p.Data = mediaType, data
		return
	}
	if p.Kind == chat.Document && !strings.Contains(url, "://") {
		p.MediaType, p.Data = "application/pdf", url
		return
	}
	p.URL = url
}
