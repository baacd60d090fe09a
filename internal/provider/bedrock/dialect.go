// Package bedrock is what Amazon Bedrock offers beside the makers' own protocols: Converse, one protocol for the models of all makers,
// and InvokeModel with the bodies of those embedding models that have no other way in. Anthropic's models by InvokeModel are
// package anthropic's.
//
// No client speaks these dialects: they are targets only, and every call is translated. What a model of one maker takes and another's
// refuses is in model.go; a name that is not known there is asked for the least.
package bedrock

import (
	"errors"
	"net/http"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/aws"
	"tollgate/internal/provider/wire"
)

// Converse is the dialect of Converse and ConverseStream.
type Converse struct{ provider.EventStream }

var _ provider.ChatTarget = Converse{}

// Name is "bedrock-converse".
func (Converse) Name() provider.Name { return provider.BedrockConverse }

// Operation is chat.
func (Converse) Operation() provider.Operation { return provider.Chat }

// Carries nothing: no client speaks it.
func (Converse) Carries() []provider.Name { return nil }

// Path names the model and whether a stream is wanted.
func (Converse) Path(h provider.Head, model string) string {
	if h.Stream {
		return aws.ModelPath(model, "converse-stream")
	}
	return aws.ModelPath(model, "converse")
}

// Edits are none: no body is carried.
func (Converse) Edits([]byte, provider.Head, string) []wire.Edit { return nil }

// NewTap sees what a reader sees and forwards nothing.
func (c Converse) NewTap(provider.Head) provider.Tap { return provider.Follow(c.NewReader()) }

// Inspect reads what settling needs from a whole answer.
func (c Converse) Inspect(body []byte) provider.Seen {
	r, err := c.ParseResponse(body)
	if err != nil {
		var refusal *provider.Refusal
		if errors.As(err, &refusal) {
			return provider.Seen{Refusal: refusal}
		}
		return provider.Seen{}
	}
	seen := provider.Seen{Usage: r.Usage, Finish: r.Finish, ID: r.ID, Model: r.Model, Started: len(r.Parts) > 0, Ended: true}
	for _, p := range r.Parts {
		seen.OutputBytes += int64(len(p.Text) + len(p.Args) + len(p.Data))
	}
	return seen
}

// Headers reads what an answer tells outside its body: its id.
func (Converse) Headers(h http.Header, s *provider.Seen) { headers(h, s) }

// headers reads the id of an answer, and what InvokeModel counted where the model's own body does not say it.
func headers(h http.Header, s *provider.Seen) {
	if s.ID == "" {
		s.ID = h.Get("X-Amzn-Requestid")
	}
	if s.Usage.Source != chat.Unknown {
		return
	}
	var in, out wire.Count
	in.Read([]byte(h.Get("X-Amzn-Bedrock-Input-Token-Count")))
	out.Read([]byte(h.Get("X-Amzn-Bedrock-Output-Token-Count")))
	if in.Known || out.Known {
		s.Usage = chat.Usage{Units: chat.Units{chat.Input: in.N, chat.Output: out.N}, Source: chat.Reported}
	}
}

// ParseRefusal classifies a non-2xx answer.
func (Converse) ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	return aws.ParseRefusal(status, h, body)
}
