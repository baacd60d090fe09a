package openaichat

import (
	"encoding/json"
	"maps"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// body is the request as it goes out. Pointers and empty values are left out.
type body struct {
	Model         string          `json:"model"`
	Messages      []outMessage    `json:"messages"`
	Stream        bool            `json:"stream,omitempty"`
	StreamOptions *streamOptions  `json:"stream_options,omitempty"`
	MaxTokens     int64           `json:"max_tokens,omitempty"`
	MaxCompletion int64           `json:"max_completion_tokens,omitempty"`
	Temperature   json.Number     `json:"temperature,omitempty"`
	TopP          json.Number     `json:"top_p,omitempty"`
	TopK          json.Number     `json:"top_k,omitempty"`
	Seed          json.Number     `json:"seed,omitempty"`
	RandomSeed    json.Number     `json:"random_seed,omitempty"`
	Stop          []string        `json:"stop,omitempty"`
	Tools         []any           `json:"tools,omitempty"`
	Choice        any             `json:"tool_choice,omitempty"`
	Parallel      *bool           `json:"parallel_tool_calls,omitempty"`
	Format        *responseFormat `json:"response_format,omitempty"`
	Effort        string          `json:"reasoning_effort,omitempty"`
	User          string          `json:"user,omitempty"`
	ServiceTier   string          `json:"service_tier,omitempty"`
	Store         *bool           `json:"store,omitempty"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type responseFormat struct {
	Type   string        `json:"type"`
	Schema *formatSchema `json:"json_schema,omitempty"`
}

type formatSchema struct {
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

type outTool struct {
	Type     string       `json:"type"`
	Function wireFunction `json:"function"`
}

// BuildRequest encodes a call for a provider of this dialect.
//
// Of what Anthropic's clients can say, this is left out because it changes no meaning: cache marks (but for vendors that take them), the
// names of system blocks, image detail. Reasoning of earlier turns is sent only to vendors that take it. A thinking budget becomes an effort, and is left
// out for models that are known not to think: it is an offer. What cannot be said is refused by name.
func (Dialect) BuildRequest(r chat.Request) ([]byte, error) {
	own := r.Dialect == dialectName
	b := builder{r: r, own: own}
	out := body{
		Model: r.Model, Stream: r.Stream,
		Temperature: r.Temperature, TopP: r.TopP, Seed: r.Seed, Stop: r.Stop,
		Parallel: r.ParallelTools, User: r.User,
		ServiceTier: serviceTier(r.ServiceTier),
	}
	if r.Stream && !r.Encoding.NoStreamOptions {
		out.StreamOptions = &streamOptions{IncludeUsage: true}
	}
	if r.Encoding.OldMaxTokens {
		out.MaxTokens = r.MaxTokens
	} else {
		out.MaxCompletion = r.MaxTokens
	}
	if own || r.Encoding.Quirks.TopK {
		out.TopK = r.TopK
	} else {
		b.note(provider.TopK(r))
	}
	left, penalties := r.Unmapped, map[string]json.RawMessage(nil)
	if !own {
		left, penalties = splitPenalties(r.Unmapped)
		b.note(provider.CheckLeft(r.Encoding, left))
	}
	if len(r.Tools) == 0 {
		out.Parallel = nil // refused without tools
	}
	out.Effort = effort(r)
	out.Messages = b.messages()
	out.Tools = b.tools()
	out.Choice = choice(r.Choice)
	out.Format = format(r.Format, own)
	b.heed(&out)
	if b.err != nil {
		return nil, b.err
	}
	raw := provider.AddFields(wire.Marshal(out), penalties)
	if own {
		left = maps.Clone(left)
		if out.Store != nil {
			delete(left, "store")
		}
		raw = provider.AddFields(raw, left)
	}
	return raw, nil
}

// splitPenalties takes the penalties out of what a client of another dialect left: under these names they travel between the dialects
// that have them.
func splitPenalties(all map[string]json.RawMessage) (left, penalties map[string]json.RawMessage) {
	left = maps.Clone(all)
	for _, name := range [...]string{"frequency_penalty", "presence_penalty"} {
		if raw := left[name]; wire.Present(raw) {
			if penalties == nil {
				penalties = map[string]json.RawMessage{}
			}
			penalties[name] = raw
		}
		delete(left, name)
	}
	return left, penalties
}

// builder gathers messages and the first refusal.
type builder struct {
	r   chat.Request
	own bool
	out []outMessage
	err error
}

func (b *builder) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

// refuse notes that a field cannot be said here, unless the call may lose it.
func (b *builder) refuse(field string) { b.note(provider.Unsupported(b.r, field)) }

func (b *builder) tools() []any {
	var out []any
	for _, t := range b.r.Tools {
		if len(t.Extra) > 0 && t.Schema == nil { // a tool that its own provider runs
			if raw, ok := t.Extra[dialectName]; ok && b.own {
				out = append(out, raw)
			} else {
				b.refuse(t.Path)
			}
			continue
		}
		fn := wireFunction{Name: t.Name, Description: t.Description, Parameters: t.Schema, Strict: t.Strict}
		if b.r.Encoding.Quirks.NoStrict {
			fn.Strict = nil
		}
		out = append(out, outTool{Type: "function", Function: fn})
	}
	return out
}

func choice(c chat.ToolChoice) any {
	switch c.Mode {
	case "":
		return nil
	case "tool":
		return map[string]any{"type": "function", "function": map[string]string{"name": c.Name}}
	}
	return c.Mode
}

func format(f *chat.Format, own bool) *responseFormat {
	if f == nil {
		return nil
	}
	out := &responseFormat{Type: f.Type}
	if f.Type == "json_schema" {
		name := f.Name
		if name == "" && !own {
			name = "response" // a name is demanded here and unknown elsewhere
		}
		out.Schema = &formatSchema{Name: name, Description: f.Description, Schema: f.Schema, Strict: f.Strict}
	}
	return out
}

func serviceTier(tier string) string {
	if tier == "standard_only" {
		return "default"
	}
	return tier
}

// plainModels begin the names of models that refuse reasoning_effort.
var plainModels = [...]string{
	"gpt-3.5", "gpt-4", "chatgpt-4o", "llama", "meta-llama", "mistral", "mixtral", "ministral", "codestral",
	"pixtral", "gemma", "deepseek", "qwen2",
}

// effort is the word for the reasoning that was asked for. A client of this dialect chose its word for the model it named; the
// offer of a client of another dialect is not made to models that would refuse it.
func effort(r chat.Request) string {
	if r.Reasoning == nil {
		return ""
	}
	if r.Dialect == dialectName {
		if r.Reasoning.Disabled {
			return r.Reasoning.Effort // "none", when that is how it was said
		}
		return r.Reasoning.Word()
	}
	if !MayThink(r.Model) {
		return ""
	}
	return r.Reasoning.Word()
}

// MayThink reports whether a model is not known to refuse being asked to think.
func MayThink(model string) bool {
	name := strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	for _, plain := range plainModels {
		if strings.HasPrefix(name, plain) {
			return false
		}
	}
	return true
}
