package exchange

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

// Suffix ends the name of a prompt's file.
const Suffix = ".prompt.yaml"

// Write is a prompt's file with one of its versions. names are the prompts that the version's Refs mean, by id; a partial that is
// written under another name than it has now gets a line in refs.
func Write(p *prompt.Prompt, v *prompt.Version, names func(prompt.Ref) (string, bool)) File {
	b := prompt.Bundle{Name: p.Name, Kind: p.Kind, Description: p.Description, Tags: p.Tags, Revision: p.Revision}
	c := prompt.Carried{Number: v.Number, Content: v.Content, Message: v.Message, Names: map[string]string{}}
	for _, label := range p.LabelsOf(v.Number) {
		if label != prompt.Latest {
			c.Labels = append(c.Labels, label)
		}
	}
	for _, text := range slices.Sorted(maps.Keys(v.Content.Refs)) {
		ref := v.Content.Refs[text]
		name, _, _, _ := prompt.ParseRef(text)
		now, known := names(ref)
		if !known || now == name {
			continue
		}
		switch {
		case ref.Version > 0:
			now += "@" + strconv.Itoa(ref.Version)
		case ref.Label != prompt.Production:
			now += ":" + ref.Label
		}
		c.Names[text] = now
	}
	return Format(&b, &c)
}

// Format is the file of one version, in the one form that it has.
func Format(b *prompt.Bundle, c *prompt.Carried) File {
	path, straight := pathOf(b.Name)
	w := &writer{}
	if !straight {
		w.field("name", b.Name)
	}
	w.field("description", b.Description)
	w.list("tags", b.Tags)
	w.list("labels", c.Labels)
	w.field("message", c.Message)
	w.field("alias", c.Content.Alias)
	w.field("escape", string(c.Content.Escape))
	w.variables(c.Content.Variables)
	w.document("parameters", c.Content.Parameters)
	w.document("tools", c.Content.Tools)
	w.document("schema", c.Content.Schema)
	w.document("config", c.Content.Config)
	if len(c.Names) > 0 {
		w.line(0, "refs:")
		for _, text := range slices.Sorted(maps.Keys(c.Names)) {
			w.line(2, scalar(text)+": "+scalar(c.Names[text]))
		}
	}
	w.cases(c.Content.Cases)
	w.messages(b.Kind, &c.Content)
	f := File{Path: path + Suffix, Text: w.String()}
	if c.Number > 0 && b.Revision > 0 {
		f.Text = Stamped(f.Text, c.Number, b.Revision)
	}
	return f
}

// pathOf is where a prompt's file stands. straight: the name can be read from the path.
func pathOf(name string) (path string, straight bool) {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		part = strings.Map(func(r rune) rune {
			if strings.ContainsRune(`<>"*`, r) {
				return '_'
			}
			return r
		}, part)
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".") {
			part = "_" + strings.Trim(part, ".")
		}
		parts[i] = part
	}
	path = strings.Join(parts, "/")
	return path, path == name && !strings.EqualFold(base(name), "README")
}

// writer writes lines of YAML.
type writer struct{ bytes.Buffer }

func (w *writer) line(indent int, text string) {
	w.WriteString(strings.Repeat(" ", indent))
	w.WriteString(text)
	w.WriteByte('\n')
}

func (w *writer) field(name, value string) {
	if value != "" {
		w.line(0, name+": "+scalar(value))
	}
}

func (w *writer) list(name string, values []string) {
	if len(values) > 0 {
		w.line(0, name+": "+flow(values))
	}
}

