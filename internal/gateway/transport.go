package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"tollgate/internal/egress"
)

// idlePerHost is how many idle connections to one provider are kept: what a burst opened serves the next one.
const idlePerHost = 1024

// NewTransport is the client side of the data plane: connections to providers, by the egress policy. It follows no redirect, reads
// no proxy from the environment, and leaves bodies as they come.
func NewTransport(p *egress.Policy) http.RoundTripper {
	secure := p.Transport(egress.Tuning{IdlePerHost: idlePerHost})
	secure.DialContext, secure.DialTLSContext = dialing(secure.DialContext), dialing(secure.DialTLSContext)
	return &transport{secure: secure, plain: &plain{dial: secure.DialContext}}
}

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

// connectKey is where a request's context holds the longest time for a connection, where its route says one.
type connectKey struct{}

// errNoConnection is a connection that did not come about in time.
var errNoConnection = errors.New("no connection in time")

// dialing is d with the route's own limit, that tells a connection which took too long from one that was refused.
func dialing(d dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		limited := ctx
		if limit, ok := ctx.Value(connectKey{}).(time.Duration); ok {
			var cancel context.CancelFunc
			limited, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		conn, err := d(limited, network, address)
		if slow := net.Error(nil); err != nil && ctx.Err() == nil && errors.As(err, &slow) && slow.Timeout() {
			return nil, fmt.Errorf("%w: %w", errNoConnection, err)
		}
		return conn, err
	}
}

// transport sends over TLS by net/http, which speaks HTTP/2 to those who can, and without TLS by the plain client.
type transport struct {
	secure *http.Transport
	plain  *plain
}

// RoundTrip sends one request.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" {
		return t.plain.RoundTrip(req)
	}
	return t.secure.RoundTrip(req)
}

// NewServer is the listening side. Only the head of a request has a time limit here: bodies and writes have theirs in the stages,
// and a stream may last as long as it moves.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
