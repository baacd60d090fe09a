package anthropic

import (
	"encoding/json"
	"strconv"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// dialectName keys what only this dialect can say.
const dialectName = string(provider.AnthropicMessages)

// ParseRequest decodes a client's body.
func (Dialect) ParseRequest(body []byte) (chat.Request, error) {
	f := provider.ParseFields("", body)
	r := chat.Request{
		Dialect:      dialectName,
		Model:        f.Text("model"),
		MaxTokens:    max(0, f.Whole("max_tokens")),
		Temperature:  f.Number("temperature"),
		TopP:         f.Number("top_p"),
		TopK:         f.Number("top_k"),
		ServiceTier:  f.Text("service_tier"),
		Stream:       f.Flag("stream"),
		IncludeUsage: true, // streams of this dialect always have it
	}
	f.TakeOurs()
	f.Into("stop_sequences", "a list of strings", &r.Stop)
	parseMetadata(&f, &r)
	parseThinking(&f, &r)
	parseTools(&f, &r)
	if parts, ok := parseContent(&f, "system", f.Take("system")); ok {
		r.System = parts
	}
	parseMessages(&f, &r)
	r.Unmapped = f.Rest()
	if f.Err == nil && r.Model == "" {
		f.Err = provider.ErrBody.Say("The request names no model.").At("model")
	}
	return r, f.Err
}

func parseMetadata(f *provider.Fields, r *chat.Request) {
	var m struct {
		UserID string `json:"user_id"`
	}
	f.Into("metadata", "an object", &m)
	r.User = m.UserID
}

// parseThinking reads thinking and output_config, which holds the effort and the answer's format. Earlier API versions have the
// format in output_format.
func parseThinking(f *provider.Fields, r *chat.Request) {
	var t struct {
		Type   string `json:"type"`
		Budget int64  `json:"budget_tokens"`
	}
	if f.Into("thinking", "an object with a type", &t) && t.Type != "" {
		r.Reasoning = &chat.ReasoningOptions{Budget: t.Budget, Adaptive: t.Type == "adaptive", Disabled: t.Type == "disabled"}
	}
	type format struct {
		Type   string          `json:"type"`
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
	}
	var out struct {
		Effort string  `json:"effort"`
		Format *format `json:"format"`
	}
	f.Into("output_config", "an object", &out)
	if out.Format == nil {
		f.Into("output_format", "an object", &out.Format)
	}
	if out.Format != nil {
		strict := true // this dialect knows no other
		r.Format = &chat.Format{Type: out.Format.Type, Name: out.Format.Name, Schema: out.Format.Schema, Strict: &strict}
	}
	if out.Effort != "" && (r.Reasoning == nil || !r.Reasoning.Disabled) {
		if r.Reasoning == nil {
			r.Reasoning = &chat.ReasoningOptions{}
		}
		r.Reasoning.Effort = out.Effort
	}
}

func parseTools(f *provider.Fields, r *chat.Request) {
	for i, raw := range f.List("tools") {
		var t struct {
			Type        string          `json:"type"`
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Schema      json.RawMessage `json:"input_schema"`
			Strict      *bool           `json:"strict"`
			Cache       json.RawMessage `json:"cache_control"`
		}
		tool := chat.Tool{Path: "tools." + strconv.Itoa(i)}
		if json.Unmarshal(raw, &t) != nil {
			f.Refuse(tool.Path, "a tool")
			return
		}
		tool.Name, tool.Extra = t.Name, extra(raw)
		if t.Type == "" || t.Type == "custom" {
			tool.Description, tool.Schema, tool.Strict, tool.Cache = t.Description, t.Schema, t.Strict, present(t.Cache)
			if tool.Schema == nil {
				tool.Schema = json.RawMessage(emptySchema)
			}
		}
		r.Tools = append(r.Tools, tool)
	}
	var c struct {
		Type       string `json:"type"`
		Name       string `json:"name"`
		NoParallel bool   `json:"disable_parallel_tool_use"`
	}
	if !f.Into("tool_choice", "an object with a type", &c) {
		return
	}
	switch c.Type {
	case "auto", "none":
		r.Choice.Mode = c.Type
	case "any":
		r.Choice.Mode = "required"
	case "tool":
		r.Choice = chat.ToolChoice{Mode: "tool", Name: c.Name}
	default:
		f.Refuse("tool_choice.type", "auto, any, tool or none")
	}
	if c.NoParallel {
		no := false
		r.ParallelTools = &no
	}
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
