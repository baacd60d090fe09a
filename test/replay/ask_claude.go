package replay

import (
	"encoding/base64"
	"encoding/json"
)

type claudePart struct {
	Type    string          `json:"type"`
	Text    string          `json:"text"`
	Source  claudeSource    `json:"source"`
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	Input   json.RawMessage `json:"input"`
	UseID   string          `json:"tool_use_id"`
	Content json.RawMessage `json:"content"`
	IsError bool            `json:"is_error"`
}

type claudeSource struct {
	Type      string          `json:"type"`
	MediaType string          `json:"media_type"`
	Data      string          `json:"data"`
	URL       string          `json:"url"`
	FileID    string          `json:"file_id"`
	Content   json.RawMessage `json:"content"`
}

func (s claudeSource) String() string {
	switch s.Type {
	case "base64":
		return data(s.MediaType, s.Data)
	case "text":
		return data("text/plain", base64.StdEncoding.EncodeToString([]byte(s.Data)))
	}
	return s.URL + s.FileID
}

func claudeParts(raw json.RawMessage) []claudePart {
	if s := text(raw); s != "" {
		return []claudePart{{Type: "text", Text: s}}
	}
	var parts []claudePart
	_ = json.Unmarshal(raw, &parts)
	return parts
}

func (a *Ask) claude(role string, raw json.RawMessage) {
	for _, p := range claudeParts(raw) {
		switch p.Type {
		case "text":
			a.say(role, "text", p.Text)
		case "image", "document":
			a.say(role, p.Type, p.Source.String())
		case "tool_use":
			a.call(p.ID, p.Name, string(p.Input))
		case "tool_result":
			from := len(a.Items)
			a.claude("user", p.Content)
			a.result(from, Item{Role: "user", Kind: "tool_result", ID: p.UseID, Fail: p.IsError})
		case "thinking", "redacted_thinking":
		default:
			a.say(role, p.Type, "")
		}
	}
}

