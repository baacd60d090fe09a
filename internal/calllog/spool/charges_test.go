package spool

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// TestAPayloadThatEndsEarlyIsDamage: wherever it ends, in charges too, it is refused and nothing is read beyond it.
func TestAPayloadThatEndsEarlyIsDamage(t *testing.T) {
	t.Parallel()
	r := record(1)
	if !charged(&r) {
		t.Fatal("the record has no charges")
	}
	whole := appendFrame(nil, kindFinal, &r)[frameHead:]
	for n := range whole {
		if _, err := decode(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes were read as a record", n, len(whole))
		}
	}
}

// TestAnIntentThatNobodyCanReadIsALoss: it may have held money of budgets; whoever comes later must not take that for unspent.
func TestAnIntentThatNobodyCanReadIsALoss(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	r := record(1)
	if err := s.Intent(&r); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	files, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	frame := raw[len(segmentMagic):]
	payload := frame[frameHead : frameHead+int(binary.LittleEndian.Uint32(frame))]
	payload[0] = version + 1 // of a later release, before a downgrade
	binary.LittleEndian.PutUint32(frame[4:], checksum(frame[:4], payload))
	if err := os.WriteFile(files[0], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	defer func() { _ = s.Close() }()
	if _, whole := s.Inherited(); whole {
		t.Error("a call of which nobody knows is no loss")
	}
}

// TestWhatNeedsNoShippingIsShipped: a predecessor left bytes and no record, so that nothing will ever move the cursor over them.
func TestWhatNeedsNoShippingIsShipped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	r := record(1)
	if err := s.Intent(&r); err != nil {
		t.Fatal(err)
	}
	if err := s.Void(r.ID); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	s = open(t, dir, Options{})
	defer func() { _ = s.Close() }()
	if shipped, whole := s.Inherited(); !shipped || !whole {
		t.Errorf("shipped %v, whole %v", shipped, whole)
	}
}
