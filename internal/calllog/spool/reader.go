package spool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"tollgate/internal/calllog"
)

const (
	batchEnough = 500      // finals that are worth no further waiting
	batchBytes  = 16 << 20 // a batch ends after so much, so that few calls with long payloads do not fill the memory
)

// Batch is a stretch of the spool: the records that ended in it, oldest first.
type Batch struct {
	Records    []calllog.Record
	Unreadable [][]byte // payloads that are whole but that this program cannot read; they should be put aside
	end        position
	finals     int
	bytes      int
}

func (b *Batch) full(max int) bool { return b.finals >= max || b.bytes >= batchBytes }

// Next waits for finals, then at most linger for more of them, and gives out at most max. What it gave out is not given out again
// by this process; after a restart everything since the last Done is. It returns an error when ctx ends, when the spool is closed
// or when the disk cannot be read; then it may be called again.
func (s *Spool) Next(ctx context.Context, max int, linger time.Duration) (Batch, error) {
	if err := s.await(ctx, 1, nil); err != nil {
		return Batch{}, err
	}
	if linger > 0 {
		t := time.NewTimer(linger)
		defer t.Stop()
		if err := s.await(ctx, min(batchEnough, max), t.C); err != nil {
			return Batch{}, err
		}
	}
	return s.take(max)
}

// await returns when n finals wait, or when the timer fires.
func (s *Spool) await(ctx context.Context, n int, timer <-chan time.Time) error {
	for {
		s.mu.Lock()
		have, closed := s.unread, s.closed
		s.mu.Unlock()
		switch {
		case have >= n:
			return nil
		case closed:
			return errClosed
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer:
			return nil
		case <-s.news:
		}
	}
}

// take reads up to max finals from where the last take ended.
func (s *Spool) take(max int) (Batch, error) {
	s.mu.Lock()
	at, waiting := s.read, s.unread
	segments := slices.Clone(s.segments)
	ends := make([]int64, len(segments)) // written when we looked; writers go on meanwhile
	for i, seg := range segments {
		ends[i] = seg.size
	}
	s.mu.Unlock()

	b := Batch{end: at, Records: make([]calllog.Record, 0, min(max, waiting))}
	for i, seg := range segments {
		if seg.n < at.Segment || b.full(max) {
			continue
		}
		offset := int64(len(segmentMagic))
		if seg.n == at.Segment {
			offset = at.Offset
		}
		r := frames{file: seg.file, offset: min(offset, ends[i]), end: ends[i]}
		if err := s.collect(&b, &r, seg.n, max); err != nil {
			return Batch{}, fmt.Errorf("read spool segment %016x: %w", seg.n, err)
		}
		b.end = position{seg.n, r.offset}
	}
	s.mu.Lock()
	s.read = b.end
	s.unread -= b.finals
	if last := s.segments[len(s.segments)-1]; b.end == (position{last.n, last.size}) {
		s.unread = 0 // also when damage has swallowed some: nothing is left to wait for
	}
	s.mu.Unlock()
	return b, nil
}

// collect adds the finals of one segment to b.
func (s *Spool) collect(b *Batch, r *frames, n uint64, max int) error {
	for !b.full(max) {
		payload, _, err := r.next()
		if errors.Is(err, errShort) || errors.Is(err, errDamaged) {
			s.log.Error("spool segment was damaged after it was written: the rest of it is lost", "segment", n, "offset", r.offset, "bytes", r.end-r.offset)
			r.offset = r.end
			s.mu.Lock()
			s.harm()
			s.mu.Unlock()
			return nil
		}
		if err != nil || payload == nil {
			return err
		}
		if kind, _ := head(payload); kind != kindFinal {
			continue
		}
		b.finals++
		b.bytes += len(payload)
		rec, err := decode(payload)
		if err != nil {
			b.Unreadable = append(b.Unreadable, slices.Clone(payload))
			continue
		}
		rec.Proxy = s.proxy
		b.Records = append(b.Records, rec)
	}
	return nil
}

// Done says that a batch needs not be given out again.
func (s *Spool) Done(b Batch) error {
	s.mu.Lock()
	if s.cursor.before(b.end) {
		s.cursor = b.end
	}
	at := s.cursor
	s.mu.Unlock()
	line, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return s.replaceFile(cursorName, line, quick)
}

// Shipped is an instant before which every final is shipped: the records of all calls that ended earlier are covered by a Done.
// It is zero while records of an earlier process are being shipped.
func (s *Spool) Shipped() time.Time {
	now := s.o.Now() // before looking
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unread == 0 && s.cursor == s.read && len(s.pending) == 0 {
		s.shipped, s.marks = now, s.marks[:0]
		return now
	}
	n := 0
	for n < len(s.marks) && !s.cursor.before(s.marks[n].pos) {
		s.shipped = s.marks[n].at
		n++
	}
	s.marks = s.marks[n:]
	return s.shipped
}

// frames walks the frames of a file between offset and end.
type frames struct {
	file   io.ReaderAt
	offset int64 // of the next frame
	end    int64
	buf    []byte // read and not yet walked; starts at offset
}

const readAhead = 256 << 10

// next returns the payload of the next frame and where the frame starts; a nil payload at the end. The payload is valid until the
// call after. On errShort and errDamaged offset stays in front of the damage.
func (f *frames) next() (payload []byte, at int64, err error) {
	if f.offset >= f.end {
		return nil, f.offset, nil
	}
	payload, size, err := cutFrame(f.buf)
	if errors.Is(err, errShort) {
		want := min(int64(max(size, readAhead)), f.end-f.offset)
		if want > int64(len(f.buf)) {
			f.buf = make([]byte, want)
			if _, err := f.file.ReadAt(f.buf, f.offset); err != nil && !errors.Is(err, io.EOF) {
				f.buf = nil
				return nil, f.offset, err
			}
			payload, size, err = cutFrame(f.buf)
			if errors.Is(err, errShort) && int64(len(f.buf)) < min(int64(size), f.end-f.offset) {
				return f.next() // a frame longer than the read-ahead
			}
		}
	}
	if err != nil {
		return nil, f.offset, err
	}
	at = f.offset
	f.offset += int64(size)
	f.buf = f.buf[size:]
	return payload, at, nil
}
