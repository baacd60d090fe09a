package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
)

const (
	proxyName  = "proxy"
	cursorName = "cursor"
	tempSuffix = ".tmp"
)

// recover brings a directory, as a clean stop or a crash left it, to a state in which the spool can be used.
func (s *Spool) recover() error {
	names, err := s.fs.Names()
	if err != nil {
		return err
	}
	var numbers []uint64
	for _, name := range names {
		if strings.HasSuffix(name, tempSuffix) {
			if err := s.fs.Remove(name); err != nil {
				return err
			}
		}
		if hex, ok := strings.CutSuffix(name, ".seg"); ok {
			if n, err := strconv.ParseUint(hex, 16, 64); err == nil && len(hex) == 16 {
				numbers = append(numbers, n)
			}
		}
	}
	slices.Sort(numbers)
	if err := s.loadProxy(names); err != nil {
		return err
	}
	s.loadCursor(names)
	s.loadHarm(names)

	open := make(map[id.Call]intentAt)
	for _, n := range numbers {
		if err := s.scan(n, open); err != nil {
			return fmt.Errorf("segment %016x: %w", n, err)
		}
	}
	next := s.cursor.Segment + 1
	if len(numbers) > 0 {
		next = max(next, numbers[len(numbers)-1]+1)
	}
	if _, err := s.begin(next); err != nil {
		return err
	}
	s.clampCursor()
	if err := s.interrupt(open); err != nil {
		return err
	}
	last := s.segments[len(s.segments)-1]
	s.inherited = position{last.n, last.size}
	if err := errors.Join(last.file.Sync(), s.fs.SyncDir()); err != nil {
		return err
	}
	last.synced, s.dirChange = last.size, false
	return nil
}

// intentAt is where the latest intent of a call stands.
type intentAt struct {
	seg    *segment
	offset int64
	size   int
}

// scan reads a segment of an earlier process, cuts a torn tail off and notes the open intents. Segments end at the first damage:
// what stands behind it was never synced, or the disk has failed.
func (s *Spool) scan(n uint64, open map[id.Call]intentAt) error {
	f, err := s.fs.Open(segmentName(n))
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	seg := &segment{n: n, file: f, size: int64(len(segmentMagic)), broken: true}
	r := frames{file: f, offset: seg.size, end: size}
	magic := make([]byte, len(segmentMagic))
	if size >= seg.size {
		if _, err := f.ReadAt(magic, 0); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if string(magic) != segmentMagic { // the crash came before its first bytes were durable
		r.end = r.offset
	}
	for {
		payload, at, err := r.next()
		if err != nil && !errors.Is(err, errShort) && !errors.Is(err, errDamaged) {
			return errors.Join(err, f.Close())
		}
		if errors.Is(err, errDamaged) {
			s.harm()
		}
		if err != nil || payload == nil {
			break
		}
		seg.size = r.offset
		kind, call := head(payload)
		switch kind {
		case kindIntent:
			open[call] = intentAt{seg, at, len(payload)}
		case kindVoid:
			delete(open, call)
		case kindFinal:
			delete(open, call)
			if !(position{n, at}).before(s.cursor) {
				s.unread++
			}
		}
	}
	if size != seg.size {
		s.log.Warn("spool segment had a torn end: cut", "segment", n, "kept", seg.size, "cut", size-seg.size)
		if err := errors.Join(f.Truncate(seg.size), f.Sync()); err != nil {
			return errors.Join(err, f.Close())
		}
		if string(magic) != segmentMagic {
			seg.size = 0
			if err := f.Truncate(0); err != nil {
				return errors.Join(err, f.Close())
			}
		}
	}
	seg.synced = seg.size
	s.segments = append(s.segments, seg)
	s.grow(seg.size)
	return nil
}

// interrupt writes a final for every intent that a dead process left open. What the cut attempt used is unknown, not zero, so the
// call has no price; what the intent said of earlier attempts is kept.
func (s *Spool) interrupt(open map[id.Call]intentAt) error {
	calls := make([]id.Call, 0, len(open))
	for call := range open {
		calls = append(calls, call)
	}
	slices.SortFunc(calls, func(a, b id.Call) int { return slices.Compare(a[:], b[:]) })
	for _, call := range calls {
		at := open[call]
		payload := make([]byte, at.size)
		if _, err := at.seg.file.ReadAt(payload, at.offset+frameHead); err != nil {
			return err
		}
		r, err := decode(payload)
		if err != nil {
			s.log.Error("spool holds an intent that cannot be read; its call has no record", "call", call.String(), "error", err)
			s.harm()
			continue
		}
		r.Outcome, r.ErrorCode, r.Estimated = calllog.Interrupted, "proxy.interrupted", true
		r.Price = calllog.Unpriced
		seg, err := s.write(appendFrame(nil, kindFinal, &r))
		if err != nil {
			return err
		}
		s.account(kindFinal, call, seg)
	}
	if len(calls) > 0 {
		s.log.Warn("calls were cut by the end of an earlier process; recorded as interrupted", "calls", len(calls))
	}
	return nil
}

// loadProxy reads the proxy's name, or makes it.
func (s *Spool) loadProxy(names []string) error {
	if slices.Contains(names, proxyName) {
		b, err := s.readFile(proxyName)
		if err != nil {
			return err
		}
		if s.proxy = strings.TrimSpace(string(b)); strings.HasPrefix(s.proxy, "prx_") {
			return nil
		}
	}
	s.proxy = id.New("prx")
	return s.replaceFile(proxyName, []byte(s.proxy+"\n"), durable)
}

// loadCursor reads the cursor. A missing or damaged one is the beginning: records are shipped again, which does no harm.
func (s *Spool) loadCursor(names []string) {
	if !slices.Contains(names, cursorName) {
		return
	}
	b, err := s.readFile(cursorName)
	var at position
	if err == nil {
		err = json.Unmarshal(b, &at)
	}
	if err != nil || at.Offset < 0 {
		s.log.Warn("spool cursor cannot be read: shipping again from the oldest record", "error", err)
		return
	}
	s.cursor = at
}

// clampCursor moves the cursor to a place that exists: a crash may have taken away the end of the segment it stood in.
func (s *Spool) clampCursor() {
	for _, seg := range s.segments {
		if seg.n < s.cursor.Segment {
			continue
		}
		if seg.n > s.cursor.Segment {
			s.cursor = position{seg.n, min(int64(len(segmentMagic)), seg.size)}
		}
		s.cursor.Offset = min(s.cursor.Offset, seg.size)
		break
	}
	s.read = s.cursor
}

type durability int

const (
	quick   durability = iota // a crash of the machine may leave the old file or a damaged one
	durable                   // fsync before and after the rename
)

// replaceFile exchanges a small file as a whole.
func (s *Spool) replaceFile(name string, b []byte, how durability) error {
	temp := name + tempSuffix
	f, err := s.fs.Create(temp)
	if errors.Is(err, os.ErrExist) {
		if err = s.fs.Remove(temp); err == nil {
			f, err = s.fs.Create(temp)
		}
	}
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if how == durable {
		err = errors.Join(err, f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := s.fs.Rename(temp, name); err != nil || how == quick {
		return err
	}
	return s.fs.SyncDir()
}

func (s *Spool) readFile(name string) ([]byte, error) {
	f, err := s.fs.Open(name)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	b := make([]byte, min(size, 64<<10))
	if err == nil && len(b) > 0 {
		_, err = f.ReadAt(b, 0)
	}
	return b, errors.Join(err, f.Close())
}
