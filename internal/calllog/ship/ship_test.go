package ship_test

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/ship"
	"tollgate/internal/calllog/spool"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// memory is a call log in memory that can be away, and that finds some records poisonous.
type memory struct {
	mu      sync.Mutex
	down    bool
	lie     bool // stores, and says it did not
	late    bool // away until the last flush, which is the one that has a deadline
	calls   map[id.Call]int
	beats   int
	ingests int
}

func (m *memory) Ingest(ctx context.Context, records []calllog.Record, beat calllog.Beat) (calllog.Delivered, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ingests++
	_, last := ctx.Deadline()
	if m.down || m.late && !last {
		return calllog.Delivered{}, postgres.ErrDown
	}
	for _, r := range records {
		if r.Workflow == "poison" {
			return calllog.Delivered{}, calllog.ErrPoison
		}
	}
	m.beats++
	var d calllog.Delivered
	for _, r := range records {
		if r.Workflow == "stranger" {
			d.Rejected = append(d.Rejected, calllog.Rejected{Record: r, Reason: "no such organization"})
			continue
		}
		m.calls[r.ID]++
	}
	if m.lie {
		m.lie = false
		return calllog.Delivered{}, postgres.ErrDown
	}
	return d, nil
}

func (m *memory) stored() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.calls)
}

func (m *memory) set(fn func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fn()
}

func open(t *testing.T, dir string) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, spool.Options{Now: time.Now, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func write(t *testing.T, s *spool.Spool, workflow string) calllog.Record {
	t.Helper()
	r := calllog.Record{ID: id.NewCall(), Org: "org_a", Key: "key_a", Workflow: workflow, Outcome: calllog.OK}
	if err := errors.Join(s.Intent(&r), s.Final(&r)); err != nil {
		t.Fatal(err)
	}
	return r
}

// start runs a shipper until stop is called, which waits for its end.
func start(t *testing.T, s *ship.Shipper) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); <-done }) }
	t.Cleanup(stop)
	return stop
}

func fast(o ship.Options) ship.Options {
	o.Now, o.Logger = time.Now, quiet()
	o.Linger, o.BackoffMin, o.BackoffMax, o.BeatEvery = time.Millisecond, time.Millisecond, 5*time.Millisecond, 5*time.Millisecond
	return o
}

func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestAnOutageLosesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	log := &memory{calls: map[id.Call]int{}, down: true}
	start(t, ship.New(s, log, fast(ship.Options{BatchMax: 7})))
	for range 50 {
		write(t, s, "")
	}
	poll(t, "several tries", func() bool { log.mu.Lock(); defer log.mu.Unlock(); return log.ingests > 5 })
	log.set(func() { log.down = false; log.lie = true }) // the first answer after the outage is lost as well
	poll(t, "everything is stored", func() bool { return log.stored() == 50 })
	poll(t, "the watermark moves", func() bool { return !s.Shipped().IsZero() })
}

func TestStoppingShipsWhatIsLeftAndNeverPassesAHeldBatchBy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	log := &memory{calls: map[id.Call]int{}, down: true}
	o := fast(ship.Options{BatchMax: 3})
	o.LastFlush = 50 * time.Millisecond
	stop := start(t, ship.New(s, log, o))
	for range 10 {
		write(t, s, "")
	}
	poll(t, "a batch is held", func() bool { log.mu.Lock(); defer log.mu.Unlock(); return log.ingests > 2 })
	stop() // the database is still away
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	log.set(func() { log.down = false })
	stop = start(t, ship.New(s, log, fast(ship.Options{BatchMax: 3})))
	stop() // at once: the last flush does it
	if n := log.stored(); n != 10 {
		t.Errorf("%d calls stored, want 10", n)
	}
}

func TestTheLastFlushBeginsWithTheHeldBatch(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	log := &memory{calls: map[id.Call]int{}, late: true}
	for range 10 {
		write(t, s, "")
	}
	stop := start(t, ship.New(s, log, fast(ship.Options{BatchMax: 3})))
	poll(t, "a batch is held", func() bool { log.mu.Lock(); defer log.mu.Unlock(); return log.ingests > 2 })
	stop()
	if n := log.stored(); n != 10 {
		t.Errorf("%d calls stored, want 10", n)
	}
}

func TestAPoisonousRecordIsSetAsideAndBlocksNobody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	log := &memory{calls: map[id.Call]int{}}
	for i := range 40 {
		switch i {
		case 3, 17:
			write(t, s, "poison")
		case 30:
			write(t, s, "stranger")
		default:
			write(t, s, "")
		}
	}
	shipper := ship.New(s, log, fast(ship.Options{}))
	stop := start(t, shipper)
	poll(t, "the good ones are stored", func() bool { return log.stored() == 37 })
	poll(t, "the bad ones are set aside", func() bool { _, aside := shipper.Counts(); return aside == 3 })
	stop()
	f, err := os.Open(filepath.Join(dir, "quarantine.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := 0
	for scan := bufio.NewScanner(f); scan.Scan(); {
		lines++
	}
	if lines != 3 {
		t.Errorf("%d lines in the quarantine, want 3", lines)
	}
	for call, n := range log.calls {
		if n != 1 {
			t.Errorf("%s was stored %d times", call, n)
		}
	}
}

func TestAnIdleProxyGivesSignsOfLife(t *testing.T) {
	t.Parallel()
	log := &memory{calls: map[id.Call]int{}}
	start(t, ship.New(open(t, t.TempDir()), log, fast(ship.Options{})))
	poll(t, "three beats", func() bool { log.mu.Lock(); defer log.mu.Unlock(); return log.beats >= 3 })
}

func TestLastUsesAreToldAgainUntilTheyAreTaken(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	log := &memory{calls: map[id.Call]int{}}
	var mu sync.Mutex
	refusals := 2
	var told map[id.Key]time.Time
	o := fast(ship.Options{Used: func(_ context.Context, used map[id.Key]time.Time) error {
		mu.Lock()
		defer mu.Unlock()
		if refusals--; refusals >= 0 {
			return postgres.ErrDown
		}
		told = used
		return nil
	}})
	o.UsedEvery = time.Millisecond
	start(t, ship.New(s, log, o))
	write(t, s, "")
	last := write(t, s, "")
	want := last.ID.Time()
	poll(t, "the last use is told", func() bool { mu.Lock(); defer mu.Unlock(); return told["key_a"].Equal(want) })
}
