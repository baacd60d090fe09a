package cohere

import (
	"encoding/json"
	"slices"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/wire"
)

// Embed is the dialect of embeddings. It has the provider's end only.
type Embed struct {
	provider.NoStream
	Refusals
}

var (
	_ provider.Target                                = Embed{}
	_ provider.Writes[embed.Request, embed.Response] = Embed{}
)

// Name is "cohere-embed".
func (Embed) Name() provider.Name { return provider.CohereEmbed }

// Operation is embeddings.
func (Embed) Operation() provider.Operation { return provider.Embed }

// Path is the endpoint below a base URL that ends in /v2.
func (Embed) Path(provider.Head, string) string { return "/embed" }

// Carries nothing: no client speaks this.
func (Embed) Carries() []provider.Name { return nil }

// Edits exchange the model.
func (Embed) Edits(_ []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model)
}

// BuildRequest encodes a call.
func (Embed) BuildRequest(r embed.Request) ([]byte, error) {
	out, err := EmbedBody(r)
	if err != nil {
		return nil, err
	}
	out.Model = r.Model
	return wire.Marshal(out), nil
}

// EmbedRequest is a body of this dialect. On Bedrock the model stands in the path.
type EmbedRequest struct {
	Model     string   `json:"model,omitempty"`
	InputType string   `json:"input_type"`
	Texts     []string `json:"texts,omitempty"`
	Inputs    []any    `json:"inputs,omitempty"` // with images
	Types     []string `json:"embedding_types"`
	Dimension int64    `json:"output_dimension,omitempty"`
	Truncate  string   `json:"truncate,omitempty"`
}

// EmbedBody makes the body of a call, without its model. Numbers are asked for as they are: who wants them in base64 packs them.
func EmbedBody(r embed.Request) (EmbedRequest, error) {
	out := EmbedRequest{InputType: inputType(r), Types: []string{"float"}, Dimension: r.Dimensions, Truncate: strings.ToUpper(r.Truncate)}
	if r.Type != "" {
		out.Types = []string{r.Type}
	}
	if r.Title != "" {
		if err := provider.Refuse(r.How, "title"); err != nil {
			return out, err
		}
	}
	if err := provider.CheckLeft(r.How, r.Unmapped); err != nil {
		return out, err
	}
	pictures := slices.ContainsFunc(r.Inputs, func(in embed.Input) bool {
		return slices.ContainsFunc(in.Parts, func(p chat.Part) bool { return p.Kind == chat.Image })
	})
	for _, in := range r.Inputs {
		if pictures {
			v, err := embedInput(in)
			if err != nil {
				return out, err
			}
			out.Inputs = append(out.Inputs, v)
			continue
		}
		text, err := openaiembed.PlainText(r.How, in)
		if err != nil {
			return out, err
		}
		out.Texts = append(out.Texts, text)
	}
	return out, nil
}

// inputType is the word for what vectors are for, which Cohere demands. Who does not say gets vectors of documents.
func inputType(r embed.Request) string {
	switch {
	case r.Query():
		return "search_query"
	case r.Task == "classification" || r.Task == "clustering" || r.Task == "image":
		return r.Task
	}
	return "search_document"
}

func embedInput(in embed.Input) (any, error) {
	type part struct {
		Type  string            `json:"type"`
		Text  string            `json:"text,omitempty"`
		Image map[string]string `json:"image_url,omitempty"`
	}
	if in.Tokens != nil {
		return nil, provider.ErrUnsupported.Say("The target model's API takes texts and images, no token ids.").At(in.Path)
	}
	parts := []part{}
	if in.Parts == nil {
		parts = append(parts, part{Type: "text", Text: in.Text})
	}
	for _, p := range in.Parts {
		switch p.Kind {
		case chat.Text:
			parts = append(parts, part{Type: "text", Text: p.Text})
		case chat.Image:
			parts = append(parts, part{Type: "image_url", Image: map[string]string{"url": openaiembed.ImageURL(p)}})
		default:
			return nil, provider.ErrUnsupported.Say("The target model's API embeds texts and images only.").At(p.Path)
		}
	}
	return map[string]any{"content": parts}, nil
}

// ParseResponse decodes a whole answer.
func (Embed) ParseResponse(body []byte) (embed.Response, error) { return ParseEmbed(body) }

// ParseEmbed decodes an answer: vectors by type, or the plain list of the first version. Of several types the first one of the list
// below counts: one was asked for.
func ParseEmbed(body []byte) (embed.Response, error) {
	var top struct {
		ID         json.RawMessage `json:"id"`
		Embeddings json.RawMessage `json:"embeddings"`
		Meta       json.RawMessage `json:"meta"`
	}
	if err := json.Unmarshal(body, &top); err != nil {
		return embed.Response{}, provider.ErrBadAnswer.Because(err)
	}
	var out embed.Response
	out.ID, _ = wire.String(top.ID)
	out.Usage = embedUsage(top.Meta)
	var plain []json.RawMessage
	if json.Unmarshal(top.Embeddings, &plain) == nil && plain != nil {
		return lists(out, plain, "")
	}
	var byType map[string][]json.RawMessage
	if json.Unmarshal(top.Embeddings, &byType) != nil {
		return out, provider.ErrBadAnswer
	}
	for _, typ := range [...]string{"float", "base64", "int8", "uint8", "binary", "ubinary"} {
		if list, ok := byType[typ]; ok {
			return lists(out, list, typ)
		}
	}
	return out, provider.ErrBadAnswer
}

func lists(out embed.Response, list []json.RawMessage, typ string) (embed.Response, error) {
	if typ == "float" || typ == "base64" {
		typ = ""
	}
	for _, raw := range list {
		v := embed.Vector{Type: typ}
		if s, ok := wire.String(raw); ok {
			v.Base64 = s
		} else if v.List = raw; raw[0] != '[' {
			return out, provider.ErrBadAnswer
		}
		out.Vectors = append(out.Vectors, v)
	}
	return out, nil
}

// embedUsage reads meta. Texts and images are billed apart here.
func embedUsage(meta []byte) chat.Usage {
	b, ok := readBilled(meta)
	if !ok || (!b.input.Known && !b.images.Known) {
		return chat.Usage{}
	}
	var u chat.Units
	u[chat.Input], u[chat.InputImage] = b.input.N, b.images.N
	return chat.Usage{Units: u, Source: chat.Reported}
}

// Inspect reads what settling needs, without looking into the vectors.
func (Embed) Inspect(body []byte) provider.Seen {
	var seen provider.Seen
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		switch v := w.Value(); string(w.Key) {
		case "id":
			seen.ID, _ = wire.String(v)
		case "embeddings":
			seen.Started = v[0] == '[' || v[0] == '{'
		case "meta":
			seen.Usage = embedUsage(v)
		}
	}
	seen.Ended = seen.Started && w.Err() == nil
	if seen.Ended {
		seen.Finish = chat.FinishStop
	}
	return seen
}
