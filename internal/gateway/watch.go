package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Why an attempt was given up by our own clock.
var (
	errFirstByte = errors.New("no content in time")
	errIdle      = errors.New("the stream stands still")
)

// watch gives an attempt up that brings nothing in time: no content at first, or nothing more of a stream. The zero watch has no
// limits.
type watch struct {
	cancel context.CancelCauseFunc // nil: there is no limit
	first  *time.Timer             // of the first content byte
	idle   *time.Timer             // of the stream
	limit  time.Duration           // of idle; 0: none
	now    func() time.Time
	since  atomic.Int64 // unix nanoseconds at which the read under way began; 0: none is
	over   atomic.Bool
}

// begin makes the context of an attempt with such limits; 0 is no limit.
func (w *watch) begin(ctx context.Context, first, idle time.Duration, now func() time.Time) context.Context {
	if first <= 0 && idle <= 0 {
		return ctx
	}
	w.limit, w.now = idle, now
	ctx, w.cancel = context.WithCancelCause(ctx)
	if first > 0 {
		w.first = time.AfterFunc(first, func() { w.cancel(errFirstByte) })
	}
	return ctx
}

// content ends the wait for the first content.
func (w *watch) content() {
	if w.first != nil {
		w.first.Stop()
	}
}

// stream begins to look whether the stream moves. The clock runs while the provider is read, not while the client is written to.
func (w *watch) stream() {
	if w.limit > 0 {
		w.idle = time.AfterFunc(time.Hour, w.look)
		w.idle.Reset(w.limit) // only now: look uses the field
	}
}

// reading notes that a read begins.
func (w *watch) reading(at time.Time) {
	if w.limit > 0 {
		w.since.Store(at.UnixNano())
	}
}

// read notes that the read has brought something.
func (w *watch) read() {
	if w.limit > 0 {
		w.since.Store(0)
	}
}

func (w *watch) look() {
	rest := w.limit
	if since := w.since.Load(); since != 0 {
		rest -= w.now().Sub(time.Unix(0, since))
	}
	switch {
	case w.over.Load():
	case rest <= 0:
		w.cancel(errIdle)
	default:
		w.idle.Reset(rest)
	}
}

// end stops the clocks and ends the context.
func (w *watch) end() {
	if w.cancel == nil {
		return
	}
	w.over.Store(true)
	w.content()
	if w.idle != nil {
		w.idle.Stop()
	}
	w.cancel(nil)
}
