package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// plain is the HTTP/1.1 client for providers without TLS: model servers in the own network. It does in the caller's goroutine what
// net/http does with two goroutines and four buffers a connection, and while a stream is open it holds no buffer at all. What it must
// not do is send a call twice: a kept connection is looked at before it is used, and what fails afterwards is the caller's to judge.
type plain struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	buffers buffers

	mu      sync.Mutex
	idle    map[string][]*plainConn // by address, last used last
	sweeper *time.Timer
}

// Limits of the plain client.
const (
	plainHeadMax  = 64 << 10         // bytes of an answer's head
	plainTogether = 16 << 10         // bodies up to this leave in one write with the head
	plainSweep    = 45 * time.Second // a connection idle for one to two of these is closed
)

// plainConn is one connection. Between calls it is in the pool; during one it belongs to the call.
type plainConn struct {
	net.Conn
	raw  syscall.RawConn // nil: the connection cannot be looked at, and is not kept
	addr string
	old  bool // it was idle at the last sweep
	open bool // what look saw
	look func(fd uintptr) bool
}

// alive reports a kept connection that the other end has neither closed nor written to.
func (c *plainConn) alive() bool {
	c.open = false
	return c.raw.Read(c.look) == nil && c.open
}

func (c *plainConn) peek(fd uintptr) bool {
	var b [1]byte
	_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
	c.open = errors.Is(err, syscall.EAGAIN)
	return true // never wait
}

// RoundTrip sends a request and returns when the answer's head is here.
func (p *plain) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	c, err := p.conn(ctx, address(req))
	if err != nil {
		_ = req.Body.Close()
		return nil, err
	}
	stop := afterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }) // the past: reads and writes end at once
	sendErr := p.send(c, req)
	_ = req.Body.Close()
	a := &plainAnswer{body: plainBody{pool: p, conn: c, stop: stop}}
	if err := a.receive(sendErr); err != nil {
		stop()
		_ = c.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	return &a.resp, nil
}

func address(req *http.Request) string {
	if req.URL.Port() == "" {
		return net.JoinHostPort(req.URL.Hostname(), "80")
	}
	return req.URL.Host
}

// send writes the request: head and body together, or, where the body is large, in one call of the system.
func (p *plain) send(c *plainConn, req *http.Request) error {
	buf := p.buffers.borrow(smallBuffer)
	defer buf.release()
	buf.b = appendRequestHead(buf.b, req)
	if req.ContentLength > plainTogether {
		if l, ok := req.Body.(*lent); ok {
			parts := net.Buffers{buf.b, l.rest()}
			_, err := parts.WriteTo(c.Conn)
			return err
		}
		if _, err := c.Write(buf.b); err != nil {
			return err
		}
		_, err := io.Copy(c.Conn, req.Body)
		return err
	}
	if _, err := buf.readAll(req.Body, plainHeadMax+plainTogether); err != nil {
		return err
	}
	_, err := c.Write(buf.b)
	return err
}

func appendRequestHead(b []byte, req *http.Request) []byte {
	b = append(b, req.Method...)
	b = append(b, ' ')
	b = append(b, req.URL.RequestURI()...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, req.Host...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, req.ContentLength, 10)
	for name, values := range req.Header {
		for _, v := range values {
			b = append(b, "\r\n"...)
			b = append(b, name...)
			b = append(b, ": "...)
			b = appendLine(b, v)
		}
	}
	return append(b, "\r\n\r\n"...)
}

// appendLine appends a header's value; what would end the line becomes a space, as net/http does it.
func appendLine(b []byte, v string) []byte {
	from := len(b)
	b = append(b, v...)
	for i := from; i < len(b); i++ {
		if b[i] == '\r' || b[i] == '\n' || b[i] == 0 {
			b[i] = ' '
		}
	}
	return b
}

// conn is a kept connection, or a new one.
func (p *plain) conn(ctx context.Context, addr string) (*plainConn, error) {
	for c := p.take(addr); c != nil; c = p.take(addr) {
		if c.alive() {
			return c, nil
		}
		_ = c.Close()
	}
	conn, err := p.dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &plainConn{Conn: conn, addr: addr}
	c.look = c.peek
	if sc, ok := conn.(syscall.Conn); ok {
		c.raw, _ = sc.SyscallConn()
	}
	return c, nil
}

func (p *plain) take(addr string) *plainConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[addr]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	list[len(list)-1] = nil
	p.idle[addr] = list[:len(list)-1]
	c.old = false
	return c
}

// put keeps a connection, unless there are enough or it cannot be looked at later.
func (p *plain) put(c *plainConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.raw == nil || len(p.idle[c.addr]) >= idlePerHost {
		return false
	}
	if p.idle == nil {
		p.idle = make(map[string][]*plainConn)
	}
	p.idle[c.addr] = append(p.idle[c.addr], c)
	if p.sweeper == nil {
		p.sweeper = time.AfterFunc(plainSweep, p.sweep)
	}
	return true
}

// sweep closes what has been idle since the last sweep. It runs only while there is something to close.
func (p *plain) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := 0
	for addr, list := range p.idle {
		fresh := list[:0]
		for _, c := range list {
			if c.old {
				_ = c.Close()
				continue
			}
			c.old = true
			fresh = append(fresh, c)
		}
		clear(list[len(fresh):])
		if p.idle[addr] = fresh; len(fresh) == 0 {
			delete(p.idle, addr)
		}
		kept += len(fresh)
	}
	if kept == 0 {
		p.sweeper = nil
		return
	}
	p.sweeper.Reset(plainSweep)
}
