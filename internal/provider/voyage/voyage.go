// Package voyage is the dialects of Voyage's API: embeddings and reranking. Both have the provider's end only, and both bill the
// total of tokens that they tell.
package voyage

import (
	"encoding/json"

	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/wire"
)

// Embed is the dialect of embeddings. Its answers are OpenAI's, its requests are not: other names, and an encoding that is either
// base64 or not said.
type Embed struct {
	provider.NoStream
	openaichat.Refusals
}

var (
	_ provider.Target                                = Embed{}
	_ provider.Writes[embed.Request, embed.Response] = Embed{}
)

// Name is "voyage-embed".
func (Embed) Name() provider.Name { return provider.VoyageEmbed }

// Operation is embeddings.
func (Embed) Operation() provider.Operation { return provider.Embed }

// Path is the endpoint below a base URL that ends in /v1.
func (Embed) Path(provider.Head, string) string { return "/embeddings" }

// Carries nothing: no client speaks this.
func (Embed) Carries() []provider.Name { return nil }

// Edits exchange the model.
func (Embed) Edits(_ []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model)
}

type embedRequest struct {
	Model      string   `json:"model"`
	Input      []string `json:"input"`
	InputType  string   `json:"input_type,omitempty"`
	Truncation *bool    `json:"truncation,omitempty"`
	Dimension  int64    `json:"output_dimension,omitempty"`
	Type       string   `json:"output_dtype,omitempty"`
	Encoding   string   `json:"encoding_format,omitempty"`
}

// BuildRequest encodes a call. Images and token ids are refused by name: there is another endpoint for the former, and nothing for the
// latter.
func (Embed) BuildRequest(r embed.Request) ([]byte, error) {
	out := embedRequest{Model: r.Model, Dimension: r.Dimensions}
	switch { // the vectors of all else are those of no stated purpose
	case r.Query():
		out.InputType = "query"
	case r.Task == "document":
		out.InputType = "document"
	}
	if r.Encoding == "base64" {
		out.Encoding = r.Encoding
	}
	if r.Type != "float" {
		out.Type = r.Type
	}
	var refused string
	switch r.Truncate {
	case "":
	case "none", "end":
		cut := r.Truncate == "end"
		out.Truncation = &cut
	default:
		refused = "truncate"
	}
	if r.Title != "" {
		refused = "title"
	}
	if refused != "" {
		if err := provider.Refuse(r.How, refused); err != nil {
			return nil, err
		}
	}
	if err := provider.CheckLeft(r.How, r.Unmapped); err != nil {
		return nil, err
	}
	for _, in := range r.Inputs {
		text, err := openaiembed.PlainText(r.How, in)
		if err != nil {
			return nil, err
		}
		out.Input = append(out.Input, text)
	}
	return wire.Marshal(out), nil
}

// ParseResponse decodes a whole answer.
func (Embed) ParseResponse(body []byte) (embed.Response, error) {
	return openaiembed.Dialect{}.ParseResponse(body)
}

// Inspect reads what settling needs, without looking into the vectors.
func (Embed) Inspect(body []byte) provider.Seen { return openaiembed.Dialect{}.Inspect(body) }

// object makes a document that is an object a text, where it is one.
func object(raw json.RawMessage) (string, bool) {
	var o struct {
		Text *string `json:"text"`
	}
	if json.Unmarshal(raw, &o) != nil || o.Text == nil {
		return "", false
	}
	return *o.Text, true
}
