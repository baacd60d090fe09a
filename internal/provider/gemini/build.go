package gemini

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// body is the request as it goes out.
type body struct {
	Model    string       `json:"model,omitempty"` // in generateContentRequest only
	Contents []outContent `json:"contents"`
	System   *outContent  `json:"systemInstruction,omitempty"`
	Tools    []any        `json:"tools,omitempty"`
	Choice   *outChoice   `json:"toolConfig,omitempty"`
	Config   *outConfig   `json:"generationConfig,omitempty"`
	Tier     string       `json:"serviceTier,omitempty"`
}

type outChoice struct {
	Calling struct {
		Mode  string   `json:"mode"`
		Names []string `json:"allowedFunctionNames,omitempty"`
	} `json:"functionCallingConfig"`
}

type outConfig struct {
	Temperature json.Number     `json:"temperature,omitempty"`
	TopP        json.Number     `json:"topP,omitempty"`
	TopK        json.Number     `json:"topK,omitempty"`
	MaxTokens   int64           `json:"maxOutputTokens,omitempty"`
	Stop        []string        `json:"stopSequences,omitempty"`
	Seed        json.Number     `json:"seed,omitempty"`
	Frequency   json.Number     `json:"frequencyPenalty,omitempty"`
	Presence    json.Number     `json:"presencePenalty,omitempty"`
	MediaType   string          `json:"responseMimeType,omitempty"`
	Schema      json.RawMessage `json:"responseSchema,omitempty"`
	JSONSchema  json.RawMessage `json:"responseJsonSchema,omitempty"`
	Thinking    *outThinking    `json:"thinkingConfig,omitempty"`
}

