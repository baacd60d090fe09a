package replay

import (
	"encoding/json"
	"strings"
)

// snake reads names of both spellings, as Google's own servers do.
func snake(raw []byte) []byte {
	var v any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return raw
	}
	out, _ := json.Marshal(camel(v, false))
	return out
}

// camel turns the names of a request's own members; what stands in schemas, arguments and answers is the client's.
func camel(v any, foreign bool) any {
	switch x := v.(type) {
	case []any:
		for i := range x {
			x[i] = camel(x[i], foreign)
		}
		return x
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, inner := range x {
			name := k
			if !foreign {
				parts := strings.Split(k, "_")
				for i := 1; i < len(parts); i++ {
					if parts[i] != "" {
						parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
					}
				}
				name = strings.Join(parts, "")
			}
			switch name {
			case "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "args", "response", "_responseJsonSchema":
				out[name] = camel(inner, true)
			default:
				out[name] = camel(inner, foreign)
			}
		}
		return out
	}
	return v
}

type googlePart struct {
	Text    string `json:"text"`
	Thought bool   `json:"thought"`
	Inline  *struct {
		Type string `json:"mimeType"`
		Data string `json:"data"`
	} `json:"inlineData"`
	File *struct {
		Type string `json:"mimeType"`
		URI  string `json:"fileUri"`
	} `json:"fileData"`
	Call *struct {
		ID   string          `json:"id"`
		Name string          `json:"name"`
		Args json.RawMessage `json:"args"`
	} `json:"functionCall"`
	Answer *struct {
		ID       string          `json:"id"`
		Name     string          `json:"name"`
		Response json.RawMessage `json:"response"`
		Parts    []googlePart    `json:"parts"`
	} `json:"functionResponse"`
	Executable json.RawMessage `json:"executableCode"`
	Result     json.RawMessage `json:"codeExecutionResult"`
}

func (a *Ask) googleParts(role string, parts []googlePart) {
	for _, p := range parts {
		switch {
		case p.Call != nil:
			a.call(p.Call.ID, p.Call.Name, string(p.Call.Args))
		case p.Answer != nil:
			said, fails := answerText(p.Answer.Response)
			a.Items = append(a.Items, Item{Role: "user", Kind: "tool_result", ID: p.Answer.ID, Name: p.Answer.Name, Data: said, Fail: fails})
			a.googleParts("user", p.Answer.Parts)
		case p.Inline != nil:
			a.say(role, mediaKind(p.Inline.Type), data(p.Inline.Type, strings.NewReplacer("-", "+", "_", "/").Replace(p.Inline.Data)))
		case p.File != nil:
			a.say(role, mediaKind(p.File.Type), p.File.URI)
		case p.Executable != nil || p.Result != nil:
			a.say(role, "hosted", "")
		case p.Thought:
		default:
			a.say(role, "text", p.Text)
		}
	}
}

// answerText is the text of a tool's answer: Google's are objects, and what was text stands under one name.
func answerText(raw json.RawMessage) (said string, fails bool) {
	var o map[string]json.RawMessage
	_ = json.Unmarshal(raw, &o)
	if text(o["name"]) != "" && o["content"] != nil && len(o) == 2 { // the tool's name again
		delete(o, "name")
	}
	if len(o) == 1 {
		for _, name := range []string{"result", "output", "content", "error"} {
			if v, ok := o[name]; ok {
				if s := text(v); s != "" || string(v) == `""` {
					return s, name == "error"
				}
				return Canonical(v), name == "error"
			}
		}
	}
	return Canonical(raw), false
}

func mediaKind(mediaType string) string {
	kind, _, _ := strings.Cut(mediaType, "/")
	switch kind {
	case "image", "audio", "video":
		return kind
	}
	return "document"
}

type googleTool struct {
	Functions []struct {
		Name   string          `json:"name"`
		About  string          `json:"description"`
		Schema json.RawMessage `json:"parameters"`
		JSON   json.RawMessage `json:"parametersJsonSchema"`
	} `json:"functionDeclarations"`
	Search json.RawMessage `json:"googleSearch"`
	Code   json.RawMessage `json:"codeExecution"`
	URL    json.RawMessage `json:"urlContext"`
	Files  json.RawMessage `json:"fileSearch"`
}

// googleSchema is a schema of Google's own kind as JSON Schema: types in lower case, null as a type, no order of properties.
func googleSchema(raw json.RawMessage) string {
	var v any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if d.Decode(&v) != nil || v == nil {
		return ""
	}
	out, _ := json.Marshal(plainSchema(v))
	return string(out)
}

