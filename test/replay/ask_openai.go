package replay

import (
	"encoding/json"
	"fmt"
	"strings"
)

type chatPart struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	Refusal  string          `json:"refusal"`
	ImageURL json.RawMessage `json:"image_url"` // an object, or Mistral's plain address
	Video    json.RawMessage `json:"video_url"`
	Document json.RawMessage `json:"document_url"`
	File     struct {
		Name string `json:"filename"`
		Data string `json:"file_data"`
		ID   string `json:"file_id"`
	} `json:"file"`
	Audio struct {
		Data   string `json:"data"`
		Format string `json:"format"`
	} `json:"input_audio"`
}

func chatParts(raw json.RawMessage) []chatPart {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return []chatPart{{Type: "text", Text: s}}
	}
	var parts []chatPart
	_ = json.Unmarshal(raw, &parts)
	return parts
}

// address is the url of {"url": …} or of the text itself.
func address(raw json.RawMessage) string {
	var o struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(raw, &o) == nil && o.URL != "" {
		return o.URL
	}
	return text(raw)
}

func (a *Ask) chatParts(role string, raw json.RawMessage) {
	for _, p := range chatParts(raw) {
		switch p.Type {
		case "text", "input_text", "output_text":
			a.say(role, "text", p.Text)
		case "refusal":
			a.say(role, "text", p.Refusal)
		case "image_url":
			a.say(role, "image", address(p.ImageURL))
		case "document_url":
			a.say(role, "document", address(p.Document))
		case "file":
			a.say(role, "document", p.File.Data+p.File.ID)
		case "input_audio":
			a.say(role, "audio", data("audio/"+p.Audio.Format, p.Audio.Data))
		case "thinking", "reasoning":
		default:
			a.say(role, p.Type, "")
		}
	}
}

