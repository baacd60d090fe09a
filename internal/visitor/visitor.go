// Package visitor says who is at the other end of a request.
//
// It is the connection's own address, or, when that is a proxy that the operator trusts, the last address in X-Forwarded-For that is
// not a trusted proxy's too. Nothing else that a client says is believed: a client writes what it likes in front of what the first
// trusted proxy has added.
package visitor

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Address is the client's address; the zero Addr where it cannot be read.
func Address(r *http.Request, trusted []netip.Prefix) netip.Addr {
	direct := parse(r.RemoteAddr)
	if len(trusted) == 0 || !within(trusted, direct) {
		return direct
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a := parse(strings.TrimSpace(hops[i]))
		if !a.IsValid() {
			return netip.Addr{} // an unreadable hop ends the chain of trust
		}
		if !within(trusted, a) {
			return a
		}
	}
	return direct
}

// Believe gives h requests whose RemoteAddr is the client's address, so that nothing behind it has to know of proxies. The port is
// the proxy's affair and becomes 0.
func Believe(trusted []netip.Prefix, h http.Handler) http.Handler {
	if len(trusted) == 0 {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told := *r
		told.RemoteAddr = ""
		if a := Address(r, trusted); a.IsValid() {
			told.RemoteAddr = netip.AddrPortFrom(a, 0).String()
		}
		h.ServeHTTP(w, &told)
	})
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// parse reads an address with or without a port.
func parse(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
