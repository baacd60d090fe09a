package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/egress"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
	"tollgate/internal/route"
)

// inexpressible means that a target's dialect cannot say what the client asked. No provider was called.
type inexpressible struct{ err error }

func (e *inexpressible) Error() string { return e.err.Error() }
func (e *inexpressible) Unwrap() error { return e.err }

// inability is what the target cannot say, or nil for other errors.
func inability(err error) error {
	if unable := (*inexpressible)(nil); errors.As(err, &unable) {
		return unable.err
	}
	return nil
}

// errFirstByte is why an attempt was given up that brought nothing in its time.
var errFirstByte = errors.New("no content in time")

// try is one attempt under way.
type try struct {
	target  *route.Target
	dialect provider.Dialect // the provider's
	same    bool             // the client speaks it too
	head    provider.Head
	body    []byte      // for the provider
	buf     *buffer     // owns body; nil: nobody need give it back
	timer   *time.Timer // of the first content byte; nil: there is no limit
	cancel  context.CancelCauseFunc
	log     *calllog.Attempt
	started time.Time
}

// attempt asks one target and relays its answer. A refusal is the provider's failure; an error ends the call.
func (g *Gateway) attempt(c *Call, target *route.Target) (*provider.Refusal, error) {
	t, err := g.prepare(c, target)
	if err != nil {
		return nil, err
	}
	var ctx context.Context = &c.life
	if c.Plan.FirstByte > 0 {
		ctx = t.limit(ctx, c.Plan.FirstByte)
	}
	refusal := g.exchange(ctx, c, t)
	g.concluded(ctx, c, t, refusal)
	return refusal, nil
}

// prepare does what comes before the provider is called.
func (g *Gateway) prepare(c *Call, target *route.Target) (*try, error) {
	c.reached.Store(false)
	t := &try{target: target, head: c.Ask.head}
	t.head.NoStreamOptions = target.Vendor.NoStreamOptions
	var ok bool
	if t.dialect, ok = g.Dialects(target.Vendor.Dialect); !ok {
		return nil, ErrProvider.Say("The provider %s speaks a protocol that this release does not.", target.Vendor.Name)
	}
	t.same = t.dialect.Name() == c.Surface.dialect.Name()
	if err := g.encode(c, t); err != nil {
		return nil, err
	}
	t.started = g.Now()
	t.log = c.begin(target, t.started)
	if err := g.announce(c); err != nil {
		t.buf.release()
		c.Work.attempts = nil
		return nil, err
	}
	return t, nil
}

// limit gives the attempt up when no content has come in time.
func (t *try) limit(ctx context.Context, limit time.Duration) context.Context {
	ctx, t.cancel = context.WithCancelCause(ctx)
	t.timer = time.AfterFunc(limit, func() { t.cancel(errFirstByte) })
	return ctx
}

// concluded notes how an attempt went.
func (g *Gateway) concluded(ctx context.Context, c *Call, t *try, refusal *provider.Refusal) {
	if t.timer != nil {
		t.timer.Stop()
		defer t.cancel(nil)
	}
	t.log.Duration = g.Now().Sub(t.started)
	if refusal != nil {
		t.log.ErrorClass = refusal.Class.String()
		switch {
		case c.client.gone.Load() && errors.Is(context.Cause(ctx), context.Canceled): // nobody's failure: it was given up
			t.log.ErrorClass = "client_gone"
			t.log.Usage = estimate(t.log.Usage, c.Ask.size, 0)
		case refusal.Class == provider.ClassTimeout && refusal.Status == 0 && c.reached.Load() && t.log.Usage.Source == chat.Unknown:
			// Given up by our own clock: the provider has the prompt and bills it, whatever we hear of it.
			t.log.Usage = estimate(t.log.Usage, c.Ask.size, 0)
		}
		if t.log.Status == 0 {
			t.log.Status = refusal.Status
		}
	}
	g.metrics.attempt(t.target.Vendor.ID, t.log.ErrorClass)
}

// encode makes the provider's body: the client's with the model exchanged where both speak one dialect, a translation otherwise.
func (g *Gateway) encode(c *Call, t *try) (err error) {
	if !t.same {
		t.body, err = translate(c, t)
		return err
	}
	t.body = c.Ask.body
	if edits := t.dialect.Edits(t.body, t.head, t.target.Model); len(edits) > 0 {
		t.buf = g.bodies.borrow(wire.Size(t.body, edits))
		t.buf.b = wire.Append(t.buf.b, t.body, edits)
		t.body = t.buf.b
	}
	return nil
}

// sent gives the provider's body back once the answer's head is here, unless the transport still reads it.
func (c *Call) sent(t *try) {
	if c.lent.Load() == 0 {
		t.buf.release()
	}
	t.buf, t.body = nil, nil
}

