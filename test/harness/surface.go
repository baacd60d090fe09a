package harness

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tollgate/test/replay"
)

// Surfaces are the dialects of chat that clients of the gateway speak.
func Surfaces() []string {
	return []string{replay.OpenAI, replay.Responses, replay.Anthropic, replay.Gemini}
}

// Endpoint is the path of a chat surface. Gemini's names the model.
func Endpoint(surface, model string, stream bool) string {
	switch surface {
	case replay.Responses:
		return "/v1/responses"
	case replay.Anthropic:
		return "/v1/messages"
	case replay.Gemini:
		if stream {
			return GeminiPath(model, "streamGenerateContent") + "?alt=sse"
		}
		return GeminiPath(model, "generateContent")
	}
	return "/v1/chat/completions"
}

// GeminiPath is the path of an action on a model.
func GeminiPath(model, action string) string {
	segments := strings.Split(model, "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	return "/v1beta/models/" + strings.Join(segments, "/") + ":" + action
}

// Say is a small request of a surface. Streams of openai-chat ask for usage.
func Say(surface, model string, stream bool) []byte {
	switch surface {
	case replay.Responses:
		return fmt.Appendf(nil, `{"model":%q,"input":"Say something.","stream":%v}`, model, stream)
	case replay.Anthropic:
		return fmt.Appendf(nil, `{"model":%q,"max_tokens":1024,"messages":[{"role":"user","content":"Say something."}],"stream":%v}`, model, stream)
	case replay.Gemini:
		return []byte(`{"contents":[{"role":"user","parts":[{"text":"Say something."}]}]}`)
	}
	if stream {
		return fmt.Appendf(nil, `{"model":%q,"messages":[{"role":"user","content":"Say something."}],"stream":true,"stream_options":{"include_usage":true}}`, model)
	}
	return fmt.Appendf(nil, `{"model":%q,"messages":[{"role":"user","content":"Say something."}]}`, model)
}

// Ask builds a small call on a surface as its SDKs do.
func (c *Client) Ask(ctx context.Context, surface, model string, stream bool) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+Endpoint(surface, model, stream), bytes.NewReader(Say(surface, model, stream)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	c.Identify(req, surface)
	return req, nil
}

// Identify shows the key in the way of a surface's SDKs.
func (c *Client) Identify(req *http.Request, surface string) {
	switch surface {
	case replay.Anthropic:
		req.Header.Set("X-Api-Key", c.Key)
		req.Header.Set("Anthropic-Version", "2023-06-01")
	case replay.Gemini:
		req.Header.Set("X-Goog-Api-Key", c.Key)
	default:
		req.Header.Set("Authorization", "Bearer "+c.Key)
	}
}

// HTTP is the client's connections.
func (c *Client) HTTP() *http.Client { return c.http }

// ConnectWith stores a credential with settings. An empty secret is none.
func (o *Tenant) ConnectWith(provider, secret, baseURL string, settings map[string]string) {
	o.app.t.Helper()
	body := map[string]any{"provider": provider, "name": provider + " of the test", "base_url": baseURL}
	if secret != "" {
		body["secret"] = secret
	}
	if settings != nil {
		body["settings"] = settings
	}
	o.Do(http.MethodPost, "/credentials", body).Want(http.StatusCreated)
}
