// Package ship moves records from a proxy's spool into the call log.
//
// The model: one loop reads a batch, stores it, then moves the spool's cursor. A batch may be stored and its cursor move be lost;
// then it is stored again, which changes nothing. While the database is away the loop holds one batch and tries it for ever; the
// rest waits on disk. A record that the database refuses for what it says is found by halving the batch and set aside in the
// spool's quarantine file with an alarm, so that it neither blocks the rest nor disappears.
package ship

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/spool"
	"tollgate/internal/id"
)

// Store is what a Shipper needs of the call log; package calllogpg provides it.
type Store interface {
	Ingest(ctx context.Context, records []calllog.Record, beat calllog.Beat) (calllog.Delivered, error)
}

// Options of a Shipper. Zero values take the defaults named.
type Options struct {
	Now    func() time.Time // required
	Logger *slog.Logger     // required
	// Used, if given, is told now and then when keys were last used. What it refuses is told again.
	Used func(ctx context.Context, used map[id.Key]time.Time) error
	// UsedSecrets is Used for the secrets of keys.
	UsedSecrets func(ctx context.Context, used map[id.Secret]time.Time) error
	BatchMax    int           // 5,000
	Linger      time.Duration // how long a record may wait for company; 200 ms
	BeatEvery   time.Duration // sign of life of an idle proxy; 2 s
	UsedEvery   time.Duration // 30 s
	BackoffMin  time.Duration // 100 ms, doubling
	BackoffMax  time.Duration // 5 s
	LastFlush   time.Duration // how long Run goes on shipping after its context has ended; 5 s
}

// Shipper ships one spool. It is the spool's only reader.
type Shipper struct {
	spool *spool.Spool
	store Store
	o     Options

	shipped, aside atomic.Int64
	held           *spool.Batch // taken from the spool and not stored yet: nothing behind it may be shipped before it
	used           map[id.Key]time.Time
	usedSecrets    map[id.Secret]time.Time
	usedTold       time.Time
	failing        bool
}

// New makes a Shipper.
func New(s *spool.Spool, store Store, o Options) *Shipper {
	or := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	or(&o.Linger, 200*time.Millisecond)
	or(&o.BeatEvery, 2*time.Second)
	or(&o.UsedEvery, 30*time.Second)
	or(&o.BackoffMin, 100*time.Millisecond)
	or(&o.BackoffMax, 5*time.Second)
	or(&o.LastFlush, 5*time.Second)
	if o.BatchMax == 0 {
		o.BatchMax = 5000
	}
	return &Shipper{spool: s, store: store, o: o, used: make(map[id.Key]time.Time), usedSecrets: make(map[id.Secret]time.Time)}
}

// Counts are the records shipped and set aside since the start.
func (s *Shipper) Counts() (shipped, aside int64) { return s.shipped.Load(), s.aside.Load() }

// Run ships until ctx ends, then for at most LastFlush what is left. It returns nil.
func (s *Shipper) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		s.turn(ctx, s.o.BeatEvery, s.o.Linger)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.LastFlush)
	defer cancel()
	for last.Err() == nil {
		if !s.turn(last, time.Millisecond, 0) {
			break
		}
	}
	s.tellUsed(last, true)
	return nil
}

// turn ships a batch, or says that the proxy lives when none comes within wait. It reports whether there was a batch.
func (s *Shipper) turn(ctx context.Context, wait, linger time.Duration) bool {
	if s.held != nil {
		return s.deliver(ctx, *s.held)
	}
	waiting, cancel := context.WithTimeout(ctx, wait+linger)
	batch, err := s.spool.Next(waiting, s.o.BatchMax, linger)
	cancel()
	switch {
	case err == nil:
		s.held = &batch
		return s.deliver(ctx, batch)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
	default:
		s.o.Logger.Error("the spool cannot be read", "error", err)
		s.sleep(ctx, s.o.BackoffMax)
		return false
	}
	if ctx.Err() == nil {
		_, err := s.store.Ingest(ctx, nil, s.beat())
		s.note(err)
		s.tellUsed(ctx, false)
	}
	return false
}

// deliver stores a batch, however long it takes, and moves the cursor. When ctx ends first, the batch stays held.
func (s *Shipper) deliver(ctx context.Context, b spool.Batch) bool {
	backoff := s.o.BackoffMin
	for {
		err := s.storeAll(ctx, b)
		s.note(err)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return false
		}
		s.sleep(ctx, backoff/2+rand.N(backoff/2+1)) //nolint:gosec // jitter needs no secrecy
		backoff = min(2*backoff, s.o.BackoffMax)
	}
	s.held = nil
	if err := s.spool.Done(b); err != nil {
		// The records are in the log; after a restart they would be offered again, and ignored.
		s.o.Logger.Warn("the spool's cursor was not written", "error", err)
	}
	s.tellUsed(ctx, false)
	return true
}

