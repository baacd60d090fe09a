package route

import (
	"cmp"
	"math"
	"slices"

	"tollgate/internal/alias"
	"tollgate/internal/chat"
	"tollgate/internal/price"
)

// unsized stands for a call of unknown size in price comparisons.
var unsized = Size{Input: 75_000, Output: 25_000}

// arrange puts the seats from on in their tiers, and within a tier in the order of the strategy.
func (c *choosing) arrange(from int, s alias.Strategy, drawn string) {
	part := c.seats[from:]
	if len(part) < 2 {
		return
	}
	for i := range part {
		part[i].state = c.list[part[i].from].state
	}
	slices.SortStableFunc(part, func(a, b seat) int { return a.of.Order - b.of.Order })
	for len(part) > 0 {
		n := 1
		for n < len(part) && part[n].of.Order == part[0].of.Order {
			n++
		}
		c.rank(part[:n], s, drawn)
		part = part[n:]
	}
}

// rank orders one tier. drawn is what draws are for: the alias.
func (c *choosing) rank(tier []seat, s alias.Strategy, drawn string) {
	if len(tier) < 2 {
		return
	}
	switch s {
	case alias.Weighted:
		c.weigh(tier, drawn)
	case alias.Cheapest:
		for i := range tier {
			tier[i].order = c.price(&tier[i])
		}
	case alias.Fastest:
		c.time(tier)
	case alias.LeastBusy:
		for i := range tier { // a share of the calls under way, and what a draw says among equals
			draw := float64(lot(seed(drawn, c.once()), &tier[i].of)>>11) / (1 << 53)
			tier[i].order = (float64(tier[i].state.InFlight) + draw/2) / float64(tier[i].of.Share())
		}
	default:
		return
	}
	slices.SortStableFunc(tier, func(a, b seat) int { return cmp.Compare(a.order, b.order) })
}

// once is what a draw for this call alone is made from.
func (c *choosing) once() string { return cmp.Or(c.ask.Call, c.ask.Unit.Value) }

func (c *choosing) weigh(tier []seat, drawn string) {
	s, sum := seed(drawn, c.unit()), 0
	for i := range tier {
		sum += tier[i].of.Share()
	}
	for i := range tier {
		tier[i].weight, tier[i].sum = tier[i].of.Share(), sum
		tier[i].order = -score(lot(s, &tier[i].of), tier[i].weight)
	}
	c.sticky = c.sticky || c.sticks()
}

// price is what the call would cost at a target, in nano-dollars; what is not priced comes last.
func (c *choosing) price(s *seat) float64 {
	rec, ok := c.org.Prices.Lookup(s.of.Provider, s.of.Model, c.ask.Now)
	if !ok {
		return math.Inf(1)
	}
	size := c.ask.Size
	if size == (Size{}) {
		size = unsized
	}
	var u chat.Units
	u[chat.Input], u[chat.Output] = size.Input, size.Output
	cost, state := price.Cost(rec, u)
	if state == price.Unpriced {
		return math.Inf(1)
	}
	return float64(cost)
}

// time orders by latency. What was not measured lately goes first, so that it is, while nobody else is measuring it; then it waits
// behind the measured.
func (c *choosing) time(tier []seat) {
	for i := range tier {
		switch s := &tier[i]; {
		case s.state.Latency > 0:
			s.order = float64(s.state.Latency)
		case s.state.InFlight > 0:
			s.order = math.MaxFloat64
		default:
			s.order, s.why = -1, "first to be measured"
		}
	}
}

// settle gives the entries of all seats in the order in which they are tried. What a request wants first goes first among the route's
// targets, and among the fallbacks; what is ejected goes behind all that is well and may stand in for it.
func (c *choosing) settle() []*entry {
	if f := c.ask.Filter; f != nil && len(f.Order) > 0 {
		slices.SortStableFunc(c.seats, func(a, b seat) int {
			return cmp.Or(truth(a.kind != aimed)-truth(b.kind != aimed), f.rank(c.list[a.from].Vendor)-f.rank(c.list[b.from].Vendor))
		})
	}
	out := make([]*entry, 0, len(c.list))
	for i := range c.seats {
		s := &c.seats[i]
		for j := s.from; j < s.to; j++ {
			c.list[j].index = i
			out = append(out, &c.list[j])
		}
	}
	if c.r.Health != nil && slices.ContainsFunc(out, func(e *entry) bool { return ejected(e.state) }) {
		slices.SortStableFunc(out, func(a, b *entry) int { return a.rest() - b.rest() })
	}
	return out
}

// rest is 0 for what is tried first where some target is ejected, 1 for the ejected, and 2 for fallbacks that are for other failures
// than those for which targets are ejected: they do not stand in.
func (e *entry) rest() int {
	switch {
	case e.Fallback && !standsIn(e.On):
		return 2
	case ejected(e.state):
		return 1
	}
	return 0
}

// standsIn reports whether a fallback for these causes takes the place of an ejected target.
func standsIn(on []alias.Cause) bool {
	f := alias.Fallback{On: on}
	return slices.ContainsFunc([]alias.Cause{alias.RateLimit, alias.Overloaded, alias.TimedOut, alias.Failed}, f.Answers)
}
