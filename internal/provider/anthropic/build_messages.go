package anthropic

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

type outMessage struct {
	Role    string `json:"role"`
	Content []any  `json:"content"`
}

func textBlock(text string, cache json.RawMessage) map[string]any {
	return mark(map[string]any{"type": "text", "text": text}, cache)
}

func mark(block map[string]any, cache json.RawMessage) map[string]any {
	if cache != nil {
		block["cache_control"] = cache
	}
	return block
}

func (b *builder) system(parts []chat.Part) []any {
	var out []any
	for _, p := range parts {
		switch {
		case p.Kind != chat.Text:
			b.refuse(p.Path)
		case p.Text != "":
			out = append(out, textBlock(p.Text, p.Cache))
		}
	}
	return out
}

// messages writes the turns. Turns of one role that follow each other become one, with the answers of tools first, as the API
// demands. A call that has only instructions is made a question: the API demands one.
func (b *builder) messages(system *[]any) []outMessage {
	var out []outMessage
	var now turn
	for _, m := range b.r.Messages {
		if m.Role == chat.System && !b.own {
			*system = append(*system, b.system(m.Parts)...)
			continue
		}
		results, others := b.blocks(m)
		if len(results)+len(others) == 0 {
			continue
		}
		if role := string(m.Role); now.role != role || b.own {
			out = now.end(out)
			now.role = role
		}
		now.results, now.others = append(now.results, results...), append(now.others, others...)
	}
	out = now.end(out)
	if len(out) == 0 && len(*system) > 0 {
		out = append(out, outMessage{Role: string(chat.User), Content: *system})
		*system = nil
	}
	return out
}

// turn gathers messages of one role that follow each other. It is written once, at its end: clients send turns of any number of them.
type turn struct {
	role            string
	results, others []any
}

// end adds the turn to out, if there is one, and makes room for the next.
func (t *turn) end(out []outMessage) []outMessage {
	if len(t.results)+len(t.others) > 0 {
		out = append(out, outMessage{Role: t.role, Content: append(t.results, t.others...)})
	}
	*t = turn{}
	return out
}

// blocks writes a turn's parts, results of tools apart.
func (b *builder) blocks(m chat.Message) (results, others []any) {
	for _, p := range m.Parts {
		if p.Kind == chat.ToolResult {
			results = append(results, b.result(p))
			continue
		}
		if block := b.block(p); block != nil {
			others = append(others, block)
		}
	}
	if b.own && len(results) > 0 && len(others) > 0 { // the client knew the order it wanted
		results, others = nil, nil
		for _, p := range m.Parts {
			if p.Kind == chat.ToolResult {
				others = append(others, b.result(p))
			} else if block := b.block(p); block != nil {
				others = append(others, block)
			}
		}
	}
	return results, others
}

func (b *builder) result(p chat.Part) any {
	block := map[string]any{"type": "tool_result", "tool_use_id": callID(p.ID)}
	var content []any
	for _, part := range p.Parts {
		if inner := b.block(part); inner != nil {
			content = append(content, inner)
		}
	}
	if len(content) > 0 {
		block["content"] = content
	}
	if p.IsError {
		block["is_error"] = true
	}
	return mark(block, p.Cache)
}

// block writes one part; nil for one that says nothing or must not be sent.
func (b *builder) block(p chat.Part) any {
	switch p.Kind {
	case chat.Text, chat.Refusal:
		if p.Text == "" {
			return nil // refused as an empty block
		}
		return textBlock(p.Text, p.Cache)
	case chat.Image:
		if source := b.source(p); source != nil {
			return mark(map[string]any{"type": "image", "source": source}, p.Cache)
		}
	case chat.Document:
		return b.document(p)
	case chat.ToolCall:
		return mark(map[string]any{"type": "tool_use", "id": callID(p.ID), "name": p.Name, "input": input(p.Args)}, p.Cache)
	case chat.Thinking:
		if !sendable(p) {
			return nil
		}
		return map[string]any{"type": "thinking", "thinking": p.Text, "signature": p.Signature}
	case chat.Redacted:
		if !sendable(p) {
			return nil
		}
		return map[string]any{"type": "redacted_thinking", "data": p.Data}
	case chat.Opaque:
		if raw, ok := p.Extra[dialectName]; ok && b.own {
			return raw
		}
	case chat.Audio, chat.ToolResult:
	}
	b.refuse(p.Path)
	return nil
}

// sendable reports whether reasoning is Anthropic's own, proven by a signature. What another provider made has that provider's mark,
// or its seal.
func sendable(p chat.Part) bool {
	for name := range p.Extra {
		if name != dialectName {
			return false
		}
	}
	if strings.Contains(p.Signature, ":") || strings.Contains(p.Data, ":") {
		return false // sealed by another maker (see provider.Seal): Anthropic's own are base64
	}
	return (p.Kind == chat.Thinking && p.Signature != "") || (p.Kind == chat.Redacted && p.Data != "")
}

// input makes arguments an object: the API takes nothing else. What a model wrote that is no JSON is kept under a name that says so.
func input(args json.RawMessage) json.RawMessage {
	args = bytes.TrimSpace(args)
	switch {
	case len(args) == 0:
		return json.RawMessage("{}")
	case args[0] == '{' && json.Valid(args):
		return args
	}
	return wire.Marshal(map[string]string{"invalid_json": string(args)})
}

func (b *builder) source(p chat.Part) map[string]string {
	switch {
	case p.URL != "" && !b.at.cloud:
		return map[string]string{"type": "url", "url": p.URL}
	case p.Data != "":
		mediaType := p.MediaType
		if mediaType == "image/jpg" { // common, and refused
			mediaType = "image/jpeg"
		}
		return map[string]string{"type": "base64", "media_type": mediaType, "data": p.Data}
	case p.FileID != "" && !b.at.cloud && (b.own || strings.HasPrefix(p.FileID, "file_")): // file-… is OpenAI's
		return map[string]string{"type": "file", "file_id": p.FileID}
	}
	return nil
}

// document writes a document block. Base64 that is text goes as text: base64 means PDF here.
func (b *builder) document(p chat.Part) any {
	if raw, ok := p.Extra[dialectName]; ok && b.own {
		return raw
	}
	block := map[string]any{"type": "document"}
	if p.Name != "" {
		block["title"] = p.Name
	}
	switch {
	case p.Text != "":
		block["source"] = plainSource(p.Text)
		return mark(block, p.Cache)
	case p.Data != "" && (strings.HasPrefix(p.MediaType, "text/") || p.MediaType == "application/json"):
		if text, err := base64.StdEncoding.DecodeString(p.Data); err == nil {
			block["source"] = plainSource(string(text))
			return mark(block, p.Cache)
		}
	}
	source := b.source(p)
	if source == nil {
		b.refuse(p.Path)
		return nil
	}
	block["source"] = source
	return mark(block, p.Cache)
}

func plainSource(text string) map[string]string {
	return map[string]string{"type": "text", "media_type": "text/plain", "data": text}
}
