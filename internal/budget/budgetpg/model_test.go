package budgetpg_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// bank is what the world does its business with: the model here, and Postgres.
type bank interface {
	exchange(h lease.Holder, asks []lease.Ask) (lease.Reply, error)
	hold(h lease.Holder, asks []lease.Ask) (lease.Reply, error)
	end(h lease.Holder) error
	succeed(h lease.Holder) error
	settle(charges []charged) error
	finalise() error
	limit(b id.Budget, amount money.NanoUSD) error
	adjust(pot id.Pot, call id.Call, amount money.NanoUSD) error
}

// model is the authority's rules in one thread, without a database: what Postgres must do.
type model struct {
	now     func() time.Time
	limits  map[id.Budget]money.NanoUSD
	pots    map[id.Pot]*modelPot
	holders map[id.Holder]*modelHolder
	settled map[id.Pot]map[id.Holder]money.NanoUSD // also of pots that are not there yet
	runs    int
}

type modelPot struct {
	ask                 lease.Ask // what it stands for
	committed, adjusted money.NanoUSD
	lent                money.NanoUSD // committed after the last grant
	lentLimit           money.NanoUSD
	peak                money.NanoUSD // the highest limit under which something was lent
	leases              map[id.Holder]*modelLease
	short               time.Time
	shortBy             id.Holder
	looked              time.Time
	posted              money.NanoUSD // when it was looked at
	alive               int
	closed              bool
}

type modelLease struct {
	granted, returned money.NanoUSD
	seen              time.Time
}

type modelHolder struct {
	lease.Holder
	run   int
	ended bool
}

func newModel(now func() time.Time) *model {
	return &model{
		now: now, limits: map[id.Budget]money.NanoUSD{}, pots: map[id.Pot]*modelPot{},
		holders: map[id.Holder]*modelHolder{}, settled: map[id.Pot]map[id.Holder]money.NanoUSD{},
	}
}

func (m *model) register(h lease.Holder) *modelHolder {
	if m.holders[h.ID] == nil {
		m.runs++
		m.holders[h.ID] = &modelHolder{Holder: h, run: m.runs}
	}
	return m.holders[h.ID]
}

func (m *model) exchange(h lease.Holder, asks []lease.Ask) (lease.Reply, error) {
	if m.register(h).ended {
		return lease.Reply{}, lease.ErrEnded
	}
	reply := lease.Reply{Now: m.now(), Grants: make([]lease.Grant, len(asks))}
	order := make([]int, len(asks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return slices.Compare(asks[a].Pot[:], asks[b].Pot[:]) })
	for _, i := range order {
		reply.Grants[i] = m.one(h, asks[i])
	}
	for key, p := range m.pots {
		if l := p.leases[h.ID]; l != nil && p.shortBy != h.ID && p.short.After(m.now().Add(-2*time.Second)) && l.granted-l.returned > m.settled[key][h.ID] {
			reply.Recalled = append(reply.Recalled, key)
		}
	}
	return reply, nil
}

// one is one ask.
func (m *model) one(h lease.Holder, k lease.Ask) lease.Grant {
	now := m.now()
	limit, ours := m.limits[k.Budget]
	closed := !k.Window.From.IsZero() && (now.Before(k.Window.From.Add(-2*time.Second)) || !now.Before(k.Window.To.Add(2*time.Second)))
	p := m.pots[k.Pot]
	if p == nil {
		switch {
		case !ours:
			return lease.Grant{Verdict: lease.Gone}
		case closed:
			return lease.Grant{Limit: limit, Verdict: lease.Closed}
		}
		p = &modelPot{ask: k, leases: map[id.Holder]*modelLease{}}
		m.pots[k.Pot] = p
		m.cover(k.Pot)
	}
	l := p.leases[h.ID]
	if l == nil {
		l = &modelLease{}
	}
	if p.looked.Before(now.Add(-250 * time.Millisecond)) {
		p.looked, p.posted, p.alive = now, m.sum(k.Pot), 0
		for who, other := range p.leases {
			if who != h.ID && other.seen.After(now.Add(-15*time.Second)) {
				p.alive++
			}
		}
	}
	back := min(max(l.returned, k.Returned), l.granted)
	over := max(m.settled[k.Pot][h.ID]-(l.granted-back), 0)
	p.committed += over - (back - l.returned)

	g := lease.Grant{Limit: limit, Holders: p.alive + 1}
	free, more := max(limit-p.committed, 0), money.NanoUSD(0)
	switch {
	case !ours:
		g.Verdict = lease.Gone
	case closed || p.closed:
		g.Verdict = lease.Closed
	case k.Need > free:
		g.Verdict = lease.Short
		if p.short.Before(now.Add(-200 * time.Millisecond)) {
			p.short, p.shortBy = now, h.ID
		}
	default:
		more = max(k.Need, min(k.Want, free/money.NanoUSD(2*(p.alive+1))))
	}
	p.committed += more
	if more > 0 {
		p.lent, p.lentLimit, p.peak = p.committed, limit, max(p.peak, limit)
	}
	if more > 0 || over > 0 || back > l.returned || l.seen.Before(now.Add(-5*time.Second)) {
		p.leases[h.ID] = &modelLease{l.granted + over + more, back, now}
	}
	g.Granted, g.Committed = l.granted+over+more, p.committed
	if g.Posted = p.posted + p.adjusted; p.closed {
		g.Posted = p.committed
	}
	return g
}

func (m *model) sum(pot id.Pot) (sum money.NanoUSD) {
	for _, s := range m.settled[pot] {
		sum += s
	}
	return sum
}

