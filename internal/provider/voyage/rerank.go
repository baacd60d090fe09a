package voyage

import (
	"encoding/json"
	"strconv"

	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/wire"
	"tollgate/internal/rerank"
)

// Rerank is the dialect of reranking.
type Rerank struct {
	provider.NoStream
	openaichat.Refusals
}

var (
	_ provider.Target                                  = Rerank{}
	_ provider.Writes[rerank.Request, rerank.Response] = Rerank{}
)

// Name is "voyage-rerank".
func (Rerank) Name() provider.Name { return provider.VoyageRerank }

// Operation is reranking.
func (Rerank) Operation() provider.Operation { return provider.Rerank }

// Path is the endpoint below a base URL that ends in /v1.
func (Rerank) Path(provider.Head, string) string { return "/rerank" }

// Carries nothing: no client speaks this.
func (Rerank) Carries() []provider.Name { return nil }

// Edits exchange the model.
func (Rerank) Edits(_ []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model)
}

// BuildRequest encodes a call. A document that is an object is its text; one without a text is refused by its place, and so is a limit
// of tokens for each document.
func (Rerank) BuildRequest(r rerank.Request) ([]byte, error) {
	if err := provider.CheckLeft(r.Encoding, r.Unmapped); err != nil {
		return nil, err
	}
	if r.MaxTokens > 0 {
		if err := provider.Refuse(r.Encoding, "max_tokens_per_doc"); err != nil {
			return nil, err
		}
	}
	docs := make([]string, 0, len(r.Documents))
	for i, d := range r.Documents {
		text := d.Text
		if d.Object != nil {
			var ok bool
			if text, ok = object(d.Object); !ok {
				return nil, provider.ErrUnsupported.Say("The target model's API takes documents that are texts.").At("documents." + strconv.Itoa(i))
			}
		}
		docs = append(docs, text)
	}
	return wire.Marshal(struct {
		Model      string   `json:"model"`
		Query      string   `json:"query"`
		Documents  []string `json:"documents"`
		TopK       int64    `json:"top_k,omitempty"`
		Return     *bool    `json:"return_documents,omitempty"`
		Truncation *bool    `json:"truncation,omitempty"`
	}{r.Model, r.Query, docs, r.TopN, r.Return, r.Truncate}), nil
}

// ParseResponse decodes a whole answer.
func (Rerank) ParseResponse(body []byte) (rerank.Response, error) {
	seen := openaiembed.Dialect{}.Inspect(body)
	if seen.Refusal != nil {
		return rerank.Response{}, seen.Refusal
	}
	var top struct {
		Data []struct {
			Index    *int            `json:"index"`
			Score    json.Number     `json:"relevance_score"`
			Document json.RawMessage `json:"document"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &top); err != nil {
		return rerank.Response{}, provider.ErrBadAnswer.Because(err)
	}
	if top.Data == nil {
		return rerank.Response{}, provider.ErrBadAnswer
	}
	out := rerank.Response{ID: seen.ID, Model: seen.Model, Usage: seen.Usage, Reported: seen.Cost}
	for _, r := range top.Data {
		if r.Index == nil || r.Score == "" {
			return out, provider.ErrBadAnswer
		}
		res := rerank.Result{Index: *r.Index, Score: r.Score}
		if text, ok := wire.String(r.Document); ok {
			res.Document = &rerank.Document{Text: text}
		}
		out.Results = append(out.Results, res)
	}
	return out, nil
}

// Inspect reads what settling needs: the answer is a list like that of embeddings.
func (Rerank) Inspect(body []byte) provider.Seen { return openaiembed.Dialect{}.Inspect(body) }
