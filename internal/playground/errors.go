package playground

import "tollgate/internal/fault"

// The failures of the playground.
var (
	ErrInvalid  = fault.New(fault.Invalid, "playground.invalid", "This cannot be run.")
	ErrNotFound = fault.New(fault.NotFound, "playground.not_found", "There is no such run.")
	ErrData     = fault.New(fault.Invalid, "playground.bad_dataset", "The dataset cannot be read.")
	ErrOff      = fault.New(fault.Conflict, "playground.off", "The playground is turned off for this team. Enable its key on the page Keys.")
	ErrNoPlane  = fault.New(fault.Unavailable, "playground.no_gateway", "This process cannot make calls now. Try again in a moment; if it lasts, its log says why.")
	ErrOver     = fault.New(fault.Conflict, "playground.run_over", "This run is over.")
)

func invalid(field, format string, args ...any) error {
	return ErrInvalid.Say(format, args...).At(field)
}
