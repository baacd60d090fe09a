// Package egress is the only way out for URLs that users give: provider base URLs today, webhooks later.
//
// A Policy decides by address, not by name, and it decides in the dialer's control hook: after resolution, for each address,
// just before connect(2). So a name that resolves to a private address, or to a public one now and a private one later,
// gets no connection. Without configuration only globally routable addresses are reached, over TLS, on port 443. An operator
// opens ranges (a model server in the own network); addresses in them may be called on any port and without TLS.
// Addresses of cloud metadata services are never reached, opened or not.
//
// Redirects are not followed and proxies of the environment are not used.
package egress

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"tollgate/internal/fault"
)

// The failures of this package.
var (
	// ErrBlocked is an address that the policy does not let us call. It comes out of a dial, wrapped by net and url errors.
	ErrBlocked = fault.New(fault.Upstream, "egress.blocked", "This address may not be called: the operator's network policy does not allow it.")
	// ErrURL is a URL that is refused in a form; it names the field and says why.
	ErrURL = fault.New(fault.Invalid, "egress.invalid_url", "This URL cannot be used.")
	// ErrTooLarge is an answer beyond the limit of a small call.
	ErrTooLarge = fault.New(fault.Upstream, "egress.too_large", "The answer is larger than expected.")
)

// Policy says which addresses may be called. The zero Policy allows global addresses on port 443 over TLS. It is immutable.
type Policy struct {
	open     []netip.Prefix
	resolver *net.Resolver
}

// New makes a policy with opened ranges.
func New(open []netip.Prefix) *Policy { return NewWithResolver(open, nil) }

// NewWithResolver is New with another resolver than the system's.
func NewWithResolver(open []netip.Prefix, r *net.Resolver) *Policy {
	p := &Policy{resolver: r}
	for _, o := range open {
		p.open = append(p.open, unmapPrefix(o.Masked()))
	}
	return p
}

// ParseOpen reads ranges as operators write them: "10.0.0.0/8, 127.0.0.1".
func ParseOpen(text string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
		if a, err := netip.ParseAddr(part); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		n, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// channel is how an address is called.
type channel uint8

const (
	plain channel = iota
	encrypted
)

// check is the policy itself.
func (p *Policy) check(to netip.AddrPort, over channel) error {
	a := to.Addr().Unmap().WithZone("")
	switch {
	case isMetadata(a):
		return ErrBlocked
	case p.opened(a):
		return nil
	case over == plain || to.Port() != 443 || !isGlobal(a):
		return ErrBlocked
	}
	return nil
}

func (p *Policy) opened(a netip.Addr) bool {
	for _, o := range p.open {
		if o.Contains(a) {
			return true
		}
	}
	return false
}

// dialer connects to addresses that the policy allows over the channel.
func (p *Policy) dialer(over channel, timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout:   timeout,
		KeepAlive: 30 * time.Second,
		Resolver:  p.resolver,
		Control: func(network, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || (network != "tcp4" && network != "tcp6") {
				return ErrBlocked
			}
			return p.check(to, over)
		},
	}
}

// Tuning sizes a transport. Zero fields have the defaults of Transport.
type Tuning struct {
	Dial         time.Duration // to connect; default 5 s
	TLSHandshake time.Duration // default 5 s
	AnswerHeader time.Duration // from the request's end to the answer's head; default none: the caller has a deadline
	IdleConn     time.Duration // how long an idle connection is kept; default 90 s
	IdlePerHost  int           // idle connections kept for a host; default 64
	ConnsPerHost int           // 0: no bound
	HeaderBytes  int64         // of an answer; default 64 KiB
	WriteBuffer  int           // bytes; 0: net/http's
	ReadBuffer   int           // bytes; 0: net/http's
	HTTP1        bool          // do not offer HTTP/2
	TLS          *tls.Config   // base configuration; nil: the system's roots. For private roots and tests
}

// Transport makes a transport that dials by the policy. It follows no redirect, uses no proxy and asks for no compression.
func (p *Policy) Transport(t Tuning) *http.Transport {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.TLS != nil {
		config = t.TLS.Clone()
	}
	config.NextProtos = []string{"h2", "http/1.1"}
	if t.HTTP1 {
		config.NextProtos = []string{"http/1.1"}
	}
	dial, handshake := orElse(t.Dial, 5*time.Second), orElse(t.TLSHandshake, 5*time.Second)
	secure := p.dialer(encrypted, dial)
	return &http.Transport{
		Proxy:       nil,
		DialContext: p.dialer(plain, dial).DialContext,
		// TLS has its own dialer, since which addresses are allowed depends on it.
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialTLS(ctx, secure, config, handshake, network, address)
		},
		ForceAttemptHTTP2:      !t.HTTP1,
		DisableCompression:     true,
		MaxIdleConns:           0,
		MaxIdleConnsPerHost:    orElse(t.IdlePerHost, 64),
		MaxConnsPerHost:        t.ConnsPerHost,
		IdleConnTimeout:        orElse(t.IdleConn, 90*time.Second),
		ResponseHeaderTimeout:  t.AnswerHeader,
		MaxResponseHeaderBytes: orElse(t.HeaderBytes, 64<<10),
		WriteBufferSize:        t.WriteBuffer,
		ReadBufferSize:         t.ReadBuffer,
	}
}

func dialTLS(ctx context.Context, d *net.Dialer, base *tls.Config, handshake time.Duration, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	raw, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := base
	if config.ServerName == "" {
		config = base.Clone()
		config.ServerName = host
	}
	ctx, cancel := context.WithTimeout(ctx, handshake)
	defer cancel()
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return conn, nil
}

func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}
