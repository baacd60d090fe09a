// Package embed is the neutral model of an embeddings call: texts in, vectors out. It is to OpenAI's, Gemini's, Cohere's, Voyage's,
// Ollama's and Bedrock's protocols what package chat is to the chat dialects.
//
// Vectors are kept in the form in which they came and converted only where the client wants the other one.
package embed

import (
	"cmp"
	"encoding/json"
	"fmt"

	"tollgate/internal/chat"
)

// Request asks for vectors. Zero values mean "not given".
type Request struct {
	Model      string
	Inputs     []Input
	Dimensions int64
	Encoding   string // how the client wants vectors: "float", "base64"; "" is float
	Type       string // of the numbers: "float", "int8", "uint8", "binary", "ubinary"; "" is float
	Task       string // what the vectors are for, neutral words: "query", "document", "classification", "clustering", "similarity", …
	Title      string // of the document (Gemini)
	Truncate   string // "none", "start", "end"; "" is the provider's default
	User       string

	How      chat.Encoding
	Dialect  string                     // the dialect that the client spoke
	Unmapped map[string]json.RawMessage // top-level fields that have no neutral form
}

// Input is one thing to be embedded: a text, or token ids, or parts (text and images).
type Input struct {
	Path   string // where it stood in the client's request ("input.0")
	Text   string
	Tokens []int64
	Parts  []chat.Part
}

// Query reports whether the vectors are of what is asked, which some models embed otherwise than what is found.
func (r Request) Query() bool {
	switch r.Task {
	case "query", "question_answering", "fact_verification", "code_query":
		return true
	}
	return false
}

// Aimed is the request for one target.
func (r Request) Aimed(model string, _ bool, how chat.Encoding) Request {
	r.Model, r.How = model, how
	return r
}

// Shape gives an answer's vectors the form that the request asks for. An error means that a vector is none.
func (r Request) Shape(a Response) (Response, error) {
	shaped := make([]Vector, len(a.Vectors))
	for i, v := range a.Vectors {
		if v.Type == "" && r.Type != "float" { // not every provider repeats what it was asked for
			v.Type = r.Type
		}
		var err error
		if r.Encoding == "base64" {
			shaped[i], err = v.Packed()
		} else {
			shaped[i], err = v.Listed()
		}
		if err != nil {
			return a, fmt.Errorf("vector %d: %w", i, err)
		}
	}
	a.Vectors = shaped
	return a, nil
}

// Response is the answer: one vector for each input, in their order.
type Response struct {
	ID       string
	Model    string
	Vectors  []Vector
	Usage    chat.Usage
	Cost     string // decimal dollars, set by the gateway; "": leave out
	Reported string // what the provider says the call cost, in decimal dollars; "": it does not say
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
