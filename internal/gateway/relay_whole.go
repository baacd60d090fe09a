package gateway

import (
	"context"
	"net/http"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// relayWhole takes a complete answer. Nothing of it goes to the client before the call is recorded, so until its last byte has come
// every failure can still be answered by another target.
func (g *Gateway) relayWhole(ctx context.Context, c *Call, t *try, resp *http.Response) *provider.Refusal {
	if resp.ContentLength > g.cfg.AnswerMax {
		return oversized()
	}
	size := smallBuffer
	if resp.ContentLength > 0 {
		size = promised(resp.ContentLength)
	}
	b := g.bodies.borrow(size)
	start := g.Now()
	t.log.FirstByte = start.Sub(t.started)
	over, err := b.readAll(resp.Body, g.cfg.AnswerMax)
	c.Work.wait(g.Now().Sub(start))
	var refusal *provider.Refusal
	w := &whole{buf: b, body: b.b}
	switch {
	case err != nil:
		c.sawCut(t, b.b)
		refusal = g.lost(ctx, c, err)
	case over:
		c.sawCut(t, b.b)
		refusal = oversized()
	default:
		refusal = inspect(c, t, resp, w)
	}
	if refusal != nil {
		b.release()
		return refusal
	}
	c.Answer = answer{status: http.StatusOK, header: resp.Header, whole: w}
	return nil
}

func oversized() *provider.Refusal {
	return &provider.Refusal{Class: provider.ClassServer, Message: "The provider's answer is too large."}
}

// inspect reads what settling needs, and refuses what is no answer: an error inside a 200, another protocol's body, garbage.
func inspect(c *Call, t *try, resp *http.Response, w *whole) *provider.Refusal {
	if ct := resp.Header.Get("Content-Type"); strings.HasPrefix(ct, "text/html") || strings.HasPrefix(ct, "text/event-stream") {
		return &provider.Refusal{Class: provider.ClassServer, Message: provider.ErrBadAnswer.Message}
	}
	seen := t.inspect(w.body)
	switch {
	case seen.Refusal != nil:
		return seen.Refusal
	case t.dialect.Operation().Object() && !isObject(w.body), !seen.Ended && !seen.Started && seen.Finish == "" && seen.Usage.Source == chat.Unknown:
		return &provider.Refusal{Class: provider.ClassServer, Message: provider.ErrBadAnswer.Message}
	}
	if t.bridge != nil {
		ours, refusal := neutralOf(c, t, w.body, seen)
		if refusal != nil {
			c.saw(t, seen)
			return refusal
		}
		w.ours = ours
		if seen.Usage.Source == chat.Unknown {
			seen.Usage = ours.Usage()
		}
	}
	seen.Ended = true // all of its bytes are here
	c.saw(t, seen)
	c.Work.content = true
	return nil
}

// isObject reports whether body is one JSON object to its end.
func isObject(body []byte) bool {
	w := wire.Walk(body)
	for w.Next() {
	}
	return w.IsObject() && w.Err() == nil
}
