package experiment

import "tollgate/internal/fault"

// The failures of this package.
var (
	ErrNotFound     = fault.New(fault.NotFound, "experiment.not_found", "There is no such experiment.")
	ErrNoArm        = fault.New(fault.Invalid, "experiment.unknown_arm", "The experiment has no such arm. Name one of its variants.")
	ErrInvalid      = fault.New(fault.Invalid, "experiment.invalid", "This experiment is not valid.")
	ErrNotConnected = fault.New(fault.Invalid, "experiment.not_connected", "This provider is not connected. Connect it, or choose another model.")
	ErrNotDraft     = fault.New(fault.Conflict, "experiment.not_draft", "The experiment has started: its plan does not change any more. Stop it and make another.")
	ErrStale        = fault.New(fault.Stale, "experiment.stale", "The experiment was changed meanwhile. Read it again.")
	ErrNotRunning   = fault.New(fault.Conflict, "experiment.not_running", "The experiment does not run.")
	ErrBusy         = fault.New(fault.Conflict, "experiment.alias_busy", "Another experiment runs on this alias. Stop it first.")
	ErrNotPromoted  = fault.New(fault.Conflict, "experiment.not_promoted", "No arm of this experiment was promoted.")
	ErrNoPromotion  = fault.New(fault.Conflict, "experiment.no_promotion", "This experiment cannot be promoted: it has not run, was reverted or is invalid.")
	ErrLabelMoved   = fault.New(fault.Conflict, "experiment.label_moved", "The prompt's label was moved since. Change it by hand, or start another experiment.")
	ErrMoved        = fault.New(fault.Conflict, "experiment.alias_changed", "The alias was changed since. Change it by hand, or start another experiment.")
)

func invalid(field, format string, args ...any) error {
	return ErrInvalid.Say(format, args...).At(field)
}
