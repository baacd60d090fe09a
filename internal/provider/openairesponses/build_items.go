package openairesponses

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
)

// system gives the text of the instructions. Where the client of this dialect wrote some of them as items, those stay items.
func (b *builder) system() string {
	var texts []string
	for _, p := range b.r.System {
		switch {
		case p.Kind != chat.Text:
			b.refuse(p.Path)
		case b.own && p.Path != "instructions":
			b.say("developer", "", object{"type": "input_text", "text": p.Text})
		default:
			texts = append(texts, p.Text)
		}
	}
	b.flush()
	return strings.Join(texts, "\n\n")
}

// say puts a part into the message being written, or begins another one.
func (b *builder) say(role, phase string, part any) {
	if len(b.pending) > 0 && (b.role != role || b.phase != phase) {
		b.flush()
	}
	b.role, b.phase = role, phase
	b.pending = append(b.pending, part)
}

// flush writes the message. A single text is a string: every vendor takes that.
func (b *builder) flush() {
	if len(b.pending) == 0 {
		return
	}
	item := object{"role": b.role, "content": b.pending}
	if b.phase != "" {
		item["phase"] = b.phase
	}
	if part, ok := b.pending[0].(object); ok && len(b.pending) == 1 && (part["type"] == "input_text" || part["type"] == "output_text") {
		item["content"] = part["text"]
	}
	b.input = append(b.input, item)
	b.pending, b.role, b.phase = nil, "", ""
}

func (b *builder) item(item any) {
	b.flush()
	b.input = append(b.input, item)
}

func (b *builder) message(m chat.Message) {
	switch m.Role {
	case chat.System:
		for _, p := range m.Parts {
			if p.Kind != chat.Text {
				b.refuse(p.Path)
				continue
			}
			b.say("developer", "", object{"type": "input_text", "text": p.Text})
		}
	case chat.Assistant:
		for _, p := range m.Parts {
			b.assistant(p)
		}
	case chat.User:
		b.user(m.Parts)
	}
	b.flush()
}

func (b *builder) assistant(p chat.Part) {
	if raw, ok := p.Extra[dialectName]; ok && b.own && p.Kind != chat.Text {
		b.item(raw)
		return
	}
	switch p.Kind {
	case chat.Text:
		if p.Text == "" {
			return
		}
		b.say("assistant", phase(p), object{"type": "output_text", "text": p.Text})
	case chat.Refusal:
		b.say("assistant", "", object{"type": "refusal", "refusal": p.Text})
	case chat.ToolCall:
		args := string(p.Args)
		if args == "" {
			args = "{}"
		}
		b.item(object{"type": "function_call", "call_id": callID(p.ID), "name": p.Name, "arguments": args})
	case chat.Thinking, chat.Redacted:
		if item := b.thought(p); item != nil {
			b.item(item)
		}
	case chat.Image, chat.Document, chat.Audio, chat.ToolResult, chat.Opaque:
		b.refuse(p.Path)
	}
}

// thought gives the item of reasoning that this API made, nil for another maker's.
func (b *builder) thought(p chat.Part) any {
	id, encrypted, own := unseal(p.Signature + p.Data)
	if !own {
		id, encrypted, own = fromOpenRouter(p)
	}
	if !own {
		if !b.r.Encoding.ReplayReasoning || p.Kind != chat.Thinking || p.Text == "" {
			return nil
		}
		return object{"type": "reasoning", "summary": []any{}, "content": []any{object{"type": "reasoning_text", "text": p.Text}}}
	}
	item := object{"type": "reasoning", "summary": []any{}, "encrypted_content": encrypted}
	if id != "" {
		item["id"] = id
	}
	if p.Text != "" {
		item["summary"] = []any{object{"type": "summary_text", "text": p.Text}}
	}
	return item
}

// fromOpenRouter reads this API's secret as OpenRouter writes it into reasoning_details of chat completions.
func fromOpenRouter(p chat.Part) (id, encrypted string, own bool) {
	var d struct {
		ID     string `json:"id"`
		Format string `json:"format"`
	}
	if p.Kind != chat.Redacted || p.Data == "" || json.Unmarshal(p.Extra[chatName], &d) != nil {
		return "", "", false
	}
	return d.ID, p.Data, d.Format == "openai-responses-v1" && !strings.Contains(p.Data, ":")
}

