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
	"tollgate/internal/route"
)

// inexpressible means that a target's dialect cannot say what the client asked. No provider was called.
type inexpressible struct{ err error }

func (e *inexpressible) Error() string { return e.err.Error() }
func (e *inexpressible) Unwrap() error { return e.err }

// errFirstByte is why an attempt was given up that brought nothing in its time.
var errFirstByte = errors.New("no content in time")

// try is one attempt under way.
type try struct {
	target  *route.Target
	dialect provider.Dialect // the provider's
	same    bool             // the client speaks it too
	head    provider.Head
	timer   *time.Timer // of the first content byte; nil: none
	log     *calllog.Attempt
	started time.Time
}

// attempt asks one target and relays its answer. A refusal is the provider's failure; an error ends the call.
func (g *Gateway) attempt(ctx context.Context, c *Call, target *route.Target) (*provider.Refusal, error) {
	t := try{target: target, head: c.Ask.head}
	t.head.NoStreamOptions = target.Vendor.NoStreamOptions
	var ok bool
	if t.dialect, ok = g.Dialects(target.Vendor.Dialect); !ok {
		return nil, ErrProvider.Say("The provider %s speaks a protocol that this release does not.", target.Vendor.Name)
	}
	t.same = t.dialect.Name() == c.Surface.dialect.Name()
	body, err := encode(c, &t)
	if err != nil {
		return nil, err
	}
	t.started = g.Now()
	t.log = c.begin(target, t.started)
	if err := g.announce(c); err != nil {
		c.Work.attempts = nil
		return nil, err
	}
	if limit := c.Plan.FirstByte; limit > 0 {
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
		t.timer = time.AfterFunc(limit, func() { cancel(errFirstByte) })
		defer t.timer.Stop()
	}
	refusal := g.exchange(ctx, c, &t, body)
	t.log.Duration = g.Now().Sub(t.started)
	if refusal != nil {
		t.log.ErrorClass = refusal.Class.String()
		if c.client.gone.Load() && errors.Is(context.Cause(ctx), context.Canceled) { // nobody's failure: it was given up
			t.log.ErrorClass = "client_gone"
			t.log.Usage = estimate(t.log.Usage, c.Ask.size, 0)
		}
		if t.log.Status == 0 {
			t.log.Status = refusal.Status
		}
	}
	g.metrics.attempt(target.Vendor.ID, t.log.ErrorClass)
	return refusal, nil
}

// encode makes the provider's body: the client's with the model exchanged where both speak one dialect, a translation otherwise.
func encode(c *Call, t *try) ([]byte, error) {
	if t.same {
		return t.dialect.Splice(c.Ask.body, t.head, t.target.Model), nil
	}
	return translate(c, t)
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
func (g *Gateway) exchange(ctx context.Context, c *Call, t *try, body []byte) *provider.Refusal {
	req, err := g.request(ctx, c, t, body)
	if err != nil {
		return connectRefusal(ErrProvider.Say("The address of the provider %s is not valid.", t.target.Vendor.Name).Because(err))
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
		return g.lost(ctx, c, err)
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
