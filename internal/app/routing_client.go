package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/alias/aliasfile"
	"tollgate/internal/alias/aliashttp"
)

// routingClient talks to the routing file of one organization, by its management token.
type routingClient struct {
	base, token string
	http        *http.Client
}

func newRoutingClient(api, token string) (*routingClient, error) {
	api = strings.TrimSuffix(strings.TrimRight(api, "/"), "/api/v1")
	switch {
	case !strings.HasPrefix(api, "http://") && !strings.HasPrefix(api, "https://"):
		return nil, errors.New("--api (TOLLGATE_API) is the address of the dashboard, such as https://tollgate.example.com")
	case token == "":
		return nil, errors.New("set TOLLGATE_TOKEN (or --token) to a management token; the dashboard's settings make one")
	}
	return &routingClient{base: api + "/api/v1", token: token, http: &http.Client{Timeout: time.Minute}}, nil
}

// refused is an answer of the API that is no success.
type refused struct {
	status       int
	Code, Detail string
}

func (r *refused) Error() string {
	if r.Detail == "" {
		return "the API answers " + strconv.Itoa(r.status) + " " + http.StatusText(r.status)
	}
	return r.Detail
}

func (c *routingClient) do(ctx context.Context, method, path, match string, body, into any) error {
	var send io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		send = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, send)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	if match != "" {
		req.Header.Set("If-Match", match)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("no Tollgate answers at %s: %w", c.base, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		r := &refused{status: res.StatusCode}
		_ = json.Unmarshal(answer, r) // what is no problem document has no detail
		return r
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("what answers at %s is not Tollgate's API", c.base)
	}
	return nil
}

// current is the file as it stands.
func (c *routingClient) current(ctx context.Context) (r aliashttp.Routing, err error) {
	return r, c.do(ctx, http.MethodGet, "/routing", "", nil, &r)
}

// version is an old one.
func (c *routingClient) version(ctx context.Context, number int) (r aliashttp.Routing, err error) {
	return r, c.do(ctx, http.MethodGet, "/routing/versions/"+strconv.Itoa(number), "", nil, &r)
}

// check tells what is wrong with a text and what it would change.
func (c *routingClient) check(ctx context.Context, text string) (v aliashttp.RoutingVerdict, err error) {
	return v, c.do(ctx, http.MethodPost, "/routing/check", "", map[string]string{"yaml": text}, &v)
}

// rehearsed is what a file would have meant for yesterday's calls, as far as a terminal shows it.
type rehearsed struct {
	Day     time.Time `json:"day"`
	Calls   int       `json:"calls"`
	Looked  int       `json:"looked_at"`
	Moved   int       `json:"moved"`
	Refused int       `json:"refused"`
	Freed   int       `json:"freed"`
	Before  int64     `json:"before_nano_usd,string"`
	After   int64     `json:"after_nano_usd,string"`
	Aliases []struct {
		Alias   string `json:"alias"`
		Calls   int    `json:"calls"`
		Moved   int    `json:"moved"`
		Refused int    `json:"refused"`
		Before  int64  `json:"before_nano_usd,string"`
		After   int64  `json:"after_nano_usd,string"`
		Why     string `json:"why_refused"`
	} `json:"aliases"`
}

// rehearse asks what a text would have meant for yesterday's calls.
func (c *routingClient) rehearse(ctx context.Context, text string) (r rehearsed, err error) {
	return r, c.do(ctx, http.MethodPost, "/routing/rehearse", "", map[string]string{"yaml": text}, &r)
}

// apply makes a text the routing file. match is the version it was made from, or * for any.
func (c *routingClient) apply(ctx context.Context, text, message, match string) (r aliashttp.Routing, err error) {
	body := map[string]string{"yaml": aliasfile.Unstamped(text), "message": message}
	return r, c.do(ctx, http.MethodPut, "/routing", match, body, &r)
}
