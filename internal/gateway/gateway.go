// Package gateway is the data plane: it takes model calls in the dialects that applications speak and answers them from providers.
//
// A call goes one way, through the list of stages in New. A stage does one thing to a call or refuses it; none calls another.
// What it promises:
//
//   - The call log knows of a call before a provider does (Intent) and has its end before the client sees it (Final): the last
//     bytes of every answer are held back until then. finish is the only stage that ends an answer.
//   - Until a client has seen content it may be moved to another target without noticing; afterwards never. A stream that breaks
//     ends in the dialect's error event and never looks whole.
//   - Same dialect in and out: bytes pass both ways; only the model is exchanged. Bodies are scanned once, streams are watched.
//   - Nothing of a call waits for a database, a disk to sync, or another call.
package gateway

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"tollgate/internal/health"
	"tollgate/internal/id"
	"tollgate/internal/limit/limitmem"
	"tollgate/internal/route"
)

// stage is one step of a call.
type stage struct {
	name string
	do   func(*Call) error
}

// Gateway serves the data plane. It is an http.Handler.
type Gateway struct {
	Deps
	cfg    Config
	router route.Router
	down   []stage
	always []stage

	surfaces paths
	bodies   buffers
	ends     endpoints
	ways     memo[wayKey, way]
	mint     id.Mint
	schemas  schemas
	drains   chan struct{} // one slot for each answer that is read on without its client
	metrics  *metrics
	limiter  *limiter
	kept     *kept
	loads    loads
	tidied   atomic.Int64 // unix nanoseconds
	draining atomic.Bool
	underway underway
	inside   sync.WaitGroup // calls under way
}

// New lays the stages in the order in which a call meets them. This list is the data plane.
func New(d Deps, cfg Config) *Gateway {
	g := &Gateway{Deps: d, cfg: cfg.withDefaults(), mint: id.NewMint(), router: route.Router{Vendors: d.Vendors}}
	if g.Health == nil {
		g.Health = health.New(0)
	}
	if g.Limits == nil {
		g.Limits = limitmem.New(g.Now)
	}
	g.router.Health = g.Health.State
	g.kept = newKept(keptMax)
	g.limiter = newLimiter(g.cfg.ConcurrencyMax, newScheduling().lag)
	g.down = []stage{
		{"authenticate", g.authenticate}, // secret -> key, organization
		{"admit", g.admit},               // room for it, or a quick refusal
		{"read", g.read},                 // body -> model, stream, tags
		{"prompt", g.prompt},             // a prompt of the registry, where one is named -> body
		{"resolve", g.resolve},           // model -> targets in order
		{"limit", g.limit},               // requests, tokens and calls at once, or a 429
		{"defer", g.postpone},            // a job, where the client can wait
		{"cache", g.recall},              // an answer that was given before, where the route keeps them
		{"dispatch", g.dispatch},         // try the targets, relay to the client, all but the end
	}
	g.always = []stage{ // for every call, refused or not, also when the client has gone
		{"settle", g.settle},   // usage -> cost
		{"correct", g.correct}, // of limits: what was estimated -> what was used
		{"render", g.render},   // the last bytes, which tell the cost
		{"keep", g.keep},       // a copy for the same call again, where the route keeps them
		{"record", g.record},   // one record in the call log
		{"finish", g.finish},   // the end of the answer, or the refusal
	}
	g.drains = make(chan struct{}, g.cfg.DrainMax)
	g.metrics = newMetrics(g)
	g.surfaces = g.layout()
	return g
}

// serve serves one model call.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, v visit) {
	g.inside.Add(1)
	defer g.inside.Done()
	c := g.newCall(w, r, v)
	defer c.release()
	defer c.relinquish()
	defer g.leave(c)
	g.conclude(c, g.walk(c))
	if c.client.cut {
		panic(http.ErrAbortHandler) //nolint:forbidigo // the documented way to end a connection without an end of the answer
	}
}

// conclude is what happens to every call, refused (err) or not. It is apart from serve because an open stream's stack holds that.
func (g *Gateway) conclude(c *Call, err error) {
	if err != nil {
		g.refuse(c, err)
	}
	c.client.close()
	for _, st := range g.always { // whatever the one before it said
		if err := st.do(c); err != nil {
			g.Logger.Error("gateway: stage failed", "stage", st.name, "call", c.Text, "err", err)
		}
	}
	g.metrics.observe(c)
}

func (g *Gateway) newCall(w http.ResponseWriter, r *http.Request, v visit) *Call {
	now := g.Now()
	c := &Call{ID: g.mint.Call(now), Start: now, Surface: v.surface, Line: v.line, req: r}
	if c.in = insideOf(r.Context()); c.in != nil {
		c.ID = c.in.Call
	}
	c.Text = c.ID.String()
	c.client.open(g, c, w)
	return c
}

// walk stops at the first refusal. A stage that panics fails its own call and no other: the call is settled and recorded like any,
// so that a fault in a parser never leaves one open in the log.
func (g *Gateway) walk(c *Call) (err error) {
	defer func() {
		if p := recover(); p != nil {
			// What was thrown may quote the request; its type and the stack do not.
			g.Logger.Error("gateway: panic", "call", c.Text, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = ErrPanic
		}
	}()
	for _, st := range g.down {
		if err := st.do(c); err != nil {
			return err
		}
		c.mark(st.name, g.Now())
	}
	return nil
}

// Drain makes the gateway not ready, so that load balancers stop sending. Calls under way go on.
func (g *Gateway) Drain() { g.draining.Store(true) }

// Wait returns when no call is under way, or with ctx's error.
func (g *Gateway) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { g.inside.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ready reports why calls cannot be served, or nil. The database is not asked: calls do not need it.
func (g *Gateway) ready() error {
	switch {
	case g.draining.Load():
		return ErrDraining
	case g.Snapshots() == nil:
		return ErrStarting
	}
	if err := g.Log.Healthy(); err != nil {
		return ErrLogUnavailable.Because(err)
	}
	return nil
}
