package anthropic

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// body is the request as it goes out.
type body struct {
	Model       string            `json:"model,omitempty"`
	Version     string            `json:"anthropic_version,omitempty"`
	Betas       []string          `json:"anthropic_beta,omitempty"`
	MaxTokens   int64             `json:"max_tokens"`
	System      []any             `json:"system,omitempty"`
	Messages    []outMessage      `json:"messages"`
	Stream      bool              `json:"stream,omitempty"`
	Temperature json.Number       `json:"temperature,omitempty"`
	TopP        json.Number       `json:"top_p,omitempty"`
	TopK        json.Number       `json:"top_k,omitempty"`
	Stop        []string          `json:"stop_sequences,omitempty"`
	Tools       []any             `json:"tools,omitempty"`
	Choice      *outChoice        `json:"tool_choice,omitempty"`
	Thinking    *outThinking      `json:"thinking,omitempty"`
	Output      *outConfig        `json:"output_config,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	ServiceTier string            `json:"service_tier,omitempty"`
}

type outChoice struct {
	Type       string `json:"type"`
	Name       string `json:"name,omitempty"`
	NoParallel bool   `json:"disable_parallel_tool_use,omitempty"`
}

type outThinking struct {
	Type    string `json:"type"`
	Budget  int64  `json:"budget_tokens,omitempty"`
	Display string `json:"display,omitempty"`
}

type outConfig struct {
	Effort string     `json:"effort,omitempty"`
	Format *outFormat `json:"format,omitempty"`
}

type outFormat struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

type outTool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"input_schema"`
	Strict      *bool           `json:"strict,omitempty"`
	Cache       json.RawMessage `json:"cache_control,omitempty"`
}

// BuildRequest encodes a call for a provider of this dialect. What the two APIs see differently:
//
//   - max_tokens is demanded here: 4096 when the client gave none, plus the thinking budget.
//   - temperature goes to 1 here: more is capped at 1, as Anthropic's own OpenAI-compatible endpoint does.
//   - instructions in mid-conversation join the system text, in their order.
//   - reasoning effort becomes adaptive thinking with that effort, or a budget for models that know only budgets. Thinking is left
//     out where the API forbids it: with a forced tool, or in a tool loop whose calls came without their signed reasoning.
//   - a JSON schema becomes output_config.format; models that lack it, and plain JSON mode, are told in the system text.
//   - reasoning that no signature proves, and reasoning of other providers, is not sent: it would be refused.
//
// What cannot be said is refused by name.
func (Dialect) BuildRequest(r chat.Request) ([]byte, error) { return build(r, maker) }

// build encodes a call for a place where the API is spoken.
func build(r chat.Request, at place) ([]byte, error) {
	b := builder{r: r, own: r.Dialect == dialectName, gen: at.limit(generationOf(r.Model)), at: at}
	out := body{
		MaxTokens: r.MaxTokens, Temperature: b.temperature(), TopP: r.TopP, TopK: r.TopK,
		Stop: b.stop(), ServiceTier: b.serviceTier(),
	}
	if r.User != "" {
		out.Metadata = map[string]string{"user_id": r.User}
	}
	out.System = b.system(r.System)
	out.Messages = b.messages(&out.System)
	out.Tools = b.tools()
	out.Choice = b.choice()
	b.format(&out)
	b.thinking(&out)
	at.envelope(&out, r)
	if !b.own {
		b.note(provider.CheckUnmapped(r))
	}
	if b.err != nil {
		return nil, b.err
	}
	raw := wire.Marshal(out)
	if left := at.unmapped(r); b.own && len(left) > 0 {
		raw = append(raw[:len(raw)-1], ',')
		raw = append(raw, wire.Marshal(left)[1:]...)
	}
	return raw, nil
}

type builder struct {
	r   chat.Request
	own bool
	gen generation
	at  place
	err error
}

func (b *builder) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

// refuse notes that a field cannot be said here, unless the call may lose it.
func (b *builder) refuse(field string) { b.note(provider.Unsupported(b.r, field)) }

func (b *builder) temperature() json.Number {
	if v, err := b.r.Temperature.Float64(); err == nil && v > 1 && !b.own {
		return "1"
	}
	return b.r.Temperature
}

// stop leaves out what the API refuses: sequences of nothing but white space.
func (b *builder) stop() []string {
	var out []string
	for _, s := range b.r.Stop {
		if strings.TrimSpace(s) == "" && !b.own {
			b.refuse("stop")
			continue
		}
		out = append(out, s)
	}
	return out
}

// serviceTier: the tiers of the two APIs overlap in "auto". Prices of other tiers do not exist here.
func (b *builder) serviceTier() string {
	if b.at.cloud {
		return ""
	}
	switch b.r.ServiceTier {
	case "auto", "priority":
		return "auto"
	case "default", "standard", "standard_only":
		return "standard_only"
	case "flex", "scale", "":
		return ""
	}
	if b.own {
		return b.r.ServiceTier
	}
	return ""
}

func (b *builder) tools() []any {
	var out []any
	for _, t := range b.r.Tools {
		raw, ours := t.Extra[dialectName]
		switch {
		case ours && b.own:
			out = append(out, raw)
			continue
		case t.Schema == nil && len(t.Extra) > 0: // a tool that its own provider runs
			b.refuse(t.Path)
			continue
		}
		tool := outTool{Name: t.Name, Description: t.Description, Schema: schema(t.Schema), Cache: t.Cache}
		if t.Strict != nil && *t.Strict && b.gen.formats {
			tool.Strict = t.Strict
		}
		out = append(out, tool)
	}
	return out
}

