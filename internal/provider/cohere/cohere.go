// Package cohere is the dialects of Cohere's API, version 2: chat, embeddings and reranking.
//
// What is billed stands in billed_units, and is less than what the model read: Cohere adds a prompt of its own to every call and does
// not charge for it. Counted are the billed units, so that a cost is what Cohere charges; cached_tokens belong to the tokens that were
// read and have no price, and are passed over. Where there are no billed units the tokens count.
//
// Rerank is the one of the three with a client's end: its form is what other vendors (Jina, OpenRouter) and clients speak too.
package cohere

import (
	"net/http"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// Refusals reads Cohere's errors: {"id": …, "message": …, "error_type": …}. Targets of the family embed it.
type Refusals struct{}

// ParseRefusal classifies a non-2xx answer.
func (Refusals) ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	r := openaichat.Refusals{}.ParseRefusal(status, h, body)
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		if string(w.Key) == "error_type" {
			r.Type, _ = wire.String(w.Value())
		}
	}
	switch status {
	case 498: // a word of the deny list, in the prompt or the answer
		r.Class = provider.ClassContent
	case http.StatusNotImplemented: // the model cannot do that
		r.Class = provider.ClassInvalid
	default:
		r.Class = provider.Classify(status, r.Type, r.Code, r.Message)
	}
	return r
}

// billed is what meta or usage says.
type billed struct {
	input, output, images, searches wire.Count // billed_units
	tokensIn, tokensOut             wire.Count // tokens
	reasoning, tokenImages          wire.Count
	cached                          wire.Count
}

// readBilled reads an object with billed_units, tokens and cached_tokens; false when it is none.
func readBilled(raw []byte) (b billed, ok bool) {
	m := wire.Walk(raw)
	for m.Next() && m.IsObject() {
		v := m.Value()
		switch string(m.Key) {
		case "billed_units":
			each(v, map[string]*wire.Count{
				"input_tokens": &b.input, "output_tokens": &b.output, "image_tokens": &b.images, "search_units": &b.searches,
			})
		case "tokens":
			each(v, map[string]*wire.Count{
				"input_tokens": &b.tokensIn, "output_tokens": &b.tokensOut, "reasoning_tokens": &b.reasoning, "image_tokens": &b.tokenImages,
			})
		case "cached_tokens":
			b.cached.Read(v)
		}
	}
	return b, m.IsObject() && m.Err() == nil
}

func each(raw []byte, into map[string]*wire.Count) {
	if raw[0] != '{' {
		return
	}
	m := wire.Walk(raw)
	for m.Next() {
		if c := into[string(m.Key)]; c != nil {
			c.Read(m.Value())
		}
	}
}

// chatUsage gives the disjoint classes of a chat call. Of what is billed, image and reasoning tokens are parts.
func chatUsage(raw []byte) chat.Usage {
	b, ok := readBilled(raw)
	if !ok {
		return chat.Usage{}
	}
	var u chat.Units
	in, out := b.input, b.output
	if !in.Known && !out.Known {
		in, out = b.tokensIn, b.tokensOut
		u[chat.CacheRead] = take(&in.N, b.cached.N)
	}
	if !in.Known && !out.Known && !b.searches.Known {
		return chat.Usage{}
	}
	u[chat.InputImage] = take(&in.N, b.tokenImages.N)
	u[chat.Input] = in.N
	u[chat.Reasoning] = take(&out.N, b.reasoning.N)
	u[chat.Output] = out.N
	u[chat.SearchUnits] = b.searches.N
	return chat.Usage{Units: u, Source: chat.Reported}
}

// take moves up to n from the pool.
func take(pool *int64, n int64) int64 {
	n = min(n, *pool)
	*pool -= n
	return n
}