func (s *Shipper) storeAll(ctx context.Context, b spool.Batch) error {
	if err := s.storeSome(ctx, b.Records); err != nil {
		return err
	}
	for _, payload := range b.Unreadable {
		if err := s.spool.SetAsideUnreadable(payload, "not readable by this version"); err != nil {
			return fmt.Errorf("set an unreadable record aside: %w", err)
		}
		s.aside.Add(1)
		s.o.Logger.Error("a spool record cannot be read by this version; it was set aside")
	}
	return nil
}

// storeSome stores records; of those that the log refuses it finds the guilty ones by halving.
func (s *Shipper) storeSome(ctx context.Context, records []calllog.Record) error {
	if len(records) == 0 {
		return nil
	}
	d, err := s.store.Ingest(ctx, records, s.beat())
	switch {
	case errors.Is(err, calllog.ErrPoison) && len(records) == 1:
		return s.setAside(records[0], err.Error())
	case errors.Is(err, calllog.ErrPoison):
		half := len(records) / 2
		if err := s.storeSome(ctx, records[:half]); err != nil {
			return err
		}
		return s.storeSome(ctx, records[half:])
	case err != nil:
		return err
	}
	if d.Overrun > 0 {
		s.o.Logger.Error("calls cost more than was held for them: budgets that must hold were overrun", "nano_usd", int64(d.Overrun))
	}
	for _, r := range d.Rejected {
		if err := s.setAside(r.Record, r.Reason); err != nil {
			return err
		}
	}
	s.shipped.Add(int64(len(records) - len(d.Rejected)))
	s.rememberUsed(records)
	return nil
}

func (s *Shipper) setAside(r calllog.Record, reason string) error {
	if err := s.spool.SetAside(r, reason); err != nil {
		return fmt.Errorf("set call %s aside: %w", r.ID, err)
	}
	s.aside.Add(1)
	s.o.Logger.Error("a call cannot be stored in the call log; it was set aside", "call", r.ID.String(), "organization", string(r.Org))
	return nil
}

func (s *Shipper) beat() calllog.Beat {
	bytes, _ := s.spool.Fill()
	return calllog.Beat{Proxy: s.spool.Proxy(), At: s.o.Now(), ShippedUntil: s.spool.Shipped(), SpoolBytes: bytes}
}

// note logs when shipping begins to fail and when it works again, not every try.
func (s *Shipper) note(err error) {
	switch {
	case err != nil && !s.failing && !errors.Is(err, context.Canceled):
		s.failing = true
		s.o.Logger.Warn("call records wait on disk: the call log does not take them", "error", err)
	case err == nil && s.failing:
		s.failing = false
		s.o.Logger.Info("call records are shipped again")
	}
}

const usedMax = 100_000 // keys remembered between two tellings

func (s *Shipper) rememberUsed(records []calllog.Record) {
	if s.o.Used == nil {
		return
	}
	for i := range records {
		r := &records[i]
		if at := r.ID.Time(); r.Key != "" && at.After(s.used[r.Key]) && len(s.used) < usedMax {
			s.used[r.Key] = at
		}
		if at := r.ID.Time(); r.Secret != "" && at.After(s.usedSecrets[r.Secret]) && len(s.usedSecrets) < usedMax {
			s.usedSecrets[r.Secret] = at
		}
	}
}

func (s *Shipper) tellUsed(ctx context.Context, last bool) {
	now := s.o.Now()
	if s.o.Used == nil || len(s.used) == 0 || (!last && now.Sub(s.usedTold) < s.o.UsedEvery) {
		return
	}
	s.usedTold = now
	if err := s.o.Used(ctx, s.used); err != nil {
		s.o.Logger.Warn("the last use of keys was not noted; it will be", "error", err)
		return
	}
	s.used = make(map[id.Key]time.Time)
	if s.o.UsedSecrets == nil || len(s.usedSecrets) == 0 {
		return
	}
	if err := s.o.UsedSecrets(ctx, s.usedSecrets); err != nil {
		s.o.Logger.Warn("the last use of secrets of keys was not noted; it will be", "error", err)
		return
	}
	s.usedSecrets = make(map[id.Secret]time.Time)
}

func (s *Shipper) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
