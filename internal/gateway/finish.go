package gateway

import (
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/limit"
)

// render makes the last bytes of the answer, now that the cost is known: a whole body, the end of a stream, or an error.
func (g *Gateway) render(c *Call) error {
	a, d := &c.Answer, c.Surface.dialect
	begun := c.client.hasBegun()
	switch {
	case a.tail != nil:
		a.last = a.tail.tail(nil, c.dollars())
	case a.whole != nil && a.whole.ours != nil:
		a.last = a.whole.ours.Append(nil, c.dollars())
	case a.whole != nil:
		a.last = a.whole.body
	case a.problem != nil && begun:
		a.last = d.AppendStreamError(nil, *a.problem)
	case a.raw != nil:
		a.last = a.raw
	case a.problem != nil:
		a.last = d.AppendError(nil, *a.problem)
	}
	c.keepPayload(a.last)
	return nil
}

// finish sends what was held back. Only now does the client see the end; nothing is sent twice, and no end marker follows an error.
func (g *Gateway) finish(c *Call) error {
	cl, a := &c.client, &c.Answer
	if cl.gone.Load() {
		return nil
	}
	if cl.hasBegun() {
		cl.cut = a.problem != nil && len(a.last) == 0 // audio has no words for a failure: the connection says it
		cl.write(a.last)
		c.trailer()
		return nil
	}
	h := cl.w.Header()
	c.name(h)
	c.describe(h, c.latency(g.Now()))
	c.passOn(h, a.header)
	if cost := c.dollars(); cost != "" && (len(c.Work.attempts) > 0 || c.keeping != nil && c.keeping.hit) {
		h[costHeader] = []string{cost}
	}
	if a.problem != nil {
		if a.problem.Code == limit.ErrExceeded.Code || a.problem.Code == limit.ErrTooLarge.Code {
			c.limits.advised(h, a)
		}
		advise(h, a)
		if len(c.Work.attempts) > 1 { // the second chances have been had here: an SDK's own would multiply them
			h["X-Should-Retry"] = noRetry
		}
	}
	h["Content-Type"] = jsonType
	if a.whole != nil && a.whole.ours == nil {
		if ct, ok := a.header["Content-Type"]; ok {
			foreign(h, ct)
		}
	}
	if len(a.last) >= serverBuffer { // a shorter body's length is told by the server, and spares a ninth header
		h["Content-Length"] = []string{strconv.Itoa(len(a.last))}
	}
	cl.extend(g.Now())
	cl.w.WriteHeader(a.status)
	_, err := cl.w.Write(a.last)
	if err != nil {
		cl.left()
	}
	return nil
}

// serverBuffer is what net/http holds back of an answer: the length of what fits is known when its head is written.
const serverBuffer = 2048

// trailer tells the cost of a stream. Few clients read trailers; none is hurt by one.
func (c *Call) trailer() {
	if cost := c.dollars(); cost != "" && c.Answer.problem == nil {
		c.client.w.Header()[http.TrailerPrefix+costHeader] = []string{cost}
	}
}

// advise tells a client whether and when to try again.
func advise(h http.Header, a *answer) {
	if a.after > 0 && h["Retry-After"] == nil {
		seconds := (a.after + time.Second - 1) / time.Second
		h["Retry-After"] = []string{strconv.FormatInt(int64(seconds), 10)}
	}
	if a.status == http.StatusPaymentRequired || a.settled {
		h["X-Should-Retry"] = noRetry
	}
}

var noRetry = []string{"false"}
