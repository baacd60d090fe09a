package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/health"
	"tollgate/internal/provider"
	"tollgate/internal/route"
)

// failing is what a class of refusals means: to the route, to the health of the target, and to the target itself.
type failing struct {
	cause   alias.Cause    // "": no other target makes it good
	verdict health.Verdict // on the target
	again   bool           // asking the same target again can help
	whole   bool           // it may be all of the provider's
}

// failures is the one table of what follows from a provider's failure.
var failures = [...]failing{
	provider.ClassServer:      {alias.Failed, health.Failing, true, true},
	provider.ClassRateLimited: {alias.RateLimit, health.Limited, true, false},
	provider.ClassOverloaded:  {alias.Overloaded, health.Overloaded, true, true},
	provider.ClassTimeout:     {alias.TimedOut, health.Late, true, true},
	provider.ClassCredential:  {alias.Failed, health.Rejected, false, false},
	provider.ClassQuota:       {alias.RateLimit, health.Exhausted, false, false},
	provider.ClassNotFound:    {alias.Failed, health.Unknown, false, false},
	provider.ClassInvalid:     {"", health.Answered, false, false},
	provider.ClassContext:     {alias.ContextWindow, health.Answered, false, false},
	provider.ClassContent:     {alias.ContentPolicy, health.Answered, false, false},
	provider.ClassConnect:     {alias.Failed, health.Unreachable, true, true},
}

// follows says what follows from a refusal.
func follows(r *provider.Refusal) failing { return failures[r.Class] }

// ejections are the causes for which a route would have left a target that its breaker has ejected.
var ejections = [...]alias.Cause{
	health.Limited: alias.RateLimit, health.Exhausted: alias.RateLimit, health.Overloaded: alias.Overloaded, health.Late: alias.TimedOut,
	health.Failing: alias.Failed, health.Unreachable: alias.Failed, health.Rejected: alias.Failed, health.Denied: alias.Failed, health.Unknown: alias.Failed,
}

// causes is a set of them.
type causes uint8

// cause is the set of one; the empty cause is no member.
func cause(of alias.Cause) causes {
	for i, c := range alias.Causes {
		if c == of {
			return 1 << i
		}
	}
	return 0
}

// answered reports whether a fallback with this On is for any of the set; the empty On is the usual causes.
func (s causes) answered(on []alias.Cause) bool {
	f := alias.Fallback{On: on}
	for i, c := range alias.Causes {
		if s&(1<<i) != 0 && f.Answers(c) {
			return true
		}
	}
	return false
}

// verdict is what an attempt tells of its target's health. A client that left tells nothing, nor does our own deadline where most of
// it was gone before the attempt began.
func (g *Gateway) verdict(ctx context.Context, c *Call, t *try, r *provider.Refusal) health.Verdict {
	if r == nil {
		return health.Good
	}
	v := follows(r).verdict
	switch {
	case c.abandoned():
		return health.Unsaid
	case v == health.Late && errors.Is(context.Cause(ctx), context.DeadlineExceeded) && t.log.Duration < c.Plan.Timeout/2:
		return health.Unsaid
	case v == health.Unreachable && t.log.Status != 0: // it answered, and broke off
		return health.Failing
	case v == health.Rejected && r.Status == http.StatusForbidden: // of some models only, as a rule
		return health.Denied
	case v == health.Unknown && t.dialect.Operation() == provider.Files: // a file that is not there
		return health.Answered
	}
	return v
}

// heard tells the board what came of an attempt, and the call's trace what the board made of it.
func (g *Gateway) heard(ctx context.Context, c *Call, t *try, r *provider.Refusal, now time.Time) {
	result := health.Result{Verdict: g.verdict(ctx, c, t, r), FirstByte: t.log.FirstByte, Took: t.log.Duration}
	if t.answer != nil {
		result.Room = health.Limits(t.answer, now)
	}
	if r != nil {
		result.After = r.RetryAfter
	}
	if why := c.Work.flight.End(result, now); why != "" {
		g.metrics.ejections.WithLabelValues(t.target.Vendor.ID).Inc()
		c.note(name(t.target) + " was ejected: " + why)
	}
}

// notesMax bounds the notes of one call.
const notesMax = 16

// note adds to the call's trace what the router could not know.
func (c *Call) note(text string) {
	d := c.Plan.Decision
	if d == nil {
		d = &calllog.Decision{}
		c.Plan.Decision = d
	}
	if len(d.Notes) < notesMax {
		d.Notes = append(d.Notes, text)
	}
}

// passedOver notes a target that was not asked because its breaker is open.
func (c *Call) passedOver(t *route.Target) { c.note(name(t) + " was passed over: its breaker is open") }

// name is the target in words.
func name(t *route.Target) string { return t.Vendor.ID + "/" + clean(t.Model, 256) }
