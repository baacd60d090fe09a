package app

import (
	"context"

	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/snapshot/snapshotpg"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagepg"
	"tollgate/internal/worker"
)

// Worker turns call logs into usage, keeps partitions and retention, and sweeps sessions.
var Worker = Part{name: "worker", build: buildWorker}

func buildWorker(_ context.Context, h *house) ([]service, error) {
	log := h.log.With("part", "worker")
	deps := worker.Deps{
		Calls:         calllogpg.New(h.db),
		Roller:        usage.NewRoller(usagepg.New(h.db), h.now, log),
		Retention:     worker.Retention{Calls: h.cfg.Retention, Payloads: h.cfg.PayloadRetention},
		SweepSessions: h.accounts().SweepSessions,
		PruneChanges:  snapshotpg.New(h.db, nil).Prune,
		Listen:        h.db.Listen,
		Now:           h.now,
		Logger:        log,
	}
	return []service{{"worker", behind, func(ctx context.Context) error { return worker.Run(ctx, deps) }}}, nil
}
