// Package rerank is the neutral model of a rerank call: documents in, their relevance to a query out. It is to Cohere's, Voyage's
// and Jina's protocols what package chat is to the chat dialects.
package rerank

import (
	"cmp"
	"encoding/json"
	"fmt"

	"tollgate/internal/chat"
)

// Request asks for documents in the order of their relevance. Zero values mean "not given".
type Request struct {
	Model     string
	Query     string
	Documents []Document
	TopN      int64 // how many results; 0: all
	Return    *bool // the documents shall be in the answer; nil: the provider's default
	Truncate  *bool // what is too long may be cut; nil: the provider's default
	MaxTokens int64 // per document; 0: not given

	Encoding chat.Encoding
	Dialect  string                     // the dialect that the client spoke
	Unmapped map[string]json.RawMessage // top-level fields that have no neutral form
}

// Document is one candidate: a text, or an object of which the provider reads some fields.
type Document struct {
	Text   string
	Object json.RawMessage // nil: Text it is
}

// Aimed is the request for one target.
func (r Request) Aimed(model string, _ bool, how chat.Encoding) Request {
	r.Model, r.Encoding = model, how
	return r
}

// Shape puts the documents into an answer that lacks them, where the request wants them, and takes them out where it does not.
func (r Request) Shape(a Response) (Response, error) {
	results := make([]Result, len(a.Results))
	for i, res := range a.Results {
		if res.Index < 0 || res.Index >= len(r.Documents) {
			return a, fmt.Errorf("result %d is of document %d of %d", i, res.Index, len(r.Documents))
		}
		switch {
		case r.Return == nil:
		case !*r.Return:
			res.Document = nil
		case res.Document == nil:
			res.Document = &r.Documents[res.Index]
		}
		results[i] = res
	}
	a.Results = results
	return a, nil
}

// Response is the answer.
type Response struct {
	ID      string
	Model   string
	Results []Result // most relevant first
	Usage   chat.Usage
	Cost    string // decimal dollars, set by the gateway; "": leave out

	Reported string // what the provider says the call cost, in decimal dollars; "": it does not say
}

// Result is one document's place.
type Result struct {
	Index    int         // in the request's documents
	Score    json.Number // the provider's digits
	Document *Document   // nil: not in the answer
}

// Used is the usage.
func (r Response) Used() chat.Usage { return r.Usage }

// Filled is the answer with what it does not say itself.
func (r Response) Filled(id, model string, u chat.Usage) Response {
	r.ID, r.Model = cmp.Or(r.ID, id), cmp.Or(r.Model, model)
	if r.Usage.Source == chat.Unknown {
		r.Usage = u
	}
	return r
}

// Costing is the answer with its cost.
func (r Response) Costing(dollars string) Response {
	r.Cost = dollars
	return r
}
