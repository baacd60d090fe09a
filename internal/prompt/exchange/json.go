package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

// object is a JSON object of somebody else, whose members may be anything.
type object map[string]json.RawMessage

func (o object) has(names ...string) bool {
	for _, n := range names {
		if raw, ok := o[n]; ok && string(bytes.TrimSpace(raw)) != "null" {
			return true
		}
	}
	return false
}

// text is the first of the members that is a string and not empty.
func (o object) text(names ...string) string {
	for _, n := range names {
		var s string
		if json.Unmarshal(o[n], &s) == nil && s != "" {
			return s
		}
	}
	return ""
}

// texts is a member that is a list of strings.
func (o object) texts(name string) (out []string) {
	_ = json.Unmarshal(o[name], &out) // what is no list of strings is none
	return out
}

// number is the first of the members that is a whole number, or a string that is one.
func (o object) number(names ...string) int {
	for _, n := range names {
		var i int
		if json.Unmarshal(o[n], &i) == nil && i > 0 {
			return i
		}
		var s json.Number
		if json.Unmarshal([]byte(o.text(n)), &s) == nil {
			if i, err := s.Int64(); err == nil && i > 0 && i < 1<<30 {
				return int(i)
			}
		}
	}
	return 0
}

func (o object) object(name string) (out object) {
	_ = json.Unmarshal(o[name], &out)
	return out
}

func (o object) objects(name string) (out []object) {
	_ = json.Unmarshal(o[name], &out)
	return out
}

// readJSON reads a document of objects: one, a list, a page of an API, or one a line.
func readJSON(from Source, f File) ([]Found, error) {
	list, err := objects(f.Text)
	if err != nil {
		return nil, ErrUnreadable.Say("%s is no JSON: %s.", fault.Clip(f.Path), fault.Clip(err.Error()))
	}
	var out []Found
	for i, o := range list {
		if i > PromptsMax*4 {
			return nil, ErrTooMuch
		}
		out = append(out, readObject(from, f.Path, o)...)
	}
	return out, nil
}

// objects takes a document out of what APIs wrap it in.
func objects(text string) ([]object, error) {
	d := json.NewDecoder(strings.NewReader(text))
	var out []object
	for {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		out = append(out, unwrap(raw, 0)...)
	}
}

// wrappers are the members in which APIs put what was asked for.
var wrappers = []string{"data", "prompts", "items", "results"}

func unwrap(raw json.RawMessage, depth int) []object {
	var list []json.RawMessage
	if depth > 3 {
		return nil
	}
	if json.Unmarshal(raw, &list) == nil {
		var out []object
		for _, one := range list {
			out = append(out, unwrap(one, depth+1)...)
		}
		return out
	}
	var o object
	if json.Unmarshal(raw, &o) != nil || o == nil {
		return []object{{}}
	}
	for _, w := range wrappers {
		if o.has(w) && !o.has("prompt", "string", "messages", "text") && (o.object(w) != nil || o.objects(w) != nil) {
			return unwrap(o[w], depth+1)
		}
	}
	return []object{o}
}

// readObject reads one object as what it is.
func readObject(from Source, path string, o object) []Found {
	if from == Auto || from == Files || from == "" {
		from = told(o)
	}
	switch from {
	case Langfuse:
		return []Found{readLangfuse(path, o)}
	case Portkey:
		return readPortkey(path, o)
	case Helicone:
		return readHelicone(path, o)
	case OpenAI:
		return []Found{readOpenAI(path, o)}
	case Auto, Files:
	}
	if o.has("messages") && o.has("model", "temperature", "max_tokens", "response_format", "tool_choice") || foreignParts(o) {
		return []Found{readBody(path, o)}
	}
	return []Found{readOwnJSON(path, o)}
}

// told finds out whose an object is by what only they say.
func told(o object) Source {
	switch {
	case strings.HasPrefix(o.text("id"), "pmpt_") || strings.HasPrefix(o.object("prompt").text("id"), "pmpt_"):
		return OpenAI
	case o.has("string", "prompt_template", "collection_id", "prompt_version_id"):
		return Portkey
	case len(o.objects("versions")) > 0 && told(o.objects("versions")[0]) == Helicone:
		return Helicone
	case o.has("prompt_body", "promptBody", "helicone_template", "heliconeTemplate", "major_version", "majorVersion") ||
		bytes.Contains(o["messages"], []byte("hc:")) || bytes.Contains(o["messages"], []byte("helicone-prompt-input")):
		return Helicone
	case o.has("name") && o.has("prompt", "versions", "lastConfig", "commitMessage"):
		return Langfuse
	}
	return Files
}

// readOwnJSON is our own file, as JSON.
func readOwnJSON(path string, o object) Found {
	name, number := named(path, ".prompt.json", ".json", ".jsonl")
	out := Found{From: path}
	out.Name = name
	raw, err := encode(o)
	if err != nil {
		return refusedAs(out, path, err)
	}
	var d document
	if err = strict(raw, &d); err == nil {
		err = d.fill(&out)
	}
	if err != nil {
		return refusedAs(out, path, err)
	}
	out.Versions[0].Number = number
	return out
}

// begun is what all readers of foreign prompts start with.
func begun(path, name string) (*Found, *names, func(format string, args ...any)) {
	out := &Found{From: path}
	out.Name = cleanName(name)
	note := noting(out)
	if out.Name != name && name != "" {
		note("the name %q is written %q here", fault.Clip(name), out.Name)
	}
	return out, &names{}, note
}

// refuse makes a prompt one that cannot be taken.
func (f *Found) refuse(err error) Found {
	return refusedAs(*f, f.From, errors.New(publicly(err)))
}

func publicly(err error) string {
	if e := (*fault.Error)(nil); errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

// version adds one version.
func (f *Found) version(number int, c prompt.Content, n *names, message string, labels []string) {
	if n != nil {
		c.Variables = append(n.variables(), c.Variables...)
	}
	if c.Variables == nil {
		c.Variables = []template.Variable{}
	}
	f.Versions = append(f.Versions, prompt.Carried{Number: number, Content: c, Message: sentence(message), Labels: labels, Complete: true})
}
