// Package code writes a column's call as a program: what an application sends to do the same. Each text runs as it stands, with its
// client's library installed and the key in the variable TOLLGATE_KEY.
package code

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Language is what a text is written in.
type Language string

// The languages.
const (
	Python     Language = "python"
	JavaScript Language = "javascript"
	Go         Language = "go"
	Shell      Language = "shell"
)

// Snippet is a program of one client.
type Snippet struct {
	Client   string // "Python", "Anthropic Python"
	Language Language
	Text     string
}

// Call is what is written down.
type Call struct {
	Body    []byte // a chat completion in the form of OpenAI; "stream" is left out
	Gateway string // where applications reach the gateway: "https://gateway.example"
	Site    string // where the dashboard is, for clients that read prompts from it
	Prompt  string // name of the saved prompt that the call uses; "": none
	Version int    // of it; 0: by Label
	Label   string
}

// Snippets writes the call for every client that can make it. A body that is no JSON object gives none.
func Snippets(c Call) []Snippet {
	var body map[string]json.RawMessage
	if json.Unmarshal(c.Body, &body) != nil {
		return nil
	}
	delete(body, "stream")
	delete(body, "stream_options")
	c.Gateway, c.Site = strings.TrimSuffix(c.Gateway, "/"), strings.TrimSuffix(c.Site, "/")
	out := []Snippet{
		{"Python", Python, openaiPython(c, body)},
		{"curl", Shell, curl(c, body)},
		{"JavaScript", JavaScript, openaiScript(c, body)},
		{"Go", Go, plainGo(c, body)},
	}
	if a, ok := anthropic(body); ok {
		out = append(out, Snippet{"Anthropic Python", Python, anthropicPython(c, a)}, Snippet{"Anthropic JavaScript", JavaScript, anthropicScript(c, a)})
	}
	out = append(out, Snippet{"Vercel AI SDK", JavaScript, vercel(c, body)})
	if c.Prompt != "" && c.Site != "" {
		out = append(out, Snippet{"Langfuse", Python, langfuse(c, body)})
	}
	return out
}

// order is that in which members of a body are written; others follow by name.
var order = []string{"model", "system", "max_tokens", "messages", "temperature", "top_p", "tools", "tool_choice", "response_format"}

func members(body map[string]json.RawMessage) []string {
	names := slices.Sorted(maps.Keys(body))
	at := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(names, func(a, b string) int { return at(a) - at(b) })
	return names
}

// text is a string literal of Python, JavaScript and Go alike: JSON's, without the escapes that are there for HTML.
func text(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string never fails
	return strings.TrimSuffix(b.String(), "\n")
}

// script is a document as an expression of JavaScript, indented.
func script(raw json.RawMessage, indent string) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, indent, "  ") != nil {
		return "null"
	}
	return b.String()
}

// python is a document as an expression of Python, indented.
func python(raw json.RawMessage, indent string) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return "None"
	}
	return pythonValue(v, indent)
}

func pythonValue(v any, indent string) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case json.Number:
		return v.String()
	case string:
		return text(v)
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = indent + "    " + pythonValue(v[i], indent+"    ") + ",\n"
		}
		return "[\n" + strings.Join(parts, "") + indent + "]"
	case map[string]any:
		if len(v) == 0 {
			return "{}"
		}
		var b strings.Builder
		b.WriteString("{\n")
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(indent + "    " + text(name) + ": " + pythonValue(v[name], indent+"    ") + ",\n")
		}
		return b.String() + indent + "}"
	}
	return "None"
}

// pythonArguments are the members of a body as keyword arguments; those that the library does not know go by extra_body.
func pythonArguments(body map[string]json.RawMessage) string {
	var b strings.Builder
	for _, name := range members(body) {
		if name != "tollgate" {
			b.WriteString("    " + name + "=" + python(body[name], "    ") + ",\n")
		}
	}
	if own, ok := body["tollgate"]; ok {
		b.WriteString("    extra_body={\"tollgate\": " + python(own, "    ") + "},\n")
	}
	return b.String()
}

// scriptMembers are the members of a body as those of an object literal.
func scriptMembers(body map[string]json.RawMessage) string {
	var b strings.Builder
	for _, name := range members(body) {
		b.WriteString("  " + name + ": " + script(body[name], "  ") + ",\n")
	}
	return b.String()
}

// ordered is the body as one document, indented.
func ordered(body map[string]json.RawMessage) string {
	parts := make([]string, 0, len(body))
	for _, name := range members(body) {
		parts = append(parts, "  "+text(name)+": "+script(body[name], "  "))
	}
	return "{\n" + strings.Join(parts, ",\n") + "\n}"
}