func flow(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = scalar(v)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (w *writer) variables(list []template.Variable) {
	if len(list) > 0 {
		w.line(0, "variables:")
	}
	for _, v := range list {
		w.line(2, "- name: "+scalar(v.Name))
		w.line(4, "kind: "+scalar(string(v.Kind)))
		if v.Required {
			w.line(4, "required: true")
		}
		if v.Default != nil {
			w.line(4, "default: "+value(v.Default))
		}
		if len(v.Values) > 0 {
			w.line(4, "values: "+flow(v.Values))
		}
		if v.MaxLength != 0 {
			w.line(4, "max_length: "+strconv.Itoa(v.MaxLength))
		}
		if v.Description != "" {
			w.line(4, "description: "+scalar(v.Description))
		}
	}
}

// document writes JSON as it was written but for its spaces: each member on a line of its own, so that a difference is readable.
func (w *writer) document(name string, raw json.RawMessage) {
	if len(raw) == 0 {
		return
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return
	}
	w.text(0, name, b.String())
}

func (w *writer) cases(list []prompt.Case) {
	if len(list) > 0 {
		w.line(0, "cases:")
	}
	for _, c := range list {
		w.line(2, "- name: "+scalar(c.Name))
		if len(c.Variables) > 0 {
			w.line(4, "variables:")
			for _, name := range slices.Sorted(maps.Keys(c.Variables)) {
				w.line(6, scalar(name)+": "+value(c.Variables[name]))
			}
		}
		if len(c.Assert) > 0 {
			w.line(4, "assert:")
		}
		for _, a := range c.Assert {
			if strings.Contains(a.Value, "\n") {
				w.text(6, "- "+scalar(a.Kind), a.Value)
			} else {
				w.line(6, "- "+scalar(a.Kind)+": "+quoted(a.Value))
			}
		}
	}
}

func (w *writer) messages(k prompt.Kind, c *prompt.Content) {
	if k != prompt.Chat {
		w.text(0, "text", c.Text)
		return
	}
	w.line(0, "messages:")
	for _, m := range c.Messages {
		if m.Placeholder != "" {
			w.line(2, "- placeholder: "+scalar(m.Placeholder))
			continue
		}
		w.line(2, "- role: "+scalar(m.Role))
		if m.Text != "" {
			w.text(4, "text", m.Text)
		}
	}
}

// text writes a text as a block, untouched; in quotes where a block cannot hold it. name may start with "- ".
func (w *writer) text(indent int, name, text string) {
	key := strings.TrimPrefix(name, "- ")
	if b, ok := block(text, indent+len(name)-len(key)); ok {
		w.line(indent, name+": "+strings.TrimSuffix(b, "\n"))
		return
	}
	w.line(indent, name+": "+quoted(text))
}

// block is a text as a literal block below a key that is indented so far; false: YAML's blocks cannot hold it.
func block(text string, indent int) (string, bool) {
	body := strings.TrimRight(text, "\n")
	if body == "" || strings.ContainsFunc(text, unprintable) {
		return "", false
	}
	var b strings.Builder
	b.WriteByte('|')
	if strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\n") || strings.HasPrefix(text, "\t") {
		b.WriteByte('2')
	}
	switch len(text) - len(body) {
	case 0:
		b.WriteByte('-')
	case 1:
	default:
		b.WriteByte('+')
	}
	b.WriteByte('\n')
	pad := strings.Repeat(" ", indent+2)
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString(pad)
		}
		b.WriteString(line)
	}
	if !strings.HasSuffix(text, "\n") {
		b.WriteByte('\n')
	}
	out := b.String()
	var back struct{ X *string }
	probe := strings.Repeat(" ", indent) + "x: " + out + strings.Repeat(" ", indent) + "y: 1\n"
	if indent > 0 {
		var list map[string]struct{ X *string }
		err := yaml.Unmarshal([]byte("a:\n"+probe), &list)
		return out, err == nil && list["a"].X != nil && *list["a"].X == text
	}
	err := yaml.Unmarshal([]byte(probe), &back)
	return out, err == nil && back.X != nil && *back.X == text
}

// unprintable are characters that YAML does not hold as they are, or takes for the end of a line.
func unprintable(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ', r >= 0x7f && r <= 0x9f, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
		return true
	}
	return false
}

var plainForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9 _./-]*[A-Za-z0-9_]$|^[A-Za-z_]$`)

// words that YAML, of one version or another, reads as something else than text.
var notText = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"}

// scalar is a text on one line, in quotes where it needs them.
func scalar(s string) string {
	if plainForm.MatchString(s) && !slices.Contains(notText, strings.ToLower(s)) {
		return s
	}
	return quoted(s)
}

// quoted is a text in double quotes, in which JSON's escapes are YAML's.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // strings always have JSON
	var out strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		if unprintable(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// value is JSON on one line that reads back as exactly the same bytes.
func value(raw json.RawMessage) string {
	if !strings.ContainsFunc(string(raw), unprintable) {
		var root yaml.Node
		if yaml.Unmarshal([]byte("x: "+string(raw)+"\n"), &root) == nil {
			if back, err := toJSON(&root); err == nil && string(back) == `{"x":`+string(raw)+`}` {
				return string(raw)
			}
		}
	}
	return "!json " + quoted(string(raw))
}
