package openaichat

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// dialectName keys what only this dialect can say.
const dialectName = string(provider.OpenAIChat)

// ParseRequest decodes a client's body. It takes what OpenAI documents, the old functions fields, and the common extensions for
// reasoning and cache marks (OpenRouter, LiteLLM, DeepSeek, Z.ai).
func (Dialect) ParseRequest(body []byte) (chat.Request, error) {
	f := provider.ParseFields("", body)
	r := chat.Request{
		Dialect:     dialectName,
		Model:       f.Text("model"),
		Temperature: f.Number("temperature"),
		TopP:        f.Number("top_p"),
		TopK:        f.Number("top_k"),
		Seed:        f.Number("seed"),
		User:        f.Text("user"),
		ServiceTier: f.Text("service_tier"),
		Stream:      f.Flag("stream"),

		ParallelTools: f.OptionalFlag("parallel_tool_calls"),
	}
	f.TakeOurs()
	if seed := f.Number("random_seed"); r.Seed == "" { // Mistral
		r.Seed = seed
	}
	parseStreamOptions(&f, &r)
	parseLimits(&f, &r)
	ParseStop(&f, &r)
	ParseFormat(&f, &r)
	parseReasoning(&f, &r)
	parseTools(&f, &r)
	parseMessages(&f, &r)
	r.Unmapped = f.Rest()
	if f.Err == nil && r.Model == "" {
		f.Err = provider.ErrBody.Say("The request names no model.").At("model")
	}
	return r, f.Err
}

func parseStreamOptions(f *provider.Fields, r *chat.Request) {
	var o struct {
		IncludeUsage bool `json:"include_usage"`
	}
	f.Into("stream_options", "an object with include_usage", &o)
	r.IncludeUsage = o.IncludeUsage
}

func parseLimits(f *provider.Fields, r *chat.Request) {
	old := f.Whole("max_tokens")
	r.MaxTokens = f.Whole("max_completion_tokens")
	if r.MaxTokens == 0 {
		r.MaxTokens = old
	}
	r.MaxTokens = max(0, r.MaxTokens)
}

// ParseStop reads stop: a string, or a list of them.
func ParseStop(f *provider.Fields, r *chat.Request) {
	raw := f.Take("stop")
	if raw == nil {
		return
	}
	if s, ok := wire.String(raw); ok {
		r.Stop = []string{s}
		return
	}
	if json.Unmarshal(raw, &r.Stop) != nil {
		f.Refuse("stop", "a string or a list of strings")
	}
}

// ParseFormat reads response_format.
func ParseFormat(f *provider.Fields, r *chat.Request) {
	var o struct {
		Type   string `json:"type"`
		Schema *struct {
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Schema      json.RawMessage `json:"schema"`
			Strict      *bool           `json:"strict"`
		} `json:"json_schema"`
		Direct json.RawMessage `json:"schema"` // Together, Fireworks: json_object with a schema
	}
	if !f.Into("response_format", "an object with a type", &o) {
		return
	}
	r.Format = &chat.Format{Type: o.Type}
	switch {
	case o.Type == "json_schema" && o.Schema == nil:
		f.Refuse("response_format.json_schema", "an object with a schema")
	case o.Schema != nil:
		r.Format.Name, r.Format.Description = o.Schema.Name, o.Schema.Description
		r.Format.Schema, r.Format.Strict = o.Schema.Schema, o.Schema.Strict
	case wire.Present(o.Direct):
		r.Format.Type, r.Format.Schema = "json_schema", o.Direct
	}
}

