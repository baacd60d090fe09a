// Package worker runs what no request waits for. jobs.go names every job on a line; what a job does is its domain's.
package worker

import (
	"context"
	"log/slog"
	"time"

	"tollgate/internal/batch/batchpg"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/notice/noticepg"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/score/scorepg"
	"tollgate/internal/usage"
)

// Deps is what the jobs stand on. All fields are required.
type Deps struct {
	Calls     *calllogpg.Store
	Roller    *usage.Roller
	Scores    *scorepg.Store
	Retention Retention
	// SweepSessions removes the sessions that have ended; account.Service has it.
	SweepSessions func(ctx context.Context) (int64, error)
	// PruneChanges forgets configuration changes from before a time; snapshotpg.Source has it.
	PruneChanges func(ctx context.Context, before time.Time) error
	// Batches does what is due of batches; batch.Runner has it. nil: nothing.
	Batches func(ctx context.Context) error
	// SweepBatches removes batches and their files whose time has ended; batchpg.Store has it. nil: nobody does.
	SweepBatches func(ctx context.Context, now time.Time) (int64, error)
	// Prompts sums up what prompts came to; a usage.Roller of promptstatpg has it. nil: nobody does.
	Prompts func(ctx context.Context) error
	// Experiments sums experiments up, looks at them and carries promotions on; experiment.Keeper has it. nil: nobody does.
	Experiments func(ctx context.Context) error
	// Judgements has models judge samples of experiments' calls; experiment.Bailiff has it. nil: nobody does.
	Judgements func(ctx context.Context) error
	// Playground goes on with runs of datasets; playground.Runner has it. nil: nobody does.
	Playground func(ctx context.Context) error
	// BudgetWindows finalises windows of budgets that are over; budgetpg.Keeper has it. nil: nobody does.
	BudgetWindows func(ctx context.Context) error
	// BudgetBooks goes over the books of budgets; budgetpg.Keeper has it. nil: nobody does.
	BudgetBooks func(ctx context.Context) error
	// BudgetAlerts tells people what becomes of their budgets; budget.Alerter has it. nil: nobody does.
	BudgetAlerts func(ctx context.Context) error
	// LimitAlerts tells people of limits that were reached; limit.Alerter has it. nil: nobody does.
	LimitAlerts func(ctx context.Context) error
	// KeyReminders tells people before keys end; key.Reminder has it. nil: nobody does.
	KeyReminders func(ctx context.Context) error
	// PromptMoves makes moves of labels that are due, carries gradual ones on and tells of changes; prompt.Keeper has it. nil: nobody does.
	PromptMoves func(ctx context.Context) error
	// Notices sends what is due of notices; notice.Courier has it. nil: nobody does.
	Notices func(ctx context.Context) error
	// OldNotices removes old notices; noticepg.Store has it. nil: nobody does.
	OldNotices func(ctx context.Context) error
	// Listen calls got for each notification on a channel until ctx ends; postgres.DB.Listen is it.
	Listen func(ctx context.Context, channel string, got func(payload string)) error
	Now    func() time.Time
	Logger *slog.Logger
}

// Retention is how long things are kept. Zero: for ever.
type Retention struct {
	Calls    time.Duration
	Payloads time.Duration // never longer than Calls
}

// jobs is everything that a worker does. Any number of workers may run all of it.
func jobs(d Deps) []job {
	return []job{
		{name: "rollup", every: 2 * time.Second, rest: 200 * time.Millisecond, wake: calllogpg.Channel, do: d.Roller.Turn},
		{name: "prompt figures", every: 5 * time.Second, rest: time.Second, wake: calllogpg.Channel, do: given(d.Prompts)},
		{name: "partitions", every: time.Hour, do: d.partitions},
		{name: "stray calls", every: 5 * time.Minute, do: d.astray},
		{name: "retention", every: time.Hour, do: d.retire},
		{name: "sessions", every: time.Hour, do: d.sessions},
		{name: "configuration changes", every: time.Hour, do: d.changes},
		{name: "experiments", every: 10 * time.Second, do: given(d.Experiments)},
		{name: "judgements", every: 30 * time.Second, do: given(d.Judgements)},
		{name: "playground runs", every: 2 * time.Second, rest: 100 * time.Millisecond, do: given(d.Playground)},
		{name: "budget windows", every: 30 * time.Second, do: given(d.BudgetWindows)},
		{name: "budget books", every: 5 * time.Minute, do: given(d.BudgetBooks)},
		{name: "budget alerts", every: 15 * time.Second, do: given(d.BudgetAlerts)},
		{name: "limit alerts", every: time.Minute, do: given(d.LimitAlerts)},
		{name: "key reminders", every: 5 * time.Minute, do: given(d.KeyReminders)},
		{name: "prompt moves", every: 5 * time.Second, rest: 100 * time.Millisecond, wake: promptpg.Channel, do: given(d.PromptMoves)},
		{name: "notices", every: 5 * time.Second, rest: 100 * time.Millisecond, wake: noticepg.Channel, do: given(d.Notices)},
		{name: "old notices", every: time.Hour, do: given(d.OldNotices)},
		{name: "batches", every: time.Second, rest: 100 * time.Millisecond, wake: batchpg.Channel, do: d.batches},
		{name: "old batches", every: time.Hour, do: d.oldBatches},
	}
}

// given is a job that a worker may be without.
func given(do func(context.Context) error) func(context.Context) error {
	if do == nil {
		return func(context.Context) error { return nil }
	}
	return do
}

func (d Deps) batches(ctx context.Context) error {
	if d.Batches == nil {
		return nil
	}
	return d.Batches(ctx)
}

func (d Deps) oldBatches(ctx context.Context) error {
	if d.SweepBatches == nil {
		return nil
	}
	_, err := d.SweepBatches(ctx, d.Now())
	return err
}

func (d Deps) partitions(ctx context.Context) error {
	made, err := d.Calls.MakeDays(ctx, d.Now())
	if made > 0 {
		d.Logger.Info("call log partitions made", "partitions", made)
	}
	return err
}

// astray is an alarm: calls outside of the partitions mean a wrong clock, or that no worker ran for two weeks.
func (d Deps) astray(ctx context.Context) error {
	n, err := d.Calls.Astray(ctx)
	if n > 0 {
		d.Logger.Error("calls lie outside of every partition", "calls", n)
	}
	return err
}

// retire drops what is older than its retention. What is kept for ever is older than nothing.
func (d Deps) retire(ctx context.Context) error {
	before := func(keep time.Duration) time.Time {
		if keep <= 0 {
			return time.Unix(0, 0).UTC()
		}
		return d.Now().Add(-keep)
	}
	dropped, err := d.Calls.Retire(ctx, before(d.Retention.Calls), before(d.Retention.Payloads))
	if dropped > 0 {
		d.Logger.Info("call log partitions dropped: their retention has ended", "partitions", dropped)
	}
	if err != nil {
		return err
	}
	_, err = d.Scores.Retire(ctx)
	return err
}

func (d Deps) sessions(ctx context.Context) error {
	_, err := d.SweepSessions(ctx)
	return err
}

// changesKept is how long a proxy may be away and still catch up by changes; after that it reads everything.
const changesKept = 24 * time.Hour

func (d Deps) changes(ctx context.Context) error {
	return d.PruneChanges(ctx, d.Now().Add(-changesKept))
}
