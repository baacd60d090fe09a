package app

import (
	"context"
	"log/slog"
	"path/filepath"

	"tollgate/internal/batch/batchpg"
	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/experiment"
	"tollgate/internal/experiment/experimentpg"
	"tollgate/internal/key"
	"tollgate/internal/key/keypg"
	"tollgate/internal/limit"
	"tollgate/internal/limit/limitpg"
	"tollgate/internal/notice/noticepg"
	"tollgate/internal/playground"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/prompt/promptstat/promptstatpg"
	"tollgate/internal/score/scorepg"
	"tollgate/internal/snapshot/snapshotpg"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagepg"
	"tollgate/internal/worker"
)

// Worker turns call logs into usage, keeps partitions and retention, and sweeps sessions.
var Worker = Part{name: "worker", build: buildWorker}

func buildWorker(ctx context.Context, h *house) ([]service, error) {
	log := h.log.With("part", "worker")
	services, err := h.callsItself(ctx, log)
	if err != nil {
		return nil, err
	}
	s, err := h.services(ctx)
	if err != nil {
		return nil, err
	}
	experiments := experimentpg.New(h.db)
	batches := batchpg.New(h.db)
	courier, oldNotices, err := h.courier(log)
	if err != nil {
		return nil, err
	}
	ledger := budgetpg.NewLedger(h.db, log)
	books := budgetpg.NewKeeper(ledger, h.now)
	h.plane.gate.Registry().MustRegister(ledgerFigure(ledger.Drift))
	deps := worker.Deps{
		Calls:         calllogpg.New(h.db),
		Roller:        usage.NewRoller(usagepg.New(h.db), h.now, log),
		Scores:        scorepg.New(h.db),
		Retention:     worker.Retention{Calls: h.cfg.Retention, Payloads: h.cfg.PayloadRetention},
		SweepSessions: h.accounts().SweepSessions,
		PruneChanges:  snapshotpg.New(h.db, nil).Prune,
		Batches:       h.batchRunner(h.plane, log).Turn,
		SweepBatches:  batches.Sweep,
		Prompts:       usage.NewRoller(promptstatpg.New(h.db), h.now, log).Turn,
		Experiments:   experiment.NewKeeper(s.experiments, experiments, log).Turn,
		Playground:    playground.NewRunner(h.playground(&s), log).Turn,
		Judgements:    experiment.NewBailiff(s.experiments, experiments, s.scores, asker{h.plane.gate}, log).Turn,
		BudgetWindows: books.Windows,
		BudgetBooks:   books.Books,
		BudgetAlerts:  budget.NewAlerter(budgetpg.NewAlerts(h.db), noticepg.New(h.db), h.now, log).Turn,
		LimitAlerts:   limit.NewAlerter(limitpg.New(h.db), s.notices, h.now).Turn,
		KeyReminders:  key.NewReminder(keypg.New(h.db), tellOfKeys(s.notices), h.now).Turn,
		PromptMoves:   prompt.NewKeeper(s.prompts, promptpg.New(h.db), s.promptStats, tellOfPrompts(s.notices), log).Turn,
		Notices:       courier,
		OldNotices:    oldNotices,
		Listen:        h.db.Listen,
		Now:           h.now,
		Logger:        log,
	}
	// At the edge: the calls that jobs make end before the spool closes.
	running := func(ctx context.Context) error { return worker.Run(ctx, deps) }
	return append(services, service{"worker", edge, finishing(h.plane.gate, running)}), nil
}

// callsItself gives the worker a data plane for the calls that jobs make: lines of batches, judgements. Where the process is a proxy
// too it is the proxy's.
func (h *house) callsItself(ctx context.Context, log *slog.Logger) ([]service, error) {
	if h.plane != nil {
		return nil, nil
	}
	d, err := h.newDataPlane(ctx, filepath.Join(h.cfg.DataDir, "worker"), log)
	if err != nil {
		return nil, err
	}
	return d.services(), nil
}
