package gateway

import (
	"bytes"
	"context"
	"net/http"
	"net/netip"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
)

// Inside is a call that the process makes itself, on behalf of a key that it knows: a line of a batch, a judge's question. It goes
// through the same stages as a client's call and is logged like one. The key's scope, expiry and revocation hold; its networks do not,
// because there is no client's address.
type Inside struct {
	Org    id.Org
	Key    id.Key
	Path   string // of the surface: "/v1/chat/completions"
	Header http.Header
	Body   []byte

	Call  id.Call  // of the call; zero: a fresh one
	Batch id.Batch // of which the call is a line; "": of none
	// To, where set, gets the answer as it comes, and Do's Answer has no header and no body. The end of the context then ends the call, and
	// the provider with it, whatever the route says: who asked does not want the rest.
	To http.ResponseWriter
	// Low puts the call behind clients' calls when the process is short of room.
	Low bool

	// Target, where set, is the one place that the call may go: what a route said when the line was planned.
	Target *Pinned
	// Batched prices the call by the provider's batch prices, and lets routes offer their targets that go by batch.
	Batched bool
	// Via takes the place of the way to the provider: it is given the request unsigned. It catches what would be sent, or plays
	// an answer that has come by another way. nil: the provider is asked.
	Via  http.RoundTripper
	run  *id.Call  // of a line that is run now: the name of this run in the log, while money is held for it
	held *heldLine // of an answer that is played: what is held for it
	// Keep takes the call's record, which then is the caller's to store: neither it nor an intent goes to the log. nil: the log has it.
	Keep func(calllog.Record)
}

// Pinned is a target that was chosen before.
type Pinned struct {
	Provider   string        // vendor id
	Credential id.Credential // "": none is needed
	Model      string        // the provider's
	// As is how the call was routed then; nil: nothing is known.
	As *calllog.Record
	// Payload is the most that is kept of the call; "": the key decides.
	Payload string
}

// Answer is what an Inside call came to. An error status is an answer too: its body is in the dialect of the path.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Call   id.Call
}

// Do makes a call from inside. It returns when the call has ended and its record is written or kept. An error means that no call was
// made: there is no configuration yet, or the organization has no such key.
func (g *Gateway) Do(ctx context.Context, in Inside) (Answer, error) {
	k, err := g.insider(in.Org, in.Key)
	if err != nil {
		return Answer{}, err
	}
	if in.Call == (id.Call{}) {
		in.Call = id.NewCall()
	}
	r, err := in.request(ctx, k)
	if err != nil {
		return Answer{}, err
	}
	if in.To != nil {
		g.ServeHTTP(in.To, r)
		return Answer{Call: in.Call}, nil
	}
	w := &captive{header: http.Header{}}
	g.ServeHTTP(w, r)
	return Answer{Status: w.status, Header: w.header, Body: w.body.Bytes(), Call: in.Call}, nil
}

// request is the call as the surfaces see it.
func (in Inside) request(ctx context.Context, k *snapshot.Key) (*http.Request, error) {
	ctx = context.WithValue(ctx, insideKey{}, &inside{Inside: in, key: k})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, in.Path, bytes.NewReader(in.Body))
	if err != nil {
		return nil, ErrNoRoute.Because(err)
	}
	if in.Header != nil {
		r.Header = in.Header.Clone()
	}
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}

// insider finds the key that a call from inside is made for.
func (g *Gateway) insider(org id.Org, which id.Key) (*snapshot.Key, error) {
	snap := g.Snapshots()
	if snap == nil {
		return nil, ErrStarting
	}
	k, ok := snap.KeyByID(which)
	if !ok || k.Org.ID != org {
		return nil, key.ErrUnknown
	}
	return k, nil
}

// insideKey is where a request's context holds its inside. Nothing that comes over the network can set it.
type insideKey struct{}

// inside is an Inside call under way.
type inside struct {
	Inside
	key *snapshot.Key
}

func insideOf(ctx context.Context) *inside {
	in, _ := ctx.Value(insideKey{}).(*inside)
	return in
}

