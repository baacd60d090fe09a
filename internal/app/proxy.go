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
	"tollgate/internal/provider/sandbox"
)

// Proxy is the data plane: gateway, spool, shipper and the snapshot it serves from.
var Proxy = Part{name: "proxy", build: buildProxy, offline: true}

func buildProxy(ctx context.Context, h *house) ([]service, error) {
	log := h.log.With("part", "proxy")
	snapshots, err := h.follower(ctx, log)
	if err != nil {
		return nil, err
	}
	calls, err := spool.Open(filepath.Join(h.cfg.DataDir, "spool"), spool.Options{Now: h.now, Logger: log, QuotaBytes: h.cfg.SpoolQuota})
	if err != nil {
		return nil, err
	}
	keys := key.NewService(keypg.New(h.db), h.hasher, h.now)
	shipper := ship.New(calls, calllogpg.New(h.db), ship.Options{Now: h.now, Logger: log, Used: keys.MarkUsed})
	gate := gateway.New(gateway.Deps{
		Snapshots: snapshots.Snapshot,
		Log:       calls,
		Hash:      h.hasher.Hash,
		Vendors:   catalog.Vendor,
		Dialects:  catalog.Dialect,
		Transport: gateway.NewTransport(egress.New(h.cfg.EgressAllow)),
		Sandbox:   sandbox.New(h.now, sleep),
		Now:       h.now,
		Logger:    log,
	}, gateway.Config{Proxy: calls.Proxy(), TrustedProxies: h.cfg.TrustedProxies, Heartbeat: h.cfg.Heartbeat})
	l, err := listen(ctx, "the gateway", h.cfg.GatewayAddr)
	if err != nil {
		return nil, err
	}
	h.onWeb = append(h.onWeb, fmt.Sprintf("gateway    %s/v1", h.cfg.GatewayURL))
	return []service{
		{"gateway", edge, serve(l, gateway.NewServer(gate, log), log, h.cfg.Drain, gate.Drain)},
		{"snapshot", behind, snapshots.Run},
		{"shipper", behind, func(ctx context.Context) error {
			err := shipper.Run(ctx)
			if closeErr := calls.Close(); err == nil {
				err = closeErr
			}
			return err
		}},
	}, nil
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
