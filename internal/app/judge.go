package app

import (
	"context"

	"tollgate/internal/gateway"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// asker lets jobs ask a model through the process's own data plane: the call is routed, billed and logged like a client's.
type asker struct{ gate *gateway.Gateway }

// Ask implements experiment.Asker.
func (a asker) Ask(ctx context.Context, org id.Org, k id.Key, body []byte) (status int, answer []byte, cost money.NanoUSD, err error) {
	got, err := a.gate.Do(ctx, gateway.Inside{Org: org, Key: k, Path: "/v1/chat/completions", Body: body, Low: true})
	if err != nil {
		return 0, nil, 0, err // no call was made: it cost nothing
	}
	cost, told := money.ParseUSD(got.Header.Get("X-Tollgate-Cost-Usd"))
	if told != nil {
		cost = -1
	}
	return got.Status, got.Body, cost, nil
}
