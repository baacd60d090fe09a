package gateway

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/egress"
	"tollgate/internal/health"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
	"tollgate/internal/route"
)

// inability is what the target cannot say, or nil for other errors.
func inability(err error) error {
	if unable := (*provider.Inexpressible)(nil); errors.As(err, &unable) {
		return unable.Err
	}
	return nil
}

// try is one attempt under way.
type try struct {
	target  *route.Target
	way     *provider.Spoken
	at      *url.URL        // nil: the credential's base URL is none
	dialect provider.Target // the provider's
	bridge  provider.Bridge // nil: the client's bytes pass
	head    provider.Head
	flagged string  // the header of head.Betas
	body    []byte  // for the provider
	buf     *buffer // owns body; nil: nobody need give it back
	watch   watch
	log     *calllog.Attempt
	started time.Time
	answer  http.Header // of the provider
}

// attempt asks one target and relays its answer. A refusal is the provider's failure; an error ends the call.
func (g *Gateway) attempt(c *Call, target *route.Target) (*provider.Refusal, error) {
	t, err := g.prepare(c, target)
	if err != nil {
		c.Work.flight.End(health.Result{}, g.Now())
		return nil, err
	}
	ctx := t.watch.begin(&c.life, c.Plan.FirstByte, c.Plan.Idle, g.Now)
	refusal := g.exchange(ctx, c, t)
	g.concluded(ctx, c, t, refusal)
	return refusal, nil
}

// prepare does what comes before the provider is called.
func (g *Gateway) prepare(c *Call, target *route.Target) (*try, error) {
	c.reached.Store(false)
	body, head, err := g.adapted(c, target)
	if err != nil {
		return nil, err
	}
	t := &try{target: target, head: head, body: body}
	v := target.Vendor
	t.head.NoStreamOptions, t.head.OldMaxTokens, t.head.KeepRouting = v.NoStreamOptions, v.OldMaxTokens, v.Routes
	if err := g.choose(c, t); err != nil {
		return nil, err
	}
	g.flags(c, t)
	if err := g.limitTarget(c, target); err != nil {
		return nil, err
	}
	if err := g.reserve(c, t); err != nil {
		return nil, err
	}
	if err := g.encode(c, t); err != nil {
		c.unreserve()
		return nil, err
	}
	t.started = g.Now()
	t.log = c.begin(target, t.started)
	c.Work.quoted = t.quoted(c.Surface.dialect.Name())
	if err := g.announce(c); err != nil {
		t.buf.release()
		c.unreserve()
		c.Work.attempts = c.Work.attempts[:len(c.Work.attempts)-1] // those before were made
		return nil, err
	}
	return t, nil
}

// concluded notes how an attempt went.
func (g *Gateway) concluded(ctx context.Context, c *Call, t *try, refusal *provider.Refusal) {
	now := g.Now()
	t.log.Duration = now.Sub(t.started)
	g.heard(ctx, c, t, refusal, now)
	t.watch.end()
	if refusal == nil {
		c.Record.ArmServed = t.target.Arm
	} else {
		t.conceal(refusal)
		t.log.ErrorClass = refusal.Class.String()
		switch {
		case c.abandoned(): // nobody's failure: it was given up
			t.log.ErrorClass = c.abandonment()
			t.log.Usage = c.estimate(t, t.log.Usage, 0)
		case refusal.Class == provider.ClassTimeout && refusal.Status == 0 && c.reached.Load() && t.log.Usage.Source == chat.Unknown:
			// Given up by our own clock: the provider has the prompt and bills it, whatever we hear of it.
			t.log.Usage = c.estimate(t, t.log.Usage, 0)
		}
		if t.log.Status == 0 {
			t.log.Status = refusal.Status
		}
	}
	g.targetUsed(c, t.log)
	g.charge(c, t.log)
	g.metrics.attempt(t.target.Vendor.ID, t.log.ErrorClass)
}

// choose picks the way in which the vendor is asked.
func (g *Gateway) choose(c *Call, t *try) error {
	v, client := t.target.Vendor, c.Surface.dialect
	way, ok := g.way(v, client, t.target.Model, t.target.Own)
	if !ok {
		return &provider.Inexpressible{Err: ErrNoEndpoint.Say("%s has no endpoint for %s that serves this call of %s. Name a model of another provider.",
			v.Name, client.Operation(), clip(t.target.Model))}
	}
	t.way, t.dialect = way.spoken, way.target
	if !way.carries {
		t.bridge, _ = provider.Join(client, t.dialect)
	}
	var err error
	if t.at, err = g.ends.url(t.endpoint()); errors.Is(err, errCrooked) {
		return &provider.Inexpressible{Err: ErrModelName.Say("The name %q cannot stand in the address of a model.", clip(t.target.Model))}
	}
	return nil
}

