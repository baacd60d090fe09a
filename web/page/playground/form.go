package playground

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/playground"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
	"tollgate/web/page"
)

// form is the playground as it is typed: the state of the page's address too.
type form struct {
	Team    string
	Message string
	Images  []string
	Vars    []variable // in the order of the form
	Tools   string
	Schema  string
	Columns []column // at least one
	Call    string   // that it was opened from; "": none
}

type variable struct{ Name, Value string }

// column is one side as it is typed.
type column struct {
	Model       string
	Prompt      string // "prompt_…@7", "prompt_…:staging"; "": none
	Draft       string
	Base        string // the Prompt that Draft was filled in from: of another one it is not the text
	Temperature string
	TopP        string
	MaxTokens   string
}

const varPrefix = "v-"

// fields is how a form and an address name things.
func fields(q url.Values) form {
	f := form{Team: q.Get("team"), Message: q.Get("message"), Tools: q.Get("tools"), Schema: q.Get("schema"), Call: q.Get("from")}
	f.Images = strings.Fields(q.Get("images"))
	var names []string
	for name := range q {
		if rest, ok := strings.CutPrefix(name, varPrefix); ok && rest != "" {
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		f.Vars = append(f.Vars, variable{name, q.Get(varPrefix + name)})
	}
	for i := range playground.ColumnsMax {
		at := "-" + strconv.Itoa(i)
		if i > 0 && !q.Has("model"+at) {
			break
		}
		f.Columns = append(f.Columns, column{
			Model: strings.TrimSpace(q.Get("model" + at)), Prompt: q.Get("prompt" + at), Draft: q.Get("draft" + at), Base: q.Get("base" + at),
			Temperature: strings.TrimSpace(q.Get("temperature" + at)), TopP: strings.TrimSpace(q.Get("top_p" + at)), MaxTokens: strings.TrimSpace(q.Get("max_tokens" + at)),
		})
	}
	return f
}

// posted reads a posted form, with the picture that was chosen.
func posted(v *page.Visit) (form, error) {
	f := fields(v.HTTP.PostForm)
	if v.HTTP.MultipartForm == nil {
		return f, nil
	}
	for _, h := range v.HTTP.MultipartForm.File["image"] {
		if h.Size == 0 {
			continue
		}
		file, err := h.Open()
		if err != nil {
			return f, errImage
		}
		raw, err := io.ReadAll(file)
		_ = file.Close()
		if err != nil {
			return f, errImage
		}
		kind := http.DetectContentType(raw)
		if !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, kind) {
			return f, errImage
		}
		f.Images = append(f.Images, "data:"+kind+";base64,"+base64.StdEncoding.EncodeToString(raw))
	}
	return f, nil
}

var errImage = fault.New(fault.Invalid, "playground.bad_image", "An image is a PNG, JPEG, GIF or WebP file of at most 750 KB.")

// ref reads how a column names its prompt.
func (c *column) ref() (which id.Prompt, version int, label string) {
	if at := strings.LastIndexByte(c.Prompt, '@'); at >= 0 {
		version, _ = strconv.Atoi(c.Prompt[at+1:]) // none is one that is not there
		return id.Prompt(c.Prompt[:at]), version, ""
	}
	name, label, _ := strings.Cut(c.Prompt, ":")
	return id.Prompt(name), 0, label
}

// side is the column as the domain knows it.
func (c *column) side() (playground.Column, error) {
	out := playground.Column{Model: c.Model}
	out.Prompt, out.Version, out.Label = c.ref()
	if c.Base == c.Prompt {
		out.Draft = c.Draft
	}
	var err error
	if out.Temperature, err = decimal("temperature", c.Temperature); err != nil {
		return out, err
	}
	if out.TopP, err = decimal("top_p", c.TopP); err != nil {
		return out, err
	}
	if c.MaxTokens != "" {
		n, err := strconv.Atoi(c.MaxTokens)
		if err != nil {
			return out, playground.ErrInvalid.Say("Max out is a number of tokens.").At("max_tokens")
		}
		out.MaxTokens = n
	}
	return out, nil
}

func decimal(field, text string) (*float64, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nothing was typed
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, playground.ErrInvalid.Say("%q is no number.", fault.Clip(text)).At(field)
	}
	return &n, nil
}

// setup is the form as the domain knows it. Variables are read as the columns' prompts declare them; an empty field is none.
func (p Page) setup(ctx context.Context, in tenant.Scope, f *form) (playground.Setup, error) {
	set := playground.Setup{Message: strings.ReplaceAll(f.Message, "\r\n", "\n"), Images: f.Images, Tools: document(f.Tools), Schema: document(f.Schema)}
	var declared []template.Variable
	for i := range f.Columns {
		side, err := f.Columns[i].side()
		if err != nil {
			return set, err
		}
		ch, err := p.Bench.Choose(ctx, in, &side)
		if err != nil {
			return set, err
		}
		declared = append(declared, ch.Content.Variables...)
		for _, name := range ch.Content.Placeholders() {
			declared = append(declared, template.Variable{Name: name, Kind: template.Any})
		}
		set.Columns = append(set.Columns, side)
	}
	set.Variables = map[string]json.RawMessage{}
	for _, v := range f.Vars {
		if v.Value != "" {
			set.Variables[v.Name] = playground.Typed(v.Name, strings.ReplaceAll(v.Value, "\r\n", "\n"), declared)
		}
	}
	return set, nil
}

// document is JSON as it was typed; nil for nothing. Between its values it has no line ends, so that bodies stay readable.
func document(text string) json.RawMessage {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return json.RawMessage(text) // the domain says what is wrong
	}
	return b.Bytes()
}

var hole = regexp.MustCompile(`\{\{\{?[#^/&]?\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*\}`)

// named are the variables that the form asks for: those that the prompts declare, those that drafts speak of, and those that were sent.
func named(f *form, sides []playground.Chosen) []field {
	var out []field
	add := func(n field) {
		if n.Name != "" && !slices.ContainsFunc(out, func(o field) bool { return o.Name == n.Name }) {
			out = append(out, n)
		}
	}
	value := func(name string) string {
		if i := slices.IndexFunc(f.Vars, func(v variable) bool { return v.Name == name }); i >= 0 {
			return f.Vars[i].Value
		}
		return ""
	}
	for i := range sides {
		c := &sides[i].Content
		for _, v := range c.Variables {
			add(field{Name: v.Name, Value: value(v.Name), Kind: string(v.Kind), Required: v.Required, Values: v.Values, Note: noteOf(&v)})
		}
		for _, name := range c.Placeholders() {
			add(field{Name: name, Value: value(name), Kind: string(template.Any), Note: "a JSON list of messages"})
		}
		if sides[i].Edited {
			for _, m := range hole.FindAllStringSubmatch(playground.FormatDraft(c), -1) {
				add(field{Name: m[1], Value: value(m[1]), Kind: string(template.String), Note: "text"})
			}
		}
	}
	for _, v := range f.Vars {
		if v.Value != "" {
			add(field{Name: v.Name, Value: v.Value, Kind: string(template.String), Note: "of no prompt here"})
		}
	}
	return out
}

// noteOf says what a variable takes.
func noteOf(v *template.Variable) string {
	note := string(v.Kind)
	if v.Kind == template.String {
		note = "text"
	}
	switch {
	case v.Required:
		note += ", required"
	case v.Default != nil:
		note += ", else " + fault.Clip(string(v.Default))
	}
	return note
}
