package health

import (
	"sync"
	"sync/atomic"
	"time"
)

// Max is the default bound on targets. One takes about half a kilobyte.
const Max = 20_000

const (
	shards = 64
	// kept is how long a target is remembered that nobody asks.
	kept = 10 * time.Minute
	// looked is how many targets of a full shard are looked at for one to forget.
	looked = 8
)

// Board knows all targets that were asked lately. It is safe for concurrent use; State takes no lock that a call under way holds.
type Board struct {
	perShard int
	shards   [shards]shard
	above    parents
	tidied   atomic.Uint64
}

type shard struct {
	mu      sync.RWMutex
	entries map[Target]*entry
}

// New makes a board of at most limit targets; 0 is Max. A target that finds no room is taken to be well.
func New(limit int) *Board {
	if limit <= 0 {
		limit = Max
	}
	b := &Board{perShard: max(limit/shards, 1)}
	for i := range b.shards {
		b.shards[i].entries = map[Target]*entry{}
	}
	b.above.entries = map[Target]*entry{}
	return b
}

// State is how t is doing now. A target that was not asked lately is well, unless its credential or its provider is not. To a nil board
// every target is well.
func (b *Board) State(t Target, now time.Time) State {
	if b == nil {
		return State{Headroom: -1}
	}
	if e := b.find(&t); e != nil {
		return e.state(now)
	}
	s := State{Headroom: -1}
	at := now.UnixNano()
	s.ejected(b.above.find(t.account()), at)
	s.ejected(b.above.find(t.place()), at)
	return s
}

// Begin counts an attempt at t that is made whatever its state. End its flight.
func (b *Board) Begin(t Target, now time.Time) Flight {
	e := b.obtain(&t, now)
	if e == nil {
		return Flight{}
	}
	f := Flight{entry: e}
	for i, level := range e.levels() {
		if f.seen[i] = level.ejection(); f.seen[i].due(now.UnixNano()) {
			f.claimed[i] = f.seen[i].claim()
		}
	}
	e.begin(now)
	return f
}

// Enter is Begin for a caller that has an elsewhere: it declines a target that is ejected, unless this attempt is the probe that is
// due.
func (b *Board) Enter(t Target, now time.Time) (Flight, bool) {
	e := b.obtain(&t, now)
	if e == nil {
		return Flight{}, true
	}
	f := Flight{entry: e}
	for i, level := range e.levels() {
		x := level.ejection()
		if x == nil {
			continue
		}
		if !x.due(now.UnixNano()) || !x.claim() {
			f.release()
			return Flight{}, false
		}
		f.seen[i], f.claimed[i] = x, true
	}
	e.begin(now)
	return f, true
}

// account stands for all models of a credential.
func (t Target) account() Target { t.Model = ""; return t }

// place stands for all credentials and models of an organization at a provider.
func (t Target) place() Target { t.Model, t.Credential = "", ""; return t }

func (b *Board) shard(t *Target) *shard {
	h := tail(string(t.Credential))*31 ^ tail(t.Model)*17 ^ tail(string(t.Org))
	return &b.shards[(h^h>>8^h>>16)%shards]
}

// tail is a cheap number of a string's last bytes: ids differ at their ends.
func tail(s string) uint32 {
	var h uint32
	for i := max(len(s)-4, 0); i < len(s); i++ {
		h = h<<8 | uint32(s[i])
	}
	return h ^ uint32(len(s))
}

func (b *Board) find(t *Target) *entry {
	s := b.shard(t)
	s.mu.RLock()
	e := s.entries[*t]
	s.mu.RUnlock()
	return e
}

