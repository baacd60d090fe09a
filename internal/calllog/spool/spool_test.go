package spool

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func fixedNow() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

// record is a call with something in every field.
func record(n int) calllog.Record {
	usage := chat.Usage{Source: chat.Reported}
	usage.Units[chat.Input], usage.Units[chat.Output], usage.Units[chat.CacheRead] = int64(100+n), 20, 3
	usage.Units[chat.CodeSession] = 2 // the last class
	told := money.NanoUSD(12000 + n)
	return calllog.Record{
		ID: id.NewCall(), Org: "org_a", Team: "team_a", Key: "key_a", Environment: "production", Workflow: "triage", EndUser: "u1",
		Tags: map[string]string{"a": "1", "b": ""}, Endpoint: "chat", Dialect: "openai-chat", Requested: "fast", Alias: "fast",
		AliasVersion: 3, Provider: "openai", Model: "gpt-4o-mini", Stream: true, Status: 200, Outcome: calllog.OK, Finish: chat.FinishStop,
		Usage: usage, Cost: 12345, Price: calllog.Priced, Duration: time.Second + 7, FirstByte: 200 * time.Millisecond,
		Overhead: 300 * time.Microsecond, RequestBytes: 1000, ResponseBytes: 2000, ProviderCost: &told, Warnings: []string{"seed was dropped", "ünïcode"},
		Task: "classification", TaskBy: calllog.TaskKey, Experiment: "exp_a", Arm: "b", ArmServed: "control", Unit: 1<<64 - 1, UnitBy: "session",
		Signals: calllog.SchemaAsked | calllog.CutShort, Fingerprint: uint64(n), Batch: "batch_a",
		Decision: &calllog.Decision{
			Strategy: "weighted", Rule: "night", Sticky: true, Filters: []string{"only openai"},
			Features: []calllog.Feature{{Name: "code fences", Value: 1.5, Weight: -2}},
			Candidates: []calllog.Candidate{
				{Provider: "openai", Model: "gpt-4o-mini", Credential: "cred_b", Place: 1, Why: "weight 50 of 100"},
				{Provider: "anthropic", Model: "claude", Why: "breaker open"},
			},
			Notes: []string{"retry budget spent"},
		},
		Prompt: "prompt_a", PromptVersion: 7, PromptLabel: "production",
		Secret: "sec_a",
		Charges: []calllog.Charge{
			{Budget: "bud_a", Pot: id.Pot{1, 2}, Holder: id.Holder{3, 15: 4}, Amount: 12345}, {Budget: "bud_b", Pot: id.Pot{15: 9}, Amount: 1 << 40},
		},
		Checks: []calllog.Check{{By: "bud_b", Did: calllog.WouldRefuse, Subject: "u1", Period: "day", Short: 17}, {By: "lim_a", Did: calllog.DidWait}},
		Marks:  []calllog.Mark{{Stage: "read", At: 5}, {Stage: "dispatch", At: time.Second}},
		Attempts: []calllog.Attempt{
			{Number: 1, Provider: "anthropic", Model: "claude", Credential: "cred_a", Start: 1, Duration: 2, Status: 429, ErrorClass: "rate_limit"},
			{
				Number: 2, Provider: "openai", Model: "gpt-4o-mini", Start: 3, FirstByte: 4, Duration: 5, Status: 200, UpstreamID: "chatcmpl-1",
				Usage: usage, Cost: 12345, Price: calllog.Priced, PriceID: "price_a", ProviderCost: &told,
			},
		},
	}
}

// unprompted takes out of a record what came with version 5.
func unprompted(r calllog.Record) calllog.Record {
	r.Prompt, r.PromptVersion, r.PromptLabel = "", 0, ""
	return r
}

// uncharged takes out of a record what came with version 4 and later.
func uncharged(r calllog.Record) calllog.Record {
	r = unprompted(r)
	r.Secret, r.Charges, r.Checks = "", nil, nil
	return r
}

// unrouted takes out of a record what came with version 3 and later.
func unrouted(r calllog.Record) calllog.Record {
	r = uncharged(r)
	r.Task, r.TaskBy, r.Experiment, r.Arm, r.ArmServed, r.Unit, r.UnitBy = "", "", "", "", "", 0, ""
	r.Signals, r.Fingerprint, r.Batch, r.Decision = 0, 0, "", nil
	return r
}

func records(n int) []calllog.Record {
	rs := make([]calllog.Record, n)
	for i := range rs {
		rs[i] = record(i)
	}
	return rs
}

func open(t *testing.T, dir string, o Options) *Spool {
	t.Helper()
	o.Now, o.Logger = fixedNow, quiet()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestFinalsComeBackWholeInOrderAndOnce(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{SegmentBytes: 4000})
	want := records(50)
	want[7].Payload = &calllog.Payload{Request: []byte(`{"a":1}`), Response: make([]byte, 9000), Cut: true}
	want[8].Payload = &calllog.Payload{}
	want[9].Tags, want[9].Marks, want[9].Attempts = nil, nil, nil
	for i := range want {
		if err := s.Intent(&want[i]); err != nil {
			t.Fatal(err)
		}
		if err := s.Final(&want[i]); err != nil {
			t.Fatal(err)
		}
		want[i].Proxy = s.Proxy()
	}
	if d := cmp.Diff(want, drain(t, s)); d != "" {
		t.Errorf("(-written +read):\n%s", d)
	}
	if got := s.Shipped(); !got.Equal(fixedNow()) {
		t.Errorf("Shipped() = %v after everything was, want now", got)
	}
}

