package bedrock

import (
	"encoding/json"
	"maps"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/wire"
)

// request is the body as it goes out. The path names the model.
type request struct {
	Messages   []message                  `json:"messages"`
	System     []any                      `json:"system,omitempty"`
	Inference  *inference                 `json:"inferenceConfig,omitempty"`
	Tools      *toolConfig                `json:"toolConfig,omitempty"`
	Additional map[string]json.RawMessage `json:"additionalModelRequestFields,omitempty"`
	Fields     []string                   `json:"additionalModelResponseFieldPaths,omitempty"`
	Tier       *typed                     `json:"serviceTier,omitempty"`
	Output     *outputConfig              `json:"outputConfig,omitempty"`
	Guardrail  json.RawMessage            `json:"guardrailConfig,omitempty"`
	Speed      json.RawMessage            `json:"performanceConfig,omitempty"`
	Labels     json.RawMessage            `json:"requestMetadata,omitempty"`
}

type inference struct {
	MaxTokens   int64       `json:"maxTokens,omitempty"`
	Temperature json.Number `json:"temperature,omitempty"`
	TopP        json.Number `json:"topP,omitempty"`
	Stop        []string    `json:"stopSequences,omitempty"`
}

type typed struct {
	Type string `json:"type"`
}

type outputConfig struct {
	Format textFormat `json:"textFormat"`
}

type textFormat struct {
	Type      string `json:"type"`
	Structure struct {
		JSON jsonSchema `json:"jsonSchema"`
	} `json:"structure"`
}

