// Package limitmem counts limits in this process: for one proxy, and as the part of a shared count that a proxy knows by itself.
package limitmem

import (
	"context"
	"sync"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/limit"
)

// keysMax bounds the subjects of one organization that are remembered: whoever names end users can name any number of them. Beyond, those
// that are at rest are forgotten, and then any.
const keysMax = 100_000

// Meter is limit.Meter in memory. It is safe for concurrent use.
type Meter struct {
	now  func() time.Time
	mu   sync.RWMutex
	orgs map[id.Org]*Counts
}

var _ limit.Meter = (*Meter)(nil)

// New makes an empty Meter.
func New(now func() time.Time) *Meter { return &Meter{now: now, orgs: map[id.Org]*Counts{}} }

// Key is what is counted together.
type Key struct {
	Limit   id.Limit
	Subject string
}

// Count is what is known of one Key.
type Count struct {
	Window limit.Window
	Per    time.Duration
	Busy   int64 // calls under way
	Seen   Sighting
}

// Sighting is what a shared count said last; the zero value: nothing yet.
type Sighting struct {
	Total int64 // let in by all, in the last period
	Own   int64 // of that, by this process
	Since int64 // what this process has let in by itself since then
	At    time.Time
}

// idle reports that forgetting it changes nothing.
func (c *Count) idle(now time.Time) bool {
	return c.Busy == 0 && (c.Per == 0 || c.Window.Used(now, c.Per) == 0)
}

// Counts are an organization's counts.
type Counts struct {
	mu   sync.Mutex
	keys map[Key]*Count
}

// Org is an organization's counts.
func (m *Meter) Org(org id.Org) *Counts {
	m.mu.RLock()
	c := m.orgs[org]
	m.mu.RUnlock()
	if c != nil {
		return c
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if c = m.orgs[org]; c == nil {
		c = &Counts{keys: map[Key]*Count{}}
		m.orgs[org] = c
	}
	return c
}

// Take implements limit.Meter.
func (m *Meter) Take(_ context.Context, org id.Org, _ id.Call, asks []limit.Ask, states []limit.State) (limit.Mode, error) {
	m.Org(org).Take(m.now(), asks, states, nil)
	return limit.Counted, nil
}

// Take is as limit.Meter's at a moment. amount, where not nil, is how much of a limit may be used here.
func (c *Counts) Take(now time.Time, asks []limit.Ask, states []limit.State, amount func(i int, k Key, count *Count) int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var few [4]*Count
	counts, pass := few[:0], true
	for i := range asks {
		a := &asks[i]
		k := Key{a.Limit.ID, a.Subject}
		count := c.count(k, a.Limit.Per, now)
		most := a.Limit.Amount
		if amount != nil {
			most = amount(i, k, count)
		}
		states[i] = fit(now, count, a, most)
		counts = append(counts, count)
		pass = pass && (!states[i].Refused || a.Limit.Watch)
	}
	if !pass {
		return
	}
	for i := range asks {
		if s := &states[i]; !s.Refused {
			counts[i].add(&asks[i], s)
			counts[i].Seen.Since += asks[i].N
		}
	}
}

// fit asks one limit.
func fit(now time.Time, count *Count, a *limit.Ask, most int64) limit.State {
	if a.Limit.Metric != limit.Concurrency {
		s := count.Window.Fit(now, a.Limit.Per, most, a.N)
		if s.Wait == limit.Never && a.N <= a.Limit.Amount {
			s.Wait = a.Limit.Per // it is the share that is too small, not the limit
		}
		return s
	}
	s := limit.State{Left: max(most-count.Busy, 0), Refused: count.Busy >= most}
	if s.Refused {
		s.Wait = Retry
	}
	return s
}

// Retry is when a call is told to come again that has found no place: nobody knows when one is free.
const Retry = time.Second

// add counts what was asked for.
func (c *Count) add(a *limit.Ask, s *limit.State) {
	if a.Limit.Metric == limit.Concurrency {
		c.Busy++
	} else {
		c.Window.Add(s.Slot, a.N)
		if s.Reset == 0 {
			s.Reset = a.Limit.Per
		}
	}
	s.Left = max(s.Left-a.N, 0)
}

// Add counts what was let in elsewhere, or is given back.
func (c *Counts) Add(now time.Time, r limit.Return) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := c.count(Key{r.Limit.ID, r.Subject}, r.Limit.Per, now)
	if r.Limit.Metric == limit.Concurrency {
		count.Busy = max(count.Busy+r.N, 0)
		return
	}
	slot := r.Slot
	if r.N > 0 { // what was too little counts from now on
		slot = limit.SlotOf(now, r.Limit.Per)
	}
	count.Window.Add(slot, r.N)
}

// Return implements limit.Meter.
func (m *Meter) Return(org id.Org, _ id.Call, back []limit.Return) {
	now, c := m.now(), m.Org(org)
	for _, r := range back {
		if r.Limit.Metric == limit.Concurrency {
			r.N = -1
		}
		c.Add(now, r)
	}
}

// count finds or makes a count. A limit whose period has changed counts anew.
func (c *Counts) count(k Key, per time.Duration, now time.Time) *Count {
	n := c.keys[k]
	if n == nil {
		if len(c.keys) >= keysMax {
			c.sweep(now)
		}
		n = &Count{}
		c.keys[k] = n
	}
	if n.Per != per {
		n.Per, n.Window = per, limit.Window{}
	}
	return n
}

// sweep makes room: what is at rest goes, and where nothing is, a tenth of the rest that holds no place.
func (c *Counts) sweep(now time.Time) {
	for k, n := range c.keys {
		if n.idle(now) {
			delete(c.keys, k)
		}
	}
	for k, n := range c.keys {
		if len(c.keys) < keysMax-keysMax/10 {
			return
		}
		if n.Busy == 0 {
			delete(c.keys, k)
		}
	}
}

// Each shows every count, as it stands.
func (c *Counts) Each(do func(Key, *Count)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, n := range c.keys {
		do(k, n)
	}
}

// Mirror notes what a shared count has let in on behalf of this process, and what it said of the whole.
func (c *Counts) Mirror(now time.Time, asks []limit.Ask, states []limit.State, totals []int64, passed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range asks {
		a, s := &asks[i], &states[i]
		count := c.count(Key{a.Limit.ID, a.Subject}, a.Limit.Per, now)
		counted := passed && !s.Refused
		if a.Limit.Metric == limit.Concurrency {
			if counted {
				count.Busy++
			}
			continue
		}
		if counted {
			count.Window.Add(s.Slot, a.N)
		}
		count.Seen = Sighting{Total: totals[i], Own: count.Window.Used(now, a.Limit.Per), At: now}
	}
}

// Every shows every count of every organization, as it stands.
func (m *Meter) Every(do func(id.Org, Key, *Count)) {
	m.mu.RLock()
	orgs := make(map[id.Org]*Counts, len(m.orgs))
	for org, c := range m.orgs {
		orgs[org] = c
	}
	m.mu.RUnlock()
	for org, c := range orgs {
		c.Each(func(k Key, n *Count) { do(org, k, n) })
	}
}
