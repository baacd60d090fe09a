package conformance

import (
	"encoding/json"
	"strings"
)

// obj is a JSON object being written.
type obj = map[string]any

// toOpenAI says a recorded anthropic-messages request as an openai-chat client would, or reports false where that dialect has no
// words for it (a tool that the provider runs itself, a file it stores). Small and separate from the product's translation on purpose.
func toOpenAI(body []byte) ([]byte, bool) {
	var r struct {
		System   json.RawMessage   `json:"system"`
		Messages []rawMessage      `json:"messages"`
		Tools    []json.RawMessage `json:"tools"`
		Choice   struct {
			Type    string `json:"type"`
			Name    string `json:"name"`
			OnlyOne bool   `json:"disable_parallel_tool_use"`
		} `json:"tool_choice"`
		MaxTokens int64    `json:"max_tokens"`
		Stop      []string `json:"stop_sequences"`
		Stream    bool     `json:"stream"`
		Format    struct {
			Format struct {
				Type   string          `json:"type"`
				Schema json.RawMessage `json:"schema"`
			} `json:"format"`
		} `json:"output_config"`
	}
	if json.Unmarshal(body, &r) != nil {
		return nil, false
	}
	var messages []obj
	if s := texts(r.System); s != "" {
		messages = append(messages, obj{"role": "system", "content": s})
	}
	for _, m := range r.Messages {
		said, ok := openAITurn(m)
		if !ok {
			return nil, false
		}
		messages = append(messages, said...)
	}
	out := obj{"model": "m", "messages": messages, "stream": r.Stream}
	if r.MaxTokens > 0 {
		out["max_tokens"] = r.MaxTokens
	}
	if r.Stream {
		out["stream_options"] = obj{"include_usage": true}
	}
	if len(r.Stop) > 0 {
		out["stop"] = r.Stop
	}
	if r.Format.Format.Type == "json_schema" {
		out["response_format"] = obj{"type": "json_schema", "json_schema": obj{"name": "answer", "schema": r.Format.Format.Schema}}
	}
	var tools []obj
	for _, raw := range r.Tools {
		var t struct {
			Type        string          `json:"type"`
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Schema      json.RawMessage `json:"input_schema"`
		}
		if json.Unmarshal(raw, &t) != nil || (t.Type != "" && t.Type != "custom") {
			return nil, false
		}
		tools = append(tools, obj{"type": "function", "function": obj{"name": t.Name, "description": t.Description, "parameters": t.Schema}})
	}
	if len(tools) > 0 {
		out["tools"] = tools
		switch r.Choice.Type {
		case "any":
			out["tool_choice"] = "required"
		case "auto", "none":
			out["tool_choice"] = r.Choice.Type
		case "tool":
			out["tool_choice"] = obj{"type": "function", "function": obj{"name": r.Choice.Name}}
		}
		if r.Choice.OnlyOne {
			out["parallel_tool_calls"] = false
		}
	}
	raw, err := json.Marshal(out)
	return raw, err == nil
}

// openAITurn says one turn; the results of tools are turns of their own there and come first.
func openAITurn(m rawMessage) ([]obj, bool) {
	var results, content, calls, thoughts []obj
	for _, p := range parts(m.Content) {
		switch p.Type {
		case "text":
			content = append(content, obj{"type": "text", "text": p.Text})
		case "image":
			content = append(content, obj{"type": "image_url", "image_url": obj{"url": source(p)}})
		case "document":
			if p.Source.Type != "base64" {
				return nil, false
			}
			content = append(content, obj{"type": "file", "file": obj{"filename": "document.pdf", "file_data": source(p)}})
		case "tool_use":
			calls = append(calls, obj{"id": p.ID, "type": "function", "function": obj{"name": p.Name, "arguments": string(p.Input)}})
		case "tool_result":
			for _, inner := range parts(p.Content) {
				if inner.Type != "text" {
					return nil, false
				}
			}
			results = append(results, obj{"role": "tool", "tool_call_id": p.ToolUseID, "content": texts(p.Content)})
		case "thinking":
			thoughts = append(thoughts, obj{"type": "reasoning.text", "text": p.Thinking, "signature": p.Signature, "format": "anthropic-claude-v1", "index": len(thoughts)})
		case "redacted_thinking":
			thoughts = append(thoughts, obj{"type": "reasoning.encrypted", "data": p.Data, "format": "anthropic-claude-v1", "index": len(thoughts)})
		default:
			return nil, false
		}
	}
	if m.Role != "assistant" {
		if len(content) > 0 {
			results = append(results, obj{"role": m.Role, "content": content})
		}
		return results, true
	}
	said := obj{"role": "assistant"}
	if len(content) > 0 {
		var b strings.Builder
		for _, c := range content {
			s, _ := c["text"].(string)
			b.WriteString(s)
		}
		said["content"] = b.String()
	}
	if len(calls) > 0 {
		said["tool_calls"] = calls
	}
	if len(thoughts) > 0 {
		said["reasoning_details"] = thoughts
	}
	return []obj{said}, true
}