func (m *model) cover(pot id.Pot) {
	p := m.pots[pot]
	if p == nil {
		return
	}
	for who, settled := range m.settled[pot] {
		l := p.leases[who]
		if l == nil {
			l = &modelLease{}
		}
		if lack := settled - (l.granted - l.returned); lack > 0 {
			p.leases[who] = &modelLease{l.granted + lack, l.returned, l.seen}
			p.committed += lack
		}
	}
}

func (m *model) hold(h lease.Holder, asks []lease.Ask) (lease.Reply, error) {
	h.Proxy, h.Boot = "", ""
	if m.register(h).ended {
		return lease.Reply{}, lease.ErrEnded
	}
	before := m.copy()
	level := slices.Clone(asks)
	for i, k := range asks {
		var have money.NanoUSD
		if p := m.pots[k.Pot]; p != nil && p.leases[h.ID] != nil {
			have = p.leases[h.ID].granted - p.leases[h.ID].returned
		}
		level[i].Need = max(k.Need-have, 0)
		level[i].Want, level[i].Returned = level[i].Need, 0
	}
	r, err := m.exchange(h, level)
	r.Recalled = nil
	if slices.ContainsFunc(r.Grants, func(g lease.Grant) bool { return g.Verdict != lease.Granted }) {
		*m = *before
	}
	return r, err
}

func (m *model) copy() *model {
	c := *m
	c.pots, c.holders = make(map[id.Pot]*modelPot, len(m.pots)), make(map[id.Holder]*modelHolder, len(m.holders))
	for key, p := range m.pots {
		q := *p
		q.leases = maps.Clone(p.leases) // leases are replaced, never changed
		c.pots[key] = &q
	}
	for key, h := range m.holders {
		g := *h
		c.holders[key] = &g
	}
	return &c
}

func (m *model) end(h lease.Holder) error {
	if x := m.holders[h.ID]; x != nil && !x.ended {
		m.close(x)
	}
	return nil
}

func (m *model) close(h *modelHolder) {
	h.ended = true
	for key, p := range m.pots {
		if l := p.leases[h.ID]; l != nil {
			if idle := l.granted - l.returned - m.settled[key][h.ID]; idle > 0 {
				p.leases[h.ID] = &modelLease{l.granted, l.returned + idle, l.seen}
				p.committed -= idle
			}
		}
	}
}

func (m *model) succeed(h lease.Holder) error {
	me := m.register(h)
	if me.ended || h.Proxy == "" || h.Boot == "" {
		return nil
	}
	for _, x := range m.holders {
		if !x.ended && x.run < me.run && x.Proxy == h.Proxy && x.Boot == h.Boot {
			m.close(x)
		}
	}
	return nil
}

func (m *model) settle(charges []charged) error {
	for _, c := range charges {
		if m.settled[c.Pot] == nil {
			m.settled[c.Pot] = map[id.Holder]money.NanoUSD{}
		}
		m.settled[c.Pot][c.Holder] += c.Amount
	}
	for _, c := range charges {
		m.cover(c.Pot)
	}
	return nil
}

// finalise closes windows two minutes after their end, as no proxy says that it has not shipped everything; but not soon those of which a
// batch holds money.
func (m *model) finalise() error {
	for _, p := range m.pots {
		ended := func(before time.Duration) bool {
			return !p.ask.Window.To.IsZero() && p.ask.Window.To.Before(m.now().Add(-before))
		}
		busy := false
		for who, l := range p.leases {
			h := m.holders[who]
			busy = busy || h.Proxy == "" && !h.ended && l.granted > l.returned
		}
		p.closed = p.closed || ended(2*time.Minute) && (!busy || ended(4*24*time.Hour))
	}
	return nil
}

func (m *model) limit(b id.Budget, amount money.NanoUSD) error {
	m.limits[b] = amount
	return nil
}

func (m *model) adjust(pot id.Pot, _ id.Call, amount money.NanoUSD) error {
	if p := m.pots[pot]; p != nil {
		p.adjusted += amount
		p.committed += amount
	}
	return nil
}

// broken says which invariant of a pot does not hold; "" where all do. spent is what providers billed. Limits may be lowered, so that the
// highest one under which anything was lent is what spending is held against.
func (m *model) broken(key id.Pot, spent money.NanoUSD) string {
	p := m.pots[key]
	if p == nil {
		if spent > 0 {
			return fmt.Sprintf("%d was spent from a pot that nothing was lent of", spent)
		}
		return ""
	}
	has := p.adjusted
	for who, l := range p.leases {
		has += l.granted - l.returned
		if settled := m.settled[key][who]; settled > l.granted-l.returned {
			return fmt.Sprintf("holder %v settled %d of %d", who, settled, l.granted-l.returned)
		}
		if l.returned > l.granted {
			return fmt.Sprintf("holder %v returned %d of %d", who, l.returned, l.granted)
		}
	}
	switch {
	case has != p.committed:
		return fmt.Sprintf("committed is %d, and leases and adjustments make %d", p.committed, has)
	case p.lent > p.lentLimit:
		return fmt.Sprintf("%d was lent when the limit was %d", p.lent, p.lentLimit)
	case spent > p.committed:
		return fmt.Sprintf("%d was spent, and only %d is committed", spent, p.committed)
	case spent > p.peak:
		return fmt.Sprintf("%d was spent, and the limit was never higher than %d", spent, p.peak)
	}
	return ""
}

// sorted makes replies comparable: nobody promises an order of recalled pots.
func sorted(r lease.Reply) lease.Reply {
	if len(r.Recalled) == 0 {
		r.Recalled = nil
	}
	slices.SortFunc(r.Recalled, func(a, b id.Pot) int { return slices.Compare(a[:], b[:]) })
	return r
}

// windowAt is a day of the model's calendar.
func windowAt(now time.Time) budget.Window {
	return budget.Calendar{}.Window(budget.Day, now)
}
