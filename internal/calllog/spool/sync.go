package spool

import (
	"errors"
	"time"
)

// tick is how often the syncer marks time, looks whether a failing disk has recovered, and removes what is shipped.
const tick = 250 * time.Millisecond

// syncLoop is the one goroutine that fsyncs. It ends when stop is closed, after a last sync.
func (s *Spool) syncLoop() {
	defer close(s.done)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			s.probe()
			s.sync()
			return
		case <-s.dirty:
			if !s.o.Strict {
				s.pause(s.o.GroupSync)
			}
			s.sync()
		case <-ticker.C:
			s.probe()
			s.mark()
			s.sweep()
		}
	}
}

func (s *Spool) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.stop:
	}
}

// sync makes durable all that was written before it began. Writers go on meanwhile.
func (s *Spool) sync() {
	s.mu.Lock()
	s.dirtied = false
	dir := s.dirChange
	s.dirChange = false
	var behind []*segment
	var upTo []int64
	for _, seg := range s.segments {
		if seg.synced < seg.size && !seg.failed {
			behind, upTo = append(behind, seg), append(upTo, seg.size)
		}
	}
	s.mu.Unlock()

	failed := make([]error, len(behind))
	for i, seg := range behind {
		failed[i] = seg.file.Sync()
	}
	var dirFailed error
	if dir {
		dirFailed = s.fs.SyncDir()
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	for i, seg := range behind {
		err := errors.Join(failed[i], dirFailed)
		if err == nil {
			seg.synced = upTo[i]
			continue
		}
		// After a failed fsync the system may have dropped the pages and report success next time: this segment is not
		// written to again. What it holds can still be read and is shipped.
		seg.broken, seg.failed = true, true
		s.ail(err)
	}
	if dirFailed != nil {
		s.dirChange = true
		s.ail(dirFailed)
	}
	s.flushed.Broadcast()
}

// awaitSync waits until everything now in seg is on disk. Called under mu.
func (s *Spool) awaitSync(seg *segment) error {
	end := seg.size
	for seg.synced < end {
		if seg.failed || s.closed {
			return ErrFull.Because(errors.New("spool: not synced"))
		}
		s.flushed.Wait()
	}
	return nil
}

// probe finds out whether a disk that refused takes records again: first those that wait in memory, then a pad, then an fsync.
func (s *Spool) probe() {
	if s.trouble.Load()&troubleDisk == 0 {
		return
	}
	s.mu.Lock()
	ok := s.writePending()
	s.mu.Unlock()
	if !ok {
		return
	}
	s.sync()
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.segments[len(s.segments)-1]
	if last.broken || last.synced < last.size || len(s.pending) > 0 {
		return
	}
	s.trouble.And(^uint32(troubleDisk))
	s.log.Info("spool can write again")
}

// writePending writes the finals in memory and a pad, as far as the disk lets it. Called under mu.
func (s *Spool) writePending() bool {
	closed := s.closed
	s.closed = false // Close gives what is in memory a last chance
	defer func() { s.closed = closed }()
	for len(s.pending) > 0 {
		frame := s.pending[0]
		seg, err := s.write(frame)
		if err != nil {
			return false
		}
		kind, call := head(frame[frameHead:])
		s.account(kind, call, seg)
		s.pendBytes -= len(frame)
		s.pending = s.pending[1:]
	}
	_, err := s.write(appendPad(nil, 4096))
	return err == nil
}

// mark notes where writing stands, so that Shipped can say something while the reader is behind.
func (s *Spool) mark() {
	at := s.o.Now() // before the position is read: finals written in between stand before it and ended after
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) > 0 {
		return
	}
	last := s.segments[len(s.segments)-1]
	m := mark{pos: position{last.n, last.size}, at: at}
	if n := len(s.marks); n > 0 && s.marks[n-1].pos == m.pos {
		s.marks[n-1] = m
		return
	}
	if len(s.marks) == marksMax { // thin out: a long backlog needs no fine marks
		kept := s.marks[:0]
		for i := 1; i < len(s.marks); i += 2 {
			kept = append(kept, s.marks[i])
		}
		s.marks = kept
	}
	s.marks = append(s.marks, m)
}

const marksMax = 4096

// sweep removes segments that are shipped and hold no open intent, oldest first.
func (s *Spool) sweep() {
	s.mu.Lock()
	var gone []*segment
	kept := s.segments[:0:0]
	for i, seg := range s.segments {
		last := i == len(s.segments)-1
		if !last && seg.open == 0 && seg.n < s.cursor.Segment {
			gone = append(gone, seg)
			s.grow(-seg.size)
			continue
		}
		kept = append(kept, seg)
	}
	if len(gone) > 0 {
		s.segments = kept
	}
	s.mu.Unlock()
	for _, seg := range gone {
		// Should the removal fail, its records are shipped again after a restart, and ignored by the database.
		if err := errors.Join(seg.file.Close(), s.fs.Remove(segmentName(seg.n))); err != nil {
			s.log.Warn("spool segment was not removed", "segment", seg.n, "error", err)
		}
	}
}
