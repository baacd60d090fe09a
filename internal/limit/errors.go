package limit

import "tollgate/internal/fault"

// The failures of this package.
var (
	ErrNotFound = fault.New(fault.NotFound, "limit.not_found", "There is no such limit.")
	ErrTaken    = fault.New(fault.Conflict, "limit.name_taken", "Another limit has this name.")
	ErrInvalid  = fault.New(fault.Invalid, "limit.invalid", "This limit is not valid.")
	ErrStale    = fault.New(fault.Stale, "limit.stale", "The limit has changed since you read it. Read it again.")
	ErrTooMany  = fault.New(fault.Conflict, "limit.too_many", "An organization has at most 200 limits. Archive one first.")

	// ErrExceeded is for a call that comes too soon: it may be sent again later.
	ErrExceeded = fault.New(fault.RateLimited, "limit.exceeded", "A rate limit was reached. Try again later.")
	// ErrTooLarge is for a call that never fits: waiting does not help.
	ErrTooLarge = fault.New(fault.RateLimited, "limit.too_large", "The call alone is more than a rate limit allows.")
	// ErrUnavailable is for a call under a limit that cannot be counted now, where the operator wants such calls refused.
	ErrUnavailable = fault.New(fault.Unavailable, "limit.unavailable", "Rate limits cannot be counted now, and this installation then makes no call that falls under one. Try again soon.")
)
