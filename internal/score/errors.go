package score

import "tollgate/internal/fault"

// The failures of this package.
var (
	ErrInvalid  = fault.New(fault.Invalid, "score.invalid", "The score is not valid.")
	ErrNoCall   = fault.New(fault.NotFound, "score.call_not_found", "There is no such call.")
	ErrNotFound = fault.New(fault.NotFound, "score.not_found", "The call has no such score.")
	ErrTooMany  = fault.New(fault.Invalid, "score.too_many", "At most 1,000 scores fit into one request.").At("scores")
	ErrTooFast  = fault.New(fault.RateLimited, "score.too_fast", "Scores come too fast: up to 200 a second are taken, and 2,000 at once. Try again in a moment.")
)
