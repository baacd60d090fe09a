package gateway

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// client is the client's end of a call, and the only code that writes to it. A timer sends heartbeats while a provider is silent,
// so everything is behind a lock. Before the first write nothing of the answer is decided; begin decides it.
type client struct {
	g *Gateway
	c *Call
	w http.ResponseWriter

	mu       sync.Mutex
	begun    bool // status and headers are out
	closed   bool // finish has run: the timer must not write any more
	cut      bool // the answer broke off and must not look whole
	last     time.Time
	deadline time.Time
	beats    *time.Timer
	blocked  time.Duration
	written  int64

	gone    atomic.Bool // the client hung up
	unwatch func() bool
	drain   drain
}

func (cl *client) open(g *Gateway, c *Call, w http.ResponseWriter) {
	cl.g, cl.c, cl.w = g, c, w
	cl.last = c.Start
}

// waited is the time spent in writes to the client.
func (cl *client) waited() time.Duration {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return cl.blocked
}

// hasBegun reports whether status and headers are out.
func (cl *client) hasBegun() bool {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return cl.begun
}

// keepAlive starts the heartbeats of a stream. They begin the answer if nothing else has: a comment is no content, so another
// target may still be tried behind it.
func (cl *client) keepAlive() {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.c.Surface.dialect.Heartbeat() != nil {
		cl.beats = time.AfterFunc(cl.g.cfg.Heartbeat, cl.beat)
	}
}

func (cl *client) beat() {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.closed || cl.gone.Load() {
		return
	}
	every := cl.g.cfg.Heartbeat
	if idle := cl.g.Now().Sub(cl.last); idle < every {
		cl.beats.Reset(every - idle)
		return
	}
	if !cl.begun { // which target will answer is not known yet, so only the call is named
		cl.begun = true
		cl.c.name(cl.w.Header())
		cl.streamHeaders(cl.w.Header(), nil)
		cl.w.WriteHeader(http.StatusOK)
	}
	cl.writeLocked(cl.c.Surface.dialect.Heartbeat())
	cl.beats.Reset(every)
}

// begin sends status and headers of a stream, once. provider is the provider's header, passed on by allow-list.
func (cl *client) begin(status int, provider http.Header) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.begun {
		return
	}
	cl.begun = true
	h := cl.w.Header()
	cl.c.name(h)
	cl.c.describe(h, cl.g.Now().Sub(cl.c.Start)-cl.c.Work.waited-cl.blocked)
	cl.c.passOn(h, provider)
	if status == http.StatusOK {
		cl.streamHeaders(h, provider)
	}
	cl.w.WriteHeader(status)
}

// streamHeaders sets what a stream needs. The media type is the dialect's, or the provider's where the dialect has none.
func (cl *client) streamHeaders(h, provider http.Header) {
	if kind := cl.c.Surface.dialect.StreamType(); kind != "" {
		h["Content-Type"] = []string{kind}
	} else if kind := provider["Content-Type"]; kind != nil {
		foreign(h, kind)
	}
	h["Cache-Control"] = noCache
	h["X-Accel-Buffering"] = noBuffering
}

var (
	noCache     = []string{"no-cache"}
	noBuffering = []string{"no"}
)

// write sends p and sees that it leaves. After a failure the client counts as gone.
func (cl *client) write(p []byte) {
	if len(p) == 0 || cl.gone.Load() {
		return
	}
	cl.mu.Lock()
	defer cl.mu.Unlock()
	cl.writeLocked(p)
}

func (cl *client) writeLocked(p []byte) {
	start := cl.g.Now()
	cl.extend(start)
	_, err := cl.w.Write(p)
	if err == nil {
		err = flush(cl.w)
	}
	cl.last = cl.g.Now()
	cl.blocked += cl.last.Sub(start)
	if err != nil {
		cl.left()
		return
	}
	cl.written += int64(len(p))
}

// extend moves the write deadline along, in steps, because moving it costs something and a stream has many writes.
func (cl *client) extend(now time.Time) {
	limit := cl.g.cfg.WriteTimeout
	if cl.deadline.Sub(now) > limit/2 {
		return
	}
	cl.deadline = now.Add(limit)
	_ = http.NewResponseController(cl.w).SetWriteDeadline(cl.deadline)
}

func flush(w http.ResponseWriter) error {
	switch f := w.(type) {
	case interface{ FlushError() error }:
		return f.FlushError()
	case http.Flusher:
		f.Flush()
	}
	return nil
}

// close ends the heartbeats and the watch. Afterwards only finish's caller may touch the answer.
func (cl *client) close() {
	cl.mu.Lock()
	cl.closed = true
	cl.mu.Unlock()
	if cl.beats != nil {
		cl.beats.Stop()
	}
	if cl.unwatch != nil {
		cl.unwatch()
	}
}

// watch follows the client while the provider works; abandon ends the work for it. It costs no goroutine until the client leaves.
func (cl *client) watch(abandon context.CancelFunc) {
	cl.drain = drain{abandon: abandon, abort: cl.c.Plan.Abort || cl.c.in != nil && cl.c.in.To != nil, time: cl.g.cfg.DrainTime, slots: cl.g.drains}
	cl.unwatch = context.AfterFunc(cl.c.req.Context(), cl.left)
}

// left is called when the client has hung up, by whoever notices first.
func (cl *client) left() {
	if cl.gone.CompareAndSwap(false, true) {
		cl.drain.begin()
	}
}

// drain is the rule for an answer without a client: it is read on to its end, because only the end tells what it cost; but only
// for so long, and only so many at once. An alias may say that it is abandoned instead: reading on spends money.
type drain struct {
	abandon context.CancelFunc
	abort   bool
	time    time.Duration
	slots   chan struct{}

	mu    sync.Mutex
	timer *time.Timer
	held  bool
	over  bool
}

func (d *drain) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over || d.abandon == nil {
		return
	}
	if d.abort {
		d.abandon()
		return
	}
	select {
	case d.slots <- struct{}{}:
		d.held = true
		d.timer = time.AfterFunc(d.time, d.abandon)
	default:
		d.abandon()
	}
}

func (d *drain) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	if d.timer != nil {
		d.timer.Stop()
	}
	if d.held {
		d.held = false
		<-d.slots
	}
}
