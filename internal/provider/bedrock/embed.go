package bedrock

import (
	"net/http"
	"strings"

	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/aws"
	"tollgate/internal/provider/cohere"
	"tollgate/internal/provider/wire"
)

// invoke is what the embedding dialects have in common: InvokeModel, whose body is the model's maker's. How many tokens were counted
// stands in a header where the body does not say it.
type invoke struct{ provider.NoStream }

// Operation is embeddings.
func (invoke) Operation() provider.Operation { return provider.Embed }

// Carries nothing: no client speaks these.
func (invoke) Carries() []provider.Name { return nil }

// Path names the model.
func (invoke) Path(_ provider.Head, model string) string { return aws.ModelPath(model, "invoke") }

// Edits are none: no body is carried.
func (invoke) Edits([]byte, provider.Head, string) []wire.Edit { return nil }

// Headers reads what an answer tells outside its body.
func (invoke) Headers(h http.Header, s *provider.Seen) { headers(h, s) }

// ParseRefusal classifies a non-2xx answer.
func (invoke) ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	return aws.ParseRefusal(status, h, body)
}

// Cohere is the dialect of Cohere's embedding models: its own body, without the model.
type Cohere struct{ invoke }

var (
	_ provider.Target                                = Cohere{}
	_ provider.Writes[embed.Request, embed.Response] = Cohere{}
)

// Name is "bedrock-cohere-embed".
func (Cohere) Name() provider.Name { return provider.BedrockCohere }

// BuildRequest encodes a call. Models before the fourth take neither dimensions nor images among texts.
func (Cohere) BuildRequest(r embed.Request) ([]byte, error) {
	fourth := strings.Contains(r.Model, "embed-v4")
	if r.Dimensions > 0 && !fourth {
		if err := provider.Refuse(r.How, "dimensions"); err != nil {
			return nil, err
		}
		r.Dimensions = 0
	}
	out, err := cohere.EmbedBody(r)
	if err != nil {
		return nil, err
	}
	if len(out.Inputs) > 0 && !fourth {
		return nil, provider.ErrUnsupported.Say("This model embeds texts only.").At("input")
	}
	return wire.Marshal(out), nil
}

// ParseResponse decodes a whole answer.
func (Cohere) ParseResponse(body []byte) (embed.Response, error) { return cohere.ParseEmbed(body) }

// Inspect reads what settling needs, without looking into the vectors.
func (Cohere) Inspect(body []byte) provider.Seen { return cohere.Embed{}.Inspect(body) }
