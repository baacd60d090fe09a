package openairesponses

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// Two kinds of tools are functions everywhere else: those in a namespace, and free-form tools, whose one argument is their text. What
// kind a tool was must be known again when it is called, by a writer that knows only the answer; so the function's name says it.
const (
	spaceMark  = "--ns--" // between a namespace and a name
	freeMark   = "--free" // behind the name of a free-form tool
	nameLength = 64       // the longest name that all APIs take
)

// plainName is the name of a function for a tool; false when it would be too long.
func plainName(namespace, name string, free bool) (string, bool) {
	if namespace != "" {
		name = namespace + spaceMark + name
	}
	if free {
		name += freeMark
	}
	return name, len(name) <= nameLength
}

// toolName reads what plainName wrote.
func toolName(plain string) (namespace, name string, free bool) {
	name, free = strings.CutSuffix(plain, freeMark)
	if before, after, ok := strings.Cut(name, spaceMark); ok {
		return before, after, free
	}
	return "", name, free
}

// wireCustom is a free-form tool.
type wireCustom struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Format      struct {
		Type       string `json:"type"`
		Syntax     string `json:"syntax"`
		Definition string `json:"definition"`
	} `json:"format"`
}

var freeSchema = json.RawMessage(`{"type":"object","properties":{"input":{"type":"string","description":"The whole input of the tool, as plain text."}},` +
	`"required":["input"],"additionalProperties":false}`)

// freeTool makes a free-form tool a function with one text. A grammar is told in words: nobody else enforces it.
func freeTool(path, namespace string, raw json.RawMessage) (chat.Tool, bool) {
	var c wireCustom
	if json.Unmarshal(raw, &c) != nil || c.Name == "" {
		return chat.Tool{}, false
	}
	name, fits := plainName(namespace, c.Name, true)
	if c.Format.Type == "grammar" {
		c.Description = strings.TrimSpace(c.Description + "\n\nThe input must follow this " + c.Format.Syntax + " grammar:\n" + c.Format.Definition)
	}
	return chat.Tool{Path: path, Name: name, Description: c.Description, Schema: freeSchema, Extra: extra(raw)}, fits
}

// spaceTools makes the tools of a namespace functions. The first of them keeps the namespace for this dialect, the others stand for
// nothing there.
func spaceTools(path string, raw json.RawMessage) ([]chat.Tool, bool) {
	var space struct {
		Name  string            `json:"name"`
		Tools []json.RawMessage `json:"tools"`
	}
	if json.Unmarshal(raw, &space) != nil || space.Name == "" || len(space.Tools) == 0 {
		return nil, false
	}
	out := make([]chat.Tool, 0, len(space.Tools))
	for i, item := range space.Tools {
		at := path + ".tools." + strconv.Itoa(i)
		var t wireTool
		if json.Unmarshal(item, &t) != nil {
			return nil, false
		}
		var tool chat.Tool
		fits := false
		switch t.Type {
		case "custom":
			tool, fits = freeTool(at, space.Name, item)
		case "function":
			tool = t.tool(at, t.Cache, nil)
			tool.Name, fits = plainName(space.Name, t.Name, false)
			if tool.Schema == nil {
				tool.Schema = noParameters
			}
		}
		if !fits {
			return nil, false
		}
		tool.Extra = extra(json.RawMessage("null"))
		out = append(out, tool)
	}
	out[0].Extra = extra(raw)
	return out, true
}

// freeText is the text of a free-form tool's call.
func freeText(args []byte) string {
	var o struct {
		Input *string `json:"input"`
	}
	if json.Unmarshal(args, &o) != nil || o.Input == nil {
		return string(args) // a model that left the form
	}
	return *o.Input
}

type outCustom struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Status string `json:"status"`
	CallID string `json:"call_id"`
	Name   string `json:"name"`
	Space  string `json:"namespace,omitempty"`
	Input  string `json:"input"`
}

// call is the item of a call, by the kind of its tool. args are nil at its beginning.
func call(id, status string, p chat.Part, args []byte) any {
	space, name, free := toolName(p.Name)
	if free {
		c := outCustom{ID: id, Type: "custom_tool_call", Status: status, CallID: p.ID, Name: name, Space: space}
		if args != nil {
			c.Input = freeText(args)
		}
		return c
	}
	return outCall{ID: id, Type: "function_call", Status: status, Arguments: string(args), CallID: p.ID, Name: name, Space: space}
}

// callID prefixes, by the kind of the tool.
func callPrefix(p chat.Part) string {
	if _, _, free := toolName(p.Name); free {
		return "ctc_"
	}
	return "fc_"
}

// offeredSearch is the hosted search as Codex puts it into every call, asked or not: it says whether pages may be fetched, which
// nobody else does. It is left out where there is none, and noted; any other hosted search was asked for.
func offeredSearch(typ string, raw json.RawMessage) bool {
	var o struct {
		External *bool `json:"external_web_access"`
	}
	return strings.HasPrefix(typ, "web_search") && json.Unmarshal(raw, &o) == nil && o.External != nil
}

// searches is where such a search stands in Unmapped: the tools themselves, as a list.
const searches = "tools.web_search"

func addSearch(r *chat.Request, raw json.RawMessage) {
	have := list[json.RawMessage](r.Unmapped[searches])
	r.Unmapped[searches] = wire.Marshal(append(have, raw))
}
