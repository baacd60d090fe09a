package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

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
	"tollgate/internal/score"
	"tollgate/internal/score/scorepg"
	"tollgate/internal/snapshot"
)

// dataPlane is a gateway with what it stands on: its spool, the shipper and the snapshot it serves from. A process has at most one:
// the proxy's, which listens, or the worker's, which makes calls itself.
type dataPlane struct {
	gate      *gateway.Gateway
	calls     *spool.Spool
	snapshots *snapshot.Follower
	shipper   *ship.Shipper
	policy    *headerflags.Follower
	log       *slog.Logger
	fit       func(context.Context) error
}

// newDataPlane makes one whose files lie in folder, below the data folder.
func (h *house) newDataPlane(ctx context.Context, folder string, log *slog.Logger) (*dataPlane, error) {
	// First of all the spool: its lock proves that this process alone uses the folder.
	calls, err := spool.Open(filepath.Join(folder, "spool"), spool.Options{Now: h.now, Logger: log, QuotaBytes: h.cfg.SpoolQuota})
	if err != nil {
		return nil, h.cfg.inUse(err)
	}
	h.undo = append(h.undo, func() { _ = calls.Close() })
	snapshots, err := h.follower(ctx, folder, log)
	if err != nil {
		return nil, err
	}
	keys := key.NewService(keypg.New(h.db), h.hasher, h.now)
	shipper := ship.New(calls, calllogpg.New(h.db), ship.Options{Now: h.now, Logger: log, Used: keys.MarkUsed})
	policy, err := headerflags.Follow(h.cfg.HeaderPolicy, policyPoll, log)
	if err != nil {
		return nil, fmt.Errorf("TOLLGATE_HEADER_POLICY: %w", err)
	}
	keyed := gateway.Keyed{Feedback: gateway.Feedback(score.NewService(scorepg.New(h.db), h.now))}
	h.batchEndpoints(&keyed)
	gate := gateway.New(gateway.Deps{
		Snapshots: snapshots.Snapshot,
		Log:       calls,
		Hash:      h.hasher.Hash,
		Vendors:   catalog.Known,
		Clients:   catalog.Client,
		Choose:    catalog.Choose,
		Signer:    h.signer(ctx),
		Flags:     policy.Policy,
		Transport: gateway.NewTransport(egress.New(h.cfg.EgressAllow)),
		Sandbox:   sandbox.New(h.now, sleep),
		Keyed:     keyed,
		Now:       h.now,
		Logger:    log,
	}, gateway.Config{Proxy: calls.Proxy(), TrustedProxies: h.cfg.TrustedProxies, Heartbeat: h.cfg.Heartbeat, ConcurrencyMax: h.cfg.ConcurrencyMax})
	gate.Registry().MustRegister(dataPlaneFigures(snapshots, calls, shipper)...)
	h.figures = append(h.figures, gate.Registry())
	d := &dataPlane{gate: gate, calls: calls, snapshots: snapshots, shipper: shipper, policy: policy, log: log, fit: h.fit}
	h.plane = d
	return d, nil
}

// services are what stands behind the gateway.
func (d *dataPlane) services() []service {
	return []service{
		{"snapshot", behind, func(ctx context.Context) error {
			// Calls are served meanwhile, and whatever the answer is: this process does without its database.
			if err := d.fit(ctx); err != nil && ctx.Err() == nil {
				d.log.Error("serving the last known configuration", "error", err)
			}
			return d.snapshots.Run(ctx)
		}},
		{"shipper", behind, func(ctx context.Context) error {
			err := d.shipper.Run(ctx)
			if closeErr := d.calls.Close(); err == nil {
				err = closeErr
			}
			return err
		}},
		{"collector", behind, tuneCollector},
		{"header policy", behind, d.policy.Run},
	}
}
