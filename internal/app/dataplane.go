package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/budget/lease"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/calllog/ship"
	"tollgate/internal/calllog/spool"
	"tollgate/internal/egress"
	"tollgate/internal/gateway"
	"tollgate/internal/key"
	"tollgate/internal/key/keypg"
	"tollgate/internal/limit"
	"tollgate/internal/provider/catalog"
	headerflags "tollgate/internal/provider/flags"
	"tollgate/internal/provider/sandbox"
	"tollgate/internal/score"
	"tollgate/internal/score/scorepg"
	"tollgate/internal/snapshot"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagepg"
)

// dataPlane is a gateway with what it stands on: its spool, the shipper and the snapshot it serves from. A process has at most one:
// the proxy's, which listens, or the worker's, which makes calls itself.
type dataPlane struct {
	gate      *gateway.Gateway
	calls     *spool.Spool
	snapshots *snapshot.Follower
	shipper   *ship.Shipper
	policy    *headerflags.Follower
	upgrades  *key.Upgrades
	book      *lease.Book
	log       *slog.Logger
	fit       func(context.Context) error
	meter     func(context.Context) error // counts limits with other proxies; nil: there is nothing to run
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
	upgrades := key.NewUpgrades(keys.Upgrade, upgradeEvery, log)
	shipper := ship.New(calls, calllogpg.New(h.db), ship.Options{Now: h.now, Logger: log, Used: keys.MarkUsed, UsedSecrets: keys.MarkSecretsUsed})
	policy, err := headerflags.Follow(h.cfg.HeaderPolicy, policyPoll, log)
	if err != nil {
		return nil, fmt.Errorf("TOLLGATE_HEADER_POLICY: %w", err)
	}
	keyed := gateway.Keyed{
		Feedback: gateway.Feedback(score.NewService(scorepg.New(h.db), h.now)),
		Self:     gateway.Introspect(purse{usage.NewService(usagepg.New(h.db)), budgetpg.NewStore(h.db), h.now}, h.now),
	}
	h.batchEndpoints(&keyed)
	var meter limit.Meter
	var meterRun func(context.Context) error
	var meterFigures []prometheus.Collector
	if folder == h.cfg.DataDir { // the worker's own calls are under no limit, and it is no proxy among which they are shared
		if meter, meterRun, meterFigures, err = h.meter(calls.Proxy(), log); err != nil {
			return nil, err
		}
	}
	book := h.newBook(calls, log)
	gate := gateway.New(gateway.Deps{
		Snapshots: snapshots.Snapshot,
		Log:       calls,
		Hash:      h.hasher.Hash,
		Upgrade:   upgrades.Note,
		Vendors:   catalog.Known,
		Clients:   catalog.Client,
		Choose:    catalog.Choose,
		Signer:    h.signer(ctx),
		Flags:     policy.Policy,
		Transport: gateway.NewTransport(egress.New(h.cfg.EgressAllow)),
		Sandbox:   sandbox.New(h.now, sleep),
		Keyed:     keyed,
		Limits:    meter,
		Budgets:   book,
		Durable:   budgetpg.NewAuthority(h.db),
		Now:       h.now,
		Logger:    log,
	}, gateway.Config{Proxy: calls.Proxy(), DashboardURL: h.cfg.PublicURL, TrustedProxies: h.cfg.TrustedProxies, Heartbeat: h.cfg.Heartbeat, ConcurrencyMax: h.cfg.ConcurrencyMax})
	gate.Registry().MustRegister(append(dataPlaneFigures(snapshots, calls, shipper), meterFigures...)...)
	gate.Registry().MustRegister(budgetFigures(book)...)
	h.figures = append(h.figures, gate.Registry())
	d := &dataPlane{gate: gate, calls: calls, snapshots: snapshots, shipper: shipper, policy: policy, upgrades: upgrades, book: book, log: log, fit: h.fit, meter: meterRun}
	h.plane = d
	return d, nil
}

// services are what stands behind the gateway.
func (d *dataPlane) services() []service {
	out := []service{
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
		{"budgets", behind, d.book.Run},
		{"budgets of earlier runs", behind, d.succeed},
		{"collector", behind, tuneCollector},
		{"cut-off of keys", behind, d.gate.CutOff},
		{"imported keys", behind, d.upgrades.Run},
		{"header policy", behind, d.policy.Run},
	}
	if d.meter != nil {
		out = append(out, service{"limits", behind, d.meter})
	}
	return out
}
