package visitor_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"tollgate/internal/visitor"
)

var trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

func TestOnlyTrustedProxiesAreBelieved(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, remote string
		forwarded    []string
		trusted      []netip.Prefix
		want         string // empty: not known
	}{
		{"a client itself", "203.0.113.7:4000", nil, trusted, "203.0.113.7"},
		{"a client that claims another address", "203.0.113.7:4000", []string{"9.9.9.9"}, trusted, "203.0.113.7"},
		{"no proxy is trusted", "10.0.0.1:4000", []string{"9.9.9.9"}, nil, "10.0.0.1"},
		{"behind a proxy", "10.0.0.1:4000", []string{"203.0.113.7"}, trusted, "203.0.113.7"},
		{"what the client put in front", "10.0.0.1:4000", []string{"9.9.9.9, 203.0.113.7"}, trusted, "203.0.113.7"},
		{"two headers", "10.0.0.1:4000", []string{"9.9.9.9", "203.0.113.7, 10.0.0.2"}, trusted, "203.0.113.7"},
		{"an unreadable hop", "10.0.0.1:4000", []string{"203.0.113.7, unknown"}, trusted, ""},
		{"a proxy that says nothing", "10.0.0.1:4000", nil, trusted, ""},
		{"a proxy that calls by itself", "10.0.0.1:4000", []string{"10.0.0.9"}, trusted, "10.0.0.1"},
		{"IPv6 with port and brackets", "[fd00::1]:4000", []string{"[2001:db8::7]:99"}, trusted, "2001:db8::7"},
		{"a mapped address", "[::ffff:10.0.0.1]:4000", []string{"::ffff:203.0.113.7"}, trusted, "203.0.113.7"},
		{"no address at all", "pipe", nil, trusted, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tt.remote
			for _, f := range tt.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			var want netip.Addr
			if tt.want != "" {
				want = netip.MustParseAddr(tt.want)
			}
			if got := visitor.Address(r, tt.trusted); got != want {
				t.Errorf("Address = %v, want %v", got, want)
			}
			var seen string
			visitor.Believe(tt.trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.RemoteAddr })).ServeHTTP(nil, r)
			if len(tt.trusted) == 0 {
				if seen != tt.remote {
					t.Errorf("RemoteAddr = %q was touched", seen)
				}
				return
			}
			if ap, _ := netip.ParseAddrPort(seen); ap.Addr() != want {
				t.Errorf("RemoteAddr = %q, want %v", seen, want)
			}
		})
	}
}
