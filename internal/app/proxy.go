package app

import (
	"context"
	"fmt"
	"time"

	"tollgate/internal/gateway"
)

// Proxy is the data plane: gateway, spool, shipper and the snapshot it serves from.
var Proxy = Part{name: "proxy", build: buildProxy, offline: true}

func buildProxy(ctx context.Context, h *house) ([]service, error) {
	log := h.log.With("part", "proxy")
	d, err := h.newDataPlane(ctx, h.cfg.DataDir, log)
	if err != nil {
		return nil, err
	}
	l, err := h.listen(ctx, "the gateway", h.cfg.GatewayAddr, "--gateway-addr or TOLLGATE_GATEWAY_ADDR")
	if err != nil {
		return nil, err
	}
	h.onWeb = append(h.onWeb, fmt.Sprintf("gateway    %s/v1", h.cfg.GatewayURL))
	listening := serve(l, gateway.NewServer(d.gate, log), log, h.cfg.Drain, d.gate.Drain)
	return append(d.services(), service{"gateway", edge, finishing(d.gate, listening)}), nil
}

// policyPoll is how often the header policy is looked at.
const policyPoll = 2 * time.Second

// cutPatience is how long calls that were cut may take to write their record.
const cutPatience = 2 * time.Second

// finishing is serving that ends when calls that were cut have written how: behind it the spool closes.
func finishing(gate *gateway.Gateway, serving func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		err := serving(ctx)
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), cutPatience)
		defer cancel()
		_ = gate.Wait(limited) // one that takes longer is found as interrupted at the next start
		return err
	}
}

// sleep waits for d, or less when ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
