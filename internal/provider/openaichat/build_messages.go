package openaichat

import (
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
)

type outMessage struct {
	Role       string       `json:"role"`
	Name       string       `json:"name,omitempty"`
	Content    any          `json:"content"` // nil is null, which an assistant's message may have
	Refusal    string       `json:"refusal,omitempty"`
	Reasoning  string       `json:"reasoning_content,omitempty"`
	Plain      string       `json:"reasoning,omitempty"`
	Details    []wireDetail `json:"reasoning_details,omitempty"`
	ToolCalls  []any        `json:"tool_calls,omitempty"`
	ToolCallID string       `json:"tool_call_id,omitempty"`
	Prefix     bool         `json:"prefix,omitempty"`
}

type outCall struct {
	Index    *int        `json:"index,omitempty"`
	ID       string      `json:"id,omitempty"`
	Type     string      `json:"type,omitempty"`
	Function outFunction `json:"function"`
}

type outFunction struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

func (b *builder) messages() []outMessage {
	if list := b.marked(b.r.System); list != nil {
		b.out = append(b.out, outMessage{Role: "system", Content: list})
	} else if text := b.systemText(b.r.System); text != "" {
		b.out = append(b.out, outMessage{Role: "system", Content: text})
	}
	for _, m := range b.r.Messages {
		switch m.Role {
		case chat.System:
			b.out = append(b.out, outMessage{Role: "system", Name: m.Name, Content: b.systemText(m.Parts)})
		case chat.Assistant:
			b.assistant(m)
		case chat.User:
			b.user(m)
		}
	}
	return b.out
}

