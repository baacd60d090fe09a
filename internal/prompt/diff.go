package prompt

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Diff is what differs between two versions.
type Diff struct {
	From, To int
	Same     bool
	Parts    []DiffPart    // the text, or the messages that are not the same
	Settings []DiffSetting // everything else, by name
}

// DiffPart is a text or a message that came, went or is another one.
type DiffPart struct {
	Name  string // "text", "messages.2" by its place in the newer version, or in the older one if it went
	Kind  string // DiffAdded, DiffRemoved or DiffChanged
	Role  string // of a message; of a placeholder "placeholder"
	Lines []DiffLine
}

// DiffLine is one line, with its number on either side.
type DiffLine struct {
	Kind     string // DiffSame, DiffAdded or DiffRemoved
	From, To int    // from 1; 0: it is not on that side
	Words    []DiffWord
}

// DiffWord is a piece of a line. Where a line was changed into another one, the pieces that differ are marked; all of them together are the line.
type DiffWord struct {
	Kind string // DiffSame, or that of its line
	Text string
}

// DiffSetting is a parameter, a variable, a tool or something else with a name that is another one. Values are JSON; "" is none.
type DiffSetting struct {
	Name     string // "parameters.temperature", "variables.tone", "tools.search", "schema.properties.city.type", "alias"
	Kind     string // DiffAdded, DiffRemoved or DiffChanged
	From, To string
}

// Diff compares two versions of a prompt; to 0 is the newest, from 0 the one before to. ErrNotFound, ErrVersion.
func (s *Service) Diff(ctx context.Context, in tenant.Scope, which id.Prompt, from, to int) (Diff, error) {
	if to == 0 {
		p, err := s.store.Prompt(ctx, in, which)
		if err != nil {
			return Diff{}, err
		}
		to = p.Latest
	}
	if from == 0 {
		from = max(to-1, 1)
	}
	was, err := s.store.Version(ctx, in, which, from)
	if err != nil {
		return Diff{}, err
	}
	is, err := s.store.Version(ctx, in, which, to)
	if err != nil {
		return Diff{}, err
	}
	d := Compare(was.Content, is.Content)
	d.From, d.To = from, to
	return d, nil
}

// Compare says what differs between two contents.
func Compare(was, is Content) Diff {
	d := Diff{Parts: parts(was, is), Settings: settings(was, is)}
	d.Same = len(d.Parts) == 0 && len(d.Settings) == 0
	return d
}

func parts(was, is Content) []DiffPart {
	if was.Messages == nil && is.Messages == nil {
		if was.Text == is.Text {
			return nil
		}
		return []DiffPart{{Name: "text", Kind: DiffChanged, Lines: lines(was.Text, is.Text)}}
	}
	var out []DiffPart
	edits := align(was.Messages, is.Messages)
	for n := 0; n < len(edits); {
		if edits[n].kind == DiffSame {
			n++
			continue
		}
		var gone, come []int
		for ; n < len(edits) && edits[n].kind != DiffSame; n++ {
			if edits[n].kind == DiffRemoved {
				gone = append(gone, edits[n].i)
			} else {
				come = append(come, edits[n].j)
			}
		}
		out = append(out, replacedMessages(was.Messages, is.Messages, gone, come)...)
	}
	return out
}

// replacedMessages pairs messages that went with those that came in their place, as long as they are of one role.
func replacedMessages(was, is []Message, gone, come []int) []DiffPart {
	var out []DiffPart
	for len(gone) > 0 || len(come) > 0 {
		switch {
		case len(gone) > 0 && len(come) > 0 && role(was[gone[0]]) == role(is[come[0]]):
			a, b := was[gone[0]], is[come[0]]
			out = append(out, DiffPart{"messages." + strconv.Itoa(come[0]), DiffChanged, role(b), lines(words(a), words(b))})
			gone, come = gone[1:], come[1:]
		case len(gone) > 0 && (len(come) == 0 || len(gone) >= len(come)):
			a := was[gone[0]]
			out = append(out, DiffPart{"messages." + strconv.Itoa(gone[0]), DiffRemoved, role(a), lines(words(a), "")})
			gone = gone[1:]
		default:
			b := is[come[0]]
			out = append(out, DiffPart{"messages." + strconv.Itoa(come[0]), DiffAdded, role(b), lines("", words(b))})
			come = come[1:]
		}
	}
	return out
}

func role(m Message) string {
	if m.Placeholder != "" {
		return "placeholder"
	}
	return m.Role
}

func words(m Message) string { return cmp.Or(m.Placeholder, m.Text) }

