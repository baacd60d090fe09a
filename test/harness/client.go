package harness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"tollgate/test/replay"
)

// Client is an application that calls models through the gateway.
type Client struct {
	URL string
	Key string

	http *http.Client
}

// Client makes an application with a virtual key.
func (a *App) Client(key string) *Client { return newClient(a.Gateway, key) }

// Reply is what an application got.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Failed describes a reply that is no good answer; nil for one that is.
func (r *Reply) Failed() error {
	if r.Status == http.StatusOK {
		return nil
	}
	return fmt.Errorf("status %d: %.400s", r.Status, r.Body)
}

// Path is a dialect's chat endpoint.
func Path(dialect string) string {
	if dialect == replay.Anthropic {
		return "/v1/messages"
	}
	return "/v1/chat/completions"
}

// Request builds a chat call as the SDKs of the dialect do.
func (c *Client) Request(ctx context.Context, dialect string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+Path(dialect), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if dialect == replay.Anthropic {
		req.Header.Set("X-Api-Key", c.Key)
		req.Header.Set("Anthropic-Version", "2023-06-01")
	} else {
		req.Header.Set("Authorization", "Bearer "+c.Key)
	}
	return req, nil
}

// Chat sends one call and reads the whole answer. An answer that breaks off is an error, with what came of it.
func (c *Client) Chat(ctx context.Context, dialect string, body []byte, header ...string) (*Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := c.Request(ctx, dialect, body)
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return c.Do(req)
}

// Do sends any request.
func (c *Client) Do(req *http.Request) (*Reply, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		err = fmt.Errorf("the answer broke off: %w", err)
	}
	return &Reply{Status: resp.StatusCode, Header: resp.Header, Body: got}, err
}

// Ask is a small openai-chat request.
func Ask(model, user string, stream bool) []byte {
	if stream {
		return fmt.Appendf(nil, `{"model":%q,"user":%q,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Say something."}]}`, model, user)
	}
	return fmt.Appendf(nil, `{"model":%q,"user":%q,"messages":[{"role":"user","content":"Say something."}]}`, model, user)
}
