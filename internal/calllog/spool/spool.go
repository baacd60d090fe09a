package spool

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/fault"
	"tollgate/internal/id"
)

// ErrFull means that no further call may reach a provider, because it could not be recorded: no log, no call.
var ErrFull = fault.New(fault.Unavailable, "log.unavailable",
	"The call log cannot take records at the moment, so no provider was called. Try again shortly.")

// ErrInUse means that another process runs on the same directory.
var ErrInUse = fault.New(fault.Conflict, "log.in_use", "Another Tollgate process is using this spool directory.")

// errClosed means that the spool was used after Close.
var errClosed = errors.New("spool: closed")

// Options of Open. Zero values take the defaults named.
type Options struct {
	Now          func() time.Time // required
	Logger       *slog.Logger     // required
	QuotaBytes   int64            // disk that segments may take; 4 GiB
	SegmentBytes int64            // 8 MiB
	GroupSync    time.Duration    // how long an fsync may wait for company; 10 ms
	Strict       bool             // Intent and Final return after fsync
	FS           FS               // the directory of the operating system
}

// Spool is an open spool. All methods are safe for concurrent use, but for Next and Done: there is one reader.
type Spool struct {
	o     Options
	fs    FS
	log   *slog.Logger
	proxy string
	lock  io.Closer

	trouble atomic.Uint32 // bits below; not zero: unhealthy
	news    chan struct{} // tells the reader that finals came
	dirty   chan struct{} // tells the syncer that frames came
	stop    chan struct{}
	done    chan struct{}

	mu        sync.Mutex
	flushed   *sync.Cond           // on mu; a sync has ended
	segments  []*segment           // by number; the last is written to
	open      map[id.Call]*segment // where the intents stand that wait for their final
	bytes     int64                // of all segments
	level     int                  // of quotaLevels reached
	unread    int                  // finals that Next has not given out
	dirtied   bool                 // dirty was told and the sync has not begun
	dirChange bool                 // a segment was created and the directory not synced since
	pending   [][]byte             // finals that the disk refused, as frames
	pendBytes int
	inherited position // everything before is of earlier processes
	harmed    bool     // records were lost, now or before
	cursor    position // everything before is shipped
	read      position // everything before is given out
	marks     []mark
	shipped   time.Time
	closed    bool
}

const (
	troubleDisk  = 1 << iota // the disk refuses writes
	troubleQuota             // 95 % of the quota is used
)

// pendingMax bounds the finals kept in memory while the disk refuses them.
const pendingMax = 16 << 20

// segment is one file.
type segment struct {
	n      uint64
	file   File
	size   int64 // of whole frames and the header
	synced int64 // of them, certainly on disk
	open   int   // intents in it that wait for their final
	broken bool  // nothing is appended any more
	failed bool  // an fsync failed: no other is tried
}

// position is a place between two frames.
type position struct {
	Segment uint64 `json:"segment"`
	Offset  int64  `json:"offset"`
}

func (p position) before(q position) bool {
	return p.Segment < q.Segment || p.Segment == q.Segment && p.Offset < q.Offset
}

// mark says that every final written before the instant at stands before pos.
type mark struct {
	pos position
	at  time.Time
}

