package limitredis

import (
	"context"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/internal/limit/limitmem"
)

// untoldMax bounds what a proxy remembers for a server that is gone.
const untoldMax = 200_000

// owe notes what was let in without the server.
func (m *Meter) owe(org id.Org, asks []limit.Ask, states []limit.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range asks {
		if a := &asks[i]; !states[i].Refused && a.Limit.Metric != limit.Concurrency {
			m.add(part{key(org, a.Limit, a.Subject), a.Limit.Per, states[i].Slot}, a.N)
		}
	}
}

func (m *Meter) add(p part, n int64) {
	if _, have := m.pending[p]; have || len(m.pending) < untoldMax {
		m.pending[p] += n
	}
}

// occupy notes the places that a call has taken.
func (m *Meter) occupy(org id.Org, call id.Call, asks []limit.Ask, states []limit.State) {
	for i := range asks {
		if a := &asks[i]; a.Limit.Metric == limit.Concurrency && !states[i].Refused {
			m.mu.Lock()
			m.open[place{key(org, a.Limit, a.Subject), call}] = struct{}{}
			m.mu.Unlock()
		}
	}
}

// Return implements limit.Meter. The server is told soon.
func (m *Meter) Return(org id.Org, call id.Call, back []limit.Return) {
	now, counts := m.time(), m.shadow.Org(org)
	m.mu.Lock()
	for _, r := range back {
		k := key(org, r.Limit, r.Subject)
		if r.Limit.Metric == limit.Concurrency {
			p := place{k, call}
			delete(m.open, p)
			if len(m.freed) < untoldMax {
				m.freed[p] = struct{}{}
			}
			r.N = -1
		} else {
			s := r.Slot
			if r.N > 0 {
				s = limit.SlotOf(now, r.Limit.Per)
			}
			m.add(part{k, r.Limit.Per, s}, r.N)
		}
		counts.Add(now, r)
	}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// flush tells the server what it is yet to be told. What it does not take is kept for the next time, as long as it counts.
func (m *Meter) flush(ctx context.Context) {
	if !m.link.usable() {
		m.forget()
		return
	}
	m.telling.Add(1)
	defer m.telling.Add(-1)
	pending, freed := m.untold()
	if len(pending) == 0 && len(freed) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	pipe := m.rdb.Pipeline()
	for p, n := range pending {
		amend.Eval(ctx, pipe, []string{p.key}, m.Proxy, p.per.Milliseconds(), 1, p.slot, n)
	}
	for p := range freed {
		pipe.ZRem(ctx, p.key, p.call.String())
	}
	if _, err := pipe.Exec(ctx); err != nil {
		m.link.heard(err, m.Now())
		m.restore(pending, freed)
	}
}

// untold takes what the server is yet to be told.
func (m *Meter) untold() (map[part]int64, map[place]struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var pending map[part]int64
	var freed map[place]struct{}
	if len(m.pending) > 0 {
		pending, m.pending = m.pending, map[part]int64{}
	}
	if len(m.freed) > 0 {
		freed, m.freed = m.freed, map[place]struct{}{}
	}
	return pending, freed
}

func (m *Meter) restore(pending map[part]int64, freed map[place]struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, n := range pending {
		m.add(p, n)
	}
	for p := range freed {
		if _, again := m.open[p]; !again && len(m.freed) < untoldMax {
			m.freed[p] = struct{}{}
		}
	}
}

// forget drops what counts no more.
func (m *Meter) forget() {
	now := m.time()
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.pending {
		if p.slot < limit.SlotOf(now, p.per)-limit.Slots {
			delete(m.pending, p)
		}
	}
}

// resync tells a server that was away everything that this proxy let in: what it missed, or all, where it has lost what it knew.
func (m *Meter) resync(ctx context.Context) {
	pending, freed := m.untold()
	missed := map[string]map[int64]int64{}
	per := map[string]time.Duration{}
	for p, n := range pending {
		if missed[p.key] == nil {
			missed[p.key] = map[int64]int64{}
		}
		missed[p.key][p.slot] += n
		per[p.key] = p.per
	}
	all := m.known(per)
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	pipe := m.rdb.Pipeline()
	for k, p := range per {
		args := []any{m.Proxy, p.Milliseconds(), len(missed[k])}
		for _, parts := range []map[int64]int64{missed[k], all[k]} {
			for slot, n := range parts {
				args = append(args, slot, n)
			}
		}
		amend.Eval(ctx, pipe, []string{k}, args...)
	}
	for p := range freed {
		pipe.ZRem(ctx, p.key, p.call.String())
	}
	if pipe.Len() == 0 {
		return
	}
	if _, err := pipe.Exec(ctx); err != nil {
		m.restore(pending, freed)
	}
}

// known is all that this proxy has let in and that still counts: for each window its parts. It fills per.
func (m *Meter) known(per map[string]time.Duration) map[string]map[int64]int64 {
	now, out := m.time(), map[string]map[int64]int64{}
	m.shadow.Every(func(org id.Org, k limitmem.Key, c *limitmem.Count) {
		if c.Per == 0 || c.Window.Used(now, c.Per) == 0 {
			return
		}
		name := key(org, &limit.Limit{ID: k.Limit, Per: c.Per}, k.Subject)
		per[name] = c.Per
		parts := map[int64]int64{}
		c.Window.Parts(func(slot, n int64) { parts[slot] = n })
		out[name] = parts
	})
	return out
}

// renew says that the calls under way still are.
func (m *Meter) renew(ctx context.Context) {
	m.mu.Lock()
	open := map[string][]any{}
	for p := range m.open {
		if open[p.key] == nil {
			open[p.key] = []any{m.Lease.Milliseconds()}
		}
		open[p.key] = append(open[p.key], p.call.String())
	}
	m.mu.Unlock()
	if len(open) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	pipe := m.rdb.Pipeline()
	for k, args := range open {
		renew.Eval(ctx, pipe, []string{k}, args...)
	}
	_, _ = pipe.Exec(ctx) // the next renewal comes long before the lease ends
}
