package spool

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
)

// life is what happened to a spool before it crashed.
type life struct {
	intents []id.Call                   // acknowledged
	finals  map[id.Call]calllog.Record  // acknowledged
	tried   map[id.Call]bool            // a final was begun
	shipped map[id.Call]calllog.Outcome // given out and done
}

// live writes and ships calls until the disk ends or all are done.
func live(fs *memFS, calls []calllog.Record) life {
	l := life{finals: map[id.Call]calllog.Record{}, tried: map[id.Call]bool{}, shipped: map[id.Call]calllog.Outcome{}}
	s, err := Open("mem", Options{Now: fixedNow, Logger: quiet(), FS: fs, Strict: true, SegmentBytes: 2000})
	if err != nil {
		return l
	}
	defer func() { _ = s.Close() }()
	for i := range calls {
		r := &calls[i]
		if i%4 != 3 { // the others are refused calls: a final only
			if s.Intent(r) == nil {
				l.intents = append(l.intents, r.ID)
			}
		}
		if i%5 != 4 { // the others are cut
			l.tried[r.ID] = true
			if s.Final(r) == nil {
				l.finals[r.ID] = *r
			}
		}
		if i%3 == 2 {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			b, err := s.Next(ctx, 2, 0)
			if err == nil && s.Done(b) == nil {
				for _, r := range b.Records {
					l.shipped[r.ID] = r.Outcome
				}
			}
			s.sweep()
		}
	}
	return l
}

// TestEveryCrashKeepsWhatWasAcknowledged stops the disk at each of its operations, and then the recovery at each of its own.
func TestEveryCrashKeepsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	calls := records(24)
	whole := newMemFS()
	live(whole, calls)
	total := whole.ops
	if total < 100 {
		t.Fatalf("a whole life has %d operations; the test expects more", total)
	}
	t.Logf("%d crash points", total)
	for crash := 1; crash <= total; crash++ {
		fs := newMemFS()
		fs.crashAt = crash
		l := live(fs, calls)
		survive(t, fmt.Sprintf("killed at %d", crash), fs.killed(), l)
		r := rand.New(rand.NewPCG(uint64(crash), 7))
		for range 4 {
			survive(t, fmt.Sprintf("unplugged at %d", crash), fs.unplugged(r), l)
		}
		for again := 1; again < 40; again += 1 + again/8 {
			second := fs.unplugged(r)
			second.crashAt = again
			s, err := Open("mem", Options{Now: fixedNow, Logger: quiet(), FS: second, Strict: true, SegmentBytes: 2000})
			if err == nil {
				_ = s.Close()
			}
			survive(t, fmt.Sprintf("unplugged at %d, recovery at %d", crash, again), second.unplugged(r), l)
			if err == nil {
				break
			}
		}
	}
}

func survive(t *testing.T, when string, fs *memFS, l life) {
	t.Helper()
	s, err := Open("mem", Options{Now: fixedNow, Logger: quiet(), FS: fs, SegmentBytes: 2000})
	if err != nil {
		t.Fatalf("%s: Open: %v", when, err)
	}
	defer func() { _ = s.Close() }()
	found := map[id.Call][]calllog.Record{}
	for _, r := range drain(t, s) {
		found[r.ID] = append(found[r.ID], r)
	}
	for call, want := range l.finals {
		got := found[call]
		if len(got) == 0 && l.shipped[call] == want.Outcome {
			continue
		}
		if len(got) != 1 {
			t.Fatalf("%s: call %s has %d records, want 1", when, call, len(got))
		}
		want.Proxy = got[0].Proxy
		// A call that was shipped and whose final segment went first may be reported again, as interrupted: the log keeps the first.
		if l.shipped[call] == "" || got[0].Outcome != calllog.Interrupted {
			if d := cmp.Diff(want, got[0]); d != "" {
				t.Fatalf("%s: call %s (-want +got):\n%s", when, call, d)
			}
		}
	}
	for _, call := range l.intents {
		if _, ended := l.finals[call]; ended {
			continue
		}
		got := found[call]
		if len(got) == 0 && l.shipped[call] != "" {
			continue
		}
		if len(got) != 1 {
			t.Fatalf("%s: cut call %s has %d records, want 1", when, call, len(got))
		}
		if got[0].Outcome != calllog.Interrupted && !l.tried[call] {
			t.Fatalf("%s: cut call %s is %q", when, call, got[0].Outcome)
		}
		if got[0].Outcome == calllog.Interrupted && (!got[0].Estimated || got[0].Price != calllog.Unpriced) {
			t.Fatalf("%s: cut call %s is not flagged: %+v", when, call, got[0])
		}
	}
}

func drain(t *testing.T, s *Spool) []calllog.Record {
	t.Helper()
	var all []calllog.Record
	for {
		s.mu.Lock()
		unread := s.unread
		s.mu.Unlock()
		if unread == 0 {
			return all
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		b, err := s.Next(ctx, 7, 0)
		cancel()
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		if len(b.Unreadable) > 0 {
			t.Fatalf("unreadable frames: %d", len(b.Unreadable))
		}
		if len(b.Records) == 0 {
			t.Fatalf("Next gave nothing although %d records are unread", unread)
		}
		all = append(all, b.Records...)
		if err := s.Done(b); err != nil {
			t.Fatalf("Done: %v", err)
		}
	}
}
