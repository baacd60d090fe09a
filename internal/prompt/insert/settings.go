package insert

import (
	"tollgate/internal/prompt"
	"tollgate/internal/provider/wire"
)

// parameter is one setting of a prompt.
type parameter struct {
	name  string
	value []byte
}

// parameters are the settings, in the order in which they were written.
func parameters(c *prompt.Content) (out []parameter) {
	w := wire.Walk(c.Parameters)
	for w.Next() && w.IsObject() {
		if !w.IsNull() {
			out = append(out, parameter{string(w.Key), w.Value()})
		}
	}
	return out
}

// function is a tool in the form of OpenAI's chat, taken apart.
type function struct {
	name, description []byte // JSON strings; nil: absent
	parameters        []byte // an object; nil: absent
	strict            []byte
}

func functions(c *prompt.Content) (out []function) {
	for tools := wire.Walk(c.Tools); tools.Next(); {
		var f function
		for tool := wire.Walk(tools.Value()); tool.Next() && tool.IsObject(); {
			if string(tool.Key) != "function" {
				continue
			}
			for in := wire.Walk(tool.Value()); in.Next() && in.IsObject(); {
				switch string(in.Key) {
				case "name":
					f.name = in.Value()
				case "description":
					f.description = in.Value()
				case "parameters":
					f.parameters = in.Value()
				case "strict":
					f.strict = in.Value()
				}
			}
		}
		if f.name != nil {
			out = append(out, f)
		}
	}
	return out
}

// flat is the form of the Responses API.
func (f *function) flat() []byte {
	o := object(nil).str("type", "function").raw("name", f.name)
	if f.description != nil {
		o = o.raw("description", f.description)
	}
	if f.parameters != nil {
		o = o.raw("parameters", f.parameters)
	}
	if f.strict != nil {
		o = o.raw("strict", f.strict)
	}
	return o.end()
}

// as is the form of a dialect that calls the parameters by another name.
func (f *function) as(parameters string) []byte {
	o := object(nil).raw("name", f.name)
	if f.description != nil {
		o = o.raw("description", f.description)
	}
	schema := f.parameters
	if schema == nil {
		schema = []byte(`{"type":"object","properties":{}}`)
	}
	return o.raw(parameters, schema).end()
}
