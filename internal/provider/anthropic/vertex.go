package anthropic

import (
	"net/http"
	"net/url"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Vertex is this API as Google's cloud serves it: the path names the model, the body the version of the API. Opt-in flags stay a
// header. Its base URL ends in /v1/projects/<project>/locations/<location>.
type Vertex struct{ provider.EventStream }

var _ provider.ChatTarget = Vertex{}

// Name is "anthropic-vertex".
func (Vertex) Name() provider.Name { return provider.AnthropicVertex }

// Operation is chat.
func (Vertex) Operation() provider.Operation { return provider.Chat }

// Carries the maker's bodies.
func (Vertex) Carries() []provider.Name { return []provider.Name{provider.AnthropicMessages} }

// Path names the model and whether a stream is wanted.
func (Vertex) Path(h provider.Head, model string) string {
	if h.Stream {
		return publisherModel(model) + ":streamRawPredict"
	}
	return publisherModel(model) + ":rawPredict"
}

func publisherModel(model string) string {
	return "/publishers/anthropic/models/" + url.PathEscape(model)
}

// Edits make the maker's body the cloud's.
func (Vertex) Edits(body []byte, _ provider.Head, _ string) []wire.Edit {
	return merged(provider.MemberEdits(body, vertex.changes(provider.Change{Name: "model"})...), foreignEdits(body))
}

// changes are those that every body for a cloud needs, with more.
func (p place) changes(more ...provider.Change) []provider.Change {
	out := append(provider.WithoutOurs(), provider.Change{Name: "anthropic_version", Value: `"` + p.version + `"`})
	for _, name := range ofCapacity {
		out = append(out, provider.Change{Name: name})
	}
	return append(out, more...)
}

// BuildRequest encodes a call; see Dialect.BuildRequest.
func (Vertex) BuildRequest(r chat.Request) ([]byte, error) { return build(r, vertex) }

// ParseResponse decodes a whole answer, which is the maker's.
func (Vertex) ParseResponse(body []byte) (chat.Response, error) {
	return Dialect{}.ParseResponse(body)
}

// NewReader decodes a stream, which is the maker's.
func (Vertex) NewReader() provider.Reader { return &reader{} }

// NewTap watches a stream go by.
func (Vertex) NewTap(provider.Head) provider.Tap { return &tap{} }

// Inspect reads what settling needs from a whole answer.
func (Vertex) Inspect(body []byte) provider.Seen { return Dialect{}.Inspect(body) }

// ParseRefusal classifies a non-2xx answer: the maker's words, or Google's, which come in a list at times.
func (Vertex) ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	return googleRefusal(status, h, body)
}

func googleRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	inner := body
	if w := wire.Walk(body); !w.IsObject() && w.Next() {
		inner = w.Value()
	}
	r := Dialect{}.ParseRefusal(status, h, inner)
	r.Body = append([]byte(nil), body[:min(len(body), provider.RefusalBodyMax)]...)
	if r.Type == "" {
		r.Type = googleStatus(inner)
	}
	return r
}

// googleStatus finds the word that Google has for a failure: "RESOURCE_EXHAUSTED".
func googleStatus(body []byte) string {
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		if string(w.Key) != "error" || w.Value()[0] != '{' {
			continue
		}
		in := wire.Walk(w.Value())
		for in.Next() {
			if string(in.Key) == "status" {
				s, _ := wire.String(in.Value())
				return s
			}
		}
	}
	return ""
}
