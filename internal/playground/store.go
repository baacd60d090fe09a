package playground

import (
	"context"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Store is what Service and Runner need from storage; package playgroundpg provides it.
type Store interface {
	// Till finds a team's key. ErrNotFound.
	Till(ctx context.Context, in tenant.Scope, team id.Team) (Marker, error)
	// OpenTill makes m the team's, where it has none or has instead, and gives what it has then.
	OpenTill(ctx context.Context, in tenant.Scope, team id.Team, instead id.Key, m Marker, at time.Time) (Marker, error)

	// InsertRun stores a run with its rows.
	InsertRun(ctx context.Context, in tenant.Scope, r Run, rows []Row) error
	// Run finds one, with how far it is. ErrNotFound.
	Run(ctx context.Context, in tenant.Scope, which id.PlaygroundRun) (Run, error)
	// Runs lists newest first those behind after (empty: from the newest), at most limit.
	Runs(ctx context.Context, in tenant.Scope, after id.PlaygroundRun, limit int) ([]Run, error)
	// Lines lists the rows behind a number with their results, at most limit; brief leaves out what was said. ErrNotFound.
	Lines(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, after, limit int, brief bool) ([]Line, error)
	// ChangeRun stores the status that fn gives a run while nobody else changes it. ErrNotFound.
	ChangeRun(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, fn func(*Run) error) (Run, error)
	// Forget removes the results that failed, so that they are asked again.
	Forget(ctx context.Context, in tenant.Scope, which id.PlaygroundRun) error

	RunnerStore
}

// RunnerStore is what the worker needs.
type RunnerStore interface {
	// Unfinished finds the runs that go on, of every organization.
	Unfinished(ctx context.Context) ([]Standing, error)
	// Claim takes at most limit tasks that nobody has, and names their calls. None once the run does not go on.
	Claim(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, limit int, now time.Time) ([]Task, error)
	// Stale finds tasks that were claimed before a time and have no result, and claims them again, at now.
	Stale(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, before, now time.Time) ([]Task, error)
	// Put stores the result of a claimed task. Of one that has a result nothing is changed.
	Put(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, r Result) error
	// Release gives a claimed task back: no provider was asked.
	Release(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, row, column int) error
	// Finish ends a run that goes on and whose every task has a result; false: it is not so far.
	Finish(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, at time.Time) (bool, error)
}
