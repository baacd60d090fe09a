package cohere

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// body is a request as it goes out. Empty values are left out.
type body struct {
	Model         string          `json:"model"`
	Messages      []message       `json:"messages"`
	Stream        bool            `json:"stream,omitempty"`
	MaxTokens     int64           `json:"max_tokens,omitempty"`
	Temperature   json.Number     `json:"temperature,omitempty"`
	TopP          json.Number     `json:"p,omitempty"`
	TopK          json.Number     `json:"k,omitempty"`
	Seed          json.Number     `json:"seed,omitempty"`
	Stop          []string        `json:"stop_sequences,omitempty"`
	Frequency     json.RawMessage `json:"frequency_penalty,omitempty"`
	Presence      json.RawMessage `json:"presence_penalty,omitempty"`
	Tools         []tool          `json:"tools,omitempty"`
	Choice        string          `json:"tool_choice,omitempty"`
	StrictTools   bool            `json:"strict_tools,omitempty"`
	Format        *format         `json:"response_format,omitempty"`
	Thinking      *thinking       `json:"thinking,omitempty"`
	Documents     json.RawMessage `json:"documents,omitempty"`
	CitationHow   json.RawMessage `json:"citation_options,omitempty"`
	SafetyMode    json.RawMessage `json:"safety_mode,omitempty"`
	CallsPriority json.RawMessage `json:"priority,omitempty"`
}

type tool struct {
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters"`
}

type format struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"json_schema,omitempty"`
}

type thinking struct {
	Type   string `json:"type"`
	Budget int64  `json:"token_budget,omitempty"`
}

// BuildRequest encodes a call.
//
// A tool that must be called is expressed by offering that one alone and demanding a call; strict is for all tools or none. Penalties,
// and the fields that only Cohere has (documents, citation_options, safety_mode, priority), are taken from the client's body under
// those names. Left out because they change no meaning: cache marks, participant names, the end user, image detail for what has none.
// Refused by name: audio, documents that are no text, files by id, tools that their own provider runs, parallel_tool_calls false, mixed
// strictness, service tiers, and what else is unmapped and not harmless.
func (Chat) BuildRequest(r chat.Request) ([]byte, error) {
	b := builder{r: r}
	out := body{
		Model: r.Model, Stream: r.Stream, MaxTokens: r.MaxTokens,
		Temperature: r.Temperature, TopP: r.TopP, TopK: r.TopK, Seed: r.Seed, Stop: r.Stop,
	}
	left := maps.Clone(r.Unmapped)
	take := func(name string) json.RawMessage {
		raw := left[name]
		delete(left, name)
		if !wire.Present(raw) {
			return nil
		}
		return raw
	}
	out.Frequency, out.Presence = take("frequency_penalty"), take("presence_penalty")
	out.Documents, out.CitationHow = take("documents"), take("citation_options")
	out.SafetyMode, out.CallsPriority = take("safety_mode"), take("priority")
	b.note(provider.CheckLeft(r.Encoding, left))

	out.Tools = b.tools()
	out.Choice = b.choice(&out)
	out.StrictTools = b.strict()
	out.Format = b.format()
	out.Thinking = offer(r)
	b.note(provider.OneCallOnly(r))
	switch r.ServiceTier {
	case "", "auto", "default", "standard", "standard_only":
	default:
		b.refuse("service_tier")
	}
	out.Messages = b.messages()
	if b.err != nil {
		return nil, b.err
	}
	return wire.Marshal(out), nil
}

// builder gathers messages and the first refusal.
type builder struct {
	r   chat.Request
	out []message
	err error
}

func (b *builder) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

// refuse notes that a field cannot be said here, unless the call may lose it.
func (b *builder) refuse(field string) { b.note(provider.Unsupported(b.r, field)) }

var noParameters = json.RawMessage(`{"type":"object","properties":{}}`)

func (b *builder) tools() []tool {
	var out []tool
	for _, t := range b.r.Tools {
		if len(t.Extra) > 0 && t.Schema == nil { // a tool that its own provider runs
			b.refuse(t.Path)
			continue
		}
		schema := t.Schema
		if schema == nil {
			schema = noParameters
		}
		out = append(out, tool{Type: "function", Function: function{Name: t.Name, Description: t.Description, Parameters: schema}})
	}
	return out
}

// choice is a word, and for one tool the others taken away.
func (b *builder) choice(out *body) string {
	switch b.r.Choice.Mode {
	case "required":
		return "REQUIRED"
	case "none":
		return "NONE"
	case "tool":
		i := slices.IndexFunc(out.Tools, func(t tool) bool { return t.Function.Name == b.r.Choice.Name })
		if i < 0 {
			b.refuse("tool_choice")
			return ""
		}
		out.Tools = out.Tools[i : i+1]
		return "REQUIRED"
	}
	return ""
}

func (b *builder) strict() bool {
	strict := 0
	var first string
	for _, t := range b.r.Tools {
		if t.Strict != nil && *t.Strict {
			strict++
			if first == "" {
				if first = t.Path + ".strict"; b.r.Dialect == string(provider.OpenAIChat) && strings.HasPrefix(t.Path, "tools.") {
					first = t.Path + ".function.strict"
				}
			}
		}
	}
	if strict > 0 && strict < len(b.r.Tools) {
		b.refuse(first)
		return false
	}
	return strict > 0
}

func (b *builder) format() *format {
	f := b.r.Format
	switch {
	case f == nil || f.Type == "text":
		return nil
	case f.Type == "json_object":
		return &format{Type: "json_object"}
	case f.Type == "json_schema":
		return &format{Type: "json_object", Schema: f.Schema}
	}
	b.refuse("response_format")
	return nil
}

// plainModels begin the names of models that do not think, and refuse to be told how much.
var plainModels = [...]string{"command-r", "command-a-03", "command-a-vision", "command-a-translate", "command-light", "command-nightly", "c4ai", "aya"}

// offer is how the model shall think, for those that can.
func offer(r chat.Request) *thinking {
	o := r.Reasoning
	if o == nil || r.Model == "command" || slices.ContainsFunc(plainModels[:], func(p string) bool { return strings.HasPrefix(r.Model, p) }) {
		return nil
	}
	if o.Off() {
		return &thinking{Type: "disabled"}
	}
	t := &thinking{Type: "enabled"}
	if !o.Adaptive {
		t.Budget = o.Tokens()
	}
	return t
}