type outFunction struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"parameters,omitempty"`
	JSONSchema  json.RawMessage `json:"parametersJsonSchema,omitempty"`
}

// stopMax is how many stop sequences the API takes.
const stopMax = 5

// BuildRequest encodes a call for a provider of this dialect. What the two sides see differently:
//
//   - instructions in mid-conversation join the system text, in their order. Gemma takes no system text: there it is the first turn.
//   - reasoning is a level for Gemini 3, a budget for 2.5, and not said to models that do not think. Thoughts are asked for wherever
//     reasoning is.
//   - a JSON schema goes as it is, to older models in Google's form.
//   - calls that Google did not sign are marked as such for Gemini 3, which refuses them otherwise.
//   - what only keeps books is left out: cache marks, names of speakers, image detail, the end user, service tiers.
//
// What cannot be said is refused by name.
func (Dialect) BuildRequest(r chat.Request) ([]byte, error) {
	b := newBuilder(r)
	out, err := b.body()
	if err != nil {
		return nil, err
	}
	return b.merge(wire.Marshal(out)), nil
}

type builder struct {
	r     chat.Request
	own   bool
	gen   generation
	names map[string]string // call id -> function
	refs  int               // see schemaToGoogle
	err   error
}

func newBuilder(r chat.Request) *builder {
	b := &builder{r: r, own: r.Dialect == dialectName, gen: generationOf(r.Model), names: map[string]string{}, refs: callRefsMax}
	for _, m := range r.Messages {
		for _, p := range m.Parts {
			if p.Kind == chat.ToolCall {
				b.names[p.ID] = p.Name
			}
		}
	}
	return b
}

func (b *builder) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

// refuse notes that a field cannot be said here, unless the call may lose it.
func (b *builder) refuse(field string) { b.note(provider.Unsupported(b.r, field)) }

func (b *builder) body() (body, error) {
	var out body
	system := b.system(b.r.System)
	out.Contents = b.contents(&system)
	if len(system) > 0 {
		out.System = &outContent{Parts: system}
	}
	out.Tools = b.tools()
	out.Choice = b.choice()
	if c := b.config(); !c.empty() {
		out.Config = c
	}
	if b.own {
		out.Tier = b.r.ServiceTier
	} else {
		b.note(provider.CheckLeft(b.r.Encoding, b.left()))
	}
	return out, b.err
}

// penalties are fields that travel among the unmapped ones, under OpenAI's names, from and to the dialects that have them.
var penalties = [...]string{"frequency_penalty", "presence_penalty"}

// left is what has no form here.
func (b *builder) left() map[string]json.RawMessage {
	left := make(map[string]json.RawMessage, len(b.r.Unmapped))
	for name, raw := range b.r.Unmapped {
		if !slices.Contains(penalties[:], name) {
			left[name] = raw
		}
	}
	return left
}

func (b *builder) config() *outConfig {
	r := b.r
	c := &outConfig{
		Temperature: r.Temperature, TopP: r.TopP, TopK: r.TopK, MaxTokens: r.MaxTokens, Stop: r.Stop, Seed: r.Seed,
		Thinking: thinking(r.Reasoning, b.gen, b.own),
	}
	if len(r.Stop) > stopMax && !b.own {
		b.refuse(b.field("stop", "stop_sequences"))
		c.Stop = r.Stop[:stopMax]
	}
	c.Frequency, c.Presence = number(r.Unmapped[penalties[0]]), number(r.Unmapped[penalties[1]])
	b.format(c)
	return c
}

// field is the client's name of a field: OpenAI's or Anthropic's.
func (b *builder) field(openai, anthropic string) string {
	if strings.HasPrefix(b.r.Dialect, "anthropic") {
		return anthropic
	}
	return openai
}

// number is a raw number that is not zero.
func number(raw json.RawMessage) json.Number {
	if f, err := strconv.ParseFloat(string(raw), 64); err != nil || f == 0 {
		return ""
	}
	return json.Number(raw)
}

func (c *outConfig) empty() bool { return len(wire.Marshal(c)) == len("{}") }

func (b *builder) format(c *outConfig) {
	f := b.r.Format
	switch {
	case f == nil || f.Type == "text" || f.Type == "":
	case f.Type == "json_object":
		c.MediaType = "application/json"
	case f.Type == "json_schema":
		c.MediaType = "application/json"
		c.Schema, c.JSONSchema = b.schema(f.Schema)
	default:
		b.refuse("response_format")
	}
}

// schema gives a schema in the form that the model takes; the other is nil.
func (b *builder) schema(raw json.RawMessage) (google, plain json.RawMessage) {
	if len(raw) == 0 {
		return nil, nil
	}
	if !b.gen.schemas {
		if out, lossless := schemaToGoogle(raw, &b.refs); lossless {
			return out, nil
		}
	}
	return nil, raw
}

func (b *builder) tools() []any {
	var functions []outFunction
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
		f := outFunction{Name: t.Name, Description: t.Description}
		if b.gen.schemas || !bare(t.Schema) {
			f.Schema, f.JSONSchema = b.schema(t.Schema)
		}
		functions = append(functions, f)
	}
	if functions != nil {
		out = slices.Insert(out, 0, any(map[string]any{"functionDeclarations": functions}))
	}
	return out
}

// bare reports whether a function takes no arguments: an object without properties is refused in Google's form.
func bare(schema json.RawMessage) bool {
	var s struct {
		Type       string                     `json:"type"`
		Properties map[string]json.RawMessage `json:"properties"`
		Ref        json.RawMessage            `json:"$ref"`
		AnyOf      json.RawMessage            `json:"anyOf"`
		Additional json.RawMessage            `json:"additionalProperties"`
	}
	if len(schema) == 0 {
		return true
	}
	if json.Unmarshal(schema, &s) != nil {
		return false
	}
	open := len(s.Additional) > 0 && string(s.Additional) != "false"
	return len(s.Properties) == 0 && s.Ref == nil && s.AnyOf == nil && !open && (s.Type == "" || s.Type == "object")
}

func (b *builder) choice() *outChoice {
	b.note(provider.OneCallOnly(b.r))
	if len(b.r.Tools) == 0 {
		return nil // means nothing without tools
	}
	var c outChoice
	switch b.r.Choice.Mode {
	case "":
		return nil
	case "none":
		c.Calling.Mode = "NONE"
	case "required":
		c.Calling.Mode = "ANY"
	case "tool":
		c.Calling.Mode, c.Calling.Names = "ANY", []string{b.r.Choice.Name}
	default:
		c.Calling.Mode = "AUTO"
	}
	return &c
}

// merge puts fields that only this dialect has back where they stood.
func (b *builder) merge(raw json.RawMessage) []byte {
	if !b.own || len(b.r.Unmapped) == 0 {
		return raw
	}
	tree := rawTree(raw)
	for name, value := range b.left() {
		at := tree
		path := strings.Split(name, ".")
		for _, step := range path[:len(path)-1] {
			next, ok := at[step].(map[string]any)
			if !ok {
				if had, isRaw := at[step].(json.RawMessage); isRaw {
					next = rawTree(had)
				} else {
					next = map[string]any{}
				}
				at[step] = next
			}
			at = next
		}
		at[path[len(path)-1]] = value
	}
	return wire.Marshal(tree)
}

// rawTree is an object whose members are raw.
func rawTree(raw json.RawMessage) map[string]any {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(raw, &members) // what we wrote
	tree := make(map[string]any, len(members))
	for name, v := range members {
		tree[name] = v
	}
	return tree
}
