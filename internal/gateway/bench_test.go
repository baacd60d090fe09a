package gateway_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"tollgate/internal/budget"
)

// BenchmarkCall compares a call through the gateway with one through a bare reverse proxy. The provider and the client are the same
// cheap raw connections in both, so the difference is the gateway's.
func BenchmarkCall(b *testing.B) {
	small := `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"` + strings.Repeat("word ", 140) + `"}]}`
	large := `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"` + strings.Repeat("word ", 40_000) + `"}]}`
	stream := `{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}`
	for _, c := range []struct{ name, body string }{{"1KB", small}, {"200KB", large}, {"stream100", stream}} {
		up := rawProvider(b)
		b.Run(c.name+"/reverseproxy", func(b *testing.B) { drive(b, proxyServer(b, up), "k", c.body) })
		b.Run(c.name+"/gateway", func(b *testing.B) {
			w := newWorld(b)
			w.connectURL("openai", "http://"+up+"/v1")
			w.start()
			w.log.discard = true
			drive(b, strings.TrimPrefix(w.url, "http://"), w.secret, c.body)
		})
		b.Run(c.name+"/budgets", func(b *testing.B) { // three that block, of two periods each: the difference to gateway is admission's
			w := newWorld(b)
			w.connectURL("openai", "http://"+up+"/v1")
			for range 3 {
				w.budget(1<<55, func(b *budget.Budget) {
					b.Limits = []budget.Limit{{Period: budget.Day, Amount: 1 << 55}, {Period: budget.Month, Amount: 1 << 55}}
				})
			}
			w.start()
			w.log.discard = true
			drive(b, strings.TrimPrefix(w.url, "http://"), w.secret, c.body)
			b.ReportMetric(float64(w.book.Figures().Exchanges), "exchanges")
		})
	}
}

func proxyServer(b *testing.B, up string) string {
	target, _ := url.Parse("http://" + up)
	tr := &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true, WriteBufferSize: 16 << 10, ReadBufferSize: 16 << 10}
	rp := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: tr, FlushInterval: -1}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		rp.ServeHTTP(w, r)
	})}
	go func() { _ = srv.Serve(ln) }()
	b.Cleanup(func() { _ = srv.Close() })
	return ln.Addr().String()
}

// rawProvider answers with canned bytes.
func rawProvider(b *testing.B) string {
	plain := []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(whole), whole))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = ln.Close() })
	chunk := func(s string) []byte { return []byte(fmt.Sprintf("%x\r\n%s\r\n", len(s), s)) }
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				br := bufio.NewReaderSize(c, 64<<10)
				for {
					r, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					body, _ := io.ReadAll(r.Body)
					if !bytes.Contains(body, []byte(`"stream":true`)) {
						_, _ = c.Write(plain)
						continue
					}
					_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"))
					_, _ = c.Write(chunk(roleChunk))
					for range 100 {
						_, _ = c.Write(chunk(helloChunk))
					}
					_, _ = c.Write(append(append(append(chunk(finishChunk), chunk(usageChunk)...), chunk(doneChunk)...), "0\r\n\r\n"...))
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// drive sends one request after another over one connection.
func drive(b *testing.B, addr, secret, body string) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	req := []byte(fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", secret, len(body), body))
	br := bufio.NewReaderSize(c, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(req); err != nil {
			b.Fatal(err)
		}
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 200 {
			b.Fatal(resp.Status, err)
		}
	}
}
