package budget

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// TrafficQuery asks for what calls cost.
type TrafficQuery struct {
	Selector dimension.Selector
	Each     dimension.Name // "": no subject; else calls without a value are left out
	From, To time.Time
	Newest   int // at most so many calls: the newest
}

// Passed is a call that was made.
type Passed struct {
	At      time.Time
	Subject string
	Key     id.Key
	Cost    money.NanoUSD
}

// Simulation is what a budget would have done to calls that were made.
type Simulation struct {
	From, To time.Time     // of the calls looked at
	Calls    int64         // that the budget would have covered
	Spent    money.NanoUSD // by them
	Cut      bool          // there were more calls than are looked at: From is the oldest of the newest

	Blocked int64         // calls for which there would have been no room
	Saved   money.NanoUSD // what they cost
	Keys    int           // whose calls they were
	Limits  []SimulatedLimit
	Full    []FullWindow // the first fullMax windows that would have been full, oldest first
}

// SimulatedLimit is one limit of it.
type SimulatedLimit struct {
	Period     Period
	Amount     money.NanoUSD
	Peak       money.NanoUSD // most that one window (and subject) spent
	PeakAt     Window
	Subject    string        // of the peak
	Nothing    money.NanoUSD // a round limit that would have blocked nothing
	OnePercent money.NanoUSD // the least limit that would have blocked at most 1 % of the calls
}

// FullWindow is a window that would have been full.
type FullWindow struct {
	Window  Window
	Subject string
	At      time.Time // of the first call for which there was no room
	Blocked int64
	Saved   money.NanoUSD
}

const (
	simulatedMax = 500_000 // calls
	fullMax      = 50
)

// Simulate runs the calls since the start of last month through a budget that need not exist: what b covers, splits and limits counts.
// A call weighs what it cost: reservations, which are higher while a call runs, are not played again. Nothing is stored.
func (s *Service) Simulate(ctx context.Context, in tenant.Scope, b Budget) (Simulation, error) {
	b = b.normal()
	if b.Name == "" {
		b.Name = "Simulation"
	}
	if err := s.check(ctx, in, b); err != nil {
		return Simulation{}, err
	}
	calendar, err := s.Calendar(ctx, in)
	if err != nil {
		return Simulation{}, err
	}
	now := instant(s.Now())
	q := TrafficQuery{Selector: b.Selector, Each: b.Each, From: earlier(calendar, calendar.Window(Month, now)).From, To: now, Newest: simulatedMax}
	r := newRun(b, calendar)
	if err := s.Store.Traffic(ctx, in, q, func(p Passed) error { r.pass(p); return nil }); err != nil {
		return Simulation{}, err
	}
	return r.result(q), nil
}

// run is a simulation under way.
type run struct {
	out     Simulation
	lanes   []*lane
	keys    map[id.Key]bool // with blocked calls
	full    map[*window]*FullWindow
	ordered []*FullWindow
	first   time.Time
}

// lane is one limit of it.
type lane struct {
	limit    Limit
	calendar Calendar
	now      Window // of the newest call
	pots     map[string]*window
	all      []*window
	costs    []money.NanoUSD // of every call that cost something, in order
	of       []int32         // its place in all
}

// window is one pot.
type window struct {
	Window
	place   int32
	subject string
	used    money.NanoUSD // by calls that passed
	demand  money.NanoUSD // by all
}

func newRun(b Budget, c Calendar) *run {
	r := &run{keys: map[id.Key]bool{}, full: map[*window]*FullWindow{}}
	for _, l := range b.Limits {
		r.lanes = append(r.lanes, &lane{limit: l, calendar: c, pots: map[string]*window{}})
	}
	return r
}

