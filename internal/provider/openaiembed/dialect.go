// Package openaiembed is the dialect of OpenAI's embeddings, and of the many vendors that speak it: Mistral, vLLM, Ollama, Jina,
// Perplexity, OpenRouter.
//
// Vectors are never decoded on the way: the official SDKs ask for base64 and unpack it themselves, and a vendor's base64 need not be
// float32 (vLLM has sent float64, Perplexity sends int8). Only where another dialect's client or provider wants the other form are
// they converted, by package embed.
package openaiembed

import (
	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// Dialect is the one value of this dialect.
type Dialect struct {
	provider.NoStream
	openaichat.Envelope
	openaichat.Refusals
}

var (
	_ provider.Client                               = Dialect{}
	_ provider.Target                               = Dialect{}
	_ provider.Codec[embed.Request, embed.Response] = Dialect{}
)

const dialectName = string(provider.OpenAIEmbeddings)

// Name is "openai-embeddings".
func (Dialect) Name() provider.Name { return provider.OpenAIEmbeddings }

// Operation is embeddings.
func (Dialect) Operation() provider.Operation { return provider.Embed }

// Path is the endpoint below the base URL, which ends in /v1 for most vendors.
func (Dialect) Path(provider.Head, string) string { return "/embeddings" }

// Carries its own bodies.
func (Dialect) Carries() []provider.Name { return []provider.Name{provider.OpenAIEmbeddings} }

// Probe scans a request body once. There are no streams here, whatever the body says.
func (Dialect) Probe(body []byte, at provider.Line) (provider.Head, error) {
	h, err := provider.ScanHead(body, at, func(s *provider.HeadScan, name, raw []byte, _ provider.Span) (bool, error) {
		switch string(name) {
		case "user":
			return true, provider.Text("user", raw, &s.Head.User)
		case "input", "dimensions", "encoding_format":
			return true, nil // known, so that a second one is refused
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
func (Dialect) Edits(_ []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model)
}

// Inspect reads what settling needs from a whole answer, without looking into its vectors.
func (Dialect) Inspect(body []byte) provider.Seen {
	var seen provider.Seen
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		v := w.Value()
		switch string(w.Key) {
		case "id":
			seen.ID, _ = wire.String(v)
		case "model":
			seen.Model, _ = wire.String(v)
		case "data":
			seen.Started = v[0] == '['
		case "usage":
			seen.Usage, seen.Cost = Usage(v)
		case "error":
			if wire.Present(v) && v[0] != 'f' {
				seen.Refusal = refusal(body)
			}
		}
	}
	seen.Ended = seen.Started && seen.Refusal == nil && w.Err() == nil
	if seen.Ended {
		seen.Finish = chat.FinishStop
	}
	return seen
}

// refusal reads an error inside a 200 answer; nil when it is none.
func refusal(body []byte) *provider.Refusal { return openaichat.Dialect{}.Inspect(body).Refusal }
