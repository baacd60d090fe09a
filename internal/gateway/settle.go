package gateway

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/provider"
)

// bytesPerToken is the rule of thumb for what nobody counted.
const bytesPerToken = 4

// saw keeps what an attempt's answer told about itself. A stream that was cut before its usage is estimated from what went by.
func (c *Call) saw(t *try, seen provider.Seen) {
	if h, ok := t.dialect.(provider.Headed); ok && t.answer != nil {
		h.Headers(t.answer, &seen)
	}
	a := t.log
	a.UpstreamID = clean(seen.ID, 256)
	a.Usage = seen.Usage
	a.ProviderCost = told(seen.Cost)
	c.Work.finish = seen.Finish
	whole := seen.Ended
	switch {
	case whole && seen.Usage.Source == chat.Unknown, !whole && seen.Started:
		a.Usage = c.estimate(t, seen.Usage, seen.OutputBytes)
	}
}

// costMax bounds the digits of a cost that a provider states.
const costMax = 40

// told is a cost that a provider states, in decimal dollars, rounded up to nano-dollars; nil when it states none that can be one.
func told(dollars string) *money.NanoUSD {
	if dollars == "" || len(dollars) > costMax || strings.ContainsAny(dollars, "/_xXpP") {
		return nil
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(dollars), "e")
	if e, err := strconv.Atoi(cmp.Or(exponent, "0")); err != nil || e < -30 || e > 9 || mantissa == "" {
		return nil
	}
	r, ok := new(big.Rat).SetString(dollars)
	if !ok || r.Sign() < 0 {
		return nil
	}
	r.Mul(r, big.NewRat(1_000_000_000, 1))
	nano := new(big.Int).Add(r.Num(), new(big.Int).Sub(r.Denom(), big.NewInt(1)))
	nano.Quo(nano, r.Denom())
	if !nano.IsInt64() {
		return nil
	}
	n := money.NanoUSD(nano.Int64())
	return &n
}

// audioBytesPerMS is the rule of thumb for audio whose length nobody told: 128 kbit/s.
const audioBytesPerMS = 16

// choicesMax bounds how many images a call is taken to have made that nobody counted: a client may ask for any number.
const choicesMax = 32

// estimate completes a usage that the provider did not finish, by what the operation is billed by.
func (c *Call) estimate(t *try, u chat.Usage, output int64) chat.Usage {
	switch t.dialect.Operation() {
	case provider.Chat, provider.Embed, provider.Rerank:
		return estimate(u, c.Ask.size, output)
	case provider.Transcribe:
		if u.Source == chat.Unknown {
			u.Units[chat.AudioMS] = (t.head.Bytes + audioBytesPerMS - 1) / audioBytesPerMS
		}
	case provider.Image:
		if u.Source == chat.Unknown {
			u.Units[chat.Images] = min(max(t.head.Choices, 1), choicesMax)
		}
	case provider.Speech: // characters are known from the start
	case provider.Count, provider.Moderate, provider.Files: // nothing is billed
		return chat.Usage{Source: chat.Reported}
	}
	u.Source = chat.Estimated
	return u
}

// inspect reads what an answer tells in its body and its headers.
func (t *try) inspect(body []byte) provider.Seen {
	seen := t.dialect.Inspect(body)
	if h, ok := t.dialect.(provider.Headed); ok {
		h.Headers(t.answer, &seen)
	}
	return seen
}

// sawCut keeps what a whole answer told of itself before it broke off. A provider that has begun one has done its work.
func (c *Call) sawCut(t *try, body []byte) {
	if len(body) == 0 {
		return
	}
	seen := t.inspect(body)
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
	g.charge(c, c.lastAttempt()) // of an attempt that came to no conclusion
	c.unmoved()
	r.Price = calllog.NoCharge // nothing consumed so far
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
		r.Price = r.Price.And(a.Price)
	}
	r.ProviderCost = calllog.ToldCost(c.Work.attempts)
	c.Outcome = c.end()
	return nil
}

func (g *Gateway) price(c *Call, a *calllog.Attempt) {
	if a.Usage.Source == chat.Unknown {
		a.Price = calllog.NoCharge
		return
	}
	rec, ok := c.rates(a)
	if !ok && a.Usage.Units == (chat.Units{}) {
		a.Price = calllog.NoCharge
		return
	}
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

// rates finds the price list of an attempt. What an image costs depends on its size and quality.
func (c *Call) rates(a *calllog.Attempt) (price.Record, bool) {
	book := c.Caller.key.Org.Prices
	if c.Surface.dialect.Operation() == provider.Image {
		return book.Image(a.Provider, a.Model, c.Ask.head.Size, c.Ask.head.Quality, a.Usage.Units, c.Start)
	}
	if c.in != nil && c.in.Batched {
		return book.Batch(a.Provider, a.Model, c.Start, c.discount())
	}
	return book.Lookup(a.Provider, a.Model, c.Start)
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
	c.witness.hear(out)
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
