package cohere

import (
	"encoding/json"
	"strconv"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/wire"
	"tollgate/internal/rerank"
)

// Rerank is the dialect of reranking, as Cohere and those who follow it speak it.
type Rerank struct {
	provider.NoStream
	Refusals
}

var (
	_ provider.Client                                 = Rerank{}
	_ provider.Target                                 = Rerank{}
	_ provider.Codec[rerank.Request, rerank.Response] = Rerank{}
)

const rerankName = string(provider.CohereRerank)

// Name is "cohere-rerank".
func (Rerank) Name() provider.Name { return provider.CohereRerank }

// Operation is reranking.
func (Rerank) Operation() provider.Operation { return provider.Rerank }

// Path is the endpoint below a base URL that ends in a version.
func (Rerank) Path(provider.Head, string) string { return "/rerank" }

// Carries its own bodies.
func (Rerank) Carries() []provider.Name { return []provider.Name{provider.CohereRerank} }

// Probe scans a request body once.
func (Rerank) Probe(body []byte, at provider.Line) (provider.Head, error) {
	h, err := provider.ScanHead(body, at, func(s *provider.HeadScan, name, raw []byte, _ provider.Span) (bool, error) {
		switch string(name) {
		case "query", "documents", "top_n":
			return true, nil // known, so that a second one is refused
		case "user":
			return true, provider.Text("user", raw, &s.Head.User)
		case "metadata":
			m, err := provider.Strings("metadata", raw)
			s.Head.Metadata = m
			return true, err
		}
		return false, nil
	})
	h.Stream = false
	return h, err
}

// Edits exchange the model and cut the tollgate member out.
func (Rerank) Edits(_ []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model)
}

// AppendError writes Cohere's error, whose only fields are a message and an id, and ours beside them.
func (Rerank) AppendError(dst []byte, p provider.Problem) []byte {
	dst = append(dst, `{"message":`...)
	dst = wire.AppendString(dst, p.Message)
	dst = append(dst, `,"id":`...)
	dst = wire.AppendOptional(dst, p.CallID)
	dst = append(dst, `,"code":`...)
	dst = wire.AppendOptional(dst, p.Code)
	dst = append(dst, `,"field":`...)
	dst = wire.AppendOptional(dst, p.Field)
	dst = p.Provider.AppendMetadata(dst)
	return append(dst, '}')
}

// AppendStreamError writes the same: there are no streams.
func (d Rerank) AppendStreamError(dst []byte, p provider.Problem) []byte {
	return d.AppendError(dst, p)
}

// Heartbeat is nothing.
func (Rerank) Heartbeat() []byte { return nil }

// StreamType is nothing.
func (Rerank) StreamType() string { return "" }

// ParseRequest decodes a client's body: Cohere's second version, and return_documents of the first.
func (Rerank) ParseRequest(body []byte) (rerank.Request, error) {
	f := provider.ParseFields("", body)
	r := rerank.Request{
		Dialect:   rerankName,
		Model:     f.Text("model"),
		Query:     f.Text("query"),
		TopN:      f.Whole("top_n"),
		Return:    f.OptionalFlag("return_documents"),
		Truncate:  f.OptionalFlag("truncation"),
		MaxTokens: f.Whole("max_tokens_per_doc"),
	}
	f.TakeOurs()
	for _, name := range [...]string{"stream", "user", "metadata"} {
		f.Take(name)
	}
	if r.Query == "" {
		f.Refuse("query", "a text")
	}
	if r.TopN < 0 {
		f.Refuse("top_n", "a number above zero")
	}
	list := f.List("documents")
	if len(list) == 0 {
		f.Refuse("documents", "a list of texts")
	}
	for i, raw := range list {
		doc, ok := toDocument(raw)
		if !ok {
			f.Refuse("documents."+strconv.Itoa(i), "a text or an object")
			break
		}
		r.Documents = append(r.Documents, doc)
	}
	r.Unmapped = f.Rest()
	if f.Err == nil && r.Model == "" {
		f.Err = provider.ErrBody.Say("The request names no model.").At("model")
	}
	return r, f.Err
}

// toDocument reads a text, or an object; one that holds nothing but a text is that text.
func toDocument(raw json.RawMessage) (rerank.Document, bool) {
	if s, ok := wire.String(raw); ok {
		return rerank.Document{Text: s}, true
	}
	if raw[0] != '{' {
		return rerank.Document{}, false
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) == nil && len(members) == 1 {
		if s, ok := wire.String(members["text"]); ok {
			return rerank.Document{Text: s}, true
		}
	}
	return rerank.Document{Object: raw}, true
}

