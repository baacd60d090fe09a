package gateway

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnAttemptIsGivenUpThatBringsNothingInTime(t *testing.T) {
	t.Parallel()
	const first, idle = 2 * time.Second, 5 * time.Second
	tests := []struct {
		name string
		do   func(w *watch)
		want error
		at   time.Duration
	}{
		{"no content", func(*watch) { time.Sleep(time.Minute) }, errFirstByte, first},
		{"content in time", func(w *watch) {
			time.Sleep(first - time.Millisecond)
			w.content()
			time.Sleep(time.Minute)
		}, nil, 0},
		{"a stream that moves", func(w *watch) {
			w.content()
			w.stream()
			for range 10 {
				w.reading(time.Now())
				time.Sleep(idle - time.Second)
				w.read()
			}
		}, nil, 0},
		{"a stream that stops", func(w *watch) {
			w.content()
			w.stream()
			w.reading(time.Now())
			time.Sleep(3 * time.Second)
			w.read()
			w.reading(time.Now())
			time.Sleep(time.Minute)
		}, errIdle, 3*time.Second + idle},
		{"a client that reads slowly", func(w *watch) { // while nobody reads the provider nothing can come of it
			w.content()
			w.stream()
			w.reading(time.Now())
			time.Sleep(time.Second)
			w.read()
			time.Sleep(time.Minute)
		}, nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var w watch
				began, ended := time.Now(), time.Duration(0)
				ctx := w.begin(t.Context(), first, idle, time.Now)
				context.AfterFunc(ctx, func() { ended = time.Since(began) })
				tt.do(&w)
				synctest.Wait()
				if got := context.Cause(ctx); got != tt.want || ended != tt.at { //nolint:errorlint // the very one
					t.Errorf("%v after %v, want %v after %v", got, ended, tt.want, tt.at)
				}
				w.end()
				synctest.Wait()
				if ctx.Err() == nil {
					t.Error("the context outlives the attempt")
				}
			})
		})
	}
}

func TestAWatchWithoutLimitsIsTheContextItself(t *testing.T) {
	t.Parallel()
	var w watch
	if ctx := w.begin(t.Context(), 0, 0, time.Now); ctx != t.Context() {
		t.Error("another context")
	}
	w.reading(time.Now())
	w.end()
}

func TestAConnectionHasItsOwnLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := dialing(func(ctx context.Context, _, _ string) (net.Conn, error) {
			select {
			case <-ctx.Done():
				return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
			case <-time.After(5 * time.Second):
				return nil, syscall.ECONNREFUSED
			}
		})
		var l life
		l.begin(time.Minute)
		defer l.end()
		began := time.Now()
		if _, err := slow(&l, "tcp", "x"); !errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, errNoConnection) || time.Since(began) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		l.connect = time.Second
		began = time.Now()
		ctx, cancel := context.WithCancel(&l) // as net/http makes one
		defer cancel()
		if _, err := slow(ctx, "tcp", "x"); !errors.Is(err, errNoConnection) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		cancel()
		if _, err := slow(ctx, "tcp", "x"); errors.Is(err, errNoConnection) {
			t.Errorf("a call that was given up is taken for a slow connection: %v", err)
		}
	})
}