// toAnthropic says a recorded openai-chat request as an anthropic-messages client would, or reports false.
func toAnthropic(body []byte) ([]byte, bool) {
	var r struct {
		Messages  []rawMessage      `json:"messages"`
		Tools     []json.RawMessage `json:"tools"`
		Choice    json.RawMessage   `json:"tool_choice"`
		Parallel  *bool             `json:"parallel_tool_calls"`
		MaxTokens int64             `json:"max_tokens"`
		Stop      json.RawMessage   `json:"stop"`
		Stream    bool              `json:"stream"`
		Functions json.RawMessage   `json:"functions"`
	}
	if json.Unmarshal(body, &r) != nil || r.Functions != nil {
		return nil, false
	}
	out := obj{"model": "m", "max_tokens": max(r.MaxTokens, 1024), "stream": r.Stream}
	var system []obj
	var messages []obj
	for _, m := range r.Messages {
		blocks, ok := anthropicTurn(m)
		if !ok {
			return nil, false
		}
		role := m.Role
		switch role {
		case "system", "developer":
			system = append(system, blocks...)
			continue
		case "tool":
			role = "user"
		case "user", "assistant":
		default:
			return nil, false
		}
		if len(blocks) == 0 {
			continue
		}
		if n := len(messages); n > 0 && messages[n-1]["role"] == role && m.Role == "tool" {
			have, _ := messages[n-1]["content"].([]obj)
			messages[n-1]["content"] = append(have, blocks...)
			continue
		}
		messages = append(messages, obj{"role": role, "content": blocks})
	}
	if len(messages) == 0 {
		return nil, false
	}
	out["messages"] = messages
	if len(system) > 0 {
		out["system"] = system
	}
	if !anthropicTools(out, r.Tools, r.Choice, r.Parallel) {
		return nil, false
	}
	raw, err := json.Marshal(out)
	return raw, err == nil
}

func anthropicTools(out obj, offered []json.RawMessage, choice json.RawMessage, parallel *bool) bool {
	var tools []obj
	for _, raw := range offered {
		var t struct {
			Type     string `json:"type"`
			Function struct {
				Name        string          `json:"name"`
				Description string          `json:"description"`
				Schema      json.RawMessage `json:"parameters"`
			} `json:"function"`
		}
		if json.Unmarshal(raw, &t) != nil || t.Type != "function" {
			return false
		}
		schema := t.Function.Schema
		if len(schema) == 0 || string(schema) == "null" {
			schema = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		tool := obj{"name": t.Function.Name, "input_schema": schema}
		if t.Function.Description != "" {
			tool["description"] = t.Function.Description
		}
		tools = append(tools, tool)
	}
	if len(tools) == 0 {
		return true
	}
	out["tools"] = tools
	var word string
	var named struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	pick := obj{}
	switch {
	case json.Unmarshal(choice, &word) == nil && word != "":
		pick["type"] = map[string]string{"required": "any"}[word]
		if word != "required" {
			pick["type"] = word
		}
	case json.Unmarshal(choice, &named) == nil && named.Function.Name != "":
		pick["type"], pick["name"] = "tool", named.Function.Name
	}
	if parallel != nil && !*parallel && pick["type"] != "none" {
		if pick["type"] == nil {
			pick["type"] = "auto"
		}
		pick["disable_parallel_tool_use"] = true
	}
	if len(pick) > 0 {
		out["tool_choice"] = pick
	}
	return true
}

func anthropicTurn(m rawMessage) ([]obj, bool) {
	if m.Role == "tool" {
		return []obj{{"type": "tool_result", "tool_use_id": m.ToolCallID, "content": texts(m.Content)}}, true
	}
	var blocks []obj
	for _, p := range parts(m.Content) {
		switch p.Type {
		case "text":
			if p.Text != "" {
				blocks = append(blocks, obj{"type": "text", "text": p.Text})
			}
		case "image_url":
			if p.ImageURL.URL == "" {
				return nil, false
			}
			blocks = append(blocks, obj{"type": "image", "source": anthropicSource(p.ImageURL.URL)})
		case "file":
			if !strings.HasPrefix(p.File.Data, "data:application/pdf") {
				return nil, false
			}
			blocks = append(blocks, obj{"type": "document", "source": anthropicSource(p.File.Data)})
		default:
			return nil, false
		}
	}
	for _, c := range m.ToolCalls {
		args := json.RawMessage(canonical([]byte(c.Function.Arguments)))
		if !json.Valid(args) || args[0] != '{' {
			return nil, false
		}
		blocks = append(blocks, obj{"type": "tool_use", "id": c.ID, "name": c.Function.Name, "input": args})
	}
	return blocks, true
}

func anthropicSource(url string) obj {
	if rest, ok := strings.CutPrefix(url, "data:"); ok {
		kind, data, _ := strings.Cut(rest, ";base64,")
		return obj{"type": "base64", "media_type": kind, "data": data}
	}
	return obj{"type": "url", "url": url}
}
