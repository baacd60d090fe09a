package langfuse

import (
	"bytes"
	"encoding/json"
	"errors"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
)

// sampling are members of a config that mean the same here, by what they must begin with to do so: a number, or anything.
var sampling = map[string]string{
	"temperature": numbers, "top_p": numbers, "top_k": numbers, "max_tokens": numbers, "max_completion_tokens": numbers,
	"presence_penalty": numbers, "frequency_penalty": numbers, "seed": numbers, "stop": `"[`, "reasoning_effort": `"`, "verbosity": `"`,
	"tool_choice": `"{`, "parallel_tool_calls": "tf", "logit_bias": "{", "logprobs": "tf", "top_logprobs": numbers,
}

const numbers = "-0123456789"

// The members of a config that have a field of their own here.
const (
	modelMember  = "model"
	toolsMember  = "tools"
	formatMember = "response_format" // in OpenAI's form: {type: json_schema, json_schema: {name, schema, …}}
	schemaMember = "schema"
)

type object = map[string]json.RawMessage

// settings takes out of a config what calls can use. The rest stays for the application; config puts it together again.
func settings(c *prompt.Content, raw json.RawMessage) error {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var rest object
	if json.Unmarshal(raw, &rest) != nil || rest == nil {
		return ErrSaid.Say("The config must be an object.").At("config")
	}
	parameters := object{}
	for name, value := range rest {
		if first, known := sampling[name]; known && bytes.ContainsAny(value[:1], first) {
			parameters[name] = value
			delete(rest, name)
		}
	}
	var model string
	if json.Unmarshal(rest[modelMember], &model) == nil && model != "" && fault.OneLine(model, 256) {
		c.Alias = model
		delete(rest, modelMember)
	}
	var tools []object
	if json.Unmarshal(rest[toolsMember], &tools) == nil && len(tools) > 0 {
		c.Tools = rest[toolsMember]
		delete(rest, toolsMember)
	}
	if schema, format := apart(rest[formatMember]); schema != nil {
		c.Schema, rest[formatMember] = schema, format
	}
	var err, err2 error
	c.Parameters, err = encode(parameters)
	c.Config, err2 = encode(rest)
	return errors.Join(err, err2)
}

// encode is the JSON of an object; nil for an empty one.
func encode(o object) (json.RawMessage, error) {
	if len(o) == 0 {
		return nil, nil
	}
	return json.Marshal(o)
}

// apart takes the schema out of a response format.
func apart(raw json.RawMessage) (schema, format json.RawMessage) {
	var outer, inner, is object
	if json.Unmarshal(raw, &outer) != nil || json.Unmarshal(outer["json_schema"], &inner) != nil || json.Unmarshal(inner[schemaMember], &is) != nil || is == nil {
		return nil, raw
	}
	schema = inner[schemaMember]
	delete(inner, schemaMember)
	return schema, within(outer, inner)
}

// together puts it back. What has no format yet gets one.
func together(format, schema json.RawMessage, name string) json.RawMessage {
	outer, inner := object{}, object{}
	if json.Unmarshal(format, &outer) != nil || json.Unmarshal(outer["json_schema"], &inner) != nil || inner == nil {
		outer, inner = object{"type": json.RawMessage(`"json_schema"`)}, object{"name": quoted(name)}
	}
	inner[schemaMember] = schema
	return within(outer, inner)
}

func within(outer, inner object) json.RawMessage {
	outer["json_schema"], _ = json.Marshal(inner) // documents that were read always encode
	out, _ := json.Marshal(outer)                 // likewise
	return out
}

func quoted(s string) json.RawMessage {
	out, _ := json.Marshal(s) // text always encodes
	return out
}

// config is what settings took apart, and what was said here: an object, never nil.
func config(c *prompt.Content) (json.RawMessage, error) {
	out := object{}
	for _, raw := range []json.RawMessage{c.Parameters, c.Config} {
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &out); err != nil {
				return nil, err
			}
		}
	}
	if c.Alias != "" {
		out[modelMember] = quoted(c.Alias)
	}
	if len(c.Tools) > 0 {
		out[toolsMember] = c.Tools
	}
	if len(c.Schema) > 0 {
		out[formatMember] = together(out[formatMember], c.Schema, "answer")
	}
	return json.Marshal(out)
}
