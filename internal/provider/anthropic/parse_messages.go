package anthropic

import (
	"encoding/json"
	"strconv"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// wireBlock is a content block in a request or an answer.
type wireBlock struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
	ToolUseID string          `json:"tool_use_id"`
	Content   json.RawMessage `json:"content"`
	IsError   bool            `json:"is_error"`
	Source    *wireSource     `json:"source"`
	Title     string          `json:"title"`
	Thinking  string          `json:"thinking"`
	Signature string          `json:"signature"`
	Data      string          `json:"data"`
	Citations json.RawMessage `json:"citations"` // a list in answers, a switch in documents
	Cache     json.RawMessage `json:"cache_control"`
}

type wireSource struct {
	Type      string          `json:"type"`
	MediaType string          `json:"media_type"`
	Data      string          `json:"data"`
	URL       string          `json:"url"`
	FileID    string          `json:"file_id"`
	Content   json.RawMessage `json:"content"`
}

func parseMessages(f *provider.Fields, r *chat.Request) {
	if !f.Has("messages") {
		f.Refuse("messages", "a list of messages")
		return
	}
	for i, raw := range f.List("messages") {
		path := "messages." + strconv.Itoa(i)
		var m struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		}
		if json.Unmarshal(raw, &m) != nil {
			f.Refuse(path, "a message")
			return
		}
		parts, ok := parseContent(f, path+".content", m.Content)
		if !ok {
			return
		}
		role := chat.Role(m.Role)
		switch role {
		case chat.User, chat.Assistant, chat.System:
		default:
			f.Refuse(path+".role", "user or assistant")
			return
		}
		r.Messages = append(r.Messages, chat.Message{Role: role, Parts: parts})
	}
}

// parseContent reads a string or a list of blocks. Null is no part.
func parseContent(f *provider.Fields, path string, raw json.RawMessage) ([]chat.Part, bool) {
	if !wire.Present(raw) {
		return nil, true
	}
	if s, ok := wire.String(raw); ok {
		return []chat.Part{{Kind: chat.Text, Path: path, Text: s}}, true
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		f.Refuse(path, "a string or a list of content blocks")
		return nil, false
	}
	parts := make([]chat.Part, 0, len(list))
	for i, item := range list {
		at := path + "." + strconv.Itoa(i)
		var b wireBlock
		if json.Unmarshal(item, &b) != nil || b.Type == "" {
			f.Refuse(at, "a content block")
			return nil, false
		}
		p := b.part(at, item)
		if b.Type == "tool_result" {
			inner, ok := parseContent(f, at+".content", b.Content)
			if !ok {
				return nil, false
			}
			p.Parts = inner
		}
		parts = append(parts, p)
	}
	return parts, true
}

// part turns a block into its neutral form; a block that only this dialect has is opaque.
func (b wireBlock) part(path string, raw json.RawMessage) chat.Part {
	p := chat.Part{Path: path, Cache: present(b.Cache)}
	switch b.Type {
	case "text":
		p.Kind, p.Text = chat.Text, b.Text
		if wire.Present(b.Citations) {
			p.Extra = extra(b.Citations)
		}
	case "image":
		p.Kind = chat.Image
		if !b.source(&p) {
			p.Kind = chat.Opaque
		}
	case "document":
		p.Kind, p.Name = chat.Document, b.Title
		if !b.source(&p) || citing(b.Citations) {
			p = chat.Part{Path: path, Kind: chat.Opaque, Cache: p.Cache}
		}
	case "tool_use":
		p.Kind, p.ID, p.Name, p.Args = chat.ToolCall, b.ID, b.Name, present(b.Input)
		if p.Args == nil {
			p.Args = json.RawMessage("{}")
		}
	case "tool_result":
		p.Kind, p.ID, p.IsError = chat.ToolResult, b.ToolUseID, b.IsError
	case "thinking":
		p.Kind, p.Text, p.Signature = chat.Thinking, b.Thinking, b.Signature
	case "redacted_thinking":
		p.Kind, p.Data = chat.Redacted, b.Data
	default:
		p.Kind = chat.Opaque
	}
	if p.Kind == chat.Opaque || p.Kind == chat.Document {
		p.Extra = extra(raw)
	}
	return p
}

// citing reports whether a document asks for citations, which no other dialect can be asked for.
func citing(raw json.RawMessage) bool {
	var c struct {
		Enabled bool `json:"enabled"`
	}
	return wire.Present(raw) && json.Unmarshal(raw, &c) == nil && c.Enabled
}

// source reads where an image or document comes from.
func (b wireBlock) source(p *chat.Part) bool {
	if b.Source == nil {
		return false
	}
	switch s := b.Source; s.Type {
	case "base64":
		p.MediaType, p.Data = s.MediaType, s.Data
	case "url":
		p.URL = s.URL
	case "file":
		p.FileID = s.FileID
	case "text":
		p.MediaType, p.Text = s.MediaType, s.Data
	default:
		return false
	}
	return true
}