func (a *Ask) openAI(body []byte) error {
	var r struct {
		Messages []struct {
			Role     string          `json:"role"`
			Content  json.RawMessage `json:"content"`
			Refusal  string          `json:"refusal"`
			CallID   string          `json:"tool_call_id"`
			Name     string          `json:"name"`
			Calls    []chatCall      `json:"tool_calls"`
			Function *struct {
				Name string `json:"name"`
				Args string `json:"arguments"`
			} `json:"function_call"`
		} `json:"messages"`
		Tools     []chatTool      `json:"tools"`
		Functions []chatFunction  `json:"functions"`
		Choice    json.RawMessage `json:"tool_choice"`
		OldChoice json.RawMessage `json:"function_call"`
		Parallel  *bool           `json:"parallel_tool_calls"`
		Max       json.Number     `json:"max_tokens"`
		MaxNew    json.Number     `json:"max_completion_tokens"`
		Temp      json.Number     `json:"temperature"`
		TopP      json.Number     `json:"top_p"`
		Stop      json.RawMessage `json:"stop"`
		Stream    bool            `json:"stream"`
		Format    struct {
			Type   string `json:"type"`
			Schema struct {
				Schema json.RawMessage `json:"schema"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	for _, m := range r.Messages {
		role := m.Role
		switch role {
		case "developer":
			role = "system"
		case "tool", "function":
			id := m.CallID
			if id == "" && role == "function" {
				id = m.Name
			}
			from := len(a.Items)
			a.chatParts("user", m.Content)
			a.result(from, Item{Role: "user", Kind: "tool_result", ID: id, Name: m.Name})
			continue
		}
		a.chatParts(role, m.Content)
		if m.Refusal != "" {
			a.say(role, "text", m.Refusal)
		}
		for _, c := range m.Calls {
			a.call(c.ID, c.Function.Name, c.args())
		}
		if m.Function != nil {
			a.call(m.Function.Name, m.Function.Name, m.Function.Args)
		}
	}
	a.chatTools(r.Tools)
	for _, f := range r.Functions {
		a.Tools = append(a.Tools, Offer{Name: f.Name, About: f.About, Schema: schema(f.Schema)})
	}
	a.Choice = chatChoice(r.Choice)
	if a.Choice == "" {
		a.Choice = chatChoice(r.OldChoice)
	}
	a.Single = r.Parallel != nil && !*r.Parallel
	a.Max = r.Max.String()
	if r.MaxNew != "" {
		a.Max = r.MaxNew.String()
	}
	a.Temperature, a.TopP, a.Stop, a.Stream = r.Temp.String(), r.TopP.String(), stops(r.Stop), r.Stream
	switch r.Format.Type {
	case "json_object":
		a.Format = "json"
	case "json_schema":
		a.Format = schema(r.Format.Schema.Schema)
	}
	return nil
}

// result makes a tool's result of what was said from an item on; media in it stay items of their own behind it.
func (a *Ask) result(from int, it Item) {
	var said []string
	rest := []Item{}
	for _, x := range a.Items[from:] {
		if x.Kind == "text" {
			said = append(said, x.Data)
		} else {
			rest = append(rest, x)
		}
	}
	it.Data = strings.Join(said, "\n")
	a.Items = append(append(a.Items[:from], it), rest...)
}

func (a *Ask) call(id, name, args string) {
	a.Items = append(a.Items, Item{Role: "assistant", Kind: "tool_use", ID: id, Name: name, Data: Canonical([]byte(args))})
}

type chatCall struct {
	ID       string `json:"id"`
	Function struct {
		Name string          `json:"name"`
		Args json.RawMessage `json:"arguments"`
	} `json:"function"`
}

func (c chatCall) args() string {
	if len(c.Function.Args) > 0 && c.Function.Args[0] == '{' {
		return string(c.Function.Args)
	}
	return text(c.Function.Args)
}

type chatFunction struct {
	Name   string          `json:"name"`
	About  string          `json:"description"`
	Schema json.RawMessage `json:"parameters"`
}

type chatTool struct {
	Type     string       `json:"type"`
	Function chatFunction `json:"function"`
}

func (a *Ask) chatTools(tools []chatTool) {
	for _, t := range tools {
		if t.Type != "function" && t.Type != "" {
			a.Tools = append(a.Tools, Offer{Name: t.Type, Hosted: true})
			continue
		}
		a.Tools = append(a.Tools, Offer{Name: t.Function.Name, About: t.Function.About, Schema: schema(t.Function.Schema)})
	}
}

func chatChoice(raw json.RawMessage) string {
	if word := text(raw); word != "" {
		return map[string]string{"any": "required"}[word] + map[bool]string{true: word}[word != "any"]
	}
	var named struct {
		Type     string `json:"type"`
		Name     string `json:"name"`
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	_ = json.Unmarshal(raw, &named)
	if name := named.Name + named.Function.Name; name != "" {
		return "tool:" + name
	}
	return ""
}

func (a *Ask) responses(body []byte) error {
	var r struct {
		Instructions string          `json:"instructions"`
		Input        json.RawMessage `json:"input"`
		Tools        []struct {
			Type string `json:"type"`
			chatFunction
		} `json:"tools"`
		Choice   json.RawMessage `json:"tool_choice"`
		Parallel *bool           `json:"parallel_tool_calls"`
		Max      json.Number     `json:"max_output_tokens"`
		Temp     json.Number     `json:"temperature"`
		TopP     json.Number     `json:"top_p"`
		Stream   bool            `json:"stream"`
		Text     struct {
			Format struct {
				Type   string          `json:"type"`
				Schema json.RawMessage `json:"schema"`
			} `json:"format"`
		} `json:"text"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	if r.Instructions != "" {
		a.say("system", "text", r.Instructions)
	}
	if s := text(r.Input); s != "" {
		a.say("user", "text", s)
	} else {
		var items []json.RawMessage
		_ = json.Unmarshal(r.Input, &items)
		for _, it := range items {
			if err := a.responsesItem(it); err != nil {
				return err
			}
		}
	}
	for _, t := range r.Tools {
		if t.Type != "function" {
			a.Tools = append(a.Tools, Offer{Name: t.Type, Hosted: true})
			continue
		}
		a.Tools = append(a.Tools, Offer{Name: t.Name, About: t.About, Schema: schema(t.Schema)})
	}
	a.Choice = chatChoice(r.Choice)
	a.Single = r.Parallel != nil && !*r.Parallel
	a.Max, a.Temperature, a.TopP, a.Stream = r.Max.String(), r.Temp.String(), r.TopP.String(), r.Stream
	switch r.Text.Format.Type {
	case "json_object":
		a.Format = "json"
	case "json_schema":
		a.Format = schema(r.Text.Format.Schema)
	}
	return nil
}

func (a *Ask) responsesItem(raw json.RawMessage) error {
	var it struct {
		Type    string          `json:"type"`
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
		CallID  string          `json:"call_id"`
		Name    string          `json:"name"`
		Args    json.RawMessage `json:"arguments"`
		Input   string          `json:"input"`
		Output  json.RawMessage `json:"output"`
	}
	if err := json.Unmarshal(raw, &it); err != nil {
		return err
	}
	role := it.Role
	if role == "developer" {
		role = "system"
	}
	switch it.Type {
	case "", "message":
		a.responsesParts(role, it.Content)
	case "function_call":
		a.call(it.CallID, it.Name, text(it.Args))
	case "custom_tool_call":
		args, _ := json.Marshal(it.Input)
		a.call(it.CallID, it.Name, string(args))
	case "function_call_output", "custom_tool_call_output":
		from := len(a.Items)
		a.responsesParts("user", it.Output)
		a.result(from, Item{Role: "user", Kind: "tool_result", ID: it.CallID})
	case "reasoning":
	default:
		a.say("assistant", it.Type, "")
	}
	return nil
}

func (a *Ask) responsesParts(role string, raw json.RawMessage) {
	if s := text(raw); s != "" {
		a.say(role, "text", s)
		return
	}
	var parts []struct {
		Type     string          `json:"type"`
		Text     string          `json:"text"`
		Refusal  string          `json:"refusal"`
		ImageURL json.RawMessage `json:"image_url"`
		FileID   string          `json:"file_id"`
		FileData string          `json:"file_data"`
		FileURL  string          `json:"file_url"`
		Audio    struct {
			Data   string `json:"data"`
			Format string `json:"format"`
		} `json:"input_audio"`
	}
	_ = json.Unmarshal(raw, &parts)
	for _, p := range parts {
		switch p.Type {
		case "input_text", "output_text", "text":
			a.say(role, "text", p.Text)
		case "refusal":
			a.say(role, "text", p.Refusal)
		case "input_image":
			a.say(role, "image", address(p.ImageURL)+p.FileID)
		case "input_file":
			a.say(role, "document", p.FileData+p.FileURL+p.FileID)
		case "input_audio":
			a.say(role, "audio", data("audio/"+p.Audio.Format, p.Audio.Data))
		default:
			a.say(role, p.Type, "")
		}
	}
}

func (a *Ask) cohere(body []byte) error {
	if err := a.openAI(body); err != nil {
		return err
	}
	var r struct {
		Stop   []string    `json:"stop_sequences"`
		TopP   json.Number `json:"p"`
		Choice string      `json:"tool_choice"`
		Format struct {
			Type   string          `json:"type"`
			Schema json.RawMessage `json:"json_schema"`
		} `json:"response_format"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return fmt.Errorf("cohere: %w", err)
	}
	a.Stop, a.TopP, a.Choice = r.Stop, r.TopP.String(), strings.ToLower(r.Choice)
	if r.Format.Type == "json_object" && present(r.Format.Schema) {
		a.Format = schema(r.Format.Schema)
	}
	return nil
}

func (a *Ask) ollama(body []byte) error {
	var r struct {
		Messages []struct {
			Role    string     `json:"role"`
			Content string     `json:"content"`
			Images  []string   `json:"images"`
			Calls   []chatCall `json:"tool_calls"`
			Tool    string     `json:"tool_name"`
			CallID  string     `json:"tool_call_id"`
		} `json:"messages"`
		Tools   []chatTool      `json:"tools"`
		Format  json.RawMessage `json:"format"`
		Stream  *bool           `json:"stream"`
		Options struct {
			Max  json.Number     `json:"num_predict"`
			Temp json.Number     `json:"temperature"`
			TopP json.Number     `json:"top_p"`
			Stop json.RawMessage `json:"stop"`
		} `json:"options"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	for _, m := range r.Messages {
		if m.Role == "tool" {
			a.Items = append(a.Items, Item{Role: "user", Kind: "tool_result", ID: m.CallID, Name: m.Tool, Data: m.Content})
		} else {
			a.say(m.Role, "text", m.Content)
		}
		for _, img := range m.Images {
			role := m.Role
			if role == "tool" {
				role = "user"
			}
			a.say(role, "image", img)
		}
		for _, c := range m.Calls {
			a.call(c.ID, c.Function.Name, c.args())
		}
	}
	a.chatTools(r.Tools)
	o := r.Options
	a.Max, a.Temperature, a.TopP, a.Stop = o.Max.String(), o.Temp.String(), o.TopP.String(), stops(o.Stop)
	a.Stream = r.Stream == nil || *r.Stream
	if a.Format = schema(r.Format); a.Format == `"json"` {
		a.Format = "json"
	}
	return nil
}
