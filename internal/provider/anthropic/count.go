package anthropic

import (
	"encoding/json"
	"errors"
	"net/http"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Count is the dialect of counting the tokens of a call: the body of a call, without what is about its answer.
type Count struct{ provider.NoStream }

var (
	_ provider.Client                           = Count{}
	_ provider.Target                           = Count{}
	_ provider.Codec[chat.Request, chat.Count]  = Count{}
	_ provider.Target                           = VertexCount{}
	_ provider.Writes[chat.Request, chat.Count] = VertexCount{}
)

// Name is "anthropic-count".
func (Count) Name() provider.Name { return provider.AnthropicCount }

// Operation is counting.
func (Count) Operation() provider.Operation { return provider.Count }

// Carries its own bodies.
func (Count) Carries() []provider.Name { return []provider.Name{provider.AnthropicCount} }

// Path is the endpoint below a base URL that ends in /v1.
func (Count) Path(provider.Head, string) string { return "/messages/count_tokens" }

// Probe scans a body as that of a call. Nothing is ever streamed.
func (Count) Probe(body []byte, at provider.Line) (provider.Head, error) {
	h, err := Dialect{}.Probe(body, at)
	h.Stream = false
	return h, err
}

// AppendError writes the API's error envelope.
func (Count) AppendError(dst []byte, p provider.Problem) []byte {
	return Dialect{}.AppendError(dst, p)
}

// AppendStreamError is never sent: nothing is streamed.
func (Count) AppendStreamError(dst []byte, p provider.Problem) []byte {
	return Dialect{}.AppendStreamError(dst, p)
}

// Heartbeat is nothing.
func (Count) Heartbeat() []byte { return nil }

// StreamType is none.
func (Count) StreamType() string { return "" }

// ParseRequest decodes a client's body.
func (Count) ParseRequest(body []byte) (chat.Request, error) { return Dialect{}.ParseRequest(body) }

// AppendResponse writes the count.
func (Count) AppendResponse(dst []byte, c chat.Count) []byte {
	dst = append(dst, `{"input_tokens":`...)
	return append(appendInt(dst, c.Input), '}')
}

// Edits exchange the model and cut the tollgate member out.
func (Count) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, model, foreignEdits(body)...)
}

// BuildRequest encodes the question for a call.
func (Count) BuildRequest(r chat.Request) ([]byte, error) { return buildCount(r, maker) }

// ParseResponse decodes the count.
func (Count) ParseResponse(body []byte) (chat.Count, error) { return parseCount(body) }

// Inspect sees that there is an answer. Counting costs nothing.
func (Count) Inspect(body []byte) provider.Seen { return inspectCount(body) }

// ParseRefusal classifies a non-2xx answer.
func (Count) ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	return Dialect{}.ParseRefusal(status, h, body)
}

// VertexCount is Count as Google's cloud serves it: a model of its own that is asked about the one in the body.
type VertexCount struct{ provider.NoStream }

// Name is "anthropic-vertex-count".
func (VertexCount) Name() provider.Name { return provider.AnthropicVertexCount }

// Operation is counting.
func (VertexCount) Operation() provider.Operation { return provider.Count }

// Carries the maker's bodies.
func (VertexCount) Carries() []provider.Name { return []provider.Name{provider.AnthropicCount} }

// Path is that of the model that counts.
func (VertexCount) Path(provider.Head, string) string {
	return publisherModel("count-tokens") + ":rawPredict"
}

// Edits make the maker's body the cloud's.
func (VertexCount) Edits(body []byte, _ provider.Head, model string) []wire.Edit {
	return merged(provider.MemberEdits(body, vertex.changes(provider.Change{Name: "model", Value: string(wire.AppendString(nil, model))})...), foreignEdits(body))
}

// BuildRequest encodes the question for a call.
func (VertexCount) BuildRequest(r chat.Request) ([]byte, error) { return buildCount(r, vertex) }

// ParseResponse decodes the count.
func (VertexCount) ParseResponse(body []byte) (chat.Count, error) { return parseCount(body) }

// Inspect sees that there is an answer.
func (VertexCount) Inspect(body []byte) provider.Seen { return inspectCount(body) }

// ParseRefusal classifies a non-2xx answer.
func (VertexCount) ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	return googleRefusal(status, h, body)
}

// answerOnly are members of a call that are about its answer: the API refuses to count with them.
var answerOnly = [...]string{
	"max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "metadata", "stream", "service_tier", "inference_geo", "container",
}

// buildCount is build without what is about the answer. What has no place in a count cannot make a call fail, whatever it is.
func buildCount(r chat.Request, at place) ([]byte, error) {
	r.Stop, r.Temperature, r.TopP, r.TopK, r.Stream = nil, "", "", "", false
	at.model, at.stream = true, false
	if r.Dialect != dialectName {
		r.Unmapped = nil
	}
	raw, err := build(r, at)
	if err != nil {
		return nil, err
	}
	changes := make([]provider.Change, 0, len(answerOnly))
	for _, name := range answerOnly {
		changes = append(changes, provider.Change{Name: name})
	}
	return provider.ApplyEdits(raw, provider.MemberEdits(raw, changes...)), nil
}

func parseCount(body []byte) (chat.Count, error) {
	var c struct {
		Input *int64          `json:"input_tokens"`
		Error json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return chat.Count{}, provider.ErrBadAnswer.Because(err)
	}
	switch {
	case wire.Present(c.Error):
		return chat.Count{}, streamRefusal(body, c.Error)
	case c.Input == nil || *c.Input < 0:
		return chat.Count{}, provider.ErrBadAnswer
	}
	return chat.Count{Input: *c.Input}, nil
}

func inspectCount(body []byte) provider.Seen {
	c, err := parseCount(body)
	if err != nil {
		var refusal *provider.Refusal
		if errors.As(err, &refusal) {
			return provider.Seen{Refusal: refusal}
		}
		return provider.Seen{}
	}
	return provider.Seen{Usage: c.Used(), Ended: true}
}
