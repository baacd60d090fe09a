package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"tollgate/internal/gateway"
)

// BenchmarkShed measures a call for which there is no room, from the client's write to its read: what a refusal costs beside the call
// that BenchmarkCall measures is what an overload costs.
func BenchmarkShed(b *testing.B) {
	w := newWorld(b)
	held := make(chan struct{})
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		<-held
		answering(200, whole)(rw, r)
	})
	w.cfg = gateway.Config{Proxy: "proxy-test", ConcurrencyMax: 1}
	w.start()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.chat(ask)
	}()
	for w.log.intended() == 0 {
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	body := strings.Repeat(" ", 1000)
	req := []byte(fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", w.secret, len(body), body))
	br := bufio.NewReader(c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(req); err != nil {
			b.Fatal(err)
		}
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable {
			b.Fatal(resp.Status)
		}
	}
	close(held)
	<-done
}