func plainSchema(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for k, inner := range m {
		switch k {
		case "type":
			if s, ok := inner.(string); ok {
				inner = strings.ToLower(s)
			} else if n, ok := inner.(json.Number); ok { // or the number of the word
				inner = map[json.Number]string{"1": "string", "2": "number", "3": "integer", "4": "boolean", "5": "array", "6": "object"}[n]
			}
		case "properties":
			props, _ := inner.(map[string]any)
			for name := range props {
				props[name] = plainSchema(props[name])
			}
		case "items":
			inner = plainSchema(inner)
		case "anyOf", "any_of":
			k = "anyOf"
			list, _ := inner.([]any)
			for i := range list {
				list[i] = plainSchema(list[i])
			}
		case "propertyOrdering", "property_ordering", "nullable":
			continue
		case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties":
			if s, ok := inner.(string); ok { // Google's integers may be texts
				inner = json.Number(s)
			}
		}
		out[k] = inner
	}
	if m["nullable"] == true && out["type"] != nil {
		out["type"] = []any{out["type"], "null"}
	}
	return out
}

func (a *Ask) gemini(body []byte) error {
	type content struct {
		Role  string       `json:"role"`
		Parts []googlePart `json:"parts"`
	}
	var r struct {
		System   json.RawMessage `json:"systemInstruction"`
		Contents json.RawMessage `json:"contents"`
		Tools    json.RawMessage `json:"tools"`
		Config   struct {
			Calling struct {
				Mode    string   `json:"mode"`
				Allowed []string `json:"allowedFunctionNames"`
			} `json:"functionCallingConfig"`
		} `json:"toolConfig"`
		Gen struct {
			Max    json.Number     `json:"maxOutputTokens"`
			Temp   json.Number     `json:"temperature"`
			TopP   json.Number     `json:"topP"`
			Stop   []string        `json:"stopSequences"`
			Type   string          `json:"responseMimeType"`
			Schema json.RawMessage `json:"responseSchema"`
			JSON   json.RawMessage `json:"responseJsonSchema"`
		} `json:"generationConfig"`
	}
	if err := json.Unmarshal(snake(body), &r); err != nil {
		return err
	}
	one := func(c content) content { return c }
	for _, c := range list(r.System, one) {
		var parts []googlePart
		var solo googlePart
		if len(c.Parts) > 0 {
			parts = c.Parts
		} else if text(r.System) != "" {
			solo.Text = text(r.System)
			parts = []googlePart{solo}
		}
		a.googleParts("system", parts)
	}
	var odd struct {
		Parts googlePart `json:"parts"` // one part where a list belongs
	}
	if len(a.Items) == 0 && json.Unmarshal(r.System, &odd) == nil && odd.Parts.Text != "" {
		a.say("system", "text", odd.Parts.Text)
	}
	if s := text(r.Contents); s != "" {
		a.say("user", "text", s)
	}
	for _, c := range list(r.Contents, one) {
		role := "user"
		if c.Role == "model" {
			role = "assistant"
		}
		a.googleParts(role, c.Parts)
	}
	for _, t := range list(r.Tools, func(t googleTool) googleTool { return t }) {
		for _, f := range t.Functions {
			s := schema(f.JSON)
			if s == "" {
				s = googleSchema(f.Schema)
			}
			a.Tools = append(a.Tools, Offer{Name: f.Name, About: f.About, Schema: s})
		}
		for name, raw := range map[string]json.RawMessage{"googleSearch": t.Search, "codeExecution": t.Code, "urlContext": t.URL, "fileSearch": t.Files} {
			if raw != nil {
				a.Tools = append(a.Tools, Offer{Name: name, Hosted: true})
			}
		}
	}
	switch c := r.Config.Calling; c.Mode {
	case "AUTO", "auto":
		a.Choice = "auto"
	case "NONE":
		a.Choice = "none"
	case "ANY":
		if a.Choice = "required"; len(c.Allowed) == 1 {
			a.Choice = "tool:" + c.Allowed[0]
		}
	}
	a.Max, a.Temperature, a.TopP, a.Stop = r.Gen.Max.String(), r.Gen.Temp.String(), r.Gen.TopP.String(), r.Gen.Stop
	if a.Format = schema(r.Gen.JSON); a.Format == "" {
		a.Format = googleSchema(r.Gen.Schema)
	}
	if a.Format == "" && r.Gen.Type == "application/json" {
		a.Format = "json"
	}
	return nil
}
