package anthropic

import (
	"net/http"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/aws"
	"tollgate/internal/provider/wire"
)

// Bedrock is this API as Amazon's cloud serves it (InvokeModel): the path names the model and whether a stream is wanted, the body
// the version of the API and the opt-in flags. A stream is frames, each with one of the maker's events in it; a client gets those as the
// server-sent events that they are at the maker's.
type Bedrock struct{ provider.EventStream }

var _ provider.ChatTarget = Bedrock{}

// Name is "anthropic-bedrock".
func (Bedrock) Name() provider.Name { return provider.AnthropicBedrock }

// Operation is chat.
func (Bedrock) Operation() provider.Operation { return provider.Chat }

// Carries the maker's bodies.
func (Bedrock) Carries() []provider.Name { return []provider.Name{provider.AnthropicMessages} }

// Path names the model and whether a stream is wanted.
func (Bedrock) Path(h provider.Head, model string) string {
	if h.Stream {
		return aws.ModelPath(model, "invoke-with-response-stream")
	}
	return aws.ModelPath(model, "invoke")
}

// Edits make the maker's body the cloud's. Flags that the body brought are kept beside those of the head.
func (Bedrock) Edits(body []byte, h provider.Head, _ string) []wire.Edit {
	changes := bedrock.changes(provider.Change{Name: "model"}, provider.Change{Name: "stream"})
	if flags := bodyFlags(body, h.Betas); flags != "" {
		changes = append(changes, provider.Change{Name: "anthropic_beta", Value: flags})
	}
	return merged(provider.MemberEdits(body, changes...), foreignEdits(body))
}

// bodyFlags writes the list of flags; "" when there are none to be written.
func bodyFlags(body []byte, flags []string) string {
	if len(flags) == 0 {
		return ""
	}
	out := []byte{'['}
	seen := make(map[string]bool, len(flags))
	add := func(flag string) {
		if flag == "" || seen[flag] {
			return
		}
		seen[flag] = true
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = wire.AppendString(out, flag)
	}
	for _, flag := range flags {
		add(flag)
	}
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		if string(w.Key) != "anthropic_beta" || w.Value()[0] != '[' {
			continue
		}
		list := wire.Walk(w.Value())
		for list.Next() {
			flag, _ := wire.String(list.Value())
			add(flag)
		}
	}
	return string(append(out, ']'))
}

// BuildRequest encodes a call; see Dialect.BuildRequest.
func (Bedrock) BuildRequest(r chat.Request) ([]byte, error) { return build(r, bedrock) }

// ParseResponse decodes a whole answer, which is the maker's.
func (Bedrock) ParseResponse(body []byte) (chat.Response, error) {
	return Dialect{}.ParseResponse(body)
}

// Inspect reads what settling needs from a whole answer.
func (Bedrock) Inspect(body []byte) provider.Seen { return Dialect{}.Inspect(body) }

// ParseRefusal classifies a non-2xx answer.
func (Bedrock) ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	return aws.ParseRefusal(status, h, body)
}
