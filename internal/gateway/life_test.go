package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestALifeEndsOnceAndTellsEveryoneWhoWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l life
		l.begin(time.Minute)
		var told atomic.Int32
		for range 3 {
			l.AfterFunc(func() { told.Add(1) })
		}
		if stop := l.AfterFunc(func() { t.Error("told although it was stopped") }); !stop() || stop() {
			t.Error("stop says once, and only once, that it stopped something")
		}
		child, cancel := context.WithCancelCause(&l)
		defer cancel(nil)
		time.Sleep(time.Minute - time.Nanosecond)
		synctest.Wait()
		if l.Err() != nil || child.Err() != nil || told.Load() != 0 {
			t.Fatalf("ended early: %v %v", l.Err(), child.Err())
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		<-l.Done()
		<-child.Done()
		if !errors.Is(l.Err(), context.DeadlineExceeded) || !errors.Is(child.Err(), context.DeadlineExceeded) || told.Load() != 3 {
			t.Errorf("%v, %v, told %d", l.Err(), child.Err(), told.Load())
		}
		l.end()
		if !errors.Is(l.Err(), context.DeadlineExceeded) {
			t.Errorf("ended twice: %v", l.Err())
		}
		l.AfterFunc(func() { told.Add(1) })
		synctest.Wait()
		if told.Load() != 4 {
			t.Error("who comes after the end is not told")
		}
	})
}

func TestAnAbandonedLifeIsCancelledAndItsChildToo(t *testing.T) {
	t.Parallel()
	var l life
	l.begin(time.Hour)
	child, cancel := context.WithTimeout(&l, time.Hour)
	defer cancel()
	l.end()
	<-child.Done()
	if !errors.Is(context.Cause(child), context.Canceled) || !errors.Is(context.Cause(&l), context.Canceled) {
		t.Errorf("%v, %v", context.Cause(child), context.Cause(&l))
	}
	select {
	case <-l.Done():
	default:
		t.Error("Done is not closed when it is first asked for after the end")
	}
}
