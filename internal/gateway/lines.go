package gateway

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/batch"
	"tollgate/internal/calllog"
	"tollgate/internal/fault"
	"tollgate/internal/httperr"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/provider"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
)

// Lines is the data plane as batches use it: the same stages plan a line, run it, and read a provider's answer to it.
type Lines struct{ g *Gateway }

var _ batch.Calls = Lines{}

// Lines gives the gateway to a batch.Runner.
func (g *Gateway) Lines() Lines { return Lines{g} }

// inside is a line as a call from inside.
func (l Lines) inside(o batch.Order, keep *calllog.Record) Inside {
	in := Inside{Org: o.Org, Key: o.Key, Path: o.Path, Body: o.Body, Call: o.Call, Batch: o.Batch, Low: true, Header: http.Header{}}
	for name, value := range o.Header {
		in.Header.Set(name, value)
	}
	in.Keep = func(r calllog.Record) { *keep = r }
	return in
}

// Plan implements batch.Calls: it takes the stages up to the choice of targets, and encodes the call for the one that stands first.
func (l Lines) Plan(ctx context.Context, o batch.Order) (batch.Plan, error) {
	g := l.g
	var kept calllog.Record
	c, w, err := l.call(ctx, o, &kept)
	if errors.Is(err, key.ErrUnknown) {
		return l.unknown(err)
	}
	if err != nil {
		return batch.Plan{}, err
	}
	defer c.release()
	p, err := g.planLine(c) //nolint:contextcheck // a call carries its own, as at every stage
	if err == nil {
		return p, nil
	}
	if _, f := httperr.Of(err); f.Kind == fault.Unavailable {
		return batch.Plan{}, err
	}
	g.conclude(c, err)
	end := ended(Answer{Status: w.status, Body: w.body.Bytes()}, &kept)
	return batch.Plan{Refused: &end}, nil
}

// call is a line's call before its first stage. release must be called.
func (l Lines) call(ctx context.Context, o batch.Order, kept *calllog.Record) (*Call, *captive, error) {
	g := l.g
	in := l.inside(o, kept)
	k, err := g.insider(o.Org, o.Key)
	if err != nil {
		return nil, nil, err
	}
	r, err := in.request(ctx, k)
	if err != nil {
		return nil, nil, err
	}
	v, ok := g.surfaces.find(r)
	if !ok {
		return nil, nil, ErrNoRoute
	}
	v.line.Method, v.line.ContentType = r.Method, r.Header.Get("Content-Type")
	w := &captive{header: http.Header{}}
	return g.newCall(w, r, v), w, nil
}

// unknown is a line whose key is gone.
func (l Lines) unknown(err error) (batch.Plan, error) {
	if !errors.Is(err, key.ErrUnknown) {
		return batch.Plan{}, err
	}
	_, f := httperr.Of(err)
	return batch.Plan{Refused: &batch.End{State: batch.LineFailed, Error: f.Code, Message: f.Message}}, nil
}

// planLine runs the stages that decide, and encodes.
func (g *Gateway) planLine(c *Call) (batch.Plan, error) {
	for _, decide := range [...]func(*Call) error{g.authenticate, g.read, g.prompt, g.resolve} {
		if err := decide(c); err != nil {
			return batch.Plan{}, err
		}
	}
	if c.Ask.head.Stream {
		return batch.Plan{}, provider.ErrBody.Say("A line of a batch cannot be streamed.").At("stream")
	}
	target := inBatches(c.Plan.Targets)
	if target == nil {
		return batch.Plan{Place: batch.Place{Driver: batch.Inline}}, nil
	}
	others := len(c.Plan.Targets) > 1
	c.Plan.Targets = []route.Target{*target}
	c.budgets.planned, c.in.Batched = true, true // its price is that of batches
	t, err := g.prepare(c, target)
	if errors.Is(err, errHeldEach) {
		return batch.Plan{Place: batch.Place{Driver: batch.Inline}}, nil
	}
	if err != nil {
		if inability(err) != nil && others { // another target may be able to
			return batch.Plan{Place: batch.Place{Driver: batch.Inline}}, nil
		}
		return batch.Plan{}, err
	}
	defer t.buf.release()
	c.fill(g.cfg.Proxy)
	draft := &batch.Draft{Record: c.Record, Payload: c.Plan.Payload}
	draft.Record.Attempts, draft.Record.Payload, draft.Record.ArmServed = nil, nil, target.Arm
	c.foresee(draft)
	p := batch.Plan{Sent: bytes.Clone(t.body), Draft: draft, Place: batch.Place{
		Driver: target.Vendor.Batch.API, Provider: target.Vendor.ID, Model: target.Model,
		Path: t.dialect.Path(t.head, target.Model), Dialect: string(t.dialect.Name()),
	}}
	if target.Credential != nil {
		p.Place.Credential = target.Credential.ID
	}
	return p, nil
}

// inBatches is the target that a line goes to together with others: the one that the route wants asked so, else the first; nil where
// its provider has no batch API that we speak.
func inBatches(targets []route.Target) *route.Target {
	if len(targets) == 0 {
		return nil
	}
	first := &targets[0]
	for i := range targets {
		if targets[i].Via == alias.ViaBatch && !targets[i].Fallback {
			first = &targets[i]
			break
		}
	}
	if first.Vendor.Batch == nil || first.Credential == nil {
		return nil
	}
	for _, setting := range first.Vendor.Batch.Needs {
		if first.Credential.Settings[setting] == "" || first.Own {
			return nil
		}
	}
	return first
}

