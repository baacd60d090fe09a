package gemini

import (
	"encoding/json"
	"net/http"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/wire"
)

// Predict is Vertex AI's predict with a text embedding model. Target only: no client speaks it here.
type Predict struct{ provider.NoStream }

var (
	_ provider.Target                                = Predict{}
	_ provider.Writes[embed.Request, embed.Response] = Predict{}
)

// Name is "vertex-embed".
func (Predict) Name() provider.Name { return provider.VertexEmbed }

// Operation is embeddings.
func (Predict) Operation() provider.Operation { return provider.Embed }

// Carries nothing.
func (Predict) Carries() []provider.Name { return nil }

// Path is the endpoint below a base URL that ends in /publishers/google.
func (Predict) Path(_ provider.Head, model string) string { return "/" + resource(model) + ":predict" }

// Edits are none: no body is carried.
func (Predict) Edits([]byte, provider.Head, string) []wire.Edit { return nil }

// ParseRefusal classifies a non-2xx answer.
func (Predict) ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	return envelope{}.ParseRefusal(status, h, body)
}

type instance struct {
	Content string `json:"content"`
	Task    string `json:"task_type,omitempty"`
	Title   string `json:"title,omitempty"`
}

type parameters struct {
	Dimensions int64 `json:"outputDimensionality,omitempty"`
	Cut        *bool `json:"autoTruncate,omitempty"`
}

// BuildRequest encodes a call. gemini-embedding-001 takes one text at a time here.
func (Predict) BuildRequest(r embed.Request) ([]byte, error) {
	task, err := checkEmbed(r, false)
	if err != nil {
		return nil, err
	}
	if len(r.Inputs) > 1 && strings.HasPrefix(r.Model, "gemini-embedding") {
		return nil, provider.ErrUnsupported.Say("The target model takes one input at a time.").At(r.Inputs[1].Path)
	}
	p := parameters{Dimensions: r.Dimensions}
	if r.Truncate != "" {
		cut := r.Truncate != "none"
		p.Cut = &cut
	}
	list := make([]instance, 0, len(r.Inputs))
	for _, in := range r.Inputs {
		text, err := openaiembed.PlainText(r.How, in)
		if err != nil {
			return nil, err
		}
		list = append(list, instance{Content: text, Task: task, Title: r.Title})
	}
	out := map[string]any{"instances": list}
	if p != (parameters{}) {
		out["parameters"] = p
	}
	return wire.Marshal(out), nil
}

type wirePredictions struct {
	Predictions []struct {
		Embeddings struct {
			Values     json.RawMessage `json:"values"`
			Statistics struct {
				Tokens json.RawMessage `json:"token_count"`
			} `json:"statistics"`
		} `json:"embeddings"`
	} `json:"predictions"`
}

// ParseResponse decodes a whole answer. Each vector says how many tokens its text had.
func (Predict) ParseResponse(body []byte) (embed.Response, error) {
	var a wirePredictions
	if err := json.Unmarshal(body, &a); err != nil {
		return embed.Response{}, provider.ErrBadAnswer.Because(err)
	}
	if a.Predictions == nil {
		return embed.Response{}, noVectors(body)
	}
	var out embed.Response
	for _, p := range a.Predictions {
		if v := p.Embeddings.Values; len(v) == 0 || v[0] != '[' {
			return embed.Response{}, provider.ErrBadAnswer
		}
		out.Vectors = append(out.Vectors, embed.Vector{List: p.Embeddings.Values})
	}
	out.Usage = a.usage()
	return out, nil
}

// usage is the sum, known when every vector tells its part.
func (a *wirePredictions) usage() chat.Usage {
	var units chat.Units
	for _, p := range a.Predictions {
		var n wire.Count
		n.Read(p.Embeddings.Statistics.Tokens)
		if !n.Known {
			return chat.Usage{}
		}
		units[chat.Input] += n.N
	}
	if len(a.Predictions) == 0 {
		return chat.Usage{}
	}
	return chat.Usage{Units: units, Source: chat.Reported}
}

// Inspect reads what settling needs from a whole answer.
func (Predict) Inspect(body []byte) provider.Seen {
	seen := inspectVectors(body)
	var a wirePredictions
	if json.Unmarshal(body, &a) == nil {
		seen.Usage = a.usage()
	}
	return seen
}