type jsonSchema struct {
	Schema      string `json:"schema"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
}

// BuildRequest encodes a call. What Converse sees differently:
//
//   - temperature goes to 1 here: more is capped at 1.
//   - instructions in mid-conversation join the system text, in their order; turns of one role that follow each other become one.
//   - cache markers become cache points behind their block, for models that have them.
//   - how to think, top_k and one tool call at a time are not Converse's: they go as the model's own fields, in its maker's words.
//   - a JSON schema becomes outputConfig.textFormat; models that lack it, and plain JSON mode, are told in the system text.
//   - tools must be declared wherever the conversation has calls; those that the client no longer declares are, by name.
//   - reasoning goes back to Claude only, and only what its signature proves.
//
// guardrailConfig, performanceConfig, requestMetadata and additionalModelRequestFields of a client's body go as they are. What cannot
// be said is refused by name.
func (Converse) BuildRequest(r chat.Request) ([]byte, error) {
	out, err := build(r)
	if err != nil {
		return nil, err
	}
	return wire.Marshal(out), nil
}

func build(r chat.Request) (*request, error) {
	b := builder{r: r, maker: makerOf(r.Model), own: map[string]json.RawMessage{}}
	out := &request{}
	out.System = b.system(r.System)
	out.Messages = b.messages(&out.System)
	out.Tools = b.tools()
	b.choice(out)
	b.format(out)
	b.reasoning()
	out.Inference = b.inference()
	out.Tier = b.tier()
	b.given(out)
	if len(r.Encoding.Betas) > 0 && b.maker == claude {
		b.own["anthropic_beta"] = wire.Marshal(r.Encoding.Betas)
	}
	if len(b.own) > 0 {
		out.Additional = b.own
	}
	return out, b.err
}

type builder struct {
	r         chat.Request
	maker     maker
	own       map[string]json.RawMessage // fields of the model's own
	documents map[string]int             // names given to documents, with the last number behind each
	err       error
}

func (b *builder) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

// refuse notes that a field cannot be said here, unless the call may lose it.
func (b *builder) refuse(field string) { b.note(provider.Unsupported(b.r, field)) }

func (b *builder) inference() *inference {
	in := inference{MaxTokens: b.r.MaxTokens, Temperature: b.r.Temperature, TopP: b.r.TopP}
	if v, err := in.Temperature.Float64(); err == nil && v > 1 {
		in.Temperature = "1"
	}
	for _, s := range b.r.Stop {
		if strings.TrimSpace(s) == "" {
			b.refuse("stop") // refused by the models
			continue
		}
		in.Stop = append(in.Stop, s)
	}
	b.topK()
	if in.MaxTokens == 0 && in.Temperature == "" && in.TopP == "" && in.Stop == nil {
		return nil
	}
	return &in
}

func (b *builder) topK() {
	k := b.r.TopK
	if k == "" {
		return
	}
	switch b.maker {
	case claude, qwen, open:
		b.own["top_k"] = json.RawMessage(k)
	case nova:
		b.own["inferenceConfig"] = json.RawMessage(`{"topK":` + k + `}`)
	case openai, other:
		b.refuse("top_k")
	}
}

// tier: what others call the default is the default here too, unsaid.
func (b *builder) tier() *typed {
	switch b.r.ServiceTier {
	case "flex", "priority", "reserved":
		return &typed{b.r.ServiceTier}
	}
	return nil
}

// reasoning asks for thinking in the words of the model's maker. Models that do not think, and makers who have no word for it, are not
// asked.
func (b *builder) reasoning() {
	o := b.r.Reasoning
	switch {
	case b.maker == claude:
		how, err := anthropic.Reason(b.r)
		b.note(err)
		if how.Thinking != nil {
			b.own["thinking"] = how.Thinking
		}
		if how.Effort != "" {
			b.own["output_config"] = wire.Marshal(map[string]string{"effort": how.Effort})
		}
		return
	case o.Off():
		return
	}
	effort := threeWords(o)
	switch b.maker {
	case nova:
		if strings.Contains(b.r.Model, "nova-2") {
			b.own["reasoningConfig"] = wire.Marshal(map[string]string{"type": "enabled", "maxReasoningEffort": effort})
		}
	case openai:
		b.own["reasoning_effort"] = wire.AppendString(nil, effort)
	case qwen:
		b.own["reasoning_config"] = wire.AppendString(nil, effort)
	case claude, open, other:
	}
}

// threeWords is an effort in the words that all have.
func threeWords(o *chat.ReasoningOptions) string {
	switch w := o.Word(); w {
	case "low", "medium", "high":
		return w
	case "minimal":
		return "low"
	case "xhigh", "max":
		return "high"
	}
	return "medium"
}

// format asks for structured output in the form that the model takes.
func (b *builder) format(out *request) {
	f := b.r.Format
	if f == nil {
		return
	}
	say := func(text string) { out.System = append(out.System, textBlock(text)) }
	switch f.Type {
	case "json_schema":
		schema := string(objectSchema(f.Schema))
		if !takesSchema(b.maker, b.r.Model) {
			say("Answer with one JSON value and nothing else: no explanation, no code fence. It must be valid against this JSON Schema:\n" + schema)
			return
		}
		out.Output = &outputConfig{Format: textFormat{Type: "json_schema"}}
		out.Output.Format.Structure.JSON = jsonSchema{Schema: schema, Name: f.Name, Description: f.Description}
	case "json_object":
		say("Answer with one valid JSON object and nothing else: no explanation, no code fence.")
	case "text", "":
	default:
		b.refuse("response_format")
	}
}

// objectSchema makes a schema an object's, which is implied elsewhere and demanded here.
func objectSchema(raw json.RawMessage) json.RawMessage {
	var o map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &o) != nil || o == nil {
		return json.RawMessage(`{"type":"object","properties":{}}`)
	}
	if wire.Present(o["type"]) {
		return raw
	}
	o["type"] = json.RawMessage(`"object"`)
	return wire.Marshal(o)
}

// given takes the fields of Converse that a client's body brought, and refuses the rest of what has no neutral form.
func (b *builder) given(out *request) {
	left := maps.Clone(b.r.Unmapped)
	take := func(name string) json.RawMessage {
		raw := left[name]
		delete(left, name)
		if !wire.Present(raw) {
			return nil
		}
		return raw
	}
	out.Guardrail, out.Speed, out.Labels = take("guardrailConfig"), take("performanceConfig"), take("requestMetadata")
	if raw := take("additionalModelRequestFields"); raw != nil {
		var more map[string]json.RawMessage
		if json.Unmarshal(raw, &more) != nil {
			b.note(provider.ErrBody.Say("additionalModelRequestFields must be an object.").At("additionalModelRequestFields"))
		}
		maps.Copy(b.own, more)
	}
	if len(b.r.Stop) > 0 && b.maker == claude {
		out.Fields = []string{"/stop_sequence", "/delta/stop_sequence"} // whole and streamed: which one it was
	}
	b.note(provider.CheckLeft(b.r.Encoding, left))
}
