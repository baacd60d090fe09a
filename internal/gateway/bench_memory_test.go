package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// BenchmarkOpenStream weighs an open stream: what the heap (after a collection) and the stacks in use grow by for each of 200 streams
// that have brought content and wait for more. Client and provider live in this process too; "direct" is the weight of those two
// alone, to be taken off the others.
func BenchmarkOpenStream(b *testing.B) {
	up := waitingProvider(b)
	b.Run("direct", func(b *testing.B) { weigh(b, up, "k") })
	b.Run("reverseproxy", func(b *testing.B) { weigh(b, proxyServer(b, up), "k") })
	b.Run("gateway", func(b *testing.B) {
		w := newWorld(b)
		w.cfg.DrainTime = time.Millisecond // a stream that was left ends at once
		w.connectURL("openai", "http://"+up+"/v1")
		w.start()
		w.log.discard = true
		weigh(b, strings.TrimPrefix(w.url, "http://"), w.secret)
	})
}

const openStreams = 200

func weigh(b *testing.B, addr, secret string) {
	body := `{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"` + strings.Repeat("word ", 200) + `"}]}`
	req := []byte(fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
		"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", secret, len(body), body))
	var before, after runtime.MemStats
	var heap, stack float64
	for b.Loop() {
		for range 3 { // what the first streams make stays: pools, tables
			closeAll(openAll(b, addr, req, 20))
		}
		memory(&before)
		conns := openAll(b, addr, req, openStreams)
		memory(&after)
		heap = float64(after.HeapAlloc) - float64(before.HeapAlloc)
		stack = float64(after.StackInuse) - float64(before.StackInuse)
		closeAll(conns)
	}
	b.ReportMetric(heap/openStreams, "heap-B/stream")
	b.ReportMetric(stack/openStreams, "stack-B/stream")
}

// memory reads the figures once the number of goroutines stands still.
func memory(m *runtime.MemStats) {
	for last, same := -1, 0; same < 20; time.Sleep(5 * time.Millisecond) {
		if n := runtime.NumGoroutine(); n != last {
			last, same = n, 0
		} else {
			same++
		}
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(m)
}

// openAll opens n streams and returns when each has brought its first content.
func openAll(b *testing.B, addr string, req []byte, n int) []net.Conn {
	b.Helper()
	conns := make([]net.Conn, n)
	for i := range conns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		conns[i] = c
		if _, err := c.Write(req); err != nil {
			b.Fatal(err)
		}
	}
	buf := make([]byte, 4096)
	for _, c := range conns {
		for got := ""; !strings.Contains(got, "Hello"); {
			n, err := c.Read(buf)
			if err != nil {
				b.Fatalf("%v after %q", err, got)
			}
			got += string(buf[:n])
		}
	}
	return conns
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

// waitingProvider sends the beginning of a stream and then nothing more until it is hung up on.
func waitingProvider(b *testing.B) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = ln.Close() })
	first := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" +
		fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n", len(roleChunk), roleChunk, len(helloChunk), helloChunk)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if r, err := http.ReadRequest(bufio.NewReaderSize(c, 4096)); err != nil {
					return
				} else if _, err := io.Copy(io.Discard, r.Body); err != nil {
					return
				}
				_, _ = io.WriteString(c, first)
				var b [1]byte
				_, _ = c.Read(b[:])
			}()
		}
	}()
	return ln.Addr().String()
}