// BuildRequest encodes a call for a provider of this dialect.
func (Rerank) BuildRequest(r rerank.Request) ([]byte, error) {
	if r.Dialect != rerankName {
		if err := provider.CheckLeft(r.Encoding, r.Unmapped); err != nil {
			return nil, err
		}
		if r.Truncate != nil && !*r.Truncate { // what is too long is always cut here
			if err := provider.Refuse(r.Encoding, "truncation"); err != nil {
				return nil, err
			}
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
	raw := wire.Marshal(struct {
		Model     string `json:"model"`
		Query     string `json:"query"`
		Documents []any  `json:"documents"`
		TopN      int64  `json:"top_n,omitempty"`
		Return    *bool  `json:"return_documents,omitempty"`
		MaxTokens int64  `json:"max_tokens_per_doc,omitempty"`
	}{r.Model, r.Query, docs, r.TopN, r.Return, r.MaxTokens})
	if r.Dialect != rerankName {
		return raw, nil
	}
	if r.Truncate != nil {
		raw = provider.AddFields(raw, map[string]json.RawMessage{"truncation": wire.Marshal(*r.Truncate)})
	}
	return provider.AddFields(raw, r.Unmapped), nil
}

// ParseResponse decodes a whole answer.
func (d Rerank) ParseResponse(body []byte) (rerank.Response, error) {
	seen := d.Inspect(body)
	if seen.Refusal != nil {
		return rerank.Response{}, seen.Refusal
	}
	var top struct {
		Results []struct {
			Index    *int            `json:"index"`
			Score    json.Number     `json:"relevance_score"`
			Document json.RawMessage `json:"document"`
		} `json:"results"`
	}
	if err := json.Unmarshal(body, &top); err != nil {
		return rerank.Response{}, provider.ErrBadAnswer.Because(err)
	}
	if top.Results == nil {
		return rerank.Response{}, provider.ErrBadAnswer
	}
	out := rerank.Response{ID: seen.ID, Model: seen.Model, Usage: seen.Usage, Reported: seen.Cost}
	for _, r := range top.Results {
		if r.Index == nil || r.Score == "" {
			return out, provider.ErrBadAnswer
		}
		res := rerank.Result{Index: *r.Index, Score: r.Score}
		if wire.Present(r.Document) {
			doc, ok := toDocument(r.Document)
			if !ok {
				return out, provider.ErrBadAnswer
			}
			res.Document = &doc
		}
		out.Results = append(out.Results, res)
	}
	return out, nil
}

// AppendResponse writes a whole answer.
func (Rerank) AppendResponse(dst []byte, r rerank.Response) []byte {
	dst = append(dst, '{')
	if r.ID != "" {
		dst = append(dst, `"id":`...)
		dst = append(wire.AppendString(dst, r.ID), ',')
	}
	if r.Model != "" {
		dst = append(dst, `"model":`...)
		dst = append(wire.AppendString(dst, r.Model), ',')
	}
	dst = append(dst, `"results":[`...)
	for i, res := range r.Results {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"index":`...)
		dst = strconv.AppendInt(dst, int64(res.Index), 10)
		dst = append(dst, `,"relevance_score":`...)
		dst = append(dst, res.Score...)
		if d := res.Document; d != nil {
			dst = append(dst, `,"document":`...)
			if d.Object != nil {
				dst = append(dst, d.Object...)
			} else {
				dst = append(wire.AppendString(append(dst, `{"text":`...), d.Text), '}')
			}
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `],"meta":{"api_version":{"version":"2"}`...)
	if n := r.Usage.Units[chat.SearchUnits]; n > 0 {
		dst = append(dst, `,"billed_units":{"search_units":`...)
		dst = append(strconv.AppendInt(dst, n, 10), '}')
	}
	dst = append(dst, '}')
	return append(appendUsage(dst, r), '}')
}

// appendUsage tells tokens and cost where they are known; Cohere itself has no place for them.
func appendUsage(dst []byte, r rerank.Response) []byte {
	tokens := r.Usage.Units.InputTotal()
	priced := r.Cost != "" && json.Valid([]byte(r.Cost))
	billed := r.Usage.Source != chat.Unknown && r.Usage.Units[chat.SearchUnits] == 0
	if !billed && !priced {
		return dst
	}
	dst = append(dst, `,"usage":{`...)
	if billed {
		dst = append(dst, `"total_tokens":`...)
		dst = strconv.AppendInt(dst, tokens, 10)
	}
	if priced {
		if billed {
			dst = append(dst, ',')
		}
		dst = append(dst, `"cost":`...)
		dst = append(dst, r.Cost...)
	}
	return append(dst, '}')
}

// Inspect reads what settling needs from a whole answer. Search units are Cohere's own; those who follow it bill tokens, and tell them
// in a usage object like OpenAI's.
func (Rerank) Inspect(body []byte) provider.Seen {
	var seen provider.Seen
	var tokens chat.Usage
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		switch v := w.Value(); string(w.Key) {
		case "id":
			seen.ID, _ = wire.String(v)
		case "model":
			seen.Model, _ = wire.String(v)
		case "results":
			seen.Started = v[0] == '['
		case "meta":
			if b, ok := readBilled(v); ok && b.searches.Known {
				seen.Usage.Units[chat.SearchUnits], seen.Usage.Source = b.searches.N, chat.Reported
			}
		case "usage":
			tokens, seen.Cost = openaiembed.Usage(v)
		case "error":
			if wire.Present(v) && v[0] != 'f' {
				seen.Refusal = openaichat.Dialect{}.Inspect(body).Refusal
			}
		}
	}
	if n := tokens.Units[chat.SearchUnits]; n > 0 { // billed by searches: the tokens beside them are no units
		tokens.Units = chat.Units{chat.SearchUnits: n}
	}
	if seen.Usage.Source == chat.Unknown {
		seen.Usage = tokens
	}
	seen.Ended = seen.Started && seen.Refusal == nil && w.Err() == nil
	if seen.Ended {
		seen.Finish = chat.FinishStop
	}
	return seen
}
