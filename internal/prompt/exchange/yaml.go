package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

// document is a prompt's file as it is written.
type document struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Tags        []string          `json:"tags"`
	Labels      []string          `json:"labels"`
	Message     string            `json:"message"`
	Alias       string            `json:"alias"`
	Escape      string            `json:"escape"`
	Variables   []declared        `json:"variables"`
	Parameters  setting           `json:"parameters"`
	Tools       setting           `json:"tools"`
	Schema      setting           `json:"schema"`
	Config      setting           `json:"config"`
	Refs        map[string]string `json:"refs"`
	Cases       []trial           `json:"cases"`
	Text        *string           `json:"text"`
	Messages    []said            `json:"messages"`
}

type said struct {
	Role        string `json:"role"`
	Text        string `json:"text"`
	Placeholder string `json:"placeholder"`
}

// setting is JSON, written as YAML or as a text that is JSON.
type setting struct{ raw json.RawMessage }

// UnmarshalJSON implements json.Unmarshaler.
func (s *setting) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if raw = []byte(text); !json.Valid(raw) {
			return errors.New("parameters, tools, schema and config are JSON, or YAML that says the same")
		}
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return err
	}
	if s.raw = b.Bytes(); string(s.raw) == "null" {
		s.raw = nil
	}
	return nil
}

// declared is a variable: a declaration, or a name alone for a text that is required.
type declared struct{ template.Variable }

// UnmarshalJSON implements json.Unmarshaler.
func (d *declared) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &d.Name) == nil {
		d.Kind, d.Required = template.String, true
		return nil
	}
	return strict(raw, &d.Variable)
}

// trial is a case, whose assertions are {contains: text}.
type trial struct {
	Name      string                       `json:"name"`
	Variables map[string]json.RawMessage   `json:"variables"`
	Assert    []map[string]json.RawMessage `json:"assert"`
}

func (t *trial) toCase() (prompt.Case, error) {
	out := prompt.Case{Name: t.Name, Variables: t.Variables}
	for _, a := range t.Assert {
		if len(a) != 1 {
			return out, fmt.Errorf("the case %q: an assertion is one word and its value, such as contains: Hello", t.Name)
		}
		for kind, raw := range a {
			one := prompt.Assertion{Kind: kind, Value: string(raw)}
			if json.Unmarshal(raw, &one.Value) != nil {
				var n json.Number
				if json.Unmarshal(raw, &n) != nil {
					return out, fmt.Errorf("the case %q: the value of %s is a text or a number", t.Name, kind)
				}
				one.Value = n.String()
			}
			out.Assert = append(out.Assert, one)
		}
	}
	return out, nil
}

func strict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

var numbered = regexp.MustCompile(`@([1-9][0-9]{0,8})$`)

// named is the name of a prompt by the path of its file, and the number of the version that the path ends with.
func named(path string, suffixes ...string) (name string, number int) {
	for _, s := range suffixes {
		if rest, ok := strings.CutSuffix(path, s); ok {
			path = rest
			break
		}
	}
	if m := numbered.FindStringSubmatch(path); m != nil {
		number, _ = strconv.Atoi(m[1])
		path = path[:len(path)-len(m[0])]
	}
	return strings.Trim(path, "/"), number
}

// readYAML reads our own file.
func readYAML(f File) Found {
	name, number := named(f.Path, Suffix, ".prompt.yml", ".yaml", ".yml")
	out := Found{From: f.Path}
	out.Name = name
	d, err := parse([]byte(f.Text))
	if err == nil {
		err = d.fill(&out)
	}
	if err != nil {
		return refusedAs(out, f.Path, err)
	}
	stamp := StampOf(f.Text)
	out.Revision = stamp.Revision
	if number == 0 {
		number = stamp.Version
	}
	out.Versions[0].Number = number
	return out
}

// refusedAs is a prompt that cannot be read, and why.
func refusedAs(f Found, at string, err error) Found {
	reason := strings.TrimPrefix(err.Error(), "json: ")
	return Found{Bundle: prompt.Bundle{Name: f.Name, Kind: f.Kind}, From: f.From, Err: ErrUnreadable.Say("%s: %s.", at, strings.TrimSuffix(reason, "."))}
}

// parse reads one document of YAML, and nothing that it does not know.
func parse(text []byte) (*document, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var root, more yaml.Node
	if err := loader.Load(&root); err != nil {
		return nil, plainly(err)
	}
	if loader.Load(&more) == nil {
		return nil, errDocuments
	}
	raw, err := toJSON(&root)
	if err != nil {
		return nil, err
	}
	d := &document{}
	if err := strict(raw, d); err != nil {
		return nil, plainly(err)
	}
	return d, nil
}

var (
	loadError = regexp.MustCompile(`^(yaml: )?(go-yaml load error in [a-z]+ )?`)
	yamlPlace = regexp.MustCompile(`at L([0-9]+)\.C([0-9]+)`)
)

// plainly is a parser's complaint on one line.
func plainly(err error) error {
	text := loadError.ReplaceAllString(strings.Join(strings.Fields(err.Error()), " "), "")
	return errors.New(yamlPlace.ReplaceAllString(text, "line $1, column $2"))
}

// fill makes the bundle of a document.
func (d *document) fill(out *Found) error {
	switch {
	case d.Text != nil && d.Messages != nil:
		return errors.New("a prompt has a text or messages, not both")
	case d.Text == nil && d.Messages == nil:
		return errors.New("a prompt has a text or messages")
	}
	c := prompt.Content{
		Alias: d.Alias, Escape: template.Escape(d.Escape), Parameters: d.Parameters.raw, Tools: d.Tools.raw, Schema: d.Schema.raw, Config: d.Config.raw,
	}
	out.Kind = prompt.Chat
	if d.Text != nil {
		out.Kind, c.Text = prompt.Text, *d.Text
	}
	for _, m := range d.Messages {
		c.Messages = append(c.Messages, prompt.Message(m))
	}
	for _, v := range d.Variables {
		c.Variables = append(c.Variables, v.Variable)
	}
	for i := range d.Cases {
		one, err := d.Cases[i].toCase()
		if err != nil {
			return err
		}
		c.Cases = append(c.Cases, one)
	}
	if d.Name != "" {
		out.Name = d.Name
	}
	out.Description, out.Tags = d.Description, d.Tags
	out.Versions = []prompt.Carried{{Content: c, Names: d.Refs, Message: d.Message, Labels: d.Labels}}
	return nil
}
