package budget

import "tollgate/internal/fault"

// Why a call is refused. The data plane answers them, each with a sentence of its own that names the budget.
var (
	ErrExceeded    = fault.New(fault.PaymentRequired, "budget.exceeded", "A budget has no room for this call.")
	ErrUnbounded   = fault.New(fault.PaymentRequired, "budget.unbounded", "What this call could cost has no bound, and a budget that must hold covers it.")
	ErrUnpriced    = fault.New(fault.PaymentRequired, "budget.unpriced", "This model has no known price, and a budget that must hold covers the call.")
	ErrUnreachable = fault.New(fault.Unavailable, "budget.authority_unavailable",
		"What is left of a budget cannot be found out now, so the call was not made. Try again soon.")
)

// The failures of managing budgets. The control plane answers them.
var (
	ErrNotFound = fault.New(fault.NotFound, "budget.not_found", "There is no such budget.")
	ErrTaken    = fault.New(fault.Conflict, "budget.name_taken", "Another budget has this name.")
	ErrInvalid  = fault.New(fault.Invalid, "budget.invalid", "This budget is not valid.")
	ErrArchived = fault.New(fault.Conflict, "budget.archived", "This budget is archived. Restore it first.")
	ErrTooMany  = fault.New(fault.Conflict, "budget.too_many", "The organization has as many budgets as it may. Archive some, or let one budget count each value of a dimension by itself.")
	ErrNoRaise  = fault.New(fault.NotFound, "budget.raise_not_found", "There is no such raise, or it has ended.")
	ErrNoPeriod = fault.New(fault.NotFound, "budget.no_such_limit", "The budget has no limit for this period.")
	ErrStale    = fault.New(fault.Stale, "budget.stale", "The budget has changed since you read it. Read it again.")
)
