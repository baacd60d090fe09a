package rest

import (
	"context"
	"net/http"
	"net/netip"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Authenticator proves who sends a request. It fails with a declared Unauthenticated fault.
type Authenticator interface {
	Authenticate(ctx context.Context, r *http.Request) (Caller, error)
}

// Caller is who sends a request, proven.
type Caller struct {
	Scope   tenant.Scope
	Session id.Session // empty for a management token
}

// Visitor is where a request comes from, before anybody is authenticated.
type Visitor struct {
	IP        netip.Addr // of the connection; never from a header
	UserAgent string
}

// VisitorOf reads where a request comes from.
func VisitorOf(r *http.Request) Visitor {
	v := Visitor{UserAgent: r.UserAgent()}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		v.IP = ap.Addr().Unmap()
	}
	if len(v.UserAgent) > 256 {
		v.UserAgent = v.UserAgent[:256]
	}
	return v
}

// exchange is what the middleware learns about one request. It is private to the kit: handlers get the parts as parameters.
type exchange struct {
	requestID string
	visitor   Visitor
	route     *Route // nil: no such route
	caller    Caller
	body      []byte
}

type exchangeKey struct{}

func (x *exchange) routeName() string {
	if x.route == nil {
		return "none"
	}
	return x.route.Method + " " + x.route.Path
}

// exchangeOf never gives nil: the first middleware puts one there.
func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}
