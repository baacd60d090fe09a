package batch

import "tollgate/internal/fault"

// The failures of this package.
var (
	ErrNotFound     = fault.New(fault.NotFound, "batch.not_found", "There is no such batch.")
	ErrJobNotFound  = fault.New(fault.NotFound, "job.not_found", "There is no such job.")
	ErrFileNotFound = fault.New(fault.NotFound, "file.not_found", "There is no such file.")
	ErrFile         = fault.New(fault.Invalid, "file.invalid", "The file cannot be used.")
	ErrFileTooLarge = fault.New(fault.TooLarge, "file.too_large", "The file is too large.")
	ErrFileInUse    = fault.New(fault.Conflict, "file.in_use", "A batch that is not over uses this file. Cancel the batch first.")
	ErrInvalid      = fault.New(fault.Invalid, "batch.invalid", "The batch is not valid.")
	ErrOver         = fault.New(fault.Conflict, "batch.over", "The batch is over: it cannot be cancelled any more.")
	ErrNotOver      = fault.New(fault.Conflict, "batch.not_over", "The batch is not over yet: its results come when it is.")
	ErrJobFailed    = fault.New(fault.Conflict, "job.no_answer", "The job has no answer.")
	ErrLost         = fault.New(fault.Internal, "batch.lease_lost", "Another worker has taken this work over.")
	ErrNotDeferred  = fault.New(fault.Invalid, "job.not_deferrable",
		"This call cannot be answered later: only whole answers of model calls can. Leave out stream and x-tollgate-defer.")
)
