package cohere

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/wire"
)

type message struct {
	Role       string `json:"role"`
	Content    any    `json:"content,omitempty"` // a text or a list of parts
	ToolPlan   string `json:"tool_plan,omitempty"`
	ToolCalls  []call `json:"tool_calls,omitempty"`
	ToolCallID string `json:"tool_call_id,omitempty"`
}

type call struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function callFunction `json:"function"`
}

type callFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

func (b *builder) messages() []message {
	if text := b.text(b.r.System); text != "" {
		b.out = append(b.out, message{Role: "system", Content: text})
	}
	for _, m := range b.r.Messages {
		switch m.Role {
		case chat.System:
			if text := b.text(m.Parts); text != "" {
				b.out = append(b.out, message{Role: "system", Content: text})
			}
		case chat.Assistant:
			b.assistant(m)
		case chat.User:
			b.user(m)
		}
	}
	return b.out
}

// text joins parts that must be texts.
func (b *builder) text(parts []chat.Part) string {
	texts := make([]string, 0, len(parts))
	for _, p := range parts {
		if p.Kind != chat.Text {
			b.refuse(p.Path)
			continue
		}
		texts = append(texts, p.Text)
	}
	return strings.Join(texts, "\n\n")
}

// assistant writes what the model said. Reasoning of earlier turns goes back where the vendor wants it, as the plan of a turn with
// calls: that is the one place in which every model takes it. Whoever signed its reasoning is another maker.
func (b *builder) assistant(m chat.Message) {
	out := message{Role: "assistant"}
	var text, plan strings.Builder
	for _, p := range m.Parts {
		switch p.Kind {
		case chat.Text, chat.Refusal:
			text.WriteString(p.Text)
		case chat.ToolCall:
			out.ToolCalls = append(out.ToolCalls, call{ID: p.ID, Type: "function", Function: callFunction{Name: p.Name, Arguments: arguments(p.Args)}})
		case chat.Thinking:
			if _, ours := p.Extra[chatName]; ours || (b.r.Encoding.ReplayReasoning && p.Signature == "" && len(p.Extra) == 0) {
				plan.WriteString(p.Text)
			}
		case chat.Redacted: // nobody but its maker can read it
		case chat.Image, chat.Document, chat.Audio, chat.ToolResult, chat.Opaque:
			b.refuse(p.Path)
		}
	}
	if text.Len() > 0 {
		out.Content = text.String()
	}
	if len(out.ToolCalls) > 0 {
		out.ToolPlan = plan.String()
	}
	if out.Content == nil && out.ToolCalls == nil {
		return // nothing that could be said here
	}
	b.out = append(b.out, out)
}

// arguments gives an object's text: that is what is taken back. What a model wrote that is no JSON is kept under a name that says so.
func arguments(args json.RawMessage) string {
	args = bytes.TrimSpace(args)
	switch {
	case len(args) == 0 || string(args) == "null":
		return "{}"
	case json.Valid(args):
		return string(args)
	}
	raw := wire.Marshal(map[string]string{"invalid_json": string(args)})
	return string(raw)
}

// user writes the answers of tools first, each a message of its own, then what the user said.
func (b *builder) user(m chat.Message) {
	var rest []chat.Part
	results := false
	for _, p := range m.Parts {
		if p.Kind != chat.ToolResult {
			continue
		}
		results = true
		content, more := b.result(p)
		b.out = append(b.out, message{Role: "tool", ToolCallID: p.ID, Content: content})
		if len(more) > 0 {
			rest = append(rest, chat.Part{Kind: chat.Text, Text: "Content of the result of tool call " + p.ID + ":"})
			rest = append(rest, more...)
		}
	}
	for _, p := range m.Parts {
		if p.Kind != chat.ToolResult {
			rest = append(rest, p)
		}
	}
	if len(rest) == 0 && results {
		return
	}
	b.out = append(b.out, message{Role: "user", Content: b.content(rest)})
}

// result gives a tool's answer: its text, or with documents a list. Pictures have no place in it and follow in the user's message.
func (b *builder) result(p chat.Part) (content any, more []chat.Part) {
	var texts []string
	var docs []any
	for _, part := range p.Parts {
		switch part.Kind {
		case chat.Text:
			texts = append(texts, part.Text)
		case chat.Image:
			more = append(more, part)
		case chat.Document:
			if text, ok := plainText(part); ok {
				data := map[string]string{"text": text}
				if part.Name != "" {
					data["title"] = part.Name
				}
				docs = append(docs, map[string]any{"type": "document", "document": map[string]any{"data": data}})
				continue
			}
			b.refuse(part.Path)
		default:
			b.refuse(part.Path)
		}
	}
	text := strings.Join(texts, "\n")
	if p.IsError && !strings.HasPrefix(strings.ToLower(text), "error") {
		text = "Error: " + text
	}
	if docs != nil {
		if text != "" {
			docs = append([]any{textPart(text)}, docs...)
		}
		return docs, more
	}
	if text == "" && len(more) > 0 {
		text = "(see the next message)"
	}
	return text, more
}

func textPart(text string) any { return map[string]string{"type": "text", "text": text} }

// content is a string where it can be.
func (b *builder) content(parts []chat.Part) any {
	if len(parts) == 1 && parts[0].Kind == chat.Text {
		return parts[0].Text
	}
	list := make([]any, 0, len(parts))
	for _, p := range parts {
		switch p.Kind {
		case chat.Text:
			list = append(list, textPart(p.Text))
			continue
		case chat.Image:
			if p.FileID == "" {
				image := map[string]string{"url": openaiembed.ImageURL(p)}
				if p.Detail != "" {
					image["detail"] = p.Detail
				}
				list = append(list, map[string]any{"type": "image_url", "image_url": image})
				continue
			}
		case chat.Document:
			if text, ok := plainText(p); ok {
				list = append(list, textPart(text))
				continue
			}
		case chat.Audio, chat.ToolCall, chat.ToolResult, chat.Thinking, chat.Redacted, chat.Refusal, chat.Opaque:
		}
		b.refuse(p.Path)
	}
	return list
}

// plainText is what a document says, where it is text.
func plainText(p chat.Part) (string, bool) {
	switch {
	case p.Text != "":
		return p.Text, true
	case p.Data != "" && (strings.HasPrefix(p.MediaType, "text/") || p.MediaType == "application/json"):
		raw, err := base64.StdEncoding.DecodeString(p.Data)
		return string(raw), err == nil
	}
	return "", false
}