// lines compares two texts line by line, and changed lines word by word. No text has no lines.
func lines(was, is string) []DiffLine {
	a, b := split(was), split(is)
	edits := align(a, b)
	var out []DiffLine
	for n := 0; n < len(edits); {
		if e := edits[n]; e.kind == DiffSame {
			out = append(out, DiffLine{DiffSame, e.i + 1, e.j + 1, []DiffWord{{DiffSame, a[e.i]}}})
			n++
			continue
		}
		var gone, come []int
		for ; n < len(edits) && edits[n].kind != DiffSame; n++ {
			if edits[n].kind == DiffRemoved {
				gone = append(gone, edits[n].i)
			} else {
				come = append(come, edits[n].j)
			}
		}
		added := make([]DiffLine, len(come))
		for x, j := range come {
			added[x] = DiffLine{DiffAdded, 0, j + 1, []DiffWord{{DiffAdded, b[j]}}}
		}
		for x, i := range gone {
			l := DiffLine{DiffRemoved, i + 1, 0, []DiffWord{{DiffRemoved, a[i]}}}
			if x < len(come) {
				l.Words, added[x].Words = within(a[i], b[come[x]])
			}
			out = append(out, l)
		}
		out = append(out, added...)
	}
	return out
}

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// within compares two lines by their words, spaces and signs.
func within(was, is string) (gone, come []DiffWord) {
	a, b := pieces(was), pieces(is)
	add := func(to []DiffWord, kind, text string) []DiffWord {
		if n := len(to); n > 0 && to[n-1].Kind == kind {
			to[n-1].Text += text
			return to
		}
		return append(to, DiffWord{kind, text})
	}
	for _, e := range align(a, b) {
		switch e.kind {
		case DiffSame:
			gone, come = add(gone, DiffSame, a[e.i]), add(come, DiffSame, b[e.j])
		case DiffRemoved:
			gone = add(gone, DiffRemoved, a[e.i])
		case DiffAdded:
			come = add(come, DiffAdded, b[e.j])
		}
	}
	return gone, come
}

// pieces cuts a line into words, runs of spaces, and single signs.
func pieces(line string) []string {
	var out []string
	start, was := 0, 0
	for i, r := range line {
		is := 1
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
			is = 2
		case unicode.IsSpace(r):
			is = 3
		}
		if i > start && (is != was || is == 1) {
			out = append(out, line[start:i])
			start = i
		}
		was = is
	}
	if start < len(line) {
		out = append(out, line[start:])
	}
	return out
}

// settings compares everything that is no text.
func settings(was, is Content) []DiffSetting {
	a, b := named(was), named(is)
	var out []DiffSetting
	for name, v := range a {
		switch w, ok := b[name]; {
		case !ok:
			out = append(out, DiffSetting{name, DiffRemoved, v, ""})
		case v != w:
			out = append(out, DiffSetting{name, DiffChanged, v, w})
		}
	}
	for name, w := range b {
		if _, ok := a[name]; !ok {
			out = append(out, DiffSetting{name, DiffAdded, "", w})
		}
	}
	slices.SortFunc(out, func(x, y DiffSetting) int { return cmp.Compare(x.Name, y.Name) })
	return out
}

// named is everything that is no text, as JSON by name.
func named(c Content) map[string]string {
	out := map[string]string{}
	put := func(name string, v any) {
		var buf bytes.Buffer
		e := json.NewEncoder(&buf)
		e.SetEscapeHTML(false)
		if e.Encode(v) == nil {
			out[name] = strings.TrimSuffix(buf.String(), "\n")
		}
	}
	if c.Alias != "" {
		put("alias", c.Alias)
	}
	if c.Escape != "" {
		put("escape", c.Escape)
	}
	for _, v := range c.Variables {
		put("variables."+v.Name, v)
	}
	for i, k := range c.Cases {
		put("cases."+cmp.Or(k.Name, strconv.Itoa(i)), k)
	}
	for name, r := range c.Refs {
		put("refs."+name, r)
	}
	leaves(out, "parameters", c.Parameters, 0)
	leaves(out, "schema", c.Schema, 0)
	leaves(out, "config", c.Config, 0)
	var tools []json.RawMessage
	_ = json.Unmarshal(c.Tools, &tools) // checked when it was saved
	for i, t := range tools {
		out[toolName(out, i, t)] = compact(t)
	}
	return out
}

// toolName is the name of a function, or a tool's type, or its place where there are two of one name.
func toolName(taken map[string]string, i int, tool json.RawMessage) string {
	var t struct {
		Type     string `json:"type"`
		Name     string `json:"name"`
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	_ = json.Unmarshal(tool, &t)
	name := "tools." + cmp.Or(t.Function.Name, t.Name, t.Type, strconv.Itoa(i))
	if _, twice := taken[name]; twice {
		name += "." + strconv.Itoa(i)
	}
	return name
}

const leafDepthMax = 20

// leaves takes an object apart into the values at its ends.
func leaves(out map[string]string, name string, raw json.RawMessage, depth int) {
	if len(raw) == 0 {
		return
	}
	var object map[string]json.RawMessage
	if depth > leafDepthMax || json.Unmarshal(raw, &object) != nil || len(object) == 0 {
		out[name] = compact(raw)
		return
	}
	for member, v := range object {
		leaves(out, name+"."+member, v, depth+1)
	}
}

func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil || !utf8.Valid(b.Bytes()) {
		return string(raw)
	}
	return b.String()
}
