package harness

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Link is a line to a server that can be cut and made slow.
type Link struct {
	t     testing.TB
	proxy *toxiproxy.Proxy
}

// NewLink listens on a loopback port and passes everything on to addr, until the test ends.
func NewLink(t testing.TB, addr string) *Link {
	t.Helper()
	quiet := zerolog.Nop()
	p := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), quiet), "link", "127.0.0.1:0", addr)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return &Link{t: t, proxy: p}
}

// LinkURL is NewLink for the server of a URL, with the URL by which it is reached over the link.
func LinkURL(t testing.TB, raw string) (*Link, string) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	l := NewLink(t, u.Host)
	u.Host = l.Addr()
	return l, u.String()
}

// Addr is where the link listens.
func (l *Link) Addr() string { return l.proxy.Listen }

// Cut swallows whatever goes either way from now on: the connections stay open and nothing comes of them, as in a network partition.
func (l *Link) Cut() {
	l.t.Helper()
	for _, way := range []string{"upstream", "downstream"} {
		l.add("cut "+way, "timeout", way, `{"timeout":0}`)
	}
}

// Slow makes every answer late.
func (l *Link) Slow(by time.Duration) {
	l.t.Helper()
	l.add("slow", "latency", "downstream", fmt.Sprintf(`{"latency":%d}`, by.Milliseconds()))
}

func (l *Link) add(name, kind, way, attributes string) {
	l.t.Helper()
	_, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"name":%q,"type":%q,"stream":%q,"toxicity":1,"attributes":%s}`, name, kind, way, attributes)))
	if err != nil {
		l.t.Fatalf("%s: %v", name, err)
	}
}

// Heal takes back Cut and Slow. Connections that were cut are closed.
func (l *Link) Heal() { l.proxy.Toxics.ResetToxics(context.WithoutCancel(l.t.Context())) }
