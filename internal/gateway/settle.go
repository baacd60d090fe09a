package gateway

import (
	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/key"
	"tollgate/internal/price"
	"tollgate/internal/provider"
)

// bytesPerToken is the rule of thumb for what nobody counted.
const bytesPerToken = 4

// saw keeps what an attempt's answer told about itself. A stream that was cut before its usage is estimated from what went by.
func (c *Call) saw(t *try, seen provider.Seen) {
	a := t.log
	a.UpstreamID = clean(seen.ID, 256)
	a.Usage = seen.Usage
	c.Work.finish = seen.Finish
	whole := seen.Ended
	switch {
	case whole && seen.Usage.Source == chat.Unknown, !whole && seen.Started:
		a.Usage = estimate(seen.Usage, c.Ask.size, seen.OutputBytes)
	}
}

// sawCut keeps what a whole answer told of itself before it broke off. A provider that has begun one has done its work.
func (c *Call) sawCut(t *try, body []byte) {
	if len(body) == 0 {
		return
	}
	seen := t.dialect.Inspect(body)
	if !seen.Started {
		seen.Started, seen.OutputBytes = true, int64(len(body))
	}
	seen.Ended = false
	c.saw(t, seen)
}

// estimate completes a usage that the provider did not finish: what it has counted stands, the rest is bytes by the rule of thumb.
func estimate(u chat.Usage, request, output int64) chat.Usage {
	if u.Units.InputTotal() == 0 {
		u.Units[chat.Input] = (request + bytesPerToken - 1) / bytesPerToken
	}
	if tokens := (output + bytesPerToken - 1) / bytesPerToken; tokens > u.Units.OutputTotal() {
		u.Units[chat.Output] += tokens - u.Units.OutputTotal()
	}
	u.Source = chat.Estimated
	return u
}

// settle prices every attempt by the price in force when the call came in. A call costs what its attempts cost together. Where
// something was used that has no price, the cost is unknown: never zero.
func (g *Gateway) settle(c *Call) error {
	r := &c.Record
	r.Price = calllog.Free // nothing consumed so far
	for i := range c.Work.attempts {
		a := &c.Work.attempts[i]
		g.price(c, a)
		if a.Usage.Source == chat.Unknown {
			continue
		}
		r.Usage.Units = r.Usage.Units.Add(a.Usage.Units)
		r.Usage.Source = max(r.Usage.Source, a.Usage.Source)
		r.Estimated = r.Estimated || a.Usage.Source == chat.Estimated
		r.Cost += a.Cost
		if weight(a.Price) > weight(r.Price) {
			r.Price = a.Price
		}
	}
	c.Outcome = c.end()
	return nil
}

// weight orders price states: one unknown makes the whole unknown, one price makes it priced.
func weight(s calllog.PriceState) int {
	switch s {
	case calllog.Unpriced:
		return 2
	case calllog.Priced:
		return 1
	case calllog.Free:
	}
	return 0
}

func (g *Gateway) price(c *Call, a *calllog.Attempt) {
	if a.Usage.Source == chat.Unknown {
		a.Price = calllog.Free
		return
	}
	rec, ok := c.Caller.key.Org.Prices.Lookup(a.Provider, a.Model, c.Start)
	if !ok {
		return // the zero price state is Unpriced
	}
	a.PriceID = rec.ID
	var state price.State
	a.Cost, state = price.Cost(rec, a.Usage.Units)
	switch state {
	case price.Priced:
		a.Price = calllog.Priced
	case price.Free:
		a.Price = calllog.Free
	case price.Unpriced:
		a.Cost = 0
	}
}

// dollars is the call's cost for a client; empty when it is not known.
func (c *Call) dollars() string {
	if c.Record.Price == calllog.Unpriced {
		return ""
	}
	return c.Record.Cost.USD()
}

// goneStatus is what is recorded for a client that left before it got a status.
const goneStatus = 499

// end says how the call ended.
func (c *Call) end() outcome {
	a := &c.Answer
	o := outcome{how: calllog.OK, status: a.status}
	if c.client.hasBegun() {
		o.status = 200
	}
	if a.problem != nil {
		o.code = a.problem.Code
		switch {
		case c.Work.content:
			o.how = calllog.Broken
		case len(c.Work.attempts) > 0:
			o.how = calllog.Failed
		default:
			o.how = calllog.Refused
		}
	}
	if c.client.gone.Load() {
		o.how, o.code = calllog.ClientGone, "client.gone"
		if !c.client.hasBegun() {
			o.status = goneStatus
		}
	}
	return o
}

// keeps reports whether the key keeps payloads.
func (c *Call) keeps() bool { return c.Caller.key != nil && c.Caller.key.Privacy == key.PrivacyFull }

// payloadMax bounds each body that is kept.
const payloadMax = 256 << 10

// keepRequest keeps the request's body where the key asks for it.
func (c *Call) keepRequest() {
	if c.keeps() {
		c.payload = &calllog.Payload{}
		c.payload.Request, c.payload.Cut = keep(nil, c.Ask.body)
	}
}

// keepPayload keeps a part of the answer.
func (c *Call) keepPayload(out []byte) {
	if c.payload == nil {
		return
	}
	var cut bool
	c.payload.Response, cut = keep(c.payload.Response, out)
	c.payload.Cut = c.payload.Cut || cut
}

func keep(have, more []byte) (kept []byte, cut bool) {
	room := payloadMax - len(have)
	if len(more) > room {
		more, cut = more[:room], true
	}
	return append(have, more...), cut
}