func (a *Ask) anthropic(body []byte) error {
	var r struct {
		System   json.RawMessage `json:"system"`
		Messages []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
		Tools []struct {
			Type   string          `json:"type"`
			Name   string          `json:"name"`
			About  string          `json:"description"`
			Schema json.RawMessage `json:"input_schema"`
		} `json:"tools"`
		Choice struct {
			Type string `json:"type"`
			Name string `json:"name"`
			One  bool   `json:"disable_parallel_tool_use"`
		} `json:"tool_choice"`
		Max    json.Number `json:"max_tokens"`
		Temp   json.Number `json:"temperature"`
		TopP   json.Number `json:"top_p"`
		Stop   []string    `json:"stop_sequences"`
		Stream bool        `json:"stream"`
		Output struct {
			Format struct {
				Schema json.RawMessage `json:"schema"`
			} `json:"format"`
		} `json:"output_config"`
		Format struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"output_format"` // the beta's name
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	a.claude("system", r.System)
	for _, m := range r.Messages {
		a.claude(m.Role, m.Content)
	}
	for _, t := range r.Tools {
		if t.Type != "" && t.Type != "custom" {
			a.Tools = append(a.Tools, Offer{Name: t.Name, Hosted: true})
			continue
		}
		a.Tools = append(a.Tools, Offer{Name: t.Name, About: t.About, Schema: schema(t.Schema)})
	}
	switch r.Choice.Type {
	case "any":
		a.Choice = "required"
	case "tool":
		a.Choice = "tool:" + r.Choice.Name
	default:
		a.Choice = r.Choice.Type
	}
	a.Single = r.Choice.One
	a.Max, a.Temperature, a.TopP, a.Stop, a.Stream = r.Max.String(), r.Temp.String(), r.TopP.String(), r.Stop, r.Stream
	if a.Format = schema(r.Output.Format.Schema); a.Format == "" {
		a.Format = schema(r.Format.Schema)
	}
	return nil
}

type converseSource struct {
	Bytes string `json:"bytes"`
	Text  string `json:"text"`
	S3    struct {
		URI string `json:"uri"`
	} `json:"s3Location"`
}

type conversePart struct {
	Text  string `json:"text"`
	Image *struct {
		Format string         `json:"format"`
		Source converseSource `json:"source"`
	} `json:"image"`
	Document *struct {
		Format string         `json:"format"`
		Source converseSource `json:"source"`
	} `json:"document"`
	Audio *struct {
		Format string         `json:"format"`
		Source converseSource `json:"source"`
	} `json:"audio"`
	Use *struct {
		ID    string          `json:"toolUseId"`
		Name  string          `json:"name"`
		Input json.RawMessage `json:"input"`
	} `json:"toolUse"`
	Result *struct {
		ID      string `json:"toolUseId"`
		Status  string `json:"status"`
		Content []struct {
			conversePart
			JSON json.RawMessage `json:"json"`
		} `json:"content"`
	} `json:"toolResult"`
	Cache     json.RawMessage `json:"cachePoint"`
	Reasoning json.RawMessage `json:"reasoningContent"`
	Guard     *struct {
		Text struct {
			Text string `json:"text"`
		} `json:"text"`
	} `json:"guardContent"`
}

func (a *Ask) conversePart(role string, p conversePart) {
	switch {
	case p.Image != nil:
		a.say(role, "image", data("image/"+p.Image.Format, p.Image.Source.Bytes)+p.Image.Source.S3.URI)
	case p.Audio != nil:
		a.say(role, "audio", data("audio/"+p.Audio.Format, p.Audio.Source.Bytes))
	case p.Document != nil:
		kind := map[string]string{"pdf": "application/pdf", "txt": "text/plain", "csv": "text/csv", "md": "text/markdown", "html": "text/html"}[p.Document.Format]
		bytes := p.Document.Source.Bytes
		if p.Document.Source.Text != "" {
			bytes = base64.StdEncoding.EncodeToString([]byte(p.Document.Source.Text))
		}
		a.say(role, "document", data(kind, bytes)+p.Document.Source.S3.URI)
	case p.Use != nil:
		a.call(p.Use.ID, p.Use.Name, string(p.Use.Input))
	case p.Result != nil:
		from := len(a.Items)
		for _, c := range p.Result.Content {
			if c.JSON != nil {
				a.say("user", "text", Canonical(c.JSON))
				continue
			}
			a.conversePart("user", c.conversePart)
		}
		a.result(from, Item{Role: "user", Kind: "tool_result", ID: p.Result.ID, Fail: p.Result.Status == "error"})
	case p.Guard != nil:
		a.say(role, "text", p.Guard.Text.Text)
	case p.Text != "":
		a.say(role, "text", p.Text)
	case p.Cache != nil, p.Reasoning != nil:
	default:
		a.say(role, "empty", "")
	}
}

func (a *Ask) converse(body []byte) error {
	var r struct {
		System   []conversePart `json:"system"`
		Messages []struct {
			Role    string         `json:"role"`
			Content []conversePart `json:"content"`
		} `json:"messages"`
		Inference struct {
			Max  json.Number `json:"maxTokens"`
			Temp json.Number `json:"temperature"`
			TopP json.Number `json:"topP"`
			Stop []string    `json:"stopSequences"`
		} `json:"inferenceConfig"`
		Config struct {
			Tools []struct {
				Spec *struct {
					Name   string `json:"name"`
					About  string `json:"description"`
					Schema struct {
						JSON json.RawMessage `json:"json"`
					} `json:"inputSchema"`
				} `json:"toolSpec"`
				System *struct {
					Name string `json:"name"`
				} `json:"systemTool"`
			} `json:"tools"`
			Choice map[string]struct {
				Name string `json:"name"`
			} `json:"toolChoice"`
		} `json:"toolConfig"`
		More struct {
			Choice struct {
				Type string `json:"type"`
				Name string `json:"name"`
				One  bool   `json:"disable_parallel_tool_use"`
			} `json:"tool_choice"`
		} `json:"additionalModelRequestFields"` // Claude's own
		Output struct {
			Text struct {
				Structure struct {
					JSON struct {
						Schema json.RawMessage `json:"schema"`
					} `json:"jsonSchema"`
				} `json:"structure"`
			} `json:"textFormat"`
		} `json:"outputConfig"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	for _, p := range r.System {
		a.conversePart("system", p)
	}
	for _, m := range r.Messages {
		for _, p := range m.Content {
			a.conversePart(m.Role, p)
		}
	}
	for _, t := range r.Config.Tools {
		switch {
		case t.Spec != nil:
			a.Tools = append(a.Tools, Offer{Name: t.Spec.Name, About: t.Spec.About, Schema: schema(t.Spec.Schema.JSON)})
		case t.System != nil:
			a.Tools = append(a.Tools, Offer{Name: t.System.Name, Hosted: true})
		}
	}
	for kind, c := range r.Config.Choice {
		switch kind {
		case "any":
			a.Choice = "required"
		case "tool":
			a.Choice = "tool:" + c.Name
		default:
			a.Choice = kind
		}
	}
	if c := r.More.Choice; c.Type != "" {
		a.Choice, a.Single = map[string]string{"any": "required", "tool": "tool:" + c.Name, "auto": "auto", "none": "none"}[c.Type], c.One
	}
	i := r.Inference
	a.Max, a.Temperature, a.TopP, a.Stop = i.Max.String(), i.Temp.String(), i.TopP.String(), i.Stop
	if s := text(r.Output.Text.Structure.JSON.Schema); s != "" {
		a.Format = Canonical([]byte(s))
	} else {
		a.Format = schema(r.Output.Text.Structure.JSON.Schema)
	}
	return nil
}
