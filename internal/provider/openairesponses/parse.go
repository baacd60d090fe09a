package openairesponses

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// logprobs is what `include` asks for that no neutral answer holds; it stands in Unmapped under this name.
const logprobs = "message.output_text.logprobs"

// ParseRequest decodes a client's body. What stands at the provider is kept in Unmapped and refused by dialects that have no such
// thing: previous_response_id, conversation, prompt, background, and references to items under "item_reference". Members of text and
// reasoning without a neutral form stand there as "text.verbosity" and the like.
func (Dialect) ParseRequest(body []byte) (chat.Request, error) {
	f := provider.ParseFields("", body)
	r := parseCommon(&f)
	f.Take("stream_options")
	return finished(&f, r)
}

func parseCommon(f *provider.Fields) chat.Request {
	r := chat.Request{
		Dialect:     dialectName,
		Model:       f.Text("model"),
		MaxTokens:   max(0, f.Whole("max_output_tokens")),
		Temperature: f.Number("temperature"),
		TopP:        f.Number("top_p"),
		TopK:        f.Number("top_k"), // OpenRouter
		User:        f.Text("user"),
		ServiceTier: f.Text("service_tier"),
		Stream:      f.Flag("stream"),

		ParallelTools: f.OptionalFlag("parallel_tool_calls"),
		Unmapped:      map[string]json.RawMessage{},
	}
	f.TakeOurs()
	if s, ok := wire.String(f.Raw["safety_identifier"]); ok && r.User == "" {
		r.User = s
	}
	parseText(f, &r)
	parseReasoning(f, &r)
	parseInclude(f, &r)
	parseTools(f, &r)
	if s := f.Text("instructions"); s != "" {
		r.System = append(r.System, chat.Part{Kind: chat.Text, Path: "instructions", Text: s})
	}
	parseInput(f, &r)
	return r
}

// finished checks what every request needs, and keeps what nobody took.
func finished(f *provider.Fields, r chat.Request) (chat.Request, error) {
	for name, raw := range f.Rest() {
		r.Unmapped[name] = raw
	}
	if len(r.Unmapped) == 0 {
		r.Unmapped = nil
	}
	if f.Err == nil && r.Model == "" {
		f.Err = provider.ErrNoModel
	}
	return r, f.Err
}

// rest keeps the members of a nested object that nobody took.
func rest(f *provider.Fields, r *chat.Request, inner provider.Fields) {
	if inner.Err != nil && f.Err == nil {
		f.Err = inner.Err
	}
	for name, raw := range inner.Rest() {
		if wire.Present(raw) {
			r.Unmapped[inner.Path(name)] = raw
		}
	}
}

func parseText(f *provider.Fields, r *chat.Request) {
	raw := f.Take("text")
	if raw == nil {
		return
	}
	text := provider.ParseFields("text", raw)
	var o struct {
		Type        string          `json:"type"`
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Schema      json.RawMessage `json:"schema"`
		Strict      *bool           `json:"strict"`
	}
	if text.Into("format", "an object with a type", &o) {
		r.Format = &chat.Format{Type: o.Type, Name: o.Name, Description: o.Description, Schema: present(o.Schema), Strict: o.Strict}
		if o.Type == "json_schema" && r.Format.Schema == nil {
			text.Refuse("format.schema", "a JSON schema")
		}
	}
	rest(f, r, text)
}

func parseReasoning(f *provider.Fields, r *chat.Request) {
	raw := f.Take("reasoning")
	if raw == nil {
		return
	}
	o := provider.ParseFields("reasoning", raw)
	effort, budget, on := o.Text("effort"), o.Whole("max_tokens"), o.OptionalFlag("enabled") // the latter two are OpenRouter's
	if effort != "" || budget > 0 || on != nil {
		r.Reasoning = &chat.ReasoningOptions{Effort: effort, Budget: max(0, budget), Disabled: effort == "none" || (on != nil && !*on)}
		r.Reasoning.Adaptive = effort == "" && budget <= 0 && !r.Reasoning.Disabled
	}
	rest(f, r, o)
}

