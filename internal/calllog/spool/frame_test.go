package spool

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/id"
)

// testdata/version<n>.hex was written by the last release of version n.
func TestFramesOfEarlierVersionsAreRead(t *testing.T) {
	t.Parallel()
	for version, change := range map[byte]func(want *calllog.Record){
		1: func(want *calllog.Record) {
			want.Estimated = true
			want.Usage.Units = chat.Units{1, 2, 3, 4, 5, 6, 7, 8, 9}
			want.Attempts[1].Usage.Units[chat.CodeSession] = 0
			want.ProviderCost, want.Attempts[1].ProviderCost, want.Warnings = nil, nil, nil
		},
		2: func(*calllog.Record) {},
		3: func(want *calllog.Record) { *want = uncharged(record(1)) },
		4: func(want *calllog.Record) { *want = unprompted(record(1)) },
	} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			payload := recorded(t, version)
			got, err := decode(payload)
			if err != nil {
				t.Fatal(err)
			}
			want := unrouted(record(1))
			change(&want)
			want.ID = got.ID
			want.Payload = &calllog.Payload{Request: []byte("{}"), Response: []byte("[]"), Cut: true}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-written +read):\n%s", d)
			}
		})
	}
}

func TestAFrameOfALaterVersionIsNotGuessedAt(t *testing.T) {
	t.Parallel()
	r := record(1)
	payload := appendFrame(nil, kindFinal, &r)[frameHead:]
	payload[0] = version + 1
	if _, err := decode(payload); !errors.Is(err, errVersion) {
		t.Errorf("a version of the future: %v", err)
	}
}

// TestEachFieldOfChargesIsKeptAlone: none of them hangs on another.
func TestEachFieldOfChargesIsKeptAlone(t *testing.T) {
	t.Parallel()
	for i, set := range []func(r *calllog.Record){
		func(r *calllog.Record) { r.Secret = "sec_a" },
		func(r *calllog.Record) { r.Charges = []calllog.Charge{{Budget: "bud_a", Amount: -1}} },
		func(r *calllog.Record) { r.Checks = []calllog.Check{{By: "lim_a", Did: calllog.DidRefuse}} },
	} {
		want := uncharged(record(1))
		set(&want)
		got, err := decode(appendFrame(nil, kindFinal, &want)[frameHead:])
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("field %d (%v):\n%s", i, err, d)
		}
	}
}

// TestEachFieldOfAPromptIsKeptAlone: none of them hangs on another.
func TestEachFieldOfAPromptIsKeptAlone(t *testing.T) {
	t.Parallel()
	for i, set := range []func(r *calllog.Record){
		func(r *calllog.Record) { r.Prompt = "prompt_b" }, func(r *calllog.Record) { r.PromptVersion = 10_000 },
		func(r *calllog.Record) { r.PromptLabel = "staging" },
	} {
		want := unprompted(record(1))
		set(&want)
		got, err := decode(appendFrame(nil, kindFinal, &want)[frameHead:])
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("field %d (%v):\n%s", i, err, d)
		}
	}
}

// TestEachFieldOfRoutingIsKeptAlone: none of them hangs on another.
func TestEachFieldOfRoutingIsKeptAlone(t *testing.T) {
	t.Parallel()
	for i, set := range []func(r *calllog.Record){
		func(r *calllog.Record) { r.Task = "t" }, func(r *calllog.Record) { r.TaskBy = "key" }, func(r *calllog.Record) { r.Experiment = "exp_a" },
		func(r *calllog.Record) { r.Arm = "a" }, func(r *calllog.Record) { r.ArmServed = "b" }, func(r *calllog.Record) { r.Unit = 1 },
		func(r *calllog.Record) { r.UnitBy = "user" }, func(r *calllog.Record) { r.Signals = calllog.CutShort }, func(r *calllog.Record) { r.Fingerprint = 1 },
		func(r *calllog.Record) { r.Batch = "batch_a" }, func(r *calllog.Record) { r.Decision = &calllog.Decision{} },
	} {
		want := unrouted(record(1))
		set(&want)
		got, err := decode(appendFrame(nil, kindFinal, &want)[frameHead:])
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("field %d (%v):\n%s", i, err, d)
		}
	}
}

func recorded(t *testing.T, version byte) []byte {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("testdata/version%d.hex", version))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if payload[0] != version {
		t.Fatalf("version %d", payload[0])
	}
	return payload
}

// TestRoutingCostsNothingWhereThereIsNone: most calls name a model.
func TestRoutingCostsNothingWhereThereIsNone(t *testing.T) {
	t.Parallel()
	r := unrouted(record(1))
	r.Payload = &calllog.Payload{Request: []byte("{}"), Response: []byte("[]"), Cut: true}
	if now, then := len(appendFrame(nil, kindFinal, &r))-frameHead, len(recorded(t, 2)); now != then {
		t.Errorf("%d bytes, and %d before there was routing", now, then)
	}
}

func FuzzDecode(f *testing.F) {
	r := record(1)
	for _, kind := range []byte{kindIntent, kindFinal} {
		f.Add(appendFrame(nil, kind, &r))
	}
	r.Payload = &calllog.Payload{Request: []byte("a"), Cut: true}
	f.Add(appendFrame(nil, kindFinal, &r))
	plain := unrouted(r)
	f.Add(appendFrame(nil, kindFinal, &plain))
	f.Add(appendPad(nil, 10))
	f.Fuzz(func(t *testing.T, b []byte) {
		payload, size, err := cutFrame(b)
		if err == nil && (size > len(b) || checksum(b[:4], payload) != uint32(b[4])|uint32(b[5])<<8|uint32(b[6])<<16|uint32(b[7])<<24) {
			t.Fatal("accepted a frame whose checksum does not hold")
		}
		if err != nil {
			payload = b // let the fields be reached although the fuzzer cannot make checksums
		}
		got, err := decode(payload)
		if err != nil {
			return
		}
		again := appendFrame(nil, kindFinal, &got)
		back, err := decode(again[frameHead:])
		if d := cmp.Diff(got, back); err != nil || d != "" {
			t.Fatalf("encoded again (%v):\n%s", err, d)
		}
	})
}

func BenchmarkIntentAndFinal(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s, err := Open(b.TempDir(), Options{Now: time.Now, Logger: quiet(), QuotaBytes: 64 << 30})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			go func() {
				for {
					batch, err := s.Next(ctx, 5000, 200*time.Millisecond)
					if err != nil {
						return
					}
					_ = s.Done(batch)
				}
			}()
			b.ReportAllocs()
			b.SetParallelism(writers)
			b.RunParallel(func(p *testing.PB) {
				r := record(1)
				for p.Next() {
					r.ID = id.NewCall()
					if err := errors.Join(s.Intent(&r), s.Final(&r)); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	routed := record(1)
	plain := unrouted(routed)
	for name, r := range map[string]*calllog.Record{"plain": &plain, "routed": &routed} {
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				buf = appendFrame(buf[:0], kindFinal, r)
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	r := record(1)
	frame := appendFrame(nil, kindFinal, &r)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(frame[frameHead:]); err != nil {
			b.Fatal(err)
		}
	}
}
