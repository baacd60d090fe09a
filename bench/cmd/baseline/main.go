// Command baseline is the reference a gateway is measured against: a reverse
// proxy that does nothing else.
//
//	-mode reverseproxy  net/http + httputil.ReverseProxy with a tuned transport
//	-mode relay         a hand-written HTTP/1.1 relay: about the least that a Go
//	                    program can do for a request (no features, not hardened)
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"tollgate/bench/internal/h1"
)

func main() {
	log.SetFlags(0)
	addr := flag.String("addr", "127.0.0.1:9100", "listen address (loopback)")
	upstream := flag.String("upstream", "http://127.0.0.1:9001", "upstream base URL")
	mode := flag.String("mode", "reverseproxy", "reverseproxy or relay")
	flag.Parse()
	u, err := url.Parse(*upstream)
	if err != nil {
		log.Fatal(err)
	}
	host, _, err := net.SplitHostPort(*addr)
	if err != nil {
		log.Fatal(err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		log.Fatalf("refusing to listen on %q: not a loopback address", host)
	}
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "baseline: pid %d, %s on %s\n", os.Getpid(), *mode, ln.Addr())
	switch *mode {
	case "reverseproxy":
		log.Fatal(reverseProxy(ln, u))
	case "relay":
		log.Fatal(relay(ln, u.Host))
	default:
		log.Fatalf("unknown mode %q", *mode)
	}
}

type bufPool struct{ p sync.Pool }

func (b *bufPool) Get() []byte  { return b.p.Get().([]byte) }
func (b *bufPool) Put(x []byte) { b.p.Put(x) } //nolint:staticcheck // the interface of httputil gives slices

func reverseProxy(ln net.Listener, u *url.URL) error {
	tr := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:        0,
		MaxIdleConnsPerHost: 4096,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
		ForceAttemptHTTP2:   false,
		WriteBufferSize:     16 << 10,
		ReadBufferSize:      16 << 10,
	}
	rp := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = u.Host
		},
		Transport:     tr,
		FlushInterval: -1,
		BufferPool:    &bufPool{sync.Pool{New: func() any { return make([]byte, 32<<10) }}},
		ErrorLog:      log.New(io.Discard, "", 0),
	}
	// Without full duplex, net/http's server closes the request body when the
	// answer starts; if the transport has not yet seen that body's end by then (a
	// busy machine), it takes the failed read for a write error and drops the
	// upstream connection in the middle of the answer.
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		rp.ServeHTTP(w, r)
	})
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 120 * time.Second}
	return srv.Serve(ln)
}

// relay forwards each request over a pooled upstream connection.
func relay(ln net.Listener, host string) error {
	pool := &connPool{host: host}
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go relayConn(c, pool)
	}
}

type upConn struct {
	net.Conn
	br *bufio.Reader
}

type connPool struct {
	host string
	mu   sync.Mutex
	idle []*upConn
}

func (p *connPool) get() (*upConn, bool, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, true, nil
	}
	p.mu.Unlock()
	c, err := net.DialTimeout("tcp", p.host, 5*time.Second)
	if err != nil {
		return nil, false, err
	}
	return &upConn{c, bufio.NewReaderSize(c, 16<<10)}, false, nil
}

func (p *connPool) put(c *upConn) {
	p.mu.Lock()
	p.idle = append(p.idle, c)
	p.mu.Unlock()
}

func relayConn(c net.Conn, pool *connPool) {
	defer c.Close()
	br := bufio.NewReaderSize(c, 16<<10)
	var req h1.Request
	var resp h1.Response
	var out []byte
	buf := make([]byte, 32<<10)
	for {
		err := h1.ReadRequest(br, &req, func() error {
			_, err := c.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
			return err
		})
		if err != nil {
			return
		}
		out = append(out[:0], req.Method...)
		out = append(out, ' ')
		out = append(out, req.Target...)
		out = append(out, " HTTP/1.1\r\nHost: "...)
		out = append(out, pool.host...)
		out = append(out, "\r\nContent-Type: application/json\r\nAuthorization: Bearer upstream-key\r\nContent-Length: "...)
		out = strconv.AppendInt(out, int64(len(req.Body)), 10)
		out = append(out, "\r\n\r\n"...)
		out = append(out, req.Body...)
		var up *upConn
		for {
			var reused bool
			if up, reused, err = pool.get(); err != nil {
				c.Write([]byte("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"))
				break
			}
			if _, err = up.Write(out); err == nil {
				err = h1.ReadResponseHead(up.br, &resp)
			}
			if err == nil {
				break
			}
			up.Close()
			if !reused { // a pooled connection may have died while idle: try another
				c.Write([]byte("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"))
				break
			}
		}
		if err != nil {
			continue
		}
		if !copyResponse(c, up, &resp, &out, buf) {
			up.Close()
			return
		}
		if resp.Close {
			up.Close()
		} else {
			pool.put(up)
		}
		if req.Close {
			return
		}
	}
}

func copyResponse(c net.Conn, up *upConn, resp *h1.Response, out *[]byte, buf []byte) bool {
	b := append((*out)[:0], "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(resp.Status), 10)
	stream := resp.ContentLength < 0
	if stream {
		b = append(b, " OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"...)
	} else {
		b = append(b, " OK\r\nContent-Type: application/json\r\nContent-Length: "...)
		b = strconv.AppendInt(b, resp.ContentLength, 10)
		b = append(b, "\r\n\r\n"...)
	}
	for {
		n, err := resp.ReadBody(up.br, buf)
		if n > 0 {
			if stream {
				b = strconv.AppendInt(b, int64(n), 16)
				b = append(b, "\r\n"...)
			}
			b = append(b, buf[:n]...)
			if stream {
				b = append(b, "\r\n"...)
			}
		}
		if err == io.EOF {
			if stream {
				b = append(b, "0\r\n\r\n"...)
			}
			if len(b) > 0 {
				if _, err := c.Write(b); err != nil {
					return false
				}
			}
			*out = b
			return true
		}
		if err != nil {
			return false
		}
		// Write when nothing more is at hand: events that came together leave together.
		if up.br.Buffered() == 0 || len(b) > 32<<10 {
			if _, err := c.Write(b); err != nil {
				return false
			}
			b = b[:0]
		}
	}
}