// schema makes a schema of arguments an object's, which is implied elsewhere and demanded here.
func schema(raw json.RawMessage) json.RawMessage {
	var o map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &o) != nil || o == nil {
		return json.RawMessage(emptySchema)
	}
	if wire.Present(o["type"]) {
		return raw
	}
	o["type"] = json.RawMessage(`"object"`)
	return wire.Marshal(o)
}

func (b *builder) choice() *outChoice {
	if len(b.r.Tools) == 0 {
		return nil // refused without tools
	}
	c := &outChoice{NoParallel: b.r.ParallelTools != nil && !*b.r.ParallelTools}
	switch b.r.Choice.Mode {
	case "":
		if !c.NoParallel {
			return nil
		}
		c.Type = "auto"
	case "required":
		c.Type = "any"
	case "none":
		return &outChoice{Type: "none"}
	default:
		c.Type, c.Name = b.r.Choice.Mode, b.r.Choice.Name
	}
	return c
}

// format asks for structured output in the form that the model takes.
func (b *builder) format(out *body) {
	f := b.r.Format
	if f == nil {
		return
	}
	switch {
	case f.Type == "json_schema" && (b.gen.formats || b.own):
		out.Output = &outConfig{Format: &outFormat{Type: "json_schema", Schema: schema(f.Schema)}}
	case f.Type == "json_schema":
		text := "Answer with one JSON value and nothing else: no explanation, no code fence. It must be valid against this JSON Schema:\n" + string(schema(f.Schema))
		out.System = append(out.System, textBlock(text, nil))
	case f.Type == "json_object":
		out.System = append(out.System, textBlock("Answer with one valid JSON object and nothing else: no explanation, no code fence.", nil))
	case f.Type == "text" || f.Type == "":
	default:
		b.refuse("response_format")
	}
}

// thinking asks for reasoning and sets the output cap, which holds both.
func (b *builder) thinking(out *body) {
	given := out.MaxTokens > 0
	if !given {
		out.MaxTokens = maxTokensDefault
	}
	o := b.r.Reasoning
	if o == nil || o.Off() || !b.gen.thinks {
		if b.own && o != nil && o.Disabled {
			out.Thinking = &outThinking{Type: "disabled"}
		}
		return
	}
	if !b.own && (forced(b.r.Choice) || (!b.gen.adaptive && b.unprovenLoop())) {
		return
	}
	b.alone()
	effort := effortWord(o)
	if b.gen.adaptive || (b.own && o.Adaptive) {
		out.Thinking = &outThinking{Type: "adaptive", Display: "summarized"}
		if effort != "" {
			if out.Output == nil {
				out.Output = &outConfig{}
			}
			out.Output.Effort = effort
		}
		if !given {
			out.MaxTokens += max(o.Tokens(), budgetMin)
		}
		return
	}
	budget := max(o.Tokens(), budgetMin)
	if !given {
		out.MaxTokens += budget
	}
	// The cap counts thinking too. A quarter of it at least stays for the answer.
	budget = min(budget, out.MaxTokens*3/4)
	if budget < budgetMin {
		return // no room to think in
	}
	out.Thinking = &outThinking{Type: "enabled", Budget: budget}
}

// alone checks what the API forbids beside thinking: any temperature but 1.
func (b *builder) alone() {
	if v, err := b.r.Temperature.Float64(); err == nil && v < 1 && !b.own {
		b.refuse("temperature")
	}
}

func forced(c chat.ToolChoice) bool { return c.Mode == "required" || c.Mode == "tool" }

// effortWord is the effort in this API's words.
func effortWord(o *chat.ReasoningOptions) string {
	switch w := o.Word(); w {
	case "minimal":
		return "low"
	case "low", "medium", "high", "xhigh", "max":
		return w
	}
	return ""
}

// unprovenLoop reports whether the call goes on with a tool loop whose calls lack the signed reasoning before them: clients of
// other dialects often do not send it back, and the API refuses thinking then.
func (b *builder) unprovenLoop() bool {
	for i := len(b.r.Messages) - 1; i >= 0; i-- {
		m := b.r.Messages[i]
		var calls, results, proven bool
		for _, p := range m.Parts {
			calls = calls || p.Kind == chat.ToolCall
			results = results || p.Kind == chat.ToolResult
			proven = proven || sendable(p)
		}
		switch m.Role {
		case chat.Assistant:
			if calls {
				return !proven
			}
		case chat.User:
			if !results {
				return false // a new question: what was before is closed
			}
		case chat.System:
		}
	}
	return false
}

// callID makes an id of any provider one that this API takes ([a-zA-Z0-9_-]), the same for a call and its result.
func callID(id string) string {
	clean := []byte(id)
	changed := id == ""
	hash := uint32(2166136261) // FNV-1a, so that two ids that differ in a bad character stay two
	for i := range clean {
		hash = (hash ^ uint32(clean[i])) * 16777619
		if c := clean[i]; c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			clean[i] = '_'
			changed = true
		}
	}
	if !changed {
		return id
	}
	return "toolu_" + string(clean) + "_" + strconv.FormatUint(uint64(hash), 36)
}
