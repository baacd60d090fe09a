package gateway

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// request builds what is sent to the provider. Only the client's headers that the vendor's file names are passed on; nothing that
// a client sends chooses the host, the path or the credential.
func (g *Gateway) request(ctx context.Context, c *Call, t *try) (*http.Request, error) {
	body := t.body
	u, err := g.ends.url(t.target.BaseURL, t.dialect.Path())
	if err != nil {
		return nil, err
	}
	v := &t.target.Vendor
	h := make(http.Header, 8)
	h["Content-Type"] = jsonType
	h["User-Agent"] = userAgent
	if c.Ask.head.Stream {
		h["Accept"] = acceptStream
	} else {
		h["Accept"] = jsonType
	}
	for name, value := range v.Headers {
		h.Set(name, value)
	}
	for _, name := range v.Forward {
		if values := c.req.Header.Values(name); len(values) > 0 {
			h[http.CanonicalHeaderKey(name)] = values
		}
	}
	if cred := t.target.Credential; cred != nil {
		switch name, custom := strings.CutPrefix(v.Auth, "header:"); {
		case custom:
			h.Set(name, cred.Secret.Reveal())
		case v.Auth == "bearer" && !cred.Secret.Empty():
			h["Authorization"] = []string{"Bearer " + cred.Secret.Reveal()}
		}
	}
	req := &http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host, Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(body)),
		Body:          c.lend(body),
		GetBody:       func() (io.ReadCloser, error) { return c.lend(body), nil },
	}
	return req.WithContext(ctx), nil
}

var (
	jsonType     = []string{"application/json"}
	acceptStream = []string{"text/event-stream"}
	userAgent    = []string{"tollgate"}
)

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

// endpoints remembers parsed addresses. There are as many as credentials have base URLs; beyond a bound it starts over.
type endpoints struct {
	mu    sync.RWMutex
	known map[endpoint]*url.URL
}

type endpoint struct{ base, path string }

const endpointsMax = 10_000

func (e *endpoints) url(base, path string) (*url.URL, error) {
	at := endpoint{base, path}
	e.mu.RLock()
	u := e.known[at]
	e.mu.RUnlock()
	if u != nil {
		return u, nil
	}
	u, err := url.Parse(strings.TrimRight(base, "/") + path)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known == nil || len(e.known) >= endpointsMax {
		e.known = make(map[endpoint]*url.URL)
	}
	e.known[at] = u
	return u, nil
}
