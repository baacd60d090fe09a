package ollama

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

type message struct {
	Role      string   `json:"role"`
	Content   string   `json:"content"`
	Thinking  string   `json:"thinking,omitempty"`
	Images    []string `json:"images,omitempty"` // base64
	ToolCalls []call   `json:"tool_calls,omitempty"`
	ToolName  string   `json:"tool_name,omitempty"`
	CallID    string   `json:"tool_call_id,omitempty"`
}

type call struct {
	ID       string `json:"id,omitempty"`
	Function struct {
		Index     int             `json:"index,omitempty"`
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"` // an object
	} `json:"function"`
}

func (b *builder) messages() []message {
	if text := b.text(b.r.System); text != "" {
		b.out = append(b.out, message{Role: "system", Content: text})
	}
	for _, m := range b.r.Messages {
		switch m.Role {
		case chat.System:
			b.out = append(b.out, message{Role: "system", Content: b.text(m.Parts)})
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

func (b *builder) assistant(m chat.Message) {
	out := message{Role: "assistant"}
	for _, p := range m.Parts {
		switch p.Kind {
		case chat.Text, chat.Refusal:
			out.Content += p.Text
		case chat.ToolCall:
			b.names[p.ID] = p.Name
			c := call{ID: p.ID}
			c.Function.Index, c.Function.Name, c.Function.Arguments = len(out.ToolCalls), p.Name, object(p.Args)
			out.ToolCalls = append(out.ToolCalls, c)
		case chat.Thinking: // whoever signed it is another maker
			if p.Signature == "" && len(p.Extra) == 0 {
				out.Thinking += p.Text
			}
		case chat.Redacted: // nobody but its maker can read it
		case chat.Image, chat.Document, chat.Audio, chat.ToolResult, chat.Opaque:
			b.refuse(p.Path)
		}
	}
	if out.Content == "" && out.ToolCalls == nil {
		return // nothing that could be said here
	}
	b.out = append(b.out, out)
}

// object makes arguments one: nothing else is taken. What a model wrote that is no JSON is kept under a name that says so.
func object(args json.RawMessage) json.RawMessage {
	args = bytes.TrimSpace(args)
	switch {
	case len(args) == 0 || string(args) == "null":
		return json.RawMessage("{}")
	case args[0] == '{' && json.Valid(args):
		return args
	}
	return wire.Marshal(map[string]string{"invalid_json": string(args)})
}

// user writes the answers of tools first, each a message of its own that names its function, then what the user said.
func (b *builder) user(m chat.Message) {
	out := message{Role: "user"}
	results := false
	for _, p := range m.Parts {
		if p.Kind != chat.ToolResult {
			continue
		}
		results = true
		answer := message{Role: "tool", CallID: p.ID, ToolName: b.names[p.ID]}
		images := len(out.Images)
		b.fill(&answer.Content, &out.Images, p.Parts)
		if p.IsError && !strings.HasPrefix(strings.ToLower(answer.Content), "error") {
			answer.Content = "Error: " + answer.Content
		}
		if len(out.Images) > images {
			out.Content += "Images of the result of tool call " + p.ID + ".\n"
		}
		b.out = append(b.out, answer)
	}
	rest := make([]chat.Part, 0, len(m.Parts))
	for _, p := range m.Parts {
		if p.Kind != chat.ToolResult {
			rest = append(rest, p)
		}
	}
	b.fill(&out.Content, &out.Images, rest)
	if results && out.Content == "" && out.Images == nil {
		return
	}
	b.out = append(b.out, out)
}

// fill puts texts and images where they go. Several texts are paragraphs.
func (b *builder) fill(text *string, images *[]string, parts []chat.Part) {
	var texts []string
	for _, p := range parts {
		switch {
		case p.Kind == chat.Text:
			texts = append(texts, p.Text)
		case p.Kind == chat.Document && p.Text != "":
			texts = append(texts, p.Text)
		case p.Kind == chat.Document && strings.HasPrefix(p.MediaType, "text/"):
			raw, err := base64.StdEncoding.DecodeString(p.Data)
			if err != nil {
				b.refuse(p.Path)
				continue
			}
			texts = append(texts, string(raw))
		case p.Kind == chat.Image && p.Data != "":
			*images = append(*images, p.Data)
		default: // an address is not fetched here
			b.refuse(p.Path)
		}
	}
	*text += strings.Join(texts, "\n\n")
}
