package spool

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// TestACutCallIsChargedAsItsNewestAnnouncementSays: each attempt is announced anew, with all that the call may have cost so far.
func TestACutCallIsChargedAsItsNewestAnnouncementSays(t *testing.T) {
	t.Parallel()
	fs := newMemFS()
	s, err := Open("mem", Options{Now: fixedNow, Logger: quiet(), FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	r := record(1)
	for _, amount := range []money.NanoUSD{100, 40} {
		r.Charges = []calllog.Charge{{Budget: "bud_a", Pot: id.Pot{1}, Holder: id.Holder{2}, Amount: amount}}
		if err := s.Intent(&r); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.Close()
	s, err = Open("mem", Options{Now: fixedNow, Logger: quiet(), FS: fs.killed()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if shipped, whole := s.Inherited(); shipped || !whole {
		t.Errorf("before it is shipped: shipped %v, whole %v", shipped, whole)
	}
	b, err := s.Next(t.Context(), 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Records) != 1 || b.Records[0].Outcome != calllog.Interrupted || cmp.Diff(r.Charges, b.Records[0].Charges) != "" {
		t.Errorf("recovered %+v", b.Records)
	}
	if shipped, _ := s.Inherited(); shipped {
		t.Error("what was given out is not yet shipped")
	}
	if err := s.Done(b); err != nil {
		t.Fatal(err)
	}
	if shipped, whole := s.Inherited(); !shipped || !whole {
		t.Errorf("after it was shipped: shipped %v, whole %v", shipped, whole)
	}
}

// TestWhatWasLostOnceIsNotForgotten: whoever comes later must not take what was held for unspent.
func TestWhatWasLostOnceIsNotForgotten(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, dir string, s *Spool){
		"damage": func(t *testing.T, dir string, _ *Spool) {
			files, err := filepath.Glob(filepath.Join(dir, "*.seg"))
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			raw, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			raw[len(segmentMagic)+frameHead+40] ^= 1
			if err := os.WriteFile(files[0], raw, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a record set aside": func(t *testing.T, _ string, s *Spool) {
			if err := s.SetAside(record(1), "no such organization"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, dir, Options{})
			for _, r := range records(3) {
				if err := s.Intent(&r); err != nil {
					t.Fatal(err)
				}
			}
			if name != "damage" {
				spoil(t, dir, s)
				if _, whole := s.Inherited(); whole {
					t.Error("the process itself does not know")
				}
			}
			_ = s.Close()
			if name == "damage" {
				spoil(t, dir, s)
			}
			for range 2 { // the damage itself is cut away by the first
				s = open(t, dir, Options{})
				if _, whole := s.Inherited(); whole {
					t.Error("taken for whole")
				}
				_ = s.Close()
			}
		})
	}
}

// TestAnIntentThatWasTakenBackIsNotFoundInterrupted: its call ended elsewhere.
func TestAnIntentThatWasTakenBackIsNotFoundInterrupted(t *testing.T) {
	t.Parallel()
	fs := newMemFS()
	s, err := Open("mem", Options{Now: fixedNow, Logger: quiet(), FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	gone, cut := record(1), record(2)
	for _, r := range []calllog.Record{gone, cut} {
		if err := s.Intent(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Void(gone.ID); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	s, err = Open("mem", Options{Now: fixedNow, Logger: quiet(), FS: fs.killed()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	b, err := s.Next(t.Context(), 10, 0)
	if err != nil || len(b.Records) != 1 || b.Records[0].ID != cut.ID || len(b.Unreadable) != 0 {
		t.Errorf("%v: recovered %+v, want the one that was cut", err, b)
	}
	if _, whole := s.Inherited(); !whole {
		t.Error("taken for damage")
	}
}
