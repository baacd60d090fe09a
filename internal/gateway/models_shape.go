package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"tollgate/internal/provider"
	"tollgate/internal/provider/gemini"
	"tollgate/internal/route"
)

// shape writes a list, or one entry of it, in the form of one kind of client.
type shape func(list []listed, one bool) []byte

// shapeOf is the form that a client reads: that of its surface, or Anthropic's for clients that tell the version of that API.
func shapeOf(r *http.Request, v visit) shape {
	switch {
	case v.dialect.Name() == provider.Gemini, r.Header.Get("X-Goog-Api-Key") != "", r.Header.Get("X-Goog-Api-Client") != "":
		return geminiShape
	case v.dialect.Name() == provider.AnthropicMessages, r.Header.Get("Anthropic-Version") != "":
		return anthropicShape
	}
	return openaiShape
}

// wireModel is an entry in the union of OpenAI's and Anthropic's forms: clients read the fields they know.
type wireModel struct {
	ID            string            `json:"id"`
	Object        string            `json:"object,omitempty"` // OpenAI: "model"
	Type          string            `json:"type,omitempty"`   // Anthropic: "model"
	Created       *int64            `json:"created,omitempty"`
	CreatedAt     string            `json:"created_at,omitempty"`
	DisplayName   string            `json:"display_name,omitempty"`
	OwnedBy       string            `json:"owned_by,omitempty"`
	ContextWindow int64             `json:"context_window,omitempty"`
	MaxOutput     int64             `json:"max_output_tokens,omitempty"`
	Input         []string          `json:"input_modalities,omitempty"`
	Pricing       map[string]string `json:"pricing,omitempty"`
}

func tell(l *listed) wireModel {
	return wireModel{
		ID: l.ID, OwnedBy: l.OwnedBy, ContextWindow: l.ContextWindow, MaxOutput: l.MaxOutput, Input: l.Input, Pricing: l.Pricing,
	}
}

func openaiShape(list []listed, one bool) []byte {
	data := make([]wireModel, len(list))
	for i := range list {
		data[i] = tell(&list[i])
		data[i].Object, data[i].Created = "model", &list[i].Created
	}
	if one {
		return marshal(data[0])
	}
	return marshal(map[string]any{"object": "list", "data": data})
}

func anthropicShape(list []listed, one bool) []byte {
	data := make([]wireModel, len(list), 2*len(list))
	for i := range list {
		data[i] = tell(&list[i])
		data[i].Type, data[i].DisplayName = "model", list[i].ID
		data[i].CreatedAt = time.Unix(list[i].Created, 0).UTC().Format(time.RFC3339)
	}
	for _, m := range data { // see route.Twin
		if !one && !strings.HasPrefix(m.ID, "claude") && !strings.HasPrefix(m.ID, "anthropic") {
			m.ID = route.Twin + m.ID
			data = append(data, m)
		}
	}
	if one {
		return marshal(data[0])
	}
	body := map[string]any{"data": data, "has_more": false}
	if len(data) > 0 {
		body["first_id"], body["last_id"] = data[0].ID, data[len(data)-1].ID
	}
	return marshal(body)
}

func geminiShape(list []listed, one bool) []byte {
	data := make([]gemini.Model, len(list))
	for i, l := range list {
		data[i] = gemini.Model{Name: l.ID, InputTokens: l.ContextWindow, OutputTokens: l.MaxOutput, Methods: l.methods()}
	}
	if one {
		return gemini.AppendModel(nil, data[0])
	}
	return gemini.AppendModels(nil, data, "")
}

// methods are what Google's clients can do with a model; the pickers of some ask.
func (l *listed) methods() []string {
	switch {
	case l.Embeds:
		return []string{"embedContent", "batchEmbedContents"}
	case l.Chats:
		return []string{"generateContent", "streamGenerateContent", "countTokens"}
	}
	return nil
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("{}") // strings, numbers and maps of strings always encode
	}
	return b
}
