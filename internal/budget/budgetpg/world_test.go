package budgetpg_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// world is proxies that make calls, crash and come back, a network that loses, repeats and delays, providers that bill, and people who
// change limits. Everything in it happens one after the other, in an order that the seed decides.
type world struct {
	r       *rand.Rand
	now     time.Time
	bank    bank
	org     id.Org
	budgets []id.Budget // the first is over days, the others are totals
	proxies []*proxy
	batch   *batchWork
	spent   map[id.Pot]money.NanoUSD // what providers billed
	unsure  []charged                // charged at their bounds, in the log
	cost    map[id.Call]money.NanoUSD
	late    []message // in the network
	peaks   int       // calls that were let through
}

// proxy is one proxy: who it is, what it knows of its leases, and its spool.
type proxy struct {
	lease.Holder
	leases    map[id.Pot]*hand
	open      []*call
	spool     []*call // ended, not in the log yet
	succeeds  bool    // it has to succeed its earlier runs when what they spooled is shipped
	inherited int     // calls of earlier runs in the spool
}

// hand is a lease as its holder knows it.
type hand struct {
	ask                            lease.Ask
	granted, returned, spent, open money.NanoUSD
}

type call struct {
	charged   // Amount is the bound until the end is known
	inherited bool
}

// message is one exchange in the network.
type message struct {
	from  lease.Holder
	asks  []lease.Ask
	proxy int
}

type batchWork struct {
	lease.Holder
	ask   lease.Ask
	lines []*call
}

func newWorld(seed uint64, org id.Org, budgets []id.Budget, start time.Time) *world {
	w := &world{
		r: rand.New(rand.NewPCG(seed, 17)), now: start, org: org, budgets: budgets,
		spent: map[id.Pot]money.NanoUSD{}, cost: map[id.Call]money.NanoUSD{},
	}
	for i := range 4 {
		w.proxies = append(w.proxies, &proxy{Holder: w.holder(fmt.Sprintf("proxy-%d", i), "boot-0"), leases: map[id.Pot]*hand{}})
	}
	return w
}

func (w *world) holder(proxy, boot string) lease.Holder {
	var h lease.Holder
	for i := range h.ID {
		h.ID[i] = byte(w.r.UintN(256))
	}
	h.Proxy, h.Boot = proxy, boot
	return h
}

func (w *world) callID() (c id.Call) {
	for i := range c {
		c[i] = byte(w.r.UintN(256))
	}
	return c
}

func (w *world) money(n int64) money.NanoUSD { return money.NanoUSD(1 + w.r.Int64N(n)) }

// lease is the proxy's lease of a budget now.
func (w *world) lease(p *proxy) *hand {
	i := w.r.IntN(len(w.budgets))
	window := budget.Window{Period: budget.Total}
	if i == 0 {
		window = windowAt(w.now)
	}
	pot := budget.Pot(w.org, w.budgets[i], "", window)
	if p.leases[pot] == nil {
		p.leases[pot] = &hand{ask: lease.Ask{Org: w.org, Budget: w.budgets[i], Window: window, Pot: pot}}
	}
	return p.leases[pot]
}

// step does one thing. An error is the bank's.
func (w *world) step() error {
	p := w.proxies[w.r.IntN(len(w.proxies))]
	w.now = w.now.Add(time.Duration(w.r.IntN(2000)) * time.Millisecond)
	switch n := w.r.IntN(100); {
	case n < 30:
		w.start(p)
		return nil
	case n < 50:
		w.finish(p)
		return nil
	case n < 65:
		return w.talk(p)
	case n < 70:
		return w.deliverLate()
	case n < 84:
		return w.ship(p)
	case n < 88:
		return w.workBatch()
	case n < 92:
		return w.bank.limit(w.budgets[w.r.IntN(len(w.budgets))], money.NanoUSD(w.r.Int64N(20_000)))
	case n < 94:
		w.crash(p)
		return nil
	case n < 96:
		return w.reconcile()
	case n < 99:
		return w.bank.finalise()
	}
	w.now = w.now.Add(time.Duration(w.r.IntN(30)) * time.Hour)
	return nil
}

// start admits a call where its bound fits into what is in hand. The provider bills at once: that is the worst.
func (w *world) start(p *proxy) {
	h, bound := w.lease(p), w.money(300)
	if h.spent+h.open+bound > h.granted-h.returned {
		return
	}
	h.open += bound
	w.peaks++
	c := &call{charged: charged{Org: w.org, Call: w.callID(), Charge: calllog.Charge{Budget: h.ask.Budget, Pot: h.ask.Pot, Holder: p.ID, Amount: bound}}}
	cost := money.NanoUSD(w.r.Int64N(int64(bound) + 1))
	w.cost[c.Call] = cost
	w.spent[h.ask.Pot] += cost
	p.open = append(p.open, c)
}

// finish ends a call: with the provider's usage, or without any.
func (w *world) finish(p *proxy) {
	if len(p.open) == 0 {
		return
	}
	i := w.r.IntN(len(p.open))
	c := p.open[i]
	p.open = append(p.open[:i], p.open[i+1:]...)
	h := p.leases[c.Pot]
	h.open -= c.Amount
	if w.r.IntN(4) > 0 {
		c.Amount = w.cost[c.Call]
	}
	h.spent += c.Amount
	p.spool = append(p.spool, c)
}