func parseInclude(f *provider.Fields, r *chat.Request) {
	raw := f.Raw["include"]
	var names []string
	if !f.Into("include", "a list of strings", &names) {
		return
	}
	r.Unmapped["include"] = raw
	if slices.Contains(names, logprobs) {
		r.Unmapped[logprobs] = json.RawMessage("true")
	}
}

// wireTool is a tool, in this API's flat form or in the nested one of chat completions.
type wireTool struct {
	Type        string          `json:"type"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      *bool           `json:"strict"`
	Function    *wireTool       `json:"function"`
	Cache       json.RawMessage `json:"cache_control"`
}

func parseTools(f *provider.Fields, r *chat.Request) {
	for i, raw := range f.List("tools") {
		path := "tools." + strconv.Itoa(i)
		var t wireTool
		if json.Unmarshal(raw, &t) != nil || (t.Type == "" && t.Name == "" && t.Function == nil) {
			f.Refuse(path, "a tool")
			return
		}
		switch fn := t.Function; {
		case fn != nil:
			r.Tools = append(r.Tools, fn.tool(path, t.Cache, nil))
		case t.Type == "function" || t.Type == "":
			r.Tools = append(r.Tools, t.tool(path, t.Cache, raw))
		default:
			parseOwnTool(r, path, t.Type, raw)
		}
	}
	if raw := f.Take("tool_choice"); raw != nil {
		parseChoice(f, r, raw)
	}
}

// parseOwnTool keeps a tool that no other API has: as functions where it can be told so, else as a hosted tool.
func parseOwnTool(r *chat.Request, path, typ string, raw json.RawMessage) {
	switch {
	case typ == "custom":
		if tool, ok := freeTool(path, "", raw); ok {
			r.Tools = append(r.Tools, tool)
			return
		}
	case typ == "namespace":
		if tools, ok := spaceTools(path, raw); ok {
			r.Tools = append(r.Tools, tools...)
			return
		}
	case offeredSearch(typ, raw):
		addSearch(r, raw)
		return
	}
	r.Tools = append(r.Tools, chat.Tool{Path: path, Name: typ, Extra: extra(raw)})
}

// noParameters is the schema of a function that takes nothing.
var noParameters = json.RawMessage(`{"type":"object","properties":{}}`)

// tool gives the neutral tool. raw is its own flat form: what else it says there (how it is found, where it may be called from) is
// kept for this dialect.
func (t wireTool) tool(path string, cache, raw json.RawMessage) chat.Tool {
	tool := chat.Tool{Path: path, Name: t.Name, Description: t.Description, Schema: present(t.Parameters), Strict: t.Strict, Cache: present(cache)}
	var members map[string]json.RawMessage
	if raw == nil || json.Unmarshal(raw, &members) != nil {
		return tool
	}
	for _, known := range [...]string{"type", "name", "description", "parameters", "strict", "cache_control"} {
		delete(members, known)
	}
	if len(members) > 0 {
		tool.Extra = extra(raw)
		if tool.Schema == nil { // a tool with Extra and without a schema would be a hosted one
			tool.Schema = noParameters
		}
	}
	return tool
}

func parseChoice(f *provider.Fields, r *chat.Request, raw json.RawMessage) {
	const what = "none, auto, required or an object naming a tool"
	if word, ok := wire.String(raw); ok {
		switch word {
		case "auto", "none", "required":
			r.Choice.Mode = word
		case "any":
			r.Choice.Mode = "required"
		default:
			f.Refuse("tool_choice", what)
		}
		return
	}
	var t wireTool
	if json.Unmarshal(raw, &t) != nil {
		f.Refuse("tool_choice", what)
		return
	}
	switch {
	case t.Function != nil:
		r.Choice = chat.ToolChoice{Mode: "tool", Name: t.Function.Name}
	case t.Type == "function" && t.Name != "":
		r.Choice = chat.ToolChoice{Mode: "tool", Name: t.Name}
	case t.Type == "custom" && t.Name != "":
		name, _ := plainName("", t.Name, true)
		r.Choice = chat.ToolChoice{Mode: "tool", Name: name}
	default: // allowed_tools, hosted tools
		r.Unmapped["tool_choice"] = bytes.Clone(raw)
	}
}
