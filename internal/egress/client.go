package egress

import (
	"io"
	"net/http"
	"time"
)

// The bounds of a small call.
const (
	clientTimeout     = 5 * time.Second
	clientBodyBytes   = 1 << 20
	clientHeaderBytes = 32 << 10
)

// Client is for small calls to addresses that users gave: testing a credential, a webhook. An answer that takes more than
// 5 s or 1 MiB is an error; a redirect is the answer itself.
func (p *Policy) Client() *http.Client {
	return p.client(Tuning{})
}

func (p *Policy) client(t Tuning) *http.Client {
	t.HeaderBytes, t.IdlePerHost, t.IdleConn = clientHeaderBytes, 2, 15*time.Second
	return &http.Client{
		Transport:     bounded{p.Transport(t)},
		Timeout:       clientTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded cuts answers.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &limited{ReadCloser: resp.Body, left: clientBodyBytes}
	return resp, nil
}

// limited fails, rather than ends, at its bound: a cut answer must not look whole.
type limited struct {
	io.ReadCloser
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := l.ReadCloser.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
