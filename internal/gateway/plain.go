package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// plain is the HTTP/1.1 client for providers without TLS: model servers in the own network. It does in the caller's goroutine what
// net/http does with two goroutines and four buffers a connection; messages are still parsed by net/http. What it must not do is
// send a call twice: a kept connection is looked at before it is used, and what fails afterwards is the caller's to judge.
type plain struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

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

var errHeadTooLarge = errors.New("the head of the answer is too large")

// plainConn is one connection. Between calls it is in the pool; during one it belongs to the call.
type plainConn struct {
	net.Conn
	raw  syscall.RawConn
	addr string
	in   *bufio.Reader
	out  []byte
	left int64 // bytes that may still be read
	old  bool  // it was idle at the last sweep
}

// Read bounds what is read, so that no head is without end.
func (c *plainConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHeadTooLarge
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	c.left -= int64(n)
	return n, err
}

// alive reports a kept connection that the other end has neither closed nor written to.
func (c *plainConn) alive() bool {
	open := false
	err := c.raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		open = errors.Is(err, syscall.EAGAIN)
		return true // never wait
	})
	return err == nil && open
}

// RoundTrip sends a request and returns when the answer's head is here.
func (p *plain) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	c, err := p.conn(ctx, address(req))
	if err != nil {
		_ = req.Body.Close()
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }) // the past: reads and writes end at once
	resp, err := c.exchange(req)
	if err != nil {
		stop()
		_ = c.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	resp.Body = &plainBody{inner: resp.Body, pool: p, conn: c, stop: stop, keep: !resp.Close}
	return resp, nil
}

func address(req *http.Request) string {
	if req.URL.Port() == "" {
		return net.JoinHostPort(req.URL.Hostname(), "80")
	}
	return req.URL.Host
}

// exchange writes the request and reads the answer's head.
func (c *plainConn) exchange(req *http.Request) (*http.Response, error) {
	sendErr := c.send(req)
	_ = req.Body.Close()
	// A provider may refuse a body before it has read it all, and close: its answer is worth more than the failed write.
	for {
		c.left = plainHeadMax
		resp, err := http.ReadResponse(c.in, req)
		switch {
		case err != nil && sendErr != nil:
			return nil, sendErr
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		case resp.StatusCode >= 100 && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols:
			continue // the answer proper follows
		}
		c.left = math.MaxInt64
		resp.Close = resp.Close || sendErr != nil
		return resp, nil
	}
}

func (c *plainConn) send(req *http.Request) error {
	b := bytes.NewBuffer(c.out[:0])
	b.WriteString(req.Method + " " + req.URL.RequestURI() + " HTTP/1.1\r\nHost: " + req.Host + "\r\nContent-Length: ")
	b.WriteString(strconv.FormatInt(req.ContentLength, 10))
	b.WriteString("\r\n")
	if err := req.Header.Write(b); err != nil {
		return err
	}
	b.WriteString("\r\n")
	small := req.ContentLength <= plainTogether
	if small {
		if _, err := b.ReadFrom(req.Body); err != nil {
			return err
		}
	}
	_, err := c.Write(b.Bytes())
	if cap(b.Bytes()) <= 2<<10 {
		c.out = b.Bytes() // small ones are kept for the next call: an open stream should weigh little
	}
	if err != nil || small {
		return err
	}
	_, err = io.Copy(c.Conn, req.Body) // a body in memory leaves in one write
	return err
}

// plainBody gives the connection back at the end of the answer, and closes it when the answer is left before.
type plainBody struct {
	inner io.ReadCloser
	pool  *plain
	conn  *plainConn
	stop  func() bool
	keep  bool
	done  bool
}

func (b *plainBody) Read(p []byte) (int, error) {
	if b.done {
		return 0, io.EOF
	}
	n, err := b.inner.Read(p)
	if err == io.EOF {
		b.end(b.keep && b.conn.in.Buffered() == 0)
	}
	return n, err
}

// Close ends the reading. It may be called again.
func (b *plainBody) Close() error {
	if !b.done {
		b.end(false)
	}
	return nil
}

func (b *plainBody) end(keep bool) {
	b.done = true
	if undisturbed := b.stop(); keep && undisturbed && b.pool.put(b.conn) {
		return
	}
	_ = b.conn.Close()
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
	c.in = bufio.NewReader(c)
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
