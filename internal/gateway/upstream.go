package gateway

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"tollgate/internal/credential"
	"tollgate/internal/egress"
	"tollgate/internal/provider"
)

// request builds what is sent to the provider. Only the client's headers that the vendor's file names are passed on; nothing that
// a client sends chooses the host or the credential, and of the path only the model.
func (g *Gateway) request(ctx context.Context, c *Call, t *try) *http.Request {
	body, u := t.body, t.at
	v := t.target.Vendor
	h := make(http.Header, 8)
	h["User-Agent"] = userAgent
	h["Accept"] = jsonType
	switch {
	case c.Ask.head.Stream:
		h["Accept"] = acceptStream
	case !t.dialect.Operation().Object():
		h["Accept"] = acceptAny
	}
	for name, value := range v.Headers {
		h.Set(name, value)
	}
	for _, name := range v.Forward {
		if strings.EqualFold(name, t.flagged) {
			continue // the header policy has judged it
		}
		if values := c.req.Header.Values(name); len(values) > 0 {
			h[http.CanonicalHeaderKey(name)] = values
		}
	}
	t.forwardFlags(h)
	req := &http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host, Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody,
	}
	if t.bridge == nil && t.head.Line.Method != "" {
		req.Method = t.head.Line.Method
	}
	if len(body) == 0 {
		return req.WithContext(ctx)
	}
	h["Content-Type"] = jsonType
	if t.bridge == nil && strings.HasPrefix(t.head.Line.ContentType, "multipart/") {
		h["Content-Type"] = []string{t.head.Line.ContentType}
	}
	req.ContentLength = int64(len(body))
	req.Body = c.lend(body)
	req.GetBody = func() (io.ReadCloser, error) { return c.lend(body), nil }
	return req.WithContext(ctx)
}

var (
	jsonType     = []string{"application/json"}
	acceptStream = []string{"text/event-stream"}
	acceptAny    = []string{"*/*"}
	userAgent    = []string{"tollgate"}
)

// sign puts the credential in. Nothing of the request may change afterwards.
func (g *Gateway) sign(ctx context.Context, c *Call, t *try, req *http.Request) *provider.Refusal {
	cred := t.target.Credential
	if cred == nil {
		return nil
	}
	v := t.target.Vendor
	err := g.Signer.Sign(ctx, req, t.body, cred.Use(c.Caller.key.Org.ID, cmp.Or(t.way.Auth, v.Auth), v.Service, cred.Secret))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, egress.ErrBlocked):
		return connectRefusal(ErrProviderBlocked)
	case errors.Is(err, credential.ErrTokenUnreachable):
		return connectRefusal(err)
	case ctx.Err() != nil:
		return g.lost(ctx, c, err)
	}
	return &provider.Refusal{Class: provider.ClassCredential, Code: "unusable", Message: explain(err)}
}

// endpoint is where the call goes.
func (t *try) endpoint() endpoint {
	base, settings := t.target.BaseURL, map[string]string(nil)
	if t.target.Credential != nil {
		settings = t.target.Credential.Settings
	}
	if t.way.BaseURL != "" {
		base = (&provider.Vendor{BaseURL: t.way.BaseURL}).Base(settings)
	}
	path := t.dialect.Path(t.head, t.target.Model)
	if t.way.Prefix == "" && t.way.Path == "" {
		return endpoint{base, path}
	}
	return endpoint{t.way.Address(base, path, t.target.Model, settings), ""}
}

// lent is a request body on its way. The transport may still be sending when the answer is already here; so the call counts what
// it lent, and its buffer goes back to the pool only when everything has come back. Otherwise another call's bytes could be sent.
type lent struct {
	bytes.Reader
	body   []byte
	count  *atomic.Int32
	taken  *atomic.Bool // it was read: there is a connection, and the provider may have the request
	closed atomic.Bool
}

func (c *Call) lend(body []byte) io.ReadCloser {
	l := &lent{body: body, count: &c.lent, taken: &c.reached}
	l.Reset(body)
	c.lent.Add(1)
	return l
}

// rest is what has not been read, for a transport that sends it in one go.
func (l *lent) rest() []byte {
	l.taken.Store(true)
	return l.body[len(l.body)-l.Len():]
}

// Read implements io.Reader.
func (l *lent) Read(p []byte) (int, error) {
	l.taken.Store(true)
	return l.Reader.Read(p)
}

// WriteTo implements io.WriterTo.
func (l *lent) WriteTo(w io.Writer) (int64, error) {
	l.taken.Store(true)
	return l.Reader.WriteTo(w)
}

// Close is called by the transport once it needs the body no more.
func (l *lent) Close() error {
	if l.closed.CompareAndSwap(false, true) {
		l.count.Add(-1)
	}
	return nil
}

// endpoints remembers parsed addresses: there are as many as credentials have base URLs and models stand in paths. What is longer than
// any of these is not kept.
type endpoints struct{ memo[endpoint, *url.URL] }

type endpoint struct{ base, path string }

// endpointKept bounds an address that is remembered, in bytes.
const endpointKept = 512

// errCrooked is an address with a step back in its path. A model's name or a file's could reach another endpoint of the provider so,
// with the organization's credential; escaping does not help against servers that unescape a path before they tidy it up.
var errCrooked = errors.New("gateway: the path has a step back")

// crooked reports a segment "." or ".." of an unescaped path, also where a server takes a backslash for a slash.
func crooked(path string) bool {
	if !strings.Contains(path, ".") {
		return false
	}
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

func (e *endpoints) url(at endpoint) (*url.URL, error) {
	if u, ok := e.find(at); ok {
		return u, nil
	}
	u, err := url.Parse(strings.TrimRight(at.base, "/") + at.path)
	if err != nil {
		return nil, err
	}
	if twice, err := url.PathUnescape(u.Path); crooked(u.Path) || err == nil && crooked(twice) {
		return nil, errCrooked
	}
	if len(at.base)+len(at.path) > endpointKept {
		return u, nil
	}
	e.keep(at, u)
	return u, nil
}
