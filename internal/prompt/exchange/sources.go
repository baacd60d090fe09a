package exchange

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/langfuse"
	"tollgate/internal/prompt/template"
)

func sprint(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// readLangfuse reads one version as Langfuse's API answers it and its export holds it.
func readLangfuse(path string, o object) Found {
	out, _, note := begun(path, o.text("name"))
	if !o.has("prompt") && o.has("versions") {
		return out.refuse(errors.New("this is a list of prompts, without what they say: export them, or let Tollgate read them from Langfuse's address"))
	}
	draft, err := langfuse.Read(langfuse.Said{Type: kindOf(o), Prompt: o["prompt"], Config: o["config"]})
	if err != nil {
		return out.refuse(err)
	}
	out.Kind = draft.Kind
	if o.has("tags") {
		out.Tags = words("tag", o.texts("tags"), note)
	}
	c := draft.Content
	if c.Config != nil {
		note("what of the config is no setting of a call is kept as the version's config, which calls never use")
	}
	out.version(o.number("version"), c, nil, o.text("commitMessage", "commit_message"), words("label", o.texts("labels"), note))
	v := &out.Versions[0]
	for _, ref := range draft.Refs {
		if name, number, _, ok := prompt.ParseRef(ref); ok && number > 0 {
			v.Pins = append(v.Pins, prompt.Pin{Name: name, Number: number})
		}
	}
	return *out
}

// kindOf is the type of Langfuse's prompt, which its export may leave out.
func kindOf(o object) string {
	if t := o.text("type"); t != "" {
		return t
	}
	if o.objects("prompt") != nil {
		return "chat"
	}
	return "text"
}

// readPortkey reads a prompt as Portkey's API answers it, or a list of its versions.
func readPortkey(path string, o object) []Found {
	inner := o
	if nested := o.object("prompt_template"); nested != nil {
		inner = nested
	} else if s := o.text("prompt_template"); s != "" {
		inner = object{"string": o["prompt_template"], "parameters": o["parameters"]}
	}
	out, used, note := begun(path, o.text("slug", "name", "prompt_id", "id"))
	out.Description = sentence(o.text("name"))
	text := inner.text("string")
	if text == "" {
		return []Found{out.refuse(errors.New("it has no string: Portkey's list of prompts does not say what they say; read each one by its slug"))}
	}
	translate := func(s string) (string, error) { return mustache(s, flavour{partial: partialName}, used, note) }
	var c prompt.Content
	var err error
	var messages []object
	if json.Unmarshal([]byte(text), &messages) == nil && messages != nil {
		out.Kind = prompt.Chat
		c, err = body(object{"messages": json.RawMessage(text)}, translate, note)
	} else {
		out.Kind = prompt.Text
		c.Text, err = translate(text)
	}
	if err != nil {
		return []Found{out.refuse(err)}
	}
	said := inner.object("parameters")
	if said == nil {
		said = object{}
	}
	for _, name := range []string{"model", "tools", "tool_choice"} {
		if !said.has(name) && o.has(name) {
			said[name] = o[name]
		}
	}
	if err := settings(said, &c, note); err != nil {
		return []Found{out.refuse(err)}
	}
	left(said, note, append([]string{"model", "tools", "response_format", "messages"}, parameterWords...)...)
	if o.has("functions") && compact(o["functions"]) != nil {
		note("functions are left out: write them as tools")
	}
	var labels []string
	if o.text("prompt_version_status") == "active" {
		labels = []string{prompt.Production} // what Portkey serves where nobody names a version
	}
	out.version(o.number("prompt_version"), c, used, o.text("prompt_version_description", "prompt_description"), labels)
	return []Found{*out}
}

// readHelicone reads a prompt of Helicone: a body of OpenAI's chat, alone, as prompt_body, or one for each of its versions.
func readHelicone(path string, o object) []Found {
	name := o.text("name", "user_defined_id", "prompt_name", "id", "prompt_id")
	if name == "" {
		name, _ = named(path, ".json", ".jsonl")
	}
	versions := o.objects("versions")
	if versions == nil {
		versions = []object{o}
	}
	var out []Found
	for i, v := range versions {
		f := heliconeVersion(path, name, o, v, len(versions) > 1, i)
		out = append(out, f)
	}
	return out
}

func heliconeVersion(path, name string, o, v object, several bool, i int) Found {
	out, used, note := begun(path, name)
	out.Kind, out.Description = prompt.Chat, sentence(o.text("description"))
	if o.has("tags") {
		out.Tags = words("tag", o.texts("tags"), note)
	}
	said := v
	for _, member := range []string{"prompt_body", "promptBody", "helicone_template", "heliconeTemplate", "body"} {
		if b := v.object(member); b != nil {
			said = b
			break
		}
	}
	translate := func(s string) (string, error) {
		if inputBraced.MatchString(s) {
			return "", ErrSkipped.Say("a brace cannot stand right before or behind <helicone-prompt-input>: put a space between them")
		}
		return mustache(inputs(s), flavour{helicone: true, partial: func(string) (string, bool) { return "", false }}, used, note)
	}
	c, err := body(said, translate, note)
	if err != nil {
		return out.refuse(err)
	}
	for _, raw := range []json.RawMessage{c.Tools, c.Schema} {
		if strings.Contains(string(raw), "hc:") {
			note("a variable in tools or the schema stays as it is written: prompts have variables in their texts alone")
		}
	}
	number := 0
	if several {
		number = i + 1
	}
	if major := v.number("major_version", "majorVersion"); major > 0 {
		number = major*1000 + v.number("minor_version", "minorVersion")
	}
	environments := v.texts("environments")
	if e := v.text("environment"); e != "" {
		environments = append(environments, e)
	}
	out.version(number, c, used, v.text("commit_message", "commitMessage"), words("label", environments, note))
	return *out
}

// inputBraced is a tag that would become one with braces beside it.
var inputBraced = regexp.MustCompile(`\{<helicone-prompt-input|</helicone-prompt-input>\}|<helicone-prompt-input[^<>]*/>\}`)

var inputTag = regexp.MustCompile(`(?s)<helicone-prompt-input\s+key="([A-Za-z0-9_-]+)"\s*(?:/>|>.*?</helicone-prompt-input>)`)

// inputs turns the tags of Helicone's older prompts into the braces of its newer ones.
func inputs(s string) string {
	return inputTag.ReplaceAllString(s, "{{hc:$1:string}}")
}

// readOpenAI reads a stored prompt of OpenAI. It keeps its id as its name, by which the gateway finds it where an application sends that id.
func readOpenAI(path string, o object) Found {
	if inner := o.object("prompt"); strings.HasPrefix(inner.text("id"), "pmpt_") {
		for _, name := range []string{"id", "version", "variables"} {
			if inner.has(name) {
				o[name] = inner[name]
			}
		}
	}
	out, used, note := begun(path, o.text("id", "name"))
	out.Kind, out.Description = prompt.Chat, sentence(o.text("name", "title"))
	messages := o.objects("messages")
	for _, member := range []string{"input", "instructions"} {
		if list := o.objects(member); list != nil {
			messages = append(slices.Clone(list), messages...)
		}
	}
	if text := o.text("instructions"); text != "" {
		messages = append([]object{{"role": json.RawMessage(`"developer"`), "content": o["instructions"]}}, messages...)
	}
	raw, err := encode(messages)
	if err != nil {
		return out.refuse(err)
	}
	said := object{"messages": raw}
	for _, name := range append([]string{"model"}, parameterWords...) {
		if o.has(name) {
			said[name] = o[name]
		}
	}
	if most := o.number("max_output_tokens"); most > 0 {
		said["max_completion_tokens"] = json.RawMessage(strconv.Itoa(most))
	}
	c, err := body(said, func(s string) (string, error) { return mustache(s, flavour{partial: partialName}, used, note) }, note)
	if err != nil {
		return out.refuse(err)
	}
	responsesSettings(o, &c, note)
	for name := range o.object("variables") {
		if !slices.ContainsFunc(used.list, func(u *usedName) bool { return u.Name == name }) {
			note("the variable %q is declared there and stands in no text: if these are the filled-in instructions of an answer, put {{%s}} where it belongs", fault.Clip(name), fault.Clip(name))
		}
	}
	out.version(o.number("version"), c, used, "", nil)
	return *out
}

// responsesSettings reads tools and schema in the form of the Responses API.
func responsesSettings(o object, c *prompt.Content, note func(format string, args ...any)) {
	var tools []object
	for _, t := range o.objects("tools") {
		if t.text("type") != "function" {
			note("the tool %q is OpenAI's own and is left out", fault.Clip(t.text("type")))
			continue
		}
		if !t.has("function") {
			f := object{}
			for _, name := range []string{"name", "description", "parameters", "strict"} {
				if t.has(name) {
					f[name] = t[name]
				}
			}
			raw, err := encode(f)
			if err != nil {
				continue
			}
			t = object{"type": json.RawMessage(`"function"`), "function": raw}
		}
		tools = append(tools, t)
	}
	if raw, err := encode(tools); err == nil && len(tools) > 0 {
		c.Tools = raw
	}
	if format := o.object("text").object("format"); format.has("schema") {
		c.Schema = format["schema"]
	}
}

// guessed declares the holes of a template of ours that nobody declared.
func guessed(text string) []template.Variable {
	n := &names{}
	for _, m := range plainHole.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(reserved, m[1]) {
			n.use(m[1]).needed = true
		}
	}
	return n.variables()
}

var plainHole = regexp.MustCompile(`\{\{~?\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*(?:\|\s*[a-z]+\s*)?~?\}\}`)
