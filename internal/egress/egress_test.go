package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// corpus is every kind of address that is not the public internet.
var corpus = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.255.0.1",
	"169.254.0.1", "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "172.16.0.1", "172.31.255.255", "192.0.0.8",
	"192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
	"239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
	"64:ff9b:1::a00:1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:db8::1", "2002:7f00:1::",
	"2002:a9fe:a9fe::1", "3fff::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fec0::1", "ff02::1", "4000::1",
}

func TestSpecialAddressesAreRefused(t *testing.T) {
	t.Parallel()
	p := New(nil)
	for _, text := range corpus {
		for _, over := range []channel{plain, encrypted} {
			if err := p.check(netip.AddrPortFrom(netip.MustParseAddr(text), 443), over); !errors.Is(err, ErrBlocked) {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

func TestPublicAddressesAreCalledOverTLSOnPort443Only(t *testing.T) {
	t.Parallel()
	p := New(nil)
	for _, text := range []string{"1.1.1.1", "8.8.8.8", "104.18.6.192", "168.63.129.17", "2606:4700::6810:7b7", "2a00:1450:4001::1", "::ffff:8.8.8.8"} {
		a := netip.MustParseAddr(text)
		if err := p.check(netip.AddrPortFrom(a, 443), encrypted); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if p.check(netip.AddrPortFrom(a, 443), plain) == nil || p.check(netip.AddrPortFrom(a, 22), encrypted) == nil {
			t.Errorf("%s is called without TLS or on another port", text)
		}
	}
}

func TestOpenedRangesAreCalledAnyhowButMetadataNever(t *testing.T) {
	t.Parallel()
	open, err := ParseOpen("10.0.0.0/8, 127.0.0.1 ::ffff:192.168.0.0/112,169.254.0.0/16,fd00::/8,168.63.129.16/32")
	if err != nil {
		t.Fatal(err)
	}
	p := New(open)
	for text, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "127.0.0.1": true, "127.0.0.2": false, "192.168.7.7": true, "192.169.0.1": false,
		"169.254.1.1": true, "169.254.169.254": false, "168.63.129.16": false, "fd12::1": true, "fd00:ec2::254": false, "11.0.0.1": false,
	} {
		if err := p.check(netip.AddrPortFrom(netip.MustParseAddr(text), 8080), plain); (err == nil) != want {
			t.Errorf("%s: %v, want allowed %v", text, err, want)
		}
	}
	for _, bad := range []string{"10.0.0.0/33", "localhost", "10.0.0.0/8;x"} {
		if _, err := ParseOpen(bad); err == nil {
			t.Errorf("ParseOpen(%q) accepted", bad)
		}
	}
}

// resolver answers every name with addresses in turn, so that a name can be public first and private after.
func resolver(t *testing.T, answer func(name string) []netip.Addr) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			for _, a := range answer(strings.TrimSuffix(q.Name.String(), ".")) {
				h := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 0}
				switch {
				case a.Is4() && q.Type == dnsmessage.TypeA:
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
				case !a.Is4() && q.Type == dnsmessage.TypeAAAA:
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
				}
			}
			out, err := m.Pack()
			if err == nil {
				_, _ = pc.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func TestANameThatResolvesToASpecialAddressGetsNoConnection(t *testing.T) {
	t.Parallel()
	for _, text := range corpus {
		p := NewWithResolver(nil, resolver(t, func(string) []netip.Addr { return []netip.Addr{netip.MustParseAddr(text)} }))
		for _, scheme := range []string{"https", "http"} {
			resp, err := p.Client().Get(scheme + "://evil.example/v1/models")
			if err == nil {
				_ = resp.Body.Close()
			}
			if !errors.Is(err, ErrBlocked) {
				t.Errorf("%s %s: %v", scheme, text, err)
			}
		}
	}
}

// counting is a listener on loopback that counts connections.
func counting(t *testing.T) (url string, count *atomic.Int64) {
	t.Helper()
	count = new(atomic.Int64)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "in") }))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			count.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, count
}