// systemText joins blocks with blank lines: not every vendor takes a list here.
func (b *builder) systemText(parts []chat.Part) string {
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

func (b *builder) assistant(m chat.Message) {
	out := outMessage{Role: "assistant", Name: m.Name}
	var text []string
	var content []any // the content as a list, for parts that only this dialect has
	var reasoning []chat.Part
	for _, p := range m.Parts {
		if raw := p.Extra[dialectName]; b.own && raw != nil && isContent(p) {
			content = append(content, raw)
			continue
		}
		switch p.Kind {
		case chat.Text:
			text = append(text, p.Text)
			content = append(content, map[string]string{"type": "text", "text": p.Text})
		case chat.Refusal:
			out.Refusal += p.Text
		case chat.ToolCall:
			out.ToolCalls = append(out.ToolCalls, outCall{ID: b.callID(p.ID), Type: "function", Function: outFunction{Name: p.Name, Arguments: argsText(p.Args)}})
		case chat.Thinking, chat.Redacted:
			reasoning = append(reasoning, unsealed(p))
		case chat.Opaque:
			if raw, ok := p.Extra[dialectName]; ok && b.own {
				out.ToolCalls = append(out.ToolCalls, raw)
				continue
			}
			b.refuse(p.Path)
		case chat.Image, chat.Document, chat.Audio, chat.ToolResult:
			b.refuse(p.Path)
		}
	}
	switch {
	case len(content) > len(text):
		out.Content = content
	case text != nil:
		out.Content = strings.Join(text, "")
	}
	if b.r.Encoding.ReplayReasoning || b.own {
		b.replay(&out, reasoning)
	}
	if out.Content == nil && out.ToolCalls == nil && out.Refusal == "" {
		if out.Reasoning == "" && out.Plain == "" {
			return // nothing that could be said here
		}
		out.Content = ""
	}
	b.out = append(b.out, out)
}

// unsealed is reasoning without what another maker sealed (see provider.Seal): its words can be read by all, its proof only there.
func unsealed(p chat.Part) chat.Part {
	if strings.Contains(p.Signature, ":") {
		p.Signature = ""
	}
	if strings.Contains(p.Data, ":") {
		p.Data = ""
	}
	return p
}

// isContent reports whether a part with a raw form of its own stood in a message's content: Mistral's thinking and references, unknown
// parts.
func isContent(p chat.Part) bool {
	return (p.Kind == chat.Thinking || p.Kind == chat.Opaque || (p.Kind == chat.Text && p.Text == "")) && strings.Contains(p.Path, ".content.")
}

func argsText(args json.RawMessage) string {
	if len(args) == 0 {
		return "{}"
	}
	return string(args)
}

// user writes the answers of tools first, each a message of its own, as this dialect demands directly behind the calls. What
// such an answer cannot hold here (images, documents) follows in the user's message.
func (b *builder) user(m chat.Message) {
	var rest []chat.Part
	results := false
	for _, p := range m.Parts {
		if p.Kind != chat.ToolResult {
			continue
		}
		results = true
		text, more := b.result(p)
		answer := outMessage{Role: "tool", ToolCallID: b.callID(p.ID), Content: text}
		if mark := b.cache(p); mark != nil {
			answer.Content = []any{textPart(text, mark)}
		}
		b.out = append(b.out, answer)
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
	b.out = append(b.out, outMessage{Role: "user", Name: m.Name, Content: b.content(rest)})
}

// result gives a tool's answer as text, and what is no text. That it is an error can only be said in its words.
func (b *builder) result(p chat.Part) (string, []chat.Part) {
	var texts []string
	var more []chat.Part
	for _, part := range p.Parts {
		switch part.Kind {
		case chat.Text:
			texts = append(texts, part.Text)
		case chat.Image, chat.Document:
			more = append(more, part)
		default:
			b.refuse(part.Path)
		}
	}
	text := strings.Join(texts, "\n")
	if text == "" && len(more) > 0 {
		text = "(see the next message)"
	}
	if p.IsError && !strings.HasPrefix(strings.ToLower(text), "error") {
		text = "Error: " + text
	}
	return text, more
}

// content is a string where it can be: some vendors take nothing else.
func (b *builder) content(parts []chat.Part) any {
	if len(parts) == 1 && parts[0].Kind == chat.Text && b.cache(parts[0]) == nil {
		return parts[0].Text
	}
	if b.r.Encoding.Quirks.TextContent {
		return b.systemText(parts)
	}
	list := make([]any, 0, len(parts))
	for _, p := range parts {
		if v := b.part(p); v != nil {
			list = append(list, v)
		}
	}
	return list
}

func (b *builder) part(p chat.Part) any {
	switch p.Kind {
	case chat.Text:
		return textPart(p.Text, b.cache(p))
	case chat.Image:
		image := map[string]string{"url": url(p)}
		if p.Detail != "" {
			image["detail"] = p.Detail
		}
		if p.FileID == "" {
			return map[string]any{"type": "image_url", "image_url": image}
		}
	case chat.Audio:
		return map[string]any{"type": "input_audio", "input_audio": map[string]string{"data": p.Data, "format": strings.TrimPrefix(p.MediaType, "audio/")}}
	case chat.Document:
		return b.document(p)
	case chat.Opaque:
		if raw, ok := p.Extra[dialectName]; ok && b.own {
			return raw
		}
	case chat.Refusal, chat.ToolCall, chat.ToolResult, chat.Thinking, chat.Redacted:
	}
	b.refuse(p.Path)
	return nil
}

// document writes a file part. Plain text is what it is: text. An address is a form that OpenAI lacks and OpenRouter has.
func (b *builder) document(p chat.Part) any {
	name := p.Name
	if name == "" {
		name = "document.pdf"
	}
	switch {
	case p.Text != "":
		return map[string]string{"type": "text", "text": p.Text}
	case p.FileID != "" && (b.own || !strings.HasPrefix(p.FileID, "file_")): // file_… is Anthropic's
		return map[string]any{"type": "file", "file": map[string]string{"file_id": p.FileID}}
	case p.Data != "" || (p.URL != "" && b.own):
		return map[string]any{"type": "file", "file": map[string]string{"filename": name, "file_data": url(p)}}
	}
	b.refuse(p.Path)
	return nil
}

func url(p chat.Part) string {
	if p.URL != "" {
		return p.URL
	}
	return "data:" + p.MediaType + ";base64," + p.Data
}