// Play implements batch.Calls: the provider's answer goes the way of every answer, priced by the provider's batch prices.
func (l Lines) Play(ctx context.Context, o batch.Order, p *batch.Parcel, draft *batch.Draft, r batch.Reply) (batch.End, error) {
	var kept calllog.Record
	in := l.inside(o, &kept)
	in.Batched = true
	in.Target = &Pinned{Provider: p.Provider, Credential: p.Credential, Model: p.Model}
	if draft != nil {
		in.Target.As, in.Target.Payload = &draft.Record, draft.Payload
		in.held = &heldLine{draft.Shares, draft.Bound, holderOf(p), p.TriedAt}
	}
	in.Via = played{r}
	a, err := l.g.Do(ctx, in)
	if err == nil {
		err = ctx.Err() // what was cut short is no answer
	}
	if err != nil {
		return batch.End{}, err
	}
	if kept.ID != o.Call {
		return batch.End{}, ErrPanic
	}
	return ended(a, &kept), nil
}

// played plays a provider's answer.
type played struct{ batch.Reply }

// RoundTrip implements http.RoundTripper.
func (p played) RoundTrip(req *http.Request) (*http.Response, error) {
	_ = req.Body.Close()
	return &http.Response{
		StatusCode: p.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": jsonType}, ContentLength: int64(len(p.Body)), Body: io.NopCloser(bytes.NewReader(p.Body)),
	}, nil
}

// Run implements batch.Calls.
func (l Lines) Run(ctx context.Context, o batch.Order) (batch.End, time.Duration, error) {
	var kept calllog.Record
	var run id.Call
	in := l.inside(o, &kept)
	in.run = &run
	a, err := l.g.Do(ctx, in)
	switch {
	case errors.Is(err, key.ErrUnknown):
		p, _ := l.unknown(err)
		return *p.Refused, 0, nil
	case err != nil:
		return batch.End{}, 0, err
	case ctx.Err() != nil: // what was cut short is no answer
		l.forgo(run, &kept)
		return batch.End{}, 0, ctx.Err()
	}
	switch a.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, statusOverloaded:
		l.forgo(run, &kept)
		return batch.End{}, max(retryAfter(a.Header), restMin), nil
	}
	end := ended(a, &kept)
	end.Run = run
	return end, 0, nil
}

const (
	statusOverloaded = 529
	restMin          = 2 * time.Second // before a line is run again whose provider had no room
)

func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// ended is how a line ended that was answered.
func ended(a Answer, r *calllog.Record) batch.End {
	e := batch.End{State: batch.LineFailed, Status: a.Status, Answer: a.Body}
	if a.Status >= 200 && a.Status <= 299 {
		e.State = batch.LineDone
	}
	if r.ID != (id.Call{}) { // a call of no known key is in no log
		e.Record = r
	}
	return e
}

// reachTimeout bounds one question to a provider's own interface, its answer's body included.
const reachTimeout = 10 * time.Minute

// party is the vendor and the credential of a place.
func (l Lines) party(org id.Org, p batch.Place) (*provider.Vendor, *snapshot.Credential, error) {
	snap := l.g.Snapshots()
	if snap == nil {
		return nil, nil, ErrStarting
	}
	o, ok := snap.Org(org)
	if !ok {
		return nil, nil, route.ErrNotConnected
	}
	v, known := l.g.Vendors(p.Provider)
	cred, have := o.Credentials[p.Credential]
	if !known || !have || cred.Provider != p.Provider {
		return nil, nil, route.ErrNotConnected.Say("The credential %s, by which the batch was sent, is gone.", p.Credential)
	}
	return v, cred, nil
}

// Settings implements batch.Calls.
func (l Lines) Settings(org id.Org, p batch.Place) (map[string]string, error) {
	_, cred, err := l.party(org, p)
	if err != nil {
		return nil, err
	}
	return cred.Settings, nil
}

// Reach implements batch.Calls.
func (l Lines) Reach(ctx context.Context, org id.Org, p batch.Place, ask batch.Request) (*http.Response, error) {
	g := l.g
	v, cred, err := l.party(org, p)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(strings.TrimRight(cmp.Or(ask.Base, cred.BaseURL), "/") + ask.Path)
	if err != nil || crooked(at.Path) {
		return nil, ErrNoRoute.Because(err)
	}
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	req := &http.Request{
		Method: ask.Method, URL: at, Host: at.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"User-Agent": userAgent, "Accept": acceptAny}, Body: http.NoBody,
	}
	for name, value := range v.Headers {
		req.Header.Set(name, value)
	}
	if ask.Body != nil {
		req.Header["Content-Type"] = jsonType
		if ask.ContentType != "" {
			req.Header["Content-Type"] = []string{ask.ContentType}
		}
		req.ContentLength = int64(len(ask.Body))
		req.Body = io.NopCloser(bytes.NewReader(ask.Body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(ask.Body)), nil }
	}
	req = req.WithContext(ctx)
	if err := g.Signer.Sign(ctx, req, ask.Body, cred.Use(org, v.Auth, cmp.Or(ask.Service, v.Service), cred.Secret)); err != nil {
		cancel()
		return nil, err
	}
	resp, err := g.Transport.RoundTrip(req)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &ending{resp.Body, cancel}
	return resp, nil
}

// ending is a body with whose end a context ends.
type ending struct {
	io.ReadCloser
	end context.CancelFunc
}

// Close ends the reading.
func (e *ending) Close() error {
	defer e.end()
	return e.ReadCloser.Close()
}