func TestLoopbackIsNotReachedByAnyDisguise(t *testing.T) {
	t.Parallel()
	base, count := counting(t)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	// Rebinding: the check in a form would see a public address, the dial sees loopback.
	var asked atomic.Int64
	rebind := resolver(t, func(string) []netip.Addr {
		if asked.Add(1) <= 2 {
			return []netip.Addr{netip.MustParseAddr("1.1.1.1")}
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	})
	if got, err := rebind.LookupNetIP(t.Context(), "ip", "rebind.example"); err != nil || got[0].String() != "1.1.1.1" {
		t.Fatal(got, err)
	}
	p := NewWithResolver(nil, rebind)
	for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "0.0.0.0", "[::]", "rebind.example", "localhost"} {
		for _, scheme := range []string{"http", "https"} {
			resp, err := p.Client().Get(scheme + "://" + host + ":" + u.Port() + "/")
			if err == nil {
				_ = resp.Body.Close()
				t.Errorf("%s://%s was called", scheme, host)
			}
		}
	}
	if n := count.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestRedirectsAndProxiesAreNotFollowed(t *testing.T) {
	target, count := counting(t)
	t.Setenv("HTTP_PROXY", target)
	t.Setenv("http_proxy", target)
	from := httptest.NewServer(http.RedirectHandler(target, http.StatusFound))
	t.Cleanup(from.Close)
	resp, err := New(loopback(t)).Client().Get(from.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusFound || count.Load() != 0 {
		t.Errorf("status %d, %d connections to the target", resp.StatusCode, count.Load())
	}
}

func loopback(t *testing.T) []netip.Prefix {
	t.Helper()
	open, err := ParseOpen("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	return open
}

func TestTLSWithHTTP2AndWithout(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	base := s.Client().Transport.(*http.Transport).TLSClientConfig
	for want, tuning := range map[string]Tuning{"HTTP/2.0": {TLS: base}, "HTTP/1.1": {TLS: base, HTTP1: true}} {
		tr := New(loopback(t)).Transport(tuning)
		t.Cleanup(tr.CloseIdleConnections)
		resp, err := (&http.Client{Transport: tr}).Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || string(body) != want {
			t.Errorf("spoke %s, %v; want %s", body, err, want)
		}
	}
	if _, err := New(loopback(t)).Client().Get(s.URL); err == nil {
		t.Error("a certificate of nobody was accepted")
	}
	var unknown *tls.CertificateVerificationError
	_, err := New(loopback(t)).Client().Get(s.URL)
	if !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
}

func TestALargeAnswerIsAnErrorNotACutOne(t *testing.T) {
	t.Parallel()
	size := clientBodyBytes
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := size
		if r.URL.Path == "/more" {
			n++
		}
		_, _ = w.Write(make([]byte, n))
	}))
	t.Cleanup(s.Close)
	for path, fits := range map[string]bool{"/more": false, "/less": true} {
		if path == "/less" {
			size = clientBodyBytes - 1
		}
		resp, err := New(loopback(t)).Client().Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if (err == nil) != fits || (err != nil && !errors.Is(err, ErrTooLarge)) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, want string // want "": refused
		open       bool   // with 10.0.0.0/8 and loopback opened
	}{
		{"https://api.openai.com/v1", "https://api.openai.com/v1", false},
		{"https://API.OpenAI.com/v1/", "https://api.openai.com/v1", false},
		{"https://api.openai.com", "https://api.openai.com", false},
		{"https://api.openai.com:443/v1", "https://api.openai.com:443/v1", false},
		{"http://api.openai.com/v1", "", false},
		{"https://api.openai.com:8443/v1", "", false},
		{"https://gpu.internal:8443/v1", "https://gpu.internal:8443/v1", true},
		{"http://10.1.2.3:8000/v1", "http://10.1.2.3:8000/v1", true},
		{"http://localhost:11434/v1", "http://localhost:11434/v1", true},
		{"http://11.1.2.3:8000/v1", "", true},
		{"http://localhost:11434/v1", "", false},
		{"https://localhost/v1", "", false},
		{"https://127.0.0.1/v1", "", false},
		{"https://[::1]/v1", "", false},
		{"https://[fe80::1%25eth0]/v1", "", true},
		{"https://169.254.169.254/latest", "", true},
		{"https://2130706433/v1", "", false},
		{"https://0x7f.1/v1", "", false},
		{"https://0177.0.0.1/v1", "", false},
		{"https://127.1/v1", "", false},
		{"https://example.com/v1?x=1", "", false},
		{"https://example.com/v1#", "", false},
		{"https://example.com/v1#frag", "", false},
		{"https://user:pw@example.com/v1", "", false},
		{"https://example.com/a/../b", "", false},
		{"https://example.com/a//b", "", false},
		{"https://example.com/a%2f..", "", false},
		{"https://example.com/a b", "", false},
		{"https://example.com\r\nHost: x", "", false},
		{"https://exämple.com/v1", "", false},
		{"https://example.com:0/v1", "", true},
		{"https://example.com:/v1", "", true},
		{"ftp://example.com", "", true},
		{"//example.com", "", true},
		{"example.com/v1", "", true},
		{"https:example.com", "", true},
		{"", "", true},
		{"https://" + strings.Repeat("a", 3000), "", true},
	}
	open, err := ParseOpen("10.0.0.0/8 127.0.0.0/8 ::1")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		p := New(nil)
		if tt.open {
			p = New(open)
		}
		got, err := p.CheckURL("base_url", tt.text)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("CheckURL(%q) = %q, %v; want %q", tt.text, got, err, tt.want)
		}
		if err != nil && (!errors.Is(err, ErrURL) || !strings.Contains(err.Error(), "(base_url)")) {
			t.Errorf("CheckURL(%q): %v", tt.text, err)
		}
	}
}

func TestAHookMayHaveAQuery(t *testing.T) {
	t.Parallel()
	p := New(nil)
	const hook = "https://hooks.example.com/in?sig=a%2Fb&v=1"
	if got, err := p.CheckHook("target", hook); err != nil || got != hook {
		t.Errorf("%q, %v", got, err)
	}
	for _, text := range []string{"https://127.0.0.1/in?sig=a", "http://hooks.example.com/in?sig=a", "https://hooks.example.com/in?a b", "https://hooks.example.com/in?a#b", "https://u:p@hooks.example.com/?a"} {
		if got, err := p.CheckHook("target", text); !errors.Is(err, ErrURL) {
			t.Errorf("CheckHook(%q) = %q, %v", text, got, err)
		}
	}
	if _, err := p.CheckURL("base_url", hook); !errors.Is(err, ErrURL) {
		t.Errorf("a base URL with a query: %v", err)
	}
}

func FuzzCheckURL(f *testing.F) {
	f.Add("https://api.openai.com/v1")
	f.Add("https://[::ffff:1.2.3.4]:443/a/%2e%2e/b")
	f.Fuzz(func(t *testing.T, text string) {
		p := New(nil)
		got, err := p.CheckURL("x", text)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
			t.Fatalf("CheckURL(%q) = %q", text, got)
		}
		if again, err := p.CheckURL("x", got); err != nil || again != got {
			t.Fatalf("the normal form of %q is not normal: %q, %v", got, again, err)
		}
	})
}
