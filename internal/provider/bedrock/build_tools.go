package bedrock

import (
	"encoding/json"
	"strconv"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

type toolConfig struct {
	Tools  []any `json:"tools"`
	Choice any   `json:"toolChoice,omitempty"`
}

type toolSpec struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Schema      struct {
		JSON json.RawMessage `json:"json"`
	} `json:"inputSchema"`
	Strict *bool `json:"strict,omitempty"`
}

// tools declares the client's tools, or those that the conversation has calls of: a call without its declaration is refused.
func (b *builder) tools() *toolConfig {
	var list []any
	for _, t := range b.r.Tools {
		if t.Schema == nil && len(t.Extra) > 0 { // a tool that its own provider runs
			b.refuse(t.Path)
			continue
		}
		list = append(list, b.tool(t))
		if t.Cache != nil && b.maker == claude && caches(b.maker, b.r.Model) {
			list = append(list, b.cachePoint(t.Cache))
		}
	}
	if len(list) == 0 {
		for _, name := range b.called() {
			list = append(list, b.tool(chat.Tool{Name: name, Description: "A tool of an earlier part of this conversation."}))
		}
	}
	if len(list) == 0 {
		return nil
	}
	return &toolConfig{Tools: list}
}

func (b *builder) tool(t chat.Tool) any {
	spec := toolSpec{Name: t.Name, Description: t.Description}
	spec.Schema.JSON = objectSchema(t.Schema)
	if t.Strict != nil && *t.Strict && takesSchema(b.maker, b.r.Model) {
		spec.Strict = t.Strict
	}
	return map[string]any{"toolSpec": spec}
}

// called gives the names of the tools that the conversation has calls of, in their order.
func (b *builder) called() (names []string) {
	seen := map[string]bool{}
	for _, m := range b.r.Messages {
		for _, p := range m.Parts {
			if p.Kind == chat.ToolCall && !seen[p.Name] {
				seen[p.Name] = true
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// choice says whether tools are to be called. "none" has no word here: without calls in the conversation the tools are left out, which
// is the same. One call at a time is Claude's to promise; it is asked in its maker's words, the choice with it.
func (b *builder) choice(out *request) {
	c := b.r.Choice
	if out.Tools == nil || len(b.r.Tools) == 0 {
		return
	}
	if c.Mode == "none" {
		if len(b.called()) > 0 {
			b.refuse("tool_choice")
			return
		}
		out.Tools = nil
		return
	}
	if b.r.ParallelTools != nil && !*b.r.ParallelTools {
		if b.maker == claude {
			b.own["tool_choice"] = oneAtATime(c)
			return
		}
		b.note(provider.OneCallOnly(b.r))
	}
	switch c.Mode {
	case "auto":
		out.Tools.Choice = map[string]any{"auto": struct{}{}}
	case "required":
		out.Tools.Choice = map[string]any{"any": struct{}{}}
	case "tool":
		out.Tools.Choice = map[string]any{"tool": map[string]string{"name": c.Name}}
	}
}

func oneAtATime(c chat.ToolChoice) json.RawMessage {
	choice := map[string]any{"type": "auto", "disable_parallel_tool_use": true}
	switch c.Mode {
	case "required":
		choice["type"] = "any"
	case "tool":
		choice["type"], choice["name"] = "tool", c.Name
	}
	return wire.Marshal(choice)
}

// callIDMax is how long the id of a call may be.
const callIDMax = 64

// callID makes an id of any provider one that this API takes ([a-zA-Z0-9_.:-], at most 64), the same for a call and its result.
func callID(id string) string {
	clean := []byte(id)
	changed := id == "" || len(id) > callIDMax
	hash := uint64(14695981039346656037) // FNV-1a, so that two ids that are cleaned or cut to the same stay two
	for i := range clean {
		hash = (hash ^ uint64(clean[i])) * 1099511628211
		switch c := clean[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == ':', c == '-':
		default:
			clean[i] = '_'
			changed = true
		}
	}
	if !changed {
		return id
	}
	const kept = callIDMax - len("call__") - 13 // a hash has at most 13 digits to the base of 36
	return "call_" + string(clean[:min(len(clean), kept)]) + "_" + strconv.FormatUint(hash, 36)
}
