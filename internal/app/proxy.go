package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/calllog/ship"
	"tollgate/internal/calllog/spool"
	"tollgate/internal/egress"
	"tollgate/internal/gateway"
	"tollgate/internal/key"
	"tollgate/internal/key/keypg"
	"tollgate/internal/provider/catalog"
	headerflags "tollgate/internal/provider/flags"
	"tollgate/internal/provider/sandbox"
)

// Proxy is the data plane: gateway, spool, shipper and the snapshot it serves from.
var Proxy = Part{name: "proxy", build: buildProxy, offline: true}

func buildProxy(ctx context.Context, h *house) ([]service, error) {
	log := h.log.With("part", "proxy")
	// First of all the spool: its lock proves that this process alone uses the folder.
	calls, err := spool.Open(filepath.Join(h.cfg.DataDir, "spool"), spool.Options{Now: h.now, Logger: log, QuotaBytes: h.cfg.SpoolQuota})
	if err != nil {
		return nil, h.cfg.inUse(err)
	}
	h.undo = append(h.undo, func() { _ = calls.Close() })
	snapshots, err := h.follower(ctx, log)
	if err != nil {
		return nil, err
	}
	keys := key.NewService(keypg.New(h.db), h.hasher, h.now)
	shipper := ship.New(calls, calllogpg.New(h.db), ship.Options{Now: h.now, Logger: log, Used: keys.MarkUsed})
	policy, err := headerflags.Follow(h.cfg.HeaderPolicy, policyPoll, log)
	if err != nil {
		return nil, fmt.Errorf("TOLLGATE_HEADER_POLICY: %w", err)
	}
	gate := gateway.New(gateway.Deps{
		Snapshots: snapshots.Snapshot,
		Log:       calls,
		Hash:      h.hasher.Hash,
		Vendors:   catalog.Vendor,
		Clients:   catalog.Client,
		Choose:    catalog.Choose,
		Signer:    h.signer(ctx),
		Flags:     policy.Policy,
		Transport: gateway.NewTransport(egress.New(h.cfg.EgressAllow)),
		Sandbox:   sandbox.New(h.now, sleep),
		Now:       h.now,
		Logger:    log,
	}, gateway.Config{Proxy: calls.Proxy(), TrustedProxies: h.cfg.TrustedProxies, Heartbeat: h.cfg.Heartbeat})
	gate.Registry().MustRegister(dataPlaneFigures(snapshots, calls, shipper)...)
	h.figures = append(h.figures, gate.Registry())
	l, err := h.listen(ctx, "the gateway", h.cfg.GatewayAddr, "--gateway-addr or TOLLGATE_GATEWAY_ADDR")
	if err != nil {
		return nil, err
	}
	h.onWeb = append(h.onWeb, fmt.Sprintf("gateway    %s/v1", h.cfg.GatewayURL))
	return []service{
		{"gateway", edge, finishing(gate, serve(l, gateway.NewServer(gate, log), log, h.cfg.Drain, gate.Drain))},
		{"snapshot", behind, func(ctx context.Context) error {
			// Calls are served meanwhile, and whatever the answer is: this process does without its database.
			if err := h.fit(ctx); err != nil && ctx.Err() == nil {
				log.Error("serving the last known configuration", "error", err)
			}
			return snapshots.Run(ctx)
		}},
		{"shipper", behind, func(ctx context.Context) error {
			err := shipper.Run(ctx)
			if closeErr := calls.Close(); err == nil {
				err = closeErr
			}
			return err
		}},
		{"collector", behind, tuneCollector},
		{"header policy", behind, policy.Run},
	}, nil
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
