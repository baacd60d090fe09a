package ollama

import (
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/wire"
)

// Embed is the dialect of embeddings. It has the provider's end only.
type Embed struct {
	provider.NoStream
	openaichat.Refusals
}

var (
	_ provider.Target                                = Embed{}
	_ provider.Writes[embed.Request, embed.Response] = Embed{}
)

// Name is "ollama-embed".
func (Embed) Name() provider.Name { return provider.OllamaEmbed }

// Operation is embeddings.
func (Embed) Operation() provider.Operation { return provider.Embed }

// Path is the endpoint below the server's root.
func (Embed) Path(provider.Head, string) string { return "/api/embed" }

// Carries nothing: no client speaks this.
func (Embed) Carries() []provider.Name { return nil }

// Edits exchange the model.
func (Embed) Edits(_ []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model)
}

// BuildRequest encodes a call. What vectors are for is left out: models here have one kind of vector. Token ids, images, titles, small
// number types and cutting at the start are refused by name.
func (Embed) BuildRequest(r embed.Request) ([]byte, error) {
	out := struct {
		Model      string   `json:"model"`
		Input      []string `json:"input"`
		Truncate   *bool    `json:"truncate,omitempty"`
		Dimensions int64    `json:"dimensions,omitempty"`
	}{Model: r.Model, Dimensions: r.Dimensions}
	if r.Truncate == "none" || r.Truncate == "end" {
		cut := r.Truncate == "end"
		out.Truncate = &cut
	}
	for _, f := range [...]struct {
		name string
		said bool
	}{
		{"title", r.Title != ""},
		{"output_dtype", r.Type != "" && r.Type != "float"},
		{"truncate", r.Truncate != "" && out.Truncate == nil},
	} {
		if !f.said {
			continue
		}
		if err := provider.Refuse(r.How, f.name); err != nil {
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

// ParseResponse decodes a whole answer: embeddings, or the one embedding of the endpoint before this.
func (Embed) ParseResponse(body []byte) (embed.Response, error) {
	var top struct {
		Model      string            `json:"model"`
		Embeddings []json.RawMessage `json:"embeddings"`
		Embedding  json.RawMessage   `json:"embedding"`
		Prompt     json.RawMessage   `json:"prompt_eval_count"`
		Error      json.RawMessage   `json:"error"`
	}
	if err := json.Unmarshal(body, &top); err != nil {
		return embed.Response{}, provider.ErrBadAnswer.Because(err)
	}
	if wire.Present(top.Error) {
		return embed.Response{}, failed(body)
	}
	if top.Embeddings == nil && wire.Present(top.Embedding) {
		top.Embeddings = []json.RawMessage{top.Embedding}
	}
	if top.Embeddings == nil {
		return embed.Response{}, provider.ErrBadAnswer
	}
	out := embed.Response{Model: top.Model, Usage: read(top.Prompt)}
	for _, list := range top.Embeddings {
		if list[0] != '[' {
			return out, provider.ErrBadAnswer
		}
		out.Vectors = append(out.Vectors, embed.Vector{List: list})
	}
	return out, nil
}

// read gives the tokens of the prompt; the endpoint before this told none.
func read(raw []byte) chat.Usage {
	var n wire.Count
	if n.Read(raw); !n.Known {
		return chat.Usage{}
	}
	return chat.Usage{Units: chat.Units{chat.Input: n.N}, Source: chat.Reported}
}

// Inspect reads what settling needs, without looking into the vectors.
func (Embed) Inspect(body []byte) provider.Seen {
	var seen provider.Seen
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		switch v := w.Value(); string(w.Key) {
		case "model":
			seen.Model, _ = wire.String(v)
		case "embeddings", "embedding":
			seen.Started = seen.Started || v[0] == '['
		case "prompt_eval_count":
			seen.Usage = read(v)
		case "error":
			if wire.Present(v) {
				seen.Refusal = failed(body)
			}
		}
	}
	seen.Ended = seen.Started && seen.Refusal == nil && w.Err() == nil
	if seen.Ended {
		seen.Finish = chat.FinishStop
	}
	return seen
}