func TestShippedSegmentsAreRemovedUnlessACallIsOpenInThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{SegmentBytes: 4000})
	slow := record(0)
	if err := s.Intent(&slow); err != nil {
		t.Fatal(err)
	}
	for _, r := range records(40) {
		if err := errors.Join(s.Intent(&r), s.Final(&r)); err != nil {
			t.Fatal(err)
		}
	}
	drain(t, s)
	s.sweep()
	if n := segmentCount(t, dir); n != 2 {
		t.Errorf("%d segments are left, want the one with the open call and the last", n)
	}
	if err := s.Final(&slow); err != nil {
		t.Fatal(err)
	}
	drain(t, s)
	s.sweep()
	if n := segmentCount(t, dir); n != 1 {
		t.Errorf("%d segments are left, want the last", n)
	}
}

func segmentCount(t *testing.T, dir string) int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func TestAnIntentWithoutAFinalIsReportedOnceAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	done, cut := record(1), record(2)
	again := cut
	again.Provider = "mistral" // a second intent of the call: the attempt that was under way
	if err := errors.Join(s.Intent(&done), s.Intent(&cut), s.Final(&done), s.Intent(&again)); err != nil {
		t.Fatal(err)
	}
	proxy := s.Proxy()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for restart := range 3 {
		s = open(t, dir, Options{})
		if s.Proxy() != proxy {
			t.Errorf("proxy is %s after a restart, was %s", s.Proxy(), proxy)
		}
		if restart < 2 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := drain(t, s)
	if len(got) != 2 || got[1].ID != cut.ID || got[1].Outcome != calllog.Interrupted || !got[1].Estimated || got[1].Provider != "mistral" {
		t.Errorf("records after restarts: %+v", got)
	}
}

func TestRecordsThatWereNotDoneComeAgainAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{SegmentBytes: 4000})
	all := records(30)
	for i := range all {
		if err := s.Final(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	first, err := s.Next(t.Context(), 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(t.Context(), 10, 0); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Done(first), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	got := drain(t, s)
	if len(got) != 20 || got[0].ID != all[10].ID {
		t.Errorf("%d records came again, want the 20 that were not done", len(got))
	}
}

func TestTwoProcessesCannotShareADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir, Options{})
	if _, err := Open(dir, Options{Now: fixedNow, Logger: quiet()}); !errors.Is(err, ErrInUse) {
		t.Errorf("second Open: %v, want ErrInUse", err)
	}
}

func TestConcurrentWritersLoseNothing(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{SegmentBytes: 64 << 10})
	const writers, each = 16, 200
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for n := range each {
				r := record(n)
				if err := errors.Join(s.Intent(&r), s.Final(&r)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[id.Call]bool{}
	for len(seen) < writers*each {
		b, err := s.Next(t.Context(), 300, time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range b.Records {
			if seen[r.ID] {
				t.Fatalf("%s came twice", r.ID)
			}
			seen[r.ID] = true
		}
		if err := s.Done(b); err != nil {
			t.Fatal(err)
		}
	}
	group.Wait()
}

func TestShippedNeverRunsAhead(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	clock := fixedNow()
	now := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		clock = clock.Add(time.Second)
		return clock
	}
	s, err := Open(t.TempDir(), Options{Now: now, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ended := map[id.Call]time.Time{}
	for i := range 40 {
		r := record(i)
		if err := s.Final(&r); err != nil {
			t.Fatal(err)
		}
		ended[r.ID] = now()
		if i%5 == 0 {
			s.mark()
		}
	}
	var last time.Time
	for len(ended) > 0 {
		b, err := s.Next(t.Context(), 3, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Done(b); err != nil {
			t.Fatal(err)
		}
		for _, r := range b.Records {
			delete(ended, r.ID)
		}
		upTo := s.Shipped()
		for call, at := range ended {
			if at.Before(upTo) {
				t.Fatalf("Shipped() = %v, but %s ended at %v and is not shipped", upTo, call, at)
			}
		}
		if upTo.Before(last) {
			t.Fatalf("Shipped() went back from %v to %v", last, upTo)
		}
		last = upTo
	}
	if last.Before(fixedNow()) {
		t.Error("Shipped() says nothing in the end")
	}
}

func TestStrictReturnsAfterTheFsync(t *testing.T) {
	t.Parallel()
	fs := newMemFS()
	s := open(t, "mem", Options{FS: fs, Strict: true})
	r := record(1)
	if err := s.Final(&r); err != nil {
		t.Fatal(err)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for name, f := range fs.durable {
		if filepath.Ext(name) == ".seg" && len(f.durable) < 100 {
			t.Errorf("%s holds %d durable bytes after a strict Final", name, len(f.durable))
		}
	}
}

func TestWaitingForRecordsEndsWithTheContextAndWithTheSpool(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Next(ctx, 1, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Next: %v, want canceled", err)
	}
	got := make(chan error)
	go func() {
		_, err := s.Next(t.Context(), 1, 0)
		got <- err
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, errClosed) {
		t.Errorf("Next after Close: %v", err)
	}
	r := record(1)
	if err := s.Final(&r); !errors.Is(err, ErrFull) {
		t.Errorf("Final after Close: %v, want ErrFull", err)
	}
}

func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
