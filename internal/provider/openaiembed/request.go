package openaiembed

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// ParseRequest decodes a client's body: what OpenAI documents, and the common extensions input_type (LiteLLM, OpenRouter, Voyage) and
// content lists with images (OpenRouter, Cohere).
func (Dialect) ParseRequest(body []byte) (embed.Request, error) {
	f := provider.ParseFields("", body)
	r := embed.Request{
		Dialect:    dialectName,
		Model:      f.Text("model"),
		Dimensions: f.Whole("dimensions"),
		Encoding:   f.Text("encoding_format"),
		User:       f.Text("user"),
		Type:       f.Text("output_dtype"),
		Task:       Task(f.Text("input_type")),
	}
	f.TakeOurs()
	f.Take("stream")
	switch r.Encoding {
	case "", "float", "base64":
	default:
		f.Refuse("encoding_format", "float or base64")
	}
	if r.Dimensions < 0 {
		f.Refuse("dimensions", "a number above zero")
	}
	parseInput(&f, &r)
	r.Unmapped = f.Rest()
	if f.Err == nil && r.Model == "" {
		f.Err = provider.ErrBody.Say("The request names no model.").At("model")
	}
	return r, f.Err
}

// Task gives the neutral word for what vectors are for.
func Task(word string) string {
	switch w := strings.ToLower(word); w {
	case "search_query", "query", "retrieval_query", "retrieval.query":
		return "query"
	case "search_document", "document", "passage", "retrieval_document", "retrieval.passage":
		return "document"
	default:
		return w
	}
}

const inputForms = "a text, a list of texts, a list of token ids or a list of such lists"

func parseInput(f *provider.Fields, r *embed.Request) {
	raw := f.Take("input")
	if raw == nil {
		f.Refuse("input", inputForms)
		return
	}
	if s, ok := wire.String(raw); ok {
		r.Inputs = []embed.Input{{Path: "input", Text: s}}
		return
	}
	var tokens []int64
	if raw[0] == '[' && json.Unmarshal(raw, &tokens) == nil && len(tokens) > 0 {
		r.Inputs = []embed.Input{{Path: "input", Tokens: tokens}}
		return
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		f.Refuse("input", inputForms)
		return
	}
	r.Inputs = make([]embed.Input, 0, len(list))
	for i, item := range list {
		in, ok := toInput("input."+strconv.Itoa(i), item)
		if !ok {
			f.Refuse("input."+strconv.Itoa(i), "a text, a list of token ids or an object with content")
			return
		}
		r.Inputs = append(r.Inputs, in)
	}
}

func toInput(path string, raw json.RawMessage) (embed.Input, bool) {
	in := embed.Input{Path: path}
	if s, ok := wire.String(raw); ok {
		in.Text = s
		return in, true
	}
	switch raw[0] {
	case '[':
		return in, json.Unmarshal(raw, &in.Tokens) == nil && len(in.Tokens) > 0
	case '{':
		var o struct {
			Text    *string `json:"text"`  // Jina
			Image   *string `json:"image"` // Jina
			Content []struct {
				Type  string          `json:"type"`
				Text  string          `json:"text"`
				Image json.RawMessage `json:"image_url"`
			} `json:"content"`
		}
		if json.Unmarshal(raw, &o) != nil {
			return in, false
		}
		if o.Text != nil {
			in.Parts = append(in.Parts, chat.Part{Kind: chat.Text, Path: path + ".text", Text: *o.Text})
		}
		if o.Image != nil {
			in.Parts = append(in.Parts, image(path+".image", *o.Image))
		}
		for i, c := range o.Content {
			at := path + ".content." + strconv.Itoa(i)
			switch c.Type {
			case "text":
				in.Parts = append(in.Parts, chat.Part{Kind: chat.Text, Path: at, Text: c.Text})
			case "image_url":
				in.Parts = append(in.Parts, image(at, address(c.Image)))
			default:
				return in, false
			}
		}
		return in, len(in.Parts) > 0
	}
	return in, false
}

func address(raw json.RawMessage) string {
	if s, ok := wire.String(raw); ok {
		return s
	}
	var o struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(raw, &o) != nil {
		return ""
	}
	return o.URL
}

