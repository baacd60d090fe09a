package openairesponses

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// body is the request as it goes out. Pointers and empty values are left out.
type body struct {
	Model        string      `json:"model"`
	Instructions string      `json:"instructions,omitempty"`
	Input        []any       `json:"input,omitempty"`
	Stream       bool        `json:"stream,omitempty"`
	MaxTokens    int64       `json:"max_output_tokens,omitempty"`
	Temperature  json.Number `json:"temperature,omitempty"`
	TopP         json.Number `json:"top_p,omitempty"`
	TopK         json.Number `json:"top_k,omitempty"`
	Tools        []any       `json:"tools,omitempty"`
	Choice       any         `json:"tool_choice,omitempty"`
	Parallel     *bool       `json:"parallel_tool_calls,omitempty"`
	Text         object      `json:"text,omitempty"`
	Reasoning    object      `json:"reasoning,omitempty"`
	Include      []string    `json:"include,omitempty"`
	Store        *bool       `json:"store,omitempty"`
	User         string      `json:"user,omitempty"`
	ServiceTier  string      `json:"service_tier,omitempty"`
}

type object map[string]any

// builder gathers items and the first refusal.
type builder struct {
	r   chat.Request
	own bool // the client spoke this dialect
	err error

	input   []any
	pending []any // parts of the message being written
	role    string
	phase   string
}

// BuildRequest encodes a call for a provider of this dialect.
//
// Answers are not kept at the provider unless the client asked for that in this dialect or in OpenAI's other one. Left out because
// it changes no meaning: cache marks, names of participants, a seed. Another provider's reasoning is left out too; what this API
// encrypted comes back wherever it travelled. What cannot be said is refused by name.
func (Dialect) BuildRequest(r chat.Request) ([]byte, error) {
	b := builder{r: r, own: r.Dialect == dialectName}
	out := b.common()
	out.Stream, out.MaxTokens, out.Temperature, out.TopP = r.Stream, r.MaxTokens, r.Temperature, r.TopP
	out.User, out.ServiceTier = r.User, serviceTier(r.ServiceTier)
	if len(r.Stop) > 0 {
		b.refuse(b.name("stop", "stop_sequences"))
	}
	if b.own {
		out.TopK = r.TopK
	} else {
		b.note(provider.TopK(r))
	}
	left := maps.Clone(r.Unmapped)
	shared := b.unmapped(&out, left)
	b.note(provider.CheckLeft(r.Encoding, left))
	if b.err != nil {
		return nil, b.err
	}
	return addFields(wire.Marshal(out), shared), nil
}

// common is what a call and the count of its tokens share.
func (b *builder) common() body {
	out := body{Model: b.r.Model, Parallel: b.r.ParallelTools, Text: b.text(), Reasoning: b.reasoning(), Tools: b.tools(), Choice: choice(b.r.Choice)}
	if len(b.r.Tools) == 0 && !b.own {
		out.Parallel = nil // refused without tools by some
	}
	out.Instructions = b.system()
	for _, m := range b.r.Messages {
		b.message(m)
	}
	if len(b.input) == 0 && out.Instructions != "" { // there must be an input: instructions alone are one
		b.input = append(b.input, object{"role": "developer", "content": out.Instructions})
		out.Instructions = ""
	}
	out.Input = b.input
	return out
}

// unmapped deals with the client's fields without a neutral form: it gives those that are sent as they are, and takes them and what is
// said otherwise out of left.
func (b *builder) unmapped(out *body, left map[string]json.RawMessage) map[string]json.RawMessage {
	shared := map[string]json.RawMessage{}
	move := func(name string) {
		if raw, ok := left[name]; ok {
			shared[name] = raw
			delete(left, name)
		}
	}
	switch {
	case b.own:
		delete(left, logprobs)         // stands in include
		delete(left, "item_reference") // stands in input
		delete(left, searches)         // stands in tools
		for _, name := range [...]string{"text", "reasoning"} {
			b.members(out, name, left)
		}
		for name := range maps.Clone(left) {
			move(name)
		}
		return shared
	case b.r.Dialect == chatName:
		for _, name := range [...]string{"metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "store"} {
			move(name)
		}
		if raw, ok := left["verbosity"]; ok && wire.Present(raw) {
			if out.Text == nil {
				out.Text = object{}
			}
			out.Text["verbosity"] = raw
			delete(left, "verbosity")
		}
	}
	if _, asked := shared["store"]; !asked {
		out.Store = new(bool) // the default is true here, and false or unheard of everywhere else
	}
	if b.r.Reasoning != nil && !b.r.Reasoning.Off() && out.Reasoning != nil {
		out.Include = []string{"reasoning.encrypted_content"} // what is not stored comes back from the client
	}
	return shared
}