func (b *builder) user(parts []chat.Part) {
	for _, p := range parts {
		if p.Kind == chat.ToolResult {
			b.result(p)
			continue
		}
		if p.Kind == chat.Opaque && b.own && !strings.Contains(p.Path, ".content.") {
			b.item(p.Extra[dialectName])
			continue
		}
		if part := b.part(p); part != nil {
			b.say("user", "", part)
		}
	}
}

// result writes a function's output: text where it is only text. That it is an error can only be said in its words.
func (b *builder) result(p chat.Part) {
	if raw, ok := p.Extra[dialectName]; ok && b.own {
		b.item(raw)
		return
	}
	var texts []string
	var list []any
	plain := true
	for _, inner := range p.Parts {
		if inner.Kind == chat.Text {
			texts = append(texts, inner.Text)
			list = append(list, object{"type": "input_text", "text": inner.Text})
			continue
		}
		plain = false
		if part := b.part(inner); part != nil {
			list = append(list, part)
		}
	}
	var output any = list
	text := strings.Join(texts, "\n")
	mark := p.IsError && !strings.HasPrefix(strings.ToLower(text), "error")
	switch {
	case plain && mark:
		output = "Error: " + text
	case plain:
		output = text
	case mark:
		output = append([]any{object{"type": "input_text", "text": "Error:"}}, list...)
	}
	b.item(object{"type": "function_call_output", "call_id": callID(p.ID), "output": output})
}

// part writes a part of a user's message or a function's output.
func (b *builder) part(p chat.Part) any {
	switch p.Kind {
	case chat.Text:
		return object{"type": "input_text", "text": p.Text}
	case chat.Image:
		return b.image(p)
	case chat.Document:
		return b.file(p)
	case chat.Audio:
		if b.own {
			return object{"type": "input_audio", "input_audio": object{"data": p.Data, "format": strings.TrimPrefix(p.MediaType, "audio/")}}
		}
	case chat.Opaque:
		if raw, ok := p.Extra[dialectName]; ok && b.own {
			return raw
		}
	case chat.Refusal, chat.ToolCall, chat.ToolResult, chat.Thinking, chat.Redacted:
	}
	b.refuse(p.Path)
	return nil
}

func (b *builder) image(p chat.Part) any {
	out := object{"type": "input_image"}
	if p.Detail != "" {
		out["detail"] = p.Detail
	}
	switch {
	case p.URL != "" || p.Data != "":
		out["image_url"] = url(p)
	case b.openAIFile(p.FileID):
		out["file_id"] = p.FileID
	default:
		b.refuse(p.Path)
		return nil
	}
	return out
}

// file writes a document. Plain text is what it is: text.
func (b *builder) file(p chat.Part) any {
	out := object{"type": "input_file"}
	switch {
	case p.Text != "":
		return object{"type": "input_text", "text": p.Text}
	case p.Data != "":
		out["filename"], out["file_data"] = p.Name, url(p)
		if p.Name == "" {
			out["filename"] = "document.pdf"
		}
	case p.URL != "":
		out["file_url"] = p.URL
	case b.openAIFile(p.FileID):
		out["file_id"] = p.FileID
	default:
		b.refuse(p.Path)
		return nil
	}
	return out
}

// openAIFile: file_… is Anthropic's.
func (b *builder) openAIFile(id string) bool {
	return id != "" && (b.own || !strings.HasPrefix(id, "file_"))
}

func url(p chat.Part) string {
	if p.URL != "" {
		return p.URL
	}
	return "data:" + p.MediaType + ";base64," + p.Data
}

// callIDMax is the longest call_id that the API takes.
const callIDMax = 64

// callID makes an id that the API takes out of any, always the same one, so that a result finds its call.
func callID(id string) string {
	if len(id) <= callIDMax {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "call_" + hex.EncodeToString(sum[:16])
}