// parseReasoning reads the four ways to ask for reasoning: reasoning_effort, OpenRouter's reasoning object, the thinking object
// of Anthropic, DeepSeek and Z.ai, and Qwen's enable_thinking.
func parseReasoning(f *provider.Fields, r *chat.Request) {
	if effort := f.Text("reasoning_effort"); effort != "" {
		r.Reasoning = &chat.ReasoningOptions{Effort: effort, Disabled: effort == "none"}
	}
	var o struct {
		Effort  string `json:"effort"`
		Max     int64  `json:"max_tokens"`
		Enabled *bool  `json:"enabled"`
	}
	if f.Into("reasoning", "an object", &o) && r.Reasoning == nil {
		r.Reasoning = &chat.ReasoningOptions{Effort: o.Effort, Budget: o.Max, Disabled: o.Effort == "none"}
		if o.Enabled != nil && !*o.Enabled {
			r.Reasoning.Disabled = true
		}
		r.Reasoning.Adaptive = o.Effort == "" && o.Max == 0 && !r.Reasoning.Disabled
	}
	var t struct {
		Type   string `json:"type"`
		Budget int64  `json:"budget_tokens"`
	}
	if f.Into("thinking", "an object", &t) && r.Reasoning == nil && t.Type != "" {
		r.Reasoning = &chat.ReasoningOptions{Budget: t.Budget, Disabled: t.Type == "disabled"}
		r.Reasoning.Adaptive = t.Budget == 0 && !r.Reasoning.Disabled
	}
	if on := f.OptionalFlag("enable_thinking"); on != nil && r.Reasoning == nil {
		r.Reasoning = &chat.ReasoningOptions{Adaptive: *on, Disabled: !*on}
	}
}

type wireFunction struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

func parseTools(f *provider.Fields, r *chat.Request) {
	for i, raw := range f.List("tools") {
		var t struct {
			Type     string          `json:"type"`
			Function *wireFunction   `json:"function"`
			Cache    json.RawMessage `json:"cache_control"`
		}
		path := "tools." + strconv.Itoa(i)
		if json.Unmarshal(raw, &t) != nil {
			f.Refuse(path, "a tool")
			return
		}
		if t.Function == nil {
			r.Tools = append(r.Tools, chat.Tool{Path: path, Name: t.Type, Extra: extra(raw)})
			continue
		}
		tool := toTool(*t.Function)
		tool.Path, tool.Cache = path, present(t.Cache)
		r.Tools = append(r.Tools, tool)
	}
	for i, raw := range f.List("functions") { // before tools there were functions
		var fn wireFunction
		if json.Unmarshal(raw, &fn) != nil {
			f.Refuse("functions."+strconv.Itoa(i), "a function")
			return
		}
		tool := toTool(fn)
		tool.Path = "functions." + strconv.Itoa(i)
		r.Tools = append(r.Tools, tool)
	}
	for _, name := range [...]string{"tool_choice", "function_call"} {
		if raw := f.Take(name); raw != nil {
			parseChoice(f, r, name, raw)
		}
	}
}

func toTool(fn wireFunction) chat.Tool {
	return chat.Tool{Name: fn.Name, Description: fn.Description, Schema: present(fn.Parameters), Strict: fn.Strict}
}

func parseChoice(f *provider.Fields, r *chat.Request, field string, raw json.RawMessage) {
	if word, ok := wire.String(raw); ok {
		switch word {
		case "auto", "none", "required":
			r.Choice.Mode = word
		case "any": // Mistral
			r.Choice.Mode = "required"
		default:
			f.Refuse(field, "none, auto, required or an object naming a function")
		}
		return
	}
	var o struct {
		Type     string        `json:"type"`
		Name     string        `json:"name"`
		Function *wireFunction `json:"function"`
	}
	if json.Unmarshal(raw, &o) != nil {
		f.Refuse(field, "none, auto, required or an object naming a function")
		return
	}
	switch {
	case o.Function != nil:
		r.Choice = chat.ToolChoice{Mode: "tool", Name: o.Function.Name}
	case o.Name != "" && (o.Type == "" || o.Type == "function"):
		r.Choice = chat.ToolChoice{Mode: "tool", Name: o.Name}
	default: // allowed_tools, custom: only OpenAI can say that
		f.Raw[field] = raw
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

// splitDataURL takes data:image/png;base64,AAAA apart.
func splitDataURL(url string) (mediaType, data string, ok bool) {
	rest, ok := strings.CutPrefix(url, "data:")
	if !ok {
		return "", "", false
	}
	head, data, ok := strings.Cut(rest, ",")
	if !ok {
		return "", "", false
	}
	mediaType, ok = strings.CutSuffix(head, ";base64")
	if !ok {
		return "", "", false
	}
	mediaType, _, _ = strings.Cut(mediaType, ";")
	return mediaType, data, true
}
