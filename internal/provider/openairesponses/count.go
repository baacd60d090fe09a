package openairesponses

import (
	"encoding/json"
	"maps"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// Count is the dialect of counting a call's tokens: the body of a call, as far as it has tokens, is answered with their number.
type Count struct {
	openaichat.Envelope
	openaichat.Refusals
}

var (
	_ provider.Client                          = Count{}
	_ provider.Target                          = Count{}
	_ provider.Codec[chat.Request, chat.Count] = Count{}
)

// Name is "openai-count".
func (Count) Name() provider.Name { return provider.OpenAICount }

// Operation is counting.
func (Count) Operation() provider.Operation { return provider.Count }

// Path is the endpoint below the base URL.
func (Count) Path(provider.Head, string) string { return "/responses/input_tokens" }

// Carries its own bodies.
func (Count) Carries() []provider.Name { return []provider.Name{provider.OpenAICount} }

// Streams is never true.
func (Count) Streams(string) bool { return false }

// Probe scans a request body once. A count is never streamed.
func (Count) Probe(body []byte, at provider.Line) (provider.Head, error) {
	h, err := Dialect{}.Probe(body, at)
	h.Stream = false
	return h, err
}

// Edits are those of a call.
func (Count) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	return Dialect{}.Edits(body, h, model)
}

// NewTap is for streams, of which there are none.
func (Count) NewTap(h provider.Head) provider.Tap { return Dialect{}.NewTap(h) }

// ParseRequest decodes a client's body.
func (Count) ParseRequest(body []byte) (chat.Request, error) { return Dialect{}.ParseRequest(body) }

// uncounted are fields of a call that have no tokens: what is counted is the same without them.
var uncounted = [...]string{
	"frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs", logprobs, "n", "store", "background", "moderation",
}

// BuildRequest encodes the part of a call that has tokens.
func (Count) BuildRequest(r chat.Request) ([]byte, error) {
	b := builder{r: r, own: r.Dialect == dialectName}
	out := b.common()
	left := maps.Clone(r.Unmapped)
	for _, name := range uncounted {
		delete(left, name)
	}
	shared := map[string]json.RawMessage{}
	if b.own {
		for _, name := range [...]string{"text", "reasoning"} {
			b.members(&out, name, left)
		}
		for _, name := range [...]string{"previous_response_id", "conversation", "truncation", "tool_choice"} {
			if raw, ok := left[name]; ok {
				shared[name] = raw
				delete(left, name)
			}
		}
		delete(left, "item_reference")
		delete(left, searches)
	}
	b.note(provider.CheckLeft(r.Encoding, left))
	if b.err != nil {
		return nil, b.err
	}
	return addFields(wire.Marshal(out), shared), nil
}

// ParseResponse decodes a count.
func (Count) ParseResponse(body []byte) (chat.Count, error) {
	n, ok := wire.Int(member(body, "input_tokens"))
	if !ok || n < 0 {
		if r := openaichat.StreamRefusal(body); r != nil {
			return chat.Count{}, r
		}
		return chat.Count{}, provider.ErrBadAnswer
	}
	return chat.Count{Input: n}, nil
}

// AppendResponse writes a count.
func (Count) AppendResponse(dst []byte, c chat.Count) []byte {
	dst = append(dst, `{"object":"response.input_tokens","input_tokens":`...)
	return append(appendInt(dst, c.Input), '}')
}

// Inspect reads what settling needs: counting is free.
func (c Count) Inspect(body []byte) provider.Seen {
	if _, err := c.ParseResponse(body); err != nil {
		seen := provider.Seen{Refusal: openaichat.StreamRefusal(body)}
		return seen
	}
	return provider.Seen{Started: true, Ended: true, Usage: chat.Usage{Source: chat.Reported}}
}