// members puts the unmapped members of text or reasoning back.
func (b *builder) members(out *body, of string, left map[string]json.RawMessage) {
	for name, raw := range maps.Clone(left) {
		member, ok := strings.CutPrefix(name, of+".")
		if !ok {
			continue
		}
		delete(left, name)
		into := &out.Text
		if of == "reasoning" {
			into = &out.Reasoning
		}
		if *into == nil {
			*into = object{}
		}
		(*into)[member] = raw
	}
}

// addFields puts fields that have no neutral form in.
func addFields(raw []byte, fields map[string]json.RawMessage) []byte {
	if len(fields) == 0 {
		return raw
	}
	raw = append(bytes.TrimSuffix(raw, []byte("}")), ',')
	return append(raw, wire.Marshal(fields)[1:]...)
}

func (b *builder) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

// refuse notes that a field cannot be said here, unless the call may lose it.
func (b *builder) refuse(field string) { b.note(provider.Unsupported(b.r, field)) }

// name is a field in the client's words.
func (b *builder) name(openAI, anthropic string) string {
	if strings.HasPrefix(b.r.Dialect, "anthropic") {
		return anthropic
	}
	return openAI
}

func (b *builder) text() object {
	f := b.r.Format
	if f == nil {
		return nil
	}
	format := object{"type": f.Type}
	if f.Type == "json_schema" {
		format["name"], format["schema"] = f.Name, f.Schema
		if f.Name == "" {
			format["name"] = "response" // demanded here, and unknown elsewhere
		}
		if f.Description != "" {
			format["description"] = f.Description
		}
		if f.Strict != nil {
			format["strict"] = *f.Strict
		}
	}
	return object{"format": format}
}

// reasoning says how much thinking was asked for. A client of OpenAI's dialects chose its word for the model it named; the offer of
// another client is not made to models that would refuse it. Clients whose own API tells the thinking are told its summary.
func (b *builder) reasoning() object {
	o := b.r.Reasoning
	if o == nil {
		return nil
	}
	if b.own || b.r.Dialect == chatName {
		if word := o.Effort; word != "" {
			return object{"effort": word}
		}
		if word := o.Word(); word != "" {
			return object{"effort": word}
		}
		return nil
	}
	if o.Off() || !openaichat.MayThink(b.r.Model) {
		return nil
	}
	out := object{"summary": "auto"}
	if word := o.Word(); word != "" {
		out["effort"] = word
	}
	return out
}

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
		if raw, ok := t.Extra[dialectName]; ok && b.own {
			if wire.Present(raw) { // else it stands in its namespace
				out = append(out, raw)
			}
			continue
		}
		fn := object{"type": "function", "name": t.Name}
		if t.Description != "" {
			fn["description"] = t.Description
		}
		switch {
		case t.Schema != nil:
			fn["parameters"] = t.Schema
		case !b.own:
			fn["parameters"] = noParameters
		}
		switch {
		case t.Strict != nil:
			fn["strict"] = *t.Strict
		case !b.own:
			fn["strict"] = false // the default is true here, and false everywhere else
		}
		out = append(out, fn)
	}
	for _, raw := range list[json.RawMessage](b.r.Unmapped[searches]) {
		out = append(out, raw) // only a client of this dialect has it
	}
	return out
}

func choice(c chat.ToolChoice) any {
	switch c.Mode {
	case "":
		return nil
	case "tool":
		if _, name, free := toolName(c.Name); free {
			return object{"type": "custom", "name": name}
		}
		return object{"type": "function", "name": c.Name}
	}
	return c.Mode
}

func serviceTier(tier string) string {
	if tier == "standard_only" {
		return "default"
	}
	return tier
}
