package health

import "time"

// Result is what came of an attempt.
type Result struct {
	Verdict   Verdict
	FirstByte time.Duration // from its begin to the first content; 0: there was none
	Took      time.Duration // all of it
	After     time.Duration // what the provider asks to wait; 0: nothing
	Room      Room          // of its rate limits; the zero Room tells nothing
}

// Flight is an attempt under way. The zero Flight belongs to no target, and ends without effect.
type Flight struct {
	entry   *entry
	seen    [3]*ejection // what held when it began, by level
	claimed [3]bool      // it is the probe of that
}

// Probe reports an attempt that tries an ejected target.
func (f *Flight) Probe() bool { return f.claimed != [3]bool{} }

// release gives up the probes that the flight is.
func (f *Flight) release() {
	for i, mine := range f.claimed {
		if mine {
			f.seen[i].probing.Store(false)
		}
	}
}

// End tells what came of the attempt, once. It gives the words for an ejection that this made begin, or "".
func (f *Flight) End(r Result, now time.Time) string {
	e := f.entry
	if e == nil {
		return ""
	}
	f.entry = nil
	e.inFlight.Add(-1)
	e.measure(r, now)
	if r.Verdict == Unsaid {
		f.release()
		return ""
	}
	levels := e.levels()
	for i, x := range f.seen {
		switch {
		case x == nil:
		case !r.Verdict.failure():
			levels[i].close(x, now)
		case f.claimed[i]:
			levels[i].renew(x, r.Verdict, r.After, now)
		}
	}
	return e.judge(r, now)
}

// judge counts the verdict where it belongs.
func (e *entry) judge(r Result, now time.Time) (opened string) {
	v := r.Verdict
	switch v {
	case Limited, Denied, Unknown:
		opened = e.ejectAtOnce(v, r.After, now)
	case Exhausted, Rejected:
		at := e
		if e.up[0] != nil {
			at = e.up[0]
		}
		opened = at.ejectAtOnce(v, r.After, now)
	case Good, Answered, Overloaded, Failing, Late, Unreachable:
		opened = e.note(v, now)
	case Unsaid:
	}
	if v.common() || v == Good {
		if why := e.up[1].noteOf(&e.target, v, now); why != "" {
			opened = why
		}
	}
	return opened
}

// Measurements.
const (
	memory    = 10 * time.Second // a measurement weighs a third after so long
	forgotten = 2 * time.Minute  // a target that was not measured for so long is as good as never
)

// measure notes the time to the first byte and the room that is left. A call that timed out had at least its whole time to wait.
func (e *entry) measure(r Result, now time.Time) {
	took := r.FirstByte
	if r.Verdict == Late {
		took = max(r.Took, took)
	}
	if took > 0 {
		e.average(took, now.UnixNano())
	}
	if r.Room.Known {
		e.setRoom(r.Room, now)
	}
}

// average moves the latency towards a measurement, the more the longer the last one is ago.
func (e *entry) average(took time.Duration, now int64) {
	b := &e.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	ago := now - e.measured.Load()
	old := e.latency.Load()
	next := int64(took)
	if old > 0 && ago < int64(forgotten) {
		next = old + int64(weight(time.Duration(ago))*float64(next-old))
	}
	e.latency.Store(next)
	e.measured.Store(max(now, e.measured.Load()))
}
