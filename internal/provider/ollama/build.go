package ollama

import (
	"encoding/json"
	"maps"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// body is a request as it goes out. A stream is the default here, so that it is always said.
type body struct {
	Model     string                     `json:"model"`
	Messages  []message                  `json:"messages"`
	Stream    bool                       `json:"stream"`
	Format    any                        `json:"format,omitempty"` // "json" or a schema
	Think     any                        `json:"think,omitempty"`  // a boolean or a word
	Tools     []tool                     `json:"tools,omitempty"`
	Options   map[string]json.RawMessage `json:"options,omitempty"`
	KeepAlive json.RawMessage            `json:"keep_alive,omitempty"`
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

// BuildRequest encodes a call.
//
// A choice of no tools is expressed by offering none. Penalties, options and keep_alive are taken from the client's body under those
// names. Left out because they change no meaning: strict (the model is shown the same schema), cache marks, names, the end user, service
// tiers. Refused by name: a demand for a tool, parallel_tool_calls false, images by address, audio, documents that are no text, tools
// that their own provider runs, and what else is unmapped and not harmless.
func (Chat) BuildRequest(r chat.Request) ([]byte, error) {
	b := builder{r: r, names: map[string]string{}}
	out := body{Model: r.Model, Stream: r.Stream}
	left := maps.Clone(r.Unmapped)
	out.Options = b.options(left)
	if raw := left["keep_alive"]; wire.Present(raw) {
		out.KeepAlive = raw
	}
	delete(left, "keep_alive")
	b.note(provider.CheckLeft(r.Encoding, left))
	out.Tools = b.tools()
	out.Format = b.format()
	out.Think = think(r)
	b.note(provider.OneCallOnly(r))
	out.Messages = b.messages()
	if b.err != nil {
		return nil, b.err
	}
	return wire.Marshal(out), nil
}

// builder gathers messages and the first refusal.
type builder struct {
	r     chat.Request
	out   []message
	names map[string]string // of the functions called, by the id of the call
	err   error
}

func (b *builder) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

// refuse notes that a field cannot be said here, unless the call may lose it.
func (b *builder) refuse(field string) { b.note(provider.Unsupported(b.r, field)) }

// options are the model's. What the client says in words of its own dialect wins over its options object.
func (b *builder) options(left map[string]json.RawMessage) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	if raw := left["options"]; wire.Present(raw) && json.Unmarshal(raw, &out) != nil {
		b.refuse("options")
	}
	delete(left, "options")
	for _, name := range [...]string{"frequency_penalty", "presence_penalty", "repeat_penalty", "min_p", "num_ctx"} {
		if raw := left[name]; wire.Present(raw) {
			out[name] = raw
		}
		delete(left, name)
	}
	for name, n := range map[string]json.Number{
		"temperature": b.r.Temperature, "top_p": b.r.TopP, "top_k": b.r.TopK, "seed": b.r.Seed,
	} {
		if n != "" {
			out[name] = json.RawMessage(n)
		}
	}
	if b.r.MaxTokens > 0 {
		out["num_predict"] = wire.Marshal(b.r.MaxTokens)
	}
	if len(b.r.Stop) > 0 {
		out["stop"] = wire.Marshal(b.r.Stop)
	}
	return out
}

func (b *builder) tools() []tool {
	switch b.r.Choice.Mode {
	case "none":
		return nil
	case "required", "tool":
		b.refuse("tool_choice")
	}
	var out []tool
	for _, t := range b.r.Tools {
		if len(t.Extra) > 0 && t.Schema == nil { // a tool that its own provider runs
			b.refuse(t.Path)
			continue
		}
		schema := t.Schema
		if schema == nil {
			schema = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		out = append(out, tool{Type: "function", Function: function{Name: t.Name, Description: t.Description, Parameters: schema}})
	}
	return out
}

func (b *builder) format() any {
	f := b.r.Format
	switch {
	case f == nil || f.Type == "text":
		return nil
	case f.Type == "json_schema" && f.Schema != nil:
		return f.Schema
	case f.Type == "json_schema" || f.Type == "json_object":
		return "json"
	}
	b.refuse("response_format")
	return nil
}

// think is how the model shall: models of the gpt-oss family know words, others yes and no. Those that do not think refuse a yes, so it
// is not said to models that are known for that.
func think(r chat.Request) any {
	o := r.Reasoning
	switch {
	case o == nil:
		return nil
	case o.Off():
		return false
	case strings.Contains(strings.ToLower(r.Model), "gpt-oss"):
		if word := o.Word(); word == "low" || word == "medium" || word == "high" {
			return word
		}
		return true
	case openaichat.MayThink(r.Model):
		return true
	}
	return nil
}