// obtain finds the target or makes room for it; nil where there is none.
func (b *Board) obtain(t *Target, now time.Time) *entry {
	if b == nil {
		return nil
	}
	if e := b.find(t); e != nil {
		return e
	}
	s := b.shard(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[*t]; e != nil {
		return e
	}
	if len(s.entries) >= b.perShard && !s.forget() {
		return nil
	}
	e := &entry{target: *t}
	e.headroom.Store(unknownRoom)
	e.used.Store(now.UnixNano())
	if t.Credential != "" {
		e.up[0] = b.above.adopt(t.account())
	}
	e.up[1] = b.above.adopt(t.place())
	s.entries[*t] = e
	return e
}

// forget drops the target of a full shard that was idle longest, of a few: map iteration picks them at random.
func (s *shard) forget() bool {
	var oldest *entry
	n := 0
	for _, e := range s.entries {
		if e.idle() && (oldest == nil || e.used.Load() < oldest.used.Load()) {
			oldest = e
		}
		if n++; n >= looked && oldest != nil {
			break
		}
	}
	if oldest == nil {
		return false
	}
	s.drop(oldest)
	return true
}

func (s *shard) drop(e *entry) {
	delete(s.entries, e.target)
	for _, p := range e.up {
		if p != nil {
			p.children.Add(-1)
		}
	}
}

// Sweep forgets what has been idle for long.
func (b *Board) Sweep(now time.Time) {
	for range shards {
		b.Tidy(now)
	}
}

// Tidy is a small part of a Sweep. Call it every few moments.
func (b *Board) Tidy(now time.Time) {
	before := now.Add(-kept).UnixNano()
	turn := b.tidied.Add(1) % shards
	s := &b.shards[turn]
	s.mu.Lock()
	for _, e := range s.entries {
		if e.idle() && e.used.Load() < before {
			s.drop(e)
		}
	}
	s.mu.Unlock()
	if turn == 0 {
		b.above.sweep()
	}
}

// parents are the credentials and providers of targets. There are as many as are configured, so that only idle ones are dropped.
type parents struct {
	mu      sync.RWMutex
	entries map[Target]*entry
}

func (p *parents) find(t Target) *entry {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.entries[t]
}

// adopt finds or makes a parent and counts a child of it.
func (p *parents) adopt(t Target) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entries[t]
	if e == nil {
		e = &entry{target: t}
		p.entries[t] = e
	}
	e.children.Add(1)
	return e
}

// sweep drops parents without children: adopt holds the lock too, so none gets one meanwhile.
func (p *parents) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for t, e := range p.entries {
		if e.children.Load() == 0 {
			delete(p.entries, t)
		}
	}
}

// entry is one target, or a parent of some.
type entry struct {
	target   Target
	up       [2]*entry // the credential's, nil where there is none, and the provider's; nil in these themselves
	ejected  atomic.Pointer[ejection]
	children atomic.Int64 // of a parent

	inFlight atomic.Int64
	used     atomic.Int64  // unix nanoseconds of the last attempt
	latency  atomic.Int64  // nanoseconds
	measured atomic.Int64  // unix nanoseconds of the last measurement
	headroom atomic.Uint64 // bits of a float64
	roomOver atomic.Int64  // unix nanoseconds at which headroom is no longer true

	breaker breaker
}

// ejection is what holds now; nil: nothing. Of a nil entry nothing does.
func (e *entry) ejection() *ejection {
	if e == nil {
		return nil
	}
	return e.ejected.Load()
}

// levels are the entries that an attempt is part of, the target's own first; those that it has not are nil.
func (e *entry) levels() [3]*entry { return [3]*entry{e, e.up[0], e.up[1]} }

func (e *entry) begin(now time.Time) {
	e.inFlight.Add(1)
	e.used.Store(now.UnixNano())
}

// idle reports a target that can be forgotten: nothing is under way. What is held against it goes too, or whoever names many models
// that do not exist would fill the board.
func (e *entry) idle() bool { return e.inFlight.Load() == 0 }

func (e *entry) state(now time.Time) State {
	at := now.UnixNano()
	s := State{InFlight: e.inFlight.Load(), Headroom: e.room(at)}
	if e.measured.Load() > at-int64(forgotten) {
		s.Latency = time.Duration(e.latency.Load())
	}
	for _, level := range e.levels() {
		s.ejected(level, at)
	}
	return s
}

// ejected adds an entry's ejection to a state; of several the one that lasts longest is told.
func (s *State) ejected(e *entry, now int64) {
	x := e.ejection()
	if x == nil {
		return
	}
	probe := x.due(now) && !x.probing.Load()
	if s.Open {
		probe = probe && s.Probe
	}
	if !s.Open || x.until > s.Until.UnixNano() {
		s.Until, s.Why, s.Of = time.Unix(0, x.until), x.why, x.of
	}
	s.Open, s.Probe = true, probe
}