// quoted reports whether a provider's error body is in the client's own dialect.
func (t *try) quoted(client provider.Name) bool {
	return t.dialect.Name() == client || t.dialect.Name() == provider.Gemini && client == provider.GeminiArray
}

// encode makes the provider's body: the client's with the model exchanged where the target carries its dialect, a translation
// otherwise.
func (g *Gateway) encode(c *Call, t *try) (err error) {
	if t.bridge != nil {
		t.body, err = translate(c, t)
		return err
	}
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
	how := t.target.Vendor.Encoding()
	how.Betas = t.head.Betas
	var dropped []string // some offers are left out whether the call may lose anything or not
	how.DropUnsupported, how.Dropped = (c.Plan.Drop || c.Caller.key.DropUnsupported) && !c.Plan.Strict, &dropped
	body, err := t.bridge.Request(t.body, t.head, t.target.Model, how)
	for _, field := range dropped {
		c.warn("dropped " + clip(field) + ": " + t.target.Vendor.ID + " cannot express it")
	}
	return body, err
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
	t.log.Status, t.answer = resp.StatusCode, resp.Header
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		c.Work.refusedBy = resp.Header
		return refused(t, resp)
	case compressed(resp.Header.Get("Content-Encoding")):
		return &provider.Refusal{Class: provider.ClassServer, Message: "The provider compressed its answer, which it was not asked to."}
	case c.Ask.head.Stream:
		return g.relayStream(ctx, c, t, resp)
	default:
		return g.relayWhole(ctx, c, t, resp)
	}
}

// compressed reports bytes that no client could read: none is told of the coding. Some servers say "identity" or the character set here.
func compressed(coding string) bool {
	switch strings.ToLower(coding) {
	case "gzip", "x-gzip", "deflate", "br", "zstd", "compress":
		return true
	}
	return false
}

// send returns when the head of the answer is here.
func (g *Gateway) send(ctx context.Context, c *Call, t *try) (*http.Response, *provider.Refusal) {
	defer c.sent(t)
	if t.at == nil {
		return nil, connectRefusal(ErrProvider.Say("The address of the provider %s is not valid.", t.target.Vendor.Name))
	}
	req := g.request(ctx, c, t)
	if !c.played() {
		if refusal := g.sign(ctx, c, t, req); refusal != nil {
			return nil, refusal
		}
	}
	transport := g.transport(c, t.target.Vendor)
	start := g.Now()
	resp, err := transport.RoundTrip(req)
	c.Work.wait(g.Now().Sub(start))
	if err != nil {
		g.Logger.Info("gateway: provider unreachable", "call", c.Text, "provider", t.target.Vendor.ID, "err", reason(err))
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
		return late("no content within " + c.Plan.FirstByte.String())
	case errors.Is(context.Cause(ctx), errIdle):
		return late("nothing more of the stream within " + c.Plan.Idle.String())
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return late("no answer within " + c.Plan.Timeout.String())
	case errors.Is(err, errNoConnection):
		return late("no connection in time")
	case errors.Is(err, egress.ErrBlocked):
		return connectRefusal(ErrProviderBlocked)
	case errors.Is(err, provider.ErrBadAnswer):
		return &provider.Refusal{Class: provider.ClassServer, Message: provider.ErrBadAnswer.Message}
	case errors.Is(err, provider.ErrTruncated), errors.Is(err, io.ErrUnexpectedEOF):
		return &provider.Refusal{Class: provider.ClassConnect, Message: provider.ErrTruncated.Message}
	}
	return connectRefusal(ErrProviderConnect)
}

func late(what string) *provider.Refusal {
	return &provider.Refusal{Class: provider.ClassTimeout, Message: what}
}

func connectRefusal(err error) *provider.Refusal {
	return &provider.Refusal{Class: provider.ClassConnect, Message: explain(err)}
}

// wait adds to the time that was not ours.
func (w *work) wait(d time.Duration) { w.waited += d }

// neutralOf is the decoded answer of a provider that speaks another dialect.
func neutralOf(c *Call, t *try, body []byte, seen provider.Seen) (provider.Answer, *provider.Refusal) {
	a, err := t.bridge.Answer(body, provider.Known{ID: cmp.Or(seen.ID, c.Text), Model: cmp.Or(seen.Model, t.target.Model), Usage: seen.Usage})
	if err == nil {
		return a, nil
	}
	var refusal *provider.Refusal
	if errors.As(err, &refusal) {
		return nil, refusal
	}
	return nil, &provider.Refusal{Class: provider.ClassServer, Message: explain(err)}
}
