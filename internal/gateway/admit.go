package gateway

import "strings"

// priorityHeader says how much a call matters when there is too little room for all: low, normal or high.
const priorityHeader = "X-Tollgate-Priority"

// admit takes a call on, or sheds it while its body is still on the way: quickly, so that what is refused does not cost what is
// served. What was shed is counted, and not logged: a log that grows with an overload adds to it.
func (g *Gateway) admit(c *Call) error {
	if c.played() {
		return nil
	}
	o := g.loads.of(c.Caller.key.Org.ID, c.Start)
	p := c.priority()
	if !g.limiter.enter(p, o.calls.Load(), g.loads.busy.Load(), c.Start) {
		c.shed = true
		g.metrics.shed(p)
		return ErrOverloaded
	}
	g.loads.begin(o)
	o.earn(c.Start)
	c.load = o
	g.tidy(c)
	return nil
}

// leave ends what admit began.
func (g *Gateway) leave(c *Call) {
	if c.load != nil {
		g.loads.end(c.load)
		g.limiter.leave()
		c.load = nil
	}
}

func (c *Call) priority() priority {
	if c.in != nil && c.in.Low {
		return low
	}
	switch strings.ToLower(c.req.Header.Get(priorityHeader)) {
	case "low":
		return low
	case "high":
		return high
	}
	return normal
}

// tidy lets the board of health forget what is idle, a part at a time.
func (g *Gateway) tidy(c *Call) {
	at, last := c.Start.UnixNano(), g.tidied.Load()
	if at-last >= int64(lookEvery) && g.tidied.CompareAndSwap(last, at) {
		g.Health.Tidy(c.Start)
	}
}
