package gateway

import (
	"context"
	"sync"
	"time"
)

// life is the context of a call's work: it ends at the call's deadline or when the work is abandoned, not when the client leaves. It
// carries one value, and tells no deadline, because it is kept by a timer and not by a clock. It is a part of the Call and does what
// three contexts of the standard library would, without what they allocate.
type life struct {
	mu    sync.Mutex
	done  chan struct{} // made when asked for
	err   error
	timer *time.Timer
	after []*func() // told, in no order, when it ends
	room  [2]*func()

	connect time.Duration // limit of the call for each connection; 0: the transport's
}

// begin starts a life that lasts at most limit. end must be called.
func (l *life) begin(limit time.Duration) {
	l.after = l.room[:0]
	l.timer = time.AfterFunc(limit, l.expire)
}

func (l *life) expire() { l.cancel(context.DeadlineExceeded) }

// end ends the life if nothing else has. It is safe to call at any time, and again.
func (l *life) end() {
	l.cancel(context.Canceled)
	l.timer.Stop()
}

func (l *life) cancel(err error) {
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return
	}
	l.err = err
	if l.done != nil {
		close(l.done)
	}
	told := l.after
	l.after = nil
	l.mu.Unlock()
	for _, f := range told {
		(*f)()
	}
}

// AfterFunc arranges for f to be called when the life ends. f must not wait for anything. The context package knows this method, so
// that contexts made from this one need no goroutine.
func (l *life) AfterFunc(f func()) (stop func() bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		go f() // as context.AfterFunc does it: never before it returns
		return func() bool { return false }
	}
	l.after = append(l.after, &f)
	return func() bool { return l.forget(&f) }
}

// forget reports whether f was waiting and now is not.
func (l *life) forget(f *func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, have := range l.after {
		if have == f {
			last := len(l.after) - 1
			l.after[i] = l.after[last]
			l.after[last] = nil
			l.after = l.after[:last]
			return true
		}
	}
	return false
}

// Done is closed when the life ends.
func (l *life) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		l.done = make(chan struct{})
		if l.err != nil {
			close(l.done)
		}
	}
	return l.done
}

// Err is nil while the work may go on.
func (l *life) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Deadline tells none.
func (*life) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value finds the limit for a connection, which transports ask for (see dialing), and nothing else.
func (l *life) Value(key any) any {
	if _, ok := key.(connectKey); ok && l.connect > 0 {
		return l.connect
	}
	return nil
}

// afterFunc is context.AfterFunc, by the short way where the context has one.
func afterFunc(ctx context.Context, f func()) (stop func() bool) {
	if l, ok := ctx.(*life); ok {
		return l.AfterFunc(f)
	}
	return context.AfterFunc(ctx, f)
}