// admit checks the key of a call from inside.
func (in *inside) admit(c *Call) error {
	c.Caller.key = in.key
	if c.played() {
		return nil // it was allowed when it was sent
	}
	return allowed(in.key, netip.Addr{}, c.Surface.endpoint, c.Start, true)
}

// allowed is key.Allow, but for the networks of a call from inside, and for endpoints that are open to every key.
func allowed(k *snapshot.Key, from netip.Addr, to key.Endpoint, now time.Time, within bool) error {
	judged := k.Key
	if within {
		judged.Networks = nil
	}
	if to == "" {
		judged.Endpoints = nil
	}
	if err := judged.Allow(from, to, now); err != nil || within { // a call from inside is sent no secret
		return err
	}
	return k.Secret.Allow(now)
}

// pin makes the plan of a call whose target is known.
func (g *Gateway) pin(c *Call, to *Pinned) error {
	v, ok := g.Vendors(to.Provider)
	if !ok {
		return route.ErrNotConnected
	}
	t := route.Target{Vendor: v, Model: to.Model, BaseURL: v.BaseURL, Reason: "planned before"}
	if to.Credential != "" {
		cred, ok := c.Caller.key.Org.Credentials[to.Credential]
		switch {
		case ok && cred.Provider == v.ID:
			t.BaseURL, t.Own = cred.BaseURL, cred.Credential.BaseURL != ""
		case c.played(): // it was there when the line was sent, and is not asked for now
			cred = &snapshot.Credential{Credential: credential.Credential{ID: to.Credential, Provider: v.ID}, Vendor: *v, BaseURL: v.BaseURL}
		default:
			return route.ErrNotConnected.Say("The credential %s, by which this line was planned, is gone.", to.Credential)
		}
		t.Credential = cred
	}
	// What could not be expressed was refused when the line was planned, or left out by rule.
	p := route.Plan{Targets: []route.Target{t}, Timeout: route.DefaultTimeout, Attempts: 1, Drop: true}
	p.Payload = to.Payload
	if as := to.As; as != nil {
		p.Alias, p.AliasVersion, p.Task, p.TaskBy = as.Alias, as.AliasVersion, as.Task, as.TaskBy
		p.Experiment, p.Arm, p.Unit, p.UnitBy, p.Decision = as.Experiment, as.Arm, as.Unit, as.UnitBy, as.Decision
		p.Targets[0].Arm = as.ArmServed
	}
	c.Plan = plan{Plan: p, named: true}
	return nil
}

// transport is the way to a provider.
func (g *Gateway) transport(c *Call, v *provider.Vendor) http.RoundTripper {
	switch {
	case c.in != nil && c.in.Via != nil:
		return c.in.Via
	case v.ID == route.Sandbox:
		return g.Sandbox
	}
	return g.Transport
}

// played reports whether the provider is not asked: what would be sent is caught, or an answer is played.
func (c *Call) played() bool { return c.in != nil && c.in.Via != nil }

// intend announces the call to the log, unless its record is kept by who makes it.
func (g *Gateway) intend(c *Call) error {
	if c.in != nil && c.in.Keep != nil {
		return g.intendRun(c)
	}
	return g.Log.Intent(&c.Record)
}

// conserve writes the call's record, or gives it to who keeps it.
func (g *Gateway) conserve(c *Call) error {
	if c.in != nil && c.in.Keep != nil {
		c.in.Keep(c.Record)
		return nil
	}
	return g.Log.Final(&c.Record)
}

// captive is the client of a call from inside: it keeps what it is sent.
type captive struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *captive) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *captive) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *captive) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// discount is what the provider of a line says of its batch prices.
func (c *Call) discount() price.Discount {
	if len(c.Plan.Targets) == 0 || c.Plan.Targets[0].Vendor.Batch == nil {
		return price.Discount{}
	}
	return price.Discount{Percent: c.Plan.Targets[0].Vendor.Batch.Percent}
}
