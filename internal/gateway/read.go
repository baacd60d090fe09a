package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"tollgate/internal/provider/openairesponses"
)

// read takes the body, bounded in size and time, and finds the few fields that decisions need in one scan of it. The body stays
// whole in one buffer: attempts send from it, and no attempt depends on the client's connection.
func (g *Gateway) read(c *Call) error {
	if e := c.req.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return ErrEncoding.At("Content-Encoding")
	}
	if err := g.take(c); err != nil {
		return err
	}
	if c.Surface.cursor != nil && openairesponses.IsCursor(c.Ask.body) {
		c.Surface = c.Surface.cursor
	}
	line := c.Line
	line.Nameless = mayBeNameless(c.Surface.dialect)
	head, err := c.Surface.dialect.Probe(c.Ask.body, line)
	if err != nil {
		return err
	}
	if len(head.Model) > modelMax || !printable(head.Model) {
		return ErrModelName.Say("The name of a model has at most %d bytes and no control characters.", modelMax)
	}
	c.Ask.head = head
	c.keepRequest()
	return c.Ask.label(c.req.Header, c.Caller.key)
}

// modelMax bounds a model's name. The longest are resource names of a cloud.
const modelMax = 2048

func (g *Gateway) take(c *Call) error {
	limit, length := g.cfg.BodyMax, c.req.ContentLength
	if length > limit {
		g.swallow(c)
		return tooLarge(limit)
	}
	if length == 0 {
		return nil
	}
	size := smallBuffer
	if length > 0 {
		size = promised(length)
	}
	deadline := func(t time.Time) { _ = http.NewResponseController(c.client.w).SetReadDeadline(t) }
	deadline(g.Now().Add(g.cfg.BodyTimeout))
	b := g.bodies.borrow(size)
	c.Ask.buf = b
	over, err := b.readAll(c.req.Body, limit)
	c.Ask.body, c.Ask.size = b.b, int64(len(b.b))
	switch {
	case over:
		g.swallow(c)
		return tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrSlowBody
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncatedBody
	case err != nil:
		return ErrTruncatedBody.Because(err)
	}
	deadline(time.Time{}) // or the server would take it for the client leaving, later
	return nil
}

// swallow reads on past the limit, for a while: a client that is still sending when the connection closes sees a reset, and not why.
func (g *Gateway) swallow(c *Call) {
	if c.req.Header.Get("Expect") != "" {
		return // it waits for leave to send
	}
	const patience = 5 * time.Second
	_ = http.NewResponseController(c.client.w).SetReadDeadline(g.Now().Add(patience))
	_, _ = io.CopyN(io.Discard, c.req.Body, 2*g.cfg.BodyMax)
}

func tooLarge(limit int64) error {
	return ErrTooLarge.Say("The request body is over %d MiB. Send less, or send files by reference.", limit>>20)
}
