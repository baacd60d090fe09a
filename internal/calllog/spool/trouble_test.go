package spool

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tollgate/internal/calllog"
)

func TestDamageOnDiskCostsTheRestOfItsSegmentAndNothingElse(t *testing.T) {
	t.Parallel()
	fs := newMemFS()
	s := open(t, "mem", Options{FS: fs, SegmentBytes: 4000})
	all := records(40)
	for i := range all {
		if err := s.Final(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	s.mu.Lock()
	hit := s.segments[1]
	lost := hit.n
	s.mu.Unlock()
	fs.mu.Lock()
	fs.names[segmentName(lost)].data[hit.size-20] ^= 1
	fs.mu.Unlock()
	got := drain(t, s)
	if len(got) < 30 || len(got) >= 40 || got[len(got)-1].ID != all[39].ID {
		t.Errorf("%d of 40 records came, want all but one", len(got))
	}
	later := record(1)
	if err := s.Final(&later); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, s); len(got) != 1 || got[0].ID != later.ID {
		t.Errorf("after the damage %d records came, want 1", len(got))
	}
}

func TestAFullDiskRefusesCallsKeepsRunningOnesAndRecovers(t *testing.T) {
	t.Parallel()
	for _, space := range []int64{0, 1, 7, 100, 500, 1000} { // how much of the refused frame still fits
		fs := newMemFS()
		s := open(t, "mem", Options{FS: fs, SegmentBytes: 4000})
		running := record(1)
		if err := s.Intent(&running); err != nil {
			t.Fatal(err)
		}
		fs.mu.Lock()
		fs.space = space
		fs.mu.Unlock()
		var ended []calllog.Record
		for s.Healthy() == nil {
			r := record(2)
			if err := s.Intent(&r); err != nil {
				if !errors.Is(err, ErrFull) {
					t.Fatalf("Intent: %v, want ErrFull", err)
				}
				break
			}
			ended = append(ended, r)
		}
		if err := s.Final(&running); !errors.Is(err, ErrFull) {
			t.Errorf("Final on a full disk: %v, want ErrFull", err)
		}
		if err := s.Intent(&running); !errors.Is(err, ErrFull) {
			t.Errorf("Intent on a full disk: %v, want ErrFull", err)
		}
		s.mu.Lock()
		for _, seg := range s.segments {
			if size, err := seg.file.Size(); err != nil || size != seg.size {
				t.Errorf("space %d: a half frame of %d bytes stayed (%v)", space, size-seg.size, err)
			}
		}
		s.mu.Unlock()
		fs.mu.Lock()
		fs.space = -1
		fs.mu.Unlock()
		poll(t, "the spool is healthy again", func() bool { return s.Healthy() == nil })
		for i := range ended {
			if err := s.Final(&ended[i]); err != nil {
				t.Fatal(err)
			}
		}
		if got := drain(t, s); len(got) != 1+len(ended) || got[0].ID != running.ID {
			t.Errorf("space %d: %d records, want the one kept in memory and %d later ones", space, len(got), len(ended))
		}
	}
}

func TestAFailedFsyncIsNotForgotten(t *testing.T) {
	t.Parallel()
	fs := newMemFS()
	s := open(t, "mem", Options{FS: fs, GroupSync: time.Millisecond})
	fs.mu.Lock()
	fs.syncFail = syscall.EIO
	fs.mu.Unlock()
	r := record(1)
	if err := s.Final(&r); err != nil {
		t.Fatal(err)
	}
	poll(t, "the spool is unhealthy", func() bool { return s.Healthy() != nil })
	fs.mu.Lock()
	fs.syncFail = nil
	fs.mu.Unlock()
	poll(t, "the spool is healthy again", func() bool { return s.Healthy() == nil })
	s.mu.Lock()
	n := len(s.segments)
	s.mu.Unlock()
	if n < 2 {
		t.Error("a segment whose fsync failed is written to again")
	}
	if got := drain(t, s); len(got) != 1 {
		t.Errorf("%d records, want 1", len(got))
	}
}

func TestTheQuotaRefusesNewCallsButNotRunningOnes(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{QuotaBytes: 20_000, SegmentBytes: 2000})
	var running []calllog.Record
	for s.Healthy() == nil {
		r := record(1)
		if err := s.Intent(&r); err != nil {
			t.Fatal(err)
		}
		running = append(running, r)
	}
	if used, quota := s.Fill(); used < quota*95/100 {
		t.Errorf("refused at %d of %d bytes", used, quota)
	}
	for i := range running {
		if err := s.Final(&running[i]); err != nil {
			t.Fatalf("final of a running call: %v", err)
		}
	}
	drain(t, s)
	poll(t, "the spool is healthy again", func() bool { return s.Healthy() == nil })
}

func TestADamagedCursorShipsAgainFromTheOldest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	r := record(1)
	if err := s.Final(&r); err != nil {
		t.Fatal(err)
	}
	drain(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, cursorName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, open(t, dir, Options{})); len(got) != 1 {
		t.Errorf("%d records, want 1", len(got))
	}
}

func TestNewSegmentsStandBehindTheCursorEvenWhenTheOldOnesAreGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, cursorName), []byte(`{"segment":9,"offset":100}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{})
	r := record(1)
	if err := s.Final(&r); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, s); len(got) != 1 {
		t.Errorf("%d records, want 1", len(got))
	}
}
