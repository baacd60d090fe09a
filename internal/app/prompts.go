package app

import (
	"context"
	"errors"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/tenant"
)

// keptCalls is the call log as prompts are made from it.
type keptCalls struct{ calls *calllog.Queries }

// Kept implements exchange.Calls.
func (k keptCalls) Kept(ctx context.Context, in tenant.Scope, call id.Call) (exchange.Kept, error) {
	e, err := k.calls.Call(ctx, in, call)
	switch {
	case errors.Is(err, calllog.ErrNotFound):
		return exchange.Kept{}, exchange.ErrCall
	case err != nil || e.Payload == nil:
		return exchange.Kept{}, err
	}
	return exchange.Kept{Dialect: e.Dialect, Body: e.Payload.Request, Cut: e.Payload.Cut}, nil
}