// translate is apart from encode because its frame is large, and every open stream would carry it.
func translate(c *Call, t *try) ([]byte, error) {
	if c.Work.neutral == nil {
		r, err := c.Surface.dialect.ParseRequest(c.Ask.body)
		if err != nil {
			return nil, err
		}
		c.Work.neutral = &r
	}
	r := *c.Work.neutral
	r.Model, r.Encoding = t.target.Model, t.target.Vendor.Encoding()
	body, err := t.dialect.BuildRequest(r)
	if err != nil {
		return nil, &inexpressible{err}
	}
	return body, nil
}

// begin notes a new attempt; the pointer is good until the next one.
func (c *Call) begin(target *route.Target, now time.Time) *calllog.Attempt {
	a := calllog.Attempt{
		Number: len(c.Work.attempts) + 1, Provider: target.Vendor.ID, Model: clean(target.Model, 256), Start: now.Sub(c.Start),
	}
	if target.Credential != nil {
		a.Credential = target.Credential.ID
	}
	c.Work.attempts = append(c.Work.attempts, a)
	return &c.Work.attempts[len(c.Work.attempts)-1]
}

// exchange sends the request and takes the answer.
func (g *Gateway) exchange(ctx context.Context, c *Call, t *try) *provider.Refusal {
	resp, refusal := g.send(ctx, c, t)
	if refusal != nil {
		return refusal
	}
	defer func() { _ = resp.Body.Close() }()
	t.log.Status = resp.StatusCode
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		c.Work.refusedBy = resp.Header
		return refused(t, resp)
	case c.Ask.head.Stream:
		return g.relayStream(ctx, c, t, resp)
	default:
		return g.relayWhole(ctx, c, t, resp)
	}
}

// send returns when the head of the answer is here.
func (g *Gateway) send(ctx context.Context, c *Call, t *try) (*http.Response, *provider.Refusal) {
	defer c.sent(t)
	req, err := g.request(ctx, c, t)
	if err != nil {
		return nil, connectRefusal(ErrProvider.Say("The address of the provider %s is not valid.", t.target.Vendor.Name).Because(err))
	}
	transport := g.Transport
	if t.target.Vendor.ID == route.Sandbox {
		transport = g.Sandbox
	}
	start := g.Now()
	resp, err := transport.RoundTrip(req)
	c.Work.wait(g.Now().Sub(start))
	if err != nil {
		g.Logger.Info("gateway: provider unreachable", "call", c.Text, "provider", t.target.Vendor.ID, "err", err)
		return nil, g.lost(ctx, c, err)
	}
	return resp, nil
}

func refused(t *try, resp *http.Response) *provider.Refusal {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, provider.RefusalBodyMax)) // what has come is classified; a status alone suffices
	r := t.dialect.ParseRefusal(resp.StatusCode, resp.Header, body)
	r.Status = resp.StatusCode
	return r
}

// lost classifies a provider that could not be reached, or whose answer broke off.
func (g *Gateway) lost(ctx context.Context, c *Call, err error) *provider.Refusal {
	switch {
	case errors.Is(context.Cause(ctx), errFirstByte):
		return &provider.Refusal{Class: provider.ClassTimeout, Message: "no content within " + c.Plan.FirstByte.String()}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &provider.Refusal{Class: provider.ClassTimeout, Message: "no answer within " + c.Plan.Timeout.String()}
	case errors.Is(err, egress.ErrBlocked):
		return connectRefusal(ErrProviderBlocked)
	case errors.Is(err, provider.ErrBadAnswer):
		return &provider.Refusal{Class: provider.ClassServer, Message: provider.ErrBadAnswer.Message}
	case errors.Is(err, provider.ErrTruncated), errors.Is(err, io.ErrUnexpectedEOF):
		return &provider.Refusal{Class: provider.ClassConnect, Message: provider.ErrTruncated.Message}
	}
	return connectRefusal(ErrProviderConnect)
}

func connectRefusal(err error) *provider.Refusal {
	return &provider.Refusal{Class: provider.ClassConnect, Message: explain(err)}
}

// wait adds to the time that was not ours.
func (w *work) wait(d time.Duration) { w.waited += d }

// neutralOf is the decoded answer of a provider that speaks another dialect.
func neutralOf(t *try, body []byte) (chat.Response, *provider.Refusal) {
	r, err := t.dialect.ParseResponse(body)
	if err == nil {
		return r, nil
	}
	var refusal *provider.Refusal
	if errors.As(err, &refusal) {
		return r, refusal
	}
	return r, &provider.Refusal{Class: provider.ClassServer, Message: explain(err)}
}
