package gateway

import (
	"tollgate/internal/calllog"
	"tollgate/internal/id"
)

// A line that is run now is recorded by its batch, not by this process: its intent is its row. Where money is held for it that is not
// enough: should the process die, what the run may have cost would be taken for unspent. So the log knows of such a run, under a name of
// its own, until the line's end is stored.

// intendRun announces the run of a line for which money is held.
func (g *Gateway) intendRun(c *Call) error {
	if c.in.run == nil || c.budgets.hold == nil || c.budgets.hold.Empty() {
		return nil
	}
	if *c.in.run == (id.Call{}) {
		*c.in.run = g.mint.Call(g.Now())
	}
	r := c.Record
	r.ID = *c.in.run
	return g.Log.Intent(&r)
}

// forgo records a run whose line will be run again: what it weighs on budgets counts all the same.
func (l Lines) forgo(run id.Call, kept *calllog.Record) {
	switch {
	case run == (id.Call{}):
	case len(kept.Charges) == 0:
		l.Concluded(run)
	default:
		r := *kept
		r.ID, r.Payload = run, nil
		if err := l.g.Log.Final(&r); err != nil {
			l.g.metrics.unlogged.Inc()
		}
	}
}

// Concluded implements batch.Calls.
func (l Lines) Concluded(run id.Call) {
	if run == (id.Call{}) {
		return
	}
	if err := l.g.Log.Void(run); err != nil {
		l.g.Logger.Warn("gateway: a run of a line stays announced", "run", run.String(), "err", err)
	}
}
