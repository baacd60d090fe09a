package openairesponses

import (
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// wireItem is an item of a request's input or of an answer's output.
type wireItem struct {
	Type      string          `json:"type"`
	ID        string          `json:"id"`
	Role      string          `json:"role"`
	Phase     string          `json:"phase"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"` // a string; some vendors send the object itself
	Input     string          `json:"input"`     // of a custom tool's call
	Output    json.RawMessage `json:"output"`
	Summary   json.RawMessage `json:"summary"`
	Encrypted string          `json:"encrypted_content"`
	Namespace string          `json:"namespace"`
}

// wirePart is a part of a message, of a function's output or of reasoning.
type wirePart struct {
	Type        string          `json:"type"`
	Text        string          `json:"text"`
	Refusal     string          `json:"refusal"`
	Annotations json.RawMessage `json:"annotations"`
	ImageURL    json.RawMessage `json:"image_url"` // a string; chat clients send an object
	Detail      string          `json:"detail"`
	FileID      string          `json:"file_id"`
	FileData    string          `json:"file_data"`
	FileURL     string          `json:"file_url"`
	Filename    string          `json:"filename"`
	Audio       *struct {
		Data   string `json:"data"`
		Format string `json:"format"`
	} `json:"input_audio"`
	Cache json.RawMessage `json:"cache_control"` // OpenRouter, for Anthropic's models
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

func extra(raw json.RawMessage) map[string]json.RawMessage {
	return map[string]json.RawMessage{dialectName: raw}
}

func present(raw json.RawMessage) json.RawMessage {
	if !wire.Present(raw) {
		return nil
	}
	return raw
}

// arguments gives the text of a call's arguments.
func arguments(raw json.RawMessage) json.RawMessage {
	if s, ok := wire.String(raw); ok {
		return json.RawMessage(s)
	}
	return present(raw)
}

// freeForm makes the text of a free-form tool's call its one argument.
func freeForm(text string) json.RawMessage { return wire.Marshal(map[string]string{"input": text}) }

// call is the part that an item with a call is.
func (it wireItem) call() chat.Part {
	p := chat.Part{Kind: chat.ToolCall, ID: it.callID()}
	p.Name, _ = plainName(it.Namespace, it.Name, it.Type == "custom_tool_call")
	if it.Type == "custom_tool_call" {
		p.Args = freeForm(it.Input)
	} else {
		p.Args = arguments(it.Arguments)
	}
	return p
}

// words are the texts of a list of parts, one paragraph each.
func words(raw json.RawMessage) string {
	if s, ok := wire.String(raw); ok {
		return s
	}
	var texts []string
	for _, p := range list[wirePart](raw) {
		if p.Text != "" {
			texts = append(texts, p.Text)
		}
	}
	return strings.Join(texts, "\n\n")
}

// thought is the text of a reasoning item: its summary, or the reasoning itself where that is told.
func (it wireItem) thought() string {
	if s := words(it.Summary); s != "" {
		return s
	}
	return words(it.Content)
}

// ownMark is the mark of this API's reasoning, in the words of both dialects of OpenAI.
func ownMark(id string) map[string]json.RawMessage {
	return map[string]json.RawMessage{
		dialectName: wire.Marshal(map[string]string{"id": id}),
		chatName:    json.RawMessage(`{"format":"openai-responses-v1"}`),
	}
}

// reasoning gives the part that a reasoning item is; false when it says nothing. What a note keeps for another part has the kind of
// that part.
func (it wireItem) reasoning() (part chat.Part, callID string, ok bool) {
	text := it.thought()
	if n, noted := readNote(it.Encrypted); noted {
		part = chat.Part{Text: text, Signature: n.Signature, Data: n.Data, Extra: n.Extra}
		part.Kind, ok = map[string]chat.PartKind{
			"thinking": chat.Thinking, "redacted": chat.Redacted, "text": chat.Text, "call": chat.ToolCall,
		}[n.Kind]
		return part, n.CallID, ok
	}
	part = chat.Part{Kind: chat.Thinking, Text: text, Extra: ownMark(it.ID)}
	if text == "" {
		part.Kind, part.Data = chat.Redacted, seal(it.ID, it.Encrypted)
	} else {
		part.Signature = seal(it.ID, it.Encrypted)
	}
	return part, "", text != "" || it.Encrypted != ""
}

// textPart gives a part of an answer's message; false for what it does not know.
func (p wirePart) textPart(phase string) (chat.Part, bool) {
	switch p.Type {
	case "output_text", "text":
		return chat.Part{Kind: chat.Text, Text: p.Text, Extra: textExtra(phase, p.Annotations)}, true
	case "refusal":
		return chat.Part{Kind: chat.Refusal, Text: p.Refusal}, true
	}
	return chat.Part{}, false
}

// ownText is what only this dialect says of a text.
type ownText struct {
	Phase       string            `json:"phase,omitempty"` // commentary, or the answer: the model wants it back
	Annotations []json.RawMessage `json:"annotations,omitempty"`
}

// textExtra keeps a text's phase and annotations, the latter also as OpenAI's other dialect has them; nil for neither.
func textExtra(phase string, annotations json.RawMessage) map[string]json.RawMessage {
	own := ownText{phase, list[json.RawMessage](annotations)}
	if own.Phase == "" && len(own.Annotations) == 0 {
		return nil
	}
	out := extra(wire.Marshal(own))
	var nested []json.RawMessage
	for _, raw := range own.Annotations {
		if c := nestedCitation(raw); c != nil {
			nested = append(nested, c)
		}
	}
	if nested != nil {
		out[chatName] = wire.Marshal(nested)
	}
	return out
}

// phase is what the model called a text.
func phase(p chat.Part) string {
	var own ownText
	if json.Unmarshal(p.Extra[dialectName], &own) != nil {
		return ""
	}
	return own.Phase
}

// nestedCitation is the form that chat completions have of a citation of a page; nil for other annotations.
func nestedCitation(raw json.RawMessage) json.RawMessage {
	var c map[string]json.RawMessage
	if json.Unmarshal(raw, &c) != nil || string(c["type"]) != `"url_citation"` {
		return nil
	}
	delete(c, "type")
	return wire.Marshal(map[string]any{"type": "url_citation", "url_citation": c})
}

// flatCitations are the annotations that a part of another dialect has to tell.
func flatCitations(p map[string]json.RawMessage, start, length int) []json.RawMessage {
	var own ownText
	if json.Unmarshal(p[dialectName], &own) == nil && len(own.Annotations) > 0 {
		return own.Annotations
	}
	var out []json.RawMessage
	for _, raw := range list[map[string]json.RawMessage](p[chatName]) {
		var c map[string]json.RawMessage
		if json.Unmarshal(raw["url_citation"], &c) == nil && c != nil {
			c["type"] = json.RawMessage(`"url_citation"`)
			out = append(out, wire.Marshal(c))
		}
	}
	cited := list[json.RawMessage](p[string(provider.AnthropicMessages)])
	if one := p[string(provider.AnthropicMessages)]; len(one) > 0 && one[0] == '{' { // a piece of a stream
		cited = []json.RawMessage{one}
	}
	for _, raw := range cited {
		var c struct {
			URL   string `json:"url"`
			Title string `json:"title"`
		}
		if json.Unmarshal(raw, &c) == nil && c.URL != "" {
			out = append(out, wire.Marshal(map[string]any{
				"type": "url_citation", "url": c.URL, "title": c.Title, "start_index": start, "end_index": start + length,
			}))
		}
	}
	return out
}
