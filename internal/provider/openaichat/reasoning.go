package openaichat

import (
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// claudeFormat marks reasoning whose signature or data only Anthropic can read.
const claudeFormat = "anthropic-claude-v1"

// wireDetail is one entry of reasoning_details, the form in which OpenRouter made signed reasoning travel through this dialect.
type wireDetail struct {
	Type      string `json:"type"` // reasoning.text, reasoning.summary, reasoning.encrypted
	Text      string `json:"text,omitempty"`
	Summary   string `json:"summary,omitempty"`
	Data      string `json:"data,omitempty"`
	Signature string `json:"signature,omitempty"`
	ID        string `json:"id,omitempty"`
	Format    string `json:"format,omitempty"`
	Index     *int   `json:"index,omitempty"`
}

// wireThinking is one entry of LiteLLM's thinking_blocks: Anthropic's own block.
type wireThinking struct {
	Type      string `json:"type"`
	Thinking  string `json:"thinking"`
	Signature string `json:"signature"`
	Data      string `json:"data"`
}

// reasoning is where vendors and clients put reasoning in a message or delta.
type reasoning struct {
	Content json.RawMessage `json:"reasoning_content"` // DeepSeek, xAI, vLLM, Z.ai, Alibaba
	Plain   json.RawMessage `json:"reasoning"`         // Groq, OpenRouter, Cerebras, Ollama
	Details json.RawMessage `json:"reasoning_details"`
	Blocks  json.RawMessage `json:"thinking_blocks"`
}

// list reads the elements of a list that can be read; vendors put null, text and objects there too.
func list[T any](raw json.RawMessage) []T {
	var items []json.RawMessage
	if !wire.Present(raw) || json.Unmarshal(raw, &items) != nil {
		return nil
	}
	out := make([]T, 0, len(items))
	for _, item := range items {
		var v T
		if json.Unmarshal(item, &v) == nil {
			out = append(out, v)
		}
	}
	return out
}

// parts gives the reasoning once, in its richest form. Pieces of one streamed entry that a client sends back unmerged are joined.
func (r reasoning) parts(path string) []chat.Part {
	var parts []chat.Part
	for _, b := range list[wireThinking](r.Blocks) {
		if b.Type == "redacted_thinking" {
			parts = append(parts, chat.Part{Kind: chat.Redacted, Path: path, Data: b.Data})
			continue
		}
		parts = append(parts, chat.Part{Kind: chat.Thinking, Path: path, Text: b.Thinking, Signature: b.Signature})
	}
	if len(parts) > 0 {
		return parts
	}
	last := -1 // index of the entry that the last part came from
	for _, d := range list[wireDetail](r.Details) {
		part, ok := d.part(path)
		if !ok {
			continue
		}
		n := len(parts)
		if n > 0 && part.Kind == chat.Thinking && parts[n-1].Kind == chat.Thinking && d.Index != nil && *d.Index == last {
			parts[n-1].Text += part.Text
			if part.Signature != "" {
				parts[n-1].Signature = part.Signature
			}
			continue
		}
		parts = append(parts, part)
		last = -1
		if d.Index != nil {
			last = *d.Index
		}
	}
	if len(parts) == 0 {
		if text := r.text(); text != "" {
			parts = append(parts, chat.Part{Kind: chat.Thinking, Path: path, Text: text})
		}
	}
	return parts
}

func (r reasoning) text() string {
	for _, raw := range [...]json.RawMessage{r.Content, r.Plain} {
		if s, ok := wire.String(raw); ok && s != "" {
			return s
		}
	}
	return ""
}

// part reads one entry. Its format is kept: a signature means something to the provider that made it only.
func (d wireDetail) part(path string) (chat.Part, bool) {
	p := chat.Part{Path: path, Signature: d.Signature}
	if d.Format != "" && d.Format != claudeFormat {
		p.Extra = extra(wire.Marshal(d))
	}
	switch {
	case d.Type == "reasoning.encrypted" || (d.Data != "" && d.Text == ""):
		p.Kind, p.Data = chat.Redacted, d.Data
		return p, d.Data != ""
	case d.Summary != "":
		p.Kind, p.Text = chat.Thinking, d.Summary
	default:
		p.Kind, p.Text = chat.Thinking, d.Text
	}
	return p, p.Text != "" || p.Signature != ""
}

// details gives a message's reasoning in both forms: the text for clients that show it, the entries for those that send it back.
func details(parts []chat.Part) (text string, entries []wireDetail) {
	for _, p := range parts {
		i := len(entries)
		switch p.Kind {
		case chat.Thinking:
			text += p.Text
			entries = append(entries, wireDetail{Type: "reasoning.text", Text: p.Text, Signature: p.Signature, Format: formatOf(p), Index: &i})
		case chat.Redacted:
			if p.Data == "" { // marks what only another dialect knows
				continue
			}
			entries = append(entries, wireDetail{Type: "reasoning.encrypted", Data: p.Data, Format: formatOf(p), Index: &i})
		default: // no reasoning
		}
	}
	return text, entries
}

// formatOf says whose reasoning it is: what is signed or opaque and has no mark of another comes from Anthropic.
func formatOf(p chat.Part) string {
	if raw, ok := p.Extra[dialectName]; ok {
		var d wireDetail
		if json.Unmarshal(raw, &d) == nil {
			return d.Format
		}
	}
	if p.Signature != "" || p.Kind == chat.Redacted {
		return claudeFormat
	}
	return ""
}
