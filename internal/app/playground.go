package app

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/experiment"
	"tollgate/internal/gateway"
	"tollgate/internal/playground"
	"tollgate/internal/playground/playgroundpg"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
)

// tryer makes the playground's calls through the process's own data plane.
type tryer struct{ h *house }

// Call implements playground.Caller.
func (t tryer) Call(ctx context.Context, o playground.Outgoing, w http.ResponseWriter) error {
	if t.h.plane == nil {
		return playground.ErrNoPlane
	}
	_, err := t.h.plane.gate.Do(ctx, gateway.Inside{Org: o.Org, Key: o.Key, Call: o.Call, Path: "/v1/chat/completions", Body: o.Body, Low: o.Low, To: w})
	if errors.Is(err, gateway.ErrStarting) {
		return playground.ErrNoPlane.Because(err)
	}
	return err
}

// playground is the domain over the process's data plane.
func (h *house) playground(s *services) *playground.Service {
	return playground.NewService(playground.Deps{
		Store: playgroundpg.New(h.db), Prompts: prompt.NewService(promptpg.New(h.db), h.now), Aliases: s.aliases,
		Prices: experiment.PriceList{Service: s.prices, Now: h.now}, Teams: s.accounts, Issuer: s.issue, Keys: s.keys, Budgets: s.budgets,
		Calls: calllog.NewQueries(calllogpg.New(h.db)), Caller: tryer{h}, Conforms: gateway.Conforms(), Now: h.now,
	})
}

// ownPlane gives a process that answers the dashboard and has no data plane one of its own, for the playground: its calls are routed,
// budgeted and logged by the same code as a proxy's. Where that cannot be, the dashboard does without: the playground says so.
func (h *house) ownPlane(ctx context.Context) []service {
	if !h.asks || h.plane != nil {
		return nil
	}
	d, err := h.newDataPlane(ctx, filepath.Join(h.cfg.DataDir, "api"), h.log.With("part", "playground"))
	if err != nil {
		h.plane = nil
		h.log.Warn("the playground is off: this process cannot make calls", "error", err)
		return nil
	}
	return d.services()
}