// talk sends a report and a wish. Idle money is deducted before anybody is told.
func (w *world) talk(p *proxy) error {
	m := message{from: p.Holder, proxy: w.index(p)}
	for range 1 + w.r.IntN(3) {
		h := w.lease(p)
		if idle := h.granted - h.returned - h.spent - h.open; idle > 0 && w.r.IntN(3) == 0 {
			h.returned += money.NanoUSD(w.r.Int64N(int64(idle) + 1))
		}
		k := h.ask
		k.Returned = h.returned
		if w.r.IntN(4) > 0 {
			k.Need = money.NanoUSD(w.r.Int64N(1000))
			k.Want = k.Need + money.NanoUSD(w.r.Int64N(2000))
		}
		m.asks = append(m.asks, k)
	}
	switch w.r.IntN(6) {
	case 0: // it comes later, or never
		w.late = append(w.late, m)
		return nil
	case 1: // it comes twice
		w.late = append(w.late, m)
	}
	return w.arrive(m)
}

func (w *world) index(p *proxy) int {
	for i := range w.proxies {
		if w.proxies[i] == p {
			return i
		}
	}
	return -1
}

func (w *world) deliverLate() error {
	if len(w.late) == 0 {
		return nil
	}
	i := w.r.IntN(len(w.late))
	m := w.late[i]
	if w.late = append(w.late[:i], w.late[i+1:]...); w.r.IntN(3) == 0 {
		return nil // lost
	}
	return w.arrive(m)
}

// arrive is a message at the bank; its answer may be lost on the way back, and is nothing to a proxy that has crashed since.
func (w *world) arrive(m message) error {
	r, err := w.bank.exchange(m.from, m.asks)
	if err == lease.ErrEnded { //nolint:errorlint // both banks return it as it is
		return nil
	}
	if err != nil || w.r.IntN(5) == 0 || w.proxies[m.proxy].ID != m.from.ID {
		return err
	}
	for i, k := range m.asks {
		if h := w.proxies[m.proxy].leases[k.Pot]; h != nil {
			h.granted = max(h.granted, r.Grants[i].Granted)
		}
	}
	return nil
}

// ship delivers some of what has ended. Ingest lets each call in once, so that only those that are new are settled.
func (w *world) ship(p *proxy) error {
	n := w.r.IntN(len(p.spool) + 1)
	charges := make([]charged, 0, n)
	for _, c := range p.spool[:n] {
		charges = append(charges, c.charged)
		if c.inherited {
			p.inherited--
		}
		if c.Amount != w.cost[c.Call] {
			w.unsure = append(w.unsure, c.charged)
		}
	}
	p.spool = p.spool[n:]
	if len(charges) > 0 {
		if err := w.bank.settle(charges); err != nil {
			return err
		}
	}
	if p.succeeds && p.inherited == 0 {
		p.succeeds = false
		return w.bank.succeed(p.Holder)
	}
	return nil
}

// crash kills a proxy. On the same boot its spool is whole, and the calls that were open are in it with their bounds; a machine that
// crashed may have lost calls, of which nobody will ever hear.
func (w *world) crash(p *proxy) {
	boot, lost := p.Boot, w.r.IntN(3) == 0
	if lost {
		boot = fmt.Sprintf("boot-%d", w.r.IntN(1<<30))
		p.spool = p.spool[:w.r.IntN(len(p.spool)+1)]
		p.open = p.open[:w.r.IntN(len(p.open)+1)]
	}
	p.spool = append(p.spool, p.open...)
	for _, c := range p.spool {
		c.inherited = true
	}
	p.open, p.inherited, p.succeeds = nil, len(p.spool), true
	p.leases = map[id.Pot]*hand{}
	p.Holder = w.holder(p.Proxy, boot)
}

// workBatch moves the one batch on: it holds, spends, or ends.
func (w *world) workBatch() error {
	b := w.batch
	if b == nil {
		b = &batchWork{Holder: w.holder("", "")}
		b.ask = w.lease(&proxy{leases: map[id.Pot]*hand{}}).ask
		b.ask.Need = w.money(2000)
		r, err := w.bank.hold(b.Holder, []lease.Ask{b.ask})
		if err != nil || r.Grants[0].Verdict != lease.Granted {
			return err
		}
		for left := b.ask.Need; left > 0; {
			c := &call{charged: charged{Org: w.org, Call: w.callID(), Charge: calllog.Charge{Budget: b.ask.Budget, Pot: b.ask.Pot, Holder: b.ID}}}
			bound := min(w.money(500), left)
			c.Amount = money.NanoUSD(w.r.Int64N(int64(bound) + 1))
			w.cost[c.Call] = c.Amount
			w.spent[b.ask.Pot] += c.Amount
			left -= bound
			b.lines = append(b.lines, c)
		}
		w.batch = b
		return nil
	}
	if len(b.lines) > 0 {
		c := b.lines[0]
		b.lines = b.lines[1:]
		return w.bank.settle([]charged{c.charged})
	}
	w.batch = nil
	return w.bank.end(b.Holder)
}

// reconcile corrects a call by what its provider says.
func (w *world) reconcile() error {
	if len(w.unsure) == 0 {
		return nil
	}
	i := w.r.IntN(len(w.unsure))
	c := w.unsure[i]
	w.unsure = append(w.unsure[:i], w.unsure[i+1:]...)
	return w.bank.adjust(c.Pot, c.Call, w.cost[c.Call]-c.Amount)
}
