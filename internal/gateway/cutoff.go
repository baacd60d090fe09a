package gateway

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/snapshot"
)

// How often what is in force is held against the calls under way: a call is ended within this of its proxy's learning of it.
const cutEvery = 250 * time.Millisecond

// cutShards is how many parts the calls under way are kept in, so that calls do not wait for one another.
const cutShards = 64

// underway are the calls whose work is under way, so that they can be ended with their keys. A call is in it from open to close; what
// ends a key is looked for by the few that have changed, and by nobody on a call's path but once, when its work begins.
type underway struct {
	shards [cutShards]struct {
		sync.Mutex
		first *Call
		_     [40]byte // shards do not share a cache line
	}
	due atomic.Int64 // unix nanoseconds at which the next secret ends whose calls end with it
}

// linked is a call's place among those under way.
type linked struct {
	next, prev *Call
	in         bool
	cut        atomic.Pointer[fault.Error] // why the call was ended; nil: it was not
}

// enlist adds a call. What ended its key since it was authenticated ends it now.
func (g *Gateway) enlist(c *Call) {
	s := &g.underway.shards[c.ID[len(c.ID)-1]%cutShards]
	s.Lock()
	c.linked.in, c.linked.next = true, s.first
	if s.first != nil {
		s.first.linked.prev = c
	}
	s.first = c
	s.Unlock()
	g.judge(c, g.Snapshots(), g.Now())
}

// strike takes a call out.
func (g *Gateway) strike(c *Call) {
	l := &c.linked
	if !l.in {
		return
	}
	s := &g.underway.shards[c.ID[len(c.ID)-1]%cutShards]
	s.Lock()
	defer s.Unlock()
	if l.prev != nil {
		l.prev.linked.next = l.next
	} else {
		s.first = l.next
	}
	if l.next != nil {
		l.next.linked.prev = l.prev
	}
	l.in, l.next, l.prev = false, nil, nil
}

// CutOff ends calls under way whose key was revoked, disabled or rotated with the wish that they end, until ctx ends. It returns nil.
func (g *Gateway) CutOff(ctx context.Context) error {
	tick := time.NewTicker(cutEvery)
	defer tick.Stop()
	var seen *snapshot.Snapshot
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		snap, now := g.Snapshots(), g.Now()
		if snap == nil || snap == seen && now.UnixNano() < g.underway.due.Load() {
			continue
		}
		seen = snap
		g.underway.due.Store(math.MaxInt64)
		for i := range g.underway.shards {
			s := &g.underway.shards[i]
			s.Lock()
			for c := s.first; c != nil; c = c.linked.next {
				g.judge(c, snap, now)
			}
			s.Unlock()
		}
	}
}

// judge ends a call if its key says so.
func (g *Gateway) judge(c *Call, snap *snapshot.Snapshot, now time.Time) {
	if c.played() {
		return
	}
	why, due := doomed(c.Caller.key, snap, now, c.in != nil)
	if !due.IsZero() {
		g.underway.sooner(due.UnixNano())
	}
	if why != nil && c.linked.cut.CompareAndSwap(nil, why) {
		g.metrics.cuts.Inc()
		c.life.cancel(context.Canceled)
	}
}

// doomed says why a call that was admitted by a key as it was has to end, by what is in force now; nil: it goes on. due is when its
// secret will end the call; zero: never. within: no secret was sent for it.
func doomed(was *snapshot.Key, snap *snapshot.Snapshot, now time.Time, within bool) (why *fault.Error, due time.Time) {
	is, ok := snap.Same(was)
	switch {
	case !ok:
		return nil, due // nothing is known against it
	case is.Cuts > was.Cuts && !is.RevokedAt.IsZero():
		return key.ErrCut, due
	case is.Cuts > was.Cuts:
		return key.ErrPaused, due
	case within || was.Secret == nil:
		return nil, due
	}
	sent := secretOf(is, was.Secret.ID)
	switch {
	case sent == nil || !sent.Cut:
		return nil, due
	case sent.Live(now):
		return nil, sent.NotAfter
	}
	return key.ErrSecretCut, due
}

// secretOf finds one of a key's secrets; nil: it ended long ago. A key that is found by its id alone is found by any of them.
func secretOf(k *snapshot.Key, which id.Secret) *key.Stored {
	if k.Secret != nil && k.Secret.ID == which {
		return k.Secret
	}
	for i := range k.Secrets {
		if k.Secrets[i].ID == which {
			return &k.Secrets[i]
		}
	}
	return nil
}

// sooner notes that a secret ends at an instant.
func (u *underway) sooner(at int64) {
	for {
		due := u.due.Load()
		if due <= at || u.due.CompareAndSwap(due, at) {
			return
		}
	}
}

// abandoned reports that nobody's failure ended the work: the client left, or the key was taken out of use.
func (c *Call) abandoned() bool {
	return (c.client.gone.Load() || c.linked.cut.Load() != nil) && errors.Is(c.life.Err(), context.Canceled)
}

// abandonment is the word for it in the call log.
func (c *Call) abandonment() string {
	if c.linked.cut.Load() != nil {
		return "cut_off"
	}
	return "client_gone"
}

// cutShort is err, or what ended the call where that was its key.
func (c *Call) cutShort(err error) error {
	if why := c.linked.cut.Load(); why != nil && err != nil {
		return why
	}
	return err
}
