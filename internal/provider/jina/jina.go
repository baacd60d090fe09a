// Package jina is the dialect of Jina's reranking. It is Cohere's but for three things: documents are in the answer unless they are not
// wanted, tokens are billed and not searches, and there is no limit of tokens for each document. Jina's embeddings are OpenAI's.
package jina

import (
	"tollgate/internal/provider"
	"tollgate/internal/provider/cohere"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
	"tollgate/internal/rerank"
)

// Rerank is the dialect of reranking. It has the provider's end only.
type Rerank struct {
	provider.NoStream
	openaichat.Refusals
}

var (
	_ provider.Target                                  = Rerank{}
	_ provider.Writes[rerank.Request, rerank.Response] = Rerank{}
)

// Name is "jina-rerank".
func (Rerank) Name() provider.Name { return provider.JinaRerank }

// Operation is reranking.
func (Rerank) Operation() provider.Operation { return provider.Rerank }

// Path is the endpoint below a base URL that ends in /v1.
func (Rerank) Path(provider.Head, string) string { return "/rerank" }

// Carries nothing: what a client leaves out means something else here.
func (Rerank) Carries() []provider.Name { return nil }

// Edits exchange the model.
func (Rerank) Edits(_ []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model)
}

// BuildRequest encodes a call. Documents may be objects with a text or an image.
func (Rerank) BuildRequest(r rerank.Request) ([]byte, error) {
	if err := provider.CheckLeft(r.Encoding, r.Unmapped); err != nil {
		return nil, err
	}
	for _, f := range [...]struct {
		name string
		said bool
	}{
		{"max_tokens_per_doc", r.MaxTokens > 0},
		{"truncation", r.Truncate != nil && !*r.Truncate}, // what is too long is always cut here
	} {
		if !f.said {
			continue
		}
		if err := provider.Refuse(r.Encoding, f.name); err != nil {
			return nil, err
		}
	}
	docs := make([]any, 0, len(r.Documents))
	for _, d := range r.Documents {
		if d.Object != nil {
			docs = append(docs, d.Object)
			continue
		}
		docs = append(docs, d.Text)
	}
	return wire.Marshal(struct {
		Model     string `json:"model"`
		Query     string `json:"query"`
		Documents []any  `json:"documents"`
		TopN      int64  `json:"top_n,omitempty"`
		Return    bool   `json:"return_documents"`
	}{r.Model, r.Query, docs, r.TopN, r.Return != nil && *r.Return}), nil
}

// ParseResponse decodes a whole answer.
func (Rerank) ParseResponse(body []byte) (rerank.Response, error) {
	return cohere.Rerank{}.ParseResponse(body)
}

// Inspect reads what settling needs.
func (Rerank) Inspect(body []byte) provider.Seen { return cohere.Rerank{}.Inspect(body) }