// Open opens or makes the spool in dir, cuts what a crash tore, closes what a dead process left open and starts the syncer.
func Open(dir string, o Options) (*Spool, error) {
	if o.FS == nil {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		o.FS = dirFS(dir)
	}
	if o.QuotaBytes == 0 {
		o.QuotaBytes = 4 << 30
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 8 << 20
	}
	if o.GroupSync == 0 {
		o.GroupSync = 10 * time.Millisecond
	}
	lock, err := o.FS.Lock("lock")
	if errors.Is(err, errHeld) {
		return nil, ErrInUse.Say("Another Tollgate process is using the spool directory %s.", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("lock spool %s: %w", dir, err)
	}
	s := &Spool{
		o: o, fs: o.FS, log: o.Logger, lock: lock,
		news: make(chan struct{}, 1), dirty: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		open: make(map[id.Call]*segment),
	}
	s.flushed = sync.NewCond(&s.mu)
	if err := s.recover(); err != nil {
		s.closeFiles()
		return nil, fmt.Errorf("spool %s: %w", dir, errors.Join(err, lock.Close()))
	}
	go s.syncLoop()
	return s, nil
}

// Proxy is the name of this spool's proxy: made once, the same after every restart. Records read from the spool carry it.
func (s *Spool) Proxy() string { return s.proxy }

// Intent records that a call is about to reach a provider. It refuses with ErrFull when the spool is unhealthy.
// A second intent of the same call replaces the first.
func (s *Spool) Intent(r *calllog.Record) error {
	if err := s.Healthy(); err != nil {
		return err
	}
	return s.append(kindIntent, r)
}

// Final records how a call ended. It is tried whatever Healthy says. After ErrFull the record is kept in memory and written as soon
// as the disk takes it; should the process die before, the call's intent becomes an Interrupted record.
func (s *Spool) Final(r *calllog.Record) error { return s.append(kindFinal, r) }

// Void takes an intent back: the call ended, and its end is kept elsewhere. Where that fails the call becomes an Interrupted record should
// the process die.
func (s *Spool) Void(call id.Call) error {
	return s.commit(kindVoid, call, appendVoid(nil, call))
}

// Healthy is nil, or ErrFull while calls must not be made. It takes no lock.
func (s *Spool) Healthy() error {
	if s.trouble.Load() != 0 {
		return ErrFull
	}
	return nil
}

// Fill is how much disk the segments take, and how much they may.
func (s *Spool) Fill() (bytes, quota int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes, s.o.QuotaBytes
}

// buffers holds frames between calls. Encoding happens outside the lock.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

func (s *Spool) append(kind byte, r *calllog.Record) error {
	buf := buffers.Get().(*[]byte)
	b := appendFrame((*buf)[:0], kind, r)
	err := s.commit(kind, r.ID, b)
	if cap(b) <= 64<<10 { // a rare long frame should not stay in memory
		*buf = b
		buffers.Put(buf)
	}
	return err
}

// commit writes one frame and keeps the books.
func (s *Spool) commit(kind byte, call id.Call, frame []byte) error {
	if len(frame) > frameHead+payloadMax {
		return fmt.Errorf("spool: record of %s is too long: %d bytes", call, len(frame))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seg, err := s.write(frame)
	if err != nil {
		if kind == kindFinal {
			s.keep(frame)
		}
		return ErrFull.Because(err)
	}
	s.account(kind, call, seg)
	if s.o.Strict {
		return s.awaitSync(seg)
	}
	return nil
}

// write appends a frame to the last segment, all of it or nothing. Called under mu.
func (s *Spool) write(frame []byte) (*segment, error) {
	if s.closed {
		return nil, errClosed
	}
	seg, err := s.room(len(frame))
	if err != nil {
		s.ail(err)
		return nil, err
	}
	if _, err := seg.file.WriteAt(frame, seg.size); err != nil {
		s.ail(err)
		// No half frame may stay where a later one could end inside it.
		if cut := seg.file.Truncate(seg.size); cut != nil {
			seg.broken = true
		}
		return nil, err
	}
	seg.size += int64(len(frame))
	s.grow(int64(len(frame)))
	if !s.dirtied {
		s.dirtied = true
		poke(s.dirty)
	}
	return seg, nil
}

// room gives the segment that takes n more bytes. Called under mu.
func (s *Spool) room(n int) (*segment, error) {
	last := s.segments[len(s.segments)-1]
	if !last.broken && (last.size+int64(n) <= s.o.SegmentBytes || last.size == int64(len(segmentMagic))) {
		return last, nil
	}
	return s.begin(last.n + 1)
}

// begin creates a segment. Called under mu (or before the spool is shared).
func (s *Spool) begin(n uint64) (*segment, error) {
	name := segmentName(n)
	f, err := s.fs.Create(name)
	if errors.Is(err, os.ErrExist) { // an earlier begin failed half-way, and even its removal did
		if err = s.fs.Remove(name); err == nil {
			f, err = s.fs.Create(name)
		}
	}
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteAt([]byte(segmentMagic), 0); err != nil {
		return nil, errors.Join(err, f.Close(), s.fs.Remove(name))
	}
	seg := &segment{n: n, file: f, size: int64(len(segmentMagic))}
	s.segments = append(s.segments, seg)
	s.dirChange = true
	return seg, nil
}

// account notes what a written frame means. Called under mu.
func (s *Spool) account(kind byte, call id.Call, seg *segment) {
	if before, ok := s.open[call]; ok {
		before.open--
		if kind != kindIntent {
			delete(s.open, call)
		}
	}
	switch kind {
	case kindIntent:
		s.open[call] = seg
		seg.open++
	case kindFinal:
		s.unread++
		if s.unread == 1 || s.unread == batchEnough {
			poke(s.news)
		}
	}
}

// keep holds a final that the disk refused. Called under mu.
func (s *Spool) keep(frame []byte) {
	if s.closed || s.pendBytes+len(frame) > pendingMax {
		return // its intent is on disk: it will be reported as Interrupted
	}
	s.pending = append(s.pending, append([]byte(nil), frame...))
	s.pendBytes += len(frame)
}

// ail notes that the disk refused something; probe finds out when that has passed. Called under mu.
func (s *Spool) ail(err error) {
	if errors.Is(err, errClosed) {
		return
	}
	if s.trouble.Or(troubleDisk)&troubleDisk == 0 {
		s.log.Error("spool cannot write: calls are refused until it can", "error", err)
	}
}

// quotaLevels are the parts of the quota, in per cent, at which something is said; at the last one calls are refused.
var quotaLevels = [...]int64{50, 80, 95}

// grow adds n to the bytes used and says when a level is passed. Called under mu.
func (s *Spool) grow(n int64) {
	s.bytes += n
	percent := s.bytes / max(s.o.QuotaBytes/100, 1)
	level := 0
	for level < len(quotaLevels) && percent >= quotaLevels[level] {
		level++
	}
	full := level == len(quotaLevels)
	switch {
	case level > s.level && full:
		s.trouble.Or(troubleQuota)
		s.log.Error("spool is full: calls are refused until records are shipped", "bytes", s.bytes, "quota", s.o.QuotaBytes)
	case level > s.level:
		s.log.Warn("spool fills up: records are written faster than they are shipped", "percent", percent, "quota", s.o.QuotaBytes)
	case level < s.level && !full:
		if s.trouble.And(^uint32(troubleQuota))&troubleQuota != 0 {
			s.log.Info("spool has room again", "percent", percent)
		}
	}
	s.level = level
}

// Close syncs, stops the syncer and releases the directory. Records that come later are refused.
func (s *Spool) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.stop)
	<-s.done
	poke(s.news)
	s.mu.Lock()
	s.flushed.Broadcast()
	lost := len(s.pending)
	s.closeFiles()
	s.mu.Unlock()
	if lost > 0 {
		s.log.Error("spool closed with records that the disk refused; their calls will be reported as interrupted", "records", lost)
	}
	return s.lock.Close()
}

func (s *Spool) closeFiles() {
	for _, seg := range s.segments {
		if err := seg.file.Close(); err != nil {
			s.log.Warn("spool segment did not close", "segment", seg.n, "error", err)
		}
	}
}

// poke tells without waiting; one told is as good as many.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func segmentName(n uint64) string { return fmt.Sprintf("%016x.seg", n) }