// image takes an address or a data URL.
func image(path, url string) chat.Part {
	p := chat.Part{Kind: chat.Image, Path: path, URL: url}
	if head, data, ok := strings.Cut(strings.TrimPrefix(url, "data:"), ";base64,"); ok && strings.HasPrefix(url, "data:") {
		p.URL, p.MediaType, p.Data = "", head, data
	}
	return p
}

type request struct {
	Model      string `json:"model"`
	Input      any    `json:"input"`
	Dimensions int64  `json:"dimensions,omitempty"`
	Encoding   string `json:"encoding_format,omitempty"`
	User       string `json:"user,omitempty"`
}

// BuildRequest encodes a call for a provider of this dialect.
//
// What vectors are for (query, document, …) is left out: models of this dialect have one kind of vector, which is right for all of it.
// Images, titles and small number types are refused by name.
func (Dialect) BuildRequest(r embed.Request) ([]byte, error) {
	own := r.Dialect == dialectName
	out := request{Model: r.Model, Dimensions: r.Dimensions, User: r.User}
	if own || r.Encoding == "base64" {
		out.Encoding = r.Encoding
	}
	if !own {
		if err := refused(r); err != nil {
			return nil, err
		}
		if err := provider.CheckLeft(r.How, r.Unmapped); err != nil {
			return nil, err
		}
	}
	list := make([]any, 0, len(r.Inputs))
	for _, in := range r.Inputs {
		v, err := input(r.How, in, own)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	out.Input = list
	if len(list) == 1 {
		if _, multi := list[0].(map[string]any); !multi {
			out.Input = list[0] // some vendors take nothing but a text
		}
	}
	raw := wire.Marshal(out)
	if own {
		raw = provider.AddFields(raw, r.Unmapped)
		raw = provider.AddFields(raw, ownWords(r))
	}
	return raw, nil
}

// ownWords are the extensions that only a client of this dialect has said here.
func ownWords(r embed.Request) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	if r.Task != "" {
		out["input_type"] = wire.AppendString(nil, r.Task)
	}
	if r.Type != "" {
		out["output_dtype"] = wire.AppendString(nil, r.Type)
	}
	return out
}

func refused(r embed.Request) error {
	for _, f := range [...]struct {
		name string
		said bool
	}{
		{"title", r.Title != ""},
		{"output_dtype", r.Type != "" && r.Type != "float"},
		{"truncate", r.Truncate != "" && r.Truncate != "none"}, // too long is an error here
	} {
		if !f.said {
			continue
		}
		if err := provider.Refuse(r.How, f.name); err != nil {
			return err
		}
	}
	return nil
}

// input is a text, token ids, or for a client of this dialect parts. Several texts of one input are one text.
func input(how chat.Encoding, in embed.Input, own bool) (any, error) {
	switch {
	case in.Tokens != nil:
		return in.Tokens, nil
	case in.Parts == nil:
		return in.Text, nil
	case own:
		return content(in.Parts), nil
	}
	return PlainText(how, in)
}

// PlainText is an input as one text, for providers that embed nothing else.
func PlainText(how chat.Encoding, in embed.Input) (string, error) {
	if in.Tokens != nil {
		return "", provider.ErrUnsupported.Say("The target model's API takes texts, no token ids.").At(in.Path)
	}
	if in.Parts == nil {
		return in.Text, nil
	}
	texts := make([]string, 0, len(in.Parts))
	for _, p := range in.Parts {
		if p.Kind != chat.Text {
			if err := provider.Refuse(how, p.Path); err != nil {
				return "", err
			}
			continue
		}
		texts = append(texts, p.Text)
	}
	return strings.Join(texts, "\n"), nil
}

func content(parts []chat.Part) map[string]any {
	list := make([]any, 0, len(parts))
	for _, p := range parts {
		if p.Kind == chat.Text {
			list = append(list, map[string]string{"type": "text", "text": p.Text})
			continue
		}
		list = append(list, map[string]any{"type": "image_url", "image_url": map[string]string{"url": ImageURL(p)}})
	}
	return map[string]any{"content": list}
}

// ImageURL is an image's address, or the image itself as a data URL.
func ImageURL(p chat.Part) string {
	if p.URL != "" {
		return p.URL
	}
	return "data:" + p.MediaType + ";base64," + p.Data
}
