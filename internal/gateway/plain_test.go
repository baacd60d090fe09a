package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// peer answers each connection by a function of the connection's number.
type peer struct {
	t     *testing.T
	addr  string
	conns atomic.Int32
}

func newPeer(t *testing.T, serve func(n int, c *net.TCPConn, br *bufio.Reader)) *peer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, addr: ln.Addr().String()}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			n := int(p.conns.Add(1))
			go func() {
				defer func() { _ = c.Close() }()
				serve(n, c.(*net.TCPConn), bufio.NewReader(c))
			}()
		}
	}()
	return p
}

func newPlain() *plain { return &plain{dial: new(net.Dialer).DialContext} }

func (p *peer) request(ctx context.Context, body string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.addr+"/v1/x?q=1", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("X-Test", "a\r\nInjected: b")
	return r
}

func fetch(t *testing.T, c *plain, r *http.Request) (string, error) {
	t.Helper()
	resp, err := c.RoundTrip(r)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return string(b), err
}

// echo answers requests on one connection with what it read.
func echo(_ int, c *net.TCPConn, br *bufio.Reader) {
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		b, _ := io.ReadAll(r.Body)
		text := fmt.Sprintf("%s %s %s %s %d %s", r.Method, r.RequestURI, r.Host, r.Header.Get("X-Test")+r.Header.Get("Injected"), len(b), b[:min(len(b), 5)])
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	}
}

func TestThePlainClientSendsWhatItIsGivenAndKeepsTheConnection(t *testing.T) {
	t.Parallel()
	p, c := newPeer(t, echo), newPlain()
	for _, size := range []int{0, 5, plainTogether, plainTogether + 1, 3 << 20} {
		body := strings.Repeat("h", size)
		got, err := fetch(t, c, p.request(t.Context(), body))
		want := fmt.Sprintf("POST /v1/x?q=1 %s a  Injected: b %d %s", p.addr, size, body[:min(size, 5)])
		if err != nil || got != want {
			t.Errorf("%d: %q, %v", size, got, err)
		}
	}
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections for calls one after another", n)
	}
}

func TestAConnectionThatTheProviderClosedIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 10)
	p := newPeer(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		_ = c.CloseWrite()
		closed <- struct{}{}
	})
	c := newPlain()
	for range 3 {
		if got, err := fetch(t, c, p.request(t.Context(), "x")); got != "ok" || err != nil {
			t.Fatalf("%q %v", got, err)
		}
		<-closed
		for kept := c.idle[p.addr]; len(kept) > 0 && kept[0].alive(); { // the end is on its way through the kernel
			runtime.Gosched()
		}
	}
	if p.conns.Load() != 3 {
		t.Errorf("%d connections", p.conns.Load())
	}
}

func TestAnAnswerThatBreaksIsAnErrorAndItsConnectionIsNotKept(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"nothing":          "",
		"half a head":      "HTTP/1.1 200 OK\r\nContent-Le",
		"garbage":          "banana banana\r\n\r\n",
		"too short":        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
		"cut chunks":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"an endless head":  "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", plainHeadMax) + "\r\n\r\n",
		"a wrong chunk":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
		"a negative count": "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
				if r, err := http.ReadRequest(br); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(c, answer)
				}
			})
			c := newPlain()
			for range 2 {
				if got, err := fetch(t, c, p.request(t.Context(), "x")); err == nil || errors.Is(err, io.EOF) {
					t.Errorf("%q, %v", got, err)
				}
			}
			if p.conns.Load() != 2 || len(c.idle[p.addr]) != 0 {
				t.Errorf("%d connections, %d kept", p.conns.Load(), len(c.idle[p.addr]))
			}
		})
	}
}

func TestExtraBytesBehindAnAnswerNeverReachTheNextCall(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(n int, c *net.TCPConn, br *bufio.Reader) {
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%dHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", n)
		}
	})
	c := newPlain()
	for want := 1; want <= 3; want++ {
		if got, err := fetch(t, c, p.request(t.Context(), "x")); got != fmt.Sprint(want) || err != nil {
			t.Fatalf("%q %v", got, err)
		}
	}
}

func TestAnInterimAnswerIsPassedOverAndAnEarlyOneIsTaken(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if r.ContentLength > 1<<20 { // refused unread
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
			_ = c.CloseWrite()
			_, _ = io.Copy(io.Discard, br)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	})
	c := newPlain()
	if got, err := fetch(t, c, p.request(t.Context(), "x")); got != "ok" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if got, err := fetch(t, c, p.request(t.Context(), strings.Repeat("x", 8<<20))); got != "big" || err != nil {
		t.Errorf("%q %v", got, err)
	}
}

func TestCancellingEndsACallAtEveryPoint(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"} {
		p := newPeer(t, func(_ int, c *net.TCPConn, br *bufio.Reader) {
			if r, err := http.ReadRequest(br); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(c, part)
				_, _ = br.ReadByte() // until the client leaves
			}
		})
		c := newPlain()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		start := time.Now()
		_, err := fetch(t, c, p.request(ctx, "x"))
		cancel()
		if err == nil || ctx.Err() == nil || time.Since(start) > 5*time.Second {
			t.Errorf("after %q: %v", part, err)
		}
		if len(c.idle[p.addr]) != 0 {
			t.Error("a cancelled connection was kept")
		}
	}
}

func TestIdleConnectionsAreClosedByTheSecondSweep(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	p := newPeer(t, func(n int, c *net.TCPConn, br *bufio.Reader) { echo(n, c, br); close(ended) })
	c := newPlain()
	if _, err := fetch(t, c, p.request(t.Context(), "x")); err != nil {
		t.Fatal(err)
	}
	c.sweep()
	if len(c.idle[p.addr]) != 1 {
		t.Fatal("closed by the first sweep")
	}
	c.sweep()
	if len(c.idle) != 0 {
		t.Fatal("still kept")
	}
	<-ended
}

func TestABodyIsCountedAsReturnedOnlyWhenTheTransportClosedIt(t *testing.T) {
	t.Parallel()
	c := &Call{}
	pool := &buffers{}
	c.Ask.buf = pool.borrow(10)
	c.Ask.buf.b = append(c.Ask.buf.b, "body"...)
	body := c.lend(c.Ask.buf.b)
	kept := c.Ask.buf
	c.dropBody()
	if b := pool.borrow(10); b == kept {
		t.Error("a buffer that is still being sent was lent again")
	}
	_ = body.Close()
	_ = body.Close()
	if c.lent.Load() != 0 {
		t.Errorf("lent %d", c.lent.Load())
	}
	if got, _ := io.ReadAll(body); !bytes.Equal(got, []byte("body")) {
		t.Errorf("%q", got)
	}
}