// pass plays one call.
func (r *run) pass(p Passed) {
	if r.first.IsZero() {
		r.first = p.At
	}
	r.out.Calls++
	if p.Cost <= 0 {
		return
	}
	r.out.Spent += p.Cost
	var short *window
	for _, l := range r.lanes {
		w := l.window(p)
		w.demand += p.Cost
		l.costs, l.of = append(l.costs, p.Cost), append(l.of, w.place)
		if short == nil && w.used+p.Cost > l.limit.Amount {
			short = w
		}
	}
	if short == nil {
		for _, l := range r.lanes {
			l.pots[p.Subject].used += p.Cost
		}
		return
	}
	r.block(p, short)
}

func (r *run) block(p Passed, short *window) {
	r.out.Blocked++
	r.out.Saved += p.Cost
	r.keys[p.Key] = true
	f := r.full[short]
	if f == nil {
		f = &FullWindow{Window: short.Window, Subject: short.subject, At: p.At}
		r.full[short] = f
		r.ordered = append(r.ordered, f)
	}
	f.Blocked++
	f.Saved += p.Cost
}

// window is the pot that a call falls into. Calls come in order, so a window that is over is never asked for again.
func (l *lane) window(p Passed) *window {
	if len(l.all) == 0 || !l.now.To.IsZero() && !p.At.Before(l.now.To) {
		l.now = l.calendar.Window(l.limit.Period, p.At)
		clear(l.pots)
	}
	w := l.pots[p.Subject]
	if w == nil {
		w = &window{Window: l.now, place: int32(min(len(l.all), math.MaxInt32)), subject: p.Subject} // at most simulatedMax
		l.pots[p.Subject], l.all = w, append(l.all, w)
	}
	return w
}

// result closes the simulation.
func (r *run) result(q TrafficQuery) Simulation {
	out := r.out
	out.From, out.To, out.Cut, out.Keys = q.From, q.To, out.Calls >= int64(q.Newest), len(r.keys)
	if out.Cut {
		out.From = r.first
	}
	for _, l := range r.lanes {
		out.Limits = append(out.Limits, l.result(out.Calls))
	}
	for _, f := range r.ordered[:min(len(r.ordered), fullMax)] {
		out.Full = append(out.Full, *f)
	}
	return out
}

func (l *lane) result(calls int64) SimulatedLimit {
	out := SimulatedLimit{Period: l.limit.Period, Amount: l.limit.Amount}
	if len(l.all) == 0 {
		return out
	}
	top := slices.MaxFunc(l.all, func(a, b *window) int { return cmp.Compare(a.demand, b.demand) })
	out.Peak, out.PeakAt, out.Subject = top.demand, top.Window, top.subject
	out.Nothing = Round(top.demand)
	out.OnePercent = l.least(top.demand, calls/100)
	return out
}

// least is the smallest limit, to the cent, that blocks at most so many calls. More room never blocks more calls than less by much, but
// it may by a few: a dear call that fits takes the room of cheap ones. So the answer is one that holds, and about the least.
func (l *lane) least(enough money.NanoUSD, most int64) money.NanoUSD {
	const cent = 10_000_000
	low, high := int64(0), int64(enough/cent)+1 // cents; high always holds
	used := make([]money.NanoUSD, len(l.all))
	for low < high {
		mid := low + (high-low)/2
		if l.blocked(money.NanoUSD(mid*cent), used) <= most {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return money.NanoUSD(high * cent)
}

// blocked counts the calls that this limit alone would have blocked. used is scratch.
func (l *lane) blocked(limit money.NanoUSD, used []money.NanoUSD) (n int64) {
	clear(used)
	for i, cost := range l.costs {
		if pot := &used[l.of[i]]; *pot+cost > limit {
			n++
		} else {
			*pot += cost
		}
	}
	return n
}

// steps are the figures that people choose for limits, in each decade.
var steps = []money.NanoUSD{10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100}

// Round is the next round amount at or above one, from a cent on: what people choose for limits.
func Round(n money.NanoUSD) money.NanoUSD {
	const cent = money.NanoUSD(10_000_000)
	for decade := cent; ; decade *= 10 {
		for _, s := range steps {
			if at := decade / 10 * s; at >= n {
				return at
			}
		}
	}
}
