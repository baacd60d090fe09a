package bedrock

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/aws"
	"tollgate/internal/provider/wire"
)

// Count is the dialect of CountTokens: it asks about the body that the call itself would have, InvokeModel's for Claude and
// Converse's for others.
type Count struct{ provider.NoStream }

var (
	_ provider.Target                           = Count{}
	_ provider.Writes[chat.Request, chat.Count] = Count{}
)

// Name is "bedrock-count".
func (Count) Name() provider.Name { return provider.BedrockCount }

// Operation is counting.
func (Count) Operation() provider.Operation { return provider.Count }

// Carries nothing: the body stands inside of another one.
func (Count) Carries() []provider.Name { return nil }

// Path names the model itself: profiles that spread calls over regions cannot be asked.
func (Count) Path(_ provider.Head, model string) string {
	return aws.ModelPath(withoutRegion(model), "count-tokens")
}

// withoutRegion takes the mark of such a profile off a model's id.
func withoutRegion(model string) string {
	for _, region := range [...]string{"us.", "eu.", "apac.", "jp.", "au.", "ca.", "us-gov.", "global."} {
		if rest, ok := strings.CutPrefix(model, region); ok {
			return rest
		}
	}
	return model
}

// Edits are none: no body is carried.
func (Count) Edits([]byte, provider.Head, string) []wire.Edit { return nil }

// BuildRequest encodes the question for a call.
func (Count) BuildRequest(r chat.Request) ([]byte, error) {
	r.Stream = false
	if makerOf(r.Model) == claude {
		body, err := anthropic.Bedrock{}.BuildRequest(r)
		if err != nil {
			return nil, err
		}
		return wire.Marshal(map[string]any{
			"input": map[string]any{"invokeModel": map[string]string{"body": base64.StdEncoding.EncodeToString(body)}},
		}), nil
	}
	out, err := build(r)
	if err != nil {
		return nil, err
	}
	return wire.Marshal(map[string]any{"input": map[string]any{"converse": counted{out.Messages, out.System, out.Tools, out.Additional}}}), nil
}

// counted is what of a body is counted.
type counted struct {
	Messages   []message                  `json:"messages"`
	System     []any                      `json:"system,omitempty"`
	Tools      *toolConfig                `json:"toolConfig,omitempty"`
	Additional map[string]json.RawMessage `json:"additionalModelRequestFields,omitempty"`
}

// ParseResponse decodes the count.
func (Count) ParseResponse(body []byte) (chat.Count, error) {
	var c struct {
		Input   *int64 `json:"inputTokens"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return chat.Count{}, provider.ErrBadAnswer.Because(err)
	}
	switch {
	case c.Input != nil && *c.Input >= 0:
		return chat.Count{Input: *c.Input}, nil
	case c.Message != "":
		return chat.Count{}, &provider.Refusal{Class: provider.ClassServer, Message: c.Message, Body: body}
	}
	return chat.Count{}, provider.ErrBadAnswer
}

// Inspect sees that there is an answer. Counting costs nothing.
func (c Count) Inspect(body []byte) provider.Seen {
	n, err := c.ParseResponse(body)
	if err == nil {
		return provider.Seen{Usage: n.Used(), Ended: true}
	}
	var refusal *provider.Refusal
	if errors.As(err, &refusal) {
		return provider.Seen{Refusal: refusal}
	}
	return provider.Seen{}
}

// ParseRefusal classifies a non-2xx answer.
func (Count) ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	return aws.ParseRefusal(status, h, body)
}
