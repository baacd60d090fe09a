package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"tollgate/internal/key"
	"tollgate/internal/snapshot"
)

// authenticate finds the virtual key. Form and checksum are looked at first, so that junk costs no lookup. Once the key is known
// the call belongs to its organization, and its refusals are recorded too.
func (g *Gateway) authenticate(c *Call) error {
	k, err := g.keyOf(c.req)
	if err != nil {
		return err
	}
	c.Caller.key = k
	return k.Allow(g.addressOf(c.req), c.Surface.endpoint, c.Start)
}

func (g *Gateway) keyOf(r *http.Request) (*snapshot.Key, error) {
	snap := g.Snapshots()
	if snap == nil {
		return nil, ErrStarting
	}
	text := presented(r)
	if text == "" {
		return nil, key.ErrMissing
	}
	secret, err := key.ParseSecret(text)
	if err != nil {
		return nil, err
	}
	k, ok := snap.Key(g.Hash(secret))
	if !ok {
		return nil, key.ErrUnknown
	}
	return k, nil
}

// presented is the key as sent, by whichever of the clients' ways. A bearer token stands before the others, because clients that
// are told to use one still send an empty or stale x-api-key.
func presented(r *http.Request) string {
	if v := r.Header.Get("Authorization"); v != "" {
		if scheme, token, ok := strings.Cut(v, " "); ok && strings.EqualFold(scheme, "Bearer") {
			if token = strings.TrimSpace(token); token != "" {
				return token
			}
		}
	}
	for _, name := range [...]string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		if v := strings.TrimSpace(r.Header.Get(name)); v != "" {
			return v
		}
	}
	if r.URL.RawQuery != "" {
		return r.URL.Query().Get("key")
	}
	return ""
}

// addressOf is the client's address: the connection's own, or, when that is a trusted proxy's, the last address in
// X-Forwarded-For that is not a trusted proxy's too. Nothing else that a client says is believed.
func (g *Gateway) addressOf(r *http.Request) netip.Addr {
	peer := parseAddr(r.RemoteAddr)
	if len(g.cfg.TrustedProxies) == 0 || !g.trusted(peer) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a := parseAddr(strings.TrimSpace(hops[i]))
		if !a.IsValid() {
			return netip.Addr{} // an unreadable hop ends the chain of trust
		}
		if !g.trusted(a) {
			return a
		}
	}
	return peer
}

func (g *Gateway) trusted(a netip.Addr) bool {
	for _, p := range g.cfg.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddr reads an address with or without a port; the zero Addr is what cannot be read.
func parseAddr(s string) netip.Addr {
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

// latency is what is ours of a call that has come this far.
func (c *Call) latency(now time.Time) time.Duration {
	return max(now.Sub(c.Start)-c.Work.waited-c.client.waited(), 0)
}
